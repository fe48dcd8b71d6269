"""Where a line of a ledger came from: the file, the member of its archive, the line, and what stands there."""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from docframes.errors import ConfigError, LedgerError
from docframes.ledger.archive import Member, open_members
from docframes.ledger.columns import LINE, MEMBER
from docframes.ledger.encodings import decoder_for
from docframes.tables.provenance import Trace, compared, number_of

if TYPE_CHECKING:
    from docframes.tables.loads import Load

_CHUNK = 1 << 20
#: Column that says whose line it is, where a ledger was made of several.
_ENGAGEMENT = "engagement_id"
#: As the reader counts lines: a form feed, or the line separator of Unicode, ends none.
_LINE_END = re.compile(r"\r\n|\n|\r")
_LAST_END = re.compile(r"(?:\r\n|\n|\r)\Z")
_NO_FILES = "A ledger opened from its store has no raw lines: read it from its files to see this one."
_NOT_HERE = "The file is not where it was read from any more: read the ledger from it again to see the line."
_CHANGED = "The file is another one now, by its SHA-256, than the one that was read: what stands there is not told."


@dataclass(frozen=True)
class LineTrail:
    """The origin of the lines of one table of a ledger.

    archives : SHA-256 of each file that the ledger was read from, by name.  files : where they lie; None is not known.
    sources : one row per member: member, table, encoding, delimiter.
    """

    table: str
    archives: Mapping[str, str]
    sources: pd.DataFrame = field(repr=False)
    files: Path | Mapping[str, Path] | None = field(repr=False)
    load: Load = field(repr=False)

    def of(self, row: pd.Series) -> Trace:
        """Where *row* came from.  Raises ConfigError where it does not say its line, or is no line of the ledger."""
        line = number_of(row, LINE, f"Keep the column {LINE!r}, which lines of transactions and balances have.")
        above = self._above(row)
        member = self._member(row, above)
        archive = self._archive(member, above)
        record, note = self._record(row, member, line, archive)
        # An archive that was fetched lies under its SHA-256; its load knows the name that it came with.
        names = {seal: name for name, seal in getattr(self.load, "files", {}).items()}
        return Trace(
            vendor=self.load.vendor,
            loader=self.load.loader,
            table=self.table,
            request=", ".join(names.get(seal, name) for name, seal in archive.items()),
            sha256=", ".join(archive.values()),
            member=member,
            line=line,
            fetched_at=self.load.fetched_from,
            record=record,
            note=note,
        )

    def _above(self, row: pd.Series) -> str:
        """What stands before the names of files, where the ledger was made of several: the engagement's."""
        engagement = row.get(_ENGAGEMENT)
        above = f"{engagement}/" if isinstance(engagement, str) else ""
        return above if self.sources["member"].str.startswith(above).any() else ""

    def _member(self, row: pd.Series, above: str) -> str:
        """The file of the line, as the ledger's sources name it."""
        known = [str(one) for one in self.sources.loc[self.sources["table"] == self.table, "member"]]
        named = row.get(MEMBER)
        if isinstance(named, str):
            members = [one for one in known if one == f"{above}{named}"]
        else:
            members = [one for one in known if one.startswith(above)]
        if len(members) != 1:
            msg = f"The lines of {self.table} are of {len(known)} files, and this row does not say of which it is. "
            msg += f"Keep the column {MEMBER!r}, and {_ENGAGEMENT!r} where several ledgers make up one."
            raise ConfigError(msg)
        return members[0]

    def _archive(self, member: str, above: str) -> dict[str, str]:
        """The file that *member* is in, with its SHA-256."""
        own = {name: seal for name, seal in self.archives.items() if name.startswith(above)}
        if len(own) == 1:
            return own
        # A folder's files are named with the folder, its members without.
        for dropped in (0, 1):
            for name, seal in own.items():
                inner = "/".join(name.removeprefix(above).split("/")[dropped:])
                if _is_in(member.removeprefix(above), inner):
                    return {name: seal}
        return own

    # --- the line itself ----------------------------------------------------------------------------------------------

    def _record(self, row: pd.Series, member: str, line: int, archive: Mapping[str, str]) -> tuple[str | None, str]:
        """What stands at the line; or None, and why."""
        if self.files is None:
            return None, _NO_FILES
        path = _path(self.files, member)
        try:
            if path is None or not path.is_file():
                return None, _NOT_HERE
            if _sha256(path) not in archive.values():
                return None, _CHANGED
            record = self._text(self.files, member, line)
        except (LedgerError, OSError):
            return None, _NOT_HERE
        none_of = f"This row is no line of {member}: what stands at line {line:,} is another one, or nothing."
        if record is None:
            raise ConfigError(none_of)
        return record, compared(row, self._texts_of(row, member, record), LINE, none_of)

    def _text(self, files: Path | Mapping[str, Path], member: str, line: int) -> str | None:
        how = self._how(member)
        with open_members(files) as members:
            found = next((one for one in members if one.name == member), None)
            return None if found is None else text_at(found, str(how["encoding"]), line, str(how["delimiter"]))

    def _texts_of(self, row: pd.Series, member: str, record: str) -> dict[str, Any]:
        """What the line has for columns of *row* that hold a text of it unchanged; None where it has no such text."""
        delimiter = str(self._how(member)["delimiter"])
        fields: set[str] = set()
        with suppress(csv.Error):
            fields.update(*csv.reader(io.StringIO(record, newline=""), delimiter=delimiter))
        declared = () if self.load.declared is None else self.load.declared.columns
        names = [column.name for column in declared if column.kind == "str" and " + " not in column.source]
        texts = {name: row[name] for name in names if name in row.index and isinstance(row[name], str)}
        return {name: text if text in fields or text in record else None for name, text in texts.items()}

    def _how(self, member: str) -> pd.Series:
        """How the file is written."""
        return self.sources.loc[self.sources["member"] == member].iloc[0]


