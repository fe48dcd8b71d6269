"""Secrets in files: notebooks by cell and output, archives by member, tables by column, all else by line.

    from docframes.transport.scan_files import search

    for finding in search(["audit.ipynb", "exports"]).findings:
        print(finding)

Nothing that is found is given out; see :mod:`.scan`.
"""

from __future__ import annotations

import contextlib
import gzip
import io
import os
import sqlite3
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import orjson

from docframes.transport import redact
from docframes.transport.scan import Scanner

#: Folders of tools, which nobody hands on.
SKIPPED = frozenset({
    ".git", ".hg", ".svn", "__pycache__", "node_modules", ".venv", "venv", ".tox", ".mypy_cache", ".ruff_cache",
    ".pytest_cache", ".hypothesis", ".ipynb_checkpoints",
})  # fmt: skip
_DEEPEST = 3  # archives within archives
_IN_MEMORY = 256 << 20  # a larger member of an archive is read by line, whatever it is
_SECRET_ENDS = ("_KEY", "_TOKEN", "_PASSWORD")


@dataclass(frozen=True, order=True)
class Finding:
    """A secret in a file.

    place : cell and output, member, column or line.  fingerprint : by which two values are told apart.
    """

    file: str
    place: str
    kind: str
    fingerprint: str

    def __str__(self) -> str:
        return f"{self.file}: {self.place}: {self.kind} [{self.fingerprint}]"


@dataclass
class Search:
    """What was found, in how many files.  unread : what could not be read, and why."""

    findings: list[Finding] = field(default_factory=list)
    files: int = 0
    unread: dict[str, str] = field(default_factory=dict)


