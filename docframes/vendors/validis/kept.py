"""Which files of an extract are here already: one small index beside the frames, and the files under their SHA-256.

Nothing of a link is kept but its address without the query, and what the storage host calls the content (its ETag):
whether a file is still the same is the host's word, not a guess from names.
"""

from __future__ import annotations

import contextlib
import hashlib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import orjson

from docframes.folders import replacing
from docframes.transport.download import digest
from docframes.transport.store import private_folder


@dataclass(frozen=True)
class Piece:
    """One file of an extract, as it lies on disk."""

    name: str
    sha256: str
    where: str = ""  #: address without the query
    etag: str = ""

    def path(self, folder: Path) -> Path:
        """The file."""
        return folder / self.sha256

    def is_whole(self, folder: Path) -> bool:
        """Whether the file is there, byte for byte."""
        path = self.path(folder)
        return path.is_file() and digest(path) == self.sha256


@dataclass(frozen=True)
class Extract:
    """The files of one extract, and when they came, in seconds since 1970."""

    pieces: tuple[Piece, ...]
    fetched_at: float


def index(folder: Path, *asked: Any) -> Path:
    """The index of the extract that *asked* names."""
    return folder / f"extract-{hashlib.sha256(repr(asked).encode()).hexdigest()[:24]}.json"


def read(path: Path) -> Extract | None:
    """What the index says; None where there is none, or it cannot be read."""
    try:
        told = orjson.loads(path.read_bytes())
        return Extract(tuple(Piece(**piece) for piece in told["pieces"]), float(told["fetched_at"]))
    except (OSError, KeyError, TypeError, ValueError):
        return None


def write(path: Path, extract: Extract) -> None:
    """Put *extract* in the place of what the index said, and delete files that no index names any more."""
    before = read(path)
    with contextlib.suppress(OSError):
        private_folder(path.parent)
        with replacing(path) as file:
            file.write(orjson.dumps(asdict(extract)))
        _delete_unnamed(path.parent, before)


def forget(path: Path) -> None:
    """Delete the index and its files."""
    before = read(path)
    with contextlib.suppress(OSError):
        path.unlink(missing_ok=True)
        _delete_unnamed(path.parent, before)


def _delete_unnamed(folder: Path, before: Extract | None) -> None:
    """Delete files that only *before* named; another extract may hold the same one."""
    indexes = [read(path) for path in folder.glob("extract-*.json")]
    named = {piece.sha256 for one in indexes if one is not None for piece in one.pieces}
    for piece in before.pieces if before is not None else ():
        if piece.sha256 not in named:
            piece.path(folder).unlink(missing_ok=True)
