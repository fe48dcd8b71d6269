"""How far this machine's clock is from a vendor's: signed links and tokens end by it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import requests

from docframes.settings import Settings
from docframes.transport import network, redact
from docframes.transport.auth import origin


@dataclass(frozen=True)
class Skew:
    """seconds : by which this clock is ahead of the host's (below zero: behind), or None.  note : why it is None."""

    host: str
    seconds: float | None
    note: str = ""


def skew(base_url: str, settings: Settings) -> Skew:
    """Ask the host of *base_url* for the time, in one HEAD request for ``/`` without any credential or cookie.

    Whatever the host answers will do: its ``Date`` header is exact to a second.
    """
    scheme, host, port = origin(base_url)
    address = f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}/"
    try:
        # A session of its own: no key, no cache, and no .netrc that would add a login.
        with requests.Session() as session:
            network.prepare(session, address)
            before = time.time()
            timeout = (settings.connect_timeout, min(settings.read_timeout, settings.connect_timeout))
            response = session.head(address, timeout=timeout, allow_redirects=False)
            after = time.time()
    except requests.RequestException as error:
        return Skew(host, None, redact.text(f"{type(error).__name__}: {error}")[:200])
    return _compared(host, response.headers.get("Date", ""), (before + after) / 2)


def _compared(host: str, told: str, now: float) -> Skew:
    try:
        theirs = parsedate_to_datetime(told)
    except ValueError:
        return Skew(host, None, "it answers without a Date that can be read")
    theirs = theirs if theirs.tzinfo else theirs.replace(tzinfo=UTC)
    # The header is cut to whole seconds: half a second is the best guess at what is missing.
    return Skew(host, round((datetime.fromtimestamp(now, UTC) - theirs).total_seconds() - 0.5, 1))
