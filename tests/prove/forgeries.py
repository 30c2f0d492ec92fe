"""Signed requests, changed in every way that changes what they say: none of them is accepted (promise I7).

Authentic requests are caught on the wire, as the sandboxes send them. Each is changed at random, by bytes and by meaning, and
shown to the connector's verifier. What it accepts is counted against the promise when it says something else than the original
did; a change that nobody signs and that changes nothing (the order of a form's fields, another host in an address that is not
signed) is no forgery, and neither is another authentic request said again (its body with its signature): that is a repetition,
which the dedupe key answers for.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from aiohttp import web

from gateway.sdk import Delivery, DeliveryRejected, UnreadableDelivery
from gateway.testing.host import FakeHost
from gateway.testing.sandbox import Sandbox
from tests.prove.proof import Figures, Proof, Size

Mutation = Callable[[random.Random, Delivery, Delivery], Delivery]


# --- authentic requests ----------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A connector whose verifier is put under fire."""

    #: Module of its spec, and the spec's name there.
    spec: str
    #: Has people at the vendor do things, so that requests are sent.
    busy: Callable[[Any], None]
    #: Settings beside those that its sandbox names.
    further: Callable[[Any], Mapping[str, Any]] = lambda _: {}


def _slack(sandbox: Any) -> None:
    stamp = sandbox.person_writes("U1", "Hello, is «this» on?", name="Ann")
    sandbox.person_writes("U2", "Yes", thread=stamp)
    sandbox.person_presses("U1", "talk_to_agent", channel="C0SUPPORT", stamp=stamp, value="v")


def _zendesk(sandbox: Any) -> None:
    number = sandbox.customer_writes("Ann", "Charged twice", "Please help, «soon»")
    sandbox.agent_comments(number, "On it")
    sandbox.customer_judges(number, "bad", "late")


def _twilio(sandbox: Any) -> None:
    sandbox.person_texts("+491701234567", "Where is my parcel?")
    sandbox.person_texts("whatsapp:+491701234567", "A picture, «see»", name="Ann", files=[("image/png", b"png")])
    sandbox.person_texts("+491701234568", "STOP")


def _voice(sandbox: Any) -> None:
    sandbox.call_elsewhere("+491701234567")
    sandbox.call_elsewhere("+491701234568", "no-answer", seconds=0)


def _hubspot(sandbox: Any) -> None:
    ticket = sandbox.customer_writes("Ann Adams", "Charged twice", "Please help, «soon»")
    sandbox.agent_sets(ticket, "hs_ticket_priority", "HIGH")
    sandbox.customer_writes("Bob Brown", "Lost", "Where is it?", via="CHAT")


def _request_tracker(sandbox: Any) -> None:
    ticket = sandbox.customer_writes("Ann", "Charged twice", "Please help, «soon»")
    sandbox.agent_comments(ticket, "On it")
    sandbox.agent_sets_status(ticket, "stalled")


def _chatbot(sandbox: Any) -> None:
    sandbox.customer_says("c1", "Where is «my» parcel?", "Ann")
    sandbox.bot_says("c1", "I do not know.", "Ann", 0.2, fallback=True)
    sandbox.bot_gives_up("c1", "no answer", "Ann")


def _incidents(sandbox: Any) -> None:
    sandbox.page("P1", title="The «shop» is down")
    sandbox.page("P1", "resolved")


def _email(sandbox: Any) -> None:
    sandbox.customer_writes("ann@customer.example", "Charged twice", "Please help, «soon»", over="sendgrid")
    sandbox.customer_writes("bob@customer.example", "Lost", "Where is it?\r\n--\r\nBob", name="Bob", over="sendgrid")
    sandbox.customer_writes("cem@customer.example", "Re: Lost", "Here: \r\n--b\r\n\r\nforged\r\n--b--", over="sendgrid")


def _sendgrid(sandbox: Any) -> dict[str, Any]:
    return {"way_in": "sendgrid", "sendgrid_public_key": sandbox.sendgrid_public_key}


#: Of mail, what SendGrid signs: Mailgun signs neither a mail's text nor its sender, Postmark signs nothing.
TARGETS: Final[Mapping[str, Target]] = {
    "chatbot": Target(spec="connectors.chatbot:SPEC", busy=_chatbot),
    "email": Target(spec="connectors.email:SPEC", busy=_email, further=_sendgrid),
    "hubspot": Target(spec="connectors.hubspot:SPEC", busy=_hubspot),
    # What PagerDuty signs: Alertmanager and Statuspage only carry a token.
    "incidents": Target(spec="connectors.incidents:SPEC", busy=_incidents),
    "request_tracker": Target(spec="connectors.request_tracker:SPEC", busy=_request_tracker),
    "slack": Target(spec="connectors.slack:SPEC", busy=_slack),
    "twilio": Target(spec="connectors.twilio:SPEC", busy=_twilio),
    "twilio_voice": Target(spec="connectors.twilio:VOICE", busy=_voice),
    "zendesk": Target(spec="connectors.zendesk:SPEC", busy=_zendesk),
}


