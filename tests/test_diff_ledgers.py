"""Two uploads of a ledger: lines that appeared, vanished, moved and changed, and what of it touches a closed period."""

from __future__ import annotations

import csv
import importlib.util
import io
import os
import zipfile
from collections import Counter
from datetime import date, datetime
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import docframes
from docframes import consolidate, read_ledger, sandbox
from docframes.comparison import LedgerDifferences, lines
from docframes.errors import ColumnError, ConfigError

if importlib.util.find_spec("duckdb") is None and not os.environ.get("CI"):
    pytest.skip("duckdb is not installed: pip install 'docframes[scale]'", allow_module_level=True)

D = Decimal

#: A ledger of two periods: with line numbers, and two lines of T2 that differ in nothing else.
NUMBERED = """\
Transaction ID,Line,Date,Period,Account,Text,Currency,Amount
T1,1,2025-01-10,01,4000,sale,EUR,-100.00
T1,2,2025-01-10,01,1200,sale,EUR,100.00
T2,1,2025-01-20,01,7000,fee,EUR,5.00
T2,2,2025-01-20,01,7000,fee,EUR,5.00
T2,3,2025-01-20,01,1200,fees,EUR,-10.00
T3,1,2025-02-03,02,7000,rent,EUR,800.00
T3,2,2025-02-03,02,1200,rent,EUR,-800.00
"""
#: The same, where nothing numbers the lines.
PLAIN = "\n".join(",".join([*row[:1], *row[2:]]) for row in csv.reader(io.StringIO(NUMBERED))) + "\n"


@pytest.fixture
def ledger(tmp_path):
    """A ledger of a CSV, after changes to its text: ``ledger(NUMBERED, ("800.00", "900.00"))``."""

    def make(text, *changes, **options):
        for before, after in changes:
            assert text.count(before) == 1, before
            text = text.replace(before, after)
        path = tmp_path / f"{len(list(tmp_path.glob('*.csv')))}.csv"
        path.write_text(text)
        return read_ledger(path, **options)

    return make


def told(frame, *columns):
    """These columns as tuples, missing values as None."""
    rows = frame[list(columns)].itertuples(index=False)
    return [tuple(None if pd.isna(value) else value for value in row) for row in rows]


def sizes(found):
    return {name: len(getattr(found, name)) for name in ("appeared", "vanished", "moved", "changed")}


def explained(found):
    """Nothing is left over, by hand from the columns of the check."""
    columns = ("new_total", "old_total", "appeared", "vanished", "changed", "unexplained")
    return all(
        new == old + appeared - vanished + changed and unexplained == 0
        for new, old, appeared, vanished, changed, unexplained in told(found.check, *columns)
    )


# --- the invented company, edited by hand -----------------------------------------------------------------------------

HEAD = "GL_Transactions.csv"


@pytest.fixture
def company(tmp_path):
    """The ledger of the invented company, of 400 lines, as dicts of text."""
    with zipfile.ZipFile(sandbox.write_ledger(tmp_path / "company.zip", lines=400)) as archive:
        return list(csv.DictReader(io.StringIO(archive.read(HEAD).decode(), newline="")))


@pytest.fixture
def upload(tmp_path):
    """A ledger of such lines, in a zip as it is uploaded: ``upload("first", lines)``."""

    def make(name, listed):
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, listed[0])
        writer.writeheader()
        writer.writerows(listed)
        with zipfile.ZipFile(tmp_path / f"{name}.zip", "w") as archive:
            archive.writestr(HEAD, text.getvalue())
        return read_ledger(tmp_path / f"{name}.zip")

    return make


