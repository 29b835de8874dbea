"""A lab of scripts/lab: an agent and three sites, with their processor time and memory."""

import json
import os
import shutil
import subprocess
import time

from measure import machine

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SITES = ("a", "b", "w")


class Lab:
    """with Lab(binary, directory) as lab: lab.push(...)"""

    def __init__(self, binary, directory):
        self.binary = binary
        self.directory = directory
        self.env = dict(os.environ, TIDEMARK_BIN=binary)

    def __enter__(self):
        shutil.rmtree(self.directory, ignore_errors=True)
        exports = machine.run([f"{ROOT}/scripts/lab", "up", self.directory], env=self.env)
        for line in exports.decode().splitlines():
            name, _, value = line.removeprefix("export ").partition("=")
            self.env[name] = value
        return self

    def __exit__(self, *_):
        subprocess.run([f"{ROOT}/scripts/lab", "down", self.directory], env=self.env, check=False)
        shutil.rmtree(self.directory, ignore_errors=True)

    def pid(self, who):
        with open(f"{self.directory}/{who}/pid", encoding="ascii") as pid:
            return int(pid.read())

    def cpu(self, who=("agent",) + SITES):
        return sum(machine.cpu_of(self.pid(one)) for one in who)

    def kill(self, who):
        machine.run([f"{ROOT}/scripts/lab", "kill", self.directory, who], env=self.env)

    def start(self, who):
        machine.run([f"{ROOT}/scripts/lab", "start", self.directory, who], env=self.env)

    def add_vault(self, name, data_class):
        """As an operator does it: lines in agent.toml, and a start of the agent."""
        self.kill("agent")
        with open(f"{self.directory}/agent/agent.toml", "a", encoding="utf-8") as config:
            config.write(f'\n[[vaults]]\nname = "{name}"\nid = "{os.urandom(16).hex()}"\n'
                         f'class = "{data_class}"\n')
        self.start("agent")

    def call(self, *arguments, stdin=None):
        return machine.run([self.binary, *arguments], env=self.env, stdin=stdin)

    def json(self, *arguments):
        return json.loads(self.call(*arguments, "--json"))

    def push(self, path, *arguments, who=("agent",) + SITES):
        """The push's report with `seconds` of wall time and `cpu` of the given processes."""
        before, begin = self.cpu(who), time.monotonic()
        report = self.json("push", *arguments, path)
        report["seconds"] = time.monotonic() - begin
        report["cpu"] = self.cpu(who) - before
        return report

    def level(self, seconds=60):
        """Waits until every site that is alive holds everything."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            status = self.json("status")
            wanted = status["vaults"][0]["committed_sequence"]
            if all(site["state"] == "down" or (site["durable_sequence"] or 0) >= wanted
                   for site in status["sites"]):
                return
            time.sleep(0.02)
        raise machine.CommandFailed("the sites do not become level")

    def stored_bytes(self, site="a"):
        """What the site's log holds; files are preallocated, so they cannot be asked."""
        del site  # identical at all three
        return self.json("status")["vaults"][0]["stored_bytes"]
