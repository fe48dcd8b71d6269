"""What the contract of Validis fixes, and what it assumes, against what the room declares."""

from __future__ import annotations

import re

import pytest

from docframes.transport.api import NEVER_KEPT
from docframes.vendors.validis import api, item_tables, tables
from docframes.vendors.validis.assumptions import ASSUMPTIONS

ENDPOINTS = {name: api.API.endpoint(name) for name in api.ENDPOINTS}
FACTS = {
    "address": (api.BASE_URL, "https://api.{region}.validis.com"),
    "regions": (set(api.REGIONS), {"sandbox", "uk", "us", "ca", "au"}),
    "token path": (api.TOKEN_PATH, "/v1/oauth/token"),
    "key header": (api.KEY_HEADER, "Ocp-Apim-Subscription-Key"),
    "grant type": (api.GRANT_TYPE, "vapi_key"),
    "token life": (api.TOKEN_MINUTES, 30),
    "calls of a key": (api.QUOTA_CALLS, 5000),
    "window": (api.QUOTA_SECONDS, 24 * 3600),
    "quota": ((api.API.quota.calls, api.API.quota.seconds), (5000, 86_400)),
    "first page": (api.FIRST_PAGE, 0),
    "default page size": (api.DEFAULT_PAGE_SIZE, 200),
    "largest page size": (api.LARGEST_PAGE_SIZE, 2000),
    "page parameters": ((api.PAGES.page, api.PAGES.limit, api.PAGES.start), ("page", "size", 0)),
    "page size of receivable items": (ENDPOINTS["receivable_items"].paging.largest, 2000),
    "extract formats": (set(api.EXTRACT_FORMATS), {"JSON", "CSV"}),
    "not ready": (api.NOT_READY, 202),
    "advised wait": (api.ADVISED_WAIT, 30),
    "usually ready within": (api.USUALLY_READY, 90),
    "upload statuses": (set(api.UPLOAD_STATUSES), {"LOADING", "ABORTED", "PROCESSING", "FAILED", "COMPLETED"}),
    "webhook events": (api.WEBHOOK_EVENTS, ("UPLOAD",)),
    "webhook domain": (api.WEBHOOK_DOMAIN, ".validis.com"),
    "statuses": (api.STATUSES, (200, 201, 202, 400, 401, 403, 404, 406, 409, 429, 500)),
    "engagements": (ENDPOINTS["engagements"].path, "/v1/clients/{clientId}/engagements"),
    "accounts": (ENDPOINTS["accounts"].path, "/v1/engagements/{engagementId}/accounts"),
    "receivable items": (ENDPOINTS["receivable_items"].path, "/v1/engagements/{engagementId}/receivableItems"),
    "general ledger": (
        ENDPOINTS["gl_extract"].path.replace("{version}", "v2"),
        "/v2/extracts/general-ledger/engagements/{engagementId}",
    ),
    "income statement standard": (
        ENDPOINTS["income-statement-standard"].path.replace("{report}", "income-statement-standard"),
        "/v1/reports/income-statement-standard/engagements/{engagementId}",
    ),
    "balance sheet standard": (
        ENDPOINTS["balance-sheet-standard"].path.replace("{report}", "balance-sheet-standard"),
        "/v1/reports/balance-sheet-standard/engagements/{engagementId}",
    ),
    "links are never kept": (
        {(ENDPOINTS[name].lifetime, ENDPOINTS[name].links) for name in ("gl_extract", "ar_extract", "ap_extract")},
        {(NEVER_KEPT, True)},
    ),
    "account fields": (
        [column.path for column in tables.ACCOUNTS.columns],
        ["account_id", "remote_pk", "code", "name", "primary_category", "tag", "currency_iso", "createdTimestamp",
         "modifiedTimestamp", "status"],
    ),
    "no deletion": ([e.method for e in api.ENDPOINTS.values()], ["GET"] * len(api.ENDPOINTS)),
    "no jeCompliance": ([name for name in api.REPORTS if "compliance" in name.lower()], []),
}  # fmt: skip

