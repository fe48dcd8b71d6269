"""Balances are exact, and the same whoever adds up."""

from __future__ import annotations

import importlib.util
import os
from collections import defaultdict
from datetime import datetime
from decimal import Decimal
from types import SimpleNamespace

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from docframes.errors import ConfigError, RoleError
from docframes.ledger.balances import account_activity, by_period, trial_balance, unbalanced_transactions

MONEY = pa.decimal128(36, 6)
TYPES = {"date": pa.timestamp("us"), "amount": MONEY, "debit": MONEY, "credit": MONEY, "source_line": pa.int64()}
ENGINES = ("duckdb", "polars", "dask", "pandas")


@pytest.fixture(params=ENGINES)
def engine(request):
    """Each engine in turn; one that is not installed is a skip for users and a failure in CI."""
    return there(request.param)


def there(name):
    if importlib.util.find_spec(name) is None:
        why = f"{name} is not installed: pip install 'docframes[scale]'"
        pytest.fail(why) if os.environ.get("CI") else pytest.skip(why)
    return name


@pytest.fixture
def ledger(tmp_path):
    """A ledger of these lines, dicts or one of columns, in row groups of three: ``ledger(lines, currency=...)``."""

    def make(lines, *columns, group=3):
        names = list(columns) if columns else list(lines[0])
        schema = pa.schema([(name, TYPES.get(name, pa.string())) for name in names])
        path = tmp_path / "transactions.parquet"
        pq.write_table(pa.Table.from_pylist(lines, schema), path, row_group_size=group, store_schema=False)
        return of_file(path, [name for name in names if name != "source_line"])

    return make


def of_file(path, roles):
    store = SimpleNamespace(path=lambda name: path.parent / f"{name}.parquet", has=lambda name: name == "transactions")
    cast = {name: (name.upper(),) for name in roles}
    return SimpleNamespace(store=store, roles={"transactions": cast}, amounts="float")


def day(text):
    return datetime.fromisoformat(text) if text else None


def rows(frame):
    """The frame as tuples, missing values as None."""
    return [tuple(None if pd.isna(value) else value for value in row) for row in frame.itertuples(index=False)]


D = Decimal

#: transaction, date, account, account_name, currency, amount.
SIGNED = [
    ("T1", "2025-01-31", "0400", "Machines", "EUR", "100.10"),
    ("T1", "2025-01-31", "1800", "Bank", "EUR", "-100.10"),
    ("T2", "2025-02-01", "0400", "Büro", "EUR", "-0.000001"),
    ("T2", "2025-02-01", "1800", "Bank", "EUR", "0.000001"),
    ("T3", "2024-12-31", "1800", "Bank", "USD", "7.50"),
    ("T3", "2024-12-31", None, None, "USD", "-7.25"),
    ("T4", None, "0400", "Machines", "EUR", "3"),
    ("T4", None, None, None, None, "-3"),
    (None, "2025-02-28", "9000", "Other", "EUR", "0.30"),
    (None, "2025-02-27", "9000", None, "EUR", None),
    ("T5", "2025-01-02", "0400", "Machines", "EUR", "5"),
    ("T5", "2025-01-03", "9000", None, "USD", "-5"),
]


@pytest.fixture
def signed(ledger):
    """Three currencies' worth of trouble: lines without account, currency, date, transaction, amount."""
    names = ("transaction", "date", "account", "account_name", "currency", "amount")
    lines = [dict(zip(names, row, strict=True)) for row in SIGNED]
    for line in lines:
        line["date"], line["amount"] = day(line["date"]), line["amount"] and D(line["amount"])
    return ledger(lines, *names)


