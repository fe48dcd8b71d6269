"""The company's ledger: in order unless asked otherwise, and then wrong in known places."""

from __future__ import annotations

import csv
import io
import zipfile
from collections import Counter, defaultdict
from datetime import date

import pytest

import docframes.sandbox as sandbox
from docframes.errors import ConfigError
from docframes.sandbox.company import Company
from docframes.sandbox.company.invoices import bill, pounds


def rows(path, name):
    with zipfile.ZipFile(path) as archive:
        return list(csv.DictReader(io.StringIO(archive.read(name).decode(), newline="")))


def pence(text):
    sign = -1 if text.startswith("-") else 1
    whole, rest = text.lstrip("-").split(".")
    return sign * (int(whole) * 100 + int(rest))


@pytest.fixture(scope="module")
def clean(tmp_path_factory):
    return sandbox.write_ledger(tmp_path_factory.mktemp("ledger") / "gl.zip")


@pytest.fixture(scope="module")
def faulty(tmp_path_factory):
    return sandbox.write_ledger(tmp_path_factory.mktemp("ledger") / "gl.zip", faults=True)


@pytest.fixture(scope="module")
def truth():
    with sandbox.running(environment=False) as box:
        return {fault["fault"]: fault["ids"] for fault in box.truth()}


def totals(lines):
    sums = Counter()
    for line in lines:
        sums[line["GL_TX_ID"]] += pence(line["BASE_VALUE"])
    return sums


def test_the_zip_holds_the_four_files(clean):
    """Named as the vendor's display names suggest."""
    with zipfile.ZipFile(clean) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == [
            "GL_Transactions.csv",
            "GL_Period_Balances.csv",
            "GL_Period_Balances_Summarised.csv",
            "Company_Details.csv",
        ]


@pytest.mark.parametrize(
    ("lines", "faults"), [(2, False), (3, False), (4, False), (261, False), (1_000, True), (1_234, True)]
)
def test_lines_are_counted_exactly(tmp_path, lines, faults):
    """As many lines as asked for, and without faults every journal balances."""
    path = sandbox.write_ledger(tmp_path / "gl.zip", lines=lines, faults=faults)
    written = rows(path, "GL_Transactions.csv")

    assert len(written) == lines
    assert faults or set(totals(written).values()) == {0}


def test_a_ledger_too_short_is_refused(tmp_path):
    """Fewer lines than can balance, or than the faults need, is an error, and writes nothing."""
    for wrong in ({"lines": 1}, {"lines": 999, "faults": True}):
        with pytest.raises(ConfigError, match="too short"):
            sandbox.write_ledger(tmp_path / "gl.zip", **wrong)

    assert list(tmp_path.iterdir()) == []


def test_the_same_seed_gives_the_same_bytes(tmp_path, clean):
    """Also through a box; another seed differs."""
    with sandbox.running(environment=False) as box:
        again = box.write_ledger(tmp_path / "a.zip")
    other = sandbox.write_ledger(tmp_path / "b.zip", seed=8)

    assert again.read_bytes() == clean.read_bytes()
    assert other.read_bytes() != clean.read_bytes()


def test_the_clean_ledger_is_in_order(clean):
    """Balanced journals, numbers without a gap, no weekends, unique lines, entered on the day."""
    lines = rows(clean, "GL_Transactions.csv")
    numbers = sorted({int(line["JOURNAL_ID"][1:]) for line in lines})

    assert set(totals(lines).values()) == {0}
    assert numbers == list(range(1, len(numbers) + 1))
    assert all(date.fromisoformat(line["GL_TX_DATE"]).weekday() < 5 for line in lines)
    assert len({line["GL_TX_LINE_ID"] for line in lines}) == len(lines)
    assert all(line["ENTRY_TIMESTAMP"][:10] == line["GL_TX_DATE"] for line in lines)
    assert all(line["ENTRY_USER"] and line["DESCRIPTION"] for line in lines)
    bills = Counter((line["REFERENCE"], line["DESCRIPTION"]) for line in lines if line["TX_TYPE"] == "PI")
    assert set(bills.values()) == {3}


def test_codes_keep_their_zeros_and_texts_their_marks(clean):
    """Account codes with leading zeros, quotes, commas, line breaks and letters beyond ASCII."""
    lines = rows(clean, "GL_Transactions.csv")
    texts = {line["DESCRIPTION"] for line in lines}

    assert any(line["ACCOUNT_CODE"].startswith("0") for line in lines)
    assert any('"' in text for text in texts)
    assert any("," in text for text in texts)
    assert any("\n" in text for text in texts)
    assert any(not text.isascii() for text in texts)


