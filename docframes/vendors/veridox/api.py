"""What is known of the Veridox API, and what is guessed.  No logic.

Documented at https://docs.veridox.ai: base URLs, header, pages, fields, limits, lifetimes and error codes, most of
them.  Where its pages say nothing, the guess is in :data:`ASSUMPTIONS`, and a wrong one is mended with
``veridox.Client(assumptions={name: value})``.
"""

from __future__ import annotations

from docframes.transport.api import DAY, HOUR, MINUTE, NEVER_KEPT, Api, Assumption, Endpoint, assumed
from docframes.transport.auth import ApiKey
from docframes.transport.limits import DEFAULT_RULE, RateLimit
from docframes.transport.paging import Offset

# --- documented ---------------------------------------------------------------------------------------------------

VENDOR = "veridox"
REGION_PATTERN = "https://api.{region}.veridox.ai"
REGIONS = ("uk", "ca")
DEFAULT_REGION = "uk"
BASE_URL = "https://api.uk.veridox.ai"
#: Hosts of the quickstart; every endpoint page uses those without ``neo``.
OLDER_PATTERN = "https://api.{region}.neo.veridox.ai"

KEY_HEADER = "x-api-key"
#: ValiDocX keys begin with ``vdx_org_``: the common beginning does not tell the vendor.
KEY_PREFIX = "vdx_"
KEY_MADE_AT = "the dashboard of your region (uk.veridox.ai or ca.veridox.ai), by an owner of the organisation"

DEFAULT_PAGE_SIZE = 50
LARGEST_PAGE_SIZE = 100
LARGEST_OFFSET = 9_007_199_254_740_991
SORT_FIELDS = ("date_created", "risk_score")
SORT_ORDERS = ("asc", "desc")
SHORTEST_QUERY, LONGEST_QUERY = 1, 100
LONGEST_LABEL = 255

#: What ``POST /files/download`` takes for an id, in any case.
SENT_ID = "^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$"
#: What ``GET /files/asset-url`` takes: version 1 to 8, all noughts or all f.
ASSET_ID = (
    "^([0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
    "|0{8}-0{4}-0{4}-0{4}-0{12}|f{8}-f{4}-f{4}-f{4}-f{12})$"
)
MOST_IDS = 25  #: in one call of ``POST /files/download``
DOWNLOAD_LIFETIME = 60 * MINUTE  #: of a link of ``POST /files/download``
ASSET_LIFETIME = 30 * MINUTE  #: of a link of ``GET /files/asset-url``
FILE_KINDS = ("file_download", "thumbnail", "pdf_report", "log_output", "ela_overlay")
#: The kind that ``POST /files/download`` signs, many at a time.
THE_FILE = "file_download"

RISK_LEVELS = ("Informational", "Low", "Medium", "High")
STATUSES = ("waiting_for_upload", "processing", "settled")
SETTLED = "settled"
OUTCOMES = ("success", "failed")

ERROR_CODE = "error_code"
ERROR_TEXT = "error_message"
ERROR_DETAILS = "error_details"
RATE_CODE = "request.rate-limit"
NO_ASSET_CODE = "request.cases.case-file.asset-not-found"
INVALID_KEY_CODE = "request.authentication.api-key.invalid"
EXPIRED_KEY_CODE = "request.authentication.api-key.expired"

#: One pacer a rule; ``veridox.Client(rates={"default": 60})`` where the vendor has raised a limit.
RATES = {
    DEFAULT_RULE: RateLimit(10, MINUTE),
    "create_case": RateLimit(10, MINUTE),
    "cases": RateLimit(30, MINUTE),
    "case": RateLimit(60, MINUTE),
    "progress_poll": RateLimit(600, HOUR),
    "download": RateLimit(20, MINUTE),
}
MOST_STREAMS = 10  #: progress streams at once

# --- assumed, and what can be overridden beside --------------------------------------------------------------------

