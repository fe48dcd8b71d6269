"""Text for a terminal of 80 columns, a pipe or a file: lines, tables, numbers and exact amounts."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TextIO

WIDTH = 80
INDENT = "  "
_MARK = 9  # columns of a mark and the space after it
#: Our mark, and what stands for it where the encoding of the output has no such character.
_ASCII = str.maketrans({"─": "-"})


class Screen:
    """Where a command writes.  A stream whose encoding lacks a character gets ASCII for it."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._encoding = getattr(stream, "encoding", None) or "utf-8"
        self._ascii = not _fits("─", self._encoding)

    def say(self, text: str = "") -> None:
        """Write *text* and end the line."""
        if self._ascii:
            text = text.translate(_ASCII)
        if not _fits(text, self._encoding):
            text = text.encode(self._encoding, "replace").decode(self._encoding)
        self._stream.write(f"{text}\n")
        self._stream.flush()

    def heading(self, text: str) -> None:
        """A heading, with a blank line before it."""
        self.say(f"\n{text}")

    def paragraph(self, text: str) -> None:
        """*text*, indented, in lines of at most 80 columns."""
        indented = textwrap.fill(
            text, WIDTH, initial_indent=INDENT, subsequent_indent=INDENT, break_on_hyphens=False, break_long_words=False
        )
        self.say(indented)

    def item(self, mark: str, text: str) -> None:
        """*text* after its mark, in lines of at most 80 columns that stand below each other."""
        wrapped = textwrap.fill(
            text,
            WIDTH,
            initial_indent=f"{INDENT}{mark:<{_MARK}}",
            subsequent_indent=INDENT + " " * _MARK,
            break_on_hyphens=False,
            break_long_words=False,
        )
        self.say(wrapped)

    def table(self, head: Sequence[str], rows: Sequence[Sequence[str]], align: str) -> None:
        """Columns as wide as what they hold.  align : ``<`` or ``>`` for each; a heading may have several lines."""
        for line in table(head, rows, align):
            self.say(line)


def table(head: Sequence[str], rows: Sequence[Sequence[str]], align: str) -> list[str]:
    """The lines of a table: headings that stand on a rule, and the rows below it."""
    titles = _bottom_aligned(head)
    widths = [max(len(line[place]) for line in (*titles, *rows)) for place in range(len(head))]
    rule = "─" * (sum(widths) + 2 * (len(widths) - 1))
    lines = [_line(row, widths, align) for row in (*titles, *rows)]
    return [*lines[: len(titles)], INDENT + rule, *lines[len(titles) :]]


def _bottom_aligned(head: Sequence[str]) -> list[tuple[str, ...]]:
    cells = [title.split("\n") for title in head]
    height = max(len(cell) for cell in cells)
    return list(zip(*([""] * (height - len(cell)) + cell for cell in cells), strict=True))


def _line(row: Sequence[str], widths: Sequence[int], align: str) -> str:
    cells = [f"{cell:{side}{width}}" for cell, side, width in zip(row, align, widths, strict=True)]
    return (INDENT + "  ".join(cells)).rstrip()


def _fits(text: str, encoding: str) -> bool:
    try:
        text.encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return False
    return True
