"""Whether every row came, and how that is known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from typing import Literal

from docframes.tables import html

Verdict = Literal["PASS", "FAIL", "CANNOT_PROVE"]

#: Each verdict in a word, and what it means for whoever goes on with the rows.
_WORDS: Mapping[Verdict, tuple[str, html.Tone]] = {
    "PASS": ("complete", "good"),
    "FAIL": ("incomplete", "bad"),
    "CANNOT_PROVE": ("not proven", "open"),
}


@dataclass(frozen=True)
class Certificate:
    """Whether every row came, and how that is known."""

    verdict: Verdict
    reason: str
    declared_first: int | None = None  #: total as the first page declared it
    declared_last: int | None = None  #: total as the last page declared it
    received: int = 0  #: rows as they came
    unique: int = 0  #: rows with different keys
    overlaps: int = 0  #: rows that came again on a later page, and were dropped
    repeated_pages: int = 0  #: pages that were the page before once more

    @property
    def word(self) -> str:
        """The verdict as one says it: complete, incomplete, not proven."""
        return _WORDS[self.verdict][0]

    def __str__(self) -> str:
        return f"{self.verdict}: {self.reason}"

    def __repr__(self) -> str:
        return f"Certificate {self}"

    def _repr_html_(self) -> str:
        facts = {
            "declared by the first page": self.declared_first,
            "declared by the last page": self.declared_last,
            "rows received": self.received,
            "rows with different keys": self.unique,
            "pages that were repeated": self.repeated_pages or None,
        }
        return f"<p>{self.badge()} {escape(self.reason)}</p>" + html.table(
            (), [(name, number) for name, number in facts.items() if number is not None]
        )

    def badge(self) -> html.Html:
        """The verdict in a word, on its colour."""
        return html.badge(*_WORDS[self.verdict])


def certify(
    *,
    first: int | None,
    last: int | None,
    received: int,
    unique: int,
    repeated_pages: int = 0,
    cut_at: int | None = None,
    ended: bool = False,
    noun: str = "rows",
) -> Certificate:
    """The certificate of a paged list.

    first, last : totals as the first and the last page declared them.  received : rows as they came.  unique : rows
    left after dropping those that came twice.  cut_at : the caller asked for this many rows at most.  ended : where no
    total is declared, the last page said itself that no other follows.  noun : what the vendor counts.
    """
    verdict, reason = _judge(first, last, unique, repeated_pages, cut_at, noun)
    if verdict == "CANNOT_PROVE" and last is None and ended and received == unique:
        verdict, reason = "PASS", f"{unique} {noun}; the vendor declares no total, but said after the last that it was"
    return Certificate(verdict, reason, first, last, received, unique, received - unique, repeated_pages)


def _judge(
    first: int | None, last: int | None, unique: int, repeated_pages: int, cut_at: int | None, noun: str
) -> tuple[Verdict, str]:
    wanted = last if cut_at is None or last is None else min(cut_at, last)
    if cut_at is not None and unique >= cut_at:
        return "PASS", f"{unique} {noun}, as many as limit= asked for"
    if repeated_pages:
        return "FAIL", f"{repeated_pages} page(s) repeated the page before; rows of other pages are missing"
    if wanted is None or last is None:
        return "CANNOT_PROVE", f"{unique} {noun}; the vendor declares no total to compare with"
    if unique < wanted:
        return "FAIL", f"{unique} {noun} came of {wanted} declared; {wanted - unique} are missing"
    if unique > wanted:
        return (
            "CANNOT_PROVE",
            f"{unique} {noun} came, more than the {last} declared last; some went away meanwhile",
        )
    if first is not None and first > last:
        return (
            "CANNOT_PROVE",
            f"the total fell from {first} to {last} while loading; a row may have been passed over",
        )
    grew = f", after growing from {first}" if first is not None and first < last else ""
    return "PASS", f"{unique} {noun}, as declared{grew}"