ASSUMPTIONS = {
    "host_ca": Assumption("https://api.ca.veridox.ai", "address of the region ca, after the pattern", "section 1"),
    "cases_items": Assumption("cases", "key of the rows in a list of cases (documented)", "section 3"),
    "files_items": Assumption("files", "key of the rows in a list of files (documented)", "section 3"),
    "search_items": Assumption("results", "key of the rows in a search (documented)", "section 3"),
    "total": Assumption("total", "where a list declares its rows over all pages, not the page's", "section 3"),
    "cases_default_page_size": Assumption(
        DEFAULT_PAGE_SIZE, "rows of a page of cases where no size is sent; docframes always sends one", "section 3"
    ),
    "case_object": Assumption(("data", "case", ""), "key of the object in a case; empty for none", "section 6.2"),
    "analysis_object": Assumption(
        ("data", "analysis", "result", ""), "key of the object in an analysis; empty for none", "section 8"
    ),
    "highlights_places": Assumption(
        ("highlights", "analysis_results.highlights", "analysis_results.full_analysis.highlights"),
        "where highlights are looked for, in this order",
        "section 8.1",
    ),
    "shared_default_budget": Assumption(
        True, "paths without a limit of their own share the 10 calls a minute", "section 13"
    ),
    "sent_id_pattern": Assumption(
        SENT_ID, "ids that do not match are not sent, since one may fail a whole call; empty sends all", "section 4"
    ),
    "download_ids": Assumption("file_ids", "key of the ids in the body of a bulk download (documented)", "section 9"),
    "download_files": Assumption("files", "key of the links in a bulk download (documented)", "section 9"),
    "download_errors": Assumption("errors", "key of the ids that failed in a bulk download (documented)", "section 9"),
    "download_url": Assumption("download_url", "key of a link in a bulk download (documented)", "section 9"),
    "download_unanswered": Assumption(
        "the answer names this id neither among the links nor among the errors",
        "what is said of an id that appears in neither array: it counts as failed",
        "section 9",
    ),
    "asset_url": Assumption("url", "key of the link of an asset (documented)", "section 10"),
    "expires_at": Assumption("expires_at", "key of the moment a link expires (documented)", "sections 9, 10"),
    "thumbnail_lifetime": Assumption(30 * MINUTE, "seconds a link to a thumbnail lives", "section 15"),
    "columns": Assumption({}, "keys that bear another name: {table: {column: key}}", "sections 6 to 8"),
}  # fmt: skip

PAGES = Offset(limit="limit", offset="offset", largest=LARGEST_PAGE_SIZE, total_key=assumed("total"))

ENDPOINTS = {
    "cases": Endpoint("cases", "/cases", items=assumed("cases_items"), paging=PAGES, rule="cases"),
    "case": Endpoint("case", "/cases/{case_id}", items=assumed("case_object"), rule="case"),
    "files": Endpoint("files", "/files", items=assumed("files_items"), paging=PAGES),
    "search": Endpoint("search", "/search", items=assumed("search_items"), paging=PAGES),
    # A settled analysis is asked for by its outcome and score, so that an old answer is never one of a new score.
    "analysis": Endpoint(
        "analysis", "/files/{file_id}/analysis", items=assumed("analysis_object"), lifetime=30 * DAY
    ),
    # Not settled yet, or nobody knows.
    "analysis_now": Endpoint(
        "analysis_now", "/files/{file_id}/analysis", items=assumed("analysis_object"), lifetime=5 * MINUTE
    ),
    "download": Endpoint(
        "download", "/files/download", method="POST", repeatable=True, rule="download", lifetime=NEVER_KEPT,
        links=True, accepts=(200, 207),
    ),
    "asset": Endpoint("asset", "/files/asset-url", lifetime=NEVER_KEPT, links=True),
}  # fmt: skip

API = Api(
    vendor=VENDOR,
    base_url=BASE_URL,
    auth=ApiKey(KEY_HEADER, visible=len(KEY_PREFIX)),
    endpoints=ENDPOINTS,
    assumptions=ASSUMPTIONS,
    key_made_at=KEY_MADE_AT,
    request_id="request_id",
    error_text=(ERROR_TEXT, "message", "error"),
    error_code=ERROR_CODE,
    error_codes={
        EXPIRED_KEY_CODE: f"The key is past its date: a new one is made in {KEY_MADE_AT}.",
        NO_ASSET_CODE: "It is not there yet, or never will be: a report or overlay comes once the file is settled.",
    },
    rates=RATES,
)
