"""The rows of the bench.  Each contender does what it must before the clock, and gives the work to be timed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.bench import browse, flatten, imports, ledger, pages

Facts = dict[str, Any]
Contender = Callable[[Facts], Callable[[], Any]]


@dataclass(frozen=True)
class Row:
    """One comparison; the first contender is ours."""

    name: str
    what: str
    contenders: Mapping[str, Contender]
    prepared: Callable[[Path, bool], AbstractContextManager[Facts]]
    target: Mapping[str, str] = field(default_factory=dict)  #: what the design asks for, beside each peer
    unlike: tuple[str, ...] = ()  #: contenders that give no result to compare
    most_runs: int = 100  #: for a row of minutes


@contextmanager
def _nothing(folder: Path, quick: bool) -> Iterator[Facts]:
    yield {}


ROWS = {
    row.name: row
    for row in (
        Row(
            "flatten",
            "5,000 job details (40 MB of JSON, 150,000 answers) to six typed frames",
            {"docframes": flatten.ours, "json_normalize": flatten.peer, "orjson alone": flatten.bare},
            flatten.prepared,
            {"json_normalize": "at least 20", "orjson alone": "at least 0.2"},
            unlike=("orjson alone",),
        ),
        Row(
            "pages_cold",
            "100 pages at 50 ms each, nothing cached",
            {"docframes": pages.cold, "requests loop": pages.loop},
            pages.prepared,
            {"requests loop": "at least 6"},
        ),
        Row(
            "pages_warm",
            "the same load again: from the cache, without a call",
            {"docframes": pages.warm, "cold load": pages.cold},
            pages.prepared,
            {"cold load": "at least 30"},
        ),
        Row(
            "ledger_store",
            "a zipped ledger of 2,000,000 lines to a store with exact control totals",
            {"docframes": ledger.store, "pandas.read_csv": ledger.pandas_csv},
            ledger.prepared,
            {"pandas.read_csv": "at least 2; our peak at most 60 % of theirs"},
        ),
        Row(
            "ledger_frame",
            "the same zip to the whole typed frame, first time",
            {"docframes": ledger.frame, "pandas.read_csv": ledger.pandas_csv},
            ledger.prepared,
            {"pandas.read_csv": "at least 1.6; our peak at most theirs"},
        ),
        Row(
            "ledger_again",
            "the same ledger opened again as a frame",
            {"docframes": ledger.again, "pandas.read_csv": ledger.pandas_csv},
            ledger.prepared,
            {"pandas.read_csv": "at least 7"},
        ),
        Row(
            "ledger_column",
            "the same ledger opened again for one column",
            {"docframes": ledger.column, "pandas.read_csv": ledger.pandas_csv},
            ledger.prepared,
            {"pandas.read_csv": "at least 30"},
        ),
        Row(
            "ledger_growth",
            "20,000,000 lines beside 2,000,000: memory does not grow with them",
            {"20 million": ledger.large, "2 million": ledger.store},
            ledger.prepared_twice,
            {"2 million": "peak of the first at most 1.33 times"},
            unlike=("2 million",),
            most_runs=2,
        ),
        Row(
            "ledger_checks",
            "20,000,000 lines: read, trial balance, transactions that do not balance",
            {"duckdb": ledger.by_duckdb, "two dask workers": ledger.by_cluster},
            ledger.prepared_twice,
            {"two dask workers": "peak of the first under 2 GB"},
            most_runs=2,
        ),
        Row(
            "browse_page",
            "2,000,000 rows x 15 columns: a grid and its first page (bytes sent are in the result)",
            browse.pages(),
            browse.prepared,
            {"itables": "ours under 0.3 s and 60 kB"},
            unlike=tuple(name for name in browse.pages() if name != "docframes"),
            most_runs=3,
        ),
        Row(
            "browse_search",
            "a two-word search over all text columns of 2,000,000 rows",
            {"docframes": browse.search, "pandas str.contains": browse.pandas_search},
            browse.prepared,
            {"pandas str.contains": "at least 2; ours under 2 s"},
        ),
        Row(
            "import",
            "import docframes, beside import pandas",
            {"docframes": imports.ours, "pandas": imports.peer},
            _nothing,
            {"pandas": "at least 0.91 (ours at most 1.1 times theirs)"},
        ),
    )
}
