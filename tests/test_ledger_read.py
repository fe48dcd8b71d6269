"""A ledger by its roles: one signed amount, sure dates, exact totals, and nothing lost in silence."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docframes.errors import ConfigError, LedgerError, LedgerWarning, RoleError, ValueFormatError
from docframes.ledger import ROLES, GeneralLedger, read_ledger
from docframes.ledger.members import table_of

VALIDIS = """\
UPLOAD_ID,COMPANY_NAME,UPLOAD_DATE,GL_TX_ID,GL_TX_LINE_ID,GL_TX_DATE,Created Timestamp,ACCOUNT_CODE,ACCOUNT_NAME,\
CURRENCY_ISO,BASE_VALUE
u-1,Acme Ltd,2024-02-01T00:00:00Z,000123,1,2024-01-31,2024-01-31T17:30:00Z,0400,NA,EUR,100.10
u-1,Acme Ltd,2024-02-01T00:00:00Z,000123,2,2024-01-31,2024-01-31T17:30:00Z,8000,Sales,EUR,-100.10
u-1,Acme Ltd,2024-02-01T00:00:00Z,000124,3,2024-01-01,,0400,NA,USD,0.30
"""


def read(tmp_path: Path, text: str, **options) -> GeneralLedger:
    path = tmp_path / "ledger.csv"
    path.write_text(text, encoding="utf-8")
    return read_ledger(path, **options)


def read_zip(tmp_path: Path, files: dict[str, str], **options) -> GeneralLedger:
    path = tmp_path / "ledger.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return read_ledger(path, **options)


def test_roles_come_first_and_everything_else_after(tmp_path):
    """Roles under our names, then the file's own columns as text, then where the line stands."""
    gl = read(tmp_path, VALIDIS)

    assert {name: str(dtype) for name, dtype in gl.transactions.dtypes.items()} == {
        "transaction": "str",
        "line": "str",
        "date": "datetime64[us]",
        "entered_at": "datetime64[us]",
        "account": "str",
        "account_name": "str",
        "currency": "str",
        "amount": "float64",
        "UPLOAD_ID": "str",
        "COMPANY_NAME": "str",
        "UPLOAD_DATE": "str",
        "GL_TX_DATE": "str",
        "Created Timestamp": "str",
        "source_line": "int64",
    }
    first = gl.transactions.iloc[0]
    assert (first["transaction"], first["account"], first["account_name"]) == ("000123", "0400", "NA")
    assert first["entered_at"] == pd.Timestamp("2024-01-31 17:30")
    assert gl.transactions["source_line"].tolist() == [2, 3, 4]
    assert gl.roles["transactions"]["amount"] == ("BASE_VALUE",)


@pytest.mark.parametrize("amounts", ["float", "decimal"])
def test_an_empty_ledger_has_the_same_columns(amounts, tmp_path):
    """A header alone gives the dtypes of a full file, in every frame."""
    full = read(tmp_path, VALIDIS, amounts=amounts)
    empty = read(tmp_path, VALIDIS.splitlines()[0] + "\n", amounts=amounts)

    for name in ("transactions", "controls", "problems", "sources"):
        pd.testing.assert_series_equal(getattr(full, name).dtypes, getattr(empty, name).dtypes)
    assert len(empty.transactions) == len(empty.controls) == 0
    assert empty.totals.transactions == 0
    told = r"GeneralLedger ledger, 0 lines in 0 transactions, balanced to 0.00, store [\d.]+ kB"
    assert re.fullmatch(told, repr(empty))


def test_controls_are_exact_by_currency(tmp_path):
    """Per currency and on the whole: lines, transactions, debit, credit, difference, first and last date."""
    gl = read(tmp_path, VALIDIS)

    assert gl.controls.to_dict("list") == {
        "currency": ["EUR", "USD"],
        "lines": [2, 1],
        "transactions": [1, 1],
        "debit": [Decimal("100.10"), Decimal("0.30")],
        "credit": [Decimal("100.10"), Decimal("0")],
        "difference": [Decimal("0"), Decimal("0.30")],
        "first_date": [pd.Timestamp("2024-01-31"), pd.Timestamp("2024-01-01")],
        "last_date": [pd.Timestamp("2024-01-31"), pd.Timestamp("2024-01-01")],
    }
    assert gl.totals.lines == 3
    assert gl.totals.debit == Decimal("100.40")
    assert (gl.totals.first_date, gl.totals.last_date) == (datetime(2024, 1, 1), datetime(2024, 1, 31))


