"""What follows from what was seen of a list: PASS, FAIL or CANNOT_PROVE, and why in words.  Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from docframes.words import ago, count

Verdict = Literal["PASS", "FAIL", "CANNOT_PROVE"]
Judgement = tuple[Verdict, str]

#: Rows at which whoever writes a file stops without a word, and why.
EXPORT_CEILINGS: Mapping[int, str] = {
    32_767: "the largest number of 16 bits with a sign",
    65_535: "the largest number of 16 bits, and what a sheet of old Excel holds below its heading",
    65_536: "what a sheet of old Excel holds",
    100_000: "a usual limit of exports",
    1_000_000: "a usual limit of exports",
    1_048_575: "what a sheet of Excel holds below its heading",
    1_048_576: "what a sheet of Excel holds",
}
#: Rows at which servers, gateways and searches stop without a word, and who does.  A list of exactly so many rows may
#: have more: whoever cuts it off counts what is left, so that a declared total proves nothing here.
CEILINGS: Mapping[int, str] = {
    500: "a usual largest answer of gateways",
    999: "the most that Microsoft Graph answers",
    1_000: "the most that Supabase, S3, LDAP directories and many searches answer",
    2_000: "the most that Salesforce shows of a report",
    5_000: "the threshold of SharePoint and Dataverse",
    10_000: "the window of Elasticsearch, which counts no further either",
    50_000: "the most that queries of Salesforce and Splunk give",
    **EXPORT_CEILINGS,
}
#: Sizes of pages are multiples of this: one page that is exactly so full, and alone, may be one of many.
_PAGE = 100
#: Seconds within which answers from the cache and new ones count as of one moment.
_TOGETHER = 60.0

_SCREEN = "compare with the count that the vendor's own screen shows"
_NARROWER = f"ask narrower questions and add up, or {_SCREEN}"
_ANEW = "refresh=True loads all of it anew"


@dataclass(frozen=True)
class Seen:
    """What was seen on the way through a list."""

    first: int | None  #: total as the first page declared it
    last: int | None  #: total as the last page declared it
    unique: int  #: rows with different keys
    overlaps: int  #: rows that came again
    totals: Sequence[int]  #: as the pages declared them, one after the other
    sizes: Sequence[int]  #: rows of each page; empty where that is not known
    repeated_pages: int
    repeated_cursors: int
    cut_at: int | None  #: the caller asked for so many rows at most
    ended: bool  #: the last page said that no other follows
    noun: str  #: what the vendor counts
    lists: int  #: that the rows come from, side by side
    apart: float  #: seconds between the oldest answer from the cache and the newest other one
    cached: int
    answers: int

    @property
    def cut(self) -> bool:
        """Whether as many rows came as the caller asked for."""
        return self.cut_at is not None and self.unique >= self.cut_at

    @property
    def round(self) -> bool:
        """Whether the rows of one list are as many as those at which servers stop, and the caller did not say so."""
        return self.unique in CEILINGS and self.lists == 1 and not self.cut

    @property
    def rows(self) -> str:
        """How many came, in words."""
        return f"{self.unique} {self.noun}"

    @property
    def empty(self) -> list[str]:
        """The pages that came empty although others with rows followed."""
        full = [number for number, size in enumerate(self.sizes, start=1) if size]
        return [str(number) for number in range(1, max(full, default=0)) if number not in set(full)]


def judged(seen: Seen) -> Judgement:
    """The first of the rules that has something to say."""
    for rule in _RULES:
        if (found := rule(seen)) is not None:
            return found
    grew = seen.first is not None and seen.last is not None and seen.first < seen.last
    reason = f"{seen.rows}, as declared" + (f", after growing from {seen.first}" if grew else "")
    if seen.overlaps:
        reason += f"; {seen.overlaps} that came again on a later page count once"
    return "PASS", "; ".join([reason, *_lost(seen)])


def _repeated(seen: Seen) -> Judgement | None:
    if not seen.repeated_pages:
        return None
    pages = count(seen.repeated_pages, "page")
    return "FAIL", f"{pages} repeated the page before; rows of other pages are missing"


def _asked_for(seen: Seen) -> Judgement | None:
    """As many as the caller asked for: how many there are beyond is no question, only whether these are the first."""
    if not seen.cut:
        return None
    reason = f"{seen.cut_at} rows, as many as limit= asked for"
    doubts = [*_fell(seen), *_holes(seen)]
    if doubts:
        return "CANNOT_PROVE", "; ".join([reason, *doubts, "a row among them may have been passed over", _ANEW])
    return "PASS", reason


def _short(seen: Seen) -> Judgement | None:
    if seen.last is None or seen.unique >= (wanted := min(seen.last, seen.cut_at or seen.last)):
        return None
    limit = f", {wanted} of them asked for by limit=" if wanted < seen.last else ""
    missing = wanted - seen.unique
    reason = f"{seen.rows} came of {seen.last} declared{limit}; {missing} {'is' if missing == 1 else 'are'} missing"
    shifted = [f"{seen.overlaps} came again on a later page, so pages shifted"] if seen.overlaps else []
    return "FAIL", "; ".join([reason, *_holes(seen), *shifted, *_ages(seen)])


def _surplus(seen: Seen) -> Judgement | None:
    if seen.last is None or seen.unique <= seen.last:
        return None
    if _fell(seen):
        reason = f"{seen.rows} came, more than the {seen.last} declared last; some went away meanwhile; {_ANEW}"
    else:
        reason = f"{seen.rows} came, more than the {seen.last} declared; a total that is too low proves nothing"
        reason += f"; {_SCREEN}"
    return "CANNOT_PROVE", reason


def _moved(seen: Seen) -> Judgement | None:
    """Rows that went away move those behind them up, past the page that is asked for next."""
    doubts = _fell(seen)
    if not doubts and seen.overlaps and seen.first != seen.last:
        doubts = [f"{seen.overlaps} came again on a later page while the total grew from {seen.first} to {seen.last}"]
    if not doubts:
        return None
    return "CANNOT_PROVE", "; ".join([seen.rows, *doubts, "a row may have been passed over", _ANEW])


def _round(seen: Seen) -> Judgement | None:
    if not seen.round:
        return None
    reason = f"exactly {seen.unique:,} {seen.noun} came, which is {CEILINGS[seen.unique]}: there may be more, and a "
    return "CANNOT_PROVE", f"{reason}server that stops there declares no more; {_NARROWER}"


def _one_page(seen: Seen) -> Judgement | None:
    """A server that does not page, or counts the page alone, answers one full page and calls that the total."""
    alone = len(seen.sizes) == 1 and not seen.ended and seen.unique > 0 and seen.unique % _PAGE == 0
    if seen.last is None or not alone:
        return None
    reason = f"exactly {seen.unique:,} {seen.noun} came, one full page, and the total declared may be that page's: "
    return "CANNOT_PROVE", f"{reason}a smaller page_size= shows whether others follow; else {_SCREEN}"


def _mixed(seen: Seen) -> Judgement | None:
    """Answers of different moments fit together where all of them declare the same."""
    if seen.last is None or seen.first == seen.last or not _ages(seen):
        return None
    reason = f"{seen.rows}, as declared last, but the total grew from {seen.first} to {seen.last}"
    return "CANNOT_PROVE", "; ".join([reason, *_ages(seen), _ANEW])


def _undeclared(seen: Seen) -> Judgement | None:
    """Without a total there is the vendor's word that nothing follows, which holds for one answer of one moment."""
    if seen.last is not None:
        return None
    if not seen.ended:
        told = "the vendor declares no total to compare with"
        return "CANNOT_PROVE", "; ".join([seen.rows, told, *_holes(seen), *_lost(seen), "its own screen may show one"])
    doubts = [*_holes(seen), *_lost(seen), *_ages(seen)]
    if seen.overlaps:
        doubts.append(f"{seen.overlaps} came again on a later page, so pages shifted")
    pages = len(seen.sizes)
    if pages > 1 or doubts:
        told = f"{seen.rows} in {count(pages, 'page')}" if pages else seen.rows
        said = "the vendor said after the last that it was, but declares no total, so that a row passed over between "
        return "CANNOT_PROVE", "; ".join([told, *doubts, f"{said}pages would not show", _SCREEN])
    return "PASS", f"{seen.rows}; the vendor declares no total, but said after the last that it was"


