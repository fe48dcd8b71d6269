"""The receivable and payable extracts: the same items as the lists, from files whose shape is assumed."""

from __future__ import annotations

import contextlib
import io
import zipfile
from decimal import Decimal

import pandas as pd
import pytest
from conftest import Says

import docframes.sandbox as sandbox
from docframes import describe, load_record, offline
from docframes.errors import (
    ConfigError,
    IncompleteLoad,
    LedgerError,
    LedgerWarning,
    NotFound,
    OfflineMiss,
    RoleError,
    TextEncodingWarning,
    ValueFormatError,
)
from docframes.settings import Settings
from docframes.vendors import validis
from docframes.vendors.validis.item_tables import PAYABLE, RECEIVABLE, table_of

TOKEN = {"access_token": "eyJh.eyJz.c2ln", "expires_in": 1800, "clientId": "x"}
UPLOAD = "2a0f8f0e-52f1-4e2c-9d2b-0f4c1f1b3a77"
ITEMS = f"""UPLOAD_ID,COMPANY_NAME,ITEM_ID,CUSTOMER_ID,CUSTOMER_NAME,TYPE,DOCUMENT_DATE,DUE_DATE,AMOUNT,BALANCE,AREA
{UPLOAD},Häger & Søn,12345678901234567,007,NA,INVOICE,2026-01-05,2026-02-04,0.10,0.10,North
{UPLOAD},Häger & Søn,0002,007,NA,INVOICE,2026-01-06,,0.20,0.20,
{UPLOAD},Häger & Søn,0003,008,"Two
lines",CREDIT_NOTE,2026-01-07,2026-01-07,-9.99,0.00,South
"""
#: Waits are told to a function of the test's own, which does not wait.
FAST = Settings(time_scale=0.5)
LOADERS = {"accounts-receivable": validis.load_ar_extract, "accounts-payable": validis.load_ap_extract}


@pytest.fixture(params=LOADERS)
def ledger(request):
    """The ending of the path of an extract."""
    return request.param


@pytest.fixture(scope="module")
def office():
    """A sandbox for the tests that only read."""
    with sandbox.running(jobs=5, environment=False) as box:
        yield box


@pytest.fixture
def connect(settings):
    """A client of a sandbox: ``connect(box)``; clients share the test's cache folder."""
    with contextlib.ExitStack() as stack:

        def make(box, **options):
            given = {"api_key": box.key("validis"), "base_url": box.url("validis"), "settings": settings, **options}
            return stack.enter_context(validis.Client(**given))

        yield make


@pytest.fixture
def vendor(scripted, settings):
    """An API and a storage host that gives a zip of the files named: ``vendor({"AR Transactions.csv": text})``."""
    with contextlib.ExitStack() as stack:

        def make(files, **options):
            storage = scripted(lambda asked: Says(zipped(files)))

            def answer(asked):
                return Says(TOKEN) if asked.path == "/v1/oauth/token" else Says({"fileAccessUrl": f"{storage.url}/a"})

            given = {"api_key": "5d1c0e9b7a3f48d2" * 2, "base_url": scripted(answer).url, "settings": settings}
            return stack.enter_context(validis.Client(**{**given, **options}))

        yield make


def zipped(files):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


def read(vendor, text=ITEMS, name="AR Transactions.csv", **options):
    """The receivables of one file."""
    assumptions = options.pop("assumptions", None)
    return validis.load_ar_extract(7, client=vendor({name: text}, assumptions=assumptions), **options)


# --- the same items as the lists --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("extract", "items", "party"),
    [
        (validis.load_ar_extract, validis.load_receivable_items, "customer"),
        (validis.load_ap_extract, validis.load_payable_items, "supplier"),
    ],
)
def test_the_items_are_those_of_the_list(office, connect, extract, items, party):
    """Row by row, under the same names: ids, parties, kinds, days, amounts."""
    client = connect(office)
    mine, theirs = extract(4711, client=client).items, items(4711, client=client)

    same = ["item_id", f"{party}_id", f"{party}_name", "item_type", "reference", "date", "due_date", "period_id",
            "currency_iso", "amount", "outstanding_amount", "base_amount"]  # fmt: skip
    pd.testing.assert_frame_equal(mine[same], theirs[same], check_names=False)
    assert len(mine) > 500


