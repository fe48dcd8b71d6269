"""A zipped general ledger of 15 columns: to a store with exact totals, to a frame, opened again, one column of it."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

LINES = 2_000_000
TIMES = 10  # the large ledger is so many times as long
MEMBER = "GL_Transactions.csv"
DATES = ("GL_TX_DATE", "ENTRY_TIMESTAMP")
COLUMNS = (
    "UPLOAD_ID", "GL_TX_ID", "GL_TX_LINE_ID", "GL_TX_DATE", "ENTRY_TIMESTAMP", "ENTRY_USER", "PERIOD_ID",
    "ACCOUNT_CODE", "ACCOUNT_NAME", "JOURNAL_ID", "TX_TYPE", "REFERENCE", "DESCRIPTION", "CURRENCY_ISO", "BASE_VALUE",
)  # fmt: skip


@contextmanager
def prepared(folder: Path, quick: bool) -> Iterator[dict[str, Any]]:
    """The zip, and a cache folder in which it was read already."""
    path, cache = folder / "gl.zip", folder / "cache"
    _apart("write", path, LINES // 100 if quick else LINES, 1)
    _apart("read", path, cache)
    yield {"path": str(path), "cache": str(cache), "folder": str(folder)}


@contextmanager
def prepared_twice(folder: Path, quick: bool) -> Iterator[dict[str, Any]]:
    """The zip, and one of ten times the lines."""
    lines = LINES // 100 if quick else LINES
    for name, times in (("gl", 1), ("large", TIMES)):
        _apart("write", folder / f"{name}.zip", lines, times)
    yield {"path": str(folder / "gl.zip"), "large": str(folder / "large.zip"), "folder": str(folder)}


def _apart(*words: object) -> None:
    """Do it in a process of its own: what this one has held at most would count for those that it starts."""
    subprocess.run([sys.executable, "-m", "tests.bench.ledger", *map(str, words)], check=True)


def write(path: Path, lines: int, times: int = 1) -> None:
    """The sandbox company's ledger without four of its columns, *times* over with other ids."""
    import pyarrow as pa
    import pyarrow.compute as pc
    from pyarrow import csv

    from docframes.sandbox import write_ledger

    with (
        tempfile.TemporaryDirectory() as folder,
        zipfile.ZipFile(write_ledger(Path(folder) / "whole.zip", lines=lines)) as whole,
    ):
        file = whole.open(MEMBER)
        names = file.readline().decode().strip().split(",")
        text = csv.ConvertOptions(column_types={name: pa.string() for name in names}, include_columns=list(COLUMNS))
        parse = csv.ParseOptions(newlines_in_values=True)
        table = csv.read_csv(file, csv.ReadOptions(column_names=names), parse, text)
    level = {"compresslevel": 1} if times > 1 else {}
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, **level) as archive,
        archive.open(MEMBER, "w", force_zip64=True) as member,
        csv.CSVWriter(member, table.schema, write_options=csv.WriteOptions(quoting_style="needed")) as writer,
    ):
        for number in range(times):
            again = table
            for name in ("GL_TX_ID", "GL_TX_LINE_ID") if number else ():
                ids = pc.binary_join_element_wise(str(number), pc.utf8_lpad(table[name], 9, "0"), "")
                again = again.set_column(COLUMNS.index(name), name, ids)
            writer.write_table(again)


# --- ours -------------------------------------------------------------------------------------------------------------


def store(facts: dict[str, Any], name: str = "path") -> Callable[[], Any]:
    """``read_ledger`` with an empty cache: the store, and exact control totals."""
    import pandas as pd  # noqa: F401  # what the peer has imported before the clock, too

    from docframes import read_ledger

    path, cache = facts[name], tempfile.mkdtemp(dir=facts["folder"])

    def work() -> Any:
        totals = read_ledger(path, cache_dir=cache).totals
        return partial(_done, cache, {"lines": totals.lines, "sum": _cents(totals.difference)})

    return work


def large(facts: dict[str, Any]) -> Callable[[], Any]:
    """The same of ten times the lines."""
    return store(facts, "large")