def test_lines_put_into_taken_from_and_moved_into_a_closed_quarter_are_told(company, upload):
    """Five edits by hand between two uploads: each is one row, in words, with what it adds to the closed periods."""
    april = [row for row in company if row["PERIOD_ID"] == "01"]
    march = [row for row in company if row["PERIOD_ID"] == "12"]
    taken, changed, out, into = april[0], april[5], april[9], march[-1]
    assert len({row["GL_TX_LINE_ID"] for row in (taken, changed, out, into)}) == 4
    put = {**april[3], "GL_TX_ID": "900001", "GL_TX_LINE_ID": "900000001", "BASE_VALUE": "12345.67"}
    late = {**march[3], "GL_TX_ID": "900002", "GL_TX_LINE_ID": "900000002", "BASE_VALUE": "-1.00"}
    edits = {
        changed["GL_TX_LINE_ID"]: {"BASE_VALUE": str(D(changed["BASE_VALUE"]) + D("0.01")), "ACCOUNT_CODE": "9998"},
        out["GL_TX_LINE_ID"]: {"PERIOD_ID": "05", "GL_TX_DATE": "2025-08-15"},
        into["GL_TX_LINE_ID"]: {"PERIOD_ID": "03"},
    }
    second = [{**row, **edits.get(row["GL_TX_LINE_ID"], {})} for row in company if row is not taken]
    second = [{**row, "UPLOAD_ID": "second", "UPLOAD_DATE": "2026-05-01T00:00:00Z"} for row in [*second, put, late]]

    found = docframes.diff(upload("first", company), upload("second", second), closed=["01", "02", "03"])

    value = {name: D(row["BASE_VALUE"]) for name, row in (("taken", taken), ("out", out), ("into", into))}
    id_of = {
        name: row["GL_TX_LINE_ID"]
        for name, row in (("taken", taken), ("out", out), ("into", into), ("changed", changed))
    }
    assert sorted(told(found.closed, "what", "line", "effect")) == [
        ("appeared in a closed period", "900000001", D("12345.67")),
        ("changed in a closed period", id_of["changed"], D("0.01")),
        ("moved into a closed period", id_of["into"], value["into"]),
        ("moved out of a closed period", id_of["out"], -value["out"]),
        ("vanished from a closed period", id_of["taken"], -value["taken"]),
    ]
    assert told(found.appeared, "line", "in_closed") == [("900000001", True), ("900000002", False)]
    assert told(found.vanished, "line", "amount", "in_closed") == [(id_of["taken"], value["taken"], True)]
    moves = "line", "old_period", "period", "old_date", "date"
    days = {name: datetime.fromisoformat(row["GL_TX_DATE"]) for name, row in (("out", out), ("into", into))}
    assert sorted(told(found.moved, *moves)) == sorted(
        [
            (id_of["out"], "01", "05", days["out"], datetime(2025, 8, 15)),
            (id_of["into"], "12", "03", days["into"], days["into"]),
        ]
    )
    assert told(found.changed, "line", "columns", "difference") == [(id_of["changed"], "account, amount", D("0.01"))]
    assert found.same == 400 - 4
    # The first upload's lines stand in its file from line 2 on; in the second, one is gone before them.
    place = company.index(changed)
    assert told(found.changed, "old_source_line", "source_line") == [(place + 2, place + 1)]
    assert explained(found)
    words = "2 appeared, 1 vanished, 2 moved, 1 changed; 5 of them in closed periods; 396 lines the same"
    assert repr(found) == f"LedgerDifferences second: {words}; totals explained to 0.00"


def test_totals_are_those_of_the_csv_added_up_by_hand(company, upload):
    """Old and new, debit and credit, line for line."""
    second = [*company[3:], {**company[0], "GL_TX_LINE_ID": "x", "BASE_VALUE": "0.01"}]
    found = docframes.diff(upload("first", company), upload("second", second))

    def totals(listed):
        values = [D(row["BASE_VALUE"]) for row in listed]
        return sum(value for value in values if value > 0), sum(value for value in values if value <= 0)

    assert found.check["side"].tolist() == ["debit", "credit"]
    assert tuple(found.check["old_total"]) == totals(company)
    assert tuple(found.check["new_total"]) == totals(second)
    assert found.check["old_lines"].sum() == 400
    assert found.check["new_lines"].sum() == 398
    assert explained(found)


