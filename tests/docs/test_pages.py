"""The pages agree with the code. ``BATON_UPDATE_GOLDENS=1`` writes the tables anew."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Final

import pytest

from connectors.chatbot import SPEC as CHATBOT
from connectors.email import SPEC as EMAIL
from connectors.hubspot import SPEC as HUBSPOT
from connectors.incidents import SPEC as INCIDENTS
from connectors.request_tracker import SPEC as REQUEST_TRACKER
from connectors.slack import SPEC as SLACK
from connectors.twilio import SPEC as TWILIO
from connectors.twilio import VOICE as TWILIO_VOICE
from connectors.webchat import SPEC as WEBCHAT
from connectors.zendesk import SPEC as ZENDESK
from gateway.config import AnySpec
from gateway.web.health import Health
from tests.docs.tables import DOCS, TABLES, renewed, used

PAGES = sorted(path for path in DOCS.rglob("*.md") if "<!-- table:" in path.read_text())
ROOT = DOCS.parent


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(DOCS)))
def test_the_tables_of_a_page_are_what_the_code_says(page: Path) -> None:
    text = page.read_text()
    if os.environ.get("BATON_UPDATE_GOLDENS"):
        page.write_text(renewed(text))
        return
    assert text == renewed(text), f"write it anew: BATON_UPDATE_GOLDENS=1 pytest {Path(__file__).name}"


def test_every_table_stands_on_a_page() -> None:
    assert sorted(name for page in PAGES for name in used(page.read_text())) == sorted(TABLES)


SPECS: Final = (EMAIL, SLACK, ZENDESK, HUBSPOT, REQUEST_TRACKER, WEBCHAT, CHATBOT, INCIDENTS, TWILIO, TWILIO_VOICE)


def folder_of(spec: AnySpec) -> str:
    """Return the name of a connector's folder and page: two connectors over one account share them."""
    return spec.factory.split(".")[1]


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.name)
def test_a_connectors_page_says_that_it_never_met_the_live_service_and_what_it_needs(spec: AnySpec) -> None:
    name, capabilities = folder_of(spec), spec.capabilities
    page = (DOCS / "connectors" / f"{name}.md").read_text()
    assert re.search(r"(This connector has|These connectors have) never been run against the live service\.", page)
    assert (f"pip install -e '.[{spec.extra}]'" if spec.extra else "needs no extra") in page
    for scope in capabilities.scopes:
        assert f"`{scope}`" in page, scope
    for limit in capabilities.limits:
        assert str(limit.calls) in page


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.name)
def test_a_connectors_folder_leads_to_its_page(spec: AnySpec) -> None:
    name = folder_of(spec)
    assert f"docs/connectors/{name}.md" in (ROOT / "connectors" / name / "README.md").read_text()


def test_every_route_of_health_is_described() -> None:
    page = (DOCS / "reference" / "http-and-metrics.md").read_text()
    routes = set(re.findall(r'web\.get\("(/\w+)"', Path(str(Health.routes.__code__.co_filename)).read_text()))
    assert routes
    for route in routes:
        assert f"`GET {route}`" in page


def test_every_link_between_pages_and_files_leads_somewhere() -> None:
    for page in [*DOCS.rglob("*.md"), ROOT / "README.md", *(ROOT / "connectors").rglob("*.md")]:
        for target in re.findall(r"\]\(([^)#:]+?)(?:#[^)]*)?\)", page.read_text()):
            assert (page.parent / target).exists() or (ROOT / target).exists(), f"{page}: {target}"
