"""What a command must know of every vendor: its facts, and the names of what its client needs."""

from __future__ import annotations

import importlib
from typing import Any

from docframes.transport.api import Api
from docframes.transport.cache import VENDORS as VENDORS
from docframes.transport.credentials import variable

#: Credentials that a room's client takes besides those without which it cannot be.
_MORE = {"validis": ("secondary_api_key",)}
#: What is no credential, and decides where calls go.
_REGIONS = ("validis", "veridox")
#: Parts of a credential that are no secret.
_PLAIN = {"email"}


def api(vendor: str) -> Api:
    """The facts of a vendor."""
    found: Api = importlib.import_module(f"docframes.vendors.{vendor}.api").API
    return found


def client(vendor: str) -> Any:
    """A client for the account of the environment or the keyring; it sends nothing by itself.  Raises ConfigError."""
    return importlib.import_module(f"docframes.vendors.{vendor}").Client()


def credentials(vendor: str) -> tuple[str, ...]:
    """The names of a vendor's credentials, as its client takes them."""
    return (*api(vendor).credentials, *_MORE.get(vendor, ()))


def secrets(vendor: str) -> tuple[str, ...]:
    """Those of them that nobody may see."""
    return tuple(name for name in credentials(vendor) if name not in _PLAIN)


def variables(vendor: str) -> list[str]:
    """Every environment variable that a vendor's client reads."""
    places = ("base_url", "region") if vendor in _REGIONS else ("base_url",)
    return [variable(vendor, name) for name in (*credentials(vendor), *places)]