@pytest.mark.parametrize(
    ("extract", "account", "sign"), [(validis.load_ar_extract, "1100", 1), (validis.load_ap_extract, "2100", -1)]
)
def test_what_is_open_is_the_balance_of_the_control_account(office, connect, extract, account, sign):
    """To the penny, in exact amounts: the general ledger's own extract says so."""
    client = connect(office)
    items = extract(4711, amounts="decimal", client=client).items
    ledger = validis.load_gl_extract(4711, amounts="decimal", client=client)
    posted = ledger.transactions.query("account == @account")["amount"].sum()
    opening = ledger.period_balances.query("account == @account and period == '01'")["opening"].iloc[0]

    assert sign * sum(items["outstanding_amount"], Decimal(0)) == opening + posted
    assert set(items["transaction"].dropna()) <= set(ledger.transactions["transaction"])


def test_allocations_and_parties_are_those_of_the_list(office, connect):
    """What is set off against what, and by how much; each customer once."""
    client = connect(office)
    extract = validis.load_ar_extract(4711, client=client)
    listed = validis.load_receivable_items(4711, allocations=True, client=client)
    told = [
        (item, other["itemId"], other["amount"])
        for item, text in zip(listed["item_id"], listed["allocations"], strict=True)
        for other in pd.io.json.ujson_loads(text or "[]")
    ]

    mine = extract.allocations[["item_id", "other_item_id", "amount"]]
    assert list(mine.itertuples(index=False, name=None)) == told
    assert extract.parties["customer_id"].tolist() == sorted(listed["customer_id"].dropna().unique())
    assert extract.company["REGISTRATION_NUMBER"].tolist() == ["07654321"]


@pytest.mark.parametrize("shape", ["access", "list", "sas", "href", "zip", "per_file"])
def test_every_shape_of_the_answer_gives_the_same_frames(start, connect, ledger, shape):
    """Links in one of three forms, in an envelope, one zip a file, or the zip itself; no credential goes to storage."""
    box = start(jobs=2)
    box.state["validis"].shape = shape
    extract = LOADERS[ledger](4711, client=connect(box))

    assert extract.sources["table"].tolist().count("others") == 0
    assert len(extract.sources) == 4
    assert (extract.name, len(extract.others)) == ("Northmoor Retrofit Partnership CIC", 0)
    assert min(len(extract.items), len(extract.allocations), len(extract.parties), len(extract.company)) > 0
    assert box.leaks == []


# --- the flow ---------------------------------------------------------------------------------------------------------


def test_202_is_waited_for(start, connect, ledger):
    """By the same call, with both parameters, 30 seconds apart."""
    box = start(jobs=2)
    waits = []
    extract = LOADERS[ledger](4711, client=connect(box, sleep=waits.append, settings=FAST, cached=False))

    calls = [call for call in box.calls if "/extracts/" in call.path and call.host == "api"]
    assert {call.path for call in calls} == {f"/v2/extracts/{ledger}/engagements/4711"}
    assert {tuple(call.query.items()) for call in calls} == {(("Format", "CSV"), ("includeFutureYears", "false"))}
    assert [call.status for call in calls] == [202, 202, 200]
    assert waits == [30.0 * FAST.time_scale] * 2
    assert load_record(extract.items).calls == 3


def test_the_second_time_nothing_is_sent_again_and_offline_nothing_is_asked(start, connect, ledger):
    """By the host's ETag; files of the other extracts stay where they are."""
    box = start(jobs=2)
    client = connect(box)
    loads = [validis.load_gl_extract, *LOADERS.values()]
    for load in loads:
        load(4711, client=client)
    box.clear_calls()
    second = LOADERS[ledger](4711, client=client)
    assert [call.status for call in box.calls if call.host == "storage"] == [304]
    box.clear_calls()
    with offline():
        third = LOADERS[ledger](4711, client=client)
        with pytest.raises(OfflineMiss, match="extract of engagement 4801"):
            LOADERS[ledger](4801, client=client)

    pd.testing.assert_frame_equal(second.items, third.items)
    assert box.calls == []
    LOADERS[ledger](4711, refresh=True, client=client)
    assert [call.status for call in box.calls if call.host == "storage"] == [200]


