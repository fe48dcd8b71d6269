"""What to ask for next.  Pure: from what arrived to the parameters of the next request, no I/O."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

Params = dict[str, Any]


@dataclass(frozen=True)
class Page:
    """One page as it arrived."""

    params: Params  #: what was asked
    items: list[Any]  #: the rows
    envelope: Any = None  #: the decoded answer around them
    headers: Mapping[str, str] = field(default_factory=dict)


class Paging(Protocol):
    """How an endpoint hands out its rows."""

    def first(self, params: Params, size: int | None) -> Params:
        """Parameters of the first request."""
        ...

    def total(self, page: Page) -> int | None:
        """Rows over all pages, as *page* declares it."""
        ...

    def rest(self, page: Page) -> list[Params] | None:
        """Parameters of every page after the first one, where they can be known at once; else None."""
        ...

    def following(self, page: Page) -> Params | None:
        """Parameters of the page after *page*, or None where it was the last."""
        ...


def dig(value: Any, path: str | None) -> Any:
    """What stands at a dotted path in nested objects; None where nothing does."""
    if not path:
        return value
    for key in path.split("."):
        if not isinstance(value, Mapping):
            return None
        value = value.get(key)
    return value


def whole(value: Any) -> int | None:
    """A count as an int; None for anything that is not a count."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str) and value.strip().isdecimal():
        value = int(value)
    return value if isinstance(value, int) and value >= 0 else None


@dataclass(frozen=True)
class Single:
    """Everything comes in one answer."""

    def first(self, params: Params, size: int | None) -> Params:
        """The parameters as they are; there is no page size."""
        return dict(params)

    def total(self, page: Page) -> int | None:
        """Nothing is declared beside the rows."""
        return None

    def rest(self, page: Page) -> list[Params] | None:
        """No page follows."""
        return []

    def following(self, page: Page) -> Params | None:
        """No page follows."""
        return None


@dataclass(frozen=True)
class PageNumber:
    """Pages are numbered; the answer may declare totals.

    Stops at the first of: an empty page; fewer rows than the size in force; the last declared page; the declared
    total reached.  The size in force is the one the answer names, so that a server which lowers the size does not
    end the walk early.
    """

    page: str = "page"  #: query parameter for the number
    limit: str = "limit"  #: query parameter for the size
    start: int = 1  #: number of the first page
    largest: int = 100  #: page size the server allows
    number_key: str = "pagination.page"
    size_key: str = "pagination.limit"
    total_key: str = "pagination.total"
    pages_key: str = "pagination.total_pages"

    def first(self, params: Params, size: int | None) -> Params:
        """The first page, at the largest size allowed unless *size* is given."""
        return {**params, self.page: self.start, self.limit: min(size or self.largest, self.largest)}

    def total(self, page: Page) -> int | None:
        """The declared number of rows over all pages."""
        return whole(dig(page.envelope, self.total_key))

    def size(self, page: Page) -> int:
        """The page size in force."""
        return whole(dig(page.envelope, self.size_key)) or page.params[self.limit]

    def pages(self, page: Page) -> int | None:
        """The number of pages: from the total where it is declared, else as the answer counts them."""
        total = self.total(page)
        if total is not None:
            return math.ceil(total / self.size(page))
        return whole(dig(page.envelope, self.pages_key))

    def rest(self, page: Page) -> list[Params] | None:
        """All later pages, where the number of pages is declared."""
        count = self.pages(page)
        if count is None:
            return None
        numbers = range(page.params[self.page] + 1, self.start + count)
        # The size in force is asked for again: a server that lowered it must not answer pages of two sizes.
        return [{**page.params, self.page: number, self.limit: self.size(page)} for number in numbers]

    def following(self, page: Page) -> Params | None:
        """The next number, unless one of the stop rules holds."""
        size = self.size(page)
        count = self.pages(page)
        number = page.params[self.page]
        if not page.items or (count is not None and number - self.start + 1 >= count):
            return None
        if count is None and len(page.items) < size:
            return None
        return {**page.params, self.page: number + 1, self.limit: size}
