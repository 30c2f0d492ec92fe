"""`python -m bench [--size ci|full]`: every figure as a ratio within this run, its two sides measured turn by turn."""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from bench import accept, clocks, decide, process, risk
from bench.events import slack_events
from bench.path import reference_rate, whole_rate
from gateway.telemetry.collector import calm_collector
from tests.facilities import MissingFacilityError, start_postgres


class Page:
    """What is told: on the terminal at once, and in a file."""

    def __init__(self) -> None:
        """Begin the table."""
        self.lines = ["| figure | bare | Baton | ratio: median (least to most) | wanted |", "|---|---|---|---|---|"]

    def row(self, name: str, bare: str, ours: str, ratio: str, wanted: str = "") -> None:
        """Add a row."""
        self.lines.append(f"| {name} | {bare} | {ours} | {ratio} | {wanted} |")
        print(f"{name}: bare {bare}, Baton {ours}, ratio {ratio} {wanted}", flush=True)

    def rates(self, name: str, pairs: Sequence[tuple[float, float]], wanted: str) -> None:
        """Add a row of rates, a second."""
        ratios = sorted(ours / bare for bare, ours in pairs)
        spread = f"**{statistics.median(ratios):.3f}** ({ratios[0]:.3f} to {ratios[-1]:.3f}, {len(ratios)} pairs)"
        bare, ours = (statistics.median(side) for side in zip(*pairs, strict=True))
        self.row(name, f"{bare:,.0f}/s", f"{ours:,.0f}/s", spread, wanted)


def paired(rounds: int, bare: Callable[[], float], ours: Callable[[], float]) -> list[tuple[float, float]]:
    """Return both sides, measured turn by turn; the first side changes."""
    found: list[tuple[float, float]] = []
    for number in range(rounds):
        if number % 2:
            second = ours()
            found.append((bare(), second))
        else:
            found.append((bare(), ours()))
    return found


def measure_path(page: Page, directory: Path, rounds: int, count: int) -> None:
    """Measure the whole path to the outbox on both engines."""
    events = slack_events(count, 1000)
    size = sum(len(event.body) for event in events) / len(events)
    server = None
    try:
        server = start_postgres(ours=True)
    except MissingFacilityError as problem:
        print(f"PostgreSQL is not measured: {problem}")
    for engine, wanted in (("sqlite", "≥ 0.10"), ("postgresql", "≥ 0.12")):
        if engine == "postgresql" and server is None:
            continue
        where = (engine, directory, server.url if server is not None else "", events)
        found = paired(rounds, partial(reference_rate, *where), partial(whole_rate, *where))
        page.rates(f"whole path to the outbox, {engine}, {size:,.0f} B, 1,000 threads, 100 rules", found, wanted)
    if server is not None:
        server.close()


