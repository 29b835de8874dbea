"""The inputs: incompressible bytes, a pair of tar archives of real files, a pair of SQL dumps.

The same size gives the same bytes on the same machine. A file that is there already is used again.
"""

import hashlib
import io
import os
import random
import subprocess
import tarfile

REAL_FILES = ("/usr/bin", "/usr/lib", "/usr/share")


class Corpora:
    def __init__(self, directory):
        self.directory = directory
        os.makedirs(directory, exist_ok=True)

    def random(self, size, seed="a"):
        """Bytes that neither compress nor repeat."""
        return self._make(f"rand-{seed}-{size}", lambda path: random_bytes(path, size, seed))

    def tar_pair(self, size):
        """Real files, and the same after a day's changes: some removed, added, edited, touched."""
        return tuple(self._make(f"tar{version}-{size}",
                                lambda path, v=version: tar_of_files(path, size, v))
                     for version in (1, 2))

    def sql_pair(self, size):
        """A dump of tables, and the same after updates in bursts, deletes and new rows."""
        return tuple(self._make(f"sql{version}-{size}",
                                lambda path, v=version: sql_dump(path, size, v))
                     for version in (1, 2))

    def _make(self, name, make):
        path = os.path.join(self.directory, name)
        if not os.path.exists(path):
            make(path + ".part")
            os.rename(path + ".part", path)
        return path


def random_bytes(path, size, seed):
    command = (f"openssl enc -aes-256-ctr -nosalt -pass pass:{seed} </dev/zero 2>/dev/null"
               f" | head -c {size}")
    with open(path, "wb") as out:
        subprocess.run(["bash", "-c", command], stdout=out, check=True)


def real_files(size):
    """Paths of regular files, in one order, up to `size` bytes of archive."""
    total = 0
    for top in REAL_FILES:
        for directory, inner, names in os.walk(top):
            inner.sort()
            for name in sorted(names):
                path = os.path.join(directory, name)
                if os.path.islink(path) or not os.path.isfile(path):
                    continue
                # Not all of a directory at once: a mixture of kinds within a small corpus too.
                if hashlib.blake2b(path.encode()).digest()[0] % 4:
                    continue
                try:
                    length = os.path.getsize(path)
                except OSError:
                    continue
                if total + length > size:
                    continue
                total += length + 1024
                yield path


def tar_of_files(path, size, version):
    with tarfile.open(path, "w", format=tarfile.GNU_FORMAT) as archive:
        for name in real_files(size):
            # Per thousand files: 10 removed, 16 added, 14 edited, 5 touched only.
            chance = int.from_bytes(hashlib.blake2b(b"v2" + name.encode()).digest()[:4], "big")
            kind = chance % 1000 if version == 2 else 999
            try:
                with open(name, "rb") as source:
                    content = source.read()
            except OSError:
                continue
            if kind < 10:
                continue
            if kind < 26:
                added = random.Random(chance).randbytes(len(content) // 4)
                add(archive, name + ".new", added, 2)
            elif kind < 40:
                content = edited(content, chance)
            add(archive, name, content, 2 if 26 <= kind < 45 else 1)


def add(archive, name, content, mtime):
    info = tarfile.TarInfo(name.lstrip("/"))
    info.size = len(content)
    info.mtime = 1_700_000_000 + mtime
    archive.addfile(info, io.BytesIO(content))


def edited(content, seed):
    """A line inserted, a stretch replaced: what an editor or a linker does."""
    chance = random.Random(seed)
    at = chance.randrange(len(content) + 1)
    content = content[:at] + chance.randbytes(100) + content[at:]
    at = chance.randrange(len(content))
    return content[:at] + chance.randbytes(min(64, len(content) - at)) + content[at + 64:]


def sql_row(number, revision):
    chance = (number * 0x9E3779B97F4A7C15 + revision * 0xD1B54A32D192ED03) % (1 << 64)
    return (f"{number}\t{chance % 1000003}\torder-{chance >> 40:06x}\t"
            f"2024-{chance % 12 + 1:02}-{(chance >> 8) % 28 + 1:02} "
            f"{(chance >> 16) % 24:02}:{(chance >> 24) % 60:02}\t{(chance >> 12) % 99999 / 100:.2f}"
            f"\t{('shipped', 'paid', 'open', 'returned')[(chance >> 30) % 4]}\t"
            f"customer {chance >> 44:05x} ordered {chance % 97} pieces\n")


def sql_dump(path, size, version):
    rows = size // 105
    chance = random.Random(7)
    # Bursts of 64 rows, nine in ten of them among the newest tenth; runs of rows that go; rows
    # that come. About a tenth of the chunks are new, as in the dumps that the goals were set by.
    updated, deleted = set(), set()
    for _ in range(rows // 6400):
        newest = chance.random() < 0.9
        first = chance.randrange(rows - rows // 10, rows) if newest else chance.randrange(rows)
        updated.update(range(first, first + 64))
    for _ in range(rows // 320_000):
        first = chance.randrange(rows)
        deleted.update(range(first, first + 64))
    if version == 1:
        updated, deleted = set(), set()
    with open(path, "w", encoding="ascii", buffering=1 << 20) as out:
        out.write("-- a dump\nCOPY orders FROM stdin;\n")
        for number in range(rows + (rows // 50 if version == 2 else 0)):
            if number not in deleted:
                out.write(sql_row(number, 1 if number in updated else 0))
        out.write("\\.\n")
