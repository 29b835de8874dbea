"""Goals about whole pushes: C4 to C10, C15, C16."""

import os
import signal
import subprocess
import sys
import threading
import time

from measure import machine, peers
from measure.goals import Figure, middle, rate
from measure.lab import Lab


def rounds_of(run, count):
    for number in range(count):
        run.say(f"round {number + 1} of {count}")
        yield number


def c4_known_data(run):
    """New data, then the same content under another name: it is read, cut and found."""
    source = run.corpora.random(run.bytes)
    known, new, ratios = [], [], []
    with Lab(run.binary, run.path("lab")) as lab:
        for number in rounds_of(run, run.rounds):
            fresh = run.corpora.random(run.bytes, f"c4-{number}")
            machine.warm(fresh)
            first = lab.push(fresh, "--no-compression", "--wait", "all", "--name", f"new{number}")
            again = lab.push(fresh, "--no-compression", "--wait", "all", "--name", f"old{number}")
            if again["new_bytes"] != 0:
                raise machine.CommandFailed("known data was taken for new")
            new.append(rate(run.bytes, first["seconds"]))
            known.append(rate(run.bytes, again["seconds"]))
            ratios.append(first["seconds"] / again["seconds"])
            os.unlink(fresh)
    del source
    return [Figure("C4", "new data to three sites", ratios, 1.8, 3,
                   {"known MB/s": middle(known), "new MB/s": middle(new)})]


def c5_processor_time(run):
    """All four processes, from before the push until the witness has it."""
    source = run.corpora.random(run.bytes)
    machine.warm(source)
    costs, agent = [], []
    for number in rounds_of(run, run.rounds):
        with Lab(run.binary, run.path("lab")) as lab:
            before = lab.cpu(("agent",))
            pushed = lab.push(source, "--no-compression", "--wait", "all", "--name", str(number))
            costs.append(pushed["cpu"] / (run.bytes / 1e9))
            agent.append((lab.cpu(("agent",)) - before) / (run.bytes / 1e9))
    return [Figure("C5", "model 3.15 (1.61 + 0.22 + 3 x 0.44)", costs, 3.4, 3.0,
                   {"agent alone s/GB": middle(agent)}, "s/GB")]


def c6_fan_out(run):
    """An agent has at least two sites: one is what two cost less what the third adds."""
    source = run.corpora.random(run.bytes)
    machine.warm(source)
    ratios, three, two = [], [], []
    for number in rounds_of(run, run.rounds):
        for dead in ((), ("w",)):
            with Lab(run.binary, run.path("lab")) as lab:
                for site in dead:
                    lab.kill(site)
                wait = [] if dead else ["--wait", "all"]
                pushed = lab.push(source, "--no-compression", *wait, "--name", str(number),
                                  who=("agent",))
                (two if dead else three).append(pushed["cpu"])
        ratios.append(three[-1] / max(two[-1] - (three[-1] - two[-1]), 1e-9))
    size = run.bytes / 1e9
    return [Figure("C6", "one site, extrapolated from three and two", ratios, 1.5, 1.35,
                   {"three s/GB": middle([one / size for one in three]),
                    "two s/GB": middle([one / size for one in two])})]


def push_once(run, source, *arguments):
    """Seconds to three durable sites, a fresh lab each time, and what one site stores."""
    with Lab(run.binary, run.path("lab")) as lab:
        pushed = lab.push(source, *arguments, "--wait", "all", "--name", "first")
        return pushed["seconds"], pushed["stored_bytes"], pushed["cpu"]


def peer_once(run, peer_class, source, compress):
    peer = peer_class(run.path("peer"), compress)
    try:
        peer.prepare(3)
        timed = peer.take(source)
        return timed.seconds, peer.stored(), timed.cpu
    finally:
        peer.remove()


