"""The rows of a ledger's store: the same answers as its frame gives, without the frame."""

from __future__ import annotations

import importlib.util
import os
import shutil
import zipfile
from datetime import date, datetime, timedelta
from decimal import Decimal

import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docframes.errors import ColumnError, ConfigError, StoreError
from docframes.ledger import parquet, read_ledger
from docframes.widgets import store_rows
from docframes.widgets.query import Filter, Query
from docframes.widgets.rows import ColumnInfo, FrameRows, rows_of
from docframes.widgets.store_rows import StoreRows
from docframes.words import money
from tests import plain_rows
from tests.plain_rows import Plain

D = Decimal
HEADER = "GL_TX_ID,GL_TX_LINE_ID,GL_TX_DATE,ENTRY_TIMESTAMP,ACCOUNT_CODE,DESCRIPTION,CURRENCY_ISO,BASE_VALUE,NOTE\n"
SIZE = 150


def line(number):
    """The values of one line; accounts and texts repeat, ids and notes do not, some of each are missing."""
    words = ("Bank Été", "bank charge", "Rent 1.50", "sundries (50%)", None, "rent")
    return {
        "transaction": f"t{number // 2:03}",
        "line": str(number * 7919 % 1000),
        "date": date(2025, 1, 1) + timedelta(days=number * 37 % 90),
        "entered_at": datetime(2025, 1, 1, 8) + timedelta(seconds=number * 61),
        "account": (None, "0400", "1200", "4000")[number % 4],
        "text": words[number * 5 % 6],
        "currency": "EUR",
        "amount": D(number * 7919 % 4001 - 2000) / 1000 * (1000 if number % 9 else 1),
        "GL_TX_DATE": None,
        "ENTRY_TIMESTAMP": None,
        "NOTE": None if number % 13 == 0 else f"N{number * 31 % 150:03}é",
    }


LINES = [line(number) for number in range(SIZE)]


def csv_line(values):
    """The line as the file has it."""
    told = [values[name] for name in ("transaction", "line", "date", "entered_at", "account", "text", "currency")]
    told += [values["amount"], values["NOTE"]]
    return ",".join(
        "" if value is None else f"{value:%Y-%m-%dT%H:%M:%SZ}" if isinstance(value, datetime) else str(value)
        for value in told
    )


def plain_columns():
    """The lines in plain Python, as they are to be shown."""
    for number, values in enumerate(LINES):
        values["GL_TX_DATE"] = values["date"].isoformat()
        values["ENTRY_TIMESTAMP"] = f"{values['entered_at']:%Y-%m-%dT%H:%M:%SZ}"
        values["source_line"] = number + 2
    kinds = {"date": "date", "entered_at": "moment", "amount": "number", "source_line": "number"}
    texts = {"amount": money}
    made = []
    for name in LINES[0]:
        values = [values[name] for values in LINES]
        told = [None if value is None else texts.get(name, str)(value) for value in values]
        made.append(Plain(name, kinds.get(name, "text"), values, told, searched=name not in kinds))
    return made


COLUMNS = plain_columns()


@pytest.fixture(scope="module")
def ledger(tmp_path_factory):
    """A ledger of five row groups."""
    folder = tmp_path_factory.mktemp("store rows")
    with zipfile.ZipFile(folder / "gl.zip", "w") as archive:
        archive.writestr("GL_Transactions.csv", HEADER + "\n".join(map(csv_line, LINES)) + "\n")
        archive.writestr("Notes.csv", "a,b\n1,2\n")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(parquet, "GROUP", 16)
        made = read_ledger(folder / "gl.zip", cache_dir=folder / "cache", amounts="decimal")
    assert pq.ParquetFile(made.store.path("transactions")).num_row_groups > 3
    return made


@pytest.fixture(params=["Arrow alone", "DuckDB for all"])
def way(request, monkeypatch):
    """Without DuckDB; and with what it is only asked for many rows asked for few."""
    if request.param == "Arrow alone":
        monkeypatch.setattr(StoreRows, "_has_database", False)
    else:
        if importlib.util.find_spec("duckdb") is None:
            why = "duckdb is not installed: pip install 'docframes[scale]'"
            pytest.fail(why) if os.environ.get("CI") else pytest.skip(why)
        monkeypatch.setattr(store_rows, "_NEAR", 0)
        monkeypatch.setattr(store_rows, "_LONG", 0)
        monkeypatch.setattr(store_rows, "_BATCH", 40)
    return request.param


def queries():
    """Some that ask for each thing, and each way to sort."""
    places = {column.name: place for place, column in enumerate(COLUMNS)}
    text, amount, note, account = (places[name] for name in ("text", "amount", "NOTE", "account"))
    return [
        Query(),
        Query("BANK été"),
        Query("rent 1.5"),
        Query("n1 4000"),
        Query("%"),
        Query("nowhere"),
        Query(filters=(Filter(account, "empty"),)),
        Query(filters=(Filter(account, "one_of", values=(None, "0400")), Filter(text, "filled"))),
        Query(filters=(Filter(amount, "range", low="-1000", high="0.5"),)),
        Query(filters=(Filter(amount, "contains", text="1,"),)),
        Query(filters=(Filter(places["date"], "range", low="2025-02", high="2025-02"),)),
        Query(filters=(Filter(places["entered_at"], "range", low="2025-01-01 08:30", high="2025-01-01 09:00"),)),
        *(Query("bank", sort=((place, down),)) for place in range(len(COLUMNS)) for down in (False, True)),
        *(Query(sort=((note, down),)) for down in (False, True)),
        Query(sort=((text, True), (note, False))),
        Query(sort=((note, True), (account, False))),
        Query("e", sort=((account, True), (places["transaction"], False), (amount, True))),
    ]


