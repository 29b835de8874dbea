"""Results as JSON, as a table and a chart in bench/README.md, and beside earlier results."""

import json
import math
import os

BEGIN, END = "<!-- figures: made by scripts/bench -->", "<!-- end of figures -->"
REGRESSIONS = (0.2, 0.5, 0.8)


def load(path):
    if not os.path.exists(path):
        return {"runs": {}}
    with open(path, encoding="utf-8") as text:
        return json.load(text)


def save(path, results):
    with open(path + ".new", "w", encoding="utf-8") as text:
        json.dump(results, text, indent=1, sort_keys=True)
        text.write("\n")
    os.rename(path + ".new", path)


def number(value):
    if value is None:
        return ""
    return f"{value:.3g}" if abs(value) < 100 else f"{value:.0f}"


def order(goal):
    return int(goal[1:])


def lines_of(results):
    for goal in sorted(results["runs"], key=order):
        run = results["runs"][goal]
        for figure in run["figures"]:
            yield run, figure


def table(results):
    lines = ["| goal | against | measured | ship | aim | | of the pairs | beside it | when |",
             "|---|---|---|---|---|---|---|---|---|"]
    for run, figure in lines_of(results):
        sign = "<= " if figure["lower_is_better"] else ""
        limits = [sign + number(figure[limit]) if figure[limit] is not None else ""
                  for limit in ("ship", "aim")]
        spread = "" if len(figure["rounds"]) < 2 else (
            f"{number(min(figure['rounds']))} .. {number(max(figure['rounds']))}")
        beside = ", ".join(f"{name} {number(value) if isinstance(value, (int, float)) else value}"
                           for name, value in figure["details"].items())
        lines.append(f"| {figure['goal']} | {figure['against']} | **{number(figure['value'])}** "
                     f"{figure['unit']} | {limits[0]} | {limits[1]} | {figure['verdict']} | "
                     f"{spread} | {beside} | {run['at'][:16]}, load {run['load']} |")
    return lines


def floor_lines(results):
    run = results.get("floors")
    if not run:
        return []
    lines = ["", f"Floors of this machine ({run['at'][:16]}, load {run['load']}):", "",
             "| floor | |", "|---|---|"]
    for name, value in run["values"].items():
        if name.endswith("_bytes_per_second"):
            shown = f"{value / 1e9:.2f} GB/s"
            name = name.removesuffix("_bytes_per_second")
        elif name.endswith("_seconds"):
            shown = f"{value * 1e6:.1f} us"
            name = name.removesuffix("_seconds")
        else:
            shown = number(value)
        lines.append(f"| {name.replace('_', ' ')} | {shown} |")
    return lines


def chart(results):
    """Each figure against its goal to ship, on a logarithmic axis: right of the line is shown."""
    rows = [figure for _, figure in lines_of(results) if figure["ship"] is not None]
    left, width, step, top = 290, 420, 22, 40
    low, high = math.log(0.2), math.log(5)

    def x(ratio):
        share = (math.log(min(max(ratio, 0.2), 5)) - low) / (high - low)
        return left + share * width

    def score(figure, value):
        return figure["ship"] / value if figure["lower_is_better"] else value / figure["ship"]

    height = top + step * len(rows) + 30
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + width + 90}" '
           f'height="{height}" font-family="sans-serif" font-size="12">',
           '<rect width="100%" height="100%" fill="#ffffff"/>',
           '<text x="10" y="20" font-weight="bold">Measured against the goal to ship '
           '(right of the line: reached; tick: the aim)</text>']
    for at, figure in enumerate(rows):
        y = top + at * step
        reached = score(figure, max(figure["value"], 1e-9))
        colour = {"aim": "#1a7f37", "ship": "#4c9be8", "missed": "#c4432b"}[figure["verdict"]]
        begin, end = sorted((x(1), x(reached)))
        out.append(f'<text x="{left - 8}" y="{y + 12}" text-anchor="end">{figure["goal"]} '
                   f'{figure["against"].replace("&", "and")}</text>')
        out.append(f'<rect x="{begin:.1f}" y="{y + 2}" width="{max(end - begin, 1):.1f}" '
                   f'height="{step - 8}" fill="{colour}"/>')
        if figure["aim"] is not None:
            tick = x(score(figure, figure["aim"]))
            out.append(f'<line x1="{tick:.1f}" x2="{tick:.1f}" y1="{y}" y2="{y + step - 4}" '
                       'stroke="#333333"/>')
        out.append(f'<text x="{left + width + 8}" y="{y + 12}">{number(figure["value"])} '
                   f'{figure["unit"]}</text>')
    bottom = top + step * len(rows)
    out.append(f'<line x1="{x(1):.1f}" x2="{x(1):.1f}" y1="{top - 6}" y2="{bottom}" '
               'stroke="#000000" stroke-width="1.5"/>')
    for ratio in (0.2, 0.5, 1, 2, 5):
        out.append(f'<text x="{x(ratio):.1f}" y="{bottom + 18}" text-anchor="middle">'
                   f'{ratio:g}x</text>')
    out.append("</svg>")
    return "\n".join(out) + "\n"


def write_readme(readme, results):
    """Replaces what stands between the two marks, and the chart beside it."""
    with open(readme, encoding="utf-8") as text:
        before, _, rest = text.read().partition(BEGIN)
        after = rest.partition(END)[2]
    machine = results["machine"]
    made = [BEGIN, "", f"{machine['processor']}, {machine['cores']} cores, "
            f"{machine['memory_gib']} GiB, {machine['kernel']}.",
            "", "![each figure against its goal](figures.svg)", "", *table(results),
            *floor_lines(results), "",
            "Commands: " + "; ".join(sorted({f"`{run['command']}`"
                                             for run in results["runs"].values()})) + ".", "", END]
    with open(readme, "w", encoding="utf-8") as text:
        text.write(before + "\n".join(made) + after)
    with open(os.path.join(os.path.dirname(readme), "figures.svg"), "w", encoding="utf-8") as text:
        text.write(chart(results))


def compare(old, new):
    """Lines of what became worse by a fifth, a half, four fifths; the worst class, 0 to 3."""
    before = {(figure["goal"], figure["against"]): figure for _, figure in lines_of(old)}
    worst, lines = 0, []
    for _, figure in lines_of(new):
        earlier = before.get((figure["goal"], figure["against"]))
        if earlier is None or not earlier["value"] or not figure["value"]:
            continue
        better = figure["value"] / earlier["value"]
        if figure["lower_is_better"]:
            better = 1 / better
        lost = 1 - better
        level = sum(lost >= limit for limit in REGRESSIONS)
        worst = max(worst, level)
        mark = ("", "regression of a fifth", "regression of a half", "regression of four fifths")
        lines.append(f"{figure['goal']:4} {figure['against']:50} {number(earlier['value']):>8} -> "
                     f"{number(figure['value']):>8} {mark[level]}".rstrip())
    return lines, worst