def against_peers(run, goal, source, compress, limits):
    """limits: (peer class, ship, aim). Pairs alternate; ours runs once before each peer."""
    machine.warm(source)
    size = os.path.getsize(source)
    ours_arguments = () if compress else ("--no-compression",)
    ratios = {peer: [] for peer, _, _ in limits}
    seen_of = ("ours", "theirs", "stored", "cpu", "their cpu")
    details = {peer: {name: [] for name in seen_of} for peer, _, _ in limits}
    for _ in rounds_of(run, run.rounds):
        for peer, _, _ in limits:
            ours, ours_stored, ours_cpu = push_once(run, source, *ours_arguments)
            theirs, theirs_stored, theirs_cpu = peer_once(run, peer, source, compress)
            ratios[peer].append(theirs / ours)
            seen = details[peer]
            seen["ours"].append(rate(size, ours))
            seen["theirs"].append(rate(size, theirs))
            seen["stored"].append(ours_stored / theirs_stored)
            seen["cpu"].append(theirs_cpu / ours_cpu)
            seen["their cpu"].append(theirs_cpu / (size / 1e9))
    return [Figure(goal, f"{peer.name} x3", ratios[peer], ship, aim,
                   {"ours MB/s": middle(details[peer]["ours"]),
                    "theirs MB/s": middle(details[peer]["theirs"]),
                    "stored, of theirs": middle(details[peer]["stored"]),
                    "their s/GB": middle(details[peer]["their cpu"], 1),
                    "processor time, x less": middle(details[peer]["cpu"], 1)})
            for peer, ship, aim in limits]


def present(limits):
    return [limit for limit in limits if limit[0].is_there()]


def c7_first_full(run):
    source = run.corpora.random(run.peer_bytes)
    limits = present([(peers.Restic, 14, 20), (peers.Borg, 11, 15), (peers.Rclone, 8, 10),
                      (peers.Rsync, None, None)])
    return against_peers(run, "C7", source, False, limits)


def c8_first_full_compressed(run):
    source = run.corpora.tar_pair(run.peer_bytes)[0]
    figures = against_peers(run, "C8", source, True,
                            present([(peers.Restic, 12, 18), (peers.Borg, 8, 12)]))
    for figure in list(figures):
        limit = 1.25 if "restic" in figure.against else 1.0
        share = figure.details["stored, of theirs"]
        # A condition of the goal: not faster by storing more.
        figure.details["stored bytes"] = "within" if share <= limit else f"over {limit}x"
    return figures


def tee(source, directory):
    os.makedirs(directory, exist_ok=True)
    outs = [f"{directory}/tee{number}" for number in range(3)]
    begin = time.monotonic()
    with open(source, "rb") as data:
        subprocess.run(["tee", *outs[:2]], stdin=data, stdout=open(outs[2], "wb"), check=True)
    machine.run(["sync", *outs])
    took = time.monotonic() - begin
    for out in outs:
        os.unlink(out)
    return took


def c9_tee(run):
    figures = []
    for label, source, arguments in (
            ("tar, compression on", run.corpora.tar_pair(run.peer_bytes)[0], ()),
            ("incompressible, compression off", run.corpora.random(run.peer_bytes),
             ("--no-compression",))):
        machine.warm(source)
        size = os.path.getsize(source)
        ratios, ours, floor = [], [], []
        for _ in rounds_of(run, run.rounds):
            pushed = push_once(run, source, *arguments)[0]
            teed = tee(source, run.path("tee"))
            ours.append(rate(size, pushed))
            floor.append(rate(size, teed))
            ratios.append(teed / pushed)
        is_goal = arguments == ()
        figures.append(Figure("C9", f"tee x3 + fsync, {label}", ratios, 1.5 if is_goal else None,
                              3 if is_goal else None,
                              {"ours MB/s": middle(ours), "tee MB/s": middle(floor)}))
    return figures


