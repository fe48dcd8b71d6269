"""Where each credential is found, never what it is; and where its calls would go."""

from __future__ import annotations

import os

from docframes.cli import rooms
from docframes.cli.doctor.lines import Line, note, ok, problem
from docframes.errors import ConfigError, MissingKey
from docframes.transport import redact
from docframes.transport.credentials import KEYRING, SERVICE, located, variable


def lines() -> list[Line]:
    """Two or more lines for each vendor."""
    return [line for vendor in rooms.VENDORS for line in _of(vendor)]


def has_credential(vendor: str) -> bool:
    """Whether any of a vendor's credentials is found."""
    return any(located(vendor, name)[0] for name in rooms.secrets(vendor))


def _of(vendor: str) -> list[Line]:
    found = {name: located(vendor, name)[0] for name in rooms.credentials(vendor)}
    told = [ok(f"{vendor}: {name} from {_place(vendor, name, place)}") for name, place in found.items() if place]
    if not any(found.values()):
        names = ", ".join(variable(vendor, name) for name in found)
        wanted = names if len(found) == 1 else f"what you have of {names}"
        do = f"To use it, set {wanted}, or keep it in the keyring. It is made at {rooms.api(vendor).key_made_at}"
        return [*told, note(f"{vendor}: no credential", do), *_address(vendor)]
    return [*told, *_whole(vendor), *_address(vendor)]


def _place(vendor: str, name: str, place: str) -> str:
    return f"the keyring ({SERVICE}, {vendor}_{name})" if place == KEYRING else place


def _whole(vendor: str) -> list[Line]:
    """What a client says of them; to make one sends nothing."""
    try:
        rooms.client(vendor)
    except MissingKey as error:
        return [problem(f"{vendor}: the credential is not whole", redact.text(str(error)))]
    except ConfigError as error:
        return [problem(f"{vendor}: no client can be made", redact.text(str(error)))]
    return []


def _address(vendor: str) -> list[Line]:
    name = variable(vendor, "base_url")
    url = os.environ.get(name)
    return [note(f"{vendor}: calls go to {redact.url(url)}, since {name} is set")] if url else []
