"""The store's files, read by Arrow, DuckDB, Polars and Dask."""

from __future__ import annotations

import importlib.util
import os
import pickle
import sys
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from docframes.errors import ColumnError, ConfigError
from docframes.ledger import engines
from docframes.ledger.frames import to_frame

D = Decimal
SCHEMA = pa.schema(
    {
        "date": pa.timestamp("us"),
        "account": pa.string(),
        "amount": pa.decimal128(36, 6),
        "Acct. No": pa.string(),
        "source_line": pa.int64(),
    }
)
LINES = [
    (datetime(2025, 1, 31), "0400", D("0.1"), "a", 2),
    (datetime(2025, 1, 31, 23, 59, 59, 999999), "1000", D("-0.1"), "b", 3),
    (datetime(2025, 2, 1), None, D("5"), "c", 4),
    (None, "0400", D("-4.999999"), "d", 5),
    (datetime(2025, 3, 1), "Ä1", None, "e", 6),
    (datetime(2025, 3, 1), "", D("123456789012345678901234567890.123456"), None, 7),
]


def there(name):
    """The engine's name; one that is not installed is a skip for users and a failure in CI."""
    if importlib.util.find_spec(name) is None:
        why = f"{name} is not installed: pip install 'docframes[scale]'"
        pytest.fail(why) if os.environ.get("CI") else pytest.skip(why)
    return name


@pytest.fixture
def path(tmp_path):
    """Six lines in three row groups, below a folder whose name looks like a pattern and like a partition."""
    folder = tmp_path / "year=2020" / "a[1]*" if os.name != "nt" else tmp_path / "year=2020"
    folder.mkdir(parents=True)
    table = pa.Table.from_pylist([dict(zip(SCHEMA.names, line, strict=True)) for line in LINES], SCHEMA)
    pq.write_table(table, folder / "transactions.parquet", row_group_size=2, store_schema=False)
    return folder / "transactions.parquet"


@pytest.fixture
def empty(tmp_path):
    """A file of the same columns without a line."""
    pq.write_table(SCHEMA.empty_table(), tmp_path / "empty.parquet", store_schema=False)
    return tmp_path / "empty.parquet"


def found(path, *where):
    """The source lines that satisfy the conditions."""
    return engines.read(path, ["source_line"], list(where))["source_line"].to_pylist()


# --- read -------------------------------------------------------------------------------------------------------------


def test_only_the_columns_that_are_asked_for_come(path):
    """In the order that was asked for; all in the file's order; with conditions and without."""
    assert engines.read(path, ["Acct. No", "date"]).column_names == ["Acct. No", "date"]
    assert engines.read(path, ["Acct. No", "date"], [("account", "==", "0400")]).column_names == ["Acct. No", "date"]
    assert engines.read(path).schema.equals(SCHEMA)
    assert engines.read(path, where=[]).num_rows == 6


def test_text_is_compared_as_text(path):
    """Codes are text: equal, between, and in a list."""
    assert found(path, ("account", "==", "0400")) == [2, 5]
    assert found(path, ("account", ">=", "0400"), ("account", "<", "2")) == [2, 3, 5]
    assert found(path, ("account", "in", ["1000", "Ä1"])) == [3, 6]
    assert found(path, ("account", "in", pd.Series(["1000"]))) == [3]
    assert found(path, ("account", "in", [])) == []


def test_a_missing_value_differs_from_every_value(path):
    """Lines without an account are not on account 0400; an empty text is not missing."""
    assert found(path, ("account", "!=", "0400")) == [3, 4, 6, 7]
    assert found(path, ("account", "not in", ["0400", "1000"])) == [4, 6, 7]
    assert found(path, ("account", "==", None)) == [4]
    assert found(path, ("account", "!=", None)) == [2, 3, 5, 6, 7]
    assert found(path, ("account", "in", ["1000", None])) == [3, 4]
    assert found(path, ("account", "not in", ["0400", None])) == [3, 6, 7]
    assert found(path, ("date", "==", pd.NaT)) == found(path, ("date", "==", np.nan)) == [5]
    assert found(path, ("amount", "<", 1)) == [2, 3, 5]


@pytest.mark.parametrize("value", ["0.1", "0.10000000000", 0.1, D("0.1"), np.float64(0.1)], ids=repr)
def test_an_amount_is_the_number_that_is_written(path, value):
    """0.1 is a tenth, not the float nearest to it."""
    assert found(path, ("amount", "==", value)) == [2]
    assert found(path, ("amount", "in", [value, 7])) == [2]
    assert found(path, ("amount", ">=", value), ("amount", "<=", value)) == [2]


