"""Goal: the report says what was measured, and a comparison finds what became worse."""

import os
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from measure import report  # noqa: E402
from measure.goals import Figure  # noqa: E402


def results(**values):
    """values: goal -> what was measured."""
    runs = {}
    for goal, value in values.items():
        figure = Figure(goal, "a peer", [value], 2, 4, {"MB/s": 17.0})
        if figure.lower_is_better:
            figure = Figure(goal, "a peer", [value], 4, 2)
        runs[goal] = {"figures": [figure.as_json()], "at": "2026-01-01T00:00:00Z", "load": 0.1,
                      "command": f"scripts/bench {goal}"}
    return {"runs": runs, "machine": {"processor": "P", "cores": 2, "memory_gib": 4,
                                      "kernel": "Linux"}}


class Verdicts(unittest.TestCase):
    def test_a_figure_knows_its_goals(self):
        self.assertEqual(Figure("C7", "x", [1.9, 2.5, 2.1], 2, 4).verdict(), "ship")
        self.assertEqual(Figure("C7", "x", [4.0], 2, 4).verdict(), "aim")
        self.assertEqual(Figure("C7", "x", [1.99], 2, 4).verdict(), "missed")
        self.assertEqual(Figure("C5", "x", [3.0], 3.4, 3.0).verdict(), "aim")
        self.assertEqual(Figure("C5", "x", [3.5], 3.4, 3.0).verdict(), "missed")
        self.assertEqual(Figure("C7", "x", [3.5]).verdict(), "")


class Comparisons(unittest.TestCase):
    def worst(self, old, new):
        return report.compare(results(**old), results(**new))[1]

    def test_losses_are_classed(self):
        self.assertEqual(self.worst({"C7": 10}, {"C7": 8.1}), 0)
        self.assertEqual(self.worst({"C7": 10}, {"C7": 7.9}), 1)
        self.assertEqual(self.worst({"C7": 10}, {"C7": 4.9}), 2)
        self.assertEqual(self.worst({"C7": 10}, {"C7": 1.9}), 3)

    def test_less_is_more_where_less_is_wanted(self):
        self.assertEqual(self.worst({"C5": 3.0}, {"C5": 2.0}), 0)
        self.assertEqual(self.worst({"C5": 3.0}, {"C5": 4.0}), 1)
        self.assertEqual(self.worst({"C5": 1.0}, {"C5": 2.1}), 2)

    def test_what_only_one_has_is_left_out(self):
        self.assertEqual(report.compare(results(C7=10), results(C5=1)), ([], 0))


class Pages(unittest.TestCase):
    def test_the_page_keeps_its_own_words(self):
        with tempfile.TemporaryDirectory() as directory:
            page = os.path.join(directory, "README.md")
            with open(page, "w", encoding="utf-8") as text:
                text.write(f"before\n{report.BEGIN}\nold\n{report.END}\nafter\n")
            report.write_readme(page, results(C7=3, C5=9))
            with open(page, encoding="utf-8") as text:
                made = text.read()
            self.assertTrue(made.startswith("before\n") and made.endswith("\nafter\n"))
            self.assertNotIn("old", made)
            self.assertIn("| C7 | a peer | **3** x | 2 | 4 | ship |", made)
            self.assertIn("| C5 | a peer | **9** s/GB | <= 4 | <= 2 | missed |", made)
            with open(os.path.join(directory, "figures.svg"), encoding="utf-8") as chart:
                self.assertIn("C7 a peer", chart.read())


if __name__ == "__main__":
    unittest.main()
