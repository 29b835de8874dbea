"""Lists the records of a vault's log at a site: sequence, kind, file, offset of the payload, its bytes.

usage: log_records.py DIR   (DIR/vaults/*/log-*; replicator/FORMAT.md has the layout)
"""
import glob
import struct
import sys

HEAD = 4096
PLACED_AT = 3584


def records(path):
    with open(path, "rb") as log:
        header = log.read(HEAD)
        if header[:8] != b"TMLOGFIL":
            return
        salt = header[56:64]
        offset = HEAD
        while True:
            log.seek(offset)
            head = log.read(HEAD)
            if len(head) < HEAD or head[:8] != b"TMRECORD":
                return
            placed = head[PLACED_AT:]
            (own_offset,) = struct.unpack_from("<Q", placed, 48)
            if placed[:8] != b"TMPLACED" or placed[40:48] != salt or own_offset != offset:
                return
            (payload,) = struct.unpack_from("<I", head, 12)
            (sequence,) = struct.unpack_from("<Q", head, 40)
            yield sequence, head[10], path, offset + HEAD, payload
            offset += HEAD + payload


if __name__ == "__main__":
    for name in sorted(glob.glob(sys.argv[1] + "/vaults/*/log-*")):
        for record in records(name):
            print(*record)
