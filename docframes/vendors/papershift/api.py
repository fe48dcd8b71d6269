"""What is known of the Papershift Pulse API, and what is guessed.  No logic.

Documented on the public Pulse pages (introduction, user documents, account documents, teams, identities): base URL,
content type, bearer token in a response header, document paths and attributes, filters, two rate limits, the
presigned form upload.  Sorting, paging, the place of metadata and the error body are not public: they are guessed
after the JSON:API standard, and so is everything in :data:`ASSUMPTIONS`.  A wrong guess is mended with
``papershift.Client(assumptions={name: value})``.
"""

from __future__ import annotations

from docframes.transport.api import NEVER_KEPT, Api, Assumption, Endpoint, assumed
from docframes.transport.limits import DEFAULT_RULE, RateLimit
from docframes.transport.paging import JsonApi, Linked

# --- documented ---------------------------------------------------------------------------------------------------

BASE_URL = "https://api-pulse.papershift.com"
PREFIX = "/api/v1"
CONTENT_TYPE = "application/vnd.api+json"
LANGUAGES = ("de", "en")
#: A token is no key that is made once: it comes with a sign-in.
KEY_MADE_AT = "sign-in to Pulse, with the e-mail address and password of a user"

DOCUMENTS = f"{PREFIX}/users/{{user_id}}/documents"
DOCUMENT = f"{DOCUMENTS}/{{document_id}}"
TEAMS = f"{PREFIX}/teams"
IDENTITY = f"{PREFIX}/identity"
ACCOUNT = f"{PREFIX}/accounts/{{account_id}}"

DOCUMENT_TYPE = "document"
LONGEST_NAME = 250  #: code points
LARGEST_FILE = 100_000_000  #: bytes: "100 MB", read the safe way
EXTENSIONS = ("pdf", "doc")  #: that a user's document may be created with; others are read as they come
UPLOAD_STATUSES = ("uploading", "success", "error")
DOWNLOAD_URL, UPLOAD_URL = "download_url", "upload_url"  #: names of metadata; asked for with the value true
UPLOAD_ADDRESS, UPLOAD_FIELDS = "url", "fields"  #: what ``upload_url`` holds
OPERATORS = ("eq", "!eq", "gt", "gte", "lt", "lte", "pre", "suf", "ct", "!ct", "in", "!in", "blank", "present")

ALL_ROUTES = RateLimit(300, 60.0)
SIGN_INS = RateLimit(5, 20.0)
#: A sign-in counts with its kin and with all other calls.
SIGN_IN_RULE = "sign_in"
SIGN_IN_RULES = f"{SIGN_IN_RULE}+{DEFAULT_RULE}"

FILE_KINDS = ("account_documents", "documents")
#: "No access" to one user's documents: not the caller's to see, or hidden from the caller (assumed which of the two).
NO_ACCESS = frozenset({403, 404})

# --- assumed ------------------------------------------------------------------------------------------------------

