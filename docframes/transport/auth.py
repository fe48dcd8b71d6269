"""How a request is signed.

The session calls :meth:`Auth.sign` on a copy of the request, for the client's own host only, below the cache: no
cache, redirect or storage host ever sees a credential, and an answer from the cache needs none.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import urlsplit

import orjson
from requests import PreparedRequest, Request, Response

from docframes.errors import AuthError
from docframes.transport import redact

#: Sends a request as it is, below cache and retry; every one takes a permit.
Send = Callable[[PreparedRequest], Response]


def origin(url: str) -> tuple[str, str, int | None]:
    """Scheme, host and port: what must agree before a credential is sent."""
    parts = urlsplit(url)
    port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    return parts.scheme, (parts.hostname or "").lower(), port


class Auth(Protocol):
    """One way of signing."""

    def sign(self, request: PreparedRequest, send: Send) -> None:
        """Add the credential; *send* is there for a token that must be fetched first."""
        ...

    def renewed(self, request: PreparedRequest, response: Response) -> bool:
        """Whether *request*, refused with *response*, is worth another try with another credential."""
        ...

    def observe(self, response: Response) -> None:
        """Look at an answer that may carry a fresh token."""
        ...

    def secrets(self) -> list[str]:
        """What must be masked wherever it turns up."""
        ...

    def identity(self) -> str:
        """What tells this account from others; it is hashed before it is used."""
        ...

    def spender(self) -> str:
        """Whose allowance the next call uses; it is hashed before it is used."""
        ...

    def failover(self) -> bool:
        """Turn to another credential with an allowance of its own; False where there is none."""
        ...

    def masked(self) -> str:
        """The credential as a repr may show it."""
        ...


@dataclass(frozen=True)
class ApiKey:
    """A key in a request header."""

    header: str
    scheme: str = ""  #: a word before the key, such as ``API_KEY``; empty for the bare key
    visible: int = 0  #: leading characters of a key that may be shown, to tell keys apart
    value: str = field(default="", repr=False)

    def sign(self, request: PreparedRequest, send: Send) -> None:
        """Add the header."""
        request.headers[self.header] = f"{self.scheme} {self.value}" if self.scheme else self.value

    def renewed(self, request: PreparedRequest, response: Response) -> bool:
        """There is no other key."""
        return False

    def observe(self, response: Response) -> None:
        """A key does not change."""

    def secrets(self) -> list[str]:
        """The key."""
        return [self.value]

    def identity(self) -> str:
        """The key."""
        return self.value

    def spender(self) -> str:
        """The key."""
        return self.value

    def failover(self) -> bool:
        """There is no other key."""
        return False

    def masked(self) -> str:
        """The key's first characters, where the vendor's keys have a part that is no secret."""
        return f"{self.value[: self.visible]}…" if self.value else "none"


@dataclass
class Token:
    """A token and when it must be renewed (``time.monotonic``)."""

    value: str = field(repr=False)
    until: float


class Bearer:
    """A token in ``Authorization: Bearer``, fetched when the first call needs it and renewed when it must be.

    fetch : gives (token, lifetime in seconds or None, the JSON of the answer) by means of *send*; None for a
    ready token that cannot be renewed.  early : seconds before its end at which a token is renewed.
    scheme : the word before the token.
    """

    def __init__(
        self,
        *,
        token: str = "",
        fetch: Callable[[Send], tuple[str, float | None, Any]] | None = None,
        identity: str = "",
        early: float = 60.0,
        extra_headers: Callable[[], dict[str, str]] | None = None,
        clock: Callable[[], float] = time.monotonic,
        scheme: str = "Bearer",
    ) -> None:
        self._fetch = fetch
        self._identity = identity or token
        self._early = early
        self._extra = extra_headers
        self._clock = clock
        self._scheme = scheme
        self._lock = threading.RLock()
        self._token: Token | None = Token(token, float("inf")) if token else None
        self.facts: Any = None  #: what the token's answer said besides

    def __repr__(self) -> str:
        return f"Bearer({self.masked()})"

    def sign(self, request: PreparedRequest, send: Send) -> None:
        """Add the token, fetching one first where there is none that still lives."""
        request.headers["Authorization"] = f"{self._scheme} {self.token(send)}"
        if self._extra is not None:
            request.headers.update(self._extra())

    def token(self, send: Send) -> str:
        """The present token."""
        with self._lock:
            if self._token is None or self._clock() >= self._token.until:
                self._token = self._fetched(send)
            return self._token.value

    def _fetched(self, send: Send) -> Token:
        if self._fetch is None:
            raise AuthError("The token was refused or has expired, and there is nothing to renew it with.", status=401)
        value, lifetime, self.facts = self._fetch(send)
        redact.remember(value)
        until = float("inf") if lifetime is None else self._clock() + max(1.0, lifetime - self._early)
        return Token(value, until)

    def renewed(self, request: PreparedRequest, response: Response) -> bool:
        """After a 401 the token that was sent is forgotten, once; another thread may have renewed it already."""
        if response.status_code != 401 or self._fetch is None:
            return False
        with self._lock:
            sent = f"{self._scheme} {self._token.value}" if self._token else None
            if request.headers.get("Authorization") == sent:
                self._token = None
        return True

    def observe(self, response: Response) -> None:
        """Take over a fresh token that an answer carries in its own ``Authorization`` header."""
        fresh = bare_token(response.headers.get("Authorization", ""))
        if fresh and response.ok:
            redact.remember(fresh)
            with self._lock:
                self._token = Token(fresh, self._token.until if self._token else float("inf"))

    def forget(self) -> None:
        """Drop the token, so that the next call fetches one."""
        with self._lock:
            self._token = None

    def secrets(self) -> list[str]:
        """The token, where there is one."""
        return [self._token.value] if self._token else []

    def identity(self) -> str:
        """Whatever tells the account."""
        return self._identity

    def spender(self) -> str:
        """The account."""
        return self._identity

    def failover(self) -> bool:
        """There is no other credential."""
        return False

    def masked(self) -> str:
        """Nothing of the token."""
        return "token" if self._token else "no token yet"


def bare_token(header: str) -> str:
    """The token of an ``Authorization`` header, with or without the word Bearer before it."""
    scheme, _, rest = header.strip().partition(" ")
    return rest.strip() if scheme.lower() == "bearer" else header.strip()


def post(url: str, *, headers: dict[str, str], form: dict[str, str] | None = None, json: Any = None) -> PreparedRequest:
    """A request for a token."""
    body = orjson.dumps(json) if json is not None else None
    return Request("POST", url, headers=headers, data=form or body).prepare()