def test_files_of_two_uploads_are_loaded_again_once(start, connect, ledger):
    """Twice mixed is an error, with the mixed frames in it."""
    box = start(jobs=2)
    state = box.state["validis"]
    state.mixed = 1
    extract = LOADERS[ledger](4711, client=connect(box))
    state.mixed = 2
    with pytest.raises(IncompleteLoad, match="several uploads") as caught:
        LOADERS[ledger](4711, refresh=True, client=connect(box))

    assert extract.origin["upload"] == state.extracts.upload_id(0)
    assert len(caught.value.frame.items) == len(extract.items)
    assert caught.value.resume().origin == extract.origin


def test_several_engagements_are_waited_for_together(start, connect, ledger):
    """As for general ledgers."""
    box = start(jobs=2)
    box.state["validis"].branches = 2
    waits = []
    client = connect(box, sleep=waits.append, settings=FAST, cached=False)
    with pytest.raises(IncompleteLoad, match="4712: ") as caught:
        LOADERS[ledger](["4802", 4711, 4801, 4712], client=client)

    assert list(caught.value.frame) == ["4802", "4711", "4801"]
    assert len(waits) == 2
    assert len({extract.origin["upload"] for extract in caught.value.frame.values()}) == 3


def test_where_it_comes_from_stays_with_every_frame(office, connect):
    """Engagement, upload, SHA-256 of the files, certificate; every column is described, by the header that plays it."""
    extract = validis.load_ar_extract(4711, client=connect(office))
    record = load_record(extract.allocations)

    upload = office.state["validis"].extracts.upload_id(0)
    assert dict(extract.origin) == {"engagement": "4711", "upload": upload}
    assert (record.loader, record.upload_id, record.rows) == ("load_ar_extract", upload, len(extract.allocations))
    assert all(len(seal) == 64 for seal in record.files.values())
    assert (record.certificate.verdict, record.table) == ("CANNOT_PROVE", "ar_allocations")
    for frame in (extract.items, extract.allocations, extract.parties, extract.company):
        told = describe(frame).set_index("column")
        assert told["dtype"].to_dict() == {name: str(dtype) for name, dtype in frame.dtypes.items()}
        assert not told["meaning"].str.startswith("not declared").any()
    assert describe(extract.items).set_index("column")["source"]["date"].startswith("DOCUMENT_DATE;")
    assert extract.headers["allocations"]["other_item_id"] == "TO_ITEM_ID"
    assert f"engagement 4711, upload {upload}" in repr(extract)


# --- columns ----------------------------------------------------------------------------------------------------------


def test_ids_are_text_and_nothing_is_lost(vendor):
    """Leading zeros, 17 digits, NA as a name, a line break, empty fields; unknown columns stay, as text."""
    items = read(vendor).items

    assert items["item_id"].tolist() == ["12345678901234567", "0002", "0003"]
    assert items["customer_id"].tolist() == ["007", "007", "008"]
    assert items["customer_name"].tolist() == ["NA", "NA", "Two\nlines"]
    assert items["AREA"].fillna("-").tolist() == ["North", "-", "South"]
    assert items["DOCUMENT_DATE"].tolist() == ["2026-01-05", "2026-01-06", "2026-01-07"]
    assert items["date"].tolist() == [pd.Timestamp(2026, 1, day) for day in (5, 6, 7)]
    assert items["due_date"].isna().tolist() == [False, True, False]
    assert items["outstanding_amount"].tolist() == [0.10, 0.20, 0.0]
    assert items["source_line"].tolist() == [2, 3, 4]


def test_amounts_are_exact_where_that_is_asked(vendor):
    """0.10 and 0.20 are 0.30; as floats they are the nearest ones."""
    exact = read(vendor, amounts="decimal").items["amount"]

    assert sum(exact, Decimal(0)) == Decimal("-9.69")
    assert str(exact.dtype).startswith("decimal128")
    assert read(vendor).items["amount"].tolist() == [0.1, 0.2, -9.99]