def test_a_ledger_says_what_it_is(tmp_path):
    """The repr is one line; the HTML escapes what the files say."""
    gl = read_zip(tmp_path, {"GL_Transactions.csv": VALIDIS, "Company_Details.csv": "COMPANY_NAME\n<b>Acme</b>\n"})

    assert re.fullmatch(
        "GeneralLedger <b>Acme</b>, upload u-1, 3 lines in 2 transactions, 2024-01-01 to 2024-01-31, "
        r"out of balance by 0.30 USD, store [\d.]+ kB",
        repr(gl),
    )
    assert "&lt;b&gt;Acme&lt;/b&gt;" in gl._repr_html_()
    assert "<b>Acme" not in gl._repr_html_()


def test_decimal_amounts_are_exact(tmp_path):
    """amounts="decimal" keeps every digit; both kinds are the same number."""
    exact = read(tmp_path, VALIDIS, amounts="decimal").transactions["amount"]

    assert exact.dtype == pd.ArrowDtype(pa.decimal128(36, 6))
    assert exact.tolist() == [Decimal("100.10"), Decimal("-100.10"), Decimal("0.30")]


MONEY = st.decimals(min_value=-(10**9), max_value=10**9, places=2)
LINE = st.tuples(st.integers(1, 5), st.sampled_from(["EUR", "USD", ""]), MONEY)


@settings(deadline=None, max_examples=50)
@given(st.lists(LINE, min_size=1))
def test_controls_are_those_of_the_csv_module(tmp_path_factory, lines):
    """Totals equal what csv and decimal add up, in whatever order and size the lines come."""
    buffer = io.StringIO()
    csv.writer(buffer).writerows([("TX_ID", "CURRENCY", "AMOUNT", "DATE"), *((*line, "20240101") for line in lines)])
    gl = read(tmp_path_factory.mktemp("gl"), buffer.getvalue())

    for row in gl.controls.itertuples():
        own = [line for line in lines if line[1] == ("" if pd.isna(row.currency) else row.currency)]
        assert row.lines == len(own)
        assert row.transactions == len({number for number, *_ in own})
        assert row.debit == sum(amount for *_, amount in own if amount > 0)
        assert row.credit == -sum(amount for *_, amount in own if amount < 0)
        assert row.difference == sum(amount for *_, amount in own)
    assert gl.controls["lines"].sum() == len(lines)
    assert gl.totals.transactions == len({number for number, *_ in lines})


PAIR = """\
DATE,DEBIT,CREDIT
2024-01-01,100.10,
2024-01-01,,100.10
2024-01-02,30,10
2024-01-02,-5,
2024-01-03,,
"""


def test_a_debit_and_a_credit_become_one_amount(tmp_path):
    """Debit less credit; both sides stay as sent, and the totals are theirs."""
    gl = read(tmp_path, PAIR)

    assert gl.transactions["amount"].fillna(0).tolist() == [100.1, -100.1, 20.0, -5.0, 0.0]
    assert gl.transactions["debit"].fillna(0).tolist() == [100.1, 0.0, 30.0, -5.0, 0.0]
    assert (gl.totals.debit, gl.totals.credit) == (Decimal("125.10"), Decimal("110.10"))
    assert gl.totals.transactions is None
    assert gl.problems[["line", "rule", "count"]].values.tolist() == [[6, "missing amount", 1]]


def test_an_amount_that_its_sides_contradict_is_listed(tmp_path):
    """Where amount, debit and credit are there, the amount counts and a contradiction is a problem."""
    gl = read(tmp_path, "DATE,DEBIT,CREDIT,AMOUNT\n2024-01-01,5,,5\n2024-01-01,,5,-5\n2024-01-01,7,,8\n")

    assert gl.transactions["amount"].tolist() == [5.0, -5.0, 8.0]
    assert gl.problems[["line", "rule", "value"]].values.tolist() == [[4, "amount differs", "8"]]
    assert (gl.totals.debit, gl.totals.credit) == (Decimal(13), Decimal(5))


def indicated(*lines: tuple[str, str]) -> str:
    rows = "".join(f"2024-01-01,{amount},{side}\n" for amount, side in lines)
    return "Effective_Date,Amount,Amount_Credit_Debit_Indicator\n" + rows


