"""How somebody outside has things go wrong at a running sandbox: words, what they mean, and sentences for what they cannot.

A fault is written ``NAME=VALUE:TIMES@ROUTE``, of which only the name is needed: ``429:3`` are three answers 429 to whatever is
called next, ``hang=30@search`` is one call of the route ``search`` that gets no answer for half a minute, ``503:20%`` is a fifth
of all calls until somebody clears it, ``duplicates=50%`` sends every second webhook twice.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, Final, Protocol, cast

from aiohttp import web

from gateway.testing.conditions import LONGEST, Condition, number, seconds, share
from gateway.testing.faults import FaultKind, Faults
from gateway.toml import nearest

if TYPE_CHECKING:
    from gateway.testing.sandbox import Call

_FAULT: Final = re.compile(r"(?P<name>[^=:@\s]+)(?:=(?P<value>[^:@\s]+))?(?::(?P<often>[^@\s]+))?(?:@(?P<route>\S+))?")
_KEYS: Final = ("fault", "value", "times", "share", "route")
#: Most calls that one fault may wait for.
_MOST: Final = 10_000
_ANY: Final = "*"
#: Kinds that take time, and what they take it for.
_TIMED: Final = frozenset({FaultKind.HANG, FaultKind.DELAY_AFTER, FaultKind.RATE_LIMITED})
_DOES: Final = {
    FaultKind.RESET_BEFORE: "The connection breaks before anything happened.",
    FaultKind.RESET_AFTER: "Everything happened, and the answer is lost with the connection.",
    FaultKind.HANG: "Nothing happens and no answer comes for this many seconds; then the connection breaks.",
    FaultKind.DELAY_AFTER: "Everything happened, and the answer comes after this many seconds.",
    FaultKind.RATE_LIMITED: "Too many calls: 429 with a Retry-After of this many seconds; nothing happened.",
    FaultKind.ERROR_BEFORE: "An error answer with this status; nothing happened.",
    FaultKind.ERROR_AFTER: "Everything happened, and the answer is 500.",
    FaultKind.HALF_BODY: "Everything happened, and the connection breaks in the middle of the answer.",
}


class Wish(ValueError):
    """What is asked for cannot be; the message is a sentence."""


class Faulty(Protocol):
    """The stand-in, as far as things go wrong there."""

    faults: Faults
    calls: list[Call]

    def fault_routes(self) -> list[str]:
        """Return the names on which faults may wait."""
        ...

    def conditions(self) -> dict[str, Condition]:
        """Return what may stand otherwise there, by name."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """A fault as it was written."""

    name: str
    value: str | None = None
    often: str | None = None
    route: str | None = None


class Control:
    """Has things go wrong at a sandbox when it is asked to."""

    def __init__(self, sandbox: Faulty) -> None:
        """Take the sandbox, and note how everything stands there when nothing is wrong."""
        self._sandbox = sandbox
        self._usual = {name: condition.value for name, condition in sandbox.conditions().items()}

    # --- over HTTP ---------------------------------------------------------------------------------------------------
    async def show(self, request: web.Request) -> web.Response:  # noqa: ARG002 (aiohttp hands it over)
        """Answer with what can go wrong, and what is set."""
        return web.Response(text=json.dumps(self.shown(), indent=2) + "\n", content_type="application/json")

    async def take(self, request: web.Request) -> web.Response:
        """Have something go wrong: the body is a JSON object, or a list of them. What cannot be is answered by a sentence."""
        if (refused := _refusal(request)) is not None:
            return refused
        try:
            self.ask(json.loads(await request.read() or b"{}"))
        except Wish as wrong:
            return web.Response(status=400, text=f"{wrong}; GET /_sandbox/faults shows what there is.\n")
        except ValueError as wrong:
            return web.Response(status=400, text=f'That is no JSON ({wrong}): write one like {{"fault": "429:3"}}.\n')
        return self._set()

    async def clear(self, request: web.Request) -> web.Response:
        """Have nothing go wrong any more."""
        if (refused := _refusal(request)) is not None:
            return refused
        self.end()
        return self._set()

    def _set(self) -> web.Response:
        return web.Response(text=json.dumps({"set": self.shown()["set"]}) + "\n", content_type="application/json")

    # --- in Python ---------------------------------------------------------------------------------------------------
    def ask(self, asked: object) -> None:
        """Have something go wrong: words, a mapping with them, or a list of such. Raises `Wish`, and then nothing was set."""
        several = cast("Sequence[object]", asked) if isinstance(asked, list) else [asked]
        for put in [self._meaning(_read(each)) for each in several]:
            put()

    def end(self) -> None:
        """Have nothing go wrong any more."""
        self._sandbox.faults.clear()
        for name, condition in self._sandbox.conditions().items():
            condition.put(self._usual[name])

    def shown(self) -> dict[str, Any]:
        """Return what can go wrong, and what is set, as JSON values."""
        faults = self._sandbox.faults
        met = Counter((call.route, call.fault) for call in self._sandbox.calls if call.fault)
        return {
            "set": [
                *({"fault": each.kind.value, "route": route, "times": times, **_with(each.kind, each.seconds, each.status)}
                  for route, each, times in faults.waiting()),
                *({"fault": each.kind.value, "route": route, "share": part, **_with(each.kind, each.seconds, each.status)}
                  for route, each, part in faults.standing()),
                *({"fault": name, "value": each.value} for name, each in self._sandbox.conditions().items()
                  if each.value != self._usual[name]),
            ],
            "met": [{"route": route, "fault": fault, "times": times} for (route, fault), times in met.items()],
            "faults": {
                **{kind.value: does for kind, does in _DOES.items()},
                "400 to 599": "Short for error_before=STATUS, and 429 for rate_limited.",
            },
            "conditions": {
                name: {"does": each.does, "takes": each.takes.value, "now": each.value}
                for name, each in self._sandbox.conditions().items()
            },
            "routes": [_ANY, *self._sandbox.fault_routes()],
            "how": [
                'POST {"fault": "NAME=VALUE:TIMES@ROUTE"}: only the name is needed; 20% for TIMES is a fifth of the calls',
                'POST {"fault": NAME, "value": VALUE, "times": TIMES, "share": SHARE, "route": ROUTE} is the same',
                "DELETE has nothing go wrong any more",
            ],
        }  # fmt: skip

    # --- what words mean ---------------------------------------------------------------------------------------------
    def _meaning(self, asked: _Asked) -> Callable[[], None]:
        """Return what sets a fault. Raises `Wish`."""
        conditions = self._sandbox.conditions()
        condition = conditions.get(asked.name)
        if condition is not None:
            return self._of_condition(asked, condition)
        kind, status = _kind(asked.name)
        if kind is None:
            known = [*(each.value for each in FaultKind), *conditions]
            raise Wish(f'there is no fault "{asked.name}"{meant(asked.name, known)}, and each status from 400 to 599')
        routes = self._sandbox.fault_routes()
        if not routes:
            raise Wish(f'"{asked.name}" has no call to befall, for Baton calls nothing here')
        route = asked.route or _ANY
        if route not in {_ANY, *routes}:
            raise Wish(f'there is no route "{route}"{meant(route, routes)}, and "*" for any')
        values = self._values(asked, kind, status)
        faults = self._sandbox.faults
        often = asked.often or "1"
        if often.endswith("%"):
            part = _number(asked, often, share, "a share is written like 20%")
            return lambda: faults.often(route, kind, part, **values)
        times = _number(asked, often, _times, f"it is a number of calls up to {_MOST}, or a share of them like 20%")
        return lambda: faults.add(route, kind, times=times, **values)

    def _of_condition(self, asked: _Asked, condition: Condition) -> Callable[[], None]:
        if asked.often is not None or asked.route is not None:
            raise Wish(f'"{asked.name}" stands until it is cleared, for everything: write {asked.name}=VALUE')
        value = _number(asked, asked.value, condition.read, f"it takes {condition.takes}")
        return lambda: condition.put(value)

    @staticmethod
    def _values(asked: _Asked, kind: FaultKind, status: int | None) -> dict[str, Any]:
        if asked.value is None:
            return {"status": status} if status is not None else {}
        if kind in _TIMED:
            return {"seconds": _number(asked, asked.value, seconds, f"it takes seconds, {LONGEST:.0f} at most")}
        if kind is FaultKind.ERROR_BEFORE and status is None:
            return {"status": _number(asked, asked.value, _status, "it takes a status from 400 to 599")}
        raise Wish(f'"{asked.name}" takes no value, so leave "={asked.value}" away')


def _read(asked: object) -> _Asked:
    """Return a fault as it was written. Raises `Wish`."""
    if isinstance(asked, str):
        asked = {"fault": asked}
    given: Mapping[str, Any] = cast("dict[str, Any]", asked) if isinstance(asked, dict) else {}
    if not isinstance(given.get("fault"), str):
        raise Wish('a fault is written like {"fault": "429:3"}')
    for key in given:
        if key not in _KEYS:
            raise Wish(f'there is no "{key}" of a fault{meant(key, _KEYS)}')
    found = _FAULT.fullmatch(given["fault"])
    if found is None:
        raise Wish(f'"{given["fault"]}" is no fault: write NAME=VALUE:TIMES@ROUTE, of which only the name is needed')
    words: dict[str, str | None] = {**found.groupdict()}
    told = {"value": given.get("value"), "route": given.get("route"), "often": given.get("times")}
    if given.get("share") is not None:
        part = given["share"]
        told["often"] = f"{part * 100:g}%" if isinstance(part, int | float) else f"{str(part).removesuffix('%')}%"
    words |= {key: str(value) for key, value in told.items() if value is not None}
    return _Asked(name=cast("str", words["name"]), value=words["value"], often=words["often"], route=words["route"])


def _kind(name: str) -> tuple[FaultKind | None, int | None]:
    """Return the kind of a name, and the status where that is one; None for no kind."""
    if name.isascii() and name.isdigit() and len(name) == 3 and 400 <= int(name) <= 599:
        limited = name == "429"
        return (FaultKind.RATE_LIMITED, None) if limited else (FaultKind.ERROR_BEFORE, int(name))
    return next((kind for kind in FaultKind if kind.value == name), None), None


def _number(asked: _Asked, text: Any, reads: Callable[[Any], Any], takes: str) -> Any:
    try:
        return reads(text)
    except ValueError:
        shown = "nothing" if text is None else f'"{text}"'
        raise Wish(f'{shown} is none for "{asked.name}": {takes}') from None


def _times(text: str) -> int:
    return number(text, _MOST)


def _status(text: str) -> int:
    value = number(text, 599)
    if value < 400:
        raise ValueError(text)
    return value


def _with(kind: FaultKind, length: float, status: int) -> dict[str, Any]:
    """Return the value of a fault where its kind has one."""
    if kind in _TIMED:
        return {"value": length}
    return {"value": status} if kind is FaultKind.ERROR_BEFORE else {}


def meant(word: str, known: Iterable[str]) -> str:
    """Return what is said behind a word that is not known: the nearest one, and all there are."""
    names = list(known)
    near = nearest(word, names)
    hint = f': did you mean "{near}"?' if near else "."
    return f"{hint} There {'is' if len(names) == 1 else 'are'} {', '.join(names) or 'none'}"


def _refusal(request: web.Request) -> web.Response | None:
    """Return an answer for who is not on this machine, wherever the sandbox listens: to break things is its owner's."""
    try:
        near = ip_address((request.remote or "").partition("%")[0])
    except ValueError:
        near = None
    mapped = getattr(near, "ipv4_mapped", None) or near
    if mapped is not None and mapped.is_loopback:
        return None
    return web.Response(status=403, text="Faults are set from the machine that the sandbox runs on.\n")
