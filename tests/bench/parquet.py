#!/usr/bin/env python3
"""Parquet in and out, beside what people take otherwise: pyarrow to Python's dicts, polars, duckdb alone.

    parquet.py [ROWS ...]       10,000 and 1,000,000 (about 600 MB of JSON) when none are given

in    all rows as values of the language (fellowship: Lua tables; duckdb alone: JSON Lines, thrown away)
out   JSON Lines made a Parquet file, with the types that all rows show
CPU seconds are those of all processes. Peak MB is the sum of what all of them have resident, looked at every 20 ms.
$BENCH_PYTHON is a Python with pyarrow and polars (by default this one); duckdb is looked for in the PATH. Whatever is
missing is left out.
"""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import host
import rows as bench_rows

PYTHON = os.environ.get("BENCH_PYTHON", sys.executable)
PAGE = os.sysconf("SC_PAGE_SIZE")

PROGRAMS = {
    "in.lua": 'local n = 0; for row in require "fellowship".rows "rows.parquet" do n = n + #row.prompt end; print(n)',
    "out.lua": 'local f = require "fellowship"; local out <close> = f.writer "ours.parquet"; for row in f.rows "rows.jsonl" do out:write(row) end',
    "in_pyarrow.py": """import pyarrow.parquet as pq
n = 0
for batch in pq.ParquetFile("rows.parquet").iter_batches(10000):
    for row in batch.to_pylist(): n += len(row["prompt"].encode())
print(n)""",
    "out_pyarrow.py": """import json, pyarrow as pa, pyarrow.parquet as pq
writer, batch = None, []
def flush():
    global writer, batch
    table = pa.Table.from_pylist(batch, schema=writer.schema if writer else None)
    writer = writer or pq.ParquetWriter("pyarrow.parquet", table.schema, compression="zstd")
    writer.write_table(table); batch = []
for line in open("rows.jsonl", encoding="utf-8"):
    batch.append(json.loads(line))
    if len(batch) == 100000: flush()
if batch: flush()
writer.close()""",
    "in_polars.py": """import polars as pl
n = 0
for row in pl.read_parquet("rows.parquet").iter_rows(named=True): n += len(row["prompt"].encode())
print(n)""",
    "out_polars.py": """import polars as pl
pl.read_ndjson("rows.jsonl", infer_schema_length=None).write_parquet("polars.parquet", compression="zstd")""",
}


def resident(group):
    """Bytes that the processes of a group have resident, and those of the groups that they lead."""
    parents, sizes = {}, {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            stat = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
            parents[int(pid)] = int(stat[1])
            sizes[int(pid)] = int(stat[21]) * PAGE
        except OSError:
            pass
    total = 0
    for pid in sizes:
        at = pid
        while at and at != group:
            at = parents.get(at, 0)
        if at == group:
            total += sizes[pid]
    return total


def run(command, folder):
    """(seconds, CPU seconds, peak MB) of a program and all that it starts."""
    start, peak = time.monotonic(), 0
    with open(folder / "said", "w") as said:
        process = subprocess.Popen(command, cwd=folder, env={**os.environ, "HOME": str(folder)}, stdout=said)
        while True:
            pid, status, usage = os.wait4(process.pid, os.WNOHANG)
            if pid:
                break
            peak = max(peak, resident(process.pid))
            time.sleep(0.02)
    if status:
        sys.exit(f"parquet: failed: {command}")
    return time.monotonic() - start, usage.ru_utime + usage.ru_stime, peak / 1e6


def has(module):
    return subprocess.run([PYTHON, "-c", f"import {module}"], stderr=subprocess.DEVNULL).returncode == 0


def commands():
    duckdb = [shutil.which("duckdb"), "-init", "/dev/null", "-c"]
    found = {("in", "fellowship"): [host.PROGRAM, "in.lua"], ("out", "fellowship"): [host.PROGRAM, "out.lua"],
             ("in", "duckdb alone"): [*duckdb, "COPY (FROM 'rows.parquet') TO '/dev/null' (FORMAT json, USE_TMP_FILE false)"],
             ("out", "duckdb alone"): [*duckdb, "COPY (FROM read_json('rows.jsonl', format = 'newline_delimited', sample_size = -1)) "
                                                "TO 'duckdb.parquet' (FORMAT parquet, COMPRESSION zstd)"]}
    for name, module in (("pyarrow, dicts", "pyarrow"), ("polars, dicts", "polars")):
        if has(module):
            found["in", name] = [PYTHON, f"in_{module}.py"]
            found["out", name.split(",")[0]] = [PYTHON, f"out_{module}.py"]
    return sorted(found.items(), key=lambda item: item[0][0])


def main():
    if not shutil.which("duckdb"):
        return print("parquet: left out, duckdb is not in the PATH (pip install duckdb-cli)")
    print(f"{'rows':>10} {'':>4} {'':>15} {'seconds':>8} {'rows/s':>10} {'CPU s':>8} {'peak MB':>8}")
    for count in map(int, sys.argv[1:] or (10_000, 1_000_000)):
        with tempfile.TemporaryDirectory(prefix="fellowship-parquet-") as name:
            folder = pathlib.Path(name)
            bench_rows.in_child(bench_rows.generate, folder / "rows.jsonl", count)
            for program, text in PROGRAMS.items():
                (folder / program).write_text(text)
            run([host.PROGRAM, "out.lua"], folder)
            (folder / "ours.parquet").rename(folder / "rows.parquet")
            for (way, who), command in commands():
                seconds, cpu, peak = run(command, folder)
                print(f"{count:10,} {way:>4} {who:>15} {seconds:8.2f} {count / seconds:10,.0f} {cpu:8.2f} {peak:8.1f}", flush=True)


if __name__ == "__main__":
    host.need_program()
    main()
