"""What every source of webhooks keeps."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import msgspec
import msgspec.structs
import pytest

from gateway.sdk import Ack, Delivery, DeliveryRejected, UnreadableDelivery
from gateway.testing.host import FakeHost
from gateway.testing.sandbox import Sandbox

#: Environment variable: when set, the expected events are written anew from what the connector says now.
UPDATE = "BATON_UPDATE_GOLDENS"


def read_delivery(path: Path, *, received_at: int = 0) -> Delivery:
    """Return a recorded delivery: JSON with method, endpoint, url, headers, and body or body_base64."""
    value: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    body = base64.b64decode(value["body_base64"]) if "body_base64" in value else value["body"].encode()
    return Delivery(
        connection="test",
        endpoint=value.get("endpoint", ""),
        received_at=received_at,
        method=value.get("method", "POST"),
        url=value.get("url", "https://baton.example.com/hooks/test"),
        headers=tuple((name, text) for name, text in value.get("headers", [])),
        body=body,
    )


def told(value: Any) -> Any:
    """Return a value of the model as JSON values, without what stands at its default: a new field spoils no golden file."""
    if isinstance(value, msgspec.Struct):
        return {
            each.name: told(getattr(value, each.name))
            for each in msgspec.structs.fields(value)
            if getattr(value, each.name) != _default(each)
        }
    if isinstance(value, tuple | list):
        return [told(each) for each in value]
    if isinstance(value, Mapping):
        return {str(key): told(each) for key, each in value.items()}
    return msgspec.to_builtins(value)


def _default(field: msgspec.structs.FieldInfo) -> Any:
    made = field.default_factory
    return field.default if made is msgspec.NODEFAULT else made()


class SourceContract:
    """Translation that can be trusted, whatever way deliveries come in. Stands beside `ConnectorContract`."""

    #: Folder of recorded deliveries, ``NAME.delivery.json`` beside ``NAME.events.json``.
    deliveries: ClassVar[Path]

    # --- what the connector's author supplies ------------------------------------------------------------------------
    def body(self) -> bytes:
        """Return the body of a request or frame."""
        raise NotImplementedError

    #: The endpoint that `body` is for.
    endpoint: ClassVar[str] = ""

    def delivery(self, headers: dict[str, str], body: bytes, host: FakeHost) -> Delivery:
        """Return a delivery with these headers and this body."""
        return Delivery(
            connection="test",
            endpoint=self.endpoint,
            received_at=host.now(),
            method="POST",
            url="https://baton.example.com/hooks/test",
            headers=tuple(headers.items()),
            body=body,
        )

    def headers(self) -> tuple[tuple[str, str], ...]:
        """Return headers that the source itself writes into every delivery; none by default."""
        return ()

    # --- lane --------------------------------------------------------------------------------------------------------
    async def test_a_lane_never_raises(self, connector: Any, host: FakeHost) -> None:
        """It is asked inside the request, before anything is known of the bytes."""
        for body in (b"", b"\xff\xfe", b"null", b"[]", b'{"a":', os.urandom(200), self.body()):
            lane = connector.lane(self.delivery({}, body, host))
            assert isinstance(lane, str)
            assert lane
            assert lane == connector.lane(self.delivery({}, body, host))

    # --- translation -------------------------------------------------------------------------------------------------
    def recordings(self) -> list[Path]:
        """Return the recorded deliveries; those named ``again_…`` repeat an event of another and come last."""
        return sorted(
            self.deliveries.glob("*.delivery.json"), key=lambda path: (path.name.startswith("again_"), path.name)
        )

    async def test_recorded_deliveries_mean_what_they_meant(self, connector: Any) -> None:
        """The recordings are the documentation of what is understood; a mapping must not change by accident."""
        recordings = self.recordings()
        assert recordings, f"there are no recordings in {self.deliveries}"
        for path in recordings:
            events = [{"type": type(event).__name__, **told(event)} for event in connector.parse(read_delivery(path))]
            golden = path.with_name(path.name.replace(".delivery.json", ".events.json"))
            text = json.dumps(events, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
            if os.environ.get(UPDATE):
                golden.write_text(text, encoding="utf-8")
            assert text == golden.read_text(encoding="utf-8"), path.name

    async def test_parsing_is_pure(self, connector: Any, sandbox: Sandbox) -> None:
        """Replay, and every golden test, rest on it."""
        calls = len(sandbox.calls)
        for path in self.recordings():
            first = list(connector.parse(read_delivery(path)))
            assert first == list(connector.parse(read_delivery(path)))
        assert len(sandbox.calls) == calls

    async def test_what_it_says_comes_back_from_the_store_as_it_was(self, connector: Any) -> None:
        """Deciding must not depend on whether an event was just read or stood in the store: it holds JSON values alone."""
        for path in self.recordings():
            for event in connector.parse(read_delivery(path)):
                assert msgspec.json.decode(msgspec.json.encode(event), type=type(event)) == event, path.name

    async def test_different_events_have_different_keys(self, connector: Any) -> None:
        """Two events under one dedupe key: the second would be thrown away."""
        seen: dict[str, str] = {}
        for path in self.recordings():
            for event in connector.parse(read_delivery(path)):
                assert event.dedupe
                assert event.thread
                if path.name.startswith("again_"):
                    assert event.dedupe in seen, f"{path.name} should repeat an earlier event"
                else:
                    assert event.dedupe not in seen, f"{path.name} repeats a key of {seen.get(event.dedupe)}"
                seen.setdefault(event.dedupe, path.name)

    async def test_unknown_kinds_yield_nothing(self, connector: Any) -> None:
        """Vendors add kinds unannounced; that is no reason for a dead letter."""
        for body in self.unknown_bodies():
            delivery = Delivery(
                connection="test",
                endpoint=self.endpoint,
                received_at=0,
                method="POST",
                url="",
                headers=self.headers(),
                body=body,
            )
            assert list(connector.parse(delivery)) == []

    def unknown_bodies(self) -> list[bytes]:
        """Return bodies of kinds that the connector does not know."""
        raise NotImplementedError

    async def test_any_bytes_are_events_or_unreadable(self, connector: Any) -> None:
        """Mutations of real bodies and plain rubbish: no exception but `UnreadableDelivery` ever comes out."""
        from hypothesis import given, settings
        from hypothesis import strategies as st

        bodies = [read_delivery(path).body for path in self.recordings()]
        endpoints = sorted({read_delivery(path).endpoint for path in self.recordings()})

        @settings(max_examples=200, deadline=None, database=None)
        @given(st.data())
        def feed(data: st.DataObject) -> None:
            body = data.draw(st.one_of(st.binary(max_size=200), st.sampled_from(bodies)))
            at = data.draw(st.integers(0, max(0, len(body) - 1)))
            body = body[:at] + data.draw(st.binary(max_size=3)) + body[at + data.draw(st.integers(0, 12)) :]
            delivery = Delivery(
                connection="test",
                endpoint=data.draw(st.sampled_from(endpoints)),
                received_at=0,
                method="POST",
                url="",
                headers=self.headers(),
                body=body,
            )
            try:
                list(connector.parse(delivery))
            except UnreadableDelivery as error:
                assert str(error)

        feed()


class WebhookSourceContract(SourceContract):
    """Authenticity, and translation that can be trusted. Stands beside `ConnectorContract`."""

    # --- what the connector's author supplies ------------------------------------------------------------------------
    def signed(self, body: bytes, at: int, *, secret: str | None = None) -> dict[str, str]:
        """Return the headers with which the vendor signs a body at an instant (µs), with another secret if given."""
        raise NotImplementedError

    #: How old a time stamp may be, seconds; None when the vendor signs none.
    window: ClassVar[int | None] = 300

    # --- authenticity ------------------------------------------------------------------------------------------------
    async def test_an_authentic_delivery_is_accepted(self, connector: Any, host: FakeHost) -> None:
        """Otherwise every refusal below would prove nothing."""
        await connector.verify(self.delivery(self.signed(self.body(), host.now()), self.body(), host))

    async def _refused(self, connector: Any, headers: dict[str, str], body: bytes, host: FakeHost) -> None:
        with pytest.raises(DeliveryRejected):
            await connector.verify(self.delivery(headers, body, host))

    async def test_another_secret_is_refused(self, connector: Any, host: FakeHost) -> None:
        """Somebody else's account signs correctly, too: with its own secret."""
        await self._refused(connector, self.signed(self.body(), host.now(), secret="of another"), self.body(), host)

    async def test_a_changed_body_is_refused(self, connector: Any, host: FakeHost) -> None:
        """One byte more, less or other, and JSON that means the same but is written otherwise."""
        body = self.body()
        headers = self.signed(body, host.now())
        for changed in (body + b" ", body[:-1], b" " + body, body.swapcase(), b""):
            await self._refused(connector, headers, changed, host)

    async def test_changed_headers_are_refused(self, connector: Any, host: FakeHost) -> None:
        """Each header of the signature missing, empty, cut, in other case, not ASCII, or with blanks inside."""
        right = self.signed(self.body(), host.now())
        changes: list[Callable[[str], str]] = [
            lambda value: "",
            lambda value: value[:-1],
            lambda value: value + "0",
            lambda value: value.swapcase() + "x",
            lambda value: value[:3] + " " + value[3:],
            lambda value: "é" + value[1:],
            lambda value: "\udcff",
        ]
        for name, value in right.items():
            await self._refused(connector, {k: v for k, v in right.items() if k != name}, self.body(), host)
            for change in changes:
                await self._refused(connector, {**right, name: change(value)}, self.body(), host)

    async def test_a_header_that_stands_twice_is_refused(self, connector: Any, host: FakeHost) -> None:
        """Which of the two a proxy showed to whom nobody knows."""
        right = self.signed(self.body(), host.now())
        plain = self.delivery(right, self.body(), host)
        for name in right:
            twice = replace(plain, headers=(*plain.headers, (name.lower(), "other")))
            with pytest.raises(DeliveryRejected):
                await connector.verify(twice)

    async def test_an_old_or_future_time_stamp_is_refused(self, connector: Any, host: FakeHost) -> None:
        """A recorded request must not work later (promise I8)."""
        if self.window is None:
            pytest.skip("the vendor signs no time stamp: the dedupe key is the guard against replay")
        for seconds in (-self.window - 2, self.window + 2, -86_400 * 365, 86_400 * 365):
            headers = self.signed(self.body(), host.now() + seconds * 1_000_000)
            await self._refused(connector, headers, self.body(), host)

    async def test_verifying_raises_nothing_else(self, connector: Any, host: FakeHost) -> None:
        """Whatever the bytes are: an exception would be a 500, which asks for days of redelivery."""
        right = self.signed(self.body(), host.now())
        for value in ("", "0", "-1", "NaN", "9" * 400, "\x00", "ü", "\udc80", "=" * 20, "v0="):
            await self._refused(connector, dict.fromkeys(right, value), self.body(), host)

    # --- acknowledgement ---------------------------------------------------------------------------------------------
    async def test_what_is_accepted_is_answered_with_success(self, connector: Any, host: FakeHost) -> None:
        """The delivery is durable by then: any other answer asks for it again."""
        ack = connector.acknowledge(self.delivery({}, self.body(), host))
        assert isinstance(ack, Ack)
        assert 200 <= ack.status < 300
