"""Whether this machine's clock can be trusted."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pandas as pd

from docframes.cli import rooms
from docframes.cli.doctor.keys import has_credential
from docframes.cli.doctor.lines import Line, note, ok, problem
from docframes.errors import ConfigError
from docframes.settings import Settings
from docframes.transport import cache, usage
from docframes.transport.clock import skew
from docframes.transport.credentials import base_url, variable

#: Seconds that are no reason to worry: tokens are renewed so much before their end.
MOST_SKEW = 60.0


def lines(settings: Settings, *, online: bool) -> list[Line]:
    """Times in the future, which nothing here should have; and with *online* what the vendors' clocks say."""
    told = list(_from_the_future(settings))
    told = told or [ok("nothing that is kept here is from the future")]
    if not online:
        return [*told, note("not compared with the vendors' clocks", "docframes doctor --online does that")]
    if settings.offline:
        return [*told, note("not compared with the vendors' clocks: DOCFRAMES_OFFLINE is set, so nothing was sent")]
    addresses = _addresses()
    if not addresses:
        what = "not compared with a vendor's clock: no vendor has a credential or an address here, so nothing was sent"
        return [*told, note(what)]
    return [*told, *(_compared(vendor, address, settings) for vendor, address in addresses.items())]


def _from_the_future(settings: Settings) -> Iterator[Line]:
    now = time.time()
    for facts in cache.info(settings=settings).to_dict("records"):
        newest = facts["newest"]
        if not pd.isna(newest) and newest.timestamp() > now + MOST_SKEW:
            yield _future(Path(facts["path"]).name, newest.timestamp() - now, f"--vendor {facts['vendor']}")
    for vendor in rooms.VENDORS:
        limit = rooms.api(vendor).quota
        if limit is not None:
            path = settings.cache_folder / f"{vendor}.quota"
            latest = usage.read(path, limit, now=now).latest
            if latest is not None and latest > now + MOST_SKEW:
                do = f"Set the clock right; if it is right now, delete {path.name}: calls in it are counted too long"
                yield problem(f"{path.name} has calls {_told(latest - now)} from now: the clock was moved", do)


def _future(name: str, seconds: float, option: str) -> Line:
    do = f"Set the clock right; if it is right now, docframes cache clear {option}: what is in it is served too long"
    return problem(f"{name} holds something fetched {_told(seconds)} from now: the clock was moved", do)


def _addresses() -> dict[str, str]:
    """Where calls would go, of the vendors that somebody uses here."""
    found = {}
    for vendor in rooms.VENDORS:
        with contextlib.suppress(ConfigError):
            if has_credential(vendor):
                found[vendor] = str(rooms.client(vendor).base_url)
            elif os.environ.get(variable(vendor, "base_url")):
                found[vendor] = base_url(rooms.api(vendor), None)
    return found


def _compared(vendor: str, address: str, settings: Settings) -> Line:
    told = skew(address, settings)
    if told.seconds is None:
        do = "Check the network, the proxies below, and base_url"
        return problem(f"{vendor}: {told.host} does not tell the time ({told.note})", do)
    if abs(told.seconds) <= MOST_SKEW:
        return ok(f"{vendor}: within {abs(told.seconds):.0f} s of {told.host}")
    side = "ahead of" if told.seconds > 0 else "behind"
    do = "Set it right: tokens and signed links end by the vendor's clock"
    return problem(f"{vendor}: this machine's clock is {_told(abs(told.seconds))} {side} {told.host}", do)


def _told(seconds: float) -> str:
    return str(timedelta(seconds=round(seconds)))
