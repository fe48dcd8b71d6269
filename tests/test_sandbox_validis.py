"""The Validis room of the sandbox keeps to the contract."""

from __future__ import annotations

import csv
import io
import zipfile

import pytest
import requests

import docframes.sandbox as sandbox
from docframes.sandbox.company.books import Books

LEDGER = "/v2/extracts/general-ledger/engagements/4711"
CSV = {"Format": "CSV", "includeFutureYears": "false"}


@pytest.fixture(scope="module")
def shared():
    with sandbox.running(jobs=5, environment=False) as box:
        yield box


@pytest.fixture
def box():
    with sandbox.running(jobs=2, environment=False) as box:
        yield box


def sign_in(box, key=None, form=None):
    key = key or box.key("validis")
    form = {"grant_type": "vapi_key", "key": key} | (form or {})
    return requests.post(
        box.url("validis") + "/v1/oauth/token", data=form, headers={"Ocp-Apim-Subscription-Key": key}, timeout=10
    )


def signed(box, key=None):
    key = key or box.key("validis")
    return {
        "Ocp-Apim-Subscription-Key": key,
        "Authorization": f"bearer {sign_in(box, key).json()['access_token']}",
        "Accept": "application/json",
    }


def ask(box, path, headers=None, **params):
    return requests.get(box.url("validis") + path, params=params, headers=headers or signed(box), timeout=10)


def test_the_token_answer_has_the_documented_fields(shared):
    """All nine, and the life of half an hour."""
    told = sign_in(shared).json()

    fields = "access_token token_type expires_in resellerId clientId permissions userId vconnectClientId jti"
    assert set(told) == set(fields.split())
    assert told["expires_in"] == 1800
    assert isinstance(told["userId"], int)


@pytest.mark.parametrize(
    ("changes", "error"),
    [({"grant_type": "password"}, "unsupported_grant_type"), ({"key": "another"}, "invalid_grant")],
)
def test_a_wrong_token_call_is_refused_as_oauth_does(shared, changes, error):
    """error and error_description."""
    answer = sign_in(shared, form=changes)

    assert (answer.status_code, answer.json()["error"]) == (400, error)
    assert answer.json()["error_description"]


def test_a_form_of_parts_is_refused(shared):
    """The table of parameters says URL-encoded."""
    key = shared.key("validis")
    parts = {"grant_type": (None, "vapi_key"), "key": (None, key)}
    url = shared.url("validis") + "/v1/oauth/token"
    answer = requests.post(url, files=parts, headers={"Ocp-Apim-Subscription-Key": key}, timeout=10)

    assert answer.status_code == 400


@pytest.mark.parametrize("left_out", ["Ocp-Apim-Subscription-Key", "Authorization"])
def test_both_headers_are_needed(shared, left_out):
    """401 in the gateway's form."""
    headers = {name: value for name, value in signed(shared).items() if name != left_out}
    answer = ask(shared, "/v1/engagements/4711/periods", headers)

    assert answer.status_code == 401
    assert answer.json().keys() == {"statusCode", "message"}


def test_an_accept_header_that_cannot_be_met_is_406(shared):
    """Only JSON is served."""
    answer = ask(shared, "/v1/engagements/4711/periods", {**signed(shared), "Accept": "text/html"})

    assert answer.status_code == 406


def test_a_token_lives_half_an_hour(box):
    """By the sandbox's clock."""
    headers = signed(box)
    box.advance(1790)
    assert ask(box, "/v1/engagements/4711/periods", headers).status_code == 200
    box.advance(11)
    assert ask(box, "/v1/engagements/4711/periods", headers).status_code == 401


def test_a_token_belongs_to_its_key(box):
    """The other key needs its own."""
    second = box.state["validis"].secondary
    mixed = {**signed(box), "Ocp-Apim-Subscription-Key": second}

    assert ask(box, "/v1/engagements/4711/periods", mixed).status_code == 401
    assert ask(box, "/v1/engagements/4711/periods", signed(box, second)).status_code == 200


def test_each_key_has_its_calls_in_a_rolling_day(box):
    """Every call counts; then 429 with the documented text, until the window has moved on."""
    box.state["validis"].limit = 3
    headers = signed(box)
    assert ask(box, "/v1/nowhere", headers).status_code == 404
    assert ask(box, "/v1/engagements/4711/periods", headers).status_code == 200
    refused = ask(box, "/v1/engagements/4711/periods", headers)

    assert refused.status_code == 429
    assert refused.json()["statusCode"] == 429
    assert refused.json()["message"].startswith("Rate limit is exceeded. Try again in ")
    assert sign_in(box, box.state["validis"].secondary).status_code == 200
    box.advance(86_401)
    assert sign_in(box).status_code == 200