async def caught(target: Target) -> tuple[Any, list[Delivery]]:
    """Return a connector and authentic deliveries for it, caught on the wire."""
    module, _, name = target.spec.partition(":")
    spec = getattr(import_module(module), name)
    host = FakeHost("line")
    where, _, kind = spec.sandbox.partition(":")
    sandbox: Sandbox = getattr(import_module(where), kind)(now=host.now)
    await sandbox.start()
    factory, _, word = spec.factory.partition(":")
    settings = spec.settings(**sandbox.settings(), **sandbox.secrets(), **target.further(sandbox))
    connector = getattr(import_module(factory), word)(settings, host)
    target.busy(sandbox)
    found: list[Delivery] = []

    async def catch(request: web.Request) -> web.Response:
        found.append(
            Delivery(
                connection="line",
                endpoint=request.match_info.get("endpoint", ""),
                received_at=host.now(),
                method=request.method,
                url=f"{request.scheme}://{request.host}{request.raw_path}",
                headers=tuple((key.decode(), value.decode()) for key, value in request.raw_headers),
                body=await request.read(),
            )
        )
        return web.Response()

    app = web.Application()
    app.router.add_post("/hooks/line", catch)
    app.router.add_post("/hooks/line/{endpoint}", catch)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        port = runner.addresses[0][1]
        sender: Any = sandbox
        await sender.webhooks.send(f"http://127.0.0.1:{port}/hooks/line")
    finally:
        await runner.cleanup()
        await sandbox.stop()
    return connector, found


# --- changes ---------------------------------------------------------------------------------------------------------
def _flip(chance: random.Random, it: Delivery, _: Delivery) -> Delivery:
    body = bytearray(it.body or b"x")
    body[chance.randrange(len(body))] ^= 1 << chance.randrange(8)
    return replace(it, body=bytes(body))


def _cut(chance: random.Random, it: Delivery, _: Delivery) -> Delivery:
    at = chance.randrange(len(it.body) + 1)
    return replace(it, body=it.body[:at] + it.body[at + chance.randrange(1, 9) :])


def _insert(chance: random.Random, it: Delivery, _: Delivery) -> Delivery:
    at = chance.randrange(len(it.body) + 1)
    return replace(it, body=it.body[:at] + chance.randbytes(chance.randrange(1, 9)) + it.body[at:])


def _other_body(_: random.Random, it: Delivery, other: Delivery) -> Delivery:
    return replace(it, body=other.body)


def _other_words(chance: random.Random, it: Delivery, _: Delivery) -> Delivery:
    """Change a value that means something: a word, a number, an id."""
    try:
        value = json.loads(it.body)
    except ValueError:
        pairs = parse_qsl(it.body.decode("utf-8", "replace"), keep_blank_values=True)
        if pairs:
            at = chance.randrange(len(pairs))
            pairs[at] = (pairs[at][0], pairs[at][1] + "1")
        return replace(it, body=urlencode(pairs).encode())
    return replace(it, body=json.dumps(_changed(chance, value)).encode())


def _changed(chance: random.Random, value: Any) -> Any:
    if isinstance(value, dict) and value:
        key = chance.choice(sorted(value))
        return {**value, key: _changed(chance, value[key])}
    if isinstance(value, list) and value:
        at = chance.randrange(len(value))
        return [*value[:at], _changed(chance, value[at]), *value[at + 1 :]]
    return f"{value}1" if isinstance(value, str) else 7


def _written_anew(chance: random.Random, it: Delivery, _: Delivery) -> Delivery:
    """Write the same meaning in other bytes: JSON with other blanks and escapes, a form with other escapes and order."""
    try:
        value = json.loads(it.body)
    except ValueError:
        pairs = parse_qsl(it.body.decode("utf-8", "replace"), keep_blank_values=True)
        chance.shuffle(pairs)
        text = "&".join(f"{quote(key, safe='')}={quote(each, safe='')}" for key, each in pairs)
        return replace(it, body=text.encode())
    ways: tuple[dict[str, Any], ...] = (
        {"indent": 1},
        {"sort_keys": True},
        {"ensure_ascii": False},
        {"separators": (", ", " : ")},
    )
    how = chance.choice(ways)
    return replace(it, body=json.dumps(value, **how).encode("utf-8", "surrogatepass"))


def _repeated_field(chance: random.Random, it: Delivery, _: Delivery) -> Delivery:
    """Say a field twice, with another value: whoever reads the first sees another than who reads the last."""
    try:
        value = json.loads(it.body)
    except ValueError:
        pairs = parse_qsl(it.body.decode("utf-8", "replace"), keep_blank_values=True)
        extra = (chance.choice(pairs)[0], "forged") if pairs else ("Body", "forged")
        return replace(it, body=urlencode(chance.choice(([*pairs, extra], [extra, *pairs]))).encode())
    if not isinstance(value, dict) or not value:
        return replace(it, body=b"[]")
    extra_key = json.dumps(chance.choice(sorted(value)))
    return replace(it, body=it.body.rstrip()[:-1] + f",{extra_key}:1}}".encode())


