"""What was wrong with the files of a ledger, as rows.

A fault in the books is a row and not an exception: the reader goes on and says what it met.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

#: Rules whose lines are not in the frames, with the words for them.
KEPT_OUT = {
    "ragged": "with too few or too many fields",
    "unreadable amount": "with an unreadable amount",
    "no indicator": "with an amount of which nobody says whether it is debit or credit",
}

_Key = tuple[str, str, str, str]


@dataclass
class Problems:
    """Collects the faults of one member.

    Faults that keep a line out have a row a line; others have a row for each value, with the first line and a
    count, since 23,000 lines with one placeholder date are one fault.
    """

    member: str = ""
    _rows: list[tuple[str, int | None, str, str, str, int, str]] = field(default_factory=list)
    _summed: dict[_Key, list[int]] = field(default_factory=dict)

    def line(self, rule: str, line: int, *, column: str = "", value: str = "", reason: str = "") -> None:
        """One line with a fault of its own."""
        self._rows.append((self.member, line, column, rule, value, 1, reason))

    def value(self, rule: str, line: int, *, column: str = "", value: str = "", count: int, reason: str) -> None:
        """A value that *count* lines have, *line* the first of them; further counts are added up."""
        facts = self._summed.setdefault((rule, column, value, reason), [line, 0])
        facts[1] += count

    def file(self, rule: str, reason: str) -> None:
        """Something about the whole member."""
        self._rows.append((self.member, None, "", rule, "", 1, reason))

    def absorb(self, other: Problems) -> None:
        """Take over the faults of another member."""
        self._rows += other.rows()

    def rows(self) -> list[tuple[str, int | None, str, str, str, int, str]]:
        """Every fault: member, line, column, rule, value, count, reason."""
        summed = [
            (self.member, line, column, rule, value, count, reason)
            for (rule, column, value, reason), (line, count) in self._summed.items()
        ]
        return self._rows + summed

    def kept_out(self) -> Counter[str]:
        """How many lines are not in the frames, by rule."""
        counts: Counter[str] = Counter()
        for _, _, _, rule, _, count, _ in self.rows():
            if rule in KEPT_OUT:
                counts[rule] += count
        return counts


def problems_frame(rows: Iterable[Sequence[Any]]) -> pd.DataFrame:
    """``gl.problems``: one row per fault, by member and line; the same dtypes when there is none."""
    columns = list(zip(*sorted(rows, key=lambda row: (row[0], row[1] or 0)), strict=True)) or [()] * 7
    names = ("member", "line", "column", "rule", "value", "count", "reason")
    dtypes = ("str", "Int64", "str", "str", "str", "int64", "str")
    return pd.DataFrame(
        {name: pd.Series(list(values), dtype=dtype) for name, values, dtype in zip(names, columns, dtypes, strict=True)}
    )
