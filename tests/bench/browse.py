"""A frame of two million rows and 15 columns in a grid: its first page, and a search over all of it."""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROWS = 2_000_000
SEARCH = "vendor 04999"
NONCE = "bench"
WORDS = ("invoice", "payment", "vendor", "rent", "salary", "energy", "freight", "bank", "charge", "refund", "accrual")

Contender = Callable[[dict[str, Any]], Callable[[], Any]]


@contextmanager
def prepared(folder: Path, quick: bool) -> Iterator[dict[str, Any]]:
    """The frame, in a file."""
    path = folder / "frame.pickle"
    for peer in left_out():
        print(f"{peer} is not installed, and is left out", file=sys.stderr)
    frame(ROWS // 100 if quick else ROWS).to_pickle(path)
    yield {"path": str(path)}


def frame(rows: int) -> Any:
    """Three dates, two decimals, a float, two whole numbers and seven texts, one of them of distinct values."""
    import numpy as np
    import pandas as pd
    import pyarrow as pa

    some = np.random.default_rng(1)
    words = np.array(WORDS)

    def one_of(count: int, digits: int) -> Any:
        return np.char.zfill(some.integers(0, count, rows).astype(str), digits)

    def text(*parts: Any) -> Any:
        return pd.Series([" ".join(row) for row in zip(*parts, strict=True)], dtype="str")

    def day() -> Any:
        return (np.datetime64("2024-01-01") + some.integers(0, 700, rows)).astype("datetime64[us]")

    def amount() -> Any:
        cents = pa.array(some.integers(-(10**9), 10**9, rows)).cast(pa.decimal128(19, 0))
        hundredth = pa.scalar(1, pa.decimal128(3, 2))
        return pd.Series(pd.arrays.ArrowExtensionArray(pa.compute.multiply(cents, hundredth)))

    word = [words[some.integers(0, len(words), rows)] for _ in range(5)]
    return pd.DataFrame(
        {
            "transaction": text(one_of(max(rows // 3, 1), 9)),
            "line": np.arange(rows),
            "date": day(),
            "document_date": day(),
            "entered_at": day() + some.integers(0, 86_400, rows).astype("timedelta64[s]"),
            "entered_by": text(np.char.add("user", one_of(60, 2))),
            "account": text(one_of(400, 4)),
            "account_name": text(word[0], one_of(40, 3)),
            "journal": text(word[1]),
            "vendor": text(np.full(rows, "vendor"), one_of(5000, 5)),
            "text": text(word[2], word[3], one_of(rows, 7), word[4]),
            "entry": some.integers(0, max(rows // 5, 1), rows),
            "rate": np.round(some.random(rows) * 100, 3),
            "debit": amount(),
            "credit": amount(),
        }
    )


def _read(facts: dict[str, Any]) -> Any:
    import pandas as pd

    return pd.read_pickle(facts["path"])  # noqa: S301  # written by prepared


# --- the first page ---------------------------------------------------------------------------------------------------


def first_page(facts: dict[str, Any]) -> Callable[[], Any]:
    """``browse(frame)`` and its answer to the first question of the front end."""
    from docframes.widgets import browse, grid, preview, rows

    # Imported before the clock, as the peers are.
    assert {grid, preview, rows}
    lines, sent = _read(facts), []

    def work() -> Any:
        made = browse(lines)
        state = made.get_state()
        made.send = lambda content, buffers=None: sent.append(content)
        asked = {"type": "query", "nonce": NONCE, "start": 0, "count": 50, "search": "", "filters": [], "sort": []}
        # What ipywidgets does when a message of the front end comes in.
        made._handle_custom_msg(asked, [])
        return lambda: _told("browse", _size(state) + _size(sent[0]), len(sent[0]["rows"]))

    return work


def itables_page(facts: dict[str, Any]) -> Callable[[], Any]:
    """The HTML of itables, which holds as many rows as fit into its limit of 64 kB."""
    import itables

    lines = _read(facts)

    def work() -> Any:
        page = itables.to_html_datatable(lines)
        return lambda: _told("itables", len(page.encode()), None)

    return work


def ipydatagrid_page(facts: dict[str, Any]) -> Callable[[], Any]:
    """The state of an ipydatagrid, which holds all rows."""
    import ipydatagrid
    from ipywidgets.widgets.widget import _remove_buffers

    # It writes frames as JSON, which knows no decimals.
    lines = _read(facts).astype({"debit": "float64", "credit": "float64"})

    def work() -> Any:
        state, _, buffers = _remove_buffers(ipydatagrid.DataGrid(lines).get_state())
        return lambda: _told("ipydatagrid", _size(state) + sum(memoryview(one).nbytes for one in buffers), len(lines))

    return work


def _size(told: Any) -> int:
    return len(json.dumps(told, default=str, ensure_ascii=False).encode())


def _told(name: str, size: int, rows: int | None) -> dict[str, Any]:
    # The result is read from the last line alone; this one is for people.
    print(f"{name}: {size:,} bytes sent", file=sys.stderr)
    return {"bytes_sent": size, "rows": rows}


# --- a search ---------------------------------------------------------------------------------------------------------


def search(facts: dict[str, Any]) -> Callable[[], Any]:
    """Which rows have both words, each in some text column, in any case; and the first page of them."""
    from docframes.widgets.query import Query
    from docframes.widgets.rows import rows_of

    made = rows_of(_read(facts))

    def work() -> Any:
        page = made.page(Query(SEARCH.upper()), 0, 50)
        return lambda: {"found": made.count(Query(SEARCH.upper())), "first": page.positions[:5]}

    return work


def pandas_search(facts: dict[str, Any]) -> Callable[[], Any]:
    """``str.contains`` of each text column, for each word."""
    import numpy as np

    lines = _read(facts)
    texts = [name for name in lines if lines[name].dtype == "str"]

    def work() -> Any:
        found = np.ones(len(lines), bool)
        for word in SEARCH.upper().split():
            hits = [lines[name].str.contains(word, case=False, regex=False) for name in texts]
            found &= np.logical_or.reduce(hits)
        places = np.flatnonzero(found)
        return lambda: {"found": len(places), "first": places[:5].tolist()}

    return work


# --- who is there -----------------------------------------------------------------------------------------------------

_PEERS: Mapping[str, Contender] = {"itables": itables_page, "ipydatagrid": ipydatagrid_page}


def pages() -> Mapping[str, Contender]:
    """Those of the contenders for the first page that are installed."""
    missing = left_out()
    return {"docframes": first_page, **{name: peer for name, peer in _PEERS.items() if name not in missing}}


def left_out() -> list[str]:
    """The peers that are not installed."""
    return [name for name in _PEERS if importlib.util.find_spec(name) is None]
