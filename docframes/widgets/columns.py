"""What the rows of a browser are told in: its columns, a page of cells, the fields of one row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["text", "number", "date", "moment", "boolean", "other"]


@dataclass(frozen=True)
class ColumnInfo:
    """One column as it is shown.

    key : it tells the rows apart.  meaning : one line of the data dictionary, where it is known.  unit : of a number;
    the zone of moments; the order of ordered categories.
    """

    name: str
    kind: Kind
    key: bool = False
    meaning: str = ""
    unit: str = ""


@dataclass(frozen=True)
class Page:
    """Some rows of an answer.

    start : which row of the answer the first one is, from 0.  positions : which rows of the whole they are, from 0.
    cells : the text of each cell, row by row; None is missing.
    """

    start: int
    positions: list[int]
    cells: list[list[str | None]]


@dataclass(frozen=True)
class Field:
    """One value of a row, whole.  text : None is missing.  json : the text is a list or object of JSON."""

    name: str
    text: str | None
    kind: Kind
    json: bool
