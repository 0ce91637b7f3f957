"""cpu_torch.py FOLDER: lets PyPI's torch, installed there with its CUDA runtime alone, be imported without the rest of CUDA.

PyPI has torch for x86-64 Linux only as linked against CUDA: 3 GB of libraries that a CPU never calls but that the
dynamic linker wants to see. Each of those becomes a stub that has the names torch asks for and ends the program when
one is called. Needs readelf, nm and gcc.
"""

import collections
import pathlib
import re
import subprocess
import sys


def output(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def wanted(libraries, present):
    """The names of the missing libraries, and {library: {version: names}} of what is asked of CUDA."""
    missing, file_of, names = set(), {}, collections.defaultdict(set)
    for library in libraries:
        missing |= set(re.findall(r"\(NEEDED\).*\[(.*)\]", output("readelf", "-d", library))) - present
        file = None
        for found in re.finditer(r"File: (\S+)|Name: (\S+)", output("readelf", "-V", "-W", library)):
            if found[1]:
                file = found[1]
            else:
                file_of[found[2]] = file
        for name, version in re.findall(r" U ((?:cu|nccl|nv)\S+?)(?:@(\S+))?$",
                                        output("nm", "-D", "--undefined-only", library), re.M):
            names[version].add(name)
    asked = collections.defaultdict(dict)
    for version, those in names.items():
        # A name without a version is found in any library; NCCL has no versions.
        asked[file_of[version] if version else "libnccl.so.2"][version] = sorted(those)
    return sorted(missing), asked


def write_stub(path, versions):
    """A library that defines the names of each version as one trap."""
    names = sorted(set().union(*versions.values()))
    code = ".text\n" + "".join(f".globl {name}\n.type {name}, @function\n{name}:\n" for name in names) + "ud2\n"
    nodes = "".join(f"{version} {{ global: {' '.join(f'{name};' for name in those)} }};\n"
                    for version, those in versions.items())
    script = path.with_suffix(".map")
    script.write_text(nodes or "{ };\n")
    subprocess.run(["gcc", "-shared", "-nostdlib", f"-Wl,-soname,{path.name}", f"-Wl,--version-script={script}",
                    "-o", path, "-x", "assembler", "-"], input=code, text=True, check=True)
    script.unlink()


def main(folder):
    libraries = sorted((folder / "torch" / "lib").glob("lib*.so*"))
    present = {path.name for path in [*libraries, *folder.glob("nvidia/*/lib/*.so.*")]}
    present |= set(re.findall(r"^\t(\S+) \(", output("/sbin/ldconfig", "-p"), re.M))
    missing, asked = wanted(libraries, present)
    for name in missing:
        write_stub(folder / "torch" / "lib" / name, asked.get(name, {}))
    print(f"stubs for {', '.join(missing) or 'nothing'}", file=sys.stderr)


main(pathlib.Path(sys.argv[1]))
