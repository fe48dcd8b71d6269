"""Folders of ours on this machine: open to their owner alone."""

from __future__ import annotations

from pathlib import Path


def private_folder(folder: Path) -> Path:
    """*folder*, made if need be, open to its owner alone; one that was there keeps the mode its owner gave it."""
    if not folder.exists():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)
    return folder
