"""A great many requests that were changed after Twilio signed them: none whose meaning changed is accepted.

`BATON_MUTATIONS` sets how many are tried (some thousands unless said otherwise), `BATON_SEED` which.
"""

from __future__ import annotations

import hashlib
import os
import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit

from connectors.twilio.sandbox_account import signature
from gateway.sdk import Delivery
from gateway.testing.source_contract import read_delivery
from tests.connectors.twilio.test_authenticity import FORM, SIGNED, URL, accepts, connector, with_body

HERE = Path(__file__).parent
Change = Callable[[random.Random, Delivery], Delivery]


def pairs(delivery: Delivery) -> list[tuple[str, str]]:
    return parse_qsl(delivery.body.decode("utf-8", "replace"), keep_blank_values=True)


def form(delivery: Delivery, fields: list[tuple[str, str]]) -> Delivery:
    return replace(delivery, body=urlencode(fields).encode())


def bytes_change(chance: random.Random, delivery: Delivery) -> Delivery:
    body, place = delivery.body, chance.randrange(len(delivery.body) + 1)
    byte = bytes([chance.randrange(256)])
    made = chance.choice([body[:place] + byte + body[place:], body[:place] + byte + body[place + 1 :], body[:place]])
    return replace(delivery, body=made)


def boundary_moves(chance: random.Random, delivery: Delivery) -> Delivery:
    fields = pairs(delivery)
    place = chance.randrange(len(fields))
    text = "".join(fields[place])
    cut = chance.randrange(1, len(text) + 1)
    fields[place] = (text[:cut], text[cut:])
    return form(delivery, fields)


def value_swallows(chance: random.Random, delivery: Delivery) -> Delivery:
    fields = sorted(pairs(delivery))
    first = chance.randrange(len(fields) - 1)
    last = chance.randrange(first + 1, min(len(fields), first + 4))
    swallowed = "".join(name + value for name, value in fields[first + 1 : last + 1])
    fields[first : last + 1] = [(fields[first][0], fields[first][1] + swallowed)]
    return form(delivery, fields)


def value_splits(chance: random.Random, delivery: Delivery) -> Delivery:
    fields = pairs(delivery)
    place = chance.randrange(len(fields))
    name, value = fields[place]
    at = value.find(name) if name in value else chance.randrange(len(value) + 1)
    fields[place : place + 1] = [(name, value[:at]), (name, value[at:].removeprefix(name))]
    return form(delivery, fields)


def field_goes_or_comes(chance: random.Random, delivery: Delivery) -> Delivery:
    fields = pairs(delivery)
    name, value = chance.choice(fields)
    extra = chance.choice(
        [(name, value), (name, value + "x"), (name, ""), ("", ""), ("", value), (name.lower(), value)]
    )
    if chance.random() < 0.4:
        fields.remove((name, value))
    else:
        fields.insert(chance.randrange(len(fields) + 1), extra)
    return form(delivery, fields)


def url_changes(chance: random.Random, delivery: Delivery) -> Delivery:
    url = delivery.url
    parts = urlsplit(url)
    first = min(pairs(delivery), default=("", ""))
    glue = "&" if parts.query else "?"
    made = [
        url.replace("baton.example.com", "other.example.com"),
        url.replace("baton.example.com", "Baton.example.com"),
        url.replace("https://", "http://"),
        url.replace("https://", "HTTPS://"),
        url.replace("https://", "https://user@"),
        url.replace("/hooks/", "//hooks/"),
        url.replace("/hooks/test", "/hooks/other"),
        url.replace("/hooks/test", "/hooks/test/"),
        url.replace("/hooks/", "/%68ooks/"),
        url + glue + "x=1",
        url + ("" if parts.query else "?"),
        url + "#",
        url + "\t",
        url.partition("?")[0],
        url[:-1],
        url + first[0] + first[1],
        url + glue + first[0] + "=" + first[1],
        url + glue + "bodySHA256=" + hashlib.sha256(delivery.body).hexdigest(),
    ]
    changed = replace(delivery, url=chance.choice(made))
    if chance.random() < 0.3 and first[0]:
        changed = form(changed, sorted(pairs(delivery))[1:])
    return changed