def test_a_revoked_key_opens_nothing(box):
    """401, for the token too; the second key still works."""
    box.revoke_key("validis")

    assert sign_in(box).status_code == 401
    assert sign_in(box, box.state["validis"].secondary).status_code == 200


def test_engagements_are_found_sorted_and_paged(shared):
    """By reference, by order, by page from 0; lastUploadDate only where there was an upload."""
    headers = signed(shared)
    path = f"/v1/clients/{sign_in(shared).json()['clientId']}/engagements"
    every = ask(shared, path, headers).json()["content"]
    page = ask(shared, path, headers, page=1, size=3).json()

    assert [row["id"] for row in every] == [4711, 4712, 4713, 4714]
    assert ["lastUploadDate" in row for row in every] == [True, False, False, False]
    assert (len(page["content"]), page["last"], page["totalPages"]) == (1, True, 2)
    found = ask(shared, path, headers, externalEngagementId="AUD-012,AUD-013", orderBy="-id").json()["content"]
    assert [row["id"] for row in found] == [4713, 4712]
    assert ask(shared, "/v1/clients/another/engagements", headers).status_code == 403
    assert ask(shared, path, headers, size=2001).status_code == 400


def test_an_extract_takes_its_time_and_is_kept(box):
    """202 twice, then links; the same call again is ready at once, another combination is not, a new upload neither."""
    headers = signed(box)
    statuses = [ask(box, LEDGER, headers, **CSV).status_code for _ in range(4)]
    other = ask(box, LEDGER, headers, **{**CSV, "includeFutureYears": "true"}).status_code
    box.state["validis"].new_upload()

    assert statuses == [202, 202, 200, 200]
    assert other == 202
    assert ask(box, LEDGER, headers, **CSV).status_code == 202


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"Format": "CSV"},
        {"format": "CSV", "includeFutureYears": "false"},
        {**CSV, "includeFutureYears": "False"},
    ],
)
def test_both_parameters_of_an_extract_are_required(shared, params):
    """As they are spelt, booleans in lower case."""
    assert ask(shared, LEDGER, **params).status_code == 400


def test_links_work_without_a_key_and_not_for_long(box):
    """The zip is the company's ledger; a credential is refused, and so is a link that is over."""
    box.state["validis"].polls = 0
    headers = signed(box)
    told = ask(box, LEDGER, headers, **CSV).json()

    assert told.keys() == {"fileUrl", "sasToken", "fileAccessUrl"}
    assert told["fileAccessUrl"] == f"{told['fileUrl']}?{told['sasToken']}"
    assert requests.get(told["fileAccessUrl"], headers=headers, timeout=10).status_code == 400
    with zipfile.ZipFile(io.BytesIO(requests.get(told["fileAccessUrl"], timeout=10).content)) as archive:
        rows = list(csv.DictReader(io.StringIO(archive.read("GL_Transactions.csv").decode(), newline="")))
    assert len(rows) == 5000
    box.advance(601)
    assert requests.get(told["fileAccessUrl"], timeout=10).status_code == 403
    assert len(box.leaks) == 1


@pytest.mark.parametrize(("ledger", "short"), [("accounts-receivable", "AR"), ("accounts-payable", "AP")])
def test_the_extract_of_items_holds_the_items_of_the_list(box, ledger, short):
    """Waited for like the ledger's; the same items, in pence, and allocations both ways; only at v2."""
    box.state["validis"].polls = 1
    headers = signed(box)
    path = f"/v2/extracts/{ledger}/engagements/4711"
    assert [ask(box, path, headers, **CSV).status_code for _ in range(2)] == [202, 200]
    assert ask(box, path.replace("v2", "v1"), headers, **CSV).status_code == 404
    link = ask(box, path, headers, **CSV).json()["fileAccessUrl"]
    with zipfile.ZipFile(io.BytesIO(requests.get(link, timeout=10).content)) as archive:
        files = {name: list(csv.DictReader(io.StringIO(archive.read(name).decode()))) for name in archive.namelist()}
    books: Books = box.state["validis"].books
    listed = books.receivable_items if short == "AR" else books.payable_items

    items = files[f"{short}_Transactions.csv"]
    assert [(row["ITEM_ID"], row["AMOUNT"]) for row in items] == [
        (row["id"], f"{round(row['amount'] * 100) / 100:.2f}") for row in listed
    ]
    told = sum(round(float(row["OUTSTANDING_AMOUNT"]) * 100) for row in items)
    assert told == sum(round(row["outstandingAmount"] * 100) for row in listed)
    assert len(files[f"{short}_Allocations.csv"]) == sum(len(row["allocations"]) for row in listed)
    party = "customer" if short == "AR" else "supplier"
    parties = {row[f"{party.upper()}_ID"] for row in files[f"{party.title()}s.csv"]}
    assert parties == {row[f"{party}Id"] for row in listed} - {None}
    assert {row["UPLOAD_ID"] for rows in files.values() for row in rows} == {box.state["validis"].extracts.upload_id(0)}


