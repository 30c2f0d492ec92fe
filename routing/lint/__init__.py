"""Lints: what a policy may say, and hardly means. The loader refuses what cannot be; these warn of what can."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from routing.lint.finding import LINTS, Examined, Finding
from routing.lint.of_activities import never_together
from routing.lint.of_incidents import nothing_counted
from routing.lint.of_passing import passed_over
from routing.lint.of_people import unused_people
from routing.lint.of_precautions import precautions, severities, templates
from routing.lint.of_ranges import out_of_range
from routing.lint.of_risk import unlearned_risk
from routing.lint.of_rules import in_vain, never_matching, unknown_connections
from routing.lint.of_slas import unreachable_slas
from routing.lint.of_steps import too_few
from routing.lint.of_the_rest import overlapping, repeated, silent, unheard, unused
from routing.policy import ConnectionFacts, Policy

__all__ = ["LINTS", "Finding", "lint"]

_CHECKS = (
    # First: what follows from a comparison that is decided is not told as well.
    out_of_range,
    never_together,
    never_matching,
    in_vain,
    unknown_connections,
    unused,
    unused_people,
    unlearned_risk,
    unreachable_slas,
    nothing_counted,
    silent,
    too_few,
    passed_over,
    overlapping,
    repeated,
    unheard,
    severities,
    precautions,
    templates,
)


def lint(
    policy: Policy,
    file: str,
    connections: Mapping[str, ConnectionFacts],
    languages: Iterable[str] = (),
    *,
    now: int | None = None,
    live: Policy | None = None,
) -> tuple[Finding, ...]:
    """Return what is hardly meant in a policy that was read from a file, in the order of the file.

    `now`, UTC microseconds, says which mutes are over; without it none is. `live` is the policy in force, where this one is only
    tried beside it.
    """
    examined = Examined(policy, file, connections, languages, now=now, live=live)
    for check in _CHECKS:
        check(examined)
    return tuple(sorted(examined.findings, key=lambda each: (each.problem, each.lint)))
