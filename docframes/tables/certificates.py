"""Whether every row came, and how that is known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from html import escape
from typing import Any

from docframes.tables import html
from docframes.tables.verdicts import CEILINGS, EXPORT_CEILINGS, Seen, Verdict, judged
from docframes.words import count

__all__ = ["CEILINGS", "EXPORT_CEILINGS", "Certificate", "Verdict", "certify", "together"]

#: Each verdict in a word, and what it means for whoever goes on with the rows.
_WORDS: Mapping[Verdict, tuple[str, html.Tone]] = {
    "PASS": ("complete", "good"),
    "FAIL": ("incomplete", "bad"),
    "CANNOT_PROVE": ("not proven", "open"),
}


@dataclass(frozen=True)
class Certificate:
    """Whether every row came, and how that is known.

    PASS : as many different rows came as were declared, or asked for.  FAIL : rows are missing.  CANNOT_PROVE : all may
    have come, and what is there to see does not prove it.
    A row that was deleted in the same moment in which another was added leaves no trace, and neither does a total that
    is too low by whole pages: against those the vendor's own screen is the only witness.
    """

    verdict: Verdict
    reason: str
    declared_first: int | None = None  #: total as the first page declared it
    declared_last: int | None = None  #: total as the last page declared it
    received: int = 0  #: rows as they came
    unique: int = 0  #: rows with different keys
    overlaps: int = 0  #: rows that came again on a later page, and were dropped
    repeated_pages: int = 0  #: pages that were the page before once more
    repeated_cursors: int = 0  #: cursors that led nowhere: named twice, not named, or broken
    round_count: int | None = None  #: the number of rows, where it is one at which servers stop without a word
    # Two certificates of the same rows are equal, wherever the answers lay.
    from_cache: int = field(default=0, compare=False)  #: answers that came from the cache
    oldest: datetime | None = field(default=None, compare=False)  #: when the oldest of those was fetched

    @classmethod
    def from_dict(cls, facts: Mapping[str, Any]) -> Certificate:
        """The certificate whose fields were written as JSON."""
        oldest = facts.get("oldest")
        if isinstance(oldest, str):
            oldest = datetime.fromisoformat(oldest).astimezone(UTC)
        return cls(**{**facts, "oldest": oldest})

    def aged(self, cached: Sequence[datetime]) -> Certificate:
        """The same, of answers of which so many came from the cache.  cached : the moments they were fetched."""
        return replace(self, from_cache=len(cached), oldest=min(cached, default=None))

    @property
    def word(self) -> str:
        """The verdict as one says it: complete, incomplete, not proven."""
        return _WORDS[self.verdict][0]

    def __str__(self) -> str:
        return f"{self.verdict}: {self.reason}"

    def __repr__(self) -> str:
        return f"Certificate {self}"

    def _repr_html_(self) -> str:
        facts: dict[str, int | str | None] = {
            "declared by the first page": self.declared_first,
            "declared by the last page": self.declared_last,
            "rows received": self.received,
            "rows with different keys": self.unique,
            "rows that came again": self.overlaps or None,
            "pages that were repeated": self.repeated_pages or None,
            "cursors that led nowhere": self.repeated_cursors or None,
            "a count at which servers stop": self.round_count,
            "answers from the cache": self.from_cache or None,
            "the oldest of them fetched": None if self.oldest is None else f"{self.oldest:%Y-%m-%d %H:%M:%S} UTC",
        }
        return f"<p>{self.badge()} {escape(self.reason)}</p>" + html.table(
            (), [(name, fact) for name, fact in facts.items() if fact is not None]
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
    totals: Sequence[int | None] = (),
    sizes: Sequence[int] = (),
    repeated_pages: int = 0,
    repeated_cursors: int = 0,
    cut_at: int | None = None,
    ended: bool = False,
    noun: str = "rows",
    lists: int = 1,
    cached: Sequence[datetime] = (),
    fresh: Sequence[datetime] = (),
) -> Certificate:
    """The certificate of a paged list.

    first, last : totals as the first and the last page declared them.  received : rows as they came.  unique : rows
    left after dropping those that came twice.  totals, sizes : what each page declared, and how many rows it had; empty
    where that is not known.  cut_at : the caller asked for this many rows at most.  ended : where no total is declared,
    the last page said itself that no other follows.  noun : what the vendor counts.  lists : how many lists
    the rows come from, side by side.  cached, fresh : when the answers
    were fetched that came from the cache, and the others.
    """
    seen = Seen(
        first=first,
        last=last,
        unique=unique,
        overlaps=received - unique,
        totals=[total for total in totals or (first, last) if total is not None],
        sizes=sizes,
        repeated_pages=repeated_pages,
        repeated_cursors=repeated_cursors,
        cut_at=cut_at,
        ended=ended,
        noun=noun,
        lists=lists,
        apart=(max(fresh) - min(cached)).total_seconds() if cached and fresh else 0.0,
        cached=len(cached),
        answers=len(cached) + len(fresh),
    )
    verdict, reason = judged(seen)
    certificate = Certificate(
        verdict, reason, first, last, received, unique, received - unique, repeated_pages, repeated_cursors,
        unique if seen.round else None,
    )  # fmt: skip
    return certificate.aged(cached)


def together(whole: Certificate, parts: Mapping[str, Certificate]) -> Certificate:
    """The certificate of many lists side by side, which is no better than the worst of them: sums can hide a gap.

    parts : the certificate of each list, by what it belongs to.
    """
    for verdict in ("FAIL", "CANNOT_PROVE"):
        found = {name: part for name, part in parts.items() if part.verdict == verdict}
        if whole.verdict == verdict:
            break
        if found:
            name, part = next(iter(found.items()))
            lists = f"{len(found)} of {count(len(parts), 'list')} {_WORDS[verdict][0]}"
            reason = f"{lists}, the first {name}: {part.reason}"
            return replace(whole, verdict=verdict, reason=reason, round_count=part.round_count)
    return whole
