"""A whole gateway in this process: what comes in over HTTP, what is kept, and how one connection's trouble stays its own."""

from __future__ import annotations

import asyncio
import stat
from pathlib import Path

import aiohttp
import pytest

from gateway.app import Gateway
from gateway.store import open_store
from gateway.web.admin import SOCKET
from gateway.web.door import CannotListen
from tests.app.gateways import PLUGINS, MovedClock, quiet, running

#: Routes without a verifier, each with the reason.
OPEN_TO_ALL = {
    "/livez": "says one word to an orchestrator",
    "/readyz": "says one word to an orchestrator",
    "/metrics": "counters without ids; not reachable through a reverse proxy",
}


async def test_every_route_has_a_verifier_or_is_known_to_need_none(tmp_path: Path) -> None:
    async with running(tmp_path) as (gateway, _):
        door = gateway._door
        assert door is not None
        for route in door.app.router.routes():
            assert route.resource is not None
            path = route.resource.canonical
            if path.startswith("/hooks/"):
                # One handler, and nothing of it comes before the verifier: see test_hooks.
                assert getattr(route.handler, "__qualname__", "") == "Hooks.handle"
            elif path.startswith("/sessions/"):
                # One handler again. Whom it asks keeps `SessionSourceContract`, which every session source must subclass:
                # see tests/connectors/test_sessions.py.
                assert getattr(route.handler, "__qualname__", "") == "SessionRoutes.handle"
            else:
                assert path in OPEN_TO_ALL, f"{path} is new: give it a verifier, or say here why it needs none"


async def test_a_message_becomes_a_case_and_a_redelivery_adds_nothing_ever(tmp_path: Path) -> None:
    clock = MovedClock()
    async with running(tmp_path, clock=clock) as (gateway, knocker):
        assert await knocker.say("m1") == 204
        await quiet(gateway)
        before = gateway.store.accounts()
        (case,) = gateway.store.cases()
        for minutes in (0, 5, 5 * 24 * 60):
            clock.ahead = minutes * 60 * 1_000_000
            assert await knocker.say("m1") == 204
            await quiet(gateway)
        after = gateway.store.accounts()
        assert after.activities == before.activities == 1
        assert after.events_duplicate == 3
        assert after.effects == before.effects
        assert gateway.store.cases()[0].seq == case.seq
        assert after.unaccounted == 0


async def test_a_recorded_request_is_refused_when_its_signature_is_old(tmp_path: Path) -> None:
    clock = MovedClock()
    async with running(tmp_path, clock=clock) as (gateway, knocker):
        signed_at = clock.now()
        knocker.now = lambda: signed_at
        assert await knocker.say("m1") == 204
        clock.ahead = 301 * 1_000_000
        assert await knocker.say("m1") == 401
        await quiet(gateway)
        assert gateway.store.accounts().deliveries == 1


async def test_rubbish_is_a_dead_letter_with_its_bytes(tmp_path: Path) -> None:
    rubbish = b"\x00\xff no message at all"
    async with running(tmp_path) as (gateway, knocker):
        assert await knocker.send(rubbish) == 204
        assert await knocker.say("m1") == 204
        await quiet(gateway)
        (letter,) = gateway.store.dead_letters()
        detail = gateway.store.dead_letter(letter.id)
        assert detail is not None
        assert detail.delivery is not None
        assert detail.delivery.delivery.body == rubbish
        assert gateway.store.accounts().activities == 1
        assert gateway.store.accounts().unaccounted == 0


async def test_a_connection_in_trouble_leaves_the_others_untouched_and_is_visible(tmp_path: Path) -> None:
    plugins = PLUGINS
    for trouble in ("open", "made"):
        plugins += (
            f'\n[chat.{trouble}]\nconnector = "toyline"\nsecret = {{ env = "TOY_SECRET" }}\ntrouble = "{trouble}"\n'
        )
    async with running(tmp_path, plugins) as (gateway, knocker):
        assert await knocker.say("m1") == 204
        # It cannot be opened, and still its hooks can be verified and kept: the vendor sends them only once.
        assert await knocker.say("m2", connection="open") == 204
        # It could not even be made, so nothing can be verified: the vendor shall come again.
        assert await knocker.say("m3", connection="made") == 503
        async with asyncio.timeout(60):
            while (await status(gateway))["open"] == "starting":
                await asyncio.sleep(0.02)
        assert await status(gateway) == {"toys": "ok", "open": "failed", "made": "absent"}
        assert await knocker.get("/readyz") == (200, "ready\n")
        await quiet(gateway)
        assert gateway.store.accounts().activities == 2
        await gateway.count()
        text = gateway.meters.expose().decode()
        assert 'baton_connection_up{connection="toys"} 1.0' in text
        assert 'baton_connection_up{connection="open"} 0.0' in text


