#!/usr/bin/env python3
# Does to an export's evidence what a forger would: evidence.py FILE drop|twice|swap|tamper|list [N]
# N: which of site a's receipts, from 0. Prints the number of the receipt that it was done to.
import struct
import sys

RECEIPT = 1


def frames(data):
    at = 0
    while at < len(data):
        size, kind = struct.unpack_from("<IB", data, at)
        yield kind, data[at : at + 8 + size + 16]
        at += 8 + size + 16


def receipt_of(frame):
    """Site and number of a receipt: mark 10, level 1, zero 1, site text, store 16, boot 16, number."""
    body = frame[8:]
    (length,) = struct.unpack_from("<H", body, 12)
    site = body[14 : 14 + length].decode()
    (number,) = struct.unpack_from("<Q", body, 14 + length + 32)
    return site, number


def main():
    path, act = sys.argv[1:3]
    with open(path, "rb") as file:
        pieces = list(frames(file.read()))
    # Anchors need not follow each other.
    ours = [
        i
        for i, (kind, frame) in enumerate(pieces)
        if kind == RECEIPT and frame[5] == 0 and receipt_of(frame)[0] == "a"
    ]
    if act == "list":
        print(len(ours))
        return
    place = ours[int(sys.argv[3])]
    following = ours[int(sys.argv[3]) + 1]
    kind, frame = pieces[place]
    if act == "drop":
        del pieces[place]
    elif act == "twice":
        pieces.insert(following, pieces[place])
    elif act == "swap":
        pieces[place], pieces[following] = pieces[following], pieces[place]
    elif act == "tamper":
        changed = bytearray(frame)
        changed[-16 - 64 - 5] ^= 1  # of the last head's digest
        pieces[place] = (kind, bytes(changed))
    with open(path, "wb") as file:
        file.write(b"".join(frame for _, frame in pieces))
    print(receipt_of(frame)[1])


main()
