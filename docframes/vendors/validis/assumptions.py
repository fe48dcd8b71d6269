"""What nobody outside Validis can know for sure: the register A01 to A59 of the contract, entry by entry.

Each entry has its subject and meaning, its default, and the section it belongs to.  Those that code reads are
replaced with ``validis.Client(assumptions={"A14": {"items": "rows"}})``; the others are written down so that a reader
of the answers knows what was taken for granted.  No logic.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from docframes.transport.api import Assumption


def _one(value: Any, meaning: str, where: str) -> Assumption:
    return Assumption(value, meaning, f"section {where}")


def _several(parts: Mapping[str, Any], meaning: str, where: str) -> Assumption:
    return Assumption(dict(parts), meaning, f"section {where}", parts=True)


ASSUMPTIONS: dict[str, Assumption] = {
    # --- address and token ----------------------------------------------------------------------------------------
    "A01": _one("one region", "region scope: keys, tokens and ids of a region are not valid in another", "1"),
    "A02": _one("form", "token body: form is URL-encoded, multipart is multipart form data", "2.1"),
    "A03": _one(True, "token call: the key in the body is the one in the header", "2.1"),
    "A04": _several(
        {"lifetime": 1800.0, "early": 60.0},
        "token life in seconds where expires_in is absent, and how long before its end a new one is asked for",
        "2.2",
    ),
    "A05": _several(
        {"scheme": "Bearer", "accept": "application/json"}, "word before the token; the Accept header", "2.3"
    ),
    "A06": _one("statusCode", "gateway errors: a JSON object with statusCode and message; key of the code", "2.4"),
    "A07": _one(
        ("message", "error_description", "error"), "where an error's text stands; the first that is there", "2.4"
    ),
    "A08": _one(
        {"second": 1, "sec": 1, "minute": 60, "min": 60, "hour": 3600, "day": 86_400},
        "units of the wait in a 429's message, in seconds; bare seconds and hh:mm:ss too; Retry-After goes first",
        "3",
    ),
    "A09": _one("quota", "a 403 whose message holds this word is a spent quota", "3"),
    "A10": _one("every call", "what counts: token calls, polls and failed calls too, downloads from storage not", "3"),
    "A11": _one(True, "a token belongs to the key it was asked for with; another key needs another token", "3"),
    # --- conventions ----------------------------------------------------------------------------------------------
    "A12": _one(1e11, "timestamps: seconds since 1970 below this number, else milliseconds; or ISO 8601; UTC", "4"),
    "A13": _several({"size": 200, "largest": 2000}, "page size of lists that state none: default and largest", "4"),
    "A14": _several(
        {
            "items": ("content", "items", "data", "results", "elements"),
            "last": "last",
            "total_pages": "totalPages",
            "total": "totalElements",
            "size": "size",
        },
        "paged answers: keys of the rows, of the flag of the last page, of the pages, the rows and the size in force",
        "4.1",
    ),
    "A15": _one("any case", "keys of answers are looked up without regard to case", "4"),
    # --- engagements and uploads ----------------------------------------------------------------------------------
    "A16": _one("optional", "further engagement fields: owner, sme and lastUploadDate may be missing", "5.1"),
    "A17": _one(
        ("clientId", "vconnectClientId"),
        "fields of the token answer that may be the {clientId} of paths, in turn",
        "5.2",
    ),
    "A18": _one(("COMPLETED", "FAILED", "ABORTED"), "upload states after which no other follows", "6"),
    "A19": _one("/v1/engagements/{engagementId}/lastUpload", "path of the last upload; no loader reads it", "6"),
    "A20": _one("tolerated", "after a Collateral or manual upload the ledger or its texts may be empty", "6"),
    "A21": _one("/v1/clients/{clientId}/connectors", "path of the connectors; no loader reads it", "6"),
    "A22": _one("unsigned", "webhooks: POST, JSON, no signature, may come again or out of order", "7"),
    # --- extracts -------------------------------------------------------------------------------------------------
    "A23": _several(
        {"ready": 200, "wait": 30.0, "polls": 20},
        "extracts: status of the ready answer, seconds between polls where Retry-After is absent, polls at most",
        "8.1",
    ),
    "A24": _one(409, "extracts: this status too means that the extract is not ready", "8.1"),
    "A25": _several(
        {"format": "Format", "csv": "CSV", "future": "includeFutureYears"},
        "extracts: spelling of the query; booleans in lower case; each combination is a request of its own",
        "8.2",
    ),
    "A26": _several(
        {
            "version": "v2",
            "receivable": "/v2/extracts/accounts-receivable/engagements/{engagementId}",
            "payable": "/v2/extracts/accounts-payable/engagements/{engagementId}",
        },
        "extracts: version of the general ledger's path; paths of the receivable and payable ones",
        "8.3",
    ),
    "A27": _several(
        {"access": "fileAccessUrl", "file": "fileUrl", "token": "sasToken", "words": ("url", "link", "href")},
        "ready answer: key of a link to use; keys of a location and its token; words in keys of other links",
        "8.4",
    ),
    "A28": _several(
        {"renewals": 1, "statuses": (403, 404), "lifetime": 300.0},
        "storage: how often new links are asked for, after which answers; seconds a link lives; no key goes there",
        "8.4",
    ),
    "A29": _one({}, "files of the zips that their names do not tell: {table: pattern of names}", "8.5"),
    "A30": _one("not unique", "GL_TX_ID names a transaction, which has several lines", "8.6"),
    "A31": _one({}, "columns of GL Transactions whose headers do not tell their part: {role: header}", "8.6"),
    "A32": _one({}, "the same of the period balances", "8.6"),
    "A33": _one("text", "columns of Company Details", "8.6"),
    "A34": _one(
        {},
        "columns of the receivable and payable files whose headers do not tell their part: {column: header}, or "
        "several headers, of which the first that is there counts",
        "8.6",
    ),
    "A35": _one(None, "delimiter of the CSV files; None looks (RFC 4180, one header row)", "8.7"),
    "A36": _one(None, "encoding of the CSV files; None is UTF-8 or UTF-16, else one found, with a warning", "8.7"),
    "A37": _one(None, "form of dates: strptime format, or one by role or column; None reads ISO 8601 only", "8.7"),
    "A38": _several({"decimal": ".", "thousands": None}, "marks in amounts", "8.7"),
    "A39": _one(("true/false", "1/0", "Y/N"), "booleans in CSV files; they stay text", "8.7"),
    "A40": _one("empty field only", "missing values: NA and NULL are data; texts are not trimmed", "8.7"),
    "A41": _one("empty frame", "an empty ledger: a file with its header only, or no file", "8.7"),
    "A42": _one("streamed", "size: unknown, so files are streamed to disk and read in parts", "8.7"),
    "A43": _one("arrays keyed by CSV names", "layout of Format=JSON, which no loader asks for", "8.8"),
    # --- JSON endpoints -------------------------------------------------------------------------------------------
    "A44": _one("free text", "category, tag and status of accounts; they may be missing", "9.1"),
    "A45": _one(
        "one answer", "accounts and periods are not paged; pages that the answer declares are asked for", "9.1"
    ),
    "A46": _one("/v1/engagements/{engagementId}/accountSummaries", "path of the summaries; no loader reads it", "9.2"),
    "A47": _several(
        {"path": "/v1/engagements/{engagementId}/journals", "lines": "lines"},
        "journals: path, and key of a journal's lines; parameters as for receivable items",
        "9.3",
    ),
    "A48": _one("/v1/engagements/{engagementId}/periods", "path of the periods", "9.4"),
    "A49": _one(False, "DisplayAbsolute as it is sent: false asks for signed amounts", "10.1"),
    "A50": _one("text, optional", "fields and types of receivable items", "10.1"),
    "A51": _one("/v1/engagements/{engagementId}/customers", "path of the customers; no loader reads it", "10.1"),
    "A52": _several(
        {
            "path": "/v1/engagements/{engagementId}/payableItems",
            "party": "supplierId",
            "suppliers": "/v1/engagements/{engagementId}/suppliers",
        },
        "payable items: path, parameter of the supplier; path of the suppliers, which no loader reads",
        "10.2",
    ),
    "A53": _several(
        {
            "income": "/v1/reports/income-statement-detailed/engagements/{engagementId}",
            "balance": "/v1/reports/balance-sheet-detailed/engagements/{engagementId}",
            "year": "year",
            "from": "fromPeriodId",
            "to": "toPeriodId",
        },
        "reports: paths of the detailed ones; parameters that choose years and periods",
        "11",
    ),
    "A54": _several(
        {
            "flipped": "displayFlipped",
            "label": ("label", "name", "title", "description", "caption", "accountName", "category", "tag", "code"),
            "period": ("period", "periodId", "periodName", "date", "year", "month", "column", "key"),
            "value": ("value", "amount", "balance", "total", "figure"),
            "containers": (
                "content",
                "items",
                "data",
                "results",
                "elements",
                "report",
                "result",
                "response",
                "rows",
                "children",
                "lines",
                "accounts",
                "sections",
                "groups",
                "categories",
                "subcategories",
                "tags",
                "nodes",
                "entries",
                "details",
            ),
        },
        "reports are trees: keys of the flag that a value is shown negated, of labels, periods, values, lists",
        "11",
    ),
    "A55": _one(None, "path of jeCompliance: disabled", "12"),
    "A56": _one((403, 404), "what an archived engagement answers", "13"),
    "A57": _one((502, 503, 504), "unlisted failures that are tried again as 500 is", "14"),
    "A58": _one("debit positive", "sign of the general ledger; a pair is debit minus credit", "17.3"),
    "A59": _one("unconverted", "amounts stay in their currency; the base currency adds up across accounts", "17.4"),
    "columns": _one({}, "keys that bear another name: {table: {column: key}}", "8 to 11"),
}
