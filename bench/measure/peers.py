"""The same job by the programs that people use today, as Debian ships them.

Each knows how to take an input to some destinations (each durable at the end), to bring it back,
and to check one destination. No password is asked: they are in the environment, and worthless.
"""

import os
import shutil

from measure import machine


class Peer:
    """A repository per destination, one after another: none of them can fan out."""

    program = name = ""

    def __init__(self, directory, compress=False):
        self.directory = directory
        self.compress = compress
        self.env = dict(os.environ, HOME=directory, RESTIC_PASSWORD="bench", LC_ALL="C.UTF-8",
                        BORG_PASSPHRASE="bench", BORG_BASE_DIR=f"{directory}/borg-state",
                        RESTIC_CACHE_DIR=f"{directory}/restic-cache",
                        BORG_RELOCATED_REPO_ACCESS_IS_OK="yes")
        shutil.rmtree(directory, ignore_errors=True)
        os.makedirs(directory)

    @classmethod
    def is_there(cls):
        return shutil.which(cls.program) is not None

    def destination(self, number):
        return f"{self.directory}/dest{number}"

    def prepare(self, destinations):
        for number in range(destinations):
            self.begin(self.destination(number))

    def take(self, source, destinations=(0, 1, 2)):
        with machine.Timed() as timed:
            for number in destinations:
                self.store(source, self.destination(number))
                machine.flush(self.destination(number))
        return timed

    def give(self, source, out):
        with machine.Timed() as timed:
            self.restore(source, self.destination(0), out)
            machine.flush(os.path.dirname(out))
        return timed

    def check(self):
        with machine.Timed() as timed:
            self.verify(self.destination(0))
        return timed

    def stored(self):
        return machine.size_of(self.destination(0))

    def remove(self):
        shutil.rmtree(self.directory, ignore_errors=True)

    def _run(self, *command, stdin=None):
        return machine.run(list(command), env=self.env, stdin=stdin, cwd=self.directory)

    # What each program says itself.
    def begin(self, destination):
        raise NotImplementedError

    def store(self, source, destination):
        raise NotImplementedError

    def restore(self, source, destination, out):
        raise NotImplementedError

    def verify(self, destination):
        raise NotImplementedError


class Restic(Peer):
    program = name = "restic"

    def begin(self, destination):
        self._run("restic", "init", "-r", destination, "--repository-version", "2")

    def store(self, source, destination):
        mode = "auto" if self.compress else "off"
        with open(source, "rb") as data:
            self._run("restic", "backup", "-q", "-r", destination, "--compression", mode,
                      "--stdin", "--stdin-filename", "input", stdin=data)

    def restore(self, source, destination, out):
        target = out + ".restic"
        self._run("restic", "restore", "-q", "-r", destination, "latest", "--target", target)
        os.rename(f"{target}/input", out)
        shutil.rmtree(target)

    def verify(self, destination):
        self._run("restic", "check", "-q", "-r", destination, "--read-data")


class Borg(Peer):
    program = name = "borg"
    archive = 0

    def begin(self, destination):
        self._run("borg", "init", "-e", "repokey-blake2", destination)

    def store(self, source, destination):
        self.archive += 1
        with open(source, "rb") as data:
            self._run("borg", "create", "-C", "lz4" if self.compress else "none", "--stdin-name",
                      "input", f"{destination}::v{self.archive}", "-", stdin=data)

    def restore(self, source, destination, out):
        newest = self._run("borg", "list", "--short", "--last", "1", destination).decode().strip()
        os.makedirs(out + ".borg")
        machine.run(["borg", "extract", f"{destination}::{newest}"], env=self.env,
                    cwd=out + ".borg")
        os.rename(f"{out}.borg/input", out)
        shutil.rmtree(out + ".borg")

    def verify(self, destination):
        self._run("borg", "check", "--verify-data", destination)


class Rclone(Peer):
    """Encrypts, neither deduplicates nor compresses."""

    program = name = "rclone"

    def _remote(self, destination):
        secret = self.env.setdefault(
            "RCLONE_CRYPT_PASSWORD", self._run("rclone", "obscure", "bench").decode().strip())
        del secret
        return [f"--crypt-remote={destination}", "--config=/dev/null"]

    def begin(self, destination):
        os.makedirs(destination)

    def store(self, source, destination):
        self._run("rclone", "copyto", *self._remote(destination), source, ":crypt:input")

    def restore(self, source, destination, out):
        self._run("rclone", "copyto", *self._remote(destination), ":crypt:input", out)

    def verify(self, destination):
        self._run("rclone", "cat", *self._remote(destination), ":crypt:input", "--count", "0")


class Casync(Peer):
    """Chunks and compresses, does not encrypt."""

    program = name = "casync"

    def begin(self, destination):
        os.makedirs(destination)

    def store(self, source, destination):
        self._run("casync", "make", f"--store={destination}/chunks.castr",
                  f"{destination}/input.caibx", source)

    def restore(self, source, destination, out):
        self._run("casync", "extract", f"--store={destination}/chunks.castr",
                  f"{destination}/input.caibx", out)

    def verify(self, destination):
        self._run("casync", "digest", f"--store={destination}/chunks.castr",
                  f"{destination}/input.caibx")


class Rsync(Peer):
    """Copies."""

    program = name = "rsync"

    def begin(self, destination):
        os.makedirs(destination)

    def store(self, source, destination):
        self._run("rsync", "-W", "--fsync", source, f"{destination}/input")

    def restore(self, source, destination, out):
        self._run("rsync", "-W", "--fsync", f"{destination}/input", out)

    def verify(self, destination):
        self._run("cksum", f"{destination}/input")


ALL = (Restic, Borg, Rclone, Casync, Rsync)