def environment_secrets(environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """The keys, tokens and passwords of the environment, by the names of their variables."""
    environ = os.environ if environ is None else environ
    ours = {name: value.strip() for name, value in environ.items() if name.startswith("DOCFRAMES_")}
    return {name: value for name, value in ours.items() if value and name.endswith(_SECRET_ENDS)}


def search(paths: Iterable[str | Path], known: Mapping[str, str] | None = None) -> Search:
    """Look for secrets in files, and in all files below folders but those of tools (:data:`SKIPPED`).

    known : names of secrets to their values; None takes those of the environment, and every credential that a client
    of this session was made with.  Raises FileNotFoundError for a path that is not there.
    """
    if known is None:
        session = {f"a credential of this session ({number})": text for number, text in enumerate(redact.known(), 1)}
        named = environment_secrets()
        known = {**named, **{name: text for name, text in session.items() if text not in named.values()}}
    scanner, told = Scanner(known), Search()
    for path in paths:
        for file in _files(Path(path)):
            told.files += 1
            told.findings += dict.fromkeys(_File(str(file), scanner, told.unread).findings(file))
    return told


def _files(path: Path) -> Iterator[Path]:
    if not path.is_dir():
        path.stat()
        yield path
        return
    for folder, folders, names in os.walk(path):
        folders[:] = sorted(name for name in folders if name not in SKIPPED)
        yield from (Path(folder, name) for name in sorted(names) if Path(folder, name).is_file())


class _File:
    """One file, and what is in it."""

    def __init__(self, name: str, scanner: Scanner, unread: dict[str, str]) -> None:
        self._name = name
        self._scanner = scanner
        self._unread = unread
        self._seen: set[tuple[str, str]] = set()
        self._values: set[str] = set()

    def findings(self, path: Path) -> Iterator[Finding]:
        """All that stands in *path*."""
        try:
            with path.open("rb") as file:
                if file.read(16) == b"SQLite format 3\0":
                    yield from self._database(path)
                file.seek(0)
                yield from self._content(file, path.name, "", 0)
        except OSError as error:
            self._unread[self._name] = error.strerror or str(error)

    def _found(self, place: str, lines: Iterable[tuple[int, Any]], *, by_line: bool = True) -> Iterator[Finding]:
        for line, hit in lines:
            where = ", ".join(filter(None, (place, f"line {line}" if by_line else "")))
            if (where, hit.fingerprint) not in self._seen:
                self._seen.add((where, hit.fingerprint))
                self._values.add(hit.fingerprint)
                yield Finding(self._name, where, hit.kind, hit.fingerprint)

    def _content(self, file: IO[bytes], name: str, place: str, depth: int) -> Iterator[Finding]:
        start = file.read(8)
        file.seek(0)
        if start.startswith(b"PK\x03\x04") and depth < _DEEPEST:
            yield from self._archive(file, place, depth)
        elif start.startswith(b"\x1f\x8b") and depth < _DEEPEST:
            yield from self._gzip(file, name, place, depth)
        elif start.startswith((b"PAR1", b"ARROW1")):
            yield from self._table(file, place, parquet=start.startswith(b"PAR1"))
            file.seek(0)
            yield from self._bytes(file, place)
        elif start.startswith(b"SQLite f"):
            yield from self._bytes(file, place)
        elif name.endswith(".ipynb"):
            yield from self._notebook(file, place)
        else:
            yield from self._found(place, self._scanner.stream(file))

    def _bytes(self, file: IO[bytes], place: str) -> Iterator[Finding]:
        """What the file holds besides what was found in it as a table: rows that were deleted, say."""
        rest = [(line, hit) for line, hit in self._scanner.stream(file) if hit.fingerprint not in self._values]
        yield from self._found(", ".join(filter(None, (place, "bytes"))), rest, by_line=False)

    # --- archives -------------------------------------------------------------------------------------------------

    def _archive(self, file: IO[bytes], place: str, depth: int) -> Iterator[Finding]:
        try:
            with zipfile.ZipFile(file) as archive:
                for member in archive.infolist():
                    if not member.is_dir():
                        inside = ", ".join(filter(None, (place, f"member {member.filename}")))
                        yield from self._member(archive, member, inside, depth)
        except zipfile.BadZipFile:
            self._unread[f"{self._name} {place}".strip()] = "a zip that is broken; its bytes were searched"
            file.seek(0)
            yield from self._found(place, self._scanner.stream(file))

    def _member(self, archive: zipfile.ZipFile, member: zipfile.ZipInfo, place: str, depth: int) -> Iterator[Finding]:
        try:
            with archive.open(member) as file:
                whole = file.read(_IN_MEMORY + 1)
                if len(whole) <= _IN_MEMORY:
                    yield from self._content(io.BytesIO(whole), member.filename, place, depth + 1)
                    return
            del whole
            with archive.open(member) as file:
                yield from self._found(place, self._scanner.stream(file))
        except (RuntimeError, NotImplementedError, zipfile.BadZipFile, zlib.error, EOFError) as error:
            self._unread[f"{self._name}, {place}"] = str(error)

    def _gzip(self, file: IO[bytes], name: str, place: str, depth: int) -> Iterator[Finding]:
        try:
            with gzip.open(file) as unpacked:
                whole = unpacked.read(_IN_MEMORY + 1)
        except (OSError, EOFError, zlib.error) as error:
            self._unread[f"{self._name} {place}".strip()] = str(error)
            return
        if len(whole) > _IN_MEMORY:
            self._unread[f"{self._name} {place}".strip()] = "only its first 256 MB were searched"
        yield from self._content(io.BytesIO(whole), name.removesuffix(".gz"), place, depth + 1)

    # --- tables ---------------------------------------------------------------------------------------------------

    def _table(self, file: IO[bytes], place: str, *, parquet: bool) -> Iterator[Finding]:
        """Columns of text, which are packed in the file itself."""
        import pyarrow as pa
        from pyarrow import parquet as pq

        try:
            batches = pq.ParquetFile(file).iter_batches() if parquet else _batches(pa.ipc.open_file(file))
            for number, batch in enumerate(batches):
                for name, column in zip(batch.schema.names, batch.columns, strict=True):
                    where = ", ".join(filter(None, (place, f"column {name}")))
                    text = "\n".join(_texts(column)).encode()
                    hits = ((number, hit) for hit in self._scanner.hits(text))
                    yield from self._found(where, hits, by_line=False)
        except (pa.ArrowException, OSError) as error:
            self._unread[f"{self._name} {place}".strip()] = f"{type(error).__name__}; its bytes were searched"

    def _database(self, path: Path) -> Iterator[Finding]:
        """Rows by table: a long value is not in one piece in the file."""
        try:
            with contextlib.closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
                connection.text_factory = bytes
                query = "SELECT name FROM sqlite_master WHERE type = 'table'"
                for (table,) in connection.execute(query).fetchall():
                    name = table.decode("utf-8", "replace")
                    quoted = name.replace('"', '""')
                    for number, row in enumerate(connection.execute(f'SELECT * FROM "{quoted}"'), start=1):  # noqa: S608
                        text = b"\n".join(value for value in row if isinstance(value, bytes))
                        hits = ((number, hit) for hit in self._scanner.hits(text))
                        yield from self._found(f"table {name}, row {number}", hits, by_line=False)
        except sqlite3.Error as error:
            self._unread[self._name] = f"{type(error).__name__}: {error}; its bytes were searched"

    # --- notebooks ------------------------------------------------------------------------------------------------

    def _notebook(self, file: IO[bytes], place: str) -> Iterator[Finding]:
        whole = file.read()
        try:
            parts = list(_cells(orjson.loads(whole)))
        except (orjson.JSONDecodeError, AttributeError, TypeError, KeyError):
            parts = [("", whole.decode("utf-8", "replace"))]
        for where, text in parts:
            lines = self._scanner.stream(io.BytesIO(text.encode("utf-8", "replace")))
            yield from self._found(", ".join(filter(None, (place, where))), lines)


def _batches(reader: Any) -> Iterator[Any]:
    return (reader.get_batch(number) for number in range(reader.num_record_batches))


def _texts(column: Any) -> list[str]:
    """The different texts of a column, whatever it is made of."""
    import pyarrow as pa

    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    plain = pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_nested(kind)
    if not plain and not pa.types.is_binary(kind) and not pa.types.is_large_binary(kind):
        return []
    values = column.unique().to_pylist() if not pa.types.is_nested(kind) else column.to_pylist()
    return [one.decode("utf-8", "replace") if isinstance(one, bytes) else str(one) for one in values if one is not None]


def _cells(notebook: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Every text of a notebook and where it stands; pictures are left out."""
    for number, cell in enumerate(notebook["cells"], start=1):
        yield f"cell {number}, source", _joined(cell.get("source", ""))
        for place, output in enumerate(cell.get("outputs", ()), start=1):
            for part, text in _output(output):
                yield f"cell {number}, output {place}{part}", text
        yield f"cell {number}, metadata", _json({"": cell.get("metadata"), "attachments": cell.get("attachments")})
    # Widgets save their state here.
    yield "metadata", _json({name: value for name, value in notebook.items() if name != "cells"})


def _output(output: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for kind, data in output.get("data", {}).items():
        if kind == "image/svg+xml" or not kind.startswith(("image/", "video/", "audio/", "application/pdf")):
            yield f", {kind}", _text(data)
    for name in ("text", "traceback", "evalue", "metadata"):
        if output.get(name):
            yield "" if name == "text" else f", {name}", _text(output[name])


def _text(value: Any) -> str:
    return _joined(value) if isinstance(value, str | list) else _json(value)


def _joined(text: Any) -> str:
    mark = "" if isinstance(text, str) or all(str(line).endswith("\n") for line in list(text)[:-1]) else "\n"
    return text if isinstance(text, str) else mark.join(map(str, text))


def _json(value: Any) -> str:
    return orjson.dumps(value, option=orjson.OPT_INDENT_2, default=str).decode()
