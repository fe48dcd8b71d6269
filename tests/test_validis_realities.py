"""A Validis whose assumed parts differ: the room loads it unchanged, or names the assumption that mends it."""

from __future__ import annotations

import contextlib
import re
import warnings

import pandas as pd
import pytest

from docframes import load_record
from docframes.errors import (
    AuthError,
    LedgerError,
    NotFound,
    SchemaDriftWarning,
    ShapeError,
    TextEncodingWarning,
)
from docframes.sandbox.server import Server
from docframes.vendors import validis
from tests.realities.validis import KEY, SYSTEM, UPLOAD, UPLOADED, Reality, serve


@pytest.fixture
def world(settings):
    """Start a reality: ``world(Reality(case="snake"), assumptions=...)`` gives a client of it."""
    with contextlib.ExitStack() as stack:

        def start(reality, **options):
            server = Server(serve(reality), 0, "second validis")
            stack.callback(server.stop)
            return stack.enter_context(validis.Client(api_key=KEY, base_url=server.url, settings=settings, **options))

        yield start


#: Realities that are loaded as they are.
UNCHANGED = {
    "as assumed": Reality(),
    "a bare array": Reality(envelope=""),
    "rows under items": Reality(envelope="items"),
    "rows under data": Reality(envelope="data"),
    "rows under results": Reality(envelope="results"),
    "rows under elements": Reality(envelope="elements"),
    "rows under the one list there is": Reality(envelope="only"),
    "only the last page is told": Reality(totals="last"),
    "only the pages are told": Reality(totals="pages"),
    "no totals": Reality(totals="none"),
    "keys in upper case": Reality(case="upper"),
    "keys in snake case": Reality(case="snake"),
    "ids as text": Reality(ids="text"),
    "moments in milliseconds": Reality(moments="milliseconds"),
    "moments as ISO": Reality(moments="iso"),
    "moments with an offset": Reality(moments="offset"),
    "optional keys missing": Reality(sparse=True),
    "the system's id in the path": Reality(client_id=SYSTEM),
    "no life of the token": Reality(expires_in=None),
    "the life of the token as text": Reality(expires_in="1800"),
    "ready at once": Reality(waiting=()),
    "busy, then waiting": Reality(waiting=(409, 409, 202)),
    "location and token": Reality(ready="sas"),
    "links deep below": Reality(ready="nested"),
    "links under other words": Reality(ready="href"),
    "one zip a file": Reality(ready="files"),
    "the zip itself": Reality(ready="zip"),
    "file names with dates and ids": Reality(names="dated"),
    "files in a folder": Reality(names="folder"),
    "headers with blanks": Reality(headers="blanks"),
    "headers in lower case": Reality(headers="lower"),
    "a byte order mark": Reality(encoding="utf-8-sig"),
    "cp1252": Reality(encoding="cp1252"),
    "semicolons": Reality(delimiter=";"),
    "days with a time": Reality(dates="time"),
    "columns of items named as in a database": Reality(items_columns="prefixed"),
    "accounts in pages": Reality(accounts_paged=True, clamp=3),
    "line values named amount": Reality(line_value="amount"),
    "debit and credit": Reality(line_value="pair"),
    "a report that is a list": Reality(report="bare"),
    "a report with periods as keys": Reality(report="mapping"),
    "a report below an envelope": Reality(report="deep"),
    "errors of OAuth": Reality(error="oauth"),
    "errors of one word": Reality(error="word"),
    "errors as plain text": Reality(error="text"),
    "much at once": Reality(
        envelope="", case="snake", ids="text", moments="milliseconds", client_id=SYSTEM, expires_in=None,
        waiting=(409, 202), ready="files", names="dated", headers="blanks", encoding="cp1252", delimiter=";",
        line_value="pair", report="mapping", error="text",
    ),
}  # fmt: skip


@pytest.fixture(params=UNCHANGED)
def reality(request):
    return UNCHANGED[request.param]