@pytest.mark.parametrize(
    ("debit", "credit"), [("S", "H"), ("D", "C"), ("d", "c"), ("Dr", "Cr"), ("DEBIT", "Credit"), ("Dr.", "Cr.")]
)
def test_an_indicator_signs_the_amount(debit, credit, tmp_path):
    """Debits stay, credits turn; the indicator stays as sent."""
    gl = read(tmp_path, indicated(("1.50", debit), ("2.50", credit), ("0", credit)))

    assert gl.transactions["amount"].tolist() == [1.5, -2.5, 0.0]
    assert gl.transactions["indicator"].tolist() == [debit, credit, credit]
    assert (gl.totals.debit, gl.totals.credit) == (Decimal("1.5"), Decimal("2.5"))


def test_a_sign_that_is_there_is_not_turned_again(tmp_path):
    """Credits that all come negative carry their sign already."""
    gl = read(tmp_path, indicated(("1.50", "D"), ("-2.50", "C")))

    assert gl.transactions["amount"].tolist() == [1.5, -2.5]
    assert gl.totals.credit == Decimal("2.5")


def test_a_negative_debit_takes_back_a_debit(tmp_path):
    """Unsigned credits beside debits of both signs: a reversal lowers the debits."""
    gl = read(tmp_path, indicated(("5", "S"), ("-5", "S"), ("3", "H")))

    assert gl.transactions["amount"].tolist() == [5.0, -5.0, -3.0]
    assert (gl.totals.debit, gl.totals.credit) == (Decimal(0), Decimal(3))


@pytest.mark.parametrize(
    "lines",
    [
        [("1", "D"), ("1", "C"), ("-1", "C")],
        [("1", "D"), ("-1", "D"), ("-1", "C")],
        [("-1", "D"), ("1", "C")],
    ],
)
def test_signs_that_fit_two_readings_have_to_be_declared(lines, tmp_path):
    """Where signs and indicator do not say one thing, an error asks; a declaration answers."""
    with pytest.raises(ValueFormatError, match="signed="):
        read(tmp_path, indicated(*lines))

    signed = read(tmp_path, indicated(*lines), signed=True).transactions["amount"].tolist()
    by_side = read(tmp_path, indicated(*lines), signed=False).transactions["amount"].tolist()

    assert signed == [float(amount) for amount, _ in lines]
    assert by_side == [float(amount) * (-1 if side == "C" else 1) for amount, side in lines]


def test_an_unknown_indicator_is_an_error(tmp_path):
    """The message names the values and the way out."""
    with pytest.raises(RoleError, match=r"\['X'\].*'indicator': None"):
        read(tmp_path, indicated(("1", "D"), ("1", "X")))


def test_an_amount_of_nobody_s_side_is_kept_out(tmp_path):
    """Without an indicator a line cannot be added; it is counted and listed."""
    with pytest.warns(LedgerWarning, match="1 line was kept out of the ledger: 1 with an amount of which nobody"):
        gl = read(tmp_path, indicated(("1", "D"), ("7", ""), ("0", "")))

    assert gl.transactions["amount"].tolist() == [1.0, 0.0]
    assert gl.problems[["line", "rule", "value"]].values.tolist() == [[3, "no indicator", "7"]]


def test_an_unreadable_amount_is_kept_out_and_listed(tmp_path):
    """One bad amount costs its line and no other."""
    with pytest.warns(LedgerWarning, match="1 with an unreadable amount"):
        gl = read(tmp_path, "DATE,AMOUNT\n2024-01-01,1\n2024-01-01,n/a\n2024-01-01,2\n")

    assert gl.transactions["source_line"].tolist() == [2, 4]
    assert gl.problems[["line", "column", "rule", "value"]].values.tolist() == [
        [3, "AMOUNT", "unreadable amount", "n/a"]
    ]
    assert gl.sources["kept_out"].tolist() == [1]


def test_a_column_without_any_amount_is_an_error(tmp_path):
    """A wrong column is not a ledger of nothing."""
    with pytest.raises(ValueFormatError, match=r"No amount of .* can be read"):
        read(tmp_path, "DATE,AMOUNT\n2024-01-01,abc\n2024-01-01,def\n")