def test_columns_do_not_depend_on_the_rows(vendor):
    """A file with its header only gives the columns and dtypes of a full one."""
    empty = read(vendor, ITEMS.splitlines(keepends=True)[0])
    full = read(vendor)

    assert len(empty.items) == 0
    assert empty.items.dtypes.equals(full.items.dtypes)
    assert empty.allocations.dtypes.equals(full.allocations.dtypes)
    assert empty.problems.dtypes.equals(full.problems.dtypes)


def test_known_columns_are_there_whatever_the_file_has(vendor):
    """Missing where no header plays them, so that extracts of two companies fit together."""
    few = read(vendor, "ID,TOTAL\n1,2.50\n").items
    many = read(vendor).items

    known = [column.name for column in RECEIVABLE.tables["items"].columns]
    assert list(few.columns) == [*known, "source_line"]
    assert few.dtypes.equals(many[list(few.columns)].dtypes)
    assert few.loc[0, ["item_id", "amount"]].tolist() == ["1", 2.5]


def test_what_cannot_be_read_is_listed_with_its_line_and_text(vendor):
    """The row stays and the value is missing; placeholders are no dates; lines that do not fit are kept out."""
    text = (
        ITEMS.replace(",0.20,0.20,", ",tbc,0.20,").replace("2026-01-06", "someday").replace("2026-02-04", "9999-12-31")
    )
    with pytest.warns(LedgerWarning, match="1 lines with too few.*2 values could not be read"):
        extract = read(vendor, text + "too,short\n")

    assert extract.items["amount"].fillna(0).tolist() == [0.10, 0.0, -9.99]
    assert extract.items["date"].isna().tolist() == [False, True, False]
    assert extract.items["due_date"].isna().tolist() == [True, True, False]
    told = extract.problems[["line", "column", "rule", "value"]].itertuples(index=False, name=None)
    assert sorted(told) == [
        (2, "DUE_DATE", "placeholder date", "9999-12-31"),
        (3, "AMOUNT", "not an amount", "tbc"),
        (3, "DOCUMENT_DATE", "unreadable date", "someday"),
        (6, "", "ragged", "too,short"),
    ]
    assert extract.items["DOCUMENT_DATE"].tolist()[1] == "someday"
    assert extract.sources["kept_out"].tolist() == [1]


def test_a_column_of_which_nothing_can_be_read_is_an_error(vendor):
    """It is no amount at all; the error says how to name another, and that there may be none."""
    text = (
        ITEMS.replace(",0.10,North", ",open,North").replace(",0.20,\n", ",open,\n").replace("0.00,South", "paid,South")
    )
    with pytest.raises(ValueFormatError, match=r"'BALANCE' .*open") as caught:
        read(vendor, text)

    assert "columns=" in " ".join(caught.value.__notes__)
    items = read(vendor, text, columns={"outstanding_amount": None}).items
    assert items["BALANCE"].tolist() == ["open", "open", "paid"]
    assert items["outstanding_amount"].isna().all()


@pytest.mark.parametrize(
    ("change", "error", "says", "entry", "value", "option"),
    [
        (("AMOUNT,BALANCE", "BETRAG,REST"), RoleError, "BETRAG", "A34", {"amount": "BETRAG"},
         {"columns": {"amount": "BETRAG"}}),
        (("2026-01-0", "1/2026/0"), ValueFormatError, "1/2026/05", "A37", "%m/%Y/%d", {"dates": {"date": "%m/%Y/%d"}}),
        ((".", ";"), ValueFormatError, "0;10", "A38", {"decimal": ","}, None),
    ],
    ids=["columns", "dates", "decimals"],
)  # fmt: skip
def test_a_wrong_guess_is_an_error_and_mended_in_one_line(vendor, change, error, says, entry, value, option):
    """By an argument, or by an assumption for every load of the account."""
    text = ITEMS.replace(*change)
    if entry == "A37":
        text = text.replace("2026-02-04", "02/2026/04")
    if entry == "A38":
        text = text.replace(",", "|").replace(";", ",")
        says = "0,10"
    with pytest.raises(error, match=says) as caught:
        read(vendor, text)

    assert entry in " ".join(caught.value.__notes__)
    option = {"dates": "%m/%Y/%d"} if entry == "A37" else option
    mended = [read(vendor, text, assumptions={entry: value})] + ([read(vendor, text, **option)] if option else [])
    for extract in mended:
        assert extract.items["amount"].tolist() == [0.1, 0.2, -9.99]
        assert extract.items["date"].tolist() == [pd.Timestamp(2026, 1, day) for day in (5, 6, 7)]


