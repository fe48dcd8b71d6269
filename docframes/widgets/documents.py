"""``document_browser``: the documents of DocDigitizer, each with its file and its fields."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from docframes.errors import NotFound
from docframes.files import FileRef, NamedFile
from docframes.vendors.docdigitizer.belongings import assets_record
from docframes.vendors.docdigitizer.documents import Wanted, value_of
from docframes.vendors.docdigitizer.loaders import default_client
from docframes.vendors.docdigitizer.tables import ASSETS
from docframes.widgets.helpers import (
    NOTHING,
    Helper,
    Part,
    belonging,
    beside,
    check_frame,
    follow,
    height_of,
    owners,
    rows_with,
    stacked,
)
from docframes.widgets.preview import Files
from docframes.widgets.views import Preview

if TYPE_CHECKING:
    from docframes.widgets.grid import Grid

_TITLE = "Documents with their fields and files"
_HINT = "Give the frame of docdigitizer.load_annotation_fields()."
#: A run of version 3 may hold several documents, and the ids of runs may repeat from file to file.
_KEYS = ("document_id", "entry_index", "source")
_FACTS = ("document_class", "state", "reviewed", "pages", "class_confidence", "api_version", "trace_id")
#: What is shown, in this order; all other columns are among the details of a row.
_DOCUMENTS = (
    "file_name", "document_class", "fields", "empty", "lowest_confidence", "state", "reviewed", "document_id",
    "entry_index", "source", "pages",
)  # fmt: skip
_FIELDS = (
    "field", "value", "field_confidence", "field_page", "is_empty", "table", "row_index", "raw_key", "document_id",
)  # fmt: skip
#: Pixels that a file takes below its document: as much longer is the table of the fields, which stands beside it.
_FILE = 640
_WORDS = {
    "fields": ("fields of the document", ""),
    "empty": ("fields that came empty", ""),
    "lowest_confidence": ("the lowest confidence of its fields, where the vendor says", ""),
    "file_name": ("name of the file", ""),
}


@dataclass(frozen=True, repr=False, eq=False)
class DocumentBrowser(Helper):
    """What :func:`document_browser` gives: its grids by name, ``documents`` and the ``fields`` of the chosen ones."""

    documents: Grid
    fields: Grid


def document_browser(
    fields: pd.DataFrame, *, documents: pd.DataFrame | None = None, client: Any = None, height: int | None = None
) -> DocumentBrowser:
    """Documents to choose from, each with its file; beside them the fields of the chosen ones.

    Of each document are told how many fields it has, how many of them are empty, and the lowest confidence.
    fields : of :func:`.load_annotation_fields`.  documents : of :func:`.load_documents`, for the names of the files,
    and for documents without a field; None does without.
    client : the account that files are asked of, once somebody opens one; None is the account of the environment.
    height : of the documents in sight, in pixels; None is about 8 rows.  There is room for more fields.
    Raises ConfigError for what is no frame, ColumnError where a column is missing.
    """
    from docframes.widgets.grid import Grid

    check_frame(fields, ["document_id", "field", "value"], "document_browser", _HINT)
    if documents is not None:
        check_frame(documents, ["document_id"], "document_browser", "Give the frame of docdigitizer.load_documents().")
    high = height_of(height)
    keys = [name for name in _KEYS if name in fields.columns]
    found = documents_of(fields, documents)
    files = OriginalFiles(found, client)
    left = Grid(rows_with(found, _DOCUMENTS, _WORDS), files=files, caption="Documents", height=high)
    right = Part(rows_with(fields, _FIELDS, {}), "Fields of the chosen document", high + _FILE)
    follow(left, lambda chosen: right.show(belonging(fields, chosen, keys)), lambda: right.show(NOTHING))
    widget = stacked(_TITLE, beside((left, 400, 1), (right.grid, 400, 1)))
    return DocumentBrowser(_TITLE, widget, left, right.grid)


def documents_of(fields: pd.DataFrame, documents: pd.DataFrame | None = None) -> pd.DataFrame:
    """One row per document of *fields*, in their order; then those of *documents* that have none.

    Columns: document_id, entry_index and source; what the fields tell of their document; ``file_name`` where
    *documents* are given; ``fields`` and ``empty``, int64; ``lowest_confidence``, float64.
    """
    keys = [name for name in _KEYS if name in fields.columns]
    facts = [name for name in _FACTS if name in fields.columns]
    heads = fields[[*keys, *facts]].drop_duplicates(keys).reset_index(drop=True)
    number = owners(fields, heads, keys)
    counted = heads.assign(**_counts(fields, number, len(heads)))
    return counted if documents is None else _with_listed(counted, documents.reset_index(drop=True))


def _counts(fields: pd.DataFrame, number: np.ndarray[Any, Any], documents: int) -> dict[str, Any]:
    empty = _column(fields, "is_empty").fillna(value=False).to_numpy(bool)
    confidence = _column(fields, "field_confidence").astype("float64")
    lowest = confidence.groupby(number).min().reindex(range(documents))
    return {
        "fields": np.bincount(number, minlength=documents),
        "empty": np.bincount(number[empty], minlength=documents),
        "lowest_confidence": lowest.to_numpy("float64"),
    }


def _column(fields: pd.DataFrame, name: str) -> pd.Series:
    return fields[name] if name in fields.columns else pd.Series(np.nan, fields.index)


def _with_listed(found: pd.DataFrame, documents: pd.DataFrame) -> pd.DataFrame:
    common = [name for name in documents.columns if name in found.columns]
    without = documents[common][owners(documents, found, ["document_id"]) < 0]
    rows = pd.concat([found, without], ignore_index=True)
    rows.attrs = dict(found.attrs)
    # A document that only the list has, has no fields.
    rows = rows.fillna({"fields": 0, "empty": 0}).astype({"fields": "int64", "empty": "int64"})
    if "file_name" in documents.columns:
        place = owners(rows, documents, ["document_id"])
        rows["file_name"] = documents["file_name"].reindex(np.where(place < 0, len(documents), place)).array
    return rows


# --- their files ------------------------------------------------------------------------------------------------------


class OriginalFiles(Files):
    """The original files of documents.  Fields do not tell their ids: the vendor is asked once somebody opens one."""

    def __init__(self, documents: pd.DataFrame, client: Any = None) -> None:
        """documents : with document_id, and perhaps file_name."""
        super().__init__(self._named, client=client)
        self._ids = documents["document_id"].tolist()
        self._names = documents["file_name"].tolist() if "file_name" in documents.columns else [None] * len(documents)
        self._found: dict[str, list[NamedFile]] = {}

    def preview(self, position: int, number: int = 0, *, pages: bool = False) -> Preview:
        """What can be shown of a file; where a document turns out to have several, a note says so."""
        known = len(self.at(position))
        shown = super().preview(position, number, pages=pages)
        files = len(self.at(position))
        if files == known:
            return shown
        note = f"This document has {files} files: close the details and open them again to choose among them."
        return dataclasses.replace(shown, note=f"{shown.note} {note}".strip())

    def _named(self, position: int) -> list[NamedFile]:
        document_id = self._ids[position]
        if not isinstance(document_id, str) or not document_id:
            return []
        return self._found.get(document_id) or [_asset(document_id, self._names[position])]

    def _file(self, position: int, number: int) -> NamedFile:
        super()._file(position, number)
        document_id = self._ids[position]
        if document_id not in self._found:
            self._found[document_id] = self._asked(document_id)
        return super()._file(position, number)

    def _asked(self, document_id: str) -> list[NamedFile]:
        # No load_assets(): what it warns of is no news for whoever opens a file, and would stay in the notebook.
        client = self._client or default_client()
        table = ASSETS.with_sources(client.assumptions["columns"].get("assets", {}))
        assets = assets_record(client)(client.call(Wanted(document_id).call(client, "assets")))["assets"]
        if not assets:
            raise NotFound("DocDigitizer has no original file of this document.")
        return [_asset(asset["file_id"], value_of(asset, table, "name")) for asset in assets]


def _asset(asset_id: str, name: Any) -> NamedFile:
    label = name if isinstance(name, str) and name else f"assets {asset_id}"
    return NamedFile(FileRef("docdigitizer", "assets", asset_id), label)
