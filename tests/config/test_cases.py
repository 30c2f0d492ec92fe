"""The `[cases]` section, and what the store and the normalizers make of it."""

from __future__ import annotations

import pytest

from gateway.config import load_config
from gateway.config.cases import CasesSection, microseconds
from gateway.pipeline.identity import case_rules
from gateway.store.case_rules import DAY, CaseRules
from gateway.toml import Problems


def read(text: str) -> CasesSection:
    return load_config(text, "plugins.toml", specs={}, environ={}).cases


def test_what_is_not_said_is_what_the_store_does_by_itself() -> None:
    rules, own = case_rules(read("")), CaseRules()
    assert (rules.join_within, rules.reopen_within, rules.phone_reused_after) == (
        *(own.join_within, own.reopen_within, own.phone_reused_after),
    )


def test_everything_that_is_said_arrives() -> None:
    rules = case_rules(
        read(
            '[cases]\njoin = "never"\nreopen_within = "36h"\nphone_reused_after = "90d"\nphone_region = "DE"\n'
            '[cases.mail."gmail.com"]\nignore_dots = true\n'
        )
    )
    assert (rules.join_within, rules.reopen_within, rules.phone_reused_after) == (None, DAY * 3 // 2, 90 * DAY)
    assert rules.crossing("phone", "0171 12345678") == "phone:+4917112345678"
    assert rules.crossing("email", "a.nn@gmail.com") == "email:ann@gmail.com"
    assert rules.crossing("slack_user", "U1") is None


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ('join_within = "3 days"', "is no time: write 3d"),
        ('join_within = "soon"', "is no time: write one like 30m, 6h or 3d"),
        ("join_within = 3", '3 has no unit: write "3s", "3m" or "3h"'),
        ('reopen_within = "0d"', "is no time"),
        ('reopen_within = "999999d"', "is no time"),
        ('join = "always"', "never"),
        ('phone_region = "Germany"', "is no country"),
        ('languages = ["english"]', "is no language"),
        ("joins = true", 'did you mean "join"'),
        ('mail."Gmail.com" = {}', "in small letters"),
        ('mail."gmail.com" = { dots = true }', "unknown key"),
        ('mail."gmail" = {}', "is no mail domain"),
    ],
)
def test_a_mistake_is_told_with_its_line(line: str, sentence: str) -> None:
    with pytest.raises(Problems) as wrong:
        read(f"[cases]\n{line}\n")
    (problem,) = wrong.value.problems
    assert sentence in problem.sentence
    assert problem.line == 2 or "mail" in line


def test_times_are_read_to_the_microsecond() -> None:
    assert [microseconds(each) for each in ("1s", "2m", "3h", "4d")] == [
        *(1_000_000, 120_000_000, 10_800_000_000, 4 * DAY),
    ]
