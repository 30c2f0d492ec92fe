"""The admin socket: a Unix socket in the data directory, for its owner only (mode 0600).

One POST per operation, JSON in and out. A refusal carries a sentence: it goes to the operator's own terminal.
"""

from __future__ import annotations

import json
import os
import stat
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Final, Protocol

import structlog
from aiohttp import web

from gateway.operations import Refused

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_log: Final = structlog.stdlib.get_logger("gateway.web")

#: Name of the socket within the data directory.
SOCKET: Final = "admin.sock"
#: The kernel keeps 108 bytes for a Unix socket's path, the closing zero included.
_LONGEST: Final = 107


class Operator(Protocol):
    """Does what operators ask for."""

    async def operate(self, name: str, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        """Do one operation. Raises `Refused`, and KeyError for an operation that there is not."""
        ...


class AdminSocket:
    """Listens on the socket of one data directory."""

    def __init__(self, *, directory: Path, operator: Operator) -> None:
        """Take where the socket goes and who answers."""
        self._path = directory / SOCKET
        self._operator = operator
        self._runner: web.AppRunner | None = None
        self._held = ExitStack()

    async def start(self) -> None:
        """Listen. The store's lock has been taken by now, so a socket that is there was left by a dead process."""
        self._path.unlink(missing_ok=True)
        app = web.Application()
        app.router.add_post("/{operation}", self._handle)
        # The operation that asks for the end is one of those that are waited for.
        runner = web.AppRunner(app, handle_signals=False, access_log=None, shutdown_timeout=1.0)
        await runner.setup()
        self._runner = runner
        # A socket is born with the process's umask; nobody else may connect in between.
        before = os.umask(stat.S_IRWXG | stat.S_IRWXO | stat.S_IXUSR)
        try:
            await web.UnixSite(runner, reachable(self._path, self._held)).start()
        finally:
            os.umask(before)

    async def stop(self) -> None:
        """Stop listening and take the socket away. Safe unopened, and twice."""
        if self._runner is not None:
            runner, self._runner = self._runner, None
            await runner.cleanup()
            self._path.unlink(missing_ok=True)
        self._held.close()

    async def _handle(self, request: web.Request) -> web.Response:
        name = request.match_info["operation"]
        try:
            arguments: Any = json.loads(await request.text() or "{}")
            if not isinstance(arguments, dict):
                return _answer(400, {"error": "the arguments must be a JSON object"})
            result = await self._operator.operate(name, arguments)
        except json.JSONDecodeError:
            return _answer(400, {"error": "the arguments are no JSON"})
        except Refused as error:
            return _answer(409, {"error": str(error)})
        except KeyError:
            return _answer(404, {"error": f"the running gateway knows no operation {name}: is it of another version?"})
        except Exception:  # noqa: BLE001 (whatever it is, the gateway runs on)
            _log.exception("an operation failed", operation=name)
            return _answer(500, {"error": f"{name} failed in the running gateway: its log says where"})
        return _answer(200, dict(result))


def reachable(path: Path, held: ExitStack) -> str:
    """Return a name of a socket that is short enough, by way of an open directory where the path is too long.

    `held` keeps the directory open for as long as the name is to hold. Raises OSError.
    """
    if len(os.fsencode(path)) <= _LONGEST:
        return str(path)
    descriptor = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    held.callback(os.close, descriptor)
    return f"/proc/self/fd/{descriptor}/{path.name}"


def _answer(status: int, value: Mapping[str, Any]) -> web.Response:
    return web.Response(status=status, body=json.dumps(value, default=str).encode(), content_type="application/json")
