"""What to ask for next.  Pure: from what arrived to the parameters of the next request, no I/O.

A walk ends by one of the stop rules of its kind, or it raises :class:`.BrokenCursor`; it never goes round in circles
and never ends early without a word.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import parse_qsl, urlsplit

from docframes import spelling
from docframes.errors import BrokenCursor

Params = dict[str, Any]


@dataclass(frozen=True)
class Page:
    """One page as it arrived."""

    params: Params  #: what was asked
    items: list[Any]  #: the rows
    envelope: Any = None  #: the decoded answer around them; None for a bare list
    headers: Mapping[str, str] = field(default_factory=dict)  #: names in lower case


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

    def following(self, page: Page, before: Sequence[Page]) -> Params | None:
        """Parameters of the page after *page*, or None where it was the last; *before* are the pages before it."""
        ...

    def check(self, page: Page) -> None:
        """Raise BrokenCursor where *page* is not the one that was asked for."""
        ...

    def says_last(self, page: Page) -> bool:
        """Whether *page* itself says that no page follows."""
        ...


class _Trusting:
    """What holds for most kinds: a page is the one that was asked for, and a total tells whether it was the last."""

    def check(self, page: Page) -> None:
        """Every page counts."""

    def says_last(self, page: Page) -> bool:
        """Nothing is said beside totals."""
        return False


def dig(value: Any, path: str | None) -> Any:
    """What stands at a dotted path in nested objects, keys in any spelling, numbers for places in lists; else None."""
    if not path:
        return value
    for key in path.split("."):
        if isinstance(value, list):
            value = value[int(key)] if key.isdecimal() and int(key) < len(value) else None
            continue
        if not isinstance(value, Mapping):
            return None
        name = spelling.find(key, value)
        value = None if name is None else value[name]
    return value


def whole(value: Any) -> int | None:
    """A count as an int; None for anything that is not a count."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str) and value.strip().isdecimal():
        value = int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if isinstance(value, int) and value >= 0 else None


def flag(value: Any) -> bool:
    """Whether a flag in a header or body says yes, in any case."""
    return str(value).strip().lower() in {"true", "1", "yes"}


@dataclass(frozen=True)
class Single(_Trusting):
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

    def following(self, page: Page, before: Sequence[Page]) -> Params | None:
        """No page follows."""
        return None


@dataclass(frozen=True)
class PageNumber(_Trusting):
    """Pages are numbered; the answer may declare totals.

    Stops at the first of: an empty page; fewer rows than the size in force; the last declared page; the declared
    total reached; an answer that says it is the last; the page before once more.  The size in force is the one the
    answer names, so that a server which lowers the size does not end the walk early.
    """

    page: str = "page"  #: query parameter for the number
    limit: str = "limit"  #: query parameter for the size
    start: int = 1  #: number of the first page
    largest: int = 100  #: page size the server allows
    number_key: str = "pagination.page"
    size_key: str = "pagination.limit"
    total_key: str = "pagination.total"
    pages_key: str = "pagination.total_pages"
    last_key: str = ""  #: flag that says this is the last page, where the vendor has one

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

    def following(self, page: Page, before: Sequence[Page]) -> Params | None:
        """The next number, unless one of the stop rules holds."""
        size, count, number = self.size(page), self.pages(page), page.params[self.page]
        if not page.items or (count is not None and number - self.start + 1 >= count):
            return None
        if count is None and (len(page.items) < size or self._says_last(page) or _repeats(page, before)):
            return None
        return {**page.params, self.page: number + 1, self.limit: size}

    def _says_last(self, page: Page) -> bool:
        return bool(self.last_key) and flag(dig(page.envelope, self.last_key))