def c10_increment(run):
    """Stored at one destination by the second version; sizes of logs as the agent counts them.
    A dump goes into a vault for databases, as an operator would have it."""
    figures = []
    for label, data_class, pair in (
            ("tar", "general", run.corpora.tar_pair(run.peer_bytes)),
            ("SQL dump", "database", run.corpora.sql_pair(run.peer_bytes // 2))):
        with Lab(run.binary, run.path("lab")) as lab:
            lab.add_vault("pair", data_class)
            for version in pair:
                ours = lab.push(version, "--vault", "pair", "--name", "x", "--wait", "all")
        peer = peers.Restic(run.path("peer"), compress=True)
        peer.prepare(1)
        peer.take(pair[0], (0,))
        before = peer.stored()
        theirs = peer.take(pair[1], (0,))
        added = peer.stored() - before
        peer.remove()
        figures.append(Figure("C10", f"restic, {label}", [ours["stored_bytes"] / added], 0.3, 0.2,
                              {"class": data_class, "chunks": ours["chunks"],
                               "ours MB": round(ours["stored_bytes"] / 1e6, 2),
                               "restic MB": round(added / 1e6, 2),
                               "faster than restic to one": round(
                                   theirs.seconds / ours["seconds"], 1)}))
    return figures


def c15_stalled_witness(run):
    source = run.corpora.random(run.bytes)
    machine.warm(source)
    ratios, healthy, stalled = [], [], []
    with Lab(run.binary, run.path("lab")) as lab:
        for number in rounds_of(run, run.rounds * 2):
            lab.level()
            fresh = run.corpora.random(run.bytes, f"c15-{number}")
            machine.warm(fresh)
            is_stalled = number % 2 == 1
            if is_stalled:
                os.kill(lab.pid("w"), signal.SIGSTOP)
            try:
                pushed = lab.push(fresh, "--no-compression", "--name", str(number))
            finally:
                os.kill(lab.pid("w"), signal.SIGCONT)
            (stalled if is_stalled else healthy).append(rate(run.bytes, pushed["seconds"]))
            os.unlink(fresh)
            if is_stalled:
                ratios.append(stalled[-1] / healthy[-1])
    return [Figure("C15", "healthy witness", ratios, 0.99, 1.0,
                   {"stalled MB/s": middle(stalled), "healthy MB/s": middle(healthy)})]


def feed(pipe, size):
    """Half of it repeats: every second mebibyte is that of one before."""
    piece = 1 << 20
    command = ["openssl", "enc", "-aes-256-ctr", "-nosalt", "-pass", "pass:c16"]
    with subprocess.Popen(command, stdin=open("/dev/zero", "rb"), stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL) as generator, open(pipe, "wb") as out:
        for _ in range(size // (2 * piece)):
            part = generator.stdout.read(piece)
            out.write(part + part)
        generator.kill()


def c16_memory(run):
    """The agent's peak, from its start: a short stream and a long one."""
    peaks = {}
    for size in (run.stream_bytes // 16, run.stream_bytes):
        run.say(f"a stream of {size / 2**30:.2f} GiB")
        with Lab(run.binary, run.path("lab")) as lab:
            read, write = os.pipe()
            feeder = threading.Thread(target=feed, args=(write, size))
            feeder.start()
            try:
                lab.call("push", "--name", "stream", "--no-compression", "-", stdin=read)
            finally:
                os.close(read)
                feeder.join()
            peaks[size] = machine.peak_bytes_of(lab.pid("agent"))
    short, long = (peaks[size] for size in sorted(peaks))
    sizes = {"stream GiB": round(run.stream_bytes / 2**30, 2), "of the short": round(
        short / 2**20, 1), "of the long": round(long / 2**20, 1)}
    if run.stream_bytes < 16 << 30:
        print("bench: C16 with less than 16 GiB: --stream-bytes 17179869184", file=sys.stderr)
    return [Figure("C16", "a stream of a sixteenth", [long / short], 1.05, 1.02, sizes),
            Figure("C16", "MiB", [long / 2**20], 512, 256, sizes, "MiB")]