def test_a_ledger_with_planted_faults_against_one_in_order(tmp_path):
    """The faults shift numbers of transactions, so much differs; and every penny of it is explained."""
    clean = read_ledger(sandbox.write_ledger(tmp_path / "clean.zip", lines=1_500))
    faulty = read_ledger(sandbox.write_ledger(tmp_path / "faulty.zip", lines=1_500, faults=True))

    found = docframes.diff(clean, faulty, closed="2025-06-30")

    assert sizes(found)["appeared"] > 0
    assert explained(found)
    both = found.same + sizes(found)["moved"] + sizes(found)["changed"]
    assert (both + sizes(found)["vanished"], both + sizes(found)["appeared"]) == (1_500, 1_500)
    # The unbalanced journal of May is 100.00 above: what the differences add up to is that.
    assert sum(found.check["new_total"]) - sum(found.check["old_total"]) == D(100)


def test_the_same_upload_twice_has_no_difference(company, upload):
    """In another order, under another upload id."""
    second = [{**row, "UPLOAD_ID": "second"} for row in reversed(company)]

    found = docframes.diff(upload("first", company), upload("second", second), closed="2026-12-31")

    assert not found
    assert found.same == 400
    assert len(found.everywhere) == len(found.closed) == 0
    words = "no line differs; closed periods as they were; 400 lines the same; totals explained to 0.00"
    assert repr(found) == f"LedgerDifferences second: {words}"


# --- lines with a number ----------------------------------------------------------------------------------------------


def test_a_line_is_found_again_by_its_number(ledger):
    """Amount, text and account in one row; every cell with what it was."""
    found = docframes.diff(
        ledger(NUMBERED),
        ledger(NUMBERED, ("T3,1,2025-02-03,02,7000,rent,EUR,800.00", "T3,1,2025-02-03,02,7001,,EUR,810.50")),
    )

    assert told(found.changed, "transaction", "line", "columns", "difference") == [
        ("T3", "1", "account, text, amount", D("10.50"))
    ]
    assert told(found.cells, "transaction", "line", "column", "old", "new", "old_source_line", "source_line") == [
        ("T3", "1", "account", "7000", "7001", 7, 7),
        ("T3", "1", "text", "rent", None, 7, 7),
        ("T3", "1", "amount", "800.000000", "810.500000", 7, 7),
    ]
    assert sizes(found) == {"appeared": 0, "vanished": 0, "moved": 0, "changed": 1}
    assert told(found.check, "currency", "side", "old_total", "changed", "new_total") == [
        ("EUR", "debit", D(910), D("10.50"), D("920.50")),
        ("EUR", "credit", D(-910), D(0), D(-910)),
    ]


def test_lines_that_are_numbered_anew_are_the_same(ledger):
    """One more at the front of T3 moves the numbers of the others, which is no change of theirs."""
    new = ledger(
        NUMBERED,
        ("T3,1,", "T3,1,2025-02-03,02,7500,water,EUR,9.00\nT3,2,"),
        ("T3,2,2025-02-03,02,1200", "T3,3,2025-02-03,02,1200"),
    )

    found = docframes.diff(ledger(NUMBERED), new)

    assert told(found.appeared, "transaction", "line", "text", "amount") == [("T3", "1", "water", D(9))]
    assert sizes(found) == {"appeared": 1, "vanished": 0, "moved": 0, "changed": 0}
    assert (found.same, found.renumbered) == (7, 2)
    assert "7 lines the same, 2 of them numbered anew" in repr(found)


def test_equal_lines_that_swap_their_numbers_have_not_moved(ledger):
    """One in January and one in February before and after: neither period has won or lost one."""
    text = NUMBERED.replace("T2,2,2025-01-20,01", "T2,2,2025-02-20,02")
    swapped = text.replace("T2,1,", "T2,x,").replace("T2,2,", "T2,1,").replace("T2,x,", "T2,2,")

    found = docframes.diff(ledger(text), ledger(swapped), closed=["01"])

    assert not found
    assert found.renumbered == 2


