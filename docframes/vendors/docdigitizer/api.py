"""What is known of the DocDigitizer API, and what is guessed.  No logic.

Version 1 ("PowerCapture"): documents, tasks, annotations, reviews and assets, in lists whose cursor stands in the
answer's headers.  Version 3 answers an upload at once and keeps nothing to list, so its results are read from saved
files.  Documented: header names of the paging, message codes, upload limits, link names, the prefix of annotation
keys, day-first dates.  Keys of documents, tasks, reviews and assets are mostly guessed: everything in
:data:`ASSUMPTIONS` is, and a wrong guess is mended with ``docdigitizer.Client(assumptions={name: value})``.
"""

from __future__ import annotations

from docframes.transport.api import DAY, MINUTE, NEVER_KEPT, Api, Assumption, Endpoint, assumed
from docframes.transport.auth import ApiKey
from docframes.transport.paging import HeaderCursor

# --- documented ---------------------------------------------------------------------------------------------------

BASE_URL = "https://api.docdigitizer.com"
KEY_HEADER = "Authorization"
KEY_SCHEME = "API_KEY"
KEY_MADE_AT = "DocDigitizer, which issues one key for an organisation"

SIZE_PARAMETER = "maxRetrieve"
CURSOR_PARAMETER = "cursorId"
MORE_HEADER = "X-More-Results-Available"
CURSOR_HEADER = "X-Cursor-ID"
BROKEN_HEADER = "X-Cursor-Was-Broken"
LOCATION_HEADER = "X-Document-Location"  #: of a submission's answer: its last segment is the document's id
TAG_HEADER = "X-Docdigitizer-Tag"  #: of a submission: tags, with commas between

LARGEST_UPLOAD_MB = 25
#: Media types that are taken, and the file extensions they are known by.
MEDIA_TYPES = {
    ".pdf": "application/pdf",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".png": "image/png",
    ".tif": "image/tiff",
    ".tiff": "image/tiff",
}
CALLBACK_METHODS = ("GET", "POST")
LINK_NAMES = ("self", "annotations", "assets", "reviews", "collection")
KEY_PREFIX = "document"  #: annotation keys are ``document:<class>:<field>``
DATE_FORMAT_V1 = "%d/%m/%Y"  #: day first
DATE_FORMAT_V3 = "%Y-%m-%d"
FILE_KINDS = ("assets",)

#: Message code to the HTTP status it comes with.
MESSAGE_CODES = {
    "CREATED": 201,
    "ACCEPTED": 202,
    "BAD_REQUEST": 400,
    "WRONG_AUTH": 401,
    "NOT_ENOUGH_PERMISSIONS": 403,
    "NO_LICENCE": 403,
    "EXPIRED_LICENCE": 403,
    "NOT_FOUND": 404,
    "INVALID_OUTPUT_FORMAT": 404,
    "CONFLICT": 409,
    "FILE_TYPE_NOT_SUPPORTED": 415,
    "INCOHERENT_DATA": 422,
    "UNEXPECTED_ERROR": 500,
    "NOT_IMPLEMENTED": 501,
}
#: What each code means for whoever reads the error, and what to do.
ADVICE = {
    "CREATED": "Something was made where an answer was due: nothing was loaded. Look before asking again.",
    "ACCEPTED": "The request was queued where an answer was due: nothing was loaded yet. Ask again later.",
    "BAD_REQUEST": "The service does not take the request as it was put. Check the arguments of the call.",
    "WRONG_AUTH": "No user has this key. Check DOCFRAMES_DOCDIGITIZER_API_KEY or api_key=; public pages disagree "
    'on the header, so perhaps Client(assumptions={"auth_header": "Authentication"}).',
    "NOT_ENOUGH_PERMISSIONS": "The key is right, but its user may not do this. Ask an administrator of the account.",
    "NO_LICENCE": "The key is right, but the organisation has no licence. Ask DocDigitizer, not the key's owner.",
    "EXPIRED_LICENCE": "The key is right, but the organisation's licence has expired. It must be renewed.",
    "NOT_FOUND": "There is no such thing in this account. A task's id is not a document's id: check which one it is.",
    "INVALID_OUTPUT_FORMAT": "The thing may exist, but not in the format that was asked for.",
    "CONFLICT": "It contradicts what the service already has, such as the same document once more.",
    "FILE_TYPE_NOT_SUPPORTED": "The service reads PDF, JPEG, PNG and TIFF files only.",
    "INCOHERENT_DATA": "The content contradicts itself. Check the values that were sent.",
    "UNEXPECTED_ERROR": "The service failed on every try. Try later, or ask its support.",
    "NOT_IMPLEMENTED": "The service has no such feature (yet); it will not help to try again.",
}

# --- assumed ------------------------------------------------------------------------------------------------------

