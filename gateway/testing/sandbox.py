"""What sandboxes are built from: an HTTP server with named routes, faults, a record of calls, and state that can be asked.

A sandbox is a stand-in for a vendor's API as far as its connector uses it. It keeps to what the vendor documents, pains
included; where the vendor's behaviour is not known, its docstring says so.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import time
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, Protocol, TypeAlias, cast

from aiohttp import web

from gateway.testing.conditions import Condition, of_webhooks
from gateway.testing.control import Control, meant
from gateway.testing.faults import Fault, FaultKind, Faults

Handler: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]

_BEFORE: Final = frozenset({FaultKind.RESET_BEFORE, FaultKind.HANG, FaultKind.RATE_LIMITED, FaultKind.ERROR_BEFORE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call that a sandbox answered, or did not."""

    #: Name of the route.
    route: str
    #: HTTP method.
    method: str
    #: Path with its query.
    path: str
    #: Status that was answered; 0 when no answer was given.
    status: int
    #: The fault it met, empty for none.
    fault: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """Another way in which a connection is set up, in the place of the usual one."""

    #: What it is for, as "mail that Mailgun hands on", and how to have people use it.
    title: str
    #: Settings, and secrets among them, as `Sandbox.settings` and `Sandbox.secrets` have them.
    settings: Mapping[str, str]
    secrets: Mapping[str, str]


class Ids(Protocol):
    """Something that gives ids, one number after the other."""

    def begin_at(self, number: int) -> None:
        """Give ids above a number from now on."""


def system_now() -> int:
    """Return the time, UTC microseconds."""
    return time.time_ns() // 1000