def test_an_assumption_for_both_sides_names_several_headers(vendor):
    """The first that is there counts; one that is nowhere is an error with the columns that are."""
    told = {"A34": {"item_id": ["AP_REF", "BOOKING"]}}
    items = read(vendor, ITEMS.replace("ITEM_ID", "BOOKING"), assumptions=told).items

    assert items["item_id"].tolist()[1] == "0002"
    with pytest.raises(RoleError, match="'item_id' was to be"):
        read(vendor, assumptions=told)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"columns": {"betrag": "X"}}, "no column 'betrag'"),
        ({"dates": {"amount": "%Y"}}, "no date 'amount'"),
        ({"amounts": "exact"}, "amounts is one of"),
        ({"assumptions": {"A29": {"invoices": "*"}}}, "no table .A29. 'invoices'"),
        ({"assumptions": {"A29": {"items": "*.xml"}}}, "no file is named so"),
    ],
)
def test_an_option_that_cannot_be_is_refused(vendor, options, says):
    """With what there is."""
    with pytest.raises(ConfigError, match=says):
        read(vendor, **options)


# --- files ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "side", "table"),
    [
        ("AR Transactions.csv", RECEIVABLE, "items"),
        ("ap_transactions_20260407.csv", PAYABLE, "items"),
        ("AB12/AccountsReceivableTransactions.csv", RECEIVABLE, "items"),
        (f"Receivable Items {UPLOAD}.csv", RECEIVABLE, "items"),
        ("Open Items.csv", PAYABLE, "items"),
        ("AR Transaction Allocations.csv", RECEIVABLE, "allocations"),
        ("Allocations.csv", PAYABLE, "allocations"),
        ("Customers.csv", RECEIVABLE, "parties"),
        ("AR Customer Details.csv", RECEIVABLE, "parties"),
        ("Suppliers.csv", PAYABLE, "parties"),
        ("Vendors.csv", PAYABLE, "parties"),
        ("Company Details.csv", PAYABLE, "company"),
        ("AR Transactions.zip/table.csv", RECEIVABLE, "items"),
        ("Suppliers.csv", RECEIVABLE, None),
        ("GL Transactions.csv", RECEIVABLE, None),
        ("Calendar Items.csv", RECEIVABLE, None),
        ("Customer Addresses.csv", RECEIVABLE, None),
    ],
)
def test_files_are_known_by_their_names(name, side, table):
    """Whatever their case, ids and dates; what merely holds the word is another list."""
    assert table_of(name, side) == table


def test_what_is_not_recognised_is_kept(vendor):
    """As text, under its own name; a file that is none of CSV is listed; cp1252 is told."""
    files = {
        "x/AR Transactions.csv": ITEMS.encode("cp1252"),
        "x/Customer Addresses.csv": "CODE,STREET\n01,Kiln Lane\n",
        "x/read me.pdf": b"%PDF",
    }
    with pytest.warns(TextEncodingWarning, match="cp1252"):
        extract = validis.load_ar_extract(7, client=vendor(files))

    assert extract.items["COMPANY_NAME"].unique().tolist() == ["Häger & Søn"]
    assert extract.others["x/Customer Addresses.csv"].to_dict("list") == {"CODE": ["01"], "STREET": ["Kiln Lane"]}
    assert extract.problems[["member", "rule"]].to_numpy().tolist() == [["x/read me.pdf", "not read"]]
    assert extract.name == "engagement 7"


def test_items_in_two_files_are_put_together(vendor):
    """In order of name, with the file beside each line; columns that one of them lacks are missing there."""
    second = "ITEM_ID,AMOUNT,TERMS\n0009,5.00,net 30\n"
    items = validis.load_ar_extract(7, client=vendor({"AR Items 1.csv": ITEMS, "AR Items 2.csv": second})).items

    assert items["item_id"].tolist()[-2:] == ["0003", "0009"]
    assert items["source_member"].tolist() == ["AR Items 1.csv"] * 3 + ["AR Items 2.csv"]
    assert items["TERMS"].fillna("-").tolist() == ["-", "-", "-", "net 30"]
    assert items["source_line"].tolist() == [2, 3, 4, 2]


