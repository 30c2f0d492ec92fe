"""`baton policy test`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gateway.cli.configuration import config_option, read_outline
from gateway.cli.terminal import (
    Failure,
    WrongFiles,
    bad,
    good,
    json_option,
    paragraph,
    policy_option,
    print_json,
    several,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from gateway.loading import Outline
    from routing.policy_tests.run import Coverage, Report, Result
    from routing.policy_tests.values import PolicyTest


@click.command()
@click.argument("files", metavar="[FILE]...", nargs=-1, type=click.Path(path_type=Path, dir_okay=False))
@policy_option
@click.option(
    "--junit",
    type=click.Path(path_type=Path, dir_okay=False),
    default=None,
    help="Write the results as JUnit XML, for build servers.",
)
@click.option(
    "--fail-under",
    type=click.FloatRange(0, 100),
    default=None,
    help="Fail when less than N per cent of rules and steps are reached.",
    metavar="N",
)
@config_option
@json_option
def test(
    files: tuple[Path, ...],
    policy_file: Path | None,
    junit: Path | None,
    fail_under: float | None,
    config: Path,
    *,
    as_json: bool,
) -> None:
    """Play the tests of the policy, in virtual time: nothing is called and nothing is kept.

    Without FILE, the tests beside the policy: escalation.test.toml for escalation.toml. No secret is needed. Exit code 1 when a
    test fails, or when --fail-under is not reached.
    """
    from routing.policy_tests.run import run_policy_tests

    outline = read_outline(config, policy_file)
    report = run_policy_tests(outline.policy, outline.facts, _tests(outline, files))
    if junit is not None:
        _write(junit, report)
    low = fail_under is not None and report.coverage.percent < fail_under
    if as_json:
        print_json(_values(report, fail_under, ok=report.passed and not low))
    else:
        _tell(outline, report)
        if low:
            click.echo(bad(f"At least {fail_under:g} % must be reached."), err=True)
    if low or not report.passed:
        raise SystemExit(Failure.exit_code)


def _tests(outline: Outline, files: Sequence[Path]) -> list[PolicyTest]:
    """Return the tests of some files. Raises `WrongFiles` with every mistake of all of them."""
    from gateway.loading import read_text, shown
    from gateway.toml import Problems
    from routing.policy_tests.load import load_policy_tests

    tests: list[PolicyTest] = []
    lines: list[str] = []
    for file in files or (outline.premises.policy.with_suffix(".test.toml"),):
        try:
            tests += load_policy_tests(read_text(file), shown(file), outline.policy, outline.facts)
        except Problems as problems:
            lines += str(problems).splitlines()
    if lines:
        raise WrongFiles(lines)
    return tests


# --- for people ------------------------------------------------------------------------------------------------------
def _tell(outline: Outline, report: Report) -> None:
    failed = [result for result in report.results if not result.passed]
    for result in failed:
        _tell_failure(result)
    passed = len(report.results) - len(failed)
    click.echo(
        bad(f"{several(len(failed), 'test')} failed, {passed} passed.")
        if failed
        else good(f"{several(passed, 'test')} passed.")
    )
    coverage = report.coverage
    click.echo(
        f"{coverage.percent:.0f} % of {outline.file.name} is reached: {_of(coverage.rules, coverage.missed_rules)} rules,"
        f" {_of(coverage.steps, coverage.missed_steps)} steps of ladders."
    )
    for what, missed in (("rules", coverage.missed_rules), ("steps", coverage.missed_steps)):
        if missed:
            paragraph(f"No test reaches the {what} {', '.join(missed)}.", indent="  ")


def _of(every: Sequence[str], missed: Sequence[str]) -> str:
    return f"{len(every) - len(missed)} of {len(every)}"


def _tell_failure(result: Result) -> None:
    test_ = result.test
    click.echo(bad(f"failed: {test_.name}"))
    said = ""
    for failure in result.failures:
        line, column = failure.place
        click.echo(f"  {test_.file}:{line}:{column}: expected {failure.key} = {failure.wanted}")
        click.echo(f"  {' ' * len(f'{test_.file}:{line}:{column}: ')}but it is {failure.key} = {failure.got}")
        if failure.said and failure.said != said:
            said = failure.said
            paragraph(failure.said, indent="    ")


# --- for programs ----------------------------------------------------------------------------------------------------
def _values(report: Report, fail_under: float | None, *, ok: bool) -> dict[str, Any]:
    return {
        "ok": ok,
        "tests": [
            {
                "name": result.test.name,
                "file": result.test.file,
                "line": result.test.line,
                "passed": result.passed,
                "failures": [
                    {
                        "line": failure.place[0],
                        "column": failure.place[1],
                        "key": failure.key,
                        "expected": failure.wanted,
                        "got": failure.got,
                        "said": failure.said,
                    }
                    for failure in result.failures
                ],
            }
            for result in report.results
        ],
        "coverage": _covered(report.coverage) | ({"at_least": fail_under} if fail_under is not None else {}),
    }


def _covered(coverage: Coverage) -> dict[str, Any]:
    return {
        "percent": round(coverage.percent, 1),
        "rules": {"all": list(coverage.rules), "missed": list(coverage.missed_rules)},
        "steps": {"all": list(coverage.steps), "missed": list(coverage.missed_steps)},
    }


def _write(file: Path, report: Report) -> None:
    """Write the results as JUnit XML. Raises `Failure` when the file cannot be written."""
    try:
        file.write_bytes(_junit(report.results))
    except OSError as error:
        raise Failure(f"{file} cannot be written: {error.strerror}") from None


def _junit(results: Iterable[Result]) -> bytes:
    """Return the results as JUnit XML: a suite for each file, a case for each test."""
    from xml.etree import ElementTree as ET

    suites: dict[str, list[Result]] = {}
    for result in results:
        suites.setdefault(result.test.file, []).append(result)
    root = ET.Element("testsuites")
    for name, members in suites.items():
        failed = str(sum(not result.passed for result in members))
        counts = {"tests": str(len(members)), "failures": failed, "errors": "0", "skipped": "0"}
        suite = ET.SubElement(root, "testsuite", {"name": _plain(name), **counts})
        for result in members:
            names = {"classname": _plain(name), "name": _plain(result.test.name), "file": _plain(name)}
            case = ET.SubElement(suite, "testcase", {**names, "line": str(result.test.line), "time": "0"})
            if not result.passed:
                first = result.failures[0]
                told = "\n".join(f"line {each.place[0]}: {each}. {each.said}" for each in result.failures)
                ET.SubElement(case, "failure", {"message": _plain(str(first))}).text = _plain(told)
    written: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return written


def _plain(text: str) -> str:
    """Return a text without the characters that XML 1.0 cannot hold, not even escaped."""
    return "".join(
        each if each in "\t\n" or (each >= " " and each not in "\ufffe\uffff") else "\ufffd" for each in text
    )