def test_amounts_with_more_digits_compare_exactly(path):
    """A value between two amounts is equal to none, and above the one and below the other."""
    assert found(path, ("amount", "<", D("-4.9999985"))) == found(path, ("amount", "<=", D("-4.9999985"))) == [5]
    assert found(path, ("amount", "<", D("-4.9999995"))) == found(path, ("amount", "<=", "-4.9999995")) == []
    assert found(path, ("amount", ">", D("-4.9999985"))) == found(path, ("amount", ">=", -4.9999985)) == [2, 3, 4, 7]
    assert found(path, ("amount", "==", "0.10000001"), ("amount", "in", ["0.10000001"])) == []
    assert found(path, ("amount", "!=", "0.10000001")) == [2, 3, 4, 5, 6, 7]
    assert found(path, ("amount", "==", "123456789012345678901234567890.123456")) == [7]
    assert found(path, ("amount", ">", "123456789012345678901234567890.1234559")) == [7]


def test_amounts_beyond_all_compare_too(path):
    """A value that no amount reaches is above or below all of them, and leaves the missing one out."""
    assert found(path, ("amount", "<", D("1e60"))) == found(path, ("amount", "<=", float("inf"))) == [2, 3, 4, 5, 7]
    assert found(path, ("amount", ">", D("1e60"))) == found(path, ("amount", "<", float("-inf"))) == []
    assert found(path, ("amount", ">=", D("-1e60"))) == [2, 3, 4, 5, 7]
    assert found(path, ("amount", "in", [D("1e31"), D("1e60"), 5])) == [4]


def test_days_are_text_dates_or_moments(path):
    """A day is its midnight, however it is given."""
    for day in ("2025-02-01", "20250201", date(2025, 2, 1), datetime(2025, 2, 1), pd.Timestamp("2025-02-01")):
        assert found(path, ("date", ">=", day)) == [4, 6, 7]
        assert found(path, ("date", "in", [day])) == [4]
    assert found(path, ("date", "<=", np.datetime64("2025-01-31"))) == [2]
    assert found(path, ("date", "<", pd.Timestamp("2025-01-31 00:00:00.000000001"))) == [2]


def test_whole_numbers_are_numbers(path):
    """The line of the source, as int or float."""
    assert found(path, ("source_line", ">", 5.5)) == [6, 7]
    assert found(path, ("source_line", "in", {3, 4.0, 4.5})) == [3, 4]


def test_an_arrow_expression_is_taken_as_it_is(path):
    """What tuples cannot say, such as alternatives."""
    either = (pc.field("account") == "1000") | pc.field("amount").is_null()

    assert engines.read(path, ["source_line"], either)["source_line"].to_pylist() == [3, 6]


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ([("account", "==", 4000)], r"holds text, and 4000 is none.*give '4000'"),
        ([("account", "=", "4000")], r"The operators are ==, !=, <.*not in; '=' was given"),
        ([("account", "in", "4000")], "need a list"),
        ([("account", "<", None)], r"\('account', '==', None\)"),
        ([("amount", ">", "12,50")], "'12,50' was given"),
        ([("amount", ">", True)], "True was given"),
        ([("date", ">", "31/01/2025")], "cannot be compared with the column 'date'"),
        ([("date", ">", 20250131)], "ISO text"),
        ([("date", ">", "2025-01-31T00:00:00Z")], "without a zone"),
        ([[("account", "==", "1")]], "For alternatives"),
        (("account", "==", "1"), "is a list of"),
        ("account == 1", r"Write where=\[\('account', '==', '4000'\)\]"),
        ({"account": "1"}, "is a list of"),
        (pc.field("account") > 5, "Arrow cannot ask"),
    ],
)
def test_conditions_that_cannot_be_asked_are_refused(path, where, message):
    """The message says what is wrong and what would be right."""
    with pytest.raises(ConfigError, match=message):
        engines.read(path, where=where)


def test_columns_that_are_not_there_are_refused(path):
    """As a column, in a condition, in an expression: the message lists those that are."""
    for columns, where in ((["acount"], None), (None, [("acount", "==", "1")]), (None, pc.field("acount") == "1")):
        with pytest.raises(
            ColumnError, match=r"'?acount.*The columns are: date, account, amount, Acct. No, source_line"
        ):
            engines.read(path, columns, where)
    with pytest.raises(ConfigError, match=r"columns=\['account'\]"):
        engines.read(path, "account")


# --- sql --------------------------------------------------------------------------------------------------------------


