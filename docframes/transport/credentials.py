"""Where credentials and addresses come from: arguments, the environment, the keyring.  Read when a client is made."""

from __future__ import annotations

import os
import threading
import warnings
from collections.abc import Callable
from typing import Any, TypeVar

from docframes.errors import ConfigError, MissingKey
from docframes.transport import redact
from docframes.transport.api import Api
from docframes.transport.auth import ApiKey, origin
from docframes.transport.network import HERE

T = TypeVar("T")


def variable(vendor: str, what: str) -> str:
    """The environment variable for one of a vendor's settings."""
    return f"DOCFRAMES_{vendor.upper()}_{what.upper()}"


def find(vendor: str, what: str, given: str | None = None) -> str:
    """A setting: as given, else from the environment, else from the keyring (optional package); empty where nowhere."""
    return (given or os.environ.get(variable(vendor, what)) or _from_keyring(vendor, what)).strip()


def api_key(api: Api, given: str | None) -> ApiKey:
    """The key of a room whose credential is one key.  Raises MissingKey."""
    value = find(api.vendor, "api_key", given)
    if not value:
        raise missing(api, "an API key", ["api_key"])
    if not (value.isascii() and value.isprintable()) or " " in value:
        # Sent as it is, the HTTP library would refuse it and show it.
        msg = (
            f"The API key of {api.vendor} holds a space, a line break or a sign that no key has. Copy it again, whole."
        )
        raise ConfigError(msg)
    return ApiKey(api.auth.header, api.auth.scheme, api.auth.visible, value)


def missing(api: Api, wanted: str, names: list[str]) -> MissingKey:
    """The error for a credential that is nowhere."""
    variables = " and ".join(variable(api.vendor, name) for name in names)
    arguments = ", ".join(f"{name}=..." for name in names)
    msg = f"{api.vendor} needs {wanted}, and none was found. Set {variables} in the environment, or pass "
    return MissingKey(msg + f"{api.vendor}.Client({arguments}). It is made at {api.key_made_at}.")


def base_url(api: Api, given: str | None) -> str:
    """The address calls go to, without a slash at its end.  Raises ConfigError for one that cannot be."""
    url = (given or os.environ.get(variable(api.vendor, "base_url")) or api.base_url).rstrip("/")
    try:
        scheme, host, _ = origin(url)
    except ValueError as error:
        raise ConfigError(f"base_url is not an address: {error}.") from None
    if scheme not in ("http", "https") or not host:
        raise ConfigError(f"base_url is {redact.url(url)!r}; it must begin with https:// and name a host.")
    if scheme == "http" and host not in HERE:
        raise ConfigError(
            f"base_url is {redact.url(url)!r}; a key goes over https only, but to this machine's own servers."
        )
    return url


def _from_keyring(vendor: str, what: str) -> str:
    try:
        import keyring
        import keyring.errors
    except ImportError:
        return ""
    try:
        return keyring.get_password("docframes", f"{vendor}_{what}") or ""
    except keyring.errors.NoKeyringError:
        return ""
    except keyring.errors.KeyringError as error:
        warnings.warn(f"The keyring could not be asked for a key: {type(error).__name__}.", stacklevel=3)
        return ""


_defaults: dict[tuple[str, ...], Any] = {}
_lock = threading.Lock()


def default_client(vendor: str, make: Callable[[], T]) -> T:
    """The client that *make* gives, made once for each state of the environment variables it reads."""
    general = ("DOCFRAMES_CACHE_DIR", "DOCFRAMES_OFFLINE", "DOCFRAMES_TIME_SCALE", "DOCFRAMES_WORKERS")
    names = sorted(name for name in os.environ if name.startswith(variable(vendor, "")) or name in general)
    state = (vendor, *(f"{name}={os.environ[name]}" for name in names))
    with _lock:
        if state not in _defaults:
            _defaults[state] = make()
        client: T = _defaults[state]
        return client
