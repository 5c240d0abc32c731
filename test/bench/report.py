#!/usr/bin/env python3
"""Makes the tables and the plot in doc/ of a run of the benchmark.

    test/bench/report.py build/bench/figures.tsv doc

replaces what stands between the two marks in doc/performance.md by the run's tables, and writes doc/performance.svg:
time and private memory over the number of people, one line a contestant. Needs nothing but Python 3.

figures.tsv has lines "machine <TAB> text" and lines of a contestant, separated by tabs: part (workload or guards),
people, records, name, title, rounds, min s, median s, x limit, x min, cpu s, backend MB, private MB, temp MB, rows,
identities, partition; or of one left out: part, people, records, "left out", title, why.
"""

import math
import re
import sys
from dataclasses import dataclass
from html import escape
from pathlib import Path

BEGIN = "<!-- figures: test/bench/run.sh --doc writes from here -->"
END = "<!-- figures: to here -->"

# The lines of the plot: name, label, colour (Okabe and Ito's, which the colour-blind can tell apart), shape of the
# points, width. The extension's two are the thick ones.
LINES = [
    ("limit", "limit: copy every record once", "#000000", "circle", 2),
    ("records", "identity_records (long form)", "#0072b2", "circle", 3.5),
    ("master", "resolve_identities (master table)", "#d55e00", "square", 3.5),
    ("duckdb", "DuckDB, label propagation", "#009e73", "diamond", 2),
    ("pgrouting", "pgRouting, connected components", "#cc79a7", "triangle", 2),
    ("label_propagation", "PL/pgSQL, label propagation", "#8c6d00", "square", 2),
    ("or_join", "the plain SQL (OR joins)", "#56b4e9", "triangle", 2),
    ("equi_joins", "the plain SQL with UNION for OR", "#7f7f7f", "diamond", 2),
]


@dataclass
class Figure:
    part: str
    people: int
    records: int
    name: str
    title: str
    rounds: int
    fastest: float
    median: float
    over_limit: float
    over_fastest: float
    cpu: float
    backend: str
    private: int
    temp: str
    rows: str
    identities: str
    partition: str


@dataclass
class LeftOut:
    part: str
    people: int
    title: str
    why: str


def read(path):
    """The machine's description (label -> text), the figures and the contestants left out."""
    machine, figures, left_out = {}, [], []
    for line in Path(path).read_text().splitlines():
        fields = line.split("\t")
        if fields[0] == "machine":
            label, text = fields[1].split(":", 1)
            machine[label] = text.strip()
        elif fields[3] == "left out":
            left_out.append(LeftOut(fields[0], int(fields[1]), fields[4], fields[5]))
        else:
            kinds = [field.type for field in Figure.__dataclass_fields__.values()]
            figures.append(Figure(*(kind(field) for kind, field in zip(kinds, fields, strict=True))))
    return machine, figures, left_out


# --- tables ---


def number(text):
    return f"{int(text):,}" if text.isdigit() else text


def table(figures):
    lines = [
        "| contestant | rounds | min s | median s | µs a record | x limit | x min | private MB | temp MB | rows"
        " | identities | partition |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---|",
    ]
    for f in figures:
        lines.append(
            f"| {f.title} | {f.rounds} | {f.fastest:.3f} | {f.median:.3f} | {f.median / f.records * 1e6:.2f}"
            f" | {f.over_limit:.2f} | {f.over_fastest:.2f} | {f.private} | {f.temp} | {number(f.rows)}"
            f" | {number(f.identities)} | {f.partition} |"
        )
    return lines


def guards_ratios(figures):
    """The guards' times over the time without them: medians, fastest rounds, processor time."""
    by_name = {f.name: f for f in figures}
    lines = ["| times the time without guards | median | min | cpu |", "|---|---:|---:|---:|"]
    for f in figures:
        plain = by_name.get(f.name.split("_")[0] + "_plain")
        if plain and f is not plain:
            cpu = f"{f.cpu / plain.cpu:.2f}" if plain.cpu > 0 else "-"
            lines.append(f"| {f.title} | {f.median / plain.median:.2f} | {f.fastest / plain.fastest:.2f} | {cpu} |")
    return lines


def report(machine, figures, left_out):
    settings = machine.get("settings", "")
    lines = [
        f"{machine.get('date', '')}: {machine.get('machine', '')}; {machine.get('server', '')}; load {machine.get('load', '')}.",
        "",
        f"Settings: {settings}.",
        "",
        "![Time and private memory over the number of people](performance.svg)",
    ]
    for part in ("workload", "guards"):
        sizes = sorted({f.people for f in figures if f.part == part}, reverse=True)
        for people in sizes:
            chosen = [f for f in figures if f.part == part and f.people == people]
            about = f"{people:,} people, {chosen[0].records:,} records"
            if part == "guards":
                about = f"The guards where they find nothing, {about}"
            lines += ["", f"{about}:", "", *table(chosen)]
            lines += [
                f"{'' if n else chr(10)}Left out, {gone.title}: {gone.why}."
                for n, gone in enumerate(g for g in left_out if g.part == part and g.people == people)
            ]
            if part == "guards":
                lines += ["", *guards_ratios(chosen)]
    return "\n".join(lines)


def put_between_marks(path, text):
    page = path.read_text()
    pattern = re.compile(re.escape(BEGIN) + ".*?" + re.escape(END), re.DOTALL)
    page, found = pattern.subn(lambda _: f"{BEGIN}\n{text}\n{END}", page)
    if found != 1:
        sys.exit(f"report.py: {path} must have the marks\n{BEGIN}\n{END}\nonce")
    path.write_text(page)