def _path(files: Path | Mapping[str, Path], member: str) -> Path | None:
    """The file on disk that *member* is in."""
    if isinstance(files, Mapping):
        return next((path for name, path in files.items() if _is_in(member, name)), None)
    if not files.is_dir():
        return files
    # Of a zip in a folder the member's name goes on below that of the zip.
    parts = member.split("/")
    paths = (files.joinpath(*parts[:length]) for length in range(1, len(parts) + 1))
    return next((path for path in paths if path.is_file()), None)


def _is_in(member: str, name: str) -> bool:
    return member == name or member.startswith(f"{name}/")


def _sha256(path: Path) -> str:
    told = path.stat()
    return _digest(path, told.st_size, told.st_mtime_ns)


@lru_cache(maxsize=64)
def _digest(path: Path, size: int, changed: int) -> str:
    """The SHA-256 of a file, which is not read again as long as its size and time stay."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def text_at(member: Member, encoding: str, line: int, delimiter: str = ",") -> str | None:
    """What stands at *line*, counted from 1, with the lines that a quoted field goes on to; None where there is none.

    The end of the last line is left out; those within are as they stand in the file.
    """
    found: list[str] = []

    def taken() -> Iterator[str]:
        for text in _lines_from(member, encoding, line):
            found.append(text)
            yield text

    # A field beyond the module's limit is an error: what was taken so far holds its beginning.
    with suppress(csv.Error):
        next(csv.reader(taken(), delimiter=delimiter), None)
    return _LAST_END.sub("", "".join(found)) if found else None


def _lines_from(member: Member, encoding: str, line: int) -> Iterator[str]:
    """The lines of *member* from *line* on, each with its end; those before are counted and never kept."""
    passed, rest = 1, ""
    for text in _texts(member, encoding):
        text = rest + text
        breaks = text.count("\n") + text.count("\r") - text.count("\r\n")
        if passed + breaks < line:
            passed += breaks
            rest = text[max(text.rfind("\n"), text.rfind("\r")) + 1 :]
            continue
        start = 0
        for end in _LINE_END.finditer(text):
            if passed >= line:
                yield text[start : end.end()]
            passed, start = passed + 1, end.end()
        rest = text[start:]
    if passed >= line and rest:
        yield rest


def _texts(member: Member, encoding: str) -> Iterator[str]:
    """The text of *member* in pieces, none of which ends between a carriage return and its line feed."""
    decoder: Any = decoder_for(encoding)
    held = ""
    with member.open() as stream:
        more = True
        while more:
            chunk = stream.read(_CHUNK)
            more = bool(chunk)
            text = held + decoder.decode(chunk, final=not more)
            held = "\r" if more and text.endswith("\r") else ""
            yield text.removesuffix("\r") if held else text