def test_balances_roll_forward_and_tie_to_the_lines(clean):
    """opening + movement = closing, closing is the next opening, movements are the lines' sums, all add to 0."""
    moved = Counter()
    for line in rows(clean, "GL_Transactions.csv"):
        moved[line["ACCOUNT_CODE"], line["PERIOD_ID"]] += pence(line["BASE_VALUE"])
    closing, sums = {}, Counter()
    for row in rows(clean, "GL_Period_Balances.csv"):
        opening, movement, end = (pence(row[f"{n}"]) for n in ("OPENING_BALANCE", "MOVEMENT", "CLOSING_BALANCE"))
        assert opening + movement == end
        assert closing.get(row["ACCOUNT_CODE"], opening) == opening
        assert movement == moved[row["ACCOUNT_CODE"], row["PERIOD_ID"]]
        closing[row["ACCOUNT_CODE"]] = end
        sums[row["PERIOD_ID"]] += end

    assert set(sums.values()) == {0}
    assert list(sums) == [f"{number:02d}" for number in range(1, 13)]


def test_the_summary_adds_up_the_balances(clean):
    """By category, tag and period."""
    full = defaultdict(int)
    for row in rows(clean, "GL_Period_Balances.csv"):
        full[row["PRIMARY_CATEGORY"], row["TAG"], row["PERIOD_ID"]] += pence(row["CLOSING_BALANCE"])
    short = {
        (row["PRIMARY_CATEGORY"], row["TAG"], row["PERIOD_ID"]): pence(row["CLOSING_BALANCE"])
        for row in rows(clean, "GL_Period_Balances_Summarised.csv")
    }

    assert short == dict(full)


def test_the_upload_stands_in_every_row(clean):
    """UPLOAD_ID, COMPANY_NAME and UPLOAD_DATE are the same in all four files."""
    names = ("GL_Transactions", "GL_Period_Balances", "GL_Period_Balances_Summarised", "Company_Details")
    uploads = {
        (row["UPLOAD_ID"], row["COMPANY_NAME"], row["UPLOAD_DATE"])
        for name in names
        for row in rows(clean, f"{name}.csv")
    }

    assert len(uploads) == 1


def test_bills_of_jobs_are_in_the_ledger_as_on_paper(clean):
    """Each completed job's invoice is posted with its number and total, and its paper says the same."""
    company = Company(7)
    lines = rows(clean, "GL_Transactions.csv")
    posted = {
        line["REFERENCE"]: -pence(line["BASE_VALUE"])
        for line in lines
        if line["TX_TYPE"] == "PI" and line["ACCOUNT_CODE"] == "2100"
    }
    jobs = [job for job in company.jobs if job["status"] == "completed"]
    for job in jobs:
        invoice = bill(company.seed, job, company.measure(job))
        assert posted[invoice.number] == invoice.total
        paper = next(row for row in company.form(job["id"]).documents if row["document_type"] == "invoice")
        text = company.file("documents", paper["id"]).read()
        assert f"Total {pounds(invoice.total)} GBP".encode() in text
        assert any(invoice.job in line["DESCRIPTION"] for line in lines)


def test_the_posters_are_staff(clean):
    """Every ENTRY_USER is somebody in the finance team."""
    finance = {person.username for person in Company(7).staff if person.team == "Finance"}

    assert {line["ENTRY_USER"] for line in rows(clean, "GL_Transactions.csv")} == finance


def test_the_faults_are_where_the_truth_says(faulty, truth):
    """Each planted fault is found by looking for it, and nothing else is."""
    lines = rows(faulty, "GL_Transactions.csv")
    numbers = {line["JOURNAL_ID"] for line in lines}
    weekend = {line["GL_TX_ID"] for line in lines if date.fromisoformat(line["GL_TX_DATE"]).weekday() > 4}
    late = {line["GL_TX_ID"] for line in lines if line["ENTRY_TIMESTAMP"][:10] > line["GL_TX_DATE"]}
    bills = defaultdict(set)
    for line in lines:
        if line["TX_TYPE"] == "PI":
            bills[line["REFERENCE"]].add(line["GL_TX_ID"])

    assert [tx for tx, total in totals(lines).items() if total] == truth["unbalanced_journal"]
    missing = {f"J{number:07d}" for number in range(1, max(int(n[1:]) for n in numbers))} - numbers
    assert missing == set(truth["number_gap"])
    assert weekend == set(truth["weekend_posting"])
    assert late == {line["GL_TX_ID"] for line in lines if not line["DESCRIPTION"]} == set(truth["late_entry"])
    assert [ids for ids in bills.values() if len(ids) > 1] == [set(truth["duplicate_invoice"])]


def test_the_misstated_balance_is_where_the_truth_says(faulty, truth):
    """One movement differs from its lines."""
    moved = Counter()
    for line in rows(faulty, "GL_Transactions.csv"):
        moved[line["ACCOUNT_CODE"], line["PERIOD_ID"]] += pence(line["BASE_VALUE"])
    wrong = [
        [row["ACCOUNT_CODE"], row["PERIOD_ID"]]
        for row in rows(faulty, "GL_Period_Balances.csv")
        if pence(row["MOVEMENT"]) != moved[row["ACCOUNT_CODE"], row["PERIOD_ID"]]
    ]

    assert wrong == [truth["balance_mismatch"]]