@dataclass(frozen=True)
class Offset(_Trusting):
    """Rows are skipped: ``limit`` and ``offset``, with a declared total.

    Stops at the first of: an empty page; the total reached; fewer rows than asked for, where no total is declared.
    A total that is the number of rows of a full page may count that page alone, so one more page is asked for.
    Fewer rows than asked for, while the declared total promises more, are a server's own smaller page.
    """

    limit: str = "limit"
    offset: str = "offset"
    largest: int = 100
    total_key: str = "total"
    size_key: str = "limit"  #: where the answer names the size in force, if it does

    def first(self, params: Params, size: int | None) -> Params:
        """From the first row."""
        return {**params, self.limit: min(size or self.largest, self.largest), self.offset: 0}

    def total(self, page: Page) -> int | None:
        """The declared number of rows over all pages."""
        return whole(dig(page.envelope, self.total_key))

    def rest(self, page: Page) -> list[Params] | None:
        """All later pages, where the total is declared."""
        total = self.total(page)
        if total is None:
            return None
        # A server may answer fewer rows than asked for; the next offset follows what it did answer.
        size = self._size(page)
        start = page.params[self.offset] + size
        return [{**page.params, self.limit: size, self.offset: offset} for offset in range(start, total, size)]

    def _size(self, page: Page) -> int:
        asked: int = page.params[self.limit]
        named = whole(dig(page.envelope, self.size_key)) or asked
        total = self.total(page)
        short = total is not None and page.params[self.offset] + len(page.items) < total
        return len(page.items) if short and page.items and len(page.items) < asked else named

    def following(self, page: Page, before: Sequence[Page]) -> Params | None:
        """The rows after these, unless one of the stop rules holds."""
        total, reached = self.total(page), page.params[self.offset] + len(page.items)
        if not page.items:
            return None
        of_page = total == len(page.items) >= page.params[self.limit]
        if total is not None and reached >= total and not of_page:
            return None
        if (total is None or of_page) and (len(page.items) < self._size(page) or _repeats(page, before)):
            return None
        return {**page.params, self.offset: reached}


@dataclass(frozen=True)
class HeaderCursor:
    """A cursor in the answer's headers names the next page; another header says whether there is one.

    Raises BrokenCursor where the server says the cursor was broken, promises more without a cursor, gives one that
    was used before, or answers :attr:`most_empty` pages in a row that are empty, or the same.
    """

    size: str = "maxRetrieve"  #: query parameter for the page size
    cursor: str = "cursorId"  #: query parameter for the cursor
    usual: int = 100  #: page size to ask for
    more_header: str = "x-more-results-available"
    cursor_header: str = "x-cursor-id"
    broken_header: str = "x-cursor-was-broken"
    most_empty: int = 5

    def first(self, params: Params, size: int | None) -> Params:
        """Without a cursor."""
        return {**params, self.size: size or self.usual}

    def total(self, page: Page) -> int | None:
        """Nothing is declared."""
        return None

    def rest(self, page: Page) -> list[Params] | None:
        """Only the page before names the next one."""
        return None

    def following(self, page: Page, before: Sequence[Page]) -> Params | None:
        """The page that the cursor names, while the server says that there are more."""
        self.check(page)
        # A missing header means no more: some lists may not page at all.
        if not flag(page.headers.get(self.more_header, "")):
            return None
        cursor = page.headers.get(self.cursor_header, "")
        if not cursor:
            raise BrokenCursor("The server promises more rows and names no cursor for them.")
        if cursor in {earlier.params.get(self.cursor) for earlier in (*before, page)}:
            raise BrokenCursor("The server gives a cursor that was used before; the walk would never end.")
        latest = [*before[-self.most_empty + 1 :], page]
        if len(latest) == self.most_empty and all(earlier.items == page.items for earlier in latest):
            what = "the same" if page.items else "empty"
            raise BrokenCursor(f"{self.most_empty} pages in a row are {what}, and the server promises more.")
        return {**page.params, self.cursor: cursor}

    def check(self, page: Page) -> None:
        """A page that comes for a broken cursor is the first one again."""
        if flag(page.headers.get(self.broken_header, "")):
            raise BrokenCursor("The server says that the cursor it was sent is broken, and begins again.")

    def says_last(self, page: Page) -> bool:
        """Whether the header is there and says no."""
        return self.more_header in page.headers and not flag(page.headers[self.more_header])


@dataclass(frozen=True)
class Linked(Single):
    """Everything comes in one answer, beside an object that links to each row."""

    links: str = ""  #: dotted path to the list of links

    def total(self, page: Page) -> int | None:
        """As many rows as there are links."""
        links = dig(page.envelope, self.links)
        return len(links) if isinstance(links, list) else None