def test_an_unreadable_date_costs_the_date_only(tmp_path):
    """The line stays, since its amount counts; its date is missing, its text beside it, and the fault listed."""
    gl = read(tmp_path, "DATE,AMOUNT\n2024-02-29,1\n2023-02-29,2\n,4\n2023-02-29,8\n")

    assert gl.totals.debit == 15
    assert gl.transactions["date"].notna().tolist() == [True, False, False, False]
    assert gl.transactions["DATE_source"].tolist()[:2] == ["2024-02-29", "2023-02-29"]
    assert gl.problems[["line", "rule", "value", "count"]].values.tolist() == [[3, "unreadable date", "2023-02-29", 2]]


def test_a_column_without_any_date_is_an_error(tmp_path):
    """Nor is a column of words a date."""
    with pytest.raises(ValueFormatError, match="form is not sure: 'soon'"):
        read(tmp_path, "DATE,AMOUNT\nsoon,1\n,2\n")


def test_dates_of_another_form_are_declared(tmp_path):
    """03/04/2007 is an error that shows it; declared, for all dates or by role, it is read."""
    text = "DATE,REGISTERED,AMOUNT\n03/04/2007,2007-04-05,1\n"

    with pytest.raises(ValueFormatError, match="03/04/2007"):
        read(tmp_path, text)
    gl = read(tmp_path, text, dates={"date": "%d/%m/%Y"})

    assert gl.transactions["date"].tolist() == [pd.Timestamp(2007, 4, 3)]
    assert gl.transactions["entered_at"].tolist() == [pd.Timestamp(2007, 4, 5)]
    assert read(tmp_path, text.replace("2007-04-05", ""), dates="%m/%d/%Y").totals.first_date == datetime(2007, 3, 4)


def test_placeholders_are_no_dates(tmp_path):
    """19000101 and its like are missing dates with their text beside them, one problem each."""
    days = ["19000101", "2024-01-05", "1900-01-01", "99991231", "00010101", "18991230", "19000101"]
    gl = read(tmp_path, "DATE,AMOUNT\n" + "".join(f"{day},1\n" for day in days))

    assert gl.transactions["date"].notna().tolist() == [day == "2024-01-05" for day in days]
    assert gl.transactions["DATE_source"].tolist() == days
    assert (gl.totals.first_date, gl.totals.last_date) == (datetime(2024, 1, 5), datetime(2024, 1, 5))
    assert set(gl.problems["rule"]) == {"placeholder date"}
    assert gl.problems.set_index("value").loc["19000101", ["line", "count"]].tolist() == [2, 2]


def test_day_and_time_make_a_moment(tmp_path):
    """A day and a time of five or six digits become one moment; a bad time is listed and costs the time."""
    gl = read(
        tmp_path, "DATE,AMOUNT,Entered_Date,Entered_Time\n20240101,1,20240102,90036\n20240101,1,20240102,999999\n"
    )

    assert gl.transactions["entered_at"].tolist() == [pd.Timestamp("2024-01-02 09:00:36"), pd.Timestamp("2024-01-02")]
    assert gl.transactions["Entered_Time"].tolist() == ["90036", "999999"]
    assert gl.problems[["line", "rule", "value"]].values.tolist() == [[3, "unreadable time", "999999"]]


def test_roles_can_be_named(tmp_path):
    """The caller's word goes first: other columns, several together, none at all."""
    text = "series,number,Tag der Buchung,amount,Konto,tag\nA,1,2024-01-01,5,0400,x\nA 1,,2024-01-01,-5,0400,x\n"
    roles = {"transaction": ["series", "number"], "date": "tag DER buchung", "account": "Konto", "tag": None}

    gl = read(tmp_path, text, roles=roles)

    assert gl.transactions["transaction"].tolist() == ["A 1", "A\\ 1 "]
    assert gl.transactions["account"].tolist() == ["0400", "0400"]
    assert gl.roles["transactions"]["date"] == ("Tag der Buchung",)
    assert "tag" not in gl.roles["transactions"]
    assert gl.transactions["journal"].tolist() == ["A", "A 1"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"roles": {"betrag": "AMOUNT"}}, "no role 'betrag'"),
        ({"roles": {"account": "Konto"}}, "has the columns"),
        ({"roles": {"amount": ["DATE", "AMOUNT"]}}, "one column"),
        ({"dates": {"amount": "%d"}}, "roles with dates"),
    ],
)
def test_roles_that_cannot_be_are_refused(options, words, tmp_path):
    """A role or column that does not exist is named with those that do."""
    with pytest.raises(RoleError, match=words):
        read(tmp_path, "DATE,AMOUNT\n2024-01-01,1\n", **options)


