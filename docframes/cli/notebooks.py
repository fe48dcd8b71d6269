"""Copies of the notebooks in a folder of the user's: what was changed there is kept, and what was not moves on."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import docframes
from docframes.errors import ConfigError

#: What was copied, with its digest; by it a notebook that somebody changed is told from one of an older docframes.
MANIFEST = ".docframes-lab.json"
_PATTERN = "[0-9][0-9]-*.ipynb"


@dataclass(frozen=True)
class Copied:
    """What came of each notebook, by name."""

    new: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)  #: changed by the user, or not ours
    same: list[str] = field(default_factory=list)


def notebooks() -> dict[str, bytes]:
    """The notebooks that came with docframes, by name.  Raises ConfigError where none did."""
    package = Path(docframes.__file__).parent
    # A wheel has them inside the package, a checkout beside it.
    for folder in (package / "notebooks", package.parent / "notebooks"):
        found = {path.name: path.read_bytes() for path in sorted(folder.glob(_PATTERN))}
        if found:
            return found
    raise ConfigError("This installation of docframes has no notebooks; install it again from its wheel or checkout.")


def copy(folder: Path, wanted: Mapping[str, bytes]) -> Copied:
    """Write *wanted* into *folder*, new or not; nothing that anybody else wrote or changed is touched.

    Raises ConfigError where *folder* is a file, OSError where it cannot be written.
    """
    if folder.exists() and not folder.is_dir():
        raise ConfigError(f"{folder} is there and is no folder. Move it away, or name another with --folder.")
    folder.mkdir(parents=True, exist_ok=True)
    ours, copied = _read_manifest(folder), Copied()
    for name, content in wanted.items():
        digest, there = hashlib.sha256(content).hexdigest(), _digest_of(folder / name)
        if there == digest:
            copied.same.append(name)
        elif there is None or there == ours.get(name):
            _write(folder / name, content)
            copied.new.append(name)
        else:
            copied.kept.append(name)
            continue
        ours[name] = digest
    _write(folder / MANIFEST, json.dumps(ours, indent=1).encode())
    return copied


def _digest_of(path: Path) -> str | None:
    """None where nothing is there; what is no file has a digest that no file has."""
    if not os.path.lexists(path):
        return None
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""


def _read_manifest(folder: Path) -> dict[str, str]:
    try:
        told = json.loads((folder / MANIFEST).read_bytes())
    except (FileNotFoundError, ValueError):
        # Without it every notebook that differs counts as changed, and is kept.
        return {}
    return {str(name): str(digest) for name, digest in told.items()} if isinstance(told, dict) else {}


def _write(path: Path, content: bytes) -> None:
    temporary = path.with_name(f".docframes-{secrets.token_hex(4)}.part")
    try:
        temporary.write_bytes(content)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
