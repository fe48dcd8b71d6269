"""Where credentials and addresses come from: arguments, the environment, the keyring.  Read when a client is made."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import Any, TypeVar

from docframes.errors import ConfigError, DocframesWarning, MissingKey, warn
from docframes.transport import redact, replay
from docframes.transport.api import Api
from docframes.transport.auth import ApiKey, origin
from docframes.transport.network import HERE

T = TypeVar("T")

#: Where a credential was found, if it was not in the environment.
KEYRING = "keyring"
#: Name of our entries in the keyring; their users are such as ``validocx_api_key``.
SERVICE = "docframes"


def variable(vendor: str, what: str) -> str:
    """The environment variable for one of a vendor's settings."""
    return f"DOCFRAMES_{vendor.upper()}_{what.upper()}"


def find(vendor: str, what: str, given: str | None = None) -> str:
    """A setting: as given, else from the environment, else from the keyring (optional package); empty where nowhere."""
    found = given.strip() if given else located(vendor, what)[1]
    # Within a capsule nobody needs a credential: nothing is sent.
    needed = what in ("api_key", "token") and replay.current() is not None
    return replay.NO_CREDENTIAL if needed and not found else found


def located(vendor: str, what: str) -> tuple[str, str]:
    """Where a setting is found when nobody gives it, and the setting.

    The place is the name of an environment variable or ``keyring``; both are empty where it is nowhere.
    """
    name = variable(vendor, what)
    value = os.environ.get(name, "").strip()
    if value:
        return name, value
    value = _from_keyring(vendor, what).strip()
    return (KEYRING, value) if value else ("", "")


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
    url = held_address(api.vendor, given) or given or os.environ.get(variable(api.vendor, "base_url")) or api.base_url
    url = url.rstrip("/")
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


def held_address(vendor: str, given: str | None = None) -> str | None:
    """The address of *vendor* in the capsule that is open; None where none is, or it is not clear which."""
    held = replay.current()
    return None if held is None else held.base_url(vendor, given)


def _from_keyring(vendor: str, what: str) -> str:
    try:
        import keyring
        import keyring.errors
    except ImportError:
        return ""
    try:
        return keyring.get_password(SERVICE, f"{vendor}_{what}") or ""
    except keyring.errors.NoKeyringError:
        return ""
    except Exception as error:
        # Backends raise what the system below them raises.  Its text is not repeated: it may name more than it should.
        _tell_keyring(type(error).__name__)
        return ""


_told: set[str] = set()
_telling = threading.Lock()


def _tell_keyring(kind: str) -> None:
    """Warn once for each kind of error: a client looks for several settings, and each would meet it."""
    with _telling:
        if kind in _told:
            return
        _told.add(kind)
    msg = f"The keyring could not be asked for a key ({kind}). Unlock it, or set the key in the environment: docframes "
    warn(msg + "doctor names the variables.", DocframesWarning)


#: By state of the environment: a client, and the capsule within which it was made.
_defaults: dict[tuple[str, ...], tuple[Any, Any]] = {}
_lock = threading.Lock()


def default_client(vendor: str, make: Callable[[], T]) -> T:
    """The client that *make* gives, made once for each state of the environment variables it reads."""
    general = (replay.VARIABLE, "DOCFRAMES_CACHE_DIR", "DOCFRAMES_OFFLINE", "DOCFRAMES_TIME_SCALE", "DOCFRAMES_WORKERS")
    names = sorted(name for name in os.environ if name.startswith(variable(vendor, "")) or name in general)
    state = (vendor, *(f"{name}={os.environ[name]}" for name in names))
    held = replay.current()
    with _lock:
        within, client = _defaults.get(state, (None, None))
        if client is None or within is not held:
            client = make()
            _defaults[state] = (held, client)
        made: T = client
        return made