def _header(chance: random.Random, it: Delivery, other: Delivery) -> Delivery:
    """Drop, repeat, change or exchange a header."""
    headers = list(it.headers)
    at = chance.randrange(len(headers))
    name, value = headers[at]
    theirs = dict(other.headers).get(name, "")
    way = chance.randrange(8)
    if way == 0:
        del headers[at]
    elif way == 1:
        headers.append((name.upper(), value + "0"))
    elif way == 2:
        headers.insert(0, (name.lower(), theirs or "x"))
    else:
        headers[at] = (name, (value.swapcase(), value[:-1], f" {value}", theirs, value + "=")[way - 3])
    return replace(it, headers=tuple(headers))


def _time(chance: random.Random, it: Delivery, _: Delivery) -> Delivery:
    """Move whatever looks like a time stamp."""
    headers = [
        (name, str(int(value) + chance.choice((-1, 1, 60, 299, 301, 86_400))) if value.isdigit() else value)
        for name, value in it.headers
    ]
    return replace(it, headers=tuple(headers))


def _address(chance: random.Random, it: Delivery, _: Delivery) -> Delivery:
    """Send it elsewhere: another scheme, host, port, path, query or endpoint."""
    parts = urlsplit(it.url)
    made = chance.choice(
        (
            parts._replace(scheme="https"),
            parts._replace(netloc="evil.example"),
            parts._replace(netloc=f"{parts.hostname}:1"),
            parts._replace(path=f"{parts.path}/"),
            parts._replace(path="/hooks/other"),
            parts._replace(query=f"{parts.query}&x=1" if parts.query else "x=1"),
            parts._replace(query=""),
        )
    )
    return replace(it, url=made.geturl())


MUTATIONS: Final[Mapping[str, Mutation]] = {
    "a bit of the body": _flip,
    "bytes left out": _cut,
    "bytes put in": _insert,
    "another request's body": _other_body,
    "another value": _other_words,
    "written anew": _written_anew,
    "a field said twice": _repeated_field,
    "a header": _header,
    "a time stamp": _time,
    "the address": _address,
}


# --- the proof -------------------------------------------------------------------------------------------------------
def _says(connector: Any, delivery: Delivery) -> list[Any] | None:
    try:
        return list(connector.parse(delivery))
    except UnreadableDelivery:
        return None


def _repeats(changed: Delivery, original: Delivery, other: Delivery) -> bool:
    """Whether both the body and a header that tells the two apart (the signature) came from the other authentic request."""
    mine, theirs, made = (
        {name.lower(): value for name, value in each.headers if name.lower() != "content-length"}
        for each in (original, other, changed)
    )
    taken = any(made.get(name) == value != mine.get(name) for name, value in theirs.items())
    return taken and changed.body == other.body


async def _accepted(connector: Any, delivery: Delivery) -> bool:
    try:
        await connector.verify(delivery)
    except DeliveryRejected:
        return False
    return True


async def _under_fire(name: str, target: Target, tries: int, figures: Figures) -> None:
    connector, authentic = await caught(target)
    chance = random.Random(f"forgeries {name}")
    forged: list[str] = []
    equal: Counter[str] = Counter()
    originals = [(each, _says(connector, each)) for each in authentic]
    for each, _ in originals:
        assert await _accepted(connector, each), f"{name}: an authentic request is refused"
    words = list(MUTATIONS)
    for number in range(tries):
        original, says = chance.choice(originals)
        other, _ = chance.choice(originals)
        word = words[number % len(words)]
        changed = MUTATIONS[word](chance, original, other)
        if chance.random() < 0.2:
            second = chance.choice(words)
            changed, word = MUTATIONS[second](chance, changed, other), f"{word}, {second}"
        if changed != original and await _accepted(connector, changed):
            if _says(connector, changed) == says or _repeats(changed, original, other):
                equal[word] += 1
            else:
                forged.append(f"{name}: {word}")
    figures.tell(f"{name}: authentic requests", len(originals))
    figures.tell(f"{name}: changed requests", tries)
    figures.tell(f"{name}: accepted, and saying what an authentic one says", sum(equal.values()))
    figures.none_of(f"{name}: accepted, and saying something else", forged)


def run(size: Size, directory: Path) -> Figures:
    """Put every verifier under fire."""
    tries = size.pick(2_000, 100_000, 1_000_000)
    figures = Figures(unit="changed request")
    for name, target in TARGETS.items():
        asyncio.run(_under_fire(name, target, tries // len(TARGETS), figures))
    figures.tries = tries // len(TARGETS) * len(TARGETS)
    return figures


PROOF: Final = Proof(
    name="forgeries",
    promise="A signed request that was changed in what it says is refused.",
    limits="It shows nothing of a vendor's secret that leaks, nor of ways to change a request that nobody thought of.",
    run=run,
)
