"""Talks to the running gateway over its admin socket. Standard library only, so that a short command stays short."""

from __future__ import annotations

import getpass
import http.client
import json
import os
import socket
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Final

from gateway.cli.terminal import Failure, WrongInput

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_SOCKET: Final = "admin.sock"
_TIMEOUT: Final = 60.0
_LONGEST: Final = 107
_REFUSED: Final = 409


class NotRunning(Exception):
    """No gateway answers in this data directory."""


def ask(data: Path, operation: str, arguments: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Have the running gateway do something and return its answer.

    Raises `NotRunning`, and `WrongInput` or `Failure` with the gateway's own sentence.
    """
    with ExitStack() as held:
        connection = _Connection(data / _SOCKET, held)
        try:
            connection.request("POST", f"/{operation}", body=json.dumps({"actor": actor(), **(arguments or {})}))
            answer = connection.getresponse()
            value: dict[str, Any] = json.loads(answer.read() or b"{}")
        except (FileNotFoundError, ConnectionRefusedError):
            raise NotRunning from None
        except (OSError, http.client.HTTPException, ValueError) as error:
            message = f"the running gateway did not answer ({type(error).__name__}): see its log"
            raise Failure(message) from None
        finally:
            connection.close()
    if answer.status == _REFUSED:
        raise WrongInput(value.get("error", "refused"))
    if answer.status != http.client.OK:
        raise Failure(value.get("error", f"the running gateway answered {answer.status}"))
    return value


def actor() -> str:
    """Return who is at the terminal, for the audit."""
    try:
        return f"cli:{getpass.getuser()}"
    except (KeyError, OSError):
        return f"cli:{os.getuid()}"


class _Connection(http.client.HTTPConnection):
    def __init__(self, path: Path, held: ExitStack) -> None:
        super().__init__("localhost", timeout=_TIMEOUT)
        self._path = path
        self._held = held

    def connect(self) -> None:
        name = os.fspath(self._path)
        if len(os.fsencode(name)) > _LONGEST:
            # The kernel's limit for such paths: go by way of the open directory.
            descriptor = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY)
            self._held.callback(os.close, descriptor)
            name = f"/proc/self/fd/{descriptor}/{self._path.name}"
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(_TIMEOUT)
        self.sock.connect(name)
