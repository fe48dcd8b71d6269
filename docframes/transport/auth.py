"""How a request is signed.  Each way signs a copy, for its own host only, so that no cache, redirect or storage
host ever sees a credential."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import urlsplit

from requests import PreparedRequest


def origin(url: str) -> tuple[str, str, int | None]:
    """Scheme, host and port: what must agree before a credential is sent."""
    parts = urlsplit(url)
    port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    return parts.scheme, (parts.hostname or "").lower(), port


@dataclass(frozen=True)
class ApiKey:
    """A key in a request header."""

    header: str
    scheme: str = ""  #: a word before the key, such as ``API_KEY``; empty for the bare key
    visible: int = 0  #: leading characters of a key that may be shown, to tell keys apart
    value: str = field(default="", repr=False)

    def sign(self, request: PreparedRequest) -> None:
        """Add the header.  The caller has checked the host."""
        request.headers[self.header] = f"{self.scheme} {self.value}" if self.scheme else self.value

    def masked(self) -> str:
        """The key as a repr may show it."""
        return f"{self.value[: self.visible]}…" if self.value else "none"
