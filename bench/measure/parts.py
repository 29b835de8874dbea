"""Goals about parts, by the programs of bench/ and `tidemark bench`: C1 to C3, C11, C12, C17."""

import json
import os

from measure import machine
from measure.goals import Figure, middle
from measure.lab import Lab
from measure.replication import rounds_of


def c1_cut_points(run):
    """Random and text from memory; the kernel that is chosen here."""
    output = machine.run([run.program("chunker_bench"), "--benchmark_format=json",
                          "--benchmark_filter=^(read|fastcdc_nc2|kx_avx2|kx_avx512)/"
                          "(random|text)/memory$",
                          "--benchmark_enable_random_interleaving=true",
                          f"--benchmark_repetitions={max(run.rounds, 5)}",
                          "--benchmark_min_time=0.2"])
    rates = {}
    for one in json.loads(output)["benchmarks"]:
        if one["run_type"] == "iteration":
            rates.setdefault(one["run_name"], []).append(one["GB/s"])
    figures = []
    for data in ("random", "text"):
        kernel = next(name for name in ("kx_avx512", "kx_avx2") if f"{name}/{data}/memory" in rates)
        ours, scalar, read = (rates[f"{name}/{data}/memory"]
                              for name in (kernel, "fastcdc_nc2", "read"))
        details = {f"{kernel} GB/s": middle(ours), "FastCDC GB/s": middle(scalar),
                   "memory read GB/s": middle(read)}
        figures.append(Figure("C1", f"FastCDC, {data}",
                              [a / b for a, b in zip(ours, scalar)], 3, 4.5, details))
        figures.append(Figure("C1", f"memory read, {data}",
                              [a / b for a, b in zip(ours, read)], None, 0.85, details))
    return figures


def c2_new_bytes(run):
    figures = []
    for label, pair in (("tar", run.corpora.tar_pair(run.bytes)),
                        ("SQL dump", run.corpora.sql_pair(run.bytes // 2))):
        found = json.loads(machine.run([run.program("dedup_bench"), *pair]))
        ours, theirs = found["ours"], found["fastcdc"]
        figures.append(Figure("C2", f"FastCDC, {label}",
                              [ours["new_share"] / theirs["new_share"]], 1.05, 1.0,
                              {"new %": round(ours["new_share"] * 100, 2),
                               "FastCDC new %": round(theirs["new_share"] * 100, 2),
                               "mean bytes": ours["mean_chunk_bytes"],
                               "FastCDC mean": theirs["mean_chunk_bytes"]}))
    return figures


def c3_one_core(run):
    source = run.corpora.random(run.bytes)
    machine.warm(source)
    shares, reached, limits = [], [], []
    known = []
    for _ in rounds_of(run, run.rounds):
        found = json.loads(machine.run(["taskset", "-c", "0", run.binary, "bench", "--stages",
                                        "--input", source, "--json"]))
        shares.append(found["share_of_limit"])
        reached.append(found["pipeline_bytes_per_second"] / 1e9)
        limits.append(found["limit_bytes_per_second"] / 1e9)
        known.append(found["known_bytes_per_second"] / found["pipeline_bytes_per_second"])
    return [Figure("C3", "1 / sum of the stages alone", shares, 0.88, 0.95,
                   {"pipeline GB/s": middle(reached), "limit GB/s": middle(limits)}),
            Figure("C4", "new data, one core, page cache to sealed chunks", known)]


def commits(run, lab, depth):
    """Pushes of 4 KiB; and what the agent says of its records since it started."""
    done = json.loads(machine.run([run.program("commit_bench"), "push", str(run.seconds),
                                   str(depth), lab.env["TIDEMARK_SOCKET"]]))
    done["commit_p50_seconds"] = lab.json("status")["vaults"][0]["commit_p50_seconds"]
    return done


def raw(run):
    stores = [run.path(f"raw-{site}") for site in "ab"]
    for store in stores:
        os.makedirs(store, exist_ok=True)
    return json.loads(machine.run([run.program("commit_bench"), "raw", str(run.seconds), *stores]))


def c11_commit_latency(run):
    inside, outside, floors, pushes = [], [], [], []
    for _ in rounds_of(run, run.rounds):
        with Lab(run.binary, run.path("lab")) as lab:
            done = commits(run, lab, 1)
        echo = json.loads(machine.run([run.program("commit_bench"), "echo", str(run.seconds)]))
        floor = raw(run)["p50_seconds"] + echo["p50_seconds"]
        floors.append(floor * 1e6)
        inside.append(done["commit_p50_seconds"] / floor)
        outside.append(done["p50_seconds"] / floor)
        pushes.append(done["p50_seconds"] * 1e6)
    details = {"floor us": middle(floors, 1), "push us": middle(pushes, 1)}
    return [Figure("C11", "two raw loops + echo, inside the agent", inside, 1.5, 1.25, details),
            Figure("C11", "the same, a whole `push` by its caller", outside, None, None, details)]


def c12_commit_rate(run):
    deep, single, against_raw, details = [], [], [], {}
    for _ in rounds_of(run, run.rounds):
        rates = {}
        for depth in (1, 4, 16, 64):
            with Lab(run.binary, run.path("lab")) as lab:
                rates[depth] = commits(run, lab, depth)["per_second"]
        floor = raw(run)["per_second"]
        deep.append(rates[64])
        single.append(rates[64] / rates[1])
        against_raw.append(rates[64] / floor)
        for depth, rate in rates.items():
            details.setdefault(f"depth {depth} /s", []).append(rate)
        details.setdefault("raw loop /s", []).append(floor)
    details = {name: middle(values, 0) for name, values in details.items()}
    return [Figure("C12", "one outstanding", single, 6, 10, details),
            Figure("C12", "the raw loop", against_raw, 0.7, 1, details)]


def c17_index(run):
    found = json.loads(machine.run([run.program("index_bench"), run.path("index"),
                                    str(run.index_rows)]))
    details = {"rows": found["rows"], "memory MiB": round(found["peak_bytes"] / 2**20),
               "rows/s written": found["put_per_second"],
               "found/s": found["hit_per_second"], "not found/s": found["miss_per_second"]}
    return [Figure("C17", "bytes on disk a chunk", [found["disk_bytes"] / found["rows"]], 72, 64,
                   details)]