def test_a_line_may_move_and_change_at_once(ledger):
    """It is one that changed, and the closed period it came into is told."""
    new = ledger(NUMBERED, ("T3,1,2025-02-03,02,7000,rent,EUR,800.00", "T3,1,2025-01-31,01,7000,rent,EUR,700.00"))

    found = docframes.diff(ledger(NUMBERED), new, closed="2025-01-31")

    assert told(found.changed, "columns", "old_period", "period", "old_date", "in_closed") == [
        ("date, period, amount", "02", "01", datetime(2025, 2, 3), True)
    ]
    assert told(found.closed, "what", "effect") == [("moved into a closed period and changed", D(700))]
    back = docframes.diff(new, ledger(NUMBERED), closed=["01"])
    assert told(back.closed, "what", "effect") == [("moved out of a closed period and changed", D(-700))]


def test_who_moved_a_line_and_when_goes_with_it(ledger):
    """A program writes that beside; written alone it is a change."""
    text = NUMBERED.replace(",Amount", ",Amount,Modified By").replace(".00\n", ".00,ann\n")
    moved = ledger(text, ("T3,1,2025-02-03,02,7000,rent,EUR,800.00,ann", "T3,1,2025-01-03,01,7000,rent,EUR,800.00,bob"))
    marked = ledger(text, ("rent,EUR,800.00,ann", "rent,EUR,800.00,bob"))

    assert sizes(docframes.diff(ledger(text), moved)) == {"appeared": 0, "vanished": 0, "moved": 1, "changed": 0}
    assert told(docframes.diff(ledger(text), marked).changed, "columns") == [("modified_by",)]


def test_a_number_that_two_lines_share_pairs_none(ledger):
    """Which of them became which is not for us to guess: they vanish and appear."""
    twice = NUMBERED.replace("T3,2,", "T3,1,")
    new = ledger(twice, ("7000,rent", "7001,rent"), ("1200,rent", "1201,rent"))

    found = docframes.diff(ledger(twice), new)

    assert sizes(found) == {"appeared": 2, "vanished": 2, "moved": 0, "changed": 0}
    assert explained(found)


def test_a_currency_that_changed_leaves_one_total_for_the_other(ledger):
    """The check is by currency: what EUR lost, USD won."""
    new = ledger(NUMBERED, ("rent,EUR,800.00", "rent,USD,800.00"))

    found = docframes.diff(ledger(NUMBERED), new)

    assert told(found.check, "currency", "side", "old_lines", "new_lines", "changed", "new_total") == [
        ("EUR", "debit", 4, 3, D(-800), D(110)),
        ("EUR", "credit", 3, 3, D(0), D(-910)),
        ("USD", "debit", 0, 1, D(800), D(800)),
    ]
    assert explained(found)


# --- lines without a number -------------------------------------------------------------------------------------------


def test_of_two_equal_lines_one_may_vanish(ledger):
    """A line that stood twice and stands once has vanished once; without a number nothing is said to have changed."""
    new = ledger(PLAIN.replace("T2,2025-01-20,01,7000,fee,EUR,5.00\n", "", 1), ("rent,EUR,800.00", "rent,EUR,810.00"))

    found = docframes.diff(ledger(PLAIN), new)

    assert told(found.vanished, "transaction", "text", "amount") == [("T2", "fee", D(5)), ("T3", "rent", D(800))]
    assert told(found.appeared, "transaction", "text", "amount") == [("T3", "rent", D(810))]
    assert sizes(found) == {"appeared": 1, "vanished": 2, "moved": 0, "changed": 0}
    assert explained(found)


def test_a_line_is_moved_when_only_its_place_in_time_differs(ledger):
    """Within its transaction; the two equal lines of T2 move one by one."""
    new = ledger(PLAIN.replace("T2,2025-01-20,01,7000", "T2,2025-02-01,02,7000", 1))

    found = docframes.diff(ledger(PLAIN), new, closed="2025-01-31")

    assert told(found.moved, "transaction", "amount", "old_date", "date", "old_period", "period", "in_closed") == [
        ("T2", D(5), datetime(2025, 1, 20), datetime(2025, 2, 1), "01", "02", True)
    ]
    assert told(found.closed, "what", "effect", "amount", "old_period", "period") == [
        ("moved out of a closed period", D(-5), D(5), "01", "02")
    ]
    assert sizes(found) == {"appeared": 0, "vanished": 0, "moved": 1, "changed": 0}


