"""What is to be shown, and what was: goals with the ratio that ships and the one aimed at."""

import dataclasses
import statistics


@dataclasses.dataclass(frozen=True)
class Goal:
    name: str
    title: str
    unit: str = "x"
    lower_is_better: bool = False


GOALS = {goal.name: goal for goal in (
    Goal("C1", "cut-point search against scalar FastCDC with the same limits"),
    Goal("C2", "new bytes in the second version against FastCDC at equal mean length",
         lower_is_better=True),
    Goal("C3", "one core, page cache to sealed chunks, as a share of the sum of its stages' limits"),
    Goal("C4", "known data pushed again, its content read, against own rate for new data"),
    Goal("C5", "agent and three sites, processor seconds per logical GB, compression off",
         "s/GB", lower_is_better=True),
    Goal("C6", "the agent's processor time with three sites against one", lower_is_better=True),
    Goal("C7", "first full to three durable destinations, compression off"),
    Goal("C8", "the same until the witness has it too, compression on"),
    Goal("C9", "the same against `tee` to three files and fsync"),
    Goal("C10", "bytes that the second version adds at a site", lower_is_better=True),
    Goal("C11", "4 KiB, one outstanding: record to commit decision against raw loops and an echo",
         lower_is_better=True),
    Goal("C12", "small durable commits a second at 64 outstanding"),
    Goal("C13", "full restore, verified"),
    Goal("C14", "full verification against `restic check --read-data`"),
    Goal("C15", "the primaries' rate with a stalled witness against a healthy one"),
    Goal("C16", "peak memory of the agent, a long stream against a short one",
         lower_is_better=True),
    Goal("C17", "dedup index", "B", lower_is_better=True),
)}


@dataclasses.dataclass
class Figure:
    """One line of the table. `rounds` are the ratios of the pairs; `value` their median."""

    goal: str
    against: str
    rounds: list
    ship: float = None  # None: no goal of its own, for the reader
    aim: float = None
    details: dict = dataclasses.field(default_factory=dict)
    unit: str = ""

    @property
    def value(self):
        return statistics.median(self.rounds)

    @property
    def lower_is_better(self):
        return GOALS[self.goal].lower_is_better

    def reaches(self, limit):
        return self.value <= limit if self.lower_is_better else self.value >= limit

    def verdict(self):
        if self.ship is None:
            return ""
        if self.aim is not None and self.reaches(self.aim):
            return "aim"
        return "ship" if self.reaches(self.ship) else "missed"

    def as_json(self):
        return {"goal": self.goal, "against": self.against, "value": round(self.value, 5),
                "unit": self.unit or GOALS[self.goal].unit, "ship": self.ship, "aim": self.aim,
                "lower_is_better": self.lower_is_better, "verdict": self.verdict(),
                "rounds": [round(one, 5) for one in self.rounds], "details": self.details}


def rate(size, seconds):
    """MB/s, for reading beside a ratio."""
    return round(size / seconds / 1e6, 1)


def middle(values, digits=3):
    return round(statistics.median(values), digits)
