"""What the contract of Papershift Pulse fixes, and what it assumes, against what the room declares."""

from __future__ import annotations

import pytest

from docframes.transport.limits import DEFAULT_RULE
from docframes.vendors.papershift import api

FACTS = {
    "base URL": (api.API.base_url, "https://api-pulse.papershift.com"),
    "path prefix": (api.PREFIX, "/api/v1"),
    "content type": (api.HEADERS, {"Content-Type": "application/vnd.api+json"}),
    "languages": (api.LANGUAGES, ("de", "en")),
    "list documents": (api.ENDPOINTS["documents"].path, "/api/v1/users/{user_id}/documents"),
    "one document": (api.ENDPOINTS["document"].path, "/api/v1/users/{user_id}/documents/{document_id}"),
    "create": (api.ENDPOINTS["create"].path, "/api/v1/users/{user_id}/documents"),
    "update": (api.ENDPOINTS["update"].path, "/api/v1/users/{user_id}/documents/{document_id}"),
    "delete": (api.ENDPOINTS["delete"].path, "/api/v1/users/{user_id}/documents/{document_id}"),
    "teams": (api.ENDPOINTS["teams"].path, "/api/v1/teams"),
    "identity": (api.ENDPOINTS["identity"].path, "/api/v1/identity"),
    "account": (api.ENDPOINTS["account_users"].path, "/api/v1/accounts/{account_id}"),
    "methods": ([api.ENDPOINTS[name].method for name in ("create", "update", "delete")], ["POST", "PUT", "DELETE"]),
    "type of a document": (api.DOCUMENT_TYPE, "document"),
    "longest name": (api.LONGEST_NAME, 250),
    "largest file": (api.LARGEST_FILE, 100_000_000),
    "extensions": (api.EXTENSIONS, ("pdf", "doc")),
    "upload statuses": (api.UPLOAD_STATUSES, ("uploading", "success", "error")),
    "metadata of files": ((api.DOWNLOAD_URL, api.UPLOAD_URL), ("download_url", "upload_url")),
    "parts of an upload": ((api.UPLOAD_ADDRESS, api.UPLOAD_FIELDS), ("url", "fields")),
    "operators": (
        set(api.OPERATORS),
        {"eq", "!eq", "gt", "gte", "lt", "lte", "pre", "suf", "ct", "!ct", "in", "!in", "blank", "present"},
    ),
    "all routes": (api.API.rates[DEFAULT_RULE], api.RateLimit(300, 60.0)),
    "sign-in": (api.API.rates["sign_in"], api.RateLimit(5, 20.0)),
    "no access": (api.NO_ACCESS, {403, 404}),
}
GUESSES = {
    "accept": "application/vnd.api+json",
    "language": "en",
    "sign_in_path": "/api/v1/auth/sign_in",
    "sign_in_body": {"data": {"type": "identity", "attributes": {"email": "{email}", "password": "{password}"}}},
    "sign_in_header": "Authorization",
    "path_users": "/api/v1/users",
    "path_account_documents": "/api/v1/account_documents",
    "path_account_document": "/api/v1/account_documents/{document_id}",
    "list_items": "data",
    "included": "included",
    "account_in_force": "last_used_account_id",
    "type_user": "user",
    "page_number": "page[number]",
    "page_size": "page[size]",
    "largest_page_size": 100,
    "next_link": "links.next",
    "insist_on_pages": False,
    "sort_parameter": "sort",
    "separator": ",",
    "metadata_parameter": "meta[{name}]",
    "download_url": ("data.meta.download_url", "data.attributes.download_url", "meta.download_url"),
    "link_lifetime": 300.0,
    "document_body": "deeper",
}


@pytest.mark.parametrize("name", FACTS)
def test_a_documented_value_is_declared_once_and_rightly(name):
    """The figure of the contract is the figure of the room."""
    declared, documented = FACTS[name]

    assert declared == documented


@pytest.mark.parametrize("name", GUESSES)
def test_a_guess_is_in_the_register_with_its_place_in_the_contract(name):
    """It can be overridden by name, and says what it is about."""
    assumption = api.ASSUMPTIONS[name]

    assert assumption.value == GUESSES[name]
    assert assumption.meaning
    assert assumption.where.startswith("section")


def test_page_metadata_stands_where_the_contract_puts_it():
    """meta.pagination.last and .records come first among the places that are looked at."""
    assert api.ASSUMPTIONS["page_count"].value[0] == "meta.pagination.last"
    assert api.ASSUMPTIONS["total"].value[0] == "meta.pagination.records"


def test_answers_that_may_hold_links_are_never_kept():
    """One document, a creation and the rest of writing."""
    single = [api.ENDPOINTS[name] for name in ("document", "account_document", "create", "update", "delete")]

    assert all(endpoint.links and endpoint.lifetime == 0 for endpoint in single)
