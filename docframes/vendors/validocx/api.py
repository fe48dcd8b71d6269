"""What is known of the ValiDocX API, and what is guessed.  No logic.

Documented at https://validocx.com/docs/api: base URL, header, key shape, resource groups, query parameters with
their defaults and limits, kinds of signed files with their expiry limits, status codes, the error body.  No success
body and no path other than ``/question-responses``, ``/documents`` and ``/images`` is public, so everything in
:data:`ASSUMPTIONS` is a guess.  A wrong one is mended with ``validocx.Client(assumptions={name: value})``.
"""

from __future__ import annotations

from docframes.transport.api import DAY, MINUTE, NEVER_KEPT, Api, Assumption, Endpoint, assumed
from docframes.transport.auth import ApiKey
from docframes.transport.paging import PageNumber

# --- documented ---------------------------------------------------------------------------------------------------

BASE_URL = "https://api.validocx.com/functions/v1"
KEY_HEADER = "x-api-key"
#: ``vdx_org_``, 8 characters, ``_``, 64 characters.  Veridox keys begin with ``vdx_`` too.
KEY_PREFIX = "vdx_org_"
KEY_LENGTH = 81
KEY_MADE_AT = "Dashboard, Organization, Settings, API Access"
#: A repr may show the prefix and the 8 characters after it.
KEY_VISIBLE = len(KEY_PREFIX) + 8

DEFAULT_PAGE = 1
DEFAULT_PAGE_SIZE = 25
LARGEST_PAGE_SIZE = 100
SORT_FIELDS = ("created_at", "updated_at")
DEFAULT_SORT_ORDER = "desc"
FILE_KINDS = ("documents", "images", "installer-certs")
SHORTEST_EXPIRY = 60  #: seconds; a shorter wish is lifted to it
DEFAULT_EXPIRY = 300  #: seconds
LONGEST_EXPIRY = 3600  #: seconds; a longer wish is lowered to it
#: Seconds by which a link is taken to end earlier, where the answer does not say when it ends.
EXPIRY_MARGIN = 5
STATUSES = (200, 400, 401, 404, 500)
ERROR_REQUEST_ID = "request_id"
ERROR_TEXT = "error"

# --- assumed ------------------------------------------------------------------------------------------------------

ASSUMPTIONS = {
    "path_projects": Assumption("/projects", "path of the list of projects", "section 5, 2"),
    "path_jobs": Assumption("/jobs", "path of the list of jobs", "section 5, 4"),
    "path_job_detail": Assumption("/job-full-detail/{job_id}", "path of one job's full detail", "section 5, 1"),
    "path_answers": Assumption("/question-responses", "path of the list of answers", "section 5, 6"),
    "path_documents": Assumption("/documents", "path of the list of documents", "section 5, 7"),
    "path_images": Assumption("/images", "path of the list of images", "section 5, 8"),
    "path_sign": Assumption("/signed-files/{kind}/{file_id}", "path that signs a file", "section 5, 9"),
    "list_items": Assumption("data", "key of the rows in a list answer", "section 3"),
    "detail_object": Assumption("data", "key of the object in a detail answer", "section 9"),
    "sign_object": Assumption("data", "key of the object in a signing answer", "section 10"),
    "sign_method": Assumption("GET", "method that signs a file", "section 10"),
    "sign_expiry_parameter": Assumption(
        "expires_in", "query parameter with the wanted lifetime in seconds", "section 10"
    ),
    "sign_url": Assumption("signed_url", "key of the signed link", "section 10"),
    "sign_expires_at": Assumption("expires_at", "key of the moment the link expires", "section 10"),
    "sign_expires_in": Assumption("expires_in", "key of the seconds until the link expires", "section 10"),
    "total": Assumption("pagination.total", "where a list answer declares its rows over all pages", "section 3"),
    "total_pages": Assumption("pagination.total_pages", "where a list answer declares its pages", "section 3"),
    "size_in_force": Assumption("pagination.limit", "where a list answer names the page size it used", "section 3"),
    "page_number": Assumption("pagination.page", "where a list answer names its page", "section 3"),
    "updated_after_overlap": Assumption(
        1.0,
        "seconds an incremental load steps back, since updated_after is taken to be exclusive",
        "section 3",
    ),
    "columns": Assumption({}, "keys that bear another name: {table: {column: key}}", "sections 6 to 9"),
}

PAGES = PageNumber(
    page="page",
    limit="limit",
    start=DEFAULT_PAGE,
    largest=LARGEST_PAGE_SIZE,
    number_key=assumed("page_number"),
    size_key=assumed("size_in_force"),
    total_key=assumed("total"),
    pages_key=assumed("total_pages"),
)

ENDPOINTS = {
    "projects": Endpoint("projects", assumed("path_projects"), items=assumed("list_items"), paging=PAGES),
    "jobs": Endpoint("jobs", assumed("path_jobs"), items=assumed("list_items"), paging=PAGES),
    "answers": Endpoint("answers", assumed("path_answers"), items=assumed("list_items"), paging=PAGES),
    "documents": Endpoint("documents", assumed("path_documents"), items=assumed("list_items"), paging=PAGES),
    "images": Endpoint("images", assumed("path_images"), items=assumed("list_items"), paging=PAGES),
    # A detail is asked for by job and version of the job, so an old answer is never one of a newer version.
    "job_detail": Endpoint(
        "job_detail", assumed("path_job_detail"), items=assumed("detail_object"), lifetime=30 * DAY
    ),
    # Without a version nothing tells whether the job has moved, so the answer is kept as briefly as a list.
    "job_detail_now": Endpoint(
        "job_detail_now", assumed("path_job_detail"), items=assumed("detail_object"), lifetime=5 * MINUTE
    ),
    "sign": Endpoint(
        "sign", assumed("path_sign"), items=assumed("sign_object"), method=assumed("sign_method"),
        lifetime=NEVER_KEPT, links=True,
    ),
}  # fmt: skip

API = Api(
    vendor="validocx",
    base_url=BASE_URL,
    auth=ApiKey(KEY_HEADER, visible=KEY_VISIBLE),
    endpoints=ENDPOINTS,
    assumptions=ASSUMPTIONS,
    key_made_at=KEY_MADE_AT,
    request_id=ERROR_REQUEST_ID,
    error_text=(ERROR_TEXT,),
    rates={},  # none is published
)
