"""What is known of the Validis DataShare API.  No logic; what is guessed is in :mod:`.assumptions`.

Documented at https://developer.validis.com: regions, token call, headers, the extracts' flow and parameters, engagement
search, accounts, receivable items, the standard reports, status codes, the limit of calls.
"""

from __future__ import annotations

from typing import Any

from docframes.transport.api import DAY, HOUR, NEVER_KEPT, Api, Endpoint, assumed
from docframes.transport.auth import ApiKey
from docframes.transport.limits import QuotaLimit
from docframes.vendors.validis.assumptions import ASSUMPTIONS
from docframes.vendors.validis.paging import Pages, Unpaged

# --- documented ---------------------------------------------------------------------------------------------------

BASE_URL = "https://api.{region}.validis.com"
REGIONS = ("au", "ca", "sandbox", "uk", "us")
KEY_HEADER = "Ocp-Apim-Subscription-Key"
KEY_MADE_AT = "DataShare Admin"
TOKEN_PATH = "/v1/oauth/token"  # noqa: S105
GRANT_TYPE = "vapi_key"
TOKEN_MINUTES = 30
QUOTA_CALLS = 5000  #: of one key
QUOTA_SECONDS = DAY  #: in any window of this length

FIRST_PAGE = 0
#: Of receivable items; for other lists both are assumed.
DEFAULT_PAGE_SIZE = 200
LARGEST_PAGE_SIZE = 2000

EXTRACT_FORMATS = ("JSON", "CSV")
UPLOAD_STATUSES = ("LOADING", "ABORTED", "PROCESSING", "FAILED", "COMPLETED")
WEBHOOK_EVENTS = ("UPLOAD",)
#: A webhook's ``apiUrl`` may be called with a key only below this domain, over https.
WEBHOOK_DOMAIN = ".validis.com"
REPORTS = (
    "income-statement-standard",
    "balance-sheet-standard",
    "income-statement-detailed",
    "balance-sheet-detailed",
)
STATUSES = (200, 201, 202, 400, 401, 403, 404, 406, 409, 429, 500)
#: Statuses of an extract that is not ready yet; the second one is assumed (A24).
NOT_READY = 202
#: Advised seconds between two calls for an extract, and within which most are ready.
ADVISED_WAIT, USUALLY_READY = 30.0, 90.0
#: The kinds of files that ``file_links`` knows: a general ledger, by the id of its engagement.
FILE_KINDS = ("general-ledger",)

_PAGES: dict[str, Any] = {
    "page": "page",
    "limit": "size",
    "start": FIRST_PAGE,
    "size_key": assumed("A14.size"),
    "total_key": assumed("A14.total"),
    "pages_key": assumed("A14.total_pages"),
    "last_key": assumed("A14.last"),
    "default": assumed("A13.size"),
}
PAGES = Pages(**_PAGES, largest=assumed("A13.largest"))
DOCUMENTED_PAGES = Pages(**_PAGES, largest=LARGEST_PAGE_SIZE)
UNPAGED = Unpaged(**_PAGES, largest=assumed("A13.largest"))

_ROWS = assumed("A14.items")
_ENGAGEMENT = "/engagements/{engagementId}"
_STANDARD = "/v1/reports/{report}" + _ENGAGEMENT

_EXTRACT: dict[str, Any] = {"lifetime": NEVER_KEPT, "links": True, "accepts": (200, 202, 409)}

ENDPOINTS = {
    "engagements": Endpoint("engagements", "/v1/clients/{clientId}/engagements", items=_ROWS, paging=PAGES),
    "gl_extract": Endpoint("gl_extract", "/{version}/extracts/general-ledger" + _ENGAGEMENT, **_EXTRACT),
    "ar_extract": Endpoint("ar_extract", assumed("A26.receivable"), **_EXTRACT),
    "ap_extract": Endpoint("ap_extract", assumed("A26.payable"), **_EXTRACT),
    # The next upload replaces what this one brought, and no answer names its upload.  One answer is always of one
    # upload; pages are kept for minutes only, so that a later page of another upload is not put to earlier ones.
    "accounts": Endpoint("accounts", "/v1" + _ENGAGEMENT + "/accounts", items=_ROWS, paging=UNPAGED, lifetime=HOUR),
    "periods": Endpoint("periods", assumed("A48"), items=_ROWS, paging=UNPAGED, lifetime=HOUR),
    "journals": Endpoint("journals", assumed("A47.path"), items=_ROWS, paging=PAGES),
    "receivable_items": Endpoint(
        "receivable_items",
        "/v1" + _ENGAGEMENT + "/receivableItems",
        items=_ROWS,
        paging=DOCUMENTED_PAGES,
    ),
    "payable_items": Endpoint("payable_items", assumed("A52.path"), items=_ROWS, paging=PAGES),
    "income-statement-standard": Endpoint("income-statement-standard", _STANDARD, lifetime=HOUR),
    "balance-sheet-standard": Endpoint("balance-sheet-standard", _STANDARD, lifetime=HOUR),
    "income-statement-detailed": Endpoint("income-statement-detailed", assumed("A53.income"), lifetime=HOUR),
    "balance-sheet-detailed": Endpoint("balance-sheet-detailed", assumed("A53.balance"), lifetime=HOUR),
}

ADVICE = {
    403: "The key has no right to it, or it is unavailable at the moment; an archived engagement answers so too.",
    404: "Nothing is there, or the key has no right to it: Validis may hide a 401 or 403 behind a 404. "
    "An archived engagement may answer so too. It does not prove that the engagement does not exist.",
    409: "The same request is being processed; load again in a minute.",
}

API = Api(
    vendor="validis",
    base_url=BASE_URL,
    auth=ApiKey(KEY_HEADER),
    endpoints=ENDPOINTS,
    assumptions=ASSUMPTIONS,
    key_made_at=KEY_MADE_AT,
    request_id="requestId",
    error_text=ASSUMPTIONS["A07"].value,
    error_code=ASSUMPTIONS["A06"].value,
    quota=QuotaLimit(QUOTA_CALLS, QUOTA_SECONDS),
    advice=ADVICE,
)
