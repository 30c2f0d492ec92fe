"""The examples of the chatbots' page are run as they stand there, against a real gateway."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import AsyncGenerator
from http.server import HTTPServer
from pathlib import Path
from typing import Any, Final

import pytest
from jsonschema import Draft202012Validator

from connectors.chatbot.sandbox import SECRET
from gateway.app import Gateway
from gateway.host.registry import discover
from tests.app.gateways import quiet, running
from tests.docs.tables import DOCS

PAGE: Final = (DOCS / "connectors" / "chatbot.md").read_text()
SCHEMA: Final = Draft202012Validator(json.loads((DOCS / "connectors" / "chatbot.schema.json").read_text()))
PLUGINS: Final = """
[gateway]
listen = "127.0.0.1:0"

""" + re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)[0].replace("   ", "")
POLICY: Final = '[[rule]]\nid = "rest"\ndo = "none"\ncatch_all = true\n'


def code(language: str) -> str:
    """Return all code of a language on the page, one below the other."""
    found = re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    assert found
    return "\n".join(found)


def python() -> dict[str, Any]:
    """Run the page's Python and return its names."""
    names: dict[str, Any] = {}
    exec(compile(code("python"), "chatbot.md", "exec"), names)
    return names


def payload(name: str) -> dict[str, Any]:
    found = re.search(rf"<!-- payload: {name} -->\n```json\n(.*?)```", PAGE, re.DOTALL)
    assert found is not None
    told: dict[str, Any] = json.loads(found[1])
    return told


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncGenerator[Gateway]:
    environ = {"SHOP_BOT_SECRET": SECRET}
    async with running(tmp_path, PLUGINS, POLICY, environ=environ, found=discover()) as (gateway, _):
        yield gateway


async def kept(gateway: Gateway) -> list[tuple[str, str]]:
    """Return kind and text of everything in the cases, in order."""
    await quiet(gateway)
    histories = [gateway.store.history(case.id) for case in gateway.store.cases()]
    assert not gateway.store.dead_letters()
    return [
        (each.activity.kind.value, each.activity.text)
        for history in histories
        if history is not None
        for each in history.activities
    ]


def hooks(gateway: Gateway) -> str:
    return f"http://127.0.0.1:{gateway.port}/hooks/shop-bot"


RASA_STATE: Final = {
    "sender_id": "2687378567977106",
    "slots": {"order": "1007", "temperature": None},
    "latest_message": {"text": "I want a person", "intent": {"name": "nlu_fallback", "confidence": 0.3}},
}
RASA_EVENTS: Final = [
    {"event": "action", "name": "action_listen"},
    {"event": "user", "text": "Where is my parcel?"},
    {"event": "bot", "text": "Sorry?"},
    {"event": "user", "text": "I want a person"},
    {"event": "bot", "text": None},
]
CX_REQUEST: Final = {
    "detectIntentResponseId": "c2b1-77",
    "text": "I want a person",
    "fulfillmentInfo": {"tag": "handoff"},
    "intentInfo": {"displayName": "want.person", "confidence": 0.93},
    "sessionInfo": {"session": "projects/p/locations/global/agents/a/sessions/s-9", "parameters": {"order": 1007}},
}


async def test_the_signing_example_and_the_rasa_example(gateway: Gateway) -> None:
    names = python()
    message = names["rasa_handoff"](RASA_STATE, RASA_EVENTS)
    SCHEMA.validate(message)
    for _ in range(2):
        await asyncio.to_thread(names["post"], hooks(gateway), SECRET, message, "msg_1")
    told = await kept(gateway)
    assert [text for kind, text in told if kind == "message"] == [
        *("Where is my parcel?", "Sorry?", "I want a person", "")
    ]
    assert [kind for kind, _ in told].count("handoff_request") == 1


async def test_the_dialogflow_example(gateway: Gateway) -> None:
    names = python()
    message = names["cx_handoff"](CX_REQUEST)
    SCHEMA.validate(message)
    await asyncio.to_thread(names["post"], hooks(gateway), SECRET, message)
    assert await kept(gateway) == [
        ("message", "I want a person"),
        ("handoff_request", "Fulfilment handoff asked for a person."),
    ]


