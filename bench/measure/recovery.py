"""Goals about reading back: C13, C14."""

import os
import time

from measure import machine, peers
from measure.goals import Figure, middle, rate
from measure.lab import Lab
from measure.replication import present, rounds_of


def ours_back(lab, name, out):
    """Seconds of wall and of all processes that take part."""
    used, begin = lab.cpu(), time.monotonic()
    with machine.Timed() as caller:
        lab.call("restore", name, "-o", out)
    return time.monotonic() - begin, lab.cpu() - used + caller.cpu


def copy(source, out):
    """Read from the page cache, as the stores are; written and flushed."""
    begin = time.monotonic()
    machine.run(["cp", "--reflink=never", "--sparse=never", source, out])
    machine.run(["sync", out])
    return time.monotonic() - begin


def c13_restore(run):
    """Of real files, compressed; and of incompressible bytes against a copy."""
    source = run.corpora.tar_pair(run.peer_bytes)[0]
    out = run.path("out")
    size = os.path.getsize(source)
    limits = present([(peers.Restic, 6, None), (peers.Borg, 5, None)])
    ratios = {peer: [] for peer, _, _ in limits}
    rates = {peer: [] for peer, _, _ in limits}
    cheaper = {peer: [] for peer, _, _ in limits}
    ours_rates, copies, copy_rates = [], [], []
    with Lab(run.binary, run.path("lab")) as lab:
        lab.push(source, "--name", "x", "--wait", "all")
        made = {}
        for peer, _, _ in limits:
            made[peer] = peer(run.path(f"peer-{peer.name}"), compress=True)
            made[peer].prepare(1)
            made[peer].take(source, (0,))
        for _ in rounds_of(run, run.rounds):
            for peer in [one for one, _, _ in limits] + [None]:
                ours, ours_cpu = ours_back(lab, "x", out)
                os.unlink(out)
                ours_rates.append(rate(size, ours))
                if peer is None:
                    copied = copy(source, out)
                    copies.append(copied / ours)
                    copy_rates.append(rate(size, copied))
                else:
                    theirs = made[peer].give(source, out)
                    ratios[peer].append(theirs.seconds / ours)
                    rates[peer].append(rate(size, theirs.seconds))
                    cheaper[peer].append(theirs.cpu / ours_cpu)
                os.unlink(out)
        for peer in made.values():
            peer.remove()
    figures = [Figure("C13", peer.name, ratios[peer], ship, aim,
                      {"ours MB/s": middle(ours_rates), "theirs MB/s": middle(rates[peer]),
                       "processor time, x less": middle(cheaper[peer], 1)})
               for peer, ship, aim in limits]
    figures.append(Figure("C13", "cp + fsync", copies, 0.8, 1.0,
                          {"ours MB/s": middle(ours_rates), "cp MB/s": middle(copy_rates)}))
    return figures + c13_raw(run)


def c13_raw(run):
    """Nothing to decompress: how near the copy the rest of the way is."""
    source = run.corpora.random(run.bytes)
    out = run.path("out")
    ratios, ours_rates, copy_rates = [], [], []
    with Lab(run.binary, run.path("lab")) as lab:
        lab.push(source, "--name", "x", "--no-compression", "--wait", "all")
        for _ in rounds_of(run, run.rounds):
            ours = ours_back(lab, "x", out)[0]
            os.unlink(out)
            copied = copy(source, out)
            os.unlink(out)
            ratios.append(copied / ours)
            ours_rates.append(rate(run.bytes, ours))
            copy_rates.append(rate(run.bytes, copied))
    return [Figure("C13", "cp + fsync, incompressible", ratios, None, None,
                   {"ours MB/s": middle(ours_rates), "cp MB/s": middle(copy_rates)})]


def c14_verify(run):
    """All of one destination read and checked by restic; all three stores by ours, at once."""
    source = run.corpora.random(run.peer_bytes)
    ratios, ours_rates, their_rates = [], [], []
    peer = peers.Restic(run.path("peer"))
    peer.prepare(1)
    peer.take(source, (0,))
    with Lab(run.binary, run.path("lab")) as lab:
        lab.push(source, "--name", "x", "--no-compression", "--wait", "all")
        for _ in rounds_of(run, run.rounds):
            begin = time.monotonic()
            lab.call("verify", "--deep")
            ours = time.monotonic() - begin
            theirs = peer.check().seconds
            # Stored bytes read and checked a second: three stores here, one there.
            ratios.append(3 * theirs / ours)
            ours_rates.append(rate(3 * run.peer_bytes, ours))
            their_rates.append(rate(run.peer_bytes, theirs))
    peer.remove()
    return [Figure("C14", "stored bytes a second of restic", ratios, 12, 16,
                   {"ours MB/s": middle(ours_rates), "restic MB/s": middle(their_rates)})]