def measure_accept(page: Page, directory: Path, rounds: int, count: int) -> None:
    """Measure the front door."""
    events = slack_events(count, 1000)
    found = paired(
        rounds,
        lambda: accept.accept_rate("bare", directory, events),
        lambda: accept.accept_rate("door", directory, events),
    )
    page.rates("durable accept over HTTP, the front door alone", found, "≥ 0.6")
    rate = statistics.median(ours for _, ours in found) / 2
    late = [
        [accept.accept_latency(kind, directory, events, rate) for _ in range(max(2, rounds // 2))]
        for kind in ("bare", "door")
    ]
    (bare50, bare99), (ours50, ours99) = [
        (statistics.median(each[0] for each in side), statistics.median(each[1] for each in side)) for side in late
    ]
    page.row(
        f"accept p50 / p99 at half load ({rate:,.0f}/s), the front door alone",
        f"{bare50 * 1e3:.1f} / {bare99 * 1e3:.1f} ms",
        f"{ours50 * 1e3:.1f} / {ours99 * 1e3:.1f} ms",
        f"{ours50 / bare50:.2f} / {ours99 / bare99:.2f}",
    )


def measure_process(page: Page, directory: Path, count: int, many: int) -> None:
    """Measure the whole program."""
    nothing, helping = process.start_times(7)
    page.row(
        "`baton --help`",
        f"{nothing * 1e3:.0f} ms (python -c pass)",
        f"{helping * 1e3:.0f} ms",
        f"{helping / nothing:.1f}",
    )
    ready = min(asyncio.run(process.ready_time(directory / f"ready-{number}")) for number in range(3))
    page.row(
        "`baton serve` to ready",
        f"{nothing * 1e3:.0f} ms (python -c pass)",
        f"{ready * 1e3:.0f} ms",
        f"{ready / nothing:.1f}",
    )
    rate, p50, p99 = asyncio.run(process.whole_latency(directory / "whole", slack_events(count * 2, 1000)))
    page.row(
        "the whole gateway on one machine with its sender: accepts at most; p50 / p99 at half of it",
        "-",
        f"{rate:,.0f}/s; {p50 * 1e3:.1f} / {p99 * 1e3:.1f} ms",
        "-",
    )
    found = asyncio.run(process.memory(directory / "memory", slack_events(many, 1000)))
    page.row(
        f"resident memory before, after {many // 10:,}, after {many:,} events",
        f"{found[0]:.0f} MB",
        f"{found[1]:.0f}, {found[-1]:.0f} MB",
        f"{found[-1] / found[1]:.2f}",
        "flat",
    )
    print("resident memory, MB:", ", ".join(f"{each:.0f}" for each in found))


def measure_decide(page: Page, rounds: int) -> None:
    """Measure the rules beside conditions in Python, and beside expression libraries where they are installed."""
    for count in decide.COUNTS:
        for name, ours, theirs, ratios in decide.measured(count, rounds):
            wanted = "≤ 1.5" if name == "conditions in Python" else ""
            spread = f"**{statistics.median(ratios):.2f}** ({ratios[0]:.2f} to {ratios[-1]:.2f}, {len(ratios)} pairs)"
            page.row(f"{count:,} rules beside {name}", f"{theirs:,.1f} µs", f"{ours:,.1f} µs", spread, wanted)


def measure_risk(page: Page) -> None:
    """Measure the predicted escalation, where the log of incidents is."""
    log = risk.shared_data() / risk.LOG
    if not log.is_file():
        print(f"the predicted risk is not measured: there is no {log}")
        return

    def told(side: risk.Judged) -> str:
        recall = ", ".join(f"{each:.2f}" for each in side.recall)
        return f"AUC {side.auc:.3f} ({side.spread[0]:.2f} to {side.spread[1]:.2f}); recall {recall}"

    for name, asked, came, ours, theirs in risk.measured(log):
        bare = told(theirs) if theirs is not None else "scikit-learn is not installed"
        ratio = f"{ours.auc / theirs.auc:.2f}" if theirs is not None else "-"
        page.row(f"{name}: {came} of {asked} later incidents; recall at 10, 20, 30 % flagged", bare, told(ours), ratio)


def measure_clocks(page: Page, directory: Path, many: int, ticks: int) -> None:
    """Measure a tick with many open SLA clocks beside one with few, on both engines."""
    try:
        server = start_postgres(ours=True)
    except MissingFacilityError as problem:
        server = None
        print(f"PostgreSQL is not measured: {problem}")
    for engine in ("sqlite", "postgresql"):
        if engine == "postgresql" and server is None:
            continue
        where = (engine, directory, server.url if server is not None else "")
        few, full, ratios, _ = clocks.measured(*where, many, ticks)
        spread = f"**{statistics.median(ratios):.2f}** ({ratios[0]:.2f} to {ratios[-1]:.2f}, {len(ratios)} pairs)"
        name = f"a tick with {clocks.DUE} clocks due, {many:,} open, {engine}, beside {clocks.FEW:,} open"
        page.row(name, f"{few * 1e3:.1f} ms", f"{full * 1e3:.1f} ms", spread, "≤ 1.5")
    if server is not None:
        server.close()


def main(arguments: list[str]) -> int:
    """Measure everything and keep it in a file."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--size", choices=("ci", "full"), default="ci")
    parts = ("path", "accept", "process", "decide", "clocks", "risk")
    parser.add_argument("--only", choices=parts, default=None)
    parser.add_argument("--report", type=Path, default=Path("build/bench.md"))
    options = parser.parse_args(arguments)
    full = options.size == "full"
    calm_collector()
    page, begun = Page(), time.monotonic()
    with tempfile.TemporaryDirectory(prefix="baton-bench-", ignore_cleanup_errors=True) as name:
        directory = Path(name)
        if options.only in {None, "path"}:
            measure_path(page, directory, 9 if full else 3, 20_000 if full else 8_000)
        if options.only in {None, "accept"}:
            measure_accept(page, directory, 7 if full else 3, 15_000 if full else 5_000)
        if options.only in {None, "process"}:
            measure_process(page, directory, 10_000 if full else 4_000, 100_000 if full else 20_000)
        if options.only in {None, "decide"}:
            measure_decide(page, 7 if full else 3)
        if options.only in {None, "risk"}:
            measure_risk(page)
        if options.only in {None, "clocks"}:
            measure_clocks(page, directory, 1_000_000 if full else 50_000, 25 if full else 10)
    machine = f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}, Python {platform.python_version()}"
    head = f"Size `{options.size}`, {time.monotonic() - begun:.0f} s, {machine}, SQLite {sqlite3.sqlite_version}."
    options.report.parent.mkdir(parents=True, exist_ok=True)
    options.report.write_text("\n".join([head, "", *page.lines]) + "\n")
    print(f"report: {options.report}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