async def test_the_curl_example(gateway: Gateway) -> None:
    for tool in ("bash", "curl", "openssl"):
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed")
    done = await asyncio.to_thread(
        subprocess.run,
        ["bash", "-euo", "pipefail", "-c", code("bash")],
        env={"PATH": "/usr/bin:/bin", "SECRET": SECRET, "BATON": hooks(gateway).rpartition("/hooks")[0]},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert await kept(gateway) == [("message", "Hello from a shell")]


async def test_the_relay_signs_what_botpress_and_voiceflow_post_and_nothing_of_others(gateway: Gateway) -> None:
    names = python()
    base = hooks(gateway).rpartition("/hooks")[0]
    relay: Any = type("Ours", (names["Relay"],), {"baton": base, "secret": SECRET, "key": "k", "log_message": _silent})
    server = HTTPServer(("127.0.0.1", 0), relay)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    address = f"http://127.0.0.1:{server.server_address[1]}/"

    def post(message: dict[str, Any], key: str = "k") -> bytes:
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        request = urllib.request.Request(address, json.dumps(message).encode(), headers)
        with urllib.request.urlopen(request, timeout=15) as answer:
            return bytes(answer.read())

    try:
        for name in ("botpress", "voiceflow"):
            SCHEMA.validate(payload(name))
            await asyncio.to_thread(post, payload(name))
        told = await kept(gateway)
        assert ("message", "I want a person.") in told
        assert ("handoff_request", "The flow reached its end.") in told
        assert [text for _, text in told if "parcel" in text or "get that" in text] == [
            *("Where is my parcel?", "I did not get that.")
        ]
        state = json.loads(await asyncio.to_thread(post, {"type": "state", "conversation": "conv_01HX"}))
        assert (state["state"], state["handed_off"]) == ("open", False)
        with pytest.raises(urllib.error.HTTPError) as refused:
            await asyncio.to_thread(post, payload("botpress"), "wrong")
        assert refused.value.code == 401
        refused.value.close()
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


async def test_a_forged_example_is_refused(gateway: Gateway) -> None:
    names = python()
    with pytest.raises(urllib.error.HTTPError) as refused:
        await asyncio.to_thread(names["post"], hooks(gateway), SECRET[:-4] + "AAA=", payload("botpress"))
    assert refused.value.code == 401
    refused.value.close()
    assert await kept(gateway) == []


def test_the_identity_example_of_the_web_chat_is_one_that_it_accepts() -> None:
    from connectors.webchat.visitors import Visitors

    page = (DOCS / "connectors" / "webchat.md").read_text()
    found = re.search(r"^```python\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
    assert found is not None
    names: dict[str, Any] = {}
    exec(compile(found[1], "webchat.md", "exec"), names)
    visitors = Visitors("w", tokens=[b"t"], identities=[b"i" * 32], days=1, entropy=lambda count: b"x" * count)
    token = names["identity"]("i" * 32, "u-1", email="ann@example.com", email_verified=True)
    visitor = visitors.identified(token, time.time_ns() // 1_000)
    assert (visitor.value, visitor.email, visitor.verified) == ("u-1", "ann@example.com", True)


def test_every_word_of_the_widget_stands_on_its_page() -> None:
    script = (DOCS.parent / "connectors" / "webchat" / "widget.js").read_text()
    block = re.search(r"const words = \{(.*?)\n  \};", script, re.DOTALL)
    assert block is not None
    page = (DOCS / "connectors" / "webchat.md").read_text()
    words = re.findall(r"^    (\w+):", block[1], re.MULTILINE)
    assert len(words) > 20
    for word in words:
        name = "data-" + re.sub(r"[A-Z]", lambda each: "-" + each[0].lower(), word)
        assert f"`{name}`" in page, name


def _silent(*_: object) -> None: ...