def ask(path, query):
    there("duckdb")
    return engines.sql({"transactions": path}, query)


def test_sums_of_a_query_are_exact(path):
    """A sum of amounts is a decimal, a sum of whole numbers and a count int64."""
    found = ask(path, "SELECT sum(amount) AS amount, sum(source_line) AS lines, count(*) AS n FROM transactions")

    assert found.to_pylist() == [{"amount": D("123456789012345678901234567890.123457"), "lines": 27, "n": 6}]
    assert found.schema.types == [pa.decimal128(38, 6), pa.int64(), pa.int64()]


def test_rows_keep_the_order_of_the_source(path):
    """A query without ORDER BY gives the lines as they are in the file, and no column of a folder's name."""
    found = ask(path, "FROM transactions")

    assert found.equals(engines.read(path))


def test_types_of_an_answer_depend_on_the_query_alone(path):
    """Whole numbers and truths may be missing; days are datetime64; nothing becomes an object or a float."""
    query = """SELECT account, count(*) AS n, sum(source_line) AS s, sum(amount) AS debit, -sum(amount) AS credit,
        min(date) AS moment, min(date)::DATE AS day, account = '0400' AS hit, avg(amount) AS mean
        FROM transactions WHERE {} GROUP BY account ORDER BY account NULLS LAST"""
    some, none = (engines.to_pandas(ask(path, query.format(which))) for which in ("source_line < 7", "false"))

    assert some.dtypes.astype(str).to_dict() == {
        "account": "str", "n": "Int64", "s": "Int64", "debit": "decimal128(36, 6)[pyarrow]",
        "credit": "decimal128(36, 6)[pyarrow]", "moment": "datetime64[us]", "day": "datetime64[us]",
        "hit": "boolean", "mean": "float64",
    }  # fmt: skip
    assert none.dtypes.equals(some.dtypes)
    assert len(none) == 0
    assert some["account"].fillna("-").tolist() == ["0400", "1000", "Ä1", "-"]
    assert (some["debit"] - some["credit"]).tolist()[:2] == [D("-9.799998"), D("-0.2")]


def test_what_is_missing_throughout_is_text():
    """A column without a type is text, all missing; a moment with a zone keeps it; more digits than usual stay."""
    table = pa.table(
        {
            "nothing": pa.nulls(2),
            "zoned": pa.array([0, None], pa.timestamp("s", "UTC")),
            "rate": pa.array([None, D("0.5")], pa.decimal128(38, 20)),
            "count": pa.array([2**64 - 1, None], pa.uint64()),
        }
    )
    found = engines.to_pandas(table)

    assert found.dtypes.astype(str).tolist() == ["str", "datetime64[us, UTC]", "decimal128(38, 20)[pyarrow]", "UInt64"]
    assert found["count"][0] == 2**64 - 1
    with pytest.raises(ConfigError, match="'much' does not fit"):
        engines.to_pandas(pa.table({"much": pa.array([D("1e31")], pa.decimal128(38, 6))}))


def test_tables_can_be_joined(path, empty):
    """Each table is a view by its name, whatever the name."""
    there("duckdb")
    query = 'SELECT count(*) AS n FROM transactions LEFT JOIN "period balances" USING (account)'

    assert engines.sql({"transactions": path, "period balances": empty}, query).to_pylist() == [{"n": 6}]


@pytest.mark.parametrize(
    "query",
    ["DESCRIBE transactions", "SUMMARIZE transactions", "WITH x AS (SELECT 1 AS a) FROM x;", "EXPLAIN SELECT 1"],
)
def test_whatever_gives_rows_is_a_query(path, query):
    """Descriptions and plans are answers, too."""
    assert ask(path, query).num_rows > 0


def test_a_pivot_is_a_query(path):
    """DuckDB makes several statements of a PIVOT, which nobody wrote."""
    query = "PIVOT transactions ON account IN ('0400', '1000') USING sum(amount) GROUP BY date"

    assert ask(path, query).column_names == ["date", "0400", "1000"]


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("SELECT acount FROM transactions", r"acount(.|\n)*The tables are: transactions \(date, account, amount, "),
        ("SELECT * FROM transaction", "The tables are: transactions"),
        ("SELEC 1", "syntax error"),
        ("", "nothing came"),
        ("SELECT 1; SELECT 2", "SELECT, SELECT came"),
        ("CREATE TABLE mine AS FROM transactions", "CREATE came"),
        ("COPY transactions TO 'copied.csv'", "COPY came"),
        ("SELECT 1 AS a, 2 AS a", "Tell them apart with AS"),
        ("SELECT 100000000000000000000::HUGEINT AS big", "'big' is a whole number beyond 64 bits"),
        ("SELECT * FROM path", "The tables are"),
    ],
)
def test_queries_that_cannot_be_run_are_refused(path, query, message):
    """The message has DuckDB's words, and the tables with their columns; a Python variable is no table."""
    with pytest.raises(ConfigError, match=message):
        ask(path, query)


