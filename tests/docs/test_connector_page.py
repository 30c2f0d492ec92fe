"""The glance at a connector on the page about writing one runs: against the SDK as it is, and as its class is described."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final

import pytest

from gateway import sdk
from gateway.sdk import ChatMessage, ConnectionSettings, Connector, Delivery, Party, Receipt, Reply
from gateway.testing.host import FakeHost
from tests.docs.tables import DOCS

PAGE: Final = (DOCS / "how-to" / "write-a-connector.md").read_text(encoding="utf-8")
LETTER: Final = {"letter": "l1", "street": "Elm", "from": "ann", "text": "My lamp broke.", "at": 1_700_000_000_000_000}


class Settings(ConnectionSettings):
    """What the page's settings stand for here."""


def example() -> Mapping[str, Any]:
    """Return what the page's only inline Python defines."""
    (block,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    names = {name: getattr(sdk, name) for name in sdk.__all__}
    space: dict[str, Any] = {**names, "json": json, "PaperboySettings": Settings, "__name__": "paperboy"}
    # Annotations as the real module has them: not looked at.
    exec(
        compile(f"from __future__ import annotations\nfrom collections.abc import Iterable\n{block}", "page", "exec"),
        space,
    )
    return space


def made(host: FakeHost, letters: dict[str, Any]) -> Any:
    """Return its connector with what the page says is left out, over a vendor that is a dictionary."""
    shown: type[Connector[Any]] = example()["Paperboy"]

    async def nothing(self: object, *_: object) -> None: ...

    async def call(self: object, method: str, path: str, body: object = None) -> object:
        if method == "PUT":
            letters[path] = body
        return letters.get(path)

    left_out = dict.fromkeys(("verify", "open", "check", "close"), nothing) | {"lane": nothing, "_call": call}
    assert {"verify", "lane", "open", "check", "close"} == set(re.findall(r"\w+", _comment())) - {"and", "left", "out"}
    return type("Whole", (shown,), left_out)(Settings(), host)


def _comment() -> str:
    found = re.search(r"class Paperboy\(.*\):  # (.+)", PAGE)
    assert found is not None
    return found[1]


def test_the_spec_is_one() -> None:
    spec = example()["SPEC"]
    assert isinstance(spec, sdk.ConnectorSpec)
    assert (spec.name, spec.factory) == ("paperboy", "paperboy.connector:Paperboy")


async def test_what_comes_in_is_parsed_and_what_goes_out_is_found_again() -> None:
    host, letters = FakeHost(), dict[str, Any]()
    connector = made(host, letters)
    delivery = Delivery(
        connection="test",
        endpoint="",
        received_at=1,
        method="POST",
        url="https://x/h",
        headers=(),
        body=json.dumps(LETTER).encode(),
    )
    (said,) = connector.parse(delivery)
    assert isinstance(said, ChatMessage)
    assert (said.thread, said.dedupe, said.text) == ("Elm", "l1", "My lamp broke.")
    assert said.sender == Party(kind="paperboy", value="ann", name="ann")
    reply = Reply(key="k1", case_id="c", thread="Elm", text="A new one is coming.")
    assert await connector.settle_reply(reply) is None
    receipt = await connector.reply(reply)
    assert isinstance(receipt, Receipt)
    assert letters == {"letters/k1": {"street": "Elm", "text": "A new one is coming."}}
    assert await connector.settle_reply(reply) == receipt
    await host.close()


def test_the_page_shows_no_other_code_of_its_own() -> None:
    """All else is included from files that are built, installed and tested."""
    assert len(re.findall(r"^```python", PAGE, re.MULTILINE)) == 1
    (section,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    assert 'connector = "paperboy"' in section


@pytest.mark.parametrize("path", sorted(set(re.findall(r"literalinclude\} (\S+)", PAGE))))
def test_each_file_that_is_shown_is_there(path: str) -> None:
    assert (DOCS / "how-to" / path).is_file()