def test_a_line_does_not_move_to_another_transaction(ledger):
    """Under another transaction it is another line; whoever leaves the ids aside finds it moved."""
    changes = ("T3,2025-02-03,02,7000", "T9,2025-01-03,01,7000")

    apart = docframes.diff(ledger(PLAIN), ledger(PLAIN, changes))
    aside = docframes.diff(ledger(PLAIN), ledger(PLAIN, changes), ignore="transaction")

    assert sizes(apart) == {"appeared": 1, "vanished": 1, "moved": 0, "changed": 0}
    assert sizes(aside) == {"appeared": 0, "vanished": 0, "moved": 1, "changed": 0}


LINES = st.lists(
    st.tuples(
        st.sampled_from(["T1", "T2"]), st.sampled_from(["01", "02"]), st.sampled_from(["", "x"]), st.integers(1, 2)
    ),
    min_size=1,
    max_size=7,
)


@given(LINES, LINES)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_differences_turn_one_multiset_of_lines_into_the_other(tmp_path_factory, before, after):
    """Without numbers: as many lines vanish, move and appear as a counter of whole lines says, whatever repeats."""
    folder = tmp_path_factory.mktemp("ledgers")
    gls = []
    for name, listed in (("old", before), ("new", after)):
        rows = "".join(f"{tx},2025-{period}-01,{period},4000,{text},{amount}\n" for tx, period, text, amount in listed)
        (folder / f"{name}.csv").write_text("Transaction ID,Date,Period,Account,Text,Amount\n" + rows)
        gls.append(read_ledger(folder / f"{name}.csv", cache_dir=folder))

    found = docframes.diff(*gls, closed=["01"] if "01" in {line[1] for line in before + after} else None)

    def counted(frame):
        rows = told(frame, "transaction", "period", "text", "amount")
        return Counter((tx, period, text or "", int(amount)) for tx, period, text, amount in rows)

    moved = told(found.moved, "transaction", "old_period", "text", "amount")
    left = Counter((tx, period, text or "", int(amount)) for tx, period, text, amount in moved)
    same = Counter(before) & Counter(after)
    assert found.same == same.total()
    assert counted(found.vanished) + left == Counter(before) - same
    assert counted(found.appeared) + counted(found.moved) == Counter(after) - same
    # What could have moved has: no line vanished while an equal one appeared elsewhere in time.
    vanished, appeared = ({(tx, *rest) for tx, _, *rest in counted(some)} for some in (found.vanished, found.appeared))
    assert not vanished & appeared
    closed = sum(amount for _, period, _, amount in after if period == "01")
    closed -= sum(amount for _, period, _, amount in before if period == "01")
    assert sum(found.closed["effect"], D(0)) == closed
    assert explained(found)


def test_two_values_of_one_hash_are_not_taken_for_one(ledger, monkeypatch):
    """Lines are looked up by a hash; where all share one, values alone decide, and the answer is the same."""
    head, *listed = PLAIN.replace("T2,2025-01-20,01,7000,fee,EUR,5.00\n", "", 1).splitlines()
    turned = "\n".join([head, *reversed(listed)]) + "\n"
    monkeypatch.setattr(lines, "HASH", "0 * hash({})")

    found = docframes.diff(ledger(PLAIN), ledger(turned, ("T3,2025-02-03,02,7000", "T3,2025-03-03,03,7000")))

    assert told(found.vanished, "transaction", "amount") == [("T2", D(5))]
    assert told(found.moved, "transaction", "amount", "period") == [("T3", D(800), "03")]
    assert (sizes(found)["appeared"], found.same) == (0, 5)