@pytest.fixture
def quiet():
    """Missing optional keys may be told, and so may another encoding; nothing else may."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SchemaDriftWarning)
        warnings.simplefilter("ignore", TextEncodingWarning)
        yield


def test_engagements_are_loaded(world, reality, quiet):
    """Every row once, ids as text, the moment as it is."""
    frame = validis.load_engagements(page_size=2, client=world(reality))

    assert frame["engagement_id"].tolist() == [str(reality.id(number)) for number in range(1, 6)]
    assert frame["external_engagement_id"].tolist() == [f"E-{number}" for number in range(1, 6)]
    if not reality.sparse:
        assert frame["last_upload_at"].tolist()[:4] == [pd.Timestamp(UPLOADED)] * 4
        assert pd.isna(frame["last_upload_at"].iloc[4])
        assert frame["company_name"].tolist() == [f"Firm {number}" for number in range(1, 6)]
        assert set(frame["owner_email"]) == {"ada@example.org"}
    assert load_record(frame).certificate.verdict in ("PASS", "CANNOT_PROVE")
    assert not [name for name in frame.columns if name.endswith("_as_sent")]


def test_accounts_and_periods_are_loaded(world, reality, quiet):
    """Codes keep their zeros, an account that is not mapped is kept, days are days."""
    client = world(reality)
    accounts = validis.load_accounts(1, client=client)
    periods = validis.load_periods(1, client=client)

    assert accounts["code"].tolist() == ["0120", "4000", "7100", "9999"]
    assert accounts["created_at"].tolist() == [pd.Timestamp(UPLOADED)] * 4
    assert periods["period_id"].tolist() == [str(reality.id(10))]
    assert periods["start_date"].tolist() == [pd.Timestamp("2026-01-01")]
    assert periods["end_date"].tolist() == [pd.Timestamp("2026-01-31")]


def test_journals_and_items_are_loaded(world, reality, quiet):
    """Signed values, line by line; items with their sign."""
    client = world(reality)
    lines = validis.load_journals(1, page_size=1, client=client)
    items = validis.load_receivable_items(1, page_size=2, client=client)

    assert lines["value"].tolist() == [1200.5, -1200.5, 99.99, -99.99]
    assert lines["account_id"].tolist() == ["A7", "A1", "A1", "A4"]
    assert lines["journal_id"].tolist() == [str(reality.id(number)) for number in (1, 1, 2, 2)]
    assert items["amount"].tolist() == [99.99, -9.99, -90.0]
    assert len(validis.load_payable_items(1, client=client)) == 3


def test_the_ledger_is_loaded(world, reality, quiet):
    """The same four lines from every form of answer, file and header."""
    ledger = validis.load_gl_extract(1, client=world(reality))

    assert ledger.transactions["amount"].tolist() == [1200.5, -1200.5, 99.99, -99.99]
    assert ledger.transactions["date"].dt.strftime("%m-%d").tolist() == ["01-05", "01-05", "01-06", "01-06"]
    assert ledger.period_balances["closing"].tolist() == [-1100.51]
    assert dict(ledger.origin) == {"engagement": "1", "upload": UPLOAD}
    # A letter beyond ASCII survives the encoding.
    assert {name for column in ledger.transactions for name in ledger.transactions[column] if "Kiln" in str(name)} == {
        "Kiln & Søns"
    }


def test_the_receivables_are_loaded(world, reality, quiet):
    """The same two items and one allocation from every form of answer, file and header."""
    extract = validis.load_ar_extract(1, client=world(reality))
    items = extract.items

    assert items["item_id"].tolist() == ["001", "002"]
    assert items["item_type"].tolist() == ["INVOICE", "CREDIT_NOTE"]
    assert items["customer_id"].tolist() == ["C1", "C1"]
    assert items["date"].dt.strftime("%m-%d").tolist() == ["01-05", "01-06"]
    assert items["due_date"].dt.strftime("%m-%d").fillna("-").tolist() == ["02-04", "-"]
    amount = "base_amount" if reality.items_columns == "prefixed" else "amount"
    assert items[amount].tolist() == [99.99, -99.99]
    assert extract.allocations[["item_id", "other_item_id", "amount"]].to_numpy().tolist() == [["002", "001", 99.99]]
    assert dict(extract.origin) == {"engagement": "1", "upload": UPLOAD}


def test_the_ledgers_of_several_engagements_are_loaded(world, reality, quiet):
    """Each as when it is loaded alone."""
    found = validis.load_gl_extract([2, 1], client=world(reality))

    assert list(found) == ["2", "1"]
    assert [ledger.transactions["amount"].tolist() for ledger in found.values()] == [
        [1200.5, -1200.5, 99.99, -99.99]
    ] * 2


def test_reports_are_loaded(world, reality, quiet):
    """Two figures, one below the other."""
    rows = validis.load_report("income-statement-standard", 1, client=world(reality))

    assert rows["path"].tolist() == ["Income", "Income / Sales"]
    assert rows["value"].tolist() == [-99.99, -99.99]


def test_refusals_are_told_in_the_vendors_words(world, reality):
    """Wherever the text stands."""
    with pytest.raises(AuthError, match="It was refused"):
        validis.load_periods(1, client=validis.Client(api_key="wrong-" * 5, base_url=world(reality).base_url))


#: What cannot be loaded unchanged: the load, the error, what it says, and the assumptions that mend it.
MENDED = {
    "two lists in an envelope": (
        Reality(envelope="two"), lambda client: validis.load_engagements(client=client),
        ShapeError, 'A14.items": "..."', {"A14.items": "left"},
    ),
    "journals with lines elsewhere": (
        Reality(journal_lines="postings"), lambda client: validis.load_journals(1, client=client),
        ShapeError, 'A47": {"lines": "..."', {"A47": {"lines": "postings"}},
    ),
    "links under no word": (
        Reality(ready="odd"), lambda client: validis.load_gl_extract(1, client=client),
        ShapeError, 'A27": {"access": "', {"A27": {"access": "ort"}},
    ),
    "days first": (
        Reality(dates="day_first"), lambda client: validis.load_gl_extract(1, client=client),
        LedgerError, "05.01.2026", {"A37": "%d.%m.%Y"},
    ),
    "decimal commas": (
        Reality(decimals="comma", delimiter=";"), lambda client: validis.load_gl_extract(1, client=client),
        LedgerError, "decimal=','", {"A38": {"decimal": ","}},
    ),
    "the extract at another path": (
        Reality(items_path="ar"), lambda client: validis.load_ar_extract(1, client=client),
        NotFound, "404", {"A26": {"receivable": "/v2/extracts/ar/engagements/{engagementId}"}},
    ),
    "items in columns of no known name": (
        Reality(items_columns="odd"), lambda client: validis.load_ar_extract(1, client=client),
        LedgerError, "BETRAG", {"A34": {"amount": "BETRAG", "item_id": "BELEG", "date": "TAG"}},
    ),
    "days of items first": (
        Reality(dates="day_first"), lambda client: validis.load_ar_extract(1, client=client),
        LedgerError, "05.01.2026", {"A37": "%d.%m.%Y"},
    ),
    "decimal commas of items": (
        Reality(decimals="comma", delimiter=";"), lambda client: validis.load_ar_extract(1, client=client),
        LedgerError, "decimal=','", {"A38": {"decimal": ","}},
    ),
    "another path": (
        Reality(periods_path="financialPeriods"), lambda client: validis.load_periods(1, client=client),
        NotFound, "404", {"A48": "/v1/engagements/{engagementId}/financialPeriods"},
    ),
    "another word before the token": (
        Reality(scheme="bearer"), lambda client: validis.load_periods(1, client=client),
        AuthError, "401", {"A05": {"scheme": "bearer"}},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", MENDED)
def test_what_cannot_be_guessed_is_an_error_and_mended_in_one_line(world, name, quiet):
    """Never a smaller frame: the error shows what came, and an assumption mends it."""
    reality, load, error, says, assumptions = MENDED[name]
    with pytest.raises(error, match=re.escape(says)):
        load(world(reality))

    assert load(world(reality, assumptions=assumptions)) is not None


def test_files_whose_names_tell_nothing_are_found_by_their_headers(world, quiet):
    """The transactions are; what else there is stays under its own name, or is named in one line."""
    reality = Reality(names="coded")
    found = validis.load_gl_extract(1, client=world(reality))
    named = validis.load_gl_extract(1, client=world(reality, assumptions={"A29": {"period_balances": "table2*"}}))

    assert (len(found.transactions), list(found.others)) == (4, ["table2.csv"])
    assert named.period_balances["closing"].tolist() == [-1100.51]


def test_items_whose_names_tell_nothing_are_found_by_their_headers(world, quiet):
    """As the general ledger's lines are; what else there is stays, or is named in one line."""
    reality = Reality(names="coded")
    found = validis.load_ar_extract(1, client=world(reality))
    named = validis.load_ar_extract(1, client=world(reality, assumptions={"A29": {"allocations": "table2*"}}))

    assert (len(found.items), list(found.others), len(found.allocations)) == (2, ["table2.csv"], 0)
    assert named.allocations["amount"].tolist() == [99.99]


