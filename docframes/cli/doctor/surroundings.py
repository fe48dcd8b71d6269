"""The environment: proxies, certificates, and the settings in force."""

from __future__ import annotations

import difflib
import os
import re
from pathlib import Path

from docframes.cli import rooms
from docframes.cli.doctor.lines import Line, note, ok, problem
from docframes.errors import ConfigError
from docframes.settings import Settings
from docframes.transport.auth import origin
from docframes.transport.network import HERE

_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
_BUNDLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
_GENERAL = (
    "DOCFRAMES_CACHE_DIR",
    "DOCFRAMES_CAPSULE",
    "DOCFRAMES_OFFLINE",
    "DOCFRAMES_TIME_SCALE",
    "DOCFRAMES_WORKERS",
)
#: Of docframes' own tests.
_TESTS = {"DOCFRAMES_CI", "DOCFRAMES_REAL_DATA"}


def proxies() -> list[Line]:
    """What stands between this machine and the vendors; of a proxy's login only that there is one."""
    told = [
        note(f"{name} is {_without_login(os.environ[name])}")
        for upper in _PROXIES
        for name in (upper, upper.lower())
        if os.environ.get(name)
    ]
    told += [note(f"{name} is {os.environ[name]}") for name in ("NO_PROXY", "no_proxy") if os.environ.get(name)]
    told += [_bundle(name, os.environ[name]) for name in _BUNDLES if os.environ.get(name)]
    return told or [ok("none is set: calls go straight to the vendors, with the certificates of the package certifi")]


def _without_login(address: str) -> str:
    scheme, mark, rest = address.rpartition("://")
    _, at, host = rest.partition("/")[0].rpartition("@")
    return f"{scheme}{mark}{'[login]@' if at else ''}{host.partition('?')[0]}"


def _bundle(name: str, path: str) -> Line:
    if Path(path).exists():
        return note(f"{name} is {path}")
    return problem(f"{name} is {path}, where nothing is: no https call works", "Unset it, or put the file there")


def settings() -> tuple[Settings, list[Line]]:
    """The settings of the environment; the usual ones, and what is wrong, where it has some that cannot be."""
    try:
        return Settings.from_environment(), []
    except ConfigError as error:
        folder = os.environ.get("DOCFRAMES_CACHE_DIR")
        usual = Settings(cache_dir=Path(folder).expanduser() if folder else None)
        return usual, [problem("The settings cannot be used, so no client can be made", str(error))]


def lines(settings: Settings) -> list[Line]:
    """What is in force, and variables that nobody reads."""
    told = [
        ok(f"cache folder: {settings.cache_folder}"),
        note("offline: every load is answered from the cache", "Unset DOCFRAMES_OFFLINE to make calls")
        if settings.offline
        else ok("online"),
        ok(f"workers: {settings.workers}"),
        _time_scale(settings),
    ]
    return told + [_unknown(name) for name in sorted(os.environ) if name.startswith("DOCFRAMES_") and not _read(name)]


def _time_scale(settings: Settings) -> Line:
    if settings.time_scale == 1.0:
        return ok("time scale: 1")
    what = f"time scale: {settings.time_scale:g}, which shortens the waits that vendors ask for"
    real = [vendor for vendor in rooms.VENDORS if _is_real(vendor)]
    if not real:
        return note(what)
    return problem(f"{what}, and {', '.join(real)} would be called for real", "Unset DOCFRAMES_TIME_SCALE")


def _is_real(vendor: str) -> bool:
    """Whether there is a key, and calls go to another machine."""
    from docframes.cli.doctor.keys import has_credential

    if not has_credential(vendor):
        return False
    try:
        return origin(rooms.client(vendor).base_url)[1] not in HERE
    except ConfigError:
        return False


def _read(name: str) -> bool:
    return name in _known() or name in _TESTS


def _known() -> list[str]:
    return [*_GENERAL, *(name for vendor in rooms.VENDORS for name in rooms.variables(vendor))]


def _unknown(name: str) -> Line:
    near = difflib.get_close_matches(re.sub(r"[^A-Z_]", "", name.upper()), _known(), n=1, cutoff=0.8)
    if near:
        return problem(f"{name} is set, and docframes reads no such variable", f"Did you mean {near[0]}?")
    return note(f"{name} is set, and docframes reads no such variable")
