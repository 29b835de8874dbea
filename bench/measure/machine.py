"""What the machine is, what processes cost, and commands that are timed."""

import datetime
import os
import re
import resource
import subprocess
import time

TICKS = os.sysconf("SC_CLK_TCK")


def describe():
    with open("/proc/cpuinfo", encoding="utf-8") as info:
        model = re.search(r"model name\s*: (.*)", info.read())
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "processor": model.group(1) if model else os.uname().machine,
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(memory / 2**30, 1),
        "kernel": f"{os.uname().sysname} {os.uname().release}",
    }


def now():
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def load():
    """Of others too: how many wanted to run, mean of a minute."""
    return round(os.getloadavg()[0], 1)


def scheduling():
    """How the measurement and all that it starts are scheduled, as the command that asks for it."""
    if os.sched_getscheduler(0) == os.SCHED_FIFO:
        return f"chrt -f {os.sched_getparam(0).sched_priority} "
    nice = os.nice(0)
    return f"nice -n {nice} " if nice else ""


def cpu_of(pid):
    """User and system seconds of a process and its threads so far."""
    with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
        fields = stat.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def peak_bytes_of(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        return int(re.search(r"VmHWM:\s*(\d+)", status.read()).group(1)) * 1024


class Timed:
    """Wall and processor seconds of what runs inside, children that were waited for included."""

    def __enter__(self):
        self._begin = time.monotonic()
        self._used = resource.getrusage(resource.RUSAGE_CHILDREN)
        return self

    def __exit__(self, *_):
        self.seconds = time.monotonic() - self._begin
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        self.cpu = (used.ru_utime - self._used.ru_utime) + (used.ru_stime - self._used.ru_stime)


class CommandFailed(Exception):
    pass


def run(command, env=None, stdin=None, cwd=None):
    """Runs a command to its end; its output, or CommandFailed with what it said."""
    done = subprocess.run(command, env=env, stdin=stdin, cwd=cwd, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, check=False)
    if done.returncode != 0:
        said = done.stderr.decode(errors="replace").strip().splitlines()[-3:]
        raise CommandFailed(f"{' '.join(map(str, command[:3]))}: exit {done.returncode}: "
                            + " / ".join(said))
    return done.stdout


def flush(path):
    run(["sync", "-f", path])


def warm(path):
    """Into the page cache: what is compared is not the disk's first read."""
    with open(path, "rb", buffering=0) as source:
        while source.read(1 << 24):
            pass


def size_of(path):
    """Bytes on disk of a file or of everything in a directory."""
    return int(run(["du", "-s", "--block-size=1", path]).split()[0])
