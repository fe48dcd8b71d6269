"""Folders and files of ours on this machine: open to their owner alone, and never half written."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


def private_folder(folder: Path) -> Path:
    """*folder*, made if need be, open to its owner alone; one that was there keeps the mode its owner gave it."""
    if not folder.exists():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)
    return folder


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """A file, for its owner alone (0600), that takes the place of *path* when the block ends.

    Whoever reads *path* meanwhile finds what was there before; where the block fails, nothing is left.
    """
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
