"""`python -m tests.prove --size ci|full [--only NAME …] [--report FILE]`."""

from __future__ import annotations

import argparse
import logging
import sys
import tempfile
import time
import traceback
from pathlib import Path

from tests.facilities import MissingFacilityError, faketime_library, require_rt, required, strace_binary
from tests.prove import catalogue, report
from tests.prove.proof import Figures, Proof, Result, Size, Verdict


def missing(needs: frozenset[str]) -> tuple[str, str] | None:
    """Return the first facility that the machine lacks, with the reason."""
    from tests.facilities import start_postgres

    for name in sorted(needs):
        try:
            if name == "strace":
                strace_binary()
            elif name == "faketime":
                faketime_library()
            elif name == "postgres":
                start_postgres(ours=True).close()
            elif name == "rt":
                require_rt()
        except MissingFacilityError as problem:
            return name, str(problem)
    return None


def run(proof: Proof, size: Size) -> Result:
    """Run one proof in a directory of its own."""
    lacking = missing(proof.needs)
    if lacking is not None:
        name, reason = lacking
        verdict = Verdict.FAILED if name in required() else Verdict.SKIPPED
        reason = f"BATON_REQUIRE names {name}, but {reason}" if verdict is Verdict.FAILED else f"{name}: {reason}"
        return Result(proof=proof, verdict=verdict, seconds=0.0, figures=Figures(), reason=reason)
    begun = time.monotonic()
    figures, reason = Figures(), ""
    with tempfile.TemporaryDirectory(prefix=f"prove-{proof.name}-", ignore_cleanup_errors=True) as directory:
        try:
            figures = proof.run(size, Path(directory))
        except Exception:
            reason = "the proof itself broke:\n" + traceback.format_exc()
    held = figures.held and bool(figures.counts) and not reason
    return Result(
        proof=proof,
        verdict=Verdict.HELD if held else Verdict.FAILED,
        seconds=time.monotonic() - begun,
        figures=figures,
        reason=reason,
    )


def main(arguments: list[str]) -> int:
    """Run what is asked for and say how it went."""
    parser = argparse.ArgumentParser(prog="python -m tests.prove", description=__doc__)
    parser.add_argument("--size", type=Size, choices=list(Size), default=Size.CI)
    parser.add_argument("--only", action="append", default=[], choices=sorted(catalogue.PROOFS), metavar="NAME")
    parser.add_argument("--report", type=Path, default=Path("build/proofs.md"))
    options = parser.parse_args(arguments)
    # A gateway that is killed breaks its calls to the sandboxes: that is the point, and no news.
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)
    begun = time.monotonic()
    results: list[Result] = []
    for name in options.only or catalogue.PROOFS:
        result = run(catalogue.PROOFS[name], options.size)
        print("\n".join(report.lines(result)), flush=True)
        results.append(result)
    seconds = time.monotonic() - begun
    report.write(options.report, report.markdown(results, options.size, seconds))
    failed = [result.proof.name for result in results if result.verdict is Verdict.FAILED]
    print(f"{len(results)} proofs in {seconds:.0f} s, failed: {', '.join(failed) or 'none'}; report: {options.report}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