async def status(gateway: Gateway) -> dict[str, str]:
    answer = await gateway.operate("status", {})
    return {each["name"]: each["state"] for each in answer["connections"]}


async def test_health_and_metrics_are_not_shown_through_a_reverse_proxy(tmp_path: Path) -> None:
    async with running(tmp_path) as (_, knocker):
        for path in ("/livez", "/readyz", "/metrics"):
            assert (await knocker.get(path))[0] == 200
            for header in ("X-Forwarded-For", "Forwarded", "X-Real-IP"):
                assert (await knocker.get(path, headers={header: "192.0.2.1"}))[0] == 404


async def test_the_counters_agree_with_the_store(tmp_path: Path) -> None:
    async with running(tmp_path) as (gateway, knocker):
        for number in range(5):
            await knocker.say(f"m{number}", thread=f"t{number}")
        await knocker.say("m1", thread="t1")
        await knocker.send(b"rubbish")
        await knocker.send(b"x", secret="wrong")
        await quiet(gateway)
        lines = dict(line.rsplit(" ", 1) for line in (await knocker.get("/metrics"))[1].splitlines() if line[0] != "#")
        assert lines['baton_events_received_total{connector="toyline",result="accepted"}'] == "7.0"
        assert lines['baton_events_received_total{connector="toyline",result="rejected"}'] == "1.0"
        assert lines['baton_signature_failures_total{connector="toyline"}'] == "1.0"
        assert lines['baton_parsed_events_total{result="fresh"}'] == "5.0"
        assert lines['baton_parsed_events_total{result="duplicate"}'] == "1.0"
        assert lines["baton_dlq_depth"] == "1.0"
        assert lines["baton_unaccounted_events"] == "0.0"
        assert lines["baton_store_up"] == "1.0"


async def test_the_admin_socket_is_for_its_owner_only(tmp_path: Path) -> None:
    async with running(tmp_path) as (gateway, _):
        socket = gateway.setup.config.data / SOCKET
        assert stat.S_IMODE(socket.stat().st_mode) == 0o600
        assert stat.S_IMODE(socket.parent.stat().st_mode) == 0o700
    assert not socket.exists()


async def test_the_admin_socket_works_in_a_directory_with_a_very_long_name(tmp_path: Path) -> None:
    from gateway.cli.running import ask

    deep = tmp_path / ("x" * 60) / ("y" * 60)
    deep.mkdir(parents=True)
    async with running(deep) as (gateway, _):
        data = gateway.setup.config.data
        assert len(str(data / SOCKET)) > 107
        answer = await asyncio.to_thread(ask, data, "status")
        assert answer["obstacles"] == []


async def test_an_address_that_is_taken_is_an_error_and_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    async with running(tmp_path / "one") as (first, _):
        taken = PLUGINS.replace("127.0.0.1:0", f"127.0.0.1:{first.port}")
        with pytest.raises(ExceptionGroup) as caught:
            async with running(tmp_path / "two", taken):
                pass
        assert caught.group_contains(CannotListen)
    store = open_store(f"sqlite:///{tmp_path / 'two' / 'baton-data' / 'baton.db'}")
    assert store.accounts().deliveries == 0
    store.close()


async def test_a_drain_keeps_what_was_accepted_and_takes_no_more(tmp_path: Path) -> None:
    async with running(tmp_path) as (gateway, knocker):
        answers = await asyncio.gather(*(knocker.say(f"m{number}") for number in range(50)))
        port = gateway.port
        assert await gateway.operate("drain", {}) == {"draining": True}
        assert "draining" in await gateway.obstacles()
    assert set(answers) == {204}
    async with aiohttp.ClientSession() as client:
        with pytest.raises(aiohttp.ClientConnectorError):
            await client.get(f"http://127.0.0.1:{port}/livez")
    store = open_store(f"sqlite:///{tmp_path / 'baton-data' / 'baton.db'}")
    assert store.accounts().deliveries == 50
    assert store.accounts().unaccounted == 0
    store.close()
