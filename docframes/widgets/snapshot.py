"""The first rows as a plain table: what a saved notebook shows where no kernel runs."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence

from docframes.widgets.query import Query
from docframes.widgets.rows import ColumnInfo, Rows

#: Marks that turn the direction of what follows; they are named instead of obeyed, as in the grid.
_OVERRIDES = re.compile("[\u202a-\u202e\u2066-\u2069]")
#: Notebooks align cells to the right unless they say otherwise.
_LEFT, _RIGHT = ' style="text-align:left"', ' style="text-align:right"'


def snapshot(rows: Rows, count: int, caption: str) -> str:
    """HTML with the caption, the first *count* rows and how many there are; all of it escaped.  0 gives no table."""
    shown = min(count, rows.total)
    told = f"{shown:,} of {rows.total:,} rows" if shown else _size(rows)
    table = _table(rows, shown) if shown else ""
    head = f"<p><strong>{escape(caption)}</strong></p>" if caption else _LEFT
    return f'<div class="docframes-snapshot">{head}{table}<p>{told}</p></div>'


def plain(rows: Rows, caption: str) -> str:
    """One line of text about the grid, without any row."""
    return f"Grid of {_size(rows)}" + (f": {caption}" if caption else "")


def escape(text: str) -> str:
    """*text* as HTML that shows just this text."""
    return html.escape(_OVERRIDES.sub(lambda mark: f"[U+{ord(mark[0]):04X}]", text))


def _size(rows: Rows) -> str:
    return f"{rows.total:,} rows and {len(rows.columns):,} columns"


def _table(rows: Rows, count: int) -> str:
    infos = rows.columns
    names = "".join(f'<th scope="col"{_side(info)}>{escape(info.name)}</th>' for info in infos)
    lines = "".join(_line(cells, infos) for cells in rows.page(Query(), 0, count).cells)
    return f"<table><thead><tr>{names}</tr></thead><tbody>{lines}</tbody></table>"


def _line(cells: Sequence[str | None], infos: Sequence[ColumnInfo]) -> str:
    parts = (f"<td{_side(info)}>{escape(cell or '')}</td>" for cell, info in zip(cells, infos, strict=True))
    return f"<tr>{''.join(parts)}</tr>"


def _side(info: ColumnInfo) -> str:
    return _RIGHT if info.kind == "number" else _LEFT
