"""Time as the sandbox sees it, and links that expire by it."""

from __future__ import annotations

import hmac
import math
import secrets
import time

from docframes.sandbox.company.seeds import SECOND, stamp


class Clock:
    """The real time plus what it was moved forward.

    scale : how long a vendor's second lasts here; 0.01 makes a link of 300 s live for 3 s.
    """

    def __init__(self, scale: float = 1.0) -> None:
        self.scale = scale
        self._ahead = 0.0

    def now(self) -> float:
        """Seconds since 1970."""
        return time.time() + self._ahead

    def advance(self, seconds: float) -> None:
        """Move forward by *seconds* of this clock, which no scale shortens."""
        self._ahead += seconds

    def after(self, seconds: float) -> float:
        """The moment that lies *seconds* of the vendor's time ahead."""
        return self.now() + seconds * self.scale


def as_text(moment: float) -> str:
    """Seconds since 1970 as the vendors write a time, never later than *moment*."""
    return stamp(math.floor(moment * SECOND))


class Signer:
    """Signs paths of the storage host.  marker : stands in every token, so that a leak is found by it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._secret = secrets.token_bytes(32)
        self.marker = f"sandboxsig{secrets.token_hex(6)}"

    def token(self, path: str, expires: float) -> str:
        """The token that opens *path* until *expires*."""
        until = math.floor(expires * SECOND)
        return f"{self.marker}.{until}.{self._seal(path, until)}"

    def problem(self, path: str, token: str) -> str | None:
        """Why *token* does not open *path* now, or None when it does."""
        marker, _, rest = token.partition(".")
        until, _, seal = rest.partition(".")
        if marker != self.marker or not until.isdigit():
            return "InvalidToken"
        if not hmac.compare_digest(seal, self._seal(path, int(until))):
            return "SignatureDoesNotMatch"
        if self._clock.now() * SECOND >= int(until):
            return "ExpiredToken"
        return None

    def _seal(self, path: str, until: int) -> str:
        return hmac.digest(self._secret, f"{path}:{until}".encode(), "sha256").hex()