def test_a_trial_balance_has_a_row_for_each_account_and_currency(signed, engine):
    """Debit, credit and balance by account and currency; lines without an account are told last, none is left out."""
    found = trial_balance(signed, engine=engine)

    assert list(found.columns) == ["account", "account_name", "currency", "lines", "debit", "credit", "balance"]
    assert rows(found) == [
        ("0400", "Büro", "EUR", 4, D("108.10"), D("0.000001"), D("108.099999")),
        ("1800", "Bank", "EUR", 2, D("0.000001"), D("100.10"), D("-100.099999")),
        ("1800", "Bank", "USD", 1, D("7.50"), D(0), D("7.50")),
        ("9000", "Other", "EUR", 2, D("0.30"), D(0), D("0.30")),
        ("9000", None, "USD", 1, D(0), D(5), D(-5)),
        (None, None, "USD", 1, D(0), D("7.25"), D("-7.25")),
        (None, None, None, 1, D(0), D(3), D(-3)),
    ]


def test_the_columns_have_the_types_that_are_promised(signed, engine):
    """Text is str, counts int64, days without zone, and sums decimals that can be subtracted from each other."""
    found = trial_balance(signed, engine=engine)
    activity = account_activity(signed, "0400", engine=engine)

    assert found.dtypes.astype(str).tolist() == ["str"] * 3 + ["int64"] + ["decimal128(36, 6)[pyarrow]"] * 3
    assert activity["first_date"].dtype == activity["last_date"].dtype == "datetime64[us]"
    assert ((found["debit"] - found["credit"]) == found["balance"]).all()


def test_an_account_has_a_row_for_each_month_and_a_running_balance(signed, engine):
    """The months of the dates stand in for a period; lines without a date come last; each currency runs by itself."""
    found = account_activity(signed, ["1800", "0400"], engine=engine)

    assert list(found.columns) == [
        "account", "currency", "period", "first_date", "last_date", "lines", "debit", "credit", "movement", "balance",
    ]  # fmt: skip
    assert rows(found.drop(columns=["debit", "credit"])) == [
        ("0400", "EUR", "2025-01", day("2025-01-02"), day("2025-01-31"), 2, D("105.10"), D("105.10")),
        ("0400", "EUR", "2025-02", day("2025-02-01"), day("2025-02-01"), 1, D("-0.000001"), D("105.099999")),
        ("0400", "EUR", None, None, None, 1, D(3), D("108.099999")),
        ("1800", "EUR", "2025-01", day("2025-01-31"), day("2025-01-31"), 1, D("-100.10"), D("-100.10")),
        ("1800", "EUR", "2025-02", day("2025-02-01"), day("2025-02-01"), 1, D("0.000001"), D("-100.099999")),
        ("1800", "USD", "2024-12", day("2024-12-31"), day("2024-12-31"), 1, D("7.50"), D("7.50")),
    ]


def test_periods_have_a_row_for_each_currency(signed, engine):
    """All lines by month: the movement of a currency, and how much it is out of balance so far."""
    found = by_period(signed, engine=engine)

    assert rows(found[["currency", "period", "lines", "debit", "credit", "movement", "balance"]]) == [
        ("EUR", "2025-01", 3, D("105.10"), D("100.10"), D(5), D(5)),
        ("EUR", "2025-02", 4, D("0.300001"), D("0.000001"), D("0.30"), D("5.30")),
        ("EUR", None, 1, D(3), D(0), D(3), D("8.30")),
        ("USD", "2024-12", 2, D("7.50"), D("7.25"), D("0.25"), D("0.25")),
        ("USD", "2025-01", 1, D(0), D(5), D(-5), D("-4.75")),
        (None, None, 1, D(0), D(3), D(-3), D(-3)),
    ]


def test_transactions_out_of_balance_are_told_by_currency(signed, engine):
    """A transaction balances in each of its currencies or is told, also where its lines lie in several row groups."""
    found = unbalanced_transactions(signed, engine=engine)

    names = ["transaction", "currency", "lines", "debit", "credit", "difference", "first_date"]
    assert list(found.columns) == names
    assert rows(found) == [
        ("T3", "USD", 2, D("7.50"), D("7.25"), D("0.25"), day("2024-12-31")),
        ("T4", "EUR", 1, D(3), D(0), D(3), None),
        ("T4", None, 1, D(0), D(3), D(-3), None),
        ("T5", "EUR", 1, D(5), D(0), D(5), day("2025-01-02")),
        ("T5", "USD", 1, D(0), D(5), D(-5), day("2025-01-03")),
        (None, "EUR", 2, D("0.30"), D(0), D("0.30"), day("2025-02-27")),
    ]


