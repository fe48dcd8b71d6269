"""``docframes doctor --secrets``: keys and signed links in notebooks, exports, recordings and whatever else."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from docframes.cli import rooms
from docframes.cli.screen import Screen
from docframes.transport.credentials import KEYRING, SERVICE, located
from docframes.transport.scan import SHORTEST
from docframes.transport.scan_files import environment_secrets
from docframes.transport.scan_files import search as search_files
from docframes.words import count

_FOUND = 1


def search(screen: Screen, paths: Sequence[Path]) -> int:
    """Say what stands where, and of what kind it is; never what it is.  Gives 1 where something was found."""
    known = known_secrets()
    told = search_files(paths, known)
    for finding in told.findings:
        screen.say(str(finding))
    for place, why in told.unread.items():
        screen.say(f"{place}: not searched ({why})")
    files = {finding.file for finding in told.findings}
    screen.say(f"{count(len(told.findings), 'secret')} in {len(files):,} of {count(told.files, 'file')}.")
    for line in _what_was_looked_for(known):
        screen.paragraph(line)
    if told.findings:
        msg = "The digits in brackets tell two secrets apart. A key that others may have seen is made anew at the "
        screen.paragraph(msg + "vendor, and the old one revoked there; a signed link ends by itself.")
    return _FOUND if told.findings else 0


def known_secrets() -> dict[str, str]:
    """The credentials of this user, by where they were found: the environment, then the keyring."""
    known = environment_secrets()
    for vendor in rooms.VENDORS:
        for name in rooms.secrets(vendor):
            place, value = located(vendor, name)
            if place == KEYRING:
                known[f"{KEYRING} {SERVICE}, {vendor}_{name}"] = value
    return known


def _what_was_looked_for(known: dict[str, str]) -> list[str]:
    short = [name for name, value in known.items() if len(value) < SHORTEST]
    wanted = [name for name in known if name not in short]
    keys = ", ".join(wanted) or "no key of yours, since none is set"
    lines = [f"Looked for {keys}; and for signed links, headers with keys, named secrets and tokens by their shape."]
    if short:
        lines.append(f"Not looked for, since it is shorter than {SHORTEST} characters: {', '.join(short)}.")
    return lines
