"""A Slurm of its own on this machine: munged, slurmctld and several slurmd (-N), started by hand in a scratch folder, on
ports that are free. Needs Debian's slurm-wlm and munge, and root, as slurmd sets users.

    with Cluster(nodes=4) as cluster:
        cluster.environment     for sbatch, squeue, scancel, scontrol
        cluster.run("scancel", "7_3")
        cluster.jobs("7")       {"7_1": "RUNNING", ...}
"""

import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import tap

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scontrol", "scancel")
SYSTEM_PATH = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"


def need():
    missing = [name for name in PROGRAMS if not shutil.which(name, path=SYSTEM_PATH)]
    if missing:
        tap.skip_all(f"no {', '.join(missing)} here: apt-get install slurm-wlm munge")
    if os.geteuid() != 0:
        tap.skip_all("slurmd starts jobs as their users, and wants root for that")


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


CONFIGURATION = """
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={port}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.sock
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool-%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd-%n.log
ProctrackType=proctrack/pgid
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SlurmdParameters=config_overrides
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
ReturnToService=2
KillWait=5
MinJobAge=3600
SlurmdTimeout=30
SchedulerParameters=sched_interval=1,batch_sched_delay=0,sched_min_interval=0,requeue_setup_env_fail
UnkillableStepTimeout=30
MailProg=/bin/true
MpiDefault=none
{nodes}
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP OverTimeLimit=0
"""


class Cluster:
    def __init__(self, nodes=4, cpus=2):
        self.holder = tempfile.TemporaryDirectory(prefix="slurm-")
        self.folder = pathlib.Path(self.holder.name)
        os.chmod(self.folder, 0o755)
        self.names = [f"n{i}" for i in range(1, nodes + 1)]
        self.processes = {}
        ports = free_ports(nodes + 1)
        host = socket.gethostname().split(".")[0]
        lines = [f"NodeName={name} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} CPUs={cpus} RealMemory=500"
                 for name, port in zip(self.names, ports[1:])]
        (self.folder / "slurm.conf").write_text(CONFIGURATION.format(host=host, port=ports[0], folder=self.folder,
                                                                     nodes="\n".join(lines)))
        (self.folder / "state").mkdir()
        self.environment = {"SLURM_CONF": str(self.folder / "slurm.conf"), "PATH": SYSTEM_PATH}

    def start(self, name, *command):
        log = open(self.folder / f"{name}.out", "ab")
        self.processes[name] = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                                                env={**os.environ, **self.environment}, start_new_session=True)
        log.close()

    def start_node(self, name):
        self.start(name, "slurmd", "-D", "-N", name, "-f", self.environment["SLURM_CONF"])

    def kill_node(self, name):
        self.processes[name].send_signal(signal.SIGKILL)
        self.processes[name].wait()

    def run(self, *command, check=True):
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=60,
                              env={**os.environ, **self.environment})
        if check and done.returncode:
            raise RuntimeError(f"{command}: {done.stderr}")
        return done.stdout

    def jobs(self, job):
        """{"7_1": state} of an array's tasks, or of a job."""
        lines = self.run("squeue", "--noheader", "--array", "--states=all", "--format=%i %T", "--jobs", job,
                         check=False).splitlines()
        return dict(line.split() for line in lines if line.strip())

    def wait(self, job, timeout=900):
        """Waits for the ends of a job's tasks; gives their states."""
        end = time.monotonic() + timeout
        while True:
            states = self.jobs(job)
            if states and all(state not in ("PENDING", "RUNNING", "COMPLETING", "CONFIGURING", "REQUEUED", "SUSPENDED")
                              for state in states.values()):
                return states
            if time.monotonic() > end:
                raise RuntimeError(f"job {job} does not end: {states}\n{self.run('scontrol', 'show', 'job', job, check=False)}")
            time.sleep(0.2)

    def ready(self):
        try:
            return self.run("sinfo", "--noheader", "--format=%T").split() == ["idle"]
        except RuntimeError:
            return False

    def __enter__(self):
        key = self.folder / "munge.key"
        key.write_bytes(os.urandom(128))
        key.chmod(0o600)
        self.start("munged", "munged", "--foreground", "--force", "--key-file", str(key), "--socket",
                   str(self.folder / "munge.sock"), "--pid-file", str(self.folder / "munged.pid"), "--log-file",
                   str(self.folder / "munged.log"), "--seed-file", str(self.folder / "munged.seed"))
        end = time.monotonic() + 20
        while not (self.folder / "munge.sock").exists() and time.monotonic() < end:
            time.sleep(0.05)
        self.start("slurmctld", "slurmctld", "-D", "-f", self.environment["SLURM_CONF"])
        for name in self.names:
            self.start_node(name)
        end = time.monotonic() + 60
        while not self.ready():
            if time.monotonic() > end:
                logs = "".join(f"{path.name}: {path.read_text(errors='replace')[-1500:]}\n" for path in self.folder.glob("*.log"))
                self.__exit__()
                raise RuntimeError(f"Slurm does not come up:\n{logs}")
            time.sleep(0.2)
        return self

    def __exit__(self, *_):
        for name in reversed(list(self.processes)):
            process = self.processes[name]
            if process.poll() is None:
                process.terminate()
        for process in self.processes.values():
            try:
                process.wait(timeout=15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.holder.cleanup()