@pytest.mark.parametrize(
    "options", [{"amounts": "int"}, {"members": {"lines": "*"}}, {"members": {"transactions": "x"}}, {"dates": "%Q"}]
)
def test_options_that_cannot_be_are_refused(options, tmp_path):
    """So are values of options."""
    with pytest.raises(ConfigError):
        read(tmp_path, "DATE,AMOUNT\n2024-01-01,1\n", **options)


def test_unknown_options_are_refused(tmp_path):
    """A misspelt option is an error, not a default."""
    with pytest.raises(TypeError, match="rolls"):
        read(tmp_path, "DATE,AMOUNT\n", rolls={})


@pytest.mark.parametrize("header", ["DATE,Betrag", "AMOUNT,Tag", "DATE,DEBIT", "x", "2024-01-01,5.00"])
def test_without_date_or_amount_there_is_no_ledger(header, tmp_path):
    """The message lists the headers and says how to name the roles."""
    with pytest.raises(RoleError, match="roles=") as error:
        read(tmp_path, header + "\n1,2\n")

    assert header.split(",")[0] in str(error.value)


def test_an_empty_file_is_no_ledger(tmp_path):
    """A file of no bytes has no columns, and so no roles."""
    with pytest.raises(RoleError):
        read(tmp_path, "")


def test_a_header_matches_loosely(tmp_path):
    """Case, blanks and punctuation do not matter; the frame keeps the file's spelling."""
    gl = read(
        tmp_path, "effective date,gl-account  number,AMOUNT,Je_Header_ Description,Fremd Spalte\n20240101,1,2,x,y\n"
    )

    assert list(gl.transactions.columns) == [
        "date", "account", "text", "amount", "effective date", "Fremd Spalte", "source_line",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "table"),
    [
        ("GL Transactions.csv", "transactions"),
        ("export/GL_TRANSACTIONS_2024-01-31.csv", "transactions"),
        ("3f0c1f2e-1111-4222-8333-abcdefabcdef_gltransactions.csv", "transactions"),
        ("GLPeriodBalancesSummarized.csv", "period_balances_summarised"),
        ("GL Period Balances Summarised 4711.csv", "period_balances_summarised"),
        ("gl-period-balances.csv", "period_balances"),
        ("balances_summarised.csv", "period_balances_summarised"),
        ("period_balances.csv", "period_balances"),
        ("GL_Detail_20070101_20071231.csv", "transactions"),
        ("CompanyDetails.csv", "company"),
        ("company.csv", "company"),
        ("GL Transactions.zip/data.csv", "transactions"),
        ("Customer Transactions.csv", None),
        ("company_cars.csv", None),
        ("GL Transactions/readme.csv", None),
    ],
)
def test_files_are_known_by_name(name, table):
    """Case, punctuation, ids, dates and the spelling of -ise do not matter; the longer name is tried first."""
    assert table_of(name) == table


def test_other_files_are_kept_as_text(tmp_path):
    """Files of no known name come under their own; what is no text is listed and not read."""
    files = {
        "GL Transactions.csv": VALIDIS,
        "notes/Customers.csv": "ID,NAME\n007,NA\n",
        "logo.png": "x",
        "empty.csv": "",
    }
    gl = read_zip(tmp_path, files)

    assert gl.others["notes/Customers.csv"].values.tolist() == [["007", "NA"]]
    assert gl.others["empty.csv"].shape == (0, 0)
    assert gl.problems[["member", "rule"]].values.tolist() == [["logo.png", "not read"]]


def test_a_read_me_is_no_table(tmp_path):
    """A text beside the ledger that is no table is listed, and keeps nobody from the ledger."""
    gl = read_zip(tmp_path, {"GL Transactions.csv": VALIDIS, "readme.txt": "Dear auditor, hello\n\nall is well\n"})

    assert gl.problems[["member", "rule"]].values.tolist() == [["readme.txt", "not a table"]]
    assert len(gl.transactions) == 3


