"""`baton doctor`: what is looked at, and that it is told when it is not as it should be."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest

from gateway.clock import SystemClock
from gateway.config import Limits
from gateway.examining import Examined, examine, machine, skew_of, sync_time
from gateway.loading import Setup, load_setup
from tests.app.gateways import ENVIRON, MovedClock, running, specs, write

TWO: Final = """
[gateway]
listen = "127.0.0.1:0"
public_url = "{url}"

[chat.toys]
connector = "toyline"
secret = {{ env = "TOY_SECRET" }}
address = "help@example.com"

[chat.other]
connector = "toyline"
secret = {{ env = "TOY_SECRET" }}
{more}
"""


def setup_of(directory: Path, url: str = "http://127.0.0.1:9", more: str = "") -> Setup:
    return load_setup(write(directory, TWO.format(url=url, more=more)), specs=specs(), environ=ENVIRON)


def told(examined: list[Examined]) -> dict[str, dict[str, bool]]:
    return {each.connection: {finding.subject: finding.good for finding in each.findings} for each in examined}


def sentences(examined: list[Examined]) -> str:
    return "\n".join(f"{f.sentence} {f.advice}" for each in examined for f in each.findings)


async def test_what_is_well_is_called_well_and_the_gateways_own_door_answers(tmp_path: Path) -> None:
    (tmp_path / "gateway").mkdir()
    (tmp_path / "doctor").mkdir()
    plugins = TWO.format(url="http://127.0.0.1:9", more="")
    async with running(tmp_path / "gateway", plugins) as (gateway, _):
        setup = setup_of(tmp_path / "doctor", url=f"http://127.0.0.1:{gateway.port}")
        examined = await examine(setup.config, specs(), SystemClock())
    found = told(examined)
    assert found["toys"] == found["other"] == {"credentials": True, "scopes": True}
    assert found[""] == {"disk": True, "sync": True, "public_url": True, "webhook": True}


async def test_a_door_that_is_not_ours_is_told(tmp_path: Path) -> None:
    examined = await examine(setup_of(tmp_path).config, specs(), SystemClock())
    assert told(examined)[""]["webhook"] is False
    assert "/hooks/toys cannot be reached from here" in sentences(examined)


async def test_two_connections_that_read_one_address_are_both_told(tmp_path: Path) -> None:
    setup = setup_of(tmp_path, more='address = "help@example.com"')
    examined = await examine(setup.config, specs(), SystemClock())
    assert [told(examined)[name]["address"] for name in ("toys", "other")] == [False, False]
    assert "help@example.com is read by the connection other, too" in sentences(examined)


@pytest.mark.parametrize(
    ("trouble", "subject"), [("open", "credentials"), ("made", "credentials"), ("examine", "examination")]
)
async def test_one_connection_in_trouble_does_not_hide_the_others(trouble: str, subject: str, tmp_path: Path) -> None:
    setup = setup_of(tmp_path, more=f'trouble = "{trouble}"')
    found = told(await examine(setup.config, specs(), SystemClock()))
    assert found["other"][subject] is False
    assert found["toys"] == {"credentials": True, "scopes": True}


async def test_offline_nobody_is_called(tmp_path: Path) -> None:
    examined = await examine(setup_of(tmp_path).config, specs(), SystemClock(), vendors=False)
    assert told(examined) == {"": {"disk": True, "sync": True}}


def test_too_little_room_is_told(tmp_path: Path) -> None:
    config = replace(setup_of(tmp_path).config, limits=Limits(disk_free=0.999_999))
    assert {each.subject: each.good for each in machine(config)}["disk"] is False


def test_a_directory_that_cannot_be_written_into_has_no_sync_time() -> None:
    assert sync_time(Path("/proc")) is None


@pytest.mark.parametrize(
    ("date", "ahead", "skew"),
    [
        ("Thu, 01 Jan 2026 00:00:00 GMT", 0, 0.0),
        ("Thu, 01 Jan 2026 00:00:00 GMT", 90, 90.0),
        ("Thu, 01 Jan 2026 00:01:00 GMT", 0, -60.0),
        ("yesterday", 0, None),
        ("", 0, None),
    ],
)
def test_the_clocks_skew_is_read_from_a_date_header(date: str, ahead: int, skew: float | None) -> None:
    assert skew_of(date, (1_767_225_600 + ahead) * 1_000_000) == skew


async def test_a_clock_that_is_off_is_told(tmp_path: Path) -> None:
    """The vendor's answers carry its time: a sandbox stands for the vendor."""
    from connectors.slack.sandbox import SlackSandbox
    from gateway.host.registry import discover

    clock = MovedClock()
    clock.ahead = 3_600 * 1_000_000
    sandbox = SlackSandbox()
    await sandbox.start()
    try:
        text = f"""
[gateway]
listen = "127.0.0.1:0"
[chat.s]
connector = "slack"
signing_secret = {{ env = "S" }}
bot_token = {{ env = "S" }}
bot_user_id = "U0BATON"
app_id = "A0BATON"
api_url = "{sandbox.url}/api/"
"""
        setup = load_setup(write(tmp_path, text), specs=discover(), environ={"S": "x" * 20})
        examined = await examine(setup.config, discover(), clock)
    finally:
        await sandbox.stop()
    assert told(examined)[""]["clock"] is False
    assert re.search(r"The clock is 3[56]\d\d s ahead of the vendors' clocks\.", sentences(examined))
