"""The cache: where it is, who can read it, what room there is, and whether each file in it is whole."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import stat
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from docframes.cli.doctor.lines import Line, note, ok, problem
from docframes.errors import StoreError
from docframes.ledger.store import open_store
from docframes.settings import Settings
from docframes.transport import cache
from docframes.words import count, size

#: Free bytes below which nothing more can be kept, and below which a ledger may not fit.
_NO_ROOM, _LITTLE_ROOM = 20_000_000, 1_000_000_000
#: Seconds to wait for a file that another process writes to.
_BUSY = 1.0
_ARROW = b"ARROW1"


def lines(settings: Settings) -> list[Line]:
    """The folder first, then each file in it.  Nothing is changed."""
    folder = settings.cache_folder
    told = [_folder(folder), *_room(folder)]
    if folder.is_dir():
        told += [*_modes(folder), *_files(settings), *_ledgers(folder)]
    return told


# --- the folder -----------------------------------------------------------------------------------------------------


def _folder(folder: Path) -> Line:
    if not folder.exists():
        return note(f"{folder} is not there yet: nothing is kept")
    if not folder.is_dir():
        do = "Move it away, or set DOCFRAMES_CACHE_DIR"
        return problem(f"{folder} is a file, where the folder should be: nothing can be kept", do)
    try:
        with tempfile.TemporaryFile(dir=folder, prefix=".", suffix=".part"):
            return ok(f"{folder} can be written")
    except OSError as error:
        do = "Make room or make it writable, or set DOCFRAMES_CACHE_DIR"
        return problem(f"nothing can be written in {folder} ({error.strerror})", do)


def _room(folder: Path) -> Iterator[Line]:
    there = next((path for path in (folder, *folder.absolute().parents) if path.exists()), None)
    if there is None:
        return
    free = shutil.disk_usage(there).free
    if free < _NO_ROOM:
        yield problem(f"{size(free)} are free on its disk", "Make room, or set DOCFRAMES_CACHE_DIR")
    elif free < _LITTLE_ROOM:
        yield note(f"{size(free)} are free on its disk", "A large ledger may not fit: set DOCFRAMES_CACHE_DIR")
    else:
        yield ok(f"{size(free)} are free on its disk")


def _modes(folder: Path) -> Iterator[Line]:
    """Whether anybody else can read what is kept, or put something in its place."""
    if os.name == "nt":
        return
    mode = stat.S_IMODE(folder.stat().st_mode)
    if not mode & 0o077:
        # Whoever cannot enter the folder reads nothing in it, whatever the modes of the files.
        yield ok("only its owner can enter it (0700)")
        return
    do = f"chmod 700 {folder}"
    if mode & 0o022:
        yield problem(f"others can write in it ({mode:04o}), and so put answers there", do)
    else:
        yield note(f"others can see the names of the files in it ({mode:04o}; 0700 keeps them out)", do)
    open_ = [path for path in _ours(folder) if _mode(path) & 0o077]
    if open_:
        names = ", ".join(path.name for path in open_[:3]) + (", ..." if len(open_) > 3 else "")
        what = f"others can read {count(len(open_), 'file')} in it ({names})"
        yield problem(what, f"chmod -R go= {folder}")


def _ours(folder: Path) -> Iterator[Path]:
    for kind in ("*.sqlite*", "*.quota", "*.frames", "*.frames/*", "ledgers", "ledgers/*", "ledgers/*/*"):
        yield from folder.glob(kind)


def _mode(path: Path) -> int:
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
    except OSError:
        return 0
    # What lies in a folder that others cannot enter is out of their reach.
    return mode if not path.parent.name.endswith(".frames") or _mode(path.parent) & 0o077 else 0


# --- answers and counts ---------------------------------------------------------------------------------------------


def _files(settings: Settings) -> Iterator[Line]:
    told = cache.info(settings=settings)
    for facts in told.to_dict("records"):
        name, path = f"{facts['vendor']} {facts['account']}".strip(), Path(facts["path"])
        if facts["vendor"] == cache.OTHER:
            yield ok(f"other files: {size(facts['bytes'])}")
        elif facts["vendor"] != cache.READ_LEDGER and path.exists():
            yield _database(path, name, _contents(facts), f"docframes cache clear --vendor {facts['vendor']}")
        yield from _frames(path.with_suffix(".frames"), name)
    for path in sorted(settings.cache_folder.glob("*.quota")):
        yield _database(path, path.name, size(path.stat().st_size), f"Delete {path}")
    if not told.empty:
        yield ok(f"{size(int(told['bytes'].sum()))} in all")


def _contents(facts: Mapping[Any, Any]) -> str:
    answers, expired = facts["answers"], facts["expired"]
    share = f", {expired / answers:.0%} of them past their lifetime" if expired else ""
    since = "" if pd.isna(facts["oldest"]) else f", since {facts['oldest']:%Y-%m-%d}"
    return f"{count(answers, 'answer')}{share}{since}; {size(facts['bytes'])} with all that belongs to it"


def _database(path: Path, name: str, contents: str, do: str) -> Line:
    address = f"{path.absolute().as_uri()}?mode=rw"
    try:
        with contextlib.closing(sqlite3.connect(address, uri=True, timeout=_BUSY)) as base:
            (found,) = base.execute("PRAGMA quick_check(1)").fetchone()
            if found != "ok":
                return problem(f"{name}: {path.name} is damaged ({found})", do)
            base.execute("BEGIN IMMEDIATE")
            base.rollback()
    except sqlite3.OperationalError as error:
        if "locked" in str(error):
            return problem(f"{name}: another process holds {path.name}", "Wait for it, or end it")
        what = f"{name}: {path.name} cannot be written ({error}), so loads go on without it"
        return problem(what, f"chmod 600 {path}, make room, or set DOCFRAMES_CACHE_DIR")
    except sqlite3.Error as error:
        return problem(f"{name}: {path.name} is no database any more ({error})", do)
    return ok(f"{name}: {contents}")


# --- frames and ledgers ---------------------------------------------------------------------------------------------


def _frames(folder: Path, name: str) -> Iterator[Line]:
    paths = sorted(folder.glob("*.arrow"))
    if paths:
        broken = [path.name for path in paths if not _is_whole(path)]
        what = f"{name}: {count(len(paths), 'kept frame')}"
        if broken:
            do = "Such a load is made anew from its answers; docframes cache clear deletes them"
            yield problem(f"{what}, of which {len(broken)} cannot be read ({', '.join(broken[:3])})", do)
        else:
            yield ok(what)


def _is_whole(path: Path) -> bool:
    """Whether a file begins and ends as its kind does: one that was cut short does not."""
    try:
        with path.open("rb") as file:
            start = file.read(len(_ARROW))
            file.seek(-len(_ARROW), os.SEEK_END)
            return start == file.read() == _ARROW
    except OSError:
        return False


def _ledgers(folder: Path) -> Iterator[Line]:
    stores = [path for kind in ("ledgers/*", "*.frames/ledgers/*") for path in sorted(folder.glob(kind))]
    whole = 0
    for path in stores:
        if path.name.startswith("."):
            yield note(f"a ledger was left half-written in {path}", "It is deleted a day later")
            continue
        try:
            open_store(path)
            whole += 1
        except StoreError as error:
            yield problem(f"ledger {path.name} cannot be used", f"{error} docframes cache clear deletes it")
    if whole:
        yield ok(f"{count(whole, 'ledger')} in {count(whole, 'store that is', 'stores that are')} whole")
