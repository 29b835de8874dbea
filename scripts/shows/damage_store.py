"""Damages a random share of a site's blocks and record heads, each with a few bytes of rubbish.

usage: damage_store.py DIR SHARE SEED NUMBER
Which places those are depends on seed and number only: two numbers of one seed damage disjoint places of the
same log, in whichever directory it stands. Prints how many places it damaged.
"""
import glob
import random
import sys

import log_records

directory, share, seed, number = sys.argv[1], float(sys.argv[2]), sys.argv[3], int(sys.argv[4])
damaged = 0
for name in sorted(glob.glob(directory + "/vaults/*/log-*")):
    with open(name, "r+b") as log:
        for sequence, _, _, offset, payload in list(log_records.records(name)):
            # Block -1 is the head.
            for block in range(-1, (payload + 65535) // 65536):
                dice = random.Random(f"{seed} {sequence} {block}")
                if int(dice.random() / share) != number:
                    continue
                begin = offset - 4096 if block < 0 else offset + block * 65536
                size = 4096 if block < 0 else min(65536, offset + payload - begin)
                bytes_ = random.randbytes(1 + dice.randrange(64))
                at = begin + dice.randrange(size - len(bytes_))
                log.seek(at)
                before = log.read(len(bytes_))
                log.seek(at)
                log.write(bytes(b ^ (c | 1) for b, c in zip(before, bytes_)))
                damaged += 1
        log.flush()
print(damaged)
