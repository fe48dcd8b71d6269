"""Extract files: the ledger's zip, receivables and payables, each under another upload, whole or one zip a file."""

from __future__ import annotations

import tempfile
import threading
from functools import cached_property
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from docframes.sandbox.company.item_files import item_files
from docframes.sandbox.company.ledger import ZIP_TIME, write_ledger
from docframes.sandbox.company.seeds import new_id, stream

if TYPE_CHECKING:
    from docframes.sandbox.company import Company
    from docframes.sandbox.company.books import Books


class Extracts:
    """Extract files of one company's ledger of *lines* lines, with its planted faults."""

    def __init__(self, company: Company, lines: int) -> None:
        self.company = company
        self.lines = lines
        self._made: dict[tuple[str, ...], bytes] = {}
        self._lock = threading.Lock()

    def upload_id(self, number: int) -> str:
        """The id of the upload of that number, from 0; the first one is the ledger's own."""
        name = ("upload",) if number == 0 else ("upload", number)
        return new_id(stream(self.company.seed, *name))

    @cached_property
    def _members(self) -> dict[str, bytes]:
        with tempfile.TemporaryDirectory() as folder:
            path = write_ledger(self.company, Path(folder) / "gl.zip", lines=self.lines, faults=True)
            with ZipFile(path) as archive:
                return {name: archive.read(name) for name in archive.namelist()}

    @property
    def names(self) -> list[str]:
        """The members' names."""
        return list(self._members)

    def whole(self, upload: int, *, other: int | None = None) -> bytes:
        """One zip of all files; *other* is the upload of the last one, where a new upload came in between."""
        return self._zip(self.names, upload, other)

    def one(self, name: str, upload: int) -> bytes:
        """A zip of one file."""
        return self._zip([name], upload, None)

    def _zip(self, names: list[str], upload: int, other: int | None) -> bytes:
        key = (*names, str(upload), str(other))
        with self._lock:
            if key not in self._made:
                self._made[key] = self._written(names, upload, other)
            return self._made[key]

    def _written(self, names: list[str], upload: int, other: int | None) -> bytes:
        out = BytesIO()
        with ZipFile(out, "w") as archive:
            for name in names:
                number = other if other is not None and name == names[-1] else upload
                info = ZipInfo(name, ZIP_TIME)
                info.compress_type = ZIP_DEFLATED
                first, now = self.upload_id(0).encode(), self.upload_id(number).encode()
                archive.writestr(info, self._members[name].replace(first, now))
        return out.getvalue()


class ItemExtracts(Extracts):
    """Extract files of the receivable or payable items of the same books.  side : ``receivable`` or ``payable``."""

    def __init__(self, books: Books, side: str) -> None:
        super().__init__(books.company, books.lines)
        self.books = books
        self.side = side

    @cached_property
    def _members(self) -> dict[str, bytes]:
        return item_files(self.books, self.side)
