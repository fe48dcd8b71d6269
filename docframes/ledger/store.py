"""A ledger on disk: a folder with a Parquet file for each table, and a manifest that says what they are.

A store is whole or it is not there: it is written in a folder of another name and renamed when it is done.  Two
processes that write the same one at once end with one of the two, and both are the same.

Parquet files hold text as plain strings, days and moments as timestamps in microseconds without zone, amounts as
decimals, all in the order of the source, half a million lines to a row group.
"""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import os
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa

from docframes.errors import CacheWarning, ConfigError, StoreError, warn
from docframes.folders import private_folder

MANIFEST = "ledger.json"
FORMAT = 1  #: of the manifest and the files; a store of another one is written anew
_DRAFT = ".part"
_FORGOTTEN = 24 * 3600  # seconds after which a draft is nobody's any more

#: What is done about a folder that cannot be used, and why it cannot.
Tell = Callable[[Path, Exception], None]


@dataclass(frozen=True)
class Store:
    """A finished store.  facts : what its manifest says.  life : keeps a temporary folder there as long as needed."""

    folder: Path
    facts: Mapping[str, Any] = field(repr=False)
    life: object = field(default=None, repr=False, compare=False)

    @property
    def tables(self) -> list[str]:
        """The tables that are there; a file that was not recognised is ``others/<its name>``."""
        return list(self.facts["tables"])

    def has(self, table: str) -> bool:
        """Whether there is such a table."""
        return table in self.facts["tables"]

    def path(self, table: str) -> Path:
        """The Parquet file of *table*.  Raises ConfigError where there is no such table, StoreError where its file is
        gone."""
        if not self.has(table):
            raise ConfigError(f"The ledger has no table {table!r}. Its tables are: {', '.join(self.tables)}.")
        path: Path = self.folder / self.facts["tables"][table]["file"]
        if not path.exists():
            msg = f"The ledger's store {self.folder.name!r} is gone; the cache may have been cleared since. "
            raise StoreError(msg + "Read the ledger again; gl.save(folder) keeps one for good.")
        return path

    def rows(self, table: str) -> int:
        """How many rows *table* has; 0 where there is none."""
        return int(self.facts["tables"][table]["rows"]) if self.has(table) else 0

    def schema(self, table: str) -> pa.Schema:
        """The columns of *table*, without reading a row."""
        from pyarrow import parquet

        return parquet.read_schema(self.path(table))

    @property
    def size(self) -> int:
        """Bytes of all its files."""
        return sum(int(told["bytes"]) for told in self.facts["tables"].values())


def open_store(folder: str | Path) -> Store:
    """The store in *folder*.  Raises StoreError where there is none, or it is not whole."""
    folder = Path(folder)
    try:
        facts = orjson.loads((folder / MANIFEST).read_bytes())
    except OSError as error:
        msg = f"There is no ledger in {str(folder)!r} ({error.strerror}); a folder that gl.save() wrote was wanted."
        raise StoreError(msg) from error
    except orjson.JSONDecodeError as error:
        raise StoreError(f"The ledger in {str(folder)!r} is damaged: {MANIFEST} is no JSON. Read it again.") from error
    form = facts.get("format") if isinstance(facts, dict) else None
    if form != FORMAT:
        msg = f"The ledger in {str(folder)!r} was written in the form {form!r}, {FORMAT} is read here. "
        raise StoreError(msg + "Read its source again, with read_ledger() or its loader.")
    _check_files(folder, facts)
    return Store(folder, facts)


def _check_files(folder: Path, facts: Mapping[str, Any]) -> None:
    for table, told in facts["tables"].items():
        path = folder / told["file"]
        size = path.stat().st_size if path.exists() else None
        if size != told["bytes"]:
            came = "is not there" if size is None else f"has {size:,} bytes"
            msg = f"The ledger in {str(folder)!r} is damaged: the file of {table}, of {told['bytes']:,} bytes, {came}. "
            raise StoreError(msg + "Read it again.")


def find(folder: Path, key: str, *, tell: Tell | None = None) -> Store | None:
    """The whole store of *key* below *folder*, whatever its label; None where there is none.

    tell : called with a store that is there and not whole.
    """
    for path in sorted(folder.glob(f"*-{key}")):
        try:
            return open_store(path)
        except StoreError as error:
            if tell is not None:
                tell(path, error)
    return None


def warn_of(path: Path, error: Exception) -> None:
    """Warn that what is kept at *path*, or could be, is of no use now."""
    if isinstance(error, StoreError) and not _is_full(error):
        warn(f"A ledger that was kept cannot be used, and is read anew. {error}", CacheWarning)
        return
    why = "no space is left" if isinstance(error, StoreError) else getattr(error, "strerror", None) or error
    msg = f"The cache folder {str(path)!r} cannot be used ({why}). The ledger is read anyway, and once more the next "
    warn(msg + "time. DOCFRAMES_CACHE_DIR names another folder.", CacheWarning)