_LIST = "under its plural name, or a usual other one"
ASSUMPTIONS = {
    "auth_header": Assumption(KEY_HEADER, "header that carries the key; one public page says Authentication", "2"),
    "auth_scheme": Assumption(KEY_SCHEME, "word before the key; empty for the bare key", "2"),
    "page_size": Assumption(100, "rows a page; neither default nor maximum is published", "3"),
    "path_documents": Assumption("/api/v1/documents", "path of the list of documents", "4"),
    "path_document": Assumption("/api/v1/documents/{document_id}", "path of one document", "4"),
    "path_annotations": Assumption("/api/v1/documents/{document_id}/annotations", "path of its annotations", "4"),
    "path_reviews": Assumption("/api/v1/documents/{document_id}/reviews", "path of its reviews", "4"),
    "path_assets": Assumption("/api/v1/documents/{document_id}/assets", "path of its assets", "4"),
    "path_tasks": Assumption("/api/v1/tasks", "path of the list of tasks", "4"),
    "path_submit": Assumption("/api/v1/documents/annotate", "path that takes documents", "4"),
    "list_documents": Assumption(("documents", "items", "data", "results"), f"key of the documents, {_LIST}", "6"),
    "list_tasks": Assumption(("tasks", "items", "data", "results"), f"key of the tasks, {_LIST}", "6"),
    "list_reviews": Assumption(("reviews", "items", "data", "results"), f"key of the reviews, {_LIST}", "8"),
    "list_assets": Assumption(("assets", "items", "data", "results", "links"), f"key of the assets, {_LIST}", "8"),
    "document_object": Assumption(("document", "data", "result", ""), "key of the object in a document's answer", "6"),
    "annotations_object": Assumption(
        ("annotations", "document.annotations", "data.annotations", "data", "result", ""),
        "key of the annotations in their own answer",
        "7",
    ),
    "annotation_data": Assumption("data", "key of the field map within the annotations", "7"),
    "task_object": Assumption(("task", "data", ""), "key of the task in a submission's answer", "5"),
    "complete_states": Assumption(
        ("success", "annotated", "91", "READY", "COMPLETED"), "states of finished documents, in any case", "13"
    ),
    "unfinished_states": Assumption(
        ("start", "classified", "rejected", "invalid", "pending", "processing", "30", "RECEIVEDMACHINELEARN", "92",
         "999", "error", "failed", "partial"),
        "states of documents that are not, or will never be, complete, in any case",
        "6",
    ),
    "decimal_mark": Assumption(".", "mark before the decimals of an amount in text", "7"),
    "group_mark": Assumption("", "mark between the thousands of an amount in text; empty for none", "7"),
    "number_words": Assumption(
        ("amount", "amout", "total", "subtotal", "price", "quantity", "qty", "rate", "tax", "paid", "due",
         "rounding", "net", "gross", "balance", "discount", "cost", "fee", "percent", "percentage", "count", "salary",
         "debit", "credit", "sum"),
        "words in the name of a field whose text is a number",
        "13",
    ),
    "identifier_words": Assumption(
        ("number", "no", "id", "identifier", "code", "nif", "nib", "tin", "iban", "bic", "swift", "phone",
         "reference", "ref", "account", "card", "zip", "postcode", "postal", "serial", "name", "type", "date",
         "currency", "description", "address", "email"),
        "words in the name of a field whose text is never a number",
        "13",
    ),
    "largest_upload": Assumption(LARGEST_UPLOAD_MB * 1024 * 1024, "25 MB in bytes", "5"),
    "asset_url": Assumption(
        ("links.self", "url", "href", "link", "download_url", "links.download"), "where an asset names its file", "8"
    ),
    "asset_lifetime": Assumption(300.0, "seconds that a link of another host is taken to work", "8"),
    "columns": Assumption({}, "keys that bear another name: {table: {column: key}}", "6 to 8"),
}  # fmt: skip

PAGES = HeaderCursor(
    size=SIZE_PARAMETER,
    cursor=CURSOR_PARAMETER,
    usual=assumed("page_size"),
    more_header=MORE_HEADER.lower(),
    cursor_header=CURSOR_HEADER.lower(),
    broken_header=BROKEN_HEADER.lower(),
)

_DOCUMENT, _ANNOTATIONS = assumed("document_object"), assumed("annotations_object")
_SUBMITTED = {"items": assumed("task_object"), "method": "POST", "lifetime": NEVER_KEPT, "accepts": (200, 201, 202)}

ENDPOINTS = {
    "documents": Endpoint("documents", assumed("path_documents"), items=assumed("list_documents"), paging=PAGES),
    "tasks": Endpoint("tasks", assumed("path_tasks"), items=assumed("list_tasks"), paging=PAGES),
    # A document is asked for by id and version, so an old answer is never one of a newer version.
    "document": Endpoint("document", assumed("path_document"), items=_DOCUMENT, lifetime=30 * DAY),
    # Without a version nothing tells whether it has moved, so the answer is kept as briefly as a list.
    "document_now": Endpoint("document_now", assumed("path_document"), items=_DOCUMENT, lifetime=5 * MINUTE),
    "annotations": Endpoint("annotations", assumed("path_annotations"), items=_ANNOTATIONS, lifetime=30 * DAY),
    "annotations_now": Endpoint(
        "annotations_now", assumed("path_annotations"), items=_ANNOTATIONS, lifetime=5 * MINUTE
    ),
    "reviews": Endpoint("reviews", assumed("path_reviews"), items=assumed("list_reviews"), paging=PAGES),
    "assets": Endpoint(
        "assets", assumed("path_assets"), items=assumed("list_assets"), paging=PAGES, lifetime=NEVER_KEPT, links=True
    ),
    "submit": Endpoint("submit", assumed("path_submit"), **_SUBMITTED),
}

API = Api(
    vendor="docdigitizer",
    base_url=BASE_URL,
    auth=ApiKey(KEY_HEADER, KEY_SCHEME),
    endpoints=ENDPOINTS,
    assumptions=ASSUMPTIONS,
    key_made_at=KEY_MADE_AT,
    error_text=("detail", "message", "error"),
    error_codes=ADVICE,
    rates={},  # the number of documents a minute is agreed for each account
    answer_headers=tuple(header.lower() for header in (MORE_HEADER, CURSOR_HEADER, BROKEN_HEADER)),
)