#: In this order: what is missing for sure, then what may be.
_RULES: tuple[Callable[[Seen], Judgement | None], ...] = (
    _repeated, _asked_for, _short, _surplus, _moved, _round, _one_page, _mixed, _undeclared,
)  # fmt: skip


# --- what there is to say ---------------------------------------------------------------------------------------------


def _fell(seen: Seen) -> list[str]:
    """How the total fell: from the first page to the last, or in between."""
    totals = seen.totals
    if not any(later < earlier for earlier, later in pairwise(totals)):
        return []
    if totals[0] > totals[-1]:
        return [f"the total fell from {totals[0]} to {totals[-1]} while loading"]
    return [f"the total moved between {min(totals)} and {max(totals)} while loading"]


def _holes(seen: Seen) -> list[str]:
    if not seen.empty:
        return []
    pages = "page" if len(seen.empty) == 1 else "pages"
    return [f"{pages} {', '.join(seen.empty)} of {len(seen.sizes)} came empty although others followed"]


def _lost(seen: Seen) -> list[str]:
    if not seen.repeated_cursors:
        return []
    times = "once" if seen.repeated_cursors == 1 else f"{seen.repeated_cursors} times"
    return [f"the vendor lost the place in the list {times}, and the load began anew"]


def _ages(seen: Seen) -> list[str]:
    if seen.apart < _TOGETHER:
        return []
    length = ago(seen.apart).removesuffix(" ago")
    return [f"{seen.cached} of {count(seen.answers, 'answer')} came from the cache, up to {length} older than the rest"]