def query_flows_over(chance: random.Random, delivery: Delivery) -> Delivery:
    """The end of the URL becomes the beginning of the first field's name, or the first fields the end of the URL."""
    fields = sorted(pairs(delivery))
    if chance.random() < 0.5:
        cut = chance.randrange(1, 12)
        name, value = fields[0]
        return form(replace(delivery, url=delivery.url[:-cut]), [(delivery.url[-cut:] + name, value), *fields[1:]])
    count = chance.randrange(1, len(fields))
    flown = "".join(name + value for name, value in fields[:count])
    return form(replace(delivery, url=delivery.url + flown), fields[count:])


def header_changes(chance: random.Random, delivery: Delivery) -> Delivery:
    right = delivery.header(SIGNED) or ""
    rest = tuple(each for each in delivery.headers if each[0] != SIGNED)
    other = signature("other", delivery.url, pairs(delivery))
    values = [
        right[:-1],
        right + "=",
        right.swapcase(),
        right.strip("="),
        " " + right,
        other,
        "",
        right[::-1],
        "ü" + right,
    ]
    signed = chance.choice(
        [
            ((SIGNED, chance.choice(values)),),
            ((SIGNED, right), (SIGNED.lower(), other)),
            ((SIGNED, f"{right},{other}"),),
            (),
            ((SIGNED, right), ("X-Twilio-Webhooks-Signature-Settings", "algorithm=HMAC_SHA256")),
        ]
    )
    return replace(delivery, headers=(*rest, *signed))


def type_changes(chance: random.Random, delivery: Delivery) -> Delivery:
    kind = chance.choice(["application/json", "text/plain", "multipart/form-data; boundary=x", FORM[1]])
    headers = tuple((name, kind if name == "Content-Type" else value) for name, value in delivery.headers)
    body = chance.choice([delivery.body, b"", b'{"Body": "x"}', b"Body=x", delivery.body + b"&"])
    return replace(delivery, headers=headers, body=body)


CHANGES: list[Change] = [
    *(bytes_change, boundary_moves, value_swallows, value_splits, field_goes_or_comes),
    *(url_changes, query_flows_over, header_changes, type_changes),
]


def means_the_same(one: Delivery, other: Delivery) -> bool:
    try:
        same = sorted(parse_qsl(one.body.decode(), keep_blank_values=True, errors="strict")) == sorted(pairs(other))
    except UnicodeDecodeError:
        same = False
    return same and one.url == other.url and one.header(SIGNED) == other.header(SIGNED)


def is_beyond(original: Delivery, changed: Delivery) -> bool:
    """Return whether the only boundary that moved is one beside a field that Twilio documents nowhere."""
    moved = {name for name, _ in set(pairs(original)) - set(pairs(changed))}
    return changed.url == original.url and bool(moved) and bool(moved & {"FieldOfNextYear"}) and len(moved) <= 2


async def test_no_request_that_was_changed_in_meaning_is_accepted() -> None:
    source = connector()
    paths = sorted([*HERE.glob("deliveries/*.delivery.json"), *HERE.glob("deliveries_voice/*.delivery.json")])
    originals = [read_delivery(path) for path in paths]
    assert len(originals) > 40
    for path, original in zip(paths, originals, strict=True):
        assert await accepts(source, original), path.name
    json_body = with_body(URL, b'{"event": "x"}')
    chance = random.Random(int(os.environ.get("BATON_SEED", "7")))
    accepted: list[tuple[str, str]] = []
    tried = 0
    for _ in range(int(os.environ.get("BATON_MUTATIONS", "4000"))):
        change = chance.choice(CHANGES)
        original = chance.choice(originals)
        changed = change(chance, original)
        if means_the_same(changed, original) and changed.headers == original.headers:
            continue
        tried += 1
        if (
            await accepts(source, changed)
            and not means_the_same(changed, original)
            and not is_beyond(original, changed)
        ):
            accepted.append((change.__name__, f"{changed.url} {changed.body[:300]!r}"))
        if tried % 50 == 0:
            bent = bytes_change(chance, json_body)
            assert bent.body == json_body.body or not await accepts(source, bent)
    assert tried > 0
    assert accepted == []
