"""What a notebook shows of things that are no frames: every text escaped, legible on light and on dark ground."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Literal

import pandas as pd

Tone = Literal["good", "bad", "open"]

#: Grounds on which white letters have a contrast of 6 to 1 or more, whatever lies around them.
_GROUND: Mapping[Tone, str] = {"good": "#1b6e3c", "bad": "#a32424", "open": "#7a5200"}
_LEFT, _RIGHT = 'style="text-align:left"', 'style="text-align:right"'


class Html(str):
    """Text that is HTML already; any other text is escaped where it is shown."""

    __slots__ = ()


def titled(title: str, facts: Iterable[str] = ()) -> Html:
    """One line: what it is, and what there is to say of it."""
    rest = "".join(f", {_inside(fact)}" for fact in facts)
    return Html(f"<p><b>{_inside(title)}</b>{rest}</p>")


def badge(word: str, tone: Tone) -> Html:
    """A word on a coloured ground; the word says it all, for whoever sees no colours."""
    style = f"background:{_GROUND[tone]};color:#fff;border-radius:3px;padding:0 6px"
    return Html(f'<span style="{style}">{_inside(word)}</span>')


def table(head: Sequence[str], rows: Iterable[Sequence[str | int]]) -> Html:
    """Rows below their headings; no headings where *head* is empty.  Numbers stand on the right, text on the left."""
    titles = _row(f"<th {_LEFT}>{_inside(title)}</th>" for title in head) if head else ""
    return Html(f"<table>{titles}{''.join(_row(map(_cell, row)) for row in rows)}</table>")


def frames(shown: Mapping[str, pd.DataFrame], beside: Mapping[str, str] | None = None) -> Html:
    """A table of frames with their rows and columns.  beside : what else is known of some, by name."""
    rows: list[list[str | int]] = [[name, *frame.shape] for name, frame in shown.items()]
    if beside:
        rows = [[*row, beside.get(name, "")] for name, row in zip(shown, rows, strict=True)]
    return table(("frame", "rows", "columns", "")[: 4 if beside else 3], rows)


def _row(cells: Iterable[str]) -> str:
    return f"<tr>{''.join(cells)}</tr>"


def _cell(value: str | int) -> str:
    return f"<td {_LEFT}>{_inside(value)}</td>" if isinstance(value, str) else f"<td {_RIGHT}>{value:,}</td>"


def _inside(text: str) -> str:
    return text if isinstance(text, Html) else escape(text)
