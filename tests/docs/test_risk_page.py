"""What the page about the risk says is so: its features, its numbers, its policy."""

from __future__ import annotations

import re
from typing import Final

from gateway.pipeline.risk import PATIENCE
from routing.expression import parse_duration
from routing.load import load_policy
from routing.risk.learning import MOST, REMEMBERED
from routing.risk.rules import AT_LEAST, HORIZON
from tests.docs.tables import DOCS
from tests.docs.test_policy_page import FACTS
from tests.routing.risk.test_features import KINDS

PAGE: Final = (DOCS / "explanation" / "risk.md").read_text()


def test_every_feature_is_told_and_no_other() -> None:
    rows: list[str] = re.findall(r"^\| (`[a-z_`, ]+`) \|", PAGE, re.MULTILINE)
    assert {name for row in rows for name in re.findall(r"`(\w+)`", row)} == KINDS


def test_the_policy_of_the_page_is_one_and_its_numbers_are_the_defaults() -> None:
    block = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)[0]
    rest = '\n[[rule]]\nid = "rest"\ncatch_all = true\ndo = "none"\n'
    rules = load_policy(block + rest, "escalation.toml", FACTS).risk
    assert rules is not None
    assert (rules.at_least, rules.horizon) == (AT_LEAST, parse_duration(HORIZON))
    assert f"`at_least` cases ({AT_LEAST} unless" in PAGE
    assert f"`horizon` ({HORIZON.removesuffix('d')} days unless" in PAGE
    assert f"the last {REMEMBERED} **forecasts**" in PAGE
    assert f"At most {MOST:,} features" in PAGE
    assert PATIENCE == 0.25
    assert "within a quarter of a second" in PAGE
