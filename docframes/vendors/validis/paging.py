"""The rule of section 4.1: which page to ask for next, where totals may be absent and sizes lowered.  Pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

from docframes.transport.paging import Page, PageNumber, Params, dig

#: A server that allows smaller pages than were asked for cuts at a round number.
ROUND = frozenset({10, 20, 25, 50, 100, 200, 250, 500, 1000})


@dataclass(frozen=True)
class Pages(PageNumber):
    """Numbered pages from 0 whose answer may declare nothing.

    Stops as PageNumber does, but for three doubts, since the largest size is partly assumed: an answer that says it is
    not the last one is believed; a first page shorter than its total gives the size in force; and where nothing is
    declared, a short page of a round length may be a lowered size, so that one more is asked for.
    """

    default: int = 200  #: rows a page where nothing is asked

    def size(self, page: Page) -> int:
        """The page size in force: as the answer names it; what a first page gave while the total promises more."""
        size, total = super().size(page), self.total(page)
        if dig(page.envelope, self.size_key) is None and page.params[self.page] == self.start and total is not None:
            return len(page.items) if 0 < len(page.items) < min(size, total) else size
        return size

    def following(self, page: Page, before: Sequence[Page]) -> Params | None:
        """The next number, unless one of the stop rules holds."""
        following = super().following(page, before)
        again = bool(before) and page.items == before[-1].items
        if following is None and page.items and not again and self._more(page):
            return {**page.params, self.page: int(page.params[self.page]) + 1}
        return following

    def _more(self, page: Page) -> bool:
        said = self.last_flag(page)
        if said is not None or self.pages(page) is not None:
            return said is False
        return self._lowered(len(page.items))

    def _lowered(self, rows: int) -> bool:
        return rows in ROUND or rows == self.default

    def says_last(self, page: Page) -> bool:
        """Whether the answer says that no page follows."""
        return self.last_flag(page) is True

    def last_flag(self, page: Page) -> bool | None:
        """What the answer says of being the last page; None where it says nothing."""
        said = dig(page.envelope, self.last_key) if self.last_key else None
        return said if isinstance(said, bool) else None


@dataclass(frozen=True)
class Unpaged(Pages):
    """Everything in one answer, asked for without a page; where the answer declares more, pages from there."""

    def first(self, params: Params, size: int | None) -> Params:
        """The parameters as they are."""
        return dict(params)

    def rest(self, page: Page) -> list[Params] | None:
        """Nothing more is expected."""
        return None

    def following(self, page: Page, before: Sequence[Page]) -> Params | None:
        """The next page, where the answer declares one."""
        numbered = self._numbered(page)
        if self.pages(numbered) is None and self.last_flag(page) is None:
            return None
        return super().following(numbered, [self._numbered(earlier) for earlier in before])

    def _numbered(self, page: Page) -> Page:
        params = {self.page: self.start, self.limit: len(page.items) or self.default, **page.params}
        return dataclasses.replace(page, params=params)