# --- what is compared -------------------------------------------------------------------------------------------------


def test_the_last_digit_of_an_amount_counts(ledger):
    """A millionth more is another line; it is told with all its digits."""
    old = ledger(PLAIN, ("rent,EUR,800.00", "rent,EUR,12345678901234567890.000001"))
    new = ledger(PLAIN, ("rent,EUR,800.00", "rent,EUR,12345678901234567890.000002"))

    found = docframes.diff(old, new)

    assert found.vanished["amount"].tolist() == [D("12345678901234567890.000001")]
    assert found.appeared["amount"].tolist() == [D("12345678901234567890.000002")]
    assert explained(found)


def test_dates_written_otherwise_are_the_same_dates(ledger):
    """The second upload has ``20250110`` where the first had ``2025-01-10``; what was no date is compared as text."""
    old = ledger(PLAIN, ("T3,2025-02-03,02,1200", "T3,0000-00-00,02,1200"))
    text = PLAIN.replace("T3,2025-02-03,02,1200", "T3,00000000,02,1200")
    new = ledger(text.replace("2025-01-", "202501").replace("2025-02-", "202502"))

    found = docframes.diff(old, new)

    assert old.transactions["date"].isna().sum() == 1
    assert told(found.vanished, "account", "Date_source") == [("1200", "0000-00-00")]
    assert told(found.appeared, "account", "Date_source") == [("1200", "00000000")]
    assert found.same == 6


def test_what_a_whole_upload_says_is_told_once(ledger):
    """Not for each of its lines: a company that was renamed, a run of the export."""
    old = NUMBERED.replace("Amount\n", "Amount,Exported,Team\n").replace(".00\n", ".00,March,a\n")
    new = old.replace(",March,", ",April,").replace("rent,EUR,800.00,April,a", "rent,EUR,800.00,April,b")

    found = docframes.diff(ledger(old), ledger(new))

    assert told(found.everywhere, "column", "old", "new") == [("Exported", "March", "April")]
    assert told(found.changed, "transaction", "line", "columns") == [("T3", "1", "Team")]


def test_columns_of_one_ledger_only_are_told(ledger):
    """And compared no further; lines keep them all."""
    old = NUMBERED.replace("Amount\n", "Amount,Team\n").replace(".00\n", ".00,a\n")
    new = NUMBERED.replace("Amount\n", "Amount,Site\n").replace(".00\n", ".00,s\n").replace("T1,1,", "T0,1,")

    found = docframes.diff(ledger(old), ledger(new))

    assert (found.columns_added, found.columns_removed) == (("Site",), ("Team",))
    assert told(found.vanished, "transaction", "Team") == [("T1", "a")]
    assert told(found.appeared, "transaction", "Site") == [("T0", "s")]
    assert found.same == 6
    assert "1 column added (Site); 1 column removed (Team)" in repr(found)


def test_what_is_ignored_is_not_compared(ledger):
    """A text that somebody tidied up."""
    new = ledger(NUMBERED.replace("rent", "Rent"))

    assert sizes(docframes.diff(ledger(NUMBERED), new))["changed"] == 2
    assert not docframes.diff(ledger(NUMBERED), new, ignore=["text"])


def test_amounts_of_another_scale_are_compared_by_value(ledger):
    """Six digits after the point in the one store, two in the other."""
    assert not docframes.diff(ledger(PLAIN), ledger(PLAIN, scale=2))
    assert not docframes.diff(ledger(PLAIN, scale=2), ledger(PLAIN))


def test_ledgers_put_together_are_compared_by_engagement(ledger):
    """The same transaction in two engagements is two."""
    first, second = ledger(NUMBERED), ledger(NUMBERED, ("rent,EUR,800.00", "rent,EUR,900.00"))

    found = docframes.diff(consolidate({"a": first, "b": first}), consolidate({"a": first, "b": second}))

    assert told(found.cells, "engagement_id", "transaction", "line", "column", "old", "new") == [
        ("b", "T3", "1", "amount", "800.000000", "900.000000")
    ]
    assert found.same == 13