@pytest.mark.parametrize("query", queries(), ids=str)
def test_a_store_answers_as_plain_python_and_as_its_frame_does(ledger, way, query):
    """Which lines, in which order, with which texts; how often each value comes; and the frame of them."""
    wanted = plain_rows.expected(COLUMNS, query)
    frame = FrameRows(ledger.transactions)
    made = rows_of(ledger)

    assert made.count(query) == len(wanted)
    assert made.page(query, 0, SIZE).positions == wanted
    assert made.page(query, 0, SIZE).cells == [[one.texts[row] for one in COLUMNS] for row in wanted]
    assert made.page(query, 3, 5) == frame.page(query, 3, 5)
    pd.testing.assert_frame_equal(made.frame(query=query), frame.frame(query=query), check_index_type=False)
    for place in range(len(COLUMNS)):
        told = made.values(place, query, 4)
        assert told == frame.values(place, query, 4) == plain_rows.frequent(COLUMNS, place, query, 4)


@settings(max_examples=40)
@given(st.data())
def test_any_query_gives_what_plain_python_gives(ledger, data):
    """And so does the frame of the same ledger."""
    query = data.draw(plain_rows.queries(COLUMNS))
    wanted = plain_rows.expected(COLUMNS, query)

    for made in (rows_of(ledger), FrameRows(ledger.transactions)):
        assert made.count(query) == len(wanted)
        assert made.page(query, 0, SIZE).positions == wanted


def test_columns_are_told_by_their_roles(ledger):
    """Keys are the transaction and the line; the file's own columns are text."""
    told = {info.name: info for info in rows_of(ledger).columns}

    assert list(told) == [column.name for column in COLUMNS]
    assert {name: info.kind for name, info in told.items()} == {column.name: column.kind for column in COLUMNS}
    assert [name for name, info in told.items() if info.key] == ["transaction", "line"]
    assert told["amount"].meaning == "the line's amount in the company's currency, debit positive"
    assert told["NOTE"] == ColumnInfo("NOTE", "text")


def test_details_are_exact_and_whole(ledger):
    """Every column of one line, wherever it stands."""
    made = rows_of(ledger, columns=["amount"])

    for row in (0, 77, SIZE - 1):
        told = {field.name: field.text for field in made.record(row)}
        assert told == {column.name: column.texts[row] for column in COLUMNS}
    assert made.page(Query(), 0, 1).cells == [[COLUMNS[7].texts[0]]]
    assert made.count(Query("bank")) == 0


def test_frames_have_the_dtypes_of_the_ledgers_own(ledger):
    """Amounts as the ledger gives them; a choice in the order asked for, with its places as index."""
    made = rows_of(ledger)

    pd.testing.assert_frame_equal(made.frame(), ledger.transactions)
    pd.testing.assert_frame_equal(made.frame([120, 3, 3]), ledger.transactions.iloc[[120, 3, 3]])
    pd.testing.assert_frame_equal(made.frame([]), ledger.transactions.iloc[[]], check_index_type=False)


def test_a_page_reads_only_the_row_groups_that_it_shows(ledger, monkeypatch):
    """And the next page of the same row group reads none."""
    made = rows_of(ledger)
    read = []
    original = pq.ParquetFile.read_row_group

    def noted(self, group, **options):
        read.append(group)
        return original(self, group, **options)

    monkeypatch.setattr(pq.ParquetFile, "read_row_group", noted)
    made.page(Query(), 0, 5)
    made.page(Query(), 5, 5)
    made.page(Query(), SIZE - 3, 5)

    assert read == [0, pq.ParquetFile(ledger.store.path("transactions")).num_row_groups - 1]


def test_other_tables_are_shown_as_well(ledger):
    """A file that was not recognised is text without keys; what is not there is refused."""
    made = rows_of(ledger, table="others/Notes.csv")

    assert made.page(Query(), 0, 5).cells[0][:2] == ["1", "2"]
    assert not any(info.key for info in made.columns)
    with pytest.raises(ConfigError, match="no table 'period_balances'"):
        rows_of(ledger, table="period_balances")
    with pytest.raises(ColumnError, match="There is no column 'vendor'"):
        rows_of(ledger, columns=["amount", "vendor"])


def test_a_store_that_is_gone_is_told(ledger, tmp_path):
    """In a sentence, when a page is asked for."""
    from docframes import open_ledger

    other = open_ledger(ledger.save(tmp_path / "other"))
    made = rows_of(other)
    shutil.rmtree(tmp_path / "other")

    with pytest.raises(StoreError, match="is gone"):
        made.page(Query(), 0, 5)


def test_moments_that_are_all_days_are_shown_as_days(tmp_path):
    """Whatever role they play; and a ledger without a line has its columns."""
    text = "Date,Amount,Entered Date\n2025-01-05,1.00,2025-01-06\n2025-01-07,-1.00,\n"
    (tmp_path / "gl.csv").write_text(text, encoding="utf-8")
    made = rows_of(read_ledger(tmp_path / "gl.csv", cache_dir=tmp_path / "cache"))
    told = {info.name: info.kind for info in made.columns}

    assert told["entered_at"] == told["date"] == "date"
    assert made.page(Query(), 0, 1).cells[0][:3] == ["2025-01-05", "2025-01-06", "1.00"]
