"""The notebook's face: frames and ledgers to search, filter, sort and choose from, with the files behind their rows.

    from docframes import browse

    grid = browse(details.answers)
    grid.selected_rows

Rows are searched and sorted in Python, over all of them; only the page in sight travels to the browser.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from docframes.errors import ConfigError
from docframes.tables.loads import ATTRS_KEY
from docframes.widgets.grid import Grid
from docframes.widgets.rows import rows_of

if TYPE_CHECKING:
    from docframes.files import NamedFile
    from docframes.ledger import GeneralLedger
    from docframes.widgets.preview import Files

__all__ = ["Grid", "browse"]

#: Rows of the longest page, and of the longest snapshot, that may be asked for.
LONGEST_PAGE = 1000
LONGEST_SNAPSHOT = 200


def browse(
    data: pd.DataFrame | GeneralLedger,
    *,
    columns: Sequence[str] | None = None,
    page_size: int = 50,
    height: int | None = None,
    caption: str | None = None,
    files: Files | Mapping[int, Sequence[NamedFile]] | Callable[[int], Sequence[NamedFile]] | bool | None = None,
    client: Any = None,
    snapshot_rows: int = 10,
    table: str = "transactions",
) -> Grid:
    """A grid over all rows of *data*, one page of which is in the browser at a time.

    columns : those to show, in this order; None shows all.
    page_size : rows to a page, up to 1,000.  height : of the rows in sight, in pixels; None is about 16 rows.
    caption : stands above the grid; None is the ledger's name and table, and nothing for a frame.
    files : of the rows, behind a "View" and a "Download".  None takes those that the frame itself names, False takes
    none; else a mapping from the row's position, or a function of it, to its files.  Nothing is fetched before a click.
    client : whom the vendor is asked by; None is the account of the environment.
    snapshot_rows : how many of the first rows are kept in the notebook as a plain table, for readers without a kernel.
    They are rows of your data in a file: 0 keeps the caption and the count only.  nbconvert shows them where the state
    of widgets is not stored; where it is, with ``--NbConvertBase.display_data_priority=['text/html','text/plain']``.
    JupyterLab itself says "model not found" for any widget whose kernel is gone: run the cell.
    table : of a ledger.

    Keys: arrows, Home, End and the page keys move, with Ctrl to the ends of all; Space chooses, with Shift several;
    Enter shows the whole row, Escape closes it; Ctrl+C copies the cell; / searches.  On a header Enter sorts, with
    Shift by one more column; Alt with the arrows sets the width, and with the one down opens the filter.

    Raises ConfigError for what cannot be shown, ColumnError for a column that is not there.
    """
    _check("page_size", page_size, 1, LONGEST_PAGE)
    _check("snapshot_rows", snapshot_rows, 0, LONGEST_SNAPSHOT)
    if height is not None:
        _check("height", height, 80, 10_000)
    return Grid(
        rows_of(data, columns, table),
        files=_files_of(data, files, client),
        page_size=page_size,
        height=height,
        caption=_caption_of(data, table) if caption is None else caption,
        snapshot_rows=snapshot_rows,
    )


def _check(name: str, value: object, least: int, most: int) -> None:
    if type(value) is not int or not least <= value <= most:
        raise ConfigError(f"{name} is a whole number from {least:,} to {most:,}; {value!r} came.")


def _caption_of(data: object, table: str) -> str:
    return "" if isinstance(data, pd.DataFrame) else f"{getattr(data, 'name', '')}: {table}"


def _files_of(data: object, files: Any, client: Any) -> Files | None:
    if files is False or (files is None and not _may_name_files(data)):
        return None
    from docframes.widgets.preview import Files

    if files is None or files is True:
        found = Files.of(data, client)
        if files and found is None:
            msg = "These rows name no files. Give a frame of documents or images, one with vendor, kind and file_id, "
            raise ConfigError(msg + "or files= as a function from a row's position to its files.")
        return found
    if isinstance(files, Files):
        return files
    if callable(files) or isinstance(files, Mapping):
        return Files.many(files, client)
    msg = "files is None, False, a mapping or a function from a row's position to its files; "
    raise ConfigError(f"{msg}{type(files).__name__} came.")


def _may_name_files(data: object) -> bool:
    """Whether it is worth a look: the part that fetches files is not imported for rows that have none."""
    if not isinstance(data, pd.DataFrame):
        return False
    return ATTRS_KEY in data.attrs or {"vendor", "kind", "file_id"} <= set(data.columns)