def frame(facts: dict[str, Any]) -> Callable[[], Any]:
    """The whole typed frame, with an empty cache."""
    from docframes import read_ledger

    path, cache = facts["path"], tempfile.mkdtemp(dir=facts["folder"])

    def work() -> Any:
        lines = read_ledger(path, cache_dir=cache).transactions
        return partial(_done, cache, _told(lines, "amount"))

    return work


def again(facts: dict[str, Any]) -> Callable[[], Any]:
    """The whole typed frame of a ledger that was read before."""
    from docframes import read_ledger

    def work() -> Any:
        lines = read_ledger(facts["path"], cache_dir=facts["cache"]).transactions
        return partial(_told, lines, "amount")

    return work


def column(facts: dict[str, Any]) -> Callable[[], Any]:
    """The amounts alone."""
    from docframes import read_ledger

    def work() -> Any:
        lines = read_ledger(facts["path"], cache_dir=facts["cache"]).select(["amount"])
        return partial(_told, lines, "amount")

    return work


# --- past one machine -------------------------------------------------------------------------------------------------


def by_duckdb(facts: dict[str, Any]) -> Callable[[], Any]:
    """Twenty million lines: read, trial balance, and the transactions that do not balance, in one process."""
    from docframes import read_ledger

    path, cache = facts["large"], tempfile.mkdtemp(dir=facts["folder"])

    def work() -> Any:
        return partial(_done, cache, _checked(read_ledger(path, cache_dir=cache), "duckdb"))

    return work


def by_cluster(facts: dict[str, Any]) -> Callable[[], Any]:
    """The same with a Dask cluster of two worker processes; the peak is that of all three processes together."""
    from dask.distributed import Client, LocalCluster

    from docframes import read_ledger

    path, cache = facts["large"], tempfile.mkdtemp(dir=facts["folder"])

    def work() -> Any:
        ledger = read_ledger(path, cache_dir=cache)
        options = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None, "host": "127.0.0.1"}
        with LocalCluster(**options) as cluster, Client(cluster) as client:
            told = _checked(ledger, "dask")
            workers = client.run(_peak)
        return partial(_done, cache, {**told, "peak_mb": _peak() + sum(workers.values())})

    return work


def _peak() -> float:
    """Of the process that is asked, in MB."""
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _checked(ledger: Any, engine: Any) -> dict[str, Any]:
    from docframes import trial_balance, unbalanced_transactions

    balances = trial_balance(ledger, engine=engine)
    unbalanced = unbalanced_transactions(ledger, engine=engine)
    assert balances["debit"].sum() == ledger.totals.debit
    return {
        "lines": int(balances["lines"].sum()), "accounts": len(balances), "unbalanced": len(unbalanced),
        "debit": str(balances["debit"].sum()), "credit": str(balances["credit"].sum()),
    }  # fmt: skip


# --- the peer ---------------------------------------------------------------------------------------------------------


def pandas_csv(facts: dict[str, Any]) -> Callable[[], Any]:
    """``pandas.read_csv`` of the zip, with the dtypes of our frame: text, float64, datetime64[us]."""
    import pandas as pd

    texts = {name: "str" for name in COLUMNS if name not in (*DATES, "BASE_VALUE")}

    def work() -> Any:
        lines = pd.read_csv(facts["path"], dtype=texts | {"BASE_VALUE": "float64"}, parse_dates=list(DATES))
        lines["ENTRY_TIMESTAMP"] = lines["ENTRY_TIMESTAMP"].dt.tz_localize(None)
        return partial(_told, lines, "BASE_VALUE")

    return work


def _told(lines: Any, amount: str) -> dict[str, Any]:
    return {"lines": len(lines), "sum": _cents(lines[amount].sum())}


def _cents(total: Any) -> str:
    """Rounded, for the peer adds up floats."""
    return str(abs(Decimal(str(total))).quantize(Decimal("0.01")))


def _done(cache: str, told: dict[str, Any]) -> dict[str, Any]:
    shutil.rmtree(cache)
    return told


if __name__ == "__main__":
    from docframes import read_ledger

    if sys.argv[1] == "write":
        write(Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
    else:
        read_ledger(sys.argv[2], cache_dir=sys.argv[3])