# --- plot ---

INK, FAINT, GRID = "#24292f", "#57606a", "#d8dee4"


def seconds(value):
    return f"{value:g} s" if value >= 1 else f"{value * 1000:g} ms"


def megabytes(value):
    return f"{value / 1000:g} GB" if value >= 1000 else f"{value:g} MB"


def marker(shape, x, y, colour):
    if shape == "circle":
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{colour}"/>'
    corners = {
        "square": [(-4, -4), (4, -4), (4, 4), (-4, 4)],
        "diamond": [(0, -5.5), (5.5, 0), (0, 5.5), (-5.5, 0)],
        "triangle": [(0, -5.5), (5, 4), (-5, 4)],
    }[shape]
    points = " ".join(f"{x + dx:.1f},{y + dy:.1f}" for dx, dy in corners)
    return f'<polygon points="{points}" fill="{colour}"/>'


def text(x, y, words, size=13, anchor="start", colour=INK, more=""):
    return f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" fill="{colour}"{more}>{escape(words)}</text>'


class Axis:
    """A logarithmic axis from the decade below its least value to a little above its greatest."""

    def __init__(self, values, begin, end):
        self.low = math.floor(math.log10(min(values)) + 1e-9)
        self.high = math.log10(max(values)) + 0.08
        if self.high - self.low < 1:
            self.high = self.low + 1
        self.begin, self.end = begin, end

    def place(self, value):
        share = (math.log10(value) - self.low) / (self.high - self.low)
        return self.begin + share * (self.end - self.begin)

    def decades(self):
        return [10.0**n for n in range(self.low, math.floor(self.high) + 1)]


def panel(left, title, lines, unit):
    """One of the two pictures: lines as (label, colour, shape, width, [(people, value)])."""
    top, bottom, width = 80, 414, 370
    across = Axis([x for line in lines for x, _ in line[4]], left + 12, left + width)
    up = Axis([y for line in lines for _, y in line[4]], bottom, top)
    svg = [text(left, top - 18, title, 15, more=' font-weight="600"')]
    for value in up.decades():
        y = up.place(value)
        svg.append(f'<line x1="{left}" y1="{y:.1f}" x2="{left + width}" y2="{y:.1f}" stroke="{GRID}"/>')
        svg.append(text(left - 8, y + 4, unit(value), 12, "end", FAINT))
    for value in across.decades():
        x = across.place(value)
        svg.append(f'<line x1="{x:.1f}" y1="{top}" x2="{x:.1f}" y2="{bottom}" stroke="{GRID}"/>')
        svg.append(text(x, bottom + 19, f"{value:,.0f}", 12, "middle", FAINT))
    svg.append(f'<rect x="{left}" y="{top}" width="{width}" height="{bottom - top}" fill="none" stroke="{FAINT}"/>')
    svg.append(text(left + width / 2, bottom + 40, "people (2.65 records each)", 13, "middle"))
    for _, colour, shape, thick, points in lines:
        places = [(across.place(x), up.place(y)) for x, y in points]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        svg.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="{thick}" stroke-linejoin="round"/>')
        svg += [marker(shape, x, y, colour) for x, y in places]
    return svg


def plot(machine, figures):
    figures = [f for f in figures if f.part == "workload"]

    def lines(value):
        chosen = []
        for name, label, colour, shape, width in LINES:
            points = sorted((f.people, value(f)) for f in figures if f.name == name)
            if points:
                chosen.append((label, colour, shape, width, points))
        return chosen

    times, memory = lines(lambda f: f.median), lines(lambda f: max(f.private, 1))
    height = 490 + 24 * math.ceil(len(times) / 3) + 44
    svg = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 940 {height}" width="940" height="{height}"'
        ' font-family="Helvetica, Arial, \'DejaVu Sans\', sans-serif" role="img">',
        "<title>Time and private memory over the number of people, one line a contestant</title>",
        f'<rect width="940" height="{height}" fill="#ffffff"/>',
        text(28, 26, "Joining the records of five tools: time and memory over the number of people", 16, more=' font-weight="600"'),
        *panel(84, "Time", times, seconds),
        *panel(542, "Peak private memory", memory, megabytes),
    ]
    for n, (label, colour, shape, width, _) in enumerate(times):
        x, y = 40 + 300 * (n % 3), 488 + 24 * (n // 3)
        svg.append(f'<line x1="{x}" y1="{y}" x2="{x + 32}" y2="{y}" stroke="{colour}" stroke-width="{width}"/>')
        svg.append(marker(shape, x + 16, y, colour))
        svg.append(text(x + 42, y + 4.5, label))
    note = "Both axes logarithmic. A line ends where its contestant would have taken too long."
    if any(f.name == "duckdb" for f in figures):
        note += " DuckDB's memory has its Node process in it."
    svg.append(text(40, height - 34, note, 12, colour=FAINT))
    svg.append(text(40, height - 16, f"{machine.get('machine', '')}; {machine.get('server', '').split(' (')[0]}; {machine.get('date', '')}", 12, colour=FAINT))
    svg.append("</svg>")
    return "\n".join(svg) + "\n"


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    machine, figures, left_out = read(sys.argv[1])
    folder = Path(sys.argv[2])
    (folder / "performance.svg").write_text(plot(machine, figures))
    put_between_marks(folder / "performance.md", report(machine, figures, left_out))


if __name__ == "__main__":
    main()
