"""Whoever opens a connection, or looks up a name, fails the test."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator

import pytest


@contextlib.contextmanager
def forbidden() -> Iterator[None]:
    """Within the block no socket connects; servers that run already go on."""

    def refuse(*arguments: object, **_: object) -> None:
        raise AssertionError(f"a socket was opened: {arguments}")

    with pytest.MonkeyPatch.context() as patch:
        for name in ("connect", "connect_ex"):
            patch.setattr(socket.socket, name, refuse)
        for name in ("create_connection", "getaddrinfo", "gethostbyname"):
            patch.setattr(socket, name, refuse)
        yield