def test_many_open_transactions_are_told_all(signed, engine, monkeypatch):
    """Where too many are open to look them up, or to be put together in one go, the answer is the same."""
    monkeypatch.setattr("docframes.ledger.sums._MOST_IDS", 1)
    monkeypatch.setattr("docframes.ledger.sums._MOST_SUMS", 3)

    found = unbalanced_transactions(signed, engine=engine)

    assert found["transaction"].fillna("-").tolist() == ["T3", "T4", "T4", "T5", "T5", "-"]


def test_a_running_balance_is_exact(ledger, engine):
    """100,000 lines of 0.10, 0.20 and -0.30 in turn come to exactly nothing, which floats do not."""
    amounts = [D("0.10"), D("0.20"), D("-0.30")] * 33_334
    accounts = pa.array(["1000"] * len(amounts))
    table = pa.table({"date": pa.array([day("2025-03-01")] * len(amounts), TYPES["date"]), "account": accounts})
    table = table.append_column("amount", pa.array(amounts, MONEY))
    gl = ledger([{"date": None, "account": "1000", "amount": D(0)}])
    pq.write_table(table, gl.store.path("transactions"), row_group_size=30_000, store_schema=False)

    found = trial_balance(gl, engine=engine)

    assert sum(map(float, amounts)) != 0
    assert rows(found) == [("1000", 100_002, D("10000.20"), D("10000.20"), D(0))]


@pytest.fixture
def sided(ledger):
    """Debit and credit columns: a negative debit, both sides, an empty side, and one that contradicts its amount."""
    lines = [("5", "5", None), ("-2", "-2", None), ("1", "4", "3"), ("-3", None, "3"), ("7", "2", "1"), (None,) * 3]
    names = ("amount", "debit", "credit")
    made = [{name: value and D(value) for name, value in zip(names, line, strict=True)} for line in lines]
    return ledger([{"date": day("2025-01-01"), "account": "1000", **line} for line in made])


def test_sides_are_those_of_the_debit_and_credit_columns(sided, engine):
    """Debits 5 - 2 + 4 and credits 3 + 3 as written; the line whose columns come to 1, not 7, counts by its amount."""
    found = trial_balance(sided, engine=engine)

    assert rows(found) == [("1000", 6, D(14), D(6), D(8))]


def test_sides_are_those_of_the_indicator(ledger, engine):
    """A negative debit lowers the debits, a negative credit the credits; without one the sign says the side."""
    lines = [("10", "S"), ("-4", " haben "), ("3", "Cr."), ("-1", "debit"), ("-2", None), (None, "H")]
    gl = ledger(
        [
            {"date": day("2025-01-01"), "account": "1000", "amount": amount and D(amount), "indicator": word}
            for amount, word in lines
        ]
    )

    found = trial_balance(gl, engine=engine)

    assert rows(found) == [("1000", 6, D(9), D(3), D(6))]  # 10 - 1; 4 - 3 + 2


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("year", "period"), [("2024", "12"), ("2024", "13"), ("2025", "01"), (None, None)]),
        (("period",), [("12",), ("13",), ("01",), (None,)]),
        (("year",), [("2024", "2024-12"), ("2025", "2025-01"), (None, "2025-01")]),
    ],
    ids=["both", "period", "year"],
)
def test_periods_are_the_files_own_where_there_are_any(ledger, engine, names, expected):
    """Year and period as sent, in the order of their days; what is missing of the two comes from the date."""
    lines = [
        {"date": day("2025-01-05"), "year": "2025", "period": "01", "amount": D(1)},
        {"date": day("2024-12-31"), "year": "2024", "period": "13", "amount": D(2)},
        {"date": day("2024-12-01"), "year": "2024", "period": "12", "amount": D(3)},
        {"date": day("2025-01-31"), "year": None, "period": None, "amount": D(4)},
    ]
    gl = ledger([{key: value for key, value in line.items() if key in ("date", "amount", *names)} for line in lines])

    found = by_period(gl, engine=engine)

    assert [row[: len(expected[0])] for row in rows(found)] == expected
    assert found["balance"].tolist()[-1] == D(10)