def test_odd_columns_of_items_are_kept_and_mended(world, quiet):
    """Every one is there under its own name; named in one line, it plays its part."""
    told = {"A34": {"amount": "BETRAG", "item_id": "BELEG", "date": "TAG", "outstanding_amount": "OFFEN"}}
    reality = Reality(items_columns="odd")
    partly = validis.load_ar_extract(1, columns={"amount": "BETRAG"}, client=world(reality)).items
    whole = validis.load_ar_extract(1, client=world(reality, assumptions=told)).items

    assert partly[["BELEG", "OFFEN"]].to_numpy().tolist() == [["001", "0.00"], ["002", "0.00"]]
    assert partly["item_id"].isna().all()
    assert whole["item_id"].tolist() == ["001", "002"]
    assert whole["outstanding_amount"].tolist() == [0.0, 0.0]


def test_a_report_of_unknown_words_names_the_assumption(world):
    """No figure at all is no report."""
    with pytest.raises(ShapeError, match="A54"):
        validis.load_report("income-statement-standard", 1, client=world(Reality(report="odd")))


def test_a_value_under_an_unknown_key_is_kept_and_told(world):
    """It becomes a column of its own, with a word on it; and one line makes it the value."""
    with pytest.warns(SchemaDriftWarning, match="wert"):
        lines = validis.load_journals(1, client=world(Reality(line_value="odd")))
    columns = {"columns": {"journals": {"value": "wert"}}}
    mended = validis.load_journals(1, client=world(Reality(line_value="odd"), assumptions=columns))

    assert lines["wert"].tolist() == ["1200.5", "-1200.5", "99.99", "-99.99"]
    assert mended["value"].tolist() == [1200.5, -1200.5, 99.99, -99.99]


@pytest.mark.parametrize("clamp", [1, 3])
def test_a_size_lowered_to_an_odd_number_without_a_word_is_never_a_silent_loss(world, clamp, quiet):
    """Where nothing is declared, five rows at one or three a page cannot be told from a short last page.

    The certificate says so: it is never PASS.
    """
    frame = validis.load_engagements(page_size=4, client=world(Reality(envelope="", clamp=clamp)))

    assert load_record(frame).certificate.verdict == "CANNOT_PROVE"


@pytest.mark.parametrize("clamp", [1, 2, 3])
@pytest.mark.parametrize("keys", [{}, {"size": "no"}, {"size": "no", "total_pages": "no", "last": "no"}])
def test_a_lowered_size_with_a_total_is_walked_to_the_end(world, clamp, keys, quiet):
    """Whether the answer names the size in force, or only how many rows there are."""
    client = world(Reality(clamp=clamp), assumptions={"A14": keys})

    assert validis.load_engagements(page_size=4, client=client)["engagement_id"].tolist() == list("12345")
