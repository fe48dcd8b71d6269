"""Every documented figure of DocDigitizer, as the contract has it."""

from __future__ import annotations

import pytest

from docframes.vendors.docdigitizer import api

CODES = {
    201: {"CREATED"},
    202: {"ACCEPTED"},
    400: {"BAD_REQUEST"},
    401: {"WRONG_AUTH"},
    403: {"NOT_ENOUGH_PERMISSIONS", "NO_LICENCE", "EXPIRED_LICENCE"},
    404: {"NOT_FOUND", "INVALID_OUTPUT_FORMAT"},
    409: {"CONFLICT"},
    415: {"FILE_TYPE_NOT_SUPPORTED"},
    422: {"INCOHERENT_DATA"},
    500: {"UNEXPECTED_ERROR"},
    501: {"NOT_IMPLEMENTED"},
}
CONTRACT = [
    ("BASE_URL", "https://api.docdigitizer.com"),
    ("KEY_HEADER", "Authorization"),
    ("KEY_SCHEME", "API_KEY"),
    ("SIZE_PARAMETER", "maxRetrieve"),
    ("CURSOR_PARAMETER", "cursorId"),
    ("MORE_HEADER", "X-More-Results-Available"),
    ("CURSOR_HEADER", "X-Cursor-ID"),
    ("BROKEN_HEADER", "X-Cursor-Was-Broken"),
    ("LOCATION_HEADER", "X-Document-Location"),
    ("TAG_HEADER", "X-Docdigitizer-Tag"),
    ("LARGEST_UPLOAD_MB", 25),
    ("CALLBACK_METHODS", ("GET", "POST")),
    ("LINK_NAMES", ("self", "annotations", "assets", "reviews", "collection")),
    ("KEY_PREFIX", "document"),
    ("DATE_FORMAT_V1", "%d/%m/%Y"),
    ("DATE_FORMAT_V3", "%Y-%m-%d"),
]


@pytest.mark.parametrize(("name", "value"), CONTRACT)
def test_a_documented_value_is_the_contracts(name, value):
    """Written once in api.py, and the same as on the vendor's pages."""
    assert getattr(api, name) == value


def test_there_are_fourteen_message_codes_each_with_its_status_and_a_text_of_its_own():
    """No two texts are alike, and none is missing."""
    by_status: dict[int, set[str]] = {}
    for code, status in api.MESSAGE_CODES.items():
        by_status.setdefault(status, set()).add(code)

    assert by_status == CODES
    assert len(api.MESSAGE_CODES) == 14
    assert api.ADVICE.keys() == api.MESSAGE_CODES.keys()
    assert len(set(api.ADVICE.values())) == 14


def test_the_media_types_are_the_four_that_are_taken():
    """PDF, JPEG, PNG and TIFF."""
    assert set(api.MEDIA_TYPES.values()) == {"application/pdf", "image/jpeg", "image/png", "image/tiff"}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("path_documents", "/api/v1/documents"),
        ("path_document", "/api/v1/documents/{document_id}"),
        ("path_annotations", "/api/v1/documents/{document_id}/annotations"),
        ("path_reviews", "/api/v1/documents/{document_id}/reviews"),
        ("path_assets", "/api/v1/documents/{document_id}/assets"),
        ("path_tasks", "/api/v1/tasks"),
        ("path_submit", "/api/v1/documents/annotate"),
        ("page_size", 100),
        ("decimal_mark", "."),
        ("group_mark", ""),
        ("columns", {}),
    ],
)
def test_a_guess_is_in_the_register_with_its_section(name, value):
    """The register says what is assumed, in words, and which section of the contract leaves it open."""
    guess = api.ASSUMPTIONS[name]

    assert guess.value == value
    assert guess.meaning
    assert guess.where


def test_the_headers_of_the_paging_survive_the_cache():
    """A page from the cache must still say whether another one follows."""
    assert set(api.API.answer_headers) == {"x-more-results-available", "x-cursor-id", "x-cursor-was-broken"}


def test_answers_that_may_hold_links_are_never_kept():
    """Assets may name signed links."""
    endpoint = api.ENDPOINTS["assets"]

    assert endpoint.links
    assert endpoint.lifetime == 0.0


def test_states_of_complete_documents_are_the_five_of_the_contract():
    """success, annotated, 91, READY and COMPLETED; nothing is in both lists."""
    complete = {str(state).lower() for state in api.ASSUMPTIONS["complete_states"].value}
    unfinished = {str(state).lower() for state in api.ASSUMPTIONS["unfinished_states"].value}

    assert complete == {"success", "annotated", "91", "ready", "completed"}
    assert not complete & unfinished
