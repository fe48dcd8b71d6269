"""One load: what is asked for, and what came so far."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from docframes.errors import ConfigError
from docframes.tables import kept
from docframes.tables.flatten import Flattener
from docframes.tables.schema import Level
from docframes.transport.answers import Answer, Call
from docframes.transport.client import Client
from docframes.transport.journal import Used
from docframes.transport.paging import Page


@dataclass(frozen=True, kw_only=True)
class Options:
    """What every loader takes besides its own filters."""

    limit: int | None = None  #: rows in total; None is all
    page_size: int | None = None  #: rows a page; None is the largest the vendor allows
    refresh: bool = False  #: go past the cache
    progress: bool | None = None  #: None shows a bar when it takes longer than a second
    allow_partial: bool = False  #: give what came, with a certificate that says FAIL, in place of an error
    max_calls: int | None = None  #: calls that the load may cost; one that would cost more is refused
    trace: bool = False  #: with a column by which a row's origin is found

    def __post_init__(self) -> None:
        for name, least in (("limit", 1), ("page_size", 1), ("max_calls", 0)):
            value = getattr(self, name)
            if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < least):
                raise ConfigError(f"{name} is {value!r}; it must be a whole number from {least} up, or None.")


@dataclass(frozen=True)
class Plan:
    """One load: who asks whom for what, and what it becomes."""

    client: Client
    loader: str
    level: Level
    arguments: Mapping[str, Any]
    options: Options = field(default_factory=Options)
    #: Makes the record of one answer, in :func:`load_each`; None takes the one object of the answer as it is.
    record: Callable[[Answer], dict[str, Any]] | None = None
    asks: bool = False  #: making a record may take further calls
    variant: str = ""  #: whatever else decides what :attr:`record` makes
    single: bool = False  #: an answer is one object, and no list of rows
    counted: str = ""  #: table right below the first whose rows ``limit`` counts, in :func:`load_each`

    @property
    def levels(self) -> Level:
        """The declared levels, with the user's corrections of column sources."""
        return self.level.with_sources(self.client.assumptions.get("columns", {}))

    def flattener(self) -> Flattener:
        """What makes rows of the records."""
        return Flattener(self.levels, traced=self.options.trace)

    @property
    def told(self) -> str:
        """What is loaded, in a word or two."""
        return f"{self.client.vendor} {self.level.table.name}"

    @property
    def names(self) -> list[str]:
        """The tables this load gives."""
        return [level.table.name for level in self.level.walk()]

    def key(self, calls: Sequence[Call]) -> str:
        """The name under which the finished load is kept."""
        asked = [(call.endpoint, dict(call.path), call.params, call.version) for call in calls]
        options = (self.options.limit, self.options.page_size, self.options.trace)
        # A function's repr has its address, which is another in every process.
        levels = re.sub(r" at 0x[0-9a-f]+", "", repr((self.levels, self.variant, self.counted)))
        return kept.key_of(account=self.client.account, levels=levels, asked=repr(asked), options=options)


@dataclass
class Tally:
    """What came, flattened and counted as it comes."""

    flattener: Flattener
    calls: int = 0
    from_cache: int = 0
    fetched: list[datetime] = field(default_factory=list)
    totals: list[int | None] = field(default_factory=list)
    received: int = 0
    sizes: list[int] = field(default_factory=list)  #: rows of each page
    repeated_pages: int = 0
    repeated_cursors: int = 0
    ended: bool = False
    previous: list[Any] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    used: list[Used] = field(default_factory=list)
    source: int = 0  #: which answer of those used the next rows come from

    def answer(self, answer: Answer) -> None:
        """Count one answer, from which the next rows come."""
        self.source = len(self.used)
        self.count(answer.used)

    def count(self, used: Used) -> None:
        """Count an answer that was used."""
        self.calls += not used.from_cache
        self.from_cache += used.from_cache
        self.fetched.append(used.fetched_at)
        self.used.append(used)

    def moments(self, *, from_cache: bool) -> list[datetime]:
        """When the answers were fetched that came from the cache, or the others."""
        return [used.fetched_at for used in self.used if used.from_cache is from_cache]

    def page(self, page: Page, answer: Answer) -> None:
        """Count one page and keep its rows."""
        self.answer(answer)
        # Rows first: a page whose rows cannot be read has not come.
        self.rows(page.items)
        self.totals.append(answer.call.endpoint.paging.total(page))
        self.sizes.append(len(page.items))
        self.ended = answer.call.endpoint.paging.says_last(page)
        # A walk that asks for a page merely because one was full expects the same page again in the end.
        expected = getattr(answer.call.endpoint.paging, "insists", False)
        self.repeated_pages += bool(page.items) and page.items == self.previous and not expected
        self.previous = page.items

    def rows(self, records: list[Any]) -> None:
        """Count records and flatten them."""
        self.received += len(records)
        self.flattener.add(records, self.source)
