"""Files of visitors: what is taken, from whom, and where the bytes are."""

from __future__ import annotations

import pytest

from connectors.webchat import SPEC
from connectors.webchat.frames import Refused
from connectors.webchat.uploads import check_file
from gateway.model import altered
from gateway.sdk import (
    PermanentFailure,
)
from tests.connectors.webchat.world import SITE, World


async def test_a_file_is_a_message_and_its_bytes_come_out_of_its_delivery(world: World) -> None:
    visitor = world.visitor()
    body = b"total 12.00\n" * 100
    async with world.sitting(visitor) as sitting:
        assert await world.upload(visitor, body, query="id=file0001&name=bill%20%C3%BC%2F.txt") == (
            200,
            {"type": "ack", "id": "file0001"},
        )
        assert (await sitting.until("message"))["message"]["files"][0]["size"] == len(body)
    (delivery,) = world.sessions.emitted
    (event,) = world.events()
    (attachment,) = event.attachments
    assert (attachment.name, attachment.size, attachment.media_type) == ("bill ü/.txt", len(body), "text/plain")
    assert b"".join([chunk async for chunk in world.connector.fetch(attachment, delivery)]) == body
    with pytest.raises(PermanentFailure):
        _ = [chunk async for chunk in world.connector.fetch(altered(attachment, id="other"), delivery)]
    assert not [value for name, value in delivery.headers if visitor.token in value or name == "Authorization"]


async def test_files_without_a_visitor_or_of_another_sort_are_not_taken(world: World) -> None:
    visitor = world.visitor()
    async with world.sitting(visitor):
        for headers in ({"Authorization": ""}, {"Authorization": "Bearer x.y"}, {"Origin": "https://evil.example"}):
            assert (await world.upload(visitor, b"x", headers=headers))[0] == 401
        bad: list[tuple[bytes, dict[str, str]]] = [
            (b"x" * 2_049, {}),
            (b"", {}),
            (b"<script>", {"Content-Type": "text/html"}),
            (b"<html>", {"Content-Type": "image/png"}),
            (b"\x00\x01", {}),
            (b"\xff\xfe", {}),
        ]
        for body, headers in bad:
            status, told = await world.upload(visitor, body, headers=headers)
            assert (status, told["type"]) == (422, "refused"), (body[:10], headers)
        assert (await world.upload(visitor, b"x", query="id=no&name=x"))[0] == 422
        world.sessions.away = True
        assert (await world.upload(visitor, b"x"))[0] == 503
    assert not world.sessions.emitted


async def test_only_allowed_sites_may_ask_before_they_send_a_file(world: World) -> None:
    for origin, status in ((SITE, 204), ("https://evil.example", 401), (SITE + ".evil.example", 401)):
        async with world.client.options(f"{world.base}/upload", headers={"Origin": origin}) as answer:
            assert answer.status == status
            allowed = answer.headers.get("Access-Control-Allow-Origin")
            assert allowed == (SITE if status == 204 else None)


@pytest.mark.parametrize(
    ("media_type", "body", "good"),
    [
        ("image/png", b"\x89PNG\r\n\x1a\n....", True),
        ("image/jpeg", b"\xff\xd8\xff\xe0", True),
        ("image/gif", b"GIF89a", True),
        ("image/webp", b"RIFF0000WEBPVP8 ", True),
        ("application/pdf", b"%PDF-1.7", True),
        ("image/webp", b"RIFF0000WAVE", False),
        ("image/jpeg", b"\x89PNG\r\n\x1a\n", False),
        ("application/zip", b"PK", False),
    ],
)
def test_the_first_bytes_must_be_of_the_stated_type(media_type: str, body: bytes, *, good: bool) -> None:
    allowed = SPEC.settings.model_fields["file_types"].default
    if good:
        check_file(media_type, body, allowed=allowed, largest=1_000)
    else:
        with pytest.raises(Refused):
            check_file(media_type, body, allowed=allowed, largest=1_000)