@dataclass(frozen=True)
class JsonApi(_Trusting):
    """JSON:API pages, for servers that page and servers that do not.

    Goes by ``links.next``, else by the page count or the total that the answer declares, else stops: a full page
    alone is no reason to ask for another, since a server that ignores paging would repeat its rows for ever.

    Of ``links.next`` only the query is taken.  Scheme, host and path stay the client's own, so that no link in an
    answer can send the credential elsewhere.  Raises BrokenCursor where ``links.next`` names a page that was asked
    for before, or leads through :attr:`most_empty` empty pages in a row.
    """

    number: str = "page[number]"  #: query parameter for the number; empty where the server refuses one
    size: str = "page[size]"  #: query parameter for the size; empty where the server refuses one
    largest: int = 100
    next_key: str = "links.next"
    pages_keys: tuple[str, ...] = ("meta.pagination.last", "meta.last", "meta.total_pages", "meta.pages")
    total_keys: tuple[str, ...] = ("meta.pagination.records", "meta.records", "meta.total", "meta.total_count")
    insists: bool = False  #: ask for another page merely because one was full, until one brings nothing new
    most_empty: int = 5

    def first(self, params: Params, size: int | None) -> Params:
        """The first page."""
        turned = {self.number: 1, self.size: min(size or self.largest, self.largest)}
        return {**params, **{name: value for name, value in turned.items() if name}}

    def total(self, page: Page) -> int | None:
        """The declared number of rows over all pages."""
        return self._count(page, self.total_keys)

    def rest(self, page: Page) -> list[Params] | None:
        """Only walked one by one: whether the server pages at all shows only then."""
        return None

    def following(self, page: Page, before: Sequence[Page]) -> Params | None:
        """What ``links.next`` names, or the next number while pages or rows are missing."""
        following = dig(page.envelope, self.next_key)
        following = dig(following, "href") if isinstance(following, Mapping) else following
        if isinstance(following, str) and following:
            return self._by_link(following, page, before)
        if not page.items or _repeats(page, before) or not self.number:
            return None
        number = int(page.params[self.number])
        more = self._more(page, before, number)
        return {**page.params, self.number: number + 1} if more else None

    def says_last(self, page: Page) -> bool:
        """Whether the links of the page have a place for the next one, and nothing in it."""
        links, _, key = self.next_key.rpartition(".")
        found = dig(page.envelope, links)
        name = spelling.find(key, found) if isinstance(found, Mapping) else None
        return name is not None and not found[name]

    def leaves_open(self, page: Page) -> bool:
        """Whether *page* is as full as was asked for, and says nothing of a next page, of pages or of a total."""
        asked = whole(page.params.get(self.size)) if self.size else None
        links, _, key = self.next_key.rpartition(".")
        found = dig(page.envelope, links)
        told = isinstance(found, Mapping) and spelling.find(key, found) is not None
        told = told or self._count(page, self.pages_keys) is not None or self.total(page) is not None
        return not told and not self.insists and len(page.items) == asked

    def _by_link(self, link: str, page: Page, before: Sequence[Page]) -> Params:
        params = {**page.params, **_query(link)}
        walked = [*before, page]
        if _told(params) in [_told(earlier.params) for earlier in walked]:
            raise BrokenCursor("links.next names a page that was asked for before; the walk would never end.")
        latest = walked[-self.most_empty :]
        if len(latest) == self.most_empty and not any(earlier.items for earlier in latest):
            raise BrokenCursor(f"{self.most_empty} pages in a row are empty, and links.next promises more.")
        return params

    def _more(self, page: Page, before: Sequence[Page], number: int) -> bool:
        pages, total = self._count(page, self.pages_keys), self.total(page)
        if pages is not None:
            return number < pages
        if total is not None:
            return sum(len(earlier.items) for earlier in before) + len(page.items) < total
        return self.insists and len(page.items) >= int(page.params.get(self.size, 1)) and _brings_new(page, before)

    def _count(self, page: Page, keys: str | tuple[str, ...]) -> int | None:
        keys = (keys,) if isinstance(keys, str) else keys
        return next((count for key in keys if (count := whole(dig(page.envelope, key))) is not None), None)


def _query(link: str) -> Params:
    """The query of a link; a parameter that stands there several times keeps all its values."""
    values: dict[str, list[str]] = {}
    for name, value in parse_qsl(urlsplit(link).query, keep_blank_values=True):
        values.setdefault(name, []).append(value)
    return {name: found[0] if len(found) == 1 else found for name, found in values.items()}


def _told(params: Params) -> dict[str, list[str]]:
    """Parameters in one form: a number and its text ask for the same page."""
    lists = {name: value if isinstance(value, list) else [value] for name, value in params.items()}
    return {name: [str(item) for item in value] for name, value in lists.items()}


def _brings_new(page: Page, before: Sequence[Page]) -> bool:
    """Whether any row of the page was on none before."""
    seen = {_id(item) for earlier in before for item in earlier.items}
    return any(_id(item) not in seen for item in page.items)


def _id(item: Any) -> str:
    return str(item.get("id", item)) if isinstance(item, Mapping) else str(item)


def _repeats(page: Page, before: Sequence[Page]) -> bool:
    """A server that does not know the parameter answers the same page for ever."""
    return bool(before) and page.items == before[-1].items