def test_a_query_leaves_nothing_behind(path, tmp_path, monkeypatch):
    """What spills goes to a folder of its own, which ends with the query; nothing is written where one works."""
    work, temporary = tmp_path / "work", tmp_path / "temporary"
    work.mkdir()
    temporary.mkdir()
    monkeypatch.chdir(work)
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    there("duckdb")
    with engines.database("100MB") as connection:
        connection.execute("SET preserve_insertion_order = false")
        many = "SELECT count(*) FROM (SELECT range::VARCHAR AS a, count(*) FROM range(3000000) GROUP BY a)"
        counted = connection.execute(many).fetchone()
        folders = [folder.stat().st_mode & 0o777 for folder in temporary.iterdir()]

    assert counted == (3_000_000,)
    assert len(folders) == 1
    assert os.name == "nt" or folders == [0o700]
    assert list(work.iterdir()) == list(temporary.iterdir()) == []


# --- Polars and Dask --------------------------------------------------------------------------------------------------


def test_polars_gets_a_lazy_frame_of_exact_amounts(path):
    """Text, moments without zone, decimals of the file's digits."""
    there("polars")
    import polars as pl

    lazy = engines.to_polars(path)

    assert isinstance(lazy, pl.LazyFrame)
    assert dict(lazy.collect_schema()) == {
        "date": pl.Datetime("us"), "account": pl.String, "amount": pl.Decimal(36, 6), "Acct. No": pl.String,
        "source_line": pl.Int64,
    }  # fmt: skip
    assert lazy.collect().rows() == LINES


@pytest.mark.parametrize("amounts", ["float", "decimal"])
def test_dask_gets_the_frame_that_pandas_gets(path, amounts):
    """One partition per row group, the same values, and the same dtypes before anything is read."""
    there("dask")
    alone = to_frame([engines.read(path)], amounts=amounts)

    lazy = engines.to_dask(path, amounts)

    assert lazy.npartitions == 3
    assert lazy.dtypes.equals(alone.dtypes)
    pd.testing.assert_frame_equal(lazy.compute().reset_index(drop=True), alone)


def test_dask_reads_only_the_columns_that_are_used(path, monkeypatch):
    """What a computation leaves out is not read from the file."""
    there("dask")
    asked = []
    monkeypatch.setattr(engines, "row_group", lambda number, path, amounts, columns, read=engines.row_group: (
        asked.append(tuple(columns)) or read(number, path, amounts, columns)
    ))  # fmt: skip

    total = engines.to_dask(path, "decimal")["source_line"].sum().compute()

    assert total == 27
    assert set(asked) == {("source_line",)}


def test_dask_of_a_ledger_without_lines_has_its_columns(empty):
    """A file without row groups is one empty partition of the same dtypes."""
    there("dask")
    lazy = engines.to_dask(empty, "float", ["amount", "account"])

    assert lazy.dtypes.astype(str).to_dict() == {"amount": "float64", "account": "str"}
    assert lazy.compute().dtypes.equals(lazy.dtypes)
    assert len(lazy) == 0


def test_dask_refuses_columns_that_are_not_there(path):
    """When it is asked, not when a worker reads."""
    there("dask")
    with pytest.raises(ColumnError, match="acount"):
        engines.to_dask(path, "float", ["acount"])


def test_workers_get_the_reader_by_its_name():
    """What a partition is made with travels to other processes as a name."""
    assert pickle.loads(pickle.dumps(engines.row_group)) is engines.row_group  # noqa: S301 - our own bytes


ASKED = {
    "duckdb": lambda: engines.sql({}, "SELECT 1"),
    "polars": lambda: engines.to_polars(Path("x")),
    "dask": lambda: engines.to_dask(Path("x"), "float"),
}


@pytest.mark.parametrize("module", ASKED)
def test_an_engine_that_is_not_installed_is_told(monkeypatch, module):
    """The message says how to install it."""
    monkeypatch.setitem(sys.modules, module, None)

    with pytest.raises(ConfigError, match=rf'{module} is not installed.*pip install "docframes\[scale\]"'):
        ASKED[module]()