def test_names_of_ours_give_way_to_the_ledgers(ledger):
    """A ledger may have a column ``What`` or ``in_closed``."""
    text = NUMBERED.replace("Amount\n", "Amount,What,in_closed\n").replace(".00\n", ".00,a,b\n")

    found = docframes.diff(
        ledger(text), ledger(text, ("T3,1,", "T3,9,"), ("rent,EUR,800", "Rent,EUR,800")), closed="2025-12-31"
    )

    assert told(found.closed, "what_", "What", "line") == [
        ("appeared in a closed period", "a", "9"),
        ("vanished from a closed period", "a", "1"),
    ]
    assert told(found.appeared, "in_closed", "in_closed_") == [("b", True)]


# --- closed periods ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("closed", "inside"),
    [
        (None, []),
        ("2025-01-19", ["T1"]),
        ("2025-01-20", ["T1", "T2"]),
        (date(2025, 1, 20), ["T1", "T2"]),
        (datetime(2025, 2, 3, 12), ["T1", "T2", "T3"]),
        (pd.Timestamp("2025-01-10"), ["T1"]),
        (np.datetime64("2025-01-10"), ["T1"]),
        (["01"], ["T1", "T2"]),
        ({"01", "02"}, ["T1", "T2", "T3"]),
        (pd.Series(["02"]), ["T3"]),
    ],
)
def test_what_is_closed_is_a_day_or_a_list_of_periods(ledger, closed, inside):
    """A day closes itself and all before it."""
    empty = ledger(NUMBERED.splitlines()[0] + "\nT0,1,2030-01-01,99,1,x,EUR,1\n")

    found = docframes.diff(empty, ledger(NUMBERED), closed=closed)

    assert sorted(set(found.appeared[found.appeared["in_closed"]]["transaction"])) == inside
    assert sorted(set(found.closed["transaction"])) == inside


def test_a_period_may_need_its_year(ledger):
    """Period 01 comes again every year."""
    text = (
        NUMBERED.replace("Period,", "Period,Financial Year,").replace(",01,", ",01,2025,").replace(",02,", ",02,2025,")
    )
    new = ledger(text + "T8,1,2026-01-10,01,2026,4000,sale,EUR,-1.00\nT9,1,2025-01-10,01,2025,4000,sale,EUR,-1.00\n")

    by_year = docframes.diff(ledger(text), new, closed=[("2025", "01")])
    by_period = docframes.diff(ledger(text), new, closed=["01"])

    assert by_year.closed["transaction"].tolist() == ["T9"]
    assert by_period.closed["transaction"].tolist() == ["T8", "T9"]


def test_without_a_period_the_month_of_the_date_is_one(ledger):
    """As ``by_period`` calls it."""
    text = "\n".join(",".join([*row[:2], *row[3:]]) for row in csv.reader(io.StringIO(PLAIN))) + "\n"

    found = docframes.diff(ledger(text), ledger(text, ("T3,2025-02-03,7000", "T3,2025-01-31,7000")), closed=["2025-01"])

    assert told(found.closed, "what", "effect") == [("moved into a closed period", D(800))]
    assert "old_period" not in found.moved


def test_a_move_within_closed_periods_is_told_and_adds_nothing(ledger):
    """From the 20th to the 21st, both closed."""
    new = ledger(NUMBERED, ("T2,3,2025-01-20", "T2,3,2025-01-21"))

    found = docframes.diff(ledger(NUMBERED), new, closed=["01"])

    assert told(found.closed, "what", "effect") == [("moved within closed periods", D(0))]