def test_a_ledger_without_lines_has_the_same_columns(ledger, engine):
    """No lines are no rows, of the same columns and types."""
    names = ("transaction", "date", "account", "account_name", "currency", "amount", "indicator")
    line = {**dict.fromkeys(names, "1"), "date": day("2025-01-01"), "amount": D(1), "indicator": "S"}
    asked = (
        trial_balance,
        by_period,
        unbalanced_transactions,
        lambda gl, engine: account_activity(gl, [], engine=engine),
    )
    some = [ask(ledger([line]), engine=engine).dtypes for ask in asked]
    none = [ask(ledger([], *names), engine=engine) for ask in asked]

    assert [frame.dtypes.to_dict() for frame in none] == [dtypes.to_dict() for dtypes in some]
    assert [len(frame) for frame in none] == [0] * 4


def test_an_unknown_account_is_told_with_its_neighbours(signed, engine):
    """A code without a line is a mistake; codes like it are named."""
    with pytest.raises(ConfigError, match=r"No line is on the account '180'. Near it are '1800'"):
        account_activity(signed, ["0400", "180"], engine=engine)
    with pytest.raises(ConfigError, match=r"'x'. The first accounts are '0400', '1800', '9000'"):
        account_activity(signed, "x", engine=engine)


def test_a_number_is_no_account(signed):
    """400 may be 0400 or 400: nobody guesses."""
    with pytest.raises(ConfigError, match="Write '400'"):
        account_activity(signed, 400)


def test_roles_that_are_needed_are_asked_for(ledger):
    """Without a column that plays the part there is no answer, and the message says how to name one."""
    gl = ledger([{"date": day("2025-01-01"), "amount": D(1)}])

    with pytest.raises(RoleError, match=r"'account'; in this ledger there are date, amount.*roles=\{'account'"):
        trial_balance(gl)
    with pytest.raises(RoleError, match="'account'"):
        account_activity(gl, "1")
    with pytest.raises(RoleError, match="'transaction'"):
        unbalanced_transactions(gl)
    assert rows(by_period(gl))[0][:4] == ("2025-01", day("2025-01-01"), day("2025-01-01"), 1)


def test_an_unknown_engine_is_refused(signed):
    """The message lists the engines."""
    with pytest.raises(ConfigError, match="duckdb, polars, dask, pandas"):
        trial_balance(signed, engine="spark")


@pytest.mark.parametrize(
    ("missing", "expected"), [((), "duckdb"), (("duckdb",), "polars"), (("duckdb", "polars"), "pandas")]
)
def test_the_engine_is_the_fastest_there_is(monkeypatch, missing, expected):
    """DuckDB where it is installed, else Polars, else pandas."""
    from docframes.ledger import sums

    monkeypatch.setattr(sums.importlib.util, "find_spec", lambda name: None if name in missing else object())

    assert sums.chosen(None) == expected


