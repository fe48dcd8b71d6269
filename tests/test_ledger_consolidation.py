"""Several ledgers as one: each line keeps its engagement, and no figure changes on the way."""

from __future__ import annotations

from decimal import Decimal

import pandas as pd
import pytest

from docframes.errors import ConfigError
from docframes.ledger import (
    by_period,
    consolidate,
    open_ledger,
    read_ledger,
    trial_balance,
    unbalanced_transactions,
)
from docframes.ledger.sums import ENGINES

#: With a debit and a credit, one of them negative, and a column that is a role elsewhere.
NORTH = (
    "Transaction ID,Date,Account,Debit,Credit,Currency,Period,Approved,extra\n"
    "1,2025-01-05,4000,,100.10,EUR,01,yes,a\n"
    "1,2025-01-05,1200,100.10,,EUR,01,yes,b\n"
    "2,2025-02-05,1200,-0.01,,EUR,02,,c\n"
)
#: With an indicator, a finer amount, and the same transaction id.
SOUTH = (
    "Transaction ID,Date,Account,Amount,DR/CR,Currency,Approved By,EXTRA,Debit Note\n"
    "1,2025-03-01,1200,0.00000001,D,EUR,ann,d,x\n"
    "1,2025-03-01,,5,C,USD,bob,e,y\n"
)


@pytest.fixture
def ledgers(tmp_path):
    """Two engagements."""
    for name, text in (("north", NORTH), ("south", SOUTH)):
        (tmp_path / f"{name}.csv").write_text(text)
    return {"4711": read_ledger(tmp_path / "north.csv"), "4712": read_ledger(tmp_path / "south.csv", scale=8)}


def test_lines_stand_below_one_another_with_their_engagement(ledgers):
    """In the order given, columns by role first, those that one file lacks missing in its lines."""
    both = consolidate(ledgers, amounts="decimal")

    lines = both.transactions
    assert lines.columns[0] == "engagement_id"
    assert lines["engagement_id"].tolist() == ["4711"] * 3 + ["4712"] * 2
    amounts = ["-100.10", "100.10", "-0.01", "0.00000001", "-5"]
    assert lines["amount"].tolist() == [Decimal(amount) for amount in amounts]
    assert lines["period"].fillna("-").tolist() == ["01", "01", "02", "-", "-"]
    assert lines["approved_by"].fillna("-").tolist() == ["-", "-", "-", "ann", "bob"]
    assert lines["source_line"].tolist() == [2, 3, 4, 2, 3]


def test_columns_that_differ_in_case_only_are_one(ledgers):
    """``extra`` and ``EXTRA`` would be one column to SQL, so they are one here, spelt as it came first."""
    both = consolidate(ledgers)

    assert both.transactions["extra"].tolist() == ["a", "b", "c", "d", "e"]
    assert "EXTRA" not in both.transactions.columns
    names = [name.casefold() for name in both.transactions.columns]
    assert len(set(names)) == len(names)


def test_control_totals_are_the_sums_of_the_ledgers_own(ledgers):
    """By currency, exactly; the same id in two engagements is two transactions."""
    both = consolidate(ledgers)

    rows = both.controls.set_index("currency")
    assert rows.loc["EUR", "debit"] == Decimal("100.09000001")  # 100.10 - 0.01 + 0.00000001
    assert rows.loc["EUR", "credit"] == Decimal("100.10")
    assert rows.loc["USD", "credit"] == 5
    assert rows["transactions"].to_dict() == {"EUR": 3, "USD": 1}
    assert (both.totals.lines, both.totals.transactions) == (5, 3)
    assert both.totals.last_date == pd.Timestamp("2025-03-01")
    assert repr(both).startswith("GeneralLedger north + south, engagements 4711, 4712, 5 lines in 3 transactions, ")


@pytest.mark.parametrize("engine", ENGINES)
def test_balances_keep_engagements_apart(engine, ledgers):
    """One row for each engagement, account and currency, debit and credit as in the control totals."""
    both = consolidate(ledgers)

    balances = trial_balance(both, engine=engine)

    assert list(balances.columns[:3]) == ["engagement_id", "account", "currency"]
    told = balances[["engagement_id", "account", "debit", "credit"]].fillna({"account": "-"}).values.tolist()
    assert told == [
        ["4711", "1200", Decimal("100.09"), 0],
        ["4711", "4000", 0, Decimal("100.10")],
        ["4712", "1200", Decimal("0.00000001"), 0],
        ["4712", "-", 0, 5],
    ]
    assert balances["debit"].sum() == both.totals.debit
    assert by_period(both, engine=engine)["engagement_id"].tolist() == ["4711", "4711", "4712", "4712"]
    open_ones = unbalanced_transactions(both, engine=engine)
    keys = open_ones[["engagement_id", "transaction", "currency"]].values.tolist()
    assert keys == [["4711", "2", "EUR"], ["4712", "1", "EUR"], ["4712", "1", "USD"]]


def test_what_was_wrong_and_where_it_came_from_stay_known(tmp_path, ledgers):
    """Members, problems and checksums carry their engagement; unrecognised files are kept."""
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "Transactions.csv").write_text("Transaction ID,Date,Amount\n1,1900-01-01,5\n")
    (folder / "other.csv").write_text("a,b\n1,2\n")

    both = consolidate({**ledgers, "4713": read_ledger(folder)}, name="Group")

    assert both.name == "Group"
    assert both.problems[["member", "line", "rule"]].values.tolist() == [
        ["4713/Transactions.csv", 2, "placeholder date"]
    ]
    assert both.others["4713/other.csv"]["b"].tolist() == ["2"]
    assert set(both.store.facts["archives"]) == {
        "4711/north.csv", "4712/south.csv", "4713/folder/Transactions.csv", "4713/folder/other.csv",
    }  # fmt: skip


def test_it_is_a_ledger_like_any_other(tmp_path, ledgers):
    """Written once, found again, saved, opened, asked in SQL, and put together further."""
    both = consolidate(ledgers)

    assert consolidate(ledgers).store.folder == both.store.folder
    both.save(tmp_path / "kept")
    assert open_ledger(tmp_path / "kept").totals == both.totals
    counted = both.sql("select engagement_id, count(*) as lines from transactions group by 1 order by 1")
    assert counted["lines"].tolist() == [3, 2]


@pytest.mark.parametrize("wrong", [{}, [], None, {"4711": pd.DataFrame()}])
def test_what_is_no_ledger_is_refused(wrong):
    """With a word on what was wanted."""
    with pytest.raises(ConfigError, match="consolidate wants"):
        consolidate(wrong)