# --- writing ------------------------------------------------------------------------------------------------------


class Draft:
    """A store that is being written.  Leaving the ``with`` block without :meth:`finish` leaves nothing behind."""

    def __init__(self, home: Path) -> None:
        _sweep(home)
        self._home = home
        self.folder = Path(tempfile.mkdtemp(dir=home, prefix=".", suffix=_DRAFT))

    def __enter__(self) -> Draft:
        return self

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    def finish(self, label: str, key: str, facts: Mapping[str, Any]) -> Store:
        """Write the manifest and give the store its name: *label* for people, *key* to find it by."""
        told = {name: self._told(*one) for name, one in facts["tables"].items()}
        whole = {"format": FORMAT, "key": key, **facts, "tables": told}
        with writing(self.folder):
            (self.folder / MANIFEST).write_bytes(orjson.dumps(whole, option=orjson.OPT_INDENT_2))
            for path in self.folder.iterdir():
                path.chmod(0o600)
            return find(self._home, key) or self._named(f"{_plain(label)}-{key}", key)

    def _named(self, name: str, key: str) -> Store:
        for damaged in self._home.glob(f"*-{key}"):
            _remove(damaged)
        try:
            self.folder.replace(self._home / name)
        except OSError:
            # Another process was faster by a moment; its store is as good as this one.
            faster = find(self._home, key)
            if faster is None:
                raise
            return faster
        return open_store(self._home / name)

    def _told(self, file: str, rows: int) -> dict[str, Any]:
        return {"file": file, "rows": rows, "bytes": (self.folder / file).stat().st_size}


def _plain(label: str) -> str:
    return re.sub(r"[^\w.-]+", "-", label)[:60].strip("-.") or "ledger"


def _remove(folder: Path) -> None:
    """Take a store away in one step, so that nobody finds half of it."""
    with contextlib.suppress(OSError):
        aside = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".", suffix=_DRAFT))
        folder.replace(aside)
        shutil.rmtree(aside, ignore_errors=True)


def _sweep(home: Path) -> None:
    """Delete drafts that a killed process left behind."""
    limit = time.time() - _FORGOTTEN
    for path in home.glob(f".*{_DRAFT}"):
        with contextlib.suppress(OSError):
            if path.stat().st_mtime < limit:
                shutil.rmtree(path, ignore_errors=True)


@contextlib.contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Turns what a full or failing disk raises into an error that says what to do."""
    try:
        yield
    except OSError as error:
        if isinstance(error, StoreError):
            raise
        why = error.strerror or str(error).partition(". Detail")[0]
        if "No space left" in str(error):
            why = "no space is left on the disk"
        msg = f"The ledger's store could not be written below {str(folder.parent)!r}: {why}. Nothing was left there. "
        raise StoreError(msg + "Make room, or name another folder: DOCFRAMES_CACHE_DIR.") from error


def written(
    folder: Path | None, write: Callable[[Draft], Store], *, tell: Tell = warn_of, only_there: bool = False
) -> Store:
    """The store that *write* makes of a draft below *folder*; of one in a temporary folder where that cannot be.

    only_there : a full disk is an error, since somebody named this folder.  Raises StoreError then.
    """
    place, life = home(folder, tell=tell)
    try:
        with Draft(place) as draft:
            return dataclasses.replace(write(draft), life=life)
    except StoreError as error:
        if life is not None or only_there or not _is_full(error):
            raise
        tell(place, error)
    place, life = home(None)
    with Draft(place) as draft:
        return dataclasses.replace(write(draft), life=life)


def _is_full(error: StoreError) -> bool:
    full = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))
    return isinstance(error.__cause__, OSError) and error.__cause__.errno in full


def home(folder: Path | None, *, tell: Tell = warn_of) -> tuple[Path, object]:
    """The folder that stores are kept in, and what keeps it there; a temporary one where *folder* cannot be used."""
    if folder is not None:
        try:
            _try(private_folder(folder))
            return folder, None
        except OSError as error:
            tell(folder, error)
    life = tempfile.TemporaryDirectory(prefix="docframes-ledger-", ignore_cleanup_errors=True)
    return Path(life.name), life


def _try(folder: Path) -> None:
    """Raise at once where nothing can be written."""
    handle, name = tempfile.mkstemp(dir=folder, prefix=".", suffix=_DRAFT)
    os.close(handle)
    Path(name).unlink()