# --- many lines, and a cluster ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def cluster():
    """A Dask cluster of two workers, processes of their own."""
    there("distributed")
    from dask.distributed import Client, LocalCluster

    # Without an address it would ask for port 8787, which another test run may have.
    options = {"n_workers": 2, "threads_per_worker": 1, "processes": True, "dashboard_address": "127.0.0.1:0"}
    with LocalCluster(host="127.0.0.1", **options) as made, Client(made) as client:
        yield client


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    """9,000 lines in order of account, so that the three lines of each transaction lie far apart; some are off."""
    lines = []
    for number in range(3_000):
        cents = number * 7919 % 100_000
        date = datetime(2025, 1 + number % 12, 1 + number % 28)
        wrong = 1 if number % 500 == 0 else 0
        currency = ("EUR", "USD", None)[number % 3]
        parts = ((cents + 1, "10"), (cents, "20"), (-2 * cents - 1 + wrong, "30"))
        lines += [(f"{number:05}", date, f"{code}{number % 5}", currency, D(part) / 100) for part, code in parts]
    lines.sort(key=lambda line: line[2])
    names = ("transaction", "date", "account", "currency", "amount")
    path = tmp_path_factory.mktemp("many") / "transactions.parquet"
    schema = pa.schema([(name, TYPES.get(name, pa.string())) for name in names])
    table = pa.Table.from_pylist([dict(zip(names, line, strict=True)) for line in lines], schema)
    pq.write_table(table, path, row_group_size=1_000, store_schema=False)
    return of_file(path, names), lines


def test_a_trial_balance_adds_up_every_line(many, engine):
    """The figures are those of adding up line by line, in Python's decimals."""
    gl, lines = many
    expected = defaultdict(lambda: [0, D(0), D(0)])
    for _, _, account, currency, amount in lines:
        sums = expected[(account, currency)]
        sums[0] += 1
        sums[1 if amount > 0 else 2] += abs(amount)

    found = trial_balance(gl, engine=engine)

    assert {(row[0], row[1]): list(row[2:5]) for row in rows(found)} == expected


def test_every_open_transaction_is_found(many, engine):
    """Each 500th transaction is off by a cent; the sides are those of all its three lines."""
    gl, lines = many
    wanted = [f"{number:05}" for number in range(0, 3_000, 500)]
    debits = [sum(line[4] for line in lines if line[0] == name and line[4] > 0) for name in wanted]

    found = unbalanced_transactions(gl, engine=engine)

    assert found["transaction"].tolist() == wanted
    assert found["lines"].tolist() == [3] * 6
    assert found["difference"].tolist() == [D("0.01")] * 6
    assert found["debit"].tolist() == debits


def test_scattered_transactions_are_put_together_in_shares(many, monkeypatch):
    """In the order of accounts every sum of a partition is open; Dask then takes some transactions at a time."""
    from docframes.ledger import sums

    monkeypatch.setattr(sums, "_MOST_SUMS", 2_000)
    goes = []
    monkeypatch.setattr(sums, "_mapped", lambda *given, mapped=sums._mapped: goes.append(given[3]) or mapped(*given))

    found = unbalanced_transactions(many[0], engine=there("dask"))

    assert max(goes) == 5
    assert found["transaction"].tolist() == [f"{number:05}" for number in range(0, 3_000, 500)]


def test_transactions_across_partitions_balance_on_a_cluster(ledger, cluster):
    """Forty partitions, each ending within a transaction: all are in balance but the one that is not."""
    lines = [
        {"transaction": f"T{number // 2:03}", "date": day("2025-01-01"), "currency": "GBP", "amount": D(amount)}
        for number, amount in enumerate(["413.83", "-413.83"] * 60)
    ]
    lines[60]["amount"] += D("0.01")
    gl = ledger(lines, group=3)

    found = unbalanced_transactions(gl, engine="dask")

    assert gl.store.path("transactions").exists()
    assert len(cluster.scheduler_info()["workers"]) == 2
    assert rows(found) == [("T030", "GBP", 2, D("413.84"), D("413.83"), D("0.01"), day("2025-01-01"))]


@pytest.mark.parametrize("ask", [trial_balance, by_period, unbalanced_transactions], ids=lambda ask: ask.__name__)
def test_a_cluster_gives_the_same(many, cluster, ask):
    """Two processes that read the file themselves come to the frame that one comes to."""
    found, alone = ask(many[0], engine="dask"), ask(many[0], engine="pandas")

    pd.testing.assert_frame_equal(found, alone)
    assert len(cluster.scheduler_info()["workers"]) == 2