ASSUMPTIONS = {
    "accept": Assumption(CONTENT_TYPE, "media type asked for", "section 1"),
    "language": Assumption("en", "language of error texts: de or en", "section 1"),
    "sign_in_path": Assumption(f"{PREFIX}/auth/sign_in", "path of the sign-in", "section 2"),
    "sign_in_body": Assumption(
        {"data": {"type": "identity", "attributes": {"email": "{email}", "password": "{password}"}}},
        "body of the sign-in; {email} and {password} are filled in", "section 2",
    ),
    "sign_in_header": Assumption("Authorization", "header of the answer that holds the token", "section 2"),
    "path_users": Assumption(f"{PREFIX}/users", "path of the list of users", "section 5, 8"),
    "path_account_documents": Assumption(
        f"{PREFIX}/account_documents", "path of the list of account documents", "section 5, 6"
    ),
    "path_account_document": Assumption(
        f"{PREFIX}/account_documents/{{document_id}}", "path of one account document", "section 8"
    ),
    "list_items": Assumption("data", "key of the rows in a list answer", "section 3"),
    "object": Assumption(("data", ""), "where the one object of an answer stands, in order", "section 3"),
    "included": Assumption("included", "key of the resources that come along with others", "section 3"),
    "account_users": Assumption(
        "data.relationships.users.data", "where an account links to its users", "section 9"
    ),
    "account_in_force": Assumption(
        "last_used_account_id", "attribute of the identity that names its account", "section 9"
    ),
    "type_user": Assumption("user", "type of a user", "section 3"),
    "page_number": Assumption("page[number]", "query parameter for the page; empty sends none", "section 4"),
    "page_size": Assumption("page[size]", "query parameter for the page size; empty sends none", "section 4"),
    "largest_page_size": Assumption(100, "largest page the server gives", "section 4"),
    "next_link": Assumption("links.next", "where a list answer links to the next page", "section 4"),
    "page_count": Assumption(
        ("meta.pagination.last", "meta.last", "meta.pagination.pages", "meta.total_pages", "meta.pages"),
        "where a list answer declares its pages, in order", "section 4",
    ),
    "total": Assumption(
        ("meta.pagination.records", "meta.records", "meta.pagination.total", "meta.total", "meta.total_count"),
        "where a list answer declares its rows over all pages, in order", "section 4",
    ),
    "insist_on_pages": Assumption(
        False, "ask for another page merely because one was full, until one brings nothing new", "section 4"
    ),
    "sort_parameter": Assumption("sort", "query parameter for the order", "section 4"),
    "separator": Assumption(",", "between several includes, and between the values of in", "section 4"),
    "metadata_parameter": Assumption("meta[{name}]", "query parameter that asks for metadata", "section 4"),
    "download_url": Assumption(
        ("data.meta.download_url", "data.attributes.download_url", "meta.download_url"),
        "where an answer holds the link to a file, in order", "section 7",
    ),
    "upload_url": Assumption(
        ("data.meta.upload_url", "data.attributes.upload_url", "meta.upload_url"),
        "where an answer holds the presigned upload, in order", "section 6.5",
    ),
    "link_lifetime": Assumption(300.0, "seconds a link lives, where it does not say so itself", "section 7"),
    "document_body": Assumption(
        "deeper", "where a document's attributes stand in a request: deeper (data.data) or plain (data)", "section 3"
    ),
    "error_text": Assumption(
        ("errors.0.detail", "errors.0.title", "error", "message"), "where an error's text stands, in order",
        "section 10",
    ),
    "error_code": Assumption("errors.0.code", "where an error's code stands", "section 10"),
    "error_place": Assumption("errors.0.source.pointer", "where an error names what was refused", "section 10"),
    "columns": Assumption({}, "keys that bear another name: {table: {column: key}}", "sections 6, 8, 9"),
}  # fmt: skip

PAGES = JsonApi(
    number=assumed("page_number"),
    size=assumed("page_size"),
    largest=assumed("largest_page_size"),
    next_key=assumed("next_link"),
    pages_keys=assumed("page_count"),
    total_keys=assumed("total"),
    insists=assumed("insist_on_pages"),
)
HEADERS = {"Content-Type": CONTENT_TYPE}


def _list(name: str, path: str) -> Endpoint:
    return Endpoint(name, path, items=assumed("list_items"), paging=PAGES, headers=HEADERS)


def _one(name: str, path: str, method: str = "GET", accepts: tuple[int, ...] = (200,)) -> Endpoint:
    """One document: its answer may hold links, so it is never kept."""
    return Endpoint(
        name, path, items=assumed("object"), method=method, accepts=accepts, headers=HEADERS, lifetime=NEVER_KEPT,
        links=True,
    )  # fmt: skip


ENDPOINTS = {
    "users": _list("users", assumed("path_users")),
    "teams": _list("teams", TEAMS),
    "documents": _list("documents", DOCUMENTS),
    "account_documents": _list("account_documents", assumed("path_account_documents")),
    "account_users": Endpoint(
        "account_users", ACCOUNT, items=assumed("included"), paging=Linked(links=assumed("account_users")),
        headers=HEADERS,
    ),
    "identity": Endpoint("identity", IDENTITY, items=assumed("object"), headers=HEADERS),
    "document": _one("document", DOCUMENT),
    "account_document": _one("account_document", assumed("path_account_document")),
    "create": _one("create", DOCUMENTS, "POST", (201, 200)),
    # An empty answer says as much as one with the document in it.
    "update": _one("update", DOCUMENT, "PUT", (200, 204)),
    "delete": _one("delete", DOCUMENT, "DELETE", (200, 204)),
}  # fmt: skip

API = Api(
    vendor="papershift",
    base_url=BASE_URL,
    endpoints=ENDPOINTS,
    assumptions=ASSUMPTIONS,
    key_made_at=KEY_MADE_AT,
    credentials=("token", "email", "password"),
    request_id="errors.0.id",
    error_text=ASSUMPTIONS["error_text"].value,
    error_code=ASSUMPTIONS["error_code"].value,
    error_place=ASSUMPTIONS["error_place"].value,
    rates={DEFAULT_RULE: ALL_ROUTES, SIGN_IN_RULE: SIGN_INS},
    accept=CONTENT_TYPE,
)
