"""What no program on this machine can beat: shown beside the figures."""

import json
import os

from measure import machine
from measure.goals import middle
from measure.replication import tee


def floors(run):
    """GB/s of one core, microseconds of the disk, MB/s of the plainest program."""
    rates = {}
    for _ in range(3):
        output = machine.run([run.binary, "bench", "--floors", "--json", "--directory",
                              run.directory])
        for name, value in json.loads(output)["floors"].items():
            rates.setdefault(name, []).append(value)
    found = {name: middle(values, 9) for name, values in rates.items()}
    source = run.corpora.random(run.peer_bytes)
    machine.warm(source)
    seconds = [tee(source, run.path("tee")) for _ in range(3)]
    found["tee_to_three_bytes_per_second"] = round(os.path.getsize(source) / middle(seconds, 6))
    return found
