"""Ledgers that nobody here wrote, against the totals published with them."""

from __future__ import annotations

import csv
import io
import os
import zipfile
from collections import defaultdict
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest

from docframes.ledger import read_ledger, trial_balance, unbalanced_transactions
from docframes.ledger.sums import ENGINES

BESIDE = Path(__file__).parents[2] / "shared" / "data"
DATA = Path(os.environ.get("DOCFRAMES_REAL_DATA", BESIDE))

pytestmark = pytest.mark.skipif(
    not DATA.is_dir(), reason="no real ledgers: DOCFRAMES_REAL_DATA is not set and ../shared/data is not there"
)


@pytest.fixture(scope="module")
def aicpa():
    return read_ledger(DATA / "aicpa-gl" / "GL_Detail_20070101_20071231.zip")


def sie(start: str) -> Path:
    return next(path for path in sorted((DATA / "sie").iterdir()) if path.name.startswith(start))


def test_the_audit_data_standard_ledger_adds_up(aicpa):
    """28,160 lines in 13,295 journals, to the cent, though 23,137 dates are placeholders."""
    assert (aicpa.totals.lines, aicpa.totals.transactions) == (28_160, 13_295)
    assert aicpa.totals.debit == Decimal("463852232.48")
    assert aicpa.totals.credit == Decimal("464481704.37")
    assert aicpa.controls["currency"].tolist() == ["EUR", "USD"]
    assert aicpa.controls["debit"].sum() == Decimal("463852232.48")
    assert aicpa.transactions["date"].isna().sum() == 23_137
    assert aicpa.problems[["line", "rule", "value", "count"]].values.tolist() == [
        [2, "placeholder date", "19000101", 23_137]
    ]
    assert aicpa.totals.first_date.year == 2007


def test_the_audit_data_standard_ledger_meets_its_own_log(aicpa):
    """Every journal's sum by side is the one of the log published with it, in the digits that the log shows."""
    with (DATA / "aicpa-gl" / "log_file.csv").open(encoding="utf-8-sig") as file:
        log = {
            (row["Journal_ID"], row["Amount_Credit_Debit_Indicator"]): float(row["Total"])
            for row in csv.DictReader(file)
        }
    lines = aicpa.transactions
    found: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for journal, side, amount in zip(lines["transaction"], lines["indicator"], lines["amount"], strict=True):
        found[(journal, side)] += abs(Decimal(repr(amount)))

    # The log shows ten digits, one fewer than its one large journal has.
    assert found.keys() == log.keys()
    assert all(float(total) == pytest.approx(log[key], rel=1e-9) for key, total in found.items())


def test_times_of_five_digits_are_read(aicpa):
    """90036 is 09:00:36; 190 lines were entered between 20:00 and 06:00, as published."""
    hours = aicpa.transactions["entered_at"].dt.hour

    assert aicpa.transactions["entered_at"].notna().all()
    assert ((hours >= 20) | (hours < 6)).sum() == 190


@pytest.mark.parametrize(
    ("start", "vouchers", "lines", "total"),
    [("BL0001", 84, 405, "1014803.21"), ("magenta", 19, 84, "484154.00"), ("transaktioner", 163, 671, "12043111.52")],
)
def test_the_sie_ledgers_add_up(start, vouchers, lines, total):
    """Vouchers, lines, debit and credit to the cent; the company's name with its own letters."""
    gl = read_ledger(sie(start))

    assert (gl.totals.transactions, gl.totals.lines) == (vouchers, lines)
    assert gl.totals.debit == gl.totals.credit == Decimal(total)
    assert gl.totals.difference == 0
    assert len(gl.problems) == 0
    assert ", balanced to 0.00, store " in repr(gl)


@pytest.mark.parametrize("start", ["BL0001", "magenta", "transaktioner"])
def test_the_sie_ledgers_are_those_of_the_csv_module(start):
    """Line by line, every value is what the csv module and decimal read."""
    with zipfile.ZipFile(sie(start)) as archive:
        text = archive.read("transactions.csv").decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text), delimiter="|"))

    lines = read_ledger(sie(start), amounts="decimal").transactions

    assert lines["amount"].tolist() == [Decimal(row["amount"]) for row in rows]
    assert lines["source_line"].tolist() == list(range(2, len(rows) + 2))
    assert lines["date"].dt.strftime("%Y%m%d").tolist() == [row["date"] for row in rows]
    for role, column in {"account": "account", "text": "text", "journal": "series", "reference": "number"}.items():
        assert lines[role].fillna("").tolist() == [row[column] for row in rows]


def test_a_sie_ledger_rolls_forward():
    """Opening and movements make closing, and the period balances are the movements."""
    gl = read_ledger(sie("transaktioner"), amounts="decimal")
    moved = gl.transactions.groupby("account")["amount"].sum().to_dict()
    by_period = gl.transactions.groupby([gl.transactions["date"].dt.strftime("%Y%m"), "account"])["amount"].sum()
    sheet = gl.period_balances_summarised.dropna(subset=["closing"])

    for row in sheet.itertuples():
        opening = Decimal(0) if pd.isna(row.opening) else row.opening
        assert opening + moved.get(row.account, Decimal(0)) == row.closing
    assert len(gl.period_balances) == 158
    for row in gl.period_balances.itertuples():
        assert by_period[(row.period, row.account)] == row.movement


def test_names_keep_their_letters():
    """å, ä and ö are read as sent."""
    gl = read_ledger(sie("magenta"))

    assert gl.name == "TESTFÖRETAGET AB"
    assert "Försäljning produkt A-1" in set(gl.transactions["account_name"])


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("start", ["BL0001", "magenta", "transaktioner"])
def test_every_engine_adds_a_sie_ledger_up_as_the_csv_module_does(engine, start):
    """Each account to the last digit, debit and credit to the file's totals."""
    with zipfile.ZipFile(sie(start)) as archive:
        text = archive.read("transactions.csv").decode("utf-8-sig")
    by_hand: defaultdict[str, Decimal] = defaultdict(Decimal)
    for row in csv.DictReader(io.StringIO(text), delimiter="|"):
        by_hand[row["account"]] += Decimal(row["amount"])
    gl = read_ledger(sie(start))

    balances = trial_balance(gl, engine=engine)

    assert dict(zip(balances["account"], balances["balance"], strict=True)) == by_hand
    assert balances["debit"].sum() == gl.totals.debit
    assert balances["credit"].sum() == gl.totals.credit


@pytest.mark.parametrize("engine", ENGINES)
def test_every_engine_adds_the_aicpa_ledger_up_as_published(engine, aicpa):
    """Debits, credits and lines of 28,160 lines in two currencies; four journals are out of balance."""
    balances = trial_balance(aicpa, engine=engine)

    assert balances["lines"].sum() == 28_160
    assert balances["debit"].sum() == Decimal("463852232.48")
    assert balances["credit"].sum() == Decimal("464481704.37")
    assert unbalanced_transactions(aicpa, engine=engine)["transaction"].nunique() == 4