class Sandbox(ABC):
    """A vendor's stand-in."""

    #: What people call it.
    title = "a vendor"
    #: What the names of environment variables begin with in which its secrets are suggested; empty for the connector's name.
    variables = ""

    def __init__(self, *, now: Callable[[], int] = system_now) -> None:
        """Take the clock that the vendor lives by, UTC microseconds."""
        self.now = now
        self.faults = Faults()
        self.calls: list[Call] = []
        #: What counts the ids of tickets and people. A sandbox forgets everything when it ends; begun anew it would give those of
        #: before to others, while Baton remembers whose they were. None where ids never come again.
        self.ids: Ids | None = None
        #: Where its webhooks go, as who started it said; empty when that was not said.
        self.hooks = ""
        self._runner: web.AppRunner | None = None
        self._port = 0
        self._host = "127.0.0.1"

    # --- for those who build one -------------------------------------------------------------------------------------
    @abstractmethod
    def routes(self) -> list[tuple[str, str, str, Handler]]:
        """Return name, method, path and handler of each route."""

    @abstractmethod
    def state(self) -> dict[str, Any]:
        """Return the whole state as JSON values, for people."""

    def acts(self) -> Mapping[str, Callable[..., object]]:
        """Return what people at the vendor can be made to do, by name: methods with a docstring; none by default."""
        return {}

    def fault_routes(self) -> list[str]:
        """Return the names on which faults may wait: those of its routes, unless it talks in other ways than HTTP, too."""
        return list(dict.fromkeys(name for name, *_ in self.routes()))

    def conditions(self) -> dict[str, Condition]:
        """Return what may stand otherwise there for a while, by name: how it sends webhooks, and what a sandbox adds."""
        return of_webhooks(getattr(self, "webhooks", None))

    def hooks_needed(self) -> str:
        """Return where its webhooks go. Raises ValueError when nobody said."""
        if not self.hooks:
            raise ValueError("this asks the gateway at once, so start the sandbox with --hooks")
        return self.hooks

    # --- for those who use one ---------------------------------------------------------------------------------------
    @property
    def url(self) -> str:
        """Return where it listens."""
        return f"http://{self._host}:{self._port}"

    @cached_property
    def control(self) -> Control:
        """Return what has things go wrong when somebody outside asks for it."""
        return Control(self)

    def settings(self) -> dict[str, str]:
        """Return settings with which its connector reaches it: what an admin would write into `plugins.toml`."""
        return {"api_url": self.url}

    def secrets(self) -> dict[str, str]:
        """Return the secrets among those settings, by the setting's name; none by default."""
        return {}

    def ways(self) -> Sequence[Way]:
        """Return other ways to set the connection up, each instead of `settings` and `secrets`; none by default."""
        return ()

    def writes(self) -> int:
        """Return how many writes reached the vendor, whatever was answered."""
        return sum(1 for call in self.calls if call.method != "GET")

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Listen. Port 0 lets the system choose."""
        app = web.Application(client_max_size=64 * 1024 * 1024)
        for name, method, path, handler in self.routes():
            app.router.add_route(method, path, self._faulty(name, handler))
        app.router.add_get("/_sandbox/state", self._show)
        app.router.add_get("/_sandbox/acts", self._show_acts)
        app.router.add_post("/_sandbox/acts/{act}", self._act)
        app.router.add_get("/_sandbox/faults", self.control.show)
        app.router.add_post("/_sandbox/faults", self.control.take)
        app.router.add_delete("/_sandbox/faults", self.control.clear)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
        await runner.setup()
        site = web.TCPSite(runner, host, port, reuse_address=True)
        await site.start()
        self._runner = runner
        self._host = host
        self._port = runner.addresses[0][1]

    async def stop(self) -> None:
        """Stop listening; the state stays. Safe unopened, and twice."""
        if self._runner is not None:
            runner, self._runner = self._runner, None
            await runner.cleanup()

    def count(self, route: str) -> int:
        """Return how many calls of a route there were, answered or not."""
        return sum(1 for call in self.calls if call.route == route)

    async def _show(self, request: web.Request) -> web.Response:  # noqa: ARG002 (aiohttp hands it over)
        return web.Response(text=json.dumps(self.state(), indent=2, default=str), content_type="application/json")

    async def _show_acts(self, request: web.Request) -> web.Response:  # noqa: ARG002 (aiohttp hands it over)
        shown = {
            name: {
                "does": (act.__doc__ or "").strip().splitlines()[0],
                "takes": str(inspect.signature(act)).rpartition(" -> ")[0].replace("'", ""),
            }
            for name, act in self.acts().items()
        }
        return web.Response(text=json.dumps(shown, indent=2), content_type="application/json")

    async def _act(self, request: web.Request) -> web.Response:
        """Have somebody do something: the body is a JSON object of the act's arguments."""
        name, acts = request.match_info["act"], self.acts()
        act = acts.get(name)
        if act is None:
            hint = meant(name, acts)
            return web.Response(
                status=404, text=f'There is no act "{name}"{hint}; GET /_sandbox/acts shows what each takes.\n'
            )
        try:
            arguments: object = json.loads(await request.read() or b"{}")
            if not isinstance(arguments, dict):
                raise TypeError("the body must be a JSON object of arguments")
            done = act(**cast("dict[str, Any]", arguments))
            if inspect.isawaitable(done):
                done = await done
        except Exception as error:  # noqa: BLE001 (whatever it is, it was asked for by hand)
            what = f"That cannot be done ({type(error).__name__}: {error})"
            return web.Response(status=400, text=f"{what}; GET /_sandbox/acts shows how.\n")
        return web.Response(text=json.dumps({"answer": done}, default=str) + "\n", content_type="application/json")

    # --- faults ------------------------------------------------------------------------------------------------------
    def _faulty(self, name: str, handler: Handler) -> Handler:
        async def handle(request: web.Request) -> web.StreamResponse:
            fault = self.faults.take(name)
            status = 0
            try:
                response = await self._answer(request, handler, fault)
                status = response.status
                return response
            finally:
                self.calls.append(
                    Call(
                        route=name,
                        method=request.method,
                        path=request.path_qs,
                        status=status,
                        fault=fault.kind.value if fault else "",
                    )
                )

        return handle

    async def _answer(self, request: web.Request, handler: Handler, fault: Fault | None) -> web.StreamResponse:
        if fault is None:
            return await handler(request)
        if fault.kind in _BEFORE:
            return await self._instead(request, fault)
        response = await handler(request)
        if fault.kind is FaultKind.RESET_AFTER:
            return self._cut(request)
        if fault.kind is FaultKind.DELAY_AFTER:
            await asyncio.sleep(fault.seconds)
            return response
        if fault.kind is FaultKind.HALF_BODY:
            return await self._half(request, response)
        return web.Response(status=500, text="Internal Server Error")

    async def _instead(self, request: web.Request, fault: Fault) -> web.StreamResponse:
        if fault.kind is FaultKind.RESET_BEFORE:
            return self._cut(request)
        if fault.kind is FaultKind.HANG:
            await asyncio.sleep(fault.seconds)
            return self._cut(request)
        if fault.kind is FaultKind.RATE_LIMITED:
            return web.Response(status=429, headers={"Retry-After": str(int(fault.seconds))}, text="Too Many Requests")
        return web.Response(status=fault.status, text="Service Unavailable")

    @staticmethod
    def _cut(request: web.Request) -> web.Response:
        """Break the connection as a failing network would: without an answer."""
        transport = request.transport
        if transport is not None:
            transport.abort()
        return web.Response(status=500)

    async def _half(self, request: web.Request, response: web.StreamResponse) -> web.StreamResponse:
        body = response.body if isinstance(response, web.Response) else b""
        data = body if isinstance(body, bytes) else b""
        half = web.StreamResponse(status=response.status, headers={"Content-Type": response.content_type})
        half.content_length = len(data) + 64
        await half.prepare(request)
        await half.write(data[: len(data) // 2])
        return self._cut(request)
