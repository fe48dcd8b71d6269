"""``docframes capsule FILE``: what is in a capsule, and whether it is as it was saved."""

from __future__ import annotations

from datetime import UTC
from pathlib import Path

from docframes.capsule.container import read
from docframes.capsule.manifest import Entry, Manifest
from docframes.capsule.verify import Verification, verify
from docframes.cli.screen import Screen
from docframes.errors import CapsuleError
from docframes.words import count, size

ALTERED = 1


def show(screen: Screen, path: Path, *, digest: str | None) -> int:
    """What is in it, then what was found; 1 where it is altered, though what can be read of it is told even then."""
    found = verify(path, digest)
    try:
        with read(path) as capsule:
            _show_manifest(screen, capsule.manifest)
    except CapsuleError as error:
        if found:
            raise
        screen.say(f"What is in it cannot be told. {_plain(str(error))}")
    _show_finding(screen, path, found)
    return 0 if found else ALTERED


def _show_manifest(screen: Screen, manifest: Manifest) -> None:
    screen.say(f"Saved {manifest.created_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC by docframes {manifest.docframes}.")
    if manifest.note:
        screen.paragraph(f"Note: {_plain(manifest.note)}")
    for account in manifest.accounts:
        screen.say(f"  {account.vendor} {account.account} at {_plain(account.base_url)}")
    if manifest.entries:
        screen.say()
        screen.table(("vendor", "kind", "entries", "size", "not in it"), _rows(manifest.entries), "<<>>>")


def _rows(entries: tuple[Entry, ...]) -> list[tuple[str, ...]]:
    groups: dict[tuple[str, str], list[Entry]] = {}
    for entry in entries:
        groups.setdefault((entry.vendor, entry.kind), []).append(entry)
    return [_row(*group, groups[group]) for group in sorted(groups)]


def _row(vendor: str, kind: str, entries: list[Entry]) -> tuple[str, ...]:
    held = {entry.sha256: entry.size for entry in entries if entry.member is not None}
    left_out = sum(entry.member is None for entry in entries)
    told = f"{left_out:,}" if left_out else ""
    return (vendor or "(own file)", kind, f"{len(entries):,}", size(sum(held.values())), told)


def _show_finding(screen: Screen, path: Path, found: Verification) -> None:
    screen.say(f"\n{path}: {'intact' if found else 'ALTERED'}, {count(found.size, 'byte')}")
    screen.paragraph(_plain(found.reason))
    if found.digest:
        screen.say(f"  Digest {found.digest}")


def _plain(text: str) -> str:
    """Text of a file from elsewhere, without what a terminal would take for a command."""
    return "".join(letter if letter.isprintable() else " " for letter in text)