def test_items_are_found_by_their_headers_where_no_name_says_them(vendor):
    """A file with an amount, and a due date or a kind; where several could be, the error lists them."""
    files = {"table1.csv": ITEMS, "table2.csv": "CODE,NAME\n007,Firm\n"}
    extract = validis.load_ar_extract(7, client=vendor(files))

    assert (len(extract.items), list(extract.others)) == (3, ["table2.csv"])
    with pytest.raises(RoleError, match="Several files could hold the items"):
        validis.load_ar_extract(7, client=vendor({"table1.csv": ITEMS, "table2.csv": ITEMS}))
    told = {"A29": {"items": "table2*", "parties": "table1*"}}
    named = validis.load_ar_extract(7, client=vendor({"table1.csv": ITEMS, "table2.csv": ITEMS}, assumptions=told))
    assert named.sources["table"].tolist() == ["parties", "items"]


def test_files_of_nothing_known_are_an_error(vendor):
    """It lists what there is; it is no empty frame."""
    with pytest.raises(RoleError, match=r"No file is recognised.*'STREET'"):
        validis.load_ar_extract(7, client=vendor({"a.csv": "CODE,STREET\n1,x\n", "b.csv": "P,Q\n1,2\n"}))


def test_an_extract_without_items_is_told(vendor):
    """An empty ledger may have no file: a warning, and an empty frame with its columns."""
    files = {"Customers.csv": "ID,NAME\n007,Firm\n", "Company Details.csv": "COMPANY_NAME\nHäger\n"}
    with pytest.warns(LedgerWarning, match="No file of the extract holds items"):
        extract = validis.load_ar_extract(7, client=vendor(files))

    assert (len(extract.items), extract.parties["customer_id"].tolist(), extract.name) == (0, ["007"], "Häger")
    assert extract.items.dtypes.equals(read(vendor).items[list(extract.items.columns)].dtypes)


def test_a_file_of_which_no_line_fits_is_an_error(vendor):
    """Its delimiter was taken for another."""
    with pytest.raises(LedgerError, match="None of its lines has the 2 fields"):
        read(vendor, "AMOUNT,DATE\n1;2026-01-01;x,y,z\n")


def test_the_same_assumptions_serve_all_extracts(vendor):
    """What names tables or dates of one extract does not disturb another."""
    ledger = "GL_TX_ID,GL_TX_DATE,ACCOUNT_CODE,BASE_VALUE\n1,05.01.2026,0400,1.00\n"
    items = "ITEM_ID,DATE,DUE_DATE,AMOUNT\n1,05.01.2026,06.02.2026,1.00\n"
    files = {"one.csv": ledger, "two.csv": items}
    told = {
        "A29": {"transactions": "one*", "items": "two*"},
        "A37": {"date": "%d.%m.%Y", "due_date": "%d.%m.%Y", "entered_at": "%d.%m.%Y"},
    }
    client = vendor(files, assumptions=told)

    assert validis.load_gl_extract(1, client=client).transactions["date"].tolist() == [pd.Timestamp(2026, 1, 5)]
    extract = validis.load_ar_extract(1, client=client)
    assert extract.items["due_date"].tolist() == [pd.Timestamp(2026, 2, 6)]
    assert list(extract.others) == ["one.csv"]


# --- the path ---------------------------------------------------------------------------------------------------------


def test_another_path_is_an_error_that_names_the_assumption(start, connect, ledger):
    """404 may mean so; one line mends it."""
    side = "receivable" if ledger == "accounts-receivable" else "payable"
    box = start(jobs=2)
    wrong = {"A26": {side: "/v2/extracts/elsewhere/engagements/{engagementId}"}}
    with pytest.raises(NotFound, match="404") as caught:
        LOADERS[ledger](4711, client=connect(box, assumptions=wrong))

    assert f'"A26": {{"{side}"' in " ".join(caught.value.__notes__)
    right = {"A26": {side: f"/v2/extracts/{ledger}/engagements/{{engagementId}}"}}
    assert len(LOADERS[ledger](4711, client=connect(box, assumptions=right)).items) > 500