def test_branches_are_engagements_with_an_upload_of_their_own(box):
    """As many as are switched on, each with its own turns and its own upload; the others have none."""
    state = box.state["validis"]
    state.branches = 2
    headers = signed(box)
    path = f"/v1/clients/{sign_in(box).json()['clientId']}/engagements"
    rows = ask(box, path, headers).json()["content"]
    statuses = [
        ask(box, LEDGER.replace("4711", str(number)), headers, **CSV).status_code for number in (4801, 4711, 4802)
    ]

    assert [row["id"] for row in rows if "lastUploadDate" in row] == [4711, 4801, 4802]
    assert statuses == [202, 202, 202]
    assert ask(box, LEDGER.replace("4711", "4803"), headers, **CSV).status_code == 404
    assert len({state.extracts.upload_id(state.upload_of(number)) for number in (4711, 4801, 4802)}) == 3


def test_an_unknown_path_is_refused_in_the_vendors_form(shared):
    """404 with statusCode and message."""
    answer = ask(shared, "/v1/nothing/here")

    assert (answer.status_code, answer.json()["statusCode"]) == (404, 404)


def test_absolute_amounts_are_the_default(shared):
    """DisplayAbsolute is true unless it is sent."""
    path = "/v1/engagements/4711/receivableItems"
    plain = ask(shared, path, size=50).json()["content"]
    told = ask(shared, path, size=50, DisplayAbsolute="false").json()["content"]

    assert min(row["amount"] for row in plain) > 0
    assert min(row["amount"] for row in told) < 0
    assert "links" not in plain[0]
    assert "links" in ask(shared, path, size=1, showLinks="true").json()["content"][0]


def test_the_books_agree_with_each_other(shared):
    """Journals add up to the statements, open items to the control accounts, to the penny."""
    books: Books = shared.state["validis"].books
    pence = {row["accountId"]: 0 for row in books.accounts}
    for journal in books.journals:
        for line in journal["lines"]:
            pence[line["accountId"]] += round(line["value"] * 100)
    statement = books.report("income-statement-standard", {"2026": (1, 12)})
    income = sum(round(row["values"][0]["value"] * 100) for row in statement["rows"])
    sheet = books.report("balance-sheet-standard", {"2026": (1, 12)})
    balance = sum(round(row["values"][0]["value"] * 100) for row in sheet["rows"])
    codes = {row["code"]: row["accountId"] for row in books.accounts}
    kept = {row["code"] for row in books.accounts if row["primaryCategory"] in ("Income", "Direct Costs", "Overheads")}

    assert income == sum(pence[codes[code]] for code in kept)
    # One journal is out of balance by 100.00 on purpose.
    assert income + balance == 10_000
    opened = {"1100": 23_175_420, "2100": -18_266_891}
    owed = sum(round(row["outstandingAmount"] * 100) for row in books.receivable_items)
    owing = sum(round(row["outstandingAmount"] * 100) for row in books.payable_items)
    assert owed == opened["1100"] + pence[codes["1100"]]
    assert -owing == opened["2100"] + pence[codes["2100"]]


def test_suppliers_and_staff_are_the_companys(shared):
    """Parties of items are suppliers of the company; every item's journal is in the ledger."""
    books: Books = shared.state["validis"].books
    names = {firm.name for firm in shared.company.suppliers}

    assert {row["supplierName"] for row in books.payable_items if row["supplierName"]} <= names
    journals = {row["id"] for row in books.journals}
    assert {link["glTxId"] for row in books.payable_items for link in row["links"]} <= journals


def test_nothing_is_made_before_it_is_asked_for():
    """A sandbox that nobody asks for a ledger writes none."""
    with sandbox.running(jobs=2, environment=False) as box:
        assert not {"books", "extracts", "item_extracts"} & vars(box.state["validis"]).keys()


def test_the_environment_names_both_keys_and_a_region(shared):
    """As a client wants them."""
    variables = shared.environment()

    assert variables["DOCFRAMES_VALIDIS_API_KEY"] == shared.key("validis")
    assert variables["DOCFRAMES_VALIDIS_SECONDARY_API_KEY"] == shared.state["validis"].secondary
    assert variables["DOCFRAMES_VALIDIS_REGION"] == "sandbox"