def test_frames_have_the_same_columns_whatever_is_closed_and_found(ledger):
    """Dtypes depend on the ledgers and the call."""
    new = ledger(
        NUMBERED, ("T1,1,", "T9,1,"), ("rent,EUR,800.00", "rent,EUR,1.00"), ("T2,3,2025-01-20", "T2,3,2025-01-21")
    )
    none = docframes.diff(ledger(NUMBERED), ledger(NUMBERED))
    some = docframes.diff(ledger(NUMBERED), new, closed="2025-12-31")

    assert sizes(some) == {"appeared": 1, "vanished": 1, "moved": 1, "changed": 1}
    for name in ("appeared", "vanished", "moved", "changed", "cells", "closed", "check", "everywhere"):
        assert getattr(none, name).dtypes.to_dict() == getattr(some, name).dtypes.to_dict(), name
    assert str(some.closed["effect"].dtype) == "decimal128(36, 6)[pyarrow]"
    assert list(some.moved.columns[-5:]) == ["source_line", "old_date", "old_period", "old_source_line", "in_closed"]


# --- refusals and the rest --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"closed": "01"}, ConfigError, r"closed=\['01'\]"),
        ({"closed": 2025}, ConfigError, "a day, or a list of periods"),
        ({"closed": [1, 2]}, ConfigError, "all of them text"),
        ({"closed": []}, ConfigError, "a list of periods"),
        ({"closed": ["01", "13"]}, ConfigError, "No line of either ledger is in the period '13'"),
        ({"closed": [("2025", "01")]}, ConfigError, "'year'"),
        ({"closed": pd.NaT}, ConfigError, "is a day"),
        ({"closed": ["01"], "ignore": "period"}, ConfigError, "Leave it out of one"),
        ({"ignore": "amount"}, ConfigError, "'amount'"),
        ({"ignore": "tekst"}, ColumnError, "tekst"),
        ({"key": "line"}, ConfigError, "key= is for two frames"),
        ({"updated_at": "x"}, ConfigError, "updated_at= is for two frames"),
    ],
)
def test_what_cannot_be_is_refused(ledger, options, error, words):
    """With what to write instead."""
    gl = ledger(NUMBERED)

    with pytest.raises(error, match=words):
        docframes.diff(gl, gl, **options)


def test_lines_without_a_period_are_in_none(ledger):
    """They are in no closed one, and no period to name."""
    new = ledger(NUMBERED, ("T1,1,2025-01-10,01", "T9,1,2025-01-10,"))

    assert told(docframes.diff(ledger(NUMBERED), new, closed=["01"]).appeared, "period", "in_closed") == [(None, False)]
    with pytest.raises(ConfigError, match="The periods are: '01', '02'"):
        docframes.diff(ledger(NUMBERED), new, closed=["03"])


def test_periods_of_one_ledger_only_close_nothing(ledger):
    """Where the other has none, a list of periods would judge only half of the lines."""
    without = ledger(NUMBERED.replace("Period", "Team"))

    with pytest.raises(ConfigError, match="no column plays 'period'"):
        docframes.diff(ledger(NUMBERED), without, closed=["01"])


def test_a_ledger_and_a_frame_are_not_compared(ledger):
    """Two of a kind are wanted."""
    gl = ledger(NUMBERED)

    with pytest.raises(ConfigError, match="GeneralLedger and DataFrame came"):
        docframes.diff(gl, gl.transactions)


def test_what_a_notebook_shows_is_escaped(ledger):
    """The company's name is the file's."""
    found = docframes.diff(ledger(NUMBERED), ledger(NUMBERED, ("rent,EUR,800.00", "<b>rent,EUR,800.00")))
    shown = LedgerDifferences(**{**vars(found), "name": "<script>"})._repr_html_()

    assert "&lt;script&gt;" in shown
    assert "<script>" not in shown
    assert "1 changed" in shown


def test_quotes_in_names_and_values_reach_no_query(ledger):
    """A column and a period with both marks of SQL in them."""
    text = NUMBERED.replace("Text", '"We\'ll ""see"""').replace(",02,", ",0'2,")

    found = docframes.diff(ledger(text), ledger(text, (",rent,EUR,800", ",x,EUR,800")), closed=["0'2"])

    assert told(found.closed, "what", 'We\'ll "see"') == [("changed in a closed period", "x")]
    assert told(found.cells, "column", "old", "new") == [('We\'ll "see"', "rent", "x")]