#: Section 16 of the contract; texts of entries that no code reads stand for themselves.
REGISTER = {
    "A02": "form",
    "A03": True,
    "A04": {"lifetime": 1800, "early": 60},
    "A05": {"scheme": "Bearer", "accept": "application/json"},
    "A06": "statusCode",
    "A07": ("message", "error_description", "error"),
    "A08": {"second": 1, "sec": 1, "minute": 60, "min": 60, "hour": 3600, "day": 86_400},
    "A09": "quota",
    "A11": True,
    "A12": 1e11,
    "A13": {"size": 200, "largest": 2000},
    "A14": {
        "items": ("content", "items", "data", "results", "elements"),
        "last": "last",
        "total_pages": "totalPages",
        "total": "totalElements",
        "size": "size",
    },
    "A17": ("clientId", "vconnectClientId"),
    "A18": ("COMPLETED", "FAILED", "ABORTED"),
    "A19": "/v1/engagements/{engagementId}/lastUpload",
    "A21": "/v1/clients/{clientId}/connectors",
    "A23": {"ready": 200, "wait": 30, "polls": 20},
    "A24": 409,
    "A25": {"format": "Format", "csv": "CSV", "future": "includeFutureYears"},
    "A26": {
        "version": "v2",
        "receivable": "/v2/extracts/accounts-receivable/engagements/{engagementId}",
        "payable": "/v2/extracts/accounts-payable/engagements/{engagementId}",
    },
    "A27": {"access": "fileAccessUrl", "file": "fileUrl", "token": "sasToken", "words": ("url", "link", "href")},
    "A29": {},
    "A31": {},
    "A34": {},
    "A35": None,
    "A37": None,
    "A38": {"decimal": ".", "thousands": None},
    "A46": "/v1/engagements/{engagementId}/accountSummaries",
    "A47": {"path": "/v1/engagements/{engagementId}/journals", "lines": "lines"},
    "A48": "/v1/engagements/{engagementId}/periods",
    "A49": False,
    "A51": "/v1/engagements/{engagementId}/customers",
    "A52": {
        "path": "/v1/engagements/{engagementId}/payableItems",
        "party": "supplierId",
        "suppliers": "/v1/engagements/{engagementId}/suppliers",
    },
    "A53": {
        "income": "/v1/reports/income-statement-detailed/engagements/{engagementId}",
        "balance": "/v1/reports/balance-sheet-detailed/engagements/{engagementId}",
        "year": "year",
        "from": "fromPeriodId",
        "to": "toPeriodId",
    },
    "A55": None,
    "A56": (403, 404),
    "A57": (502, 503, 504),
    "columns": {},
}


@pytest.mark.parametrize("name", FACTS)
def test_a_documented_value_is_as_documented(name):
    """Typed from the contract."""
    declared, documented = FACTS[name]

    assert declared == documented


@pytest.mark.parametrize("entry", REGISTER)
def test_an_assumed_value_is_that_of_the_register(entry):
    """The default that the contract names."""
    assert ASSUMPTIONS[entry].value == REGISTER[entry]


def test_the_register_is_whole():
    """A01 to A59, each once, each with a subject and the section it belongs to; and the columns."""
    assert list(ASSUMPTIONS) == [*(f"A{number:02d}" for number in range(1, 60)), "columns"]
    for entry, assumption in ASSUMPTIONS.items():
        assert assumption.meaning, entry
        assert re.fullmatch(r"section [\d.]+( to [\d.]+)?", assumption.where), entry
        assert assumption.parts == (isinstance(assumption.value, dict) and bool(assumption.value) and entry != "A08")


@pytest.mark.parametrize(("name", "ending"), [("ar_extract", "receivable"), ("ap_extract", "payable")])
def test_the_path_of_an_extract_of_items_is_the_assumed_one(name, ending):
    """Whole, so that any other may be put in its place."""
    assert ENDPOINTS[name].path == f"/v2/extracts/accounts-{ending}/engagements/{{engagementId}}"


def test_the_columns_of_items_are_those_of_the_lists():
    """The same thing bears the same name in both; each header is a candidate of one column of a frame only."""
    pairs = [(item_tables.RECEIVABLE, tables.RECEIVABLE_ITEMS), (item_tables.PAYABLE, tables.PAYABLE_ITEMS)]
    for side, listed in pairs:
        names = [column.name for column in side.tables["items"].columns]
        assert {column.name for column in listed.columns} - {"links", "allocations"} <= set(names)
        for table in side.tables.values():
            headers = [header for column in table.columns for header in column.aliases]
            assert len(headers) == len(set(headers)), table.name
            assert all(header == header.upper() for header in headers)


def test_unlisted_failures_are_tried_again():
    """502, 503 and 504, as 500 is (A57)."""
    from docframes.transport.retry import RETRY_STATUSES

    assert {500, *ASSUMPTIONS["A57"].value} <= RETRY_STATUSES


def test_no_column_is_declared_twice():
    """And every one has a meaning."""
    for table in tables.ALL:
        names = [column.name for column in table.columns]
        assert len(names) == len(set(names)), table.name
        assert all(column.meaning for column in table.columns), table.name