def test_balances_play_roles_too(tmp_path):
    """Opening, movement and closing are amounts; a debit and a credit make the movement."""
    files = {
        "transactions.csv": "DATE,AMOUNT\n20240101,1\n",
        "period_balances.csv": "ACCOUNT_CODE,PERIOD_START_DATE,OPENING_BALANCE,DEBIT,CREDIT,CLOSING_BALANCE\n"
        "0400,2024-01-01,1.00,5.00,2.00,4.00\n",
    }
    balances = read_zip(tmp_path, files).period_balances

    assert balances.loc[0, ["opening", "movement", "closing"]].tolist() == [1.0, 3.0, 4.0]
    assert balances["period_start"].tolist() == [pd.Timestamp("2024-01-01")]


def test_a_table_in_several_files_is_one_frame(tmp_path):
    """Months apart come together, with the file each line is from."""
    folder = tmp_path / "months"
    folder.mkdir()
    (folder / "2024-01.csv").write_text("DATE,AMOUNT,Note\n20240101,1,a\n")
    (folder / "2024-02.csv").write_text("AMOUNT;DATE;Note\n2;20240201;b\n")

    gl = read_ledger(folder)

    assert gl.transactions[["amount", "Note", "source_line", "source_member"]].values.tolist() == [
        [1.0, "a", 2, "2024-01.csv"],
        [2.0, "b", 2, "2024-02.csv"],
    ]
    assert gl.totals.debit == 3


def test_files_that_differ_are_not_mixed(tmp_path):
    """Two files that could be the ledger but have other columns: the caller says which."""
    files = {"a.csv": "DATE,AMOUNT\n20240101,1\n", "b.csv": "DATE,AMOUNT,DUE\n20240101,2,x\n"}

    with pytest.raises(RoleError, match="members="):
        read_zip(tmp_path, files)
    gl = read_zip(tmp_path, files, members={"transactions": "b.*"})

    assert gl.totals.debit == 2
    assert list(gl.others) == ["a.csv"]


def test_an_absent_file_of_transactions_is_said(tmp_path):
    """Balances without transactions give an empty frame, and a warning, for it may be the download's fault."""
    with pytest.warns(LedgerWarning, match="No file of the ledger holds transactions"):
        gl = read_zip(tmp_path, {"period_balances.csv": "period,account,balance_change\n1,0400,1.00\n"})

    assert len(gl.transactions) == 0
    assert {"transaction", "date", "amount"} <= set(gl.transactions.columns)
    assert gl.problems["rule"].tolist() == ["no transactions"]


def test_nothing_known_is_an_error(tmp_path):
    """A zip without any part of a ledger says what is in it."""
    with pytest.raises(RoleError, match="No file is recognised"):
        read_zip(tmp_path, {"a.csv": "x,y\n1,2\n", "b.csv": "z\n1\n"})


def test_a_path_that_is_not_there_is_told(tmp_path):
    """No file, no ledger; the message names the path."""
    with pytest.raises(LedgerError, match=r"gone\.zip"):
        read_ledger(tmp_path / "gone.zip")


def test_a_binary_file_is_no_ledger(tmp_path):
    """A program or picture is refused as no text, and nothing of it is shown."""
    (tmp_path / "picture.csv").write_bytes(b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR")

    with pytest.raises(LedgerError, match="no text"):
        read_ledger(tmp_path / "picture.csv")


def test_comma_decimals_are_declared(tmp_path):
    """12,50 is refused until it is declared."""
    text = "DATE;AMOUNT\n20240101;1.012,50\n"

    with pytest.raises(ValueFormatError, match="decimal=','"):
        read(tmp_path, text)

    assert read(tmp_path, text, decimal=",", thousands=".").totals.debit == Decimal("1012.50")


def test_roles_are_said_in_words():
    """Every role has a kind, a meaning and a place to be found."""
    assert all(role.meaning and role.candidates and role.tables for role in ROLES.values())
    assert issubclass(RoleError, LedgerError)


def test_a_figure_beside_the_amount_keeps_no_line_out(tmp_path):
    """An unreadable amount in the transaction's own currency is listed with its text and line; the line counts."""
    text = "GL_TX_ID,GL_TX_DATE,BASE_VALUE,TRANSACTION_VALUE\n1,2024-01-01,5.00,6.50\n1,2024-01-01,-5.00,see note\n"

    gl = read(tmp_path, text)

    assert gl.totals.lines == 2
    assert gl.transactions["transaction_amount"].fillna(0).tolist() == [6.5, 0.0]
    told = gl.problems[["line", "rule", "column", "value"]].values.tolist()
    assert told == [[3, "unreadable figure", "TRANSACTION_VALUE", "see note"]]
