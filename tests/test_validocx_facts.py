"""Every documented value of ValiDocX, typed from its page, against what the room declares."""

from __future__ import annotations

import pytest

from docframes.vendors.validocx import api
from docframes.vendors.validocx.api import API, ASSUMPTIONS, PAGES

FACTS = {
    "base URL": (api.BASE_URL, "https://api.validocx.com/functions/v1"),
    "base URL in force": (API.base_url, "https://api.validocx.com/functions/v1"),
    "header of the key": (API.auth.header, "x-api-key"),
    "the bare key goes into it": (API.auth.scheme, ""),
    "beginning of a key": (api.KEY_PREFIX, "vdx_org_"),
    "length of a key: 8 + 8 + 1 + 64": (api.KEY_LENGTH, 81),
    "where a key is made": (api.KEY_MADE_AT, "Dashboard, Organization, Settings, API Access"),
    "parameter of the page": (PAGES.page, "page"),
    "first page": (PAGES.start, 1),
    "default page": (api.DEFAULT_PAGE, 1),
    "parameter of the page size": (PAGES.limit, "limit"),
    "default page size": (api.DEFAULT_PAGE_SIZE, 25),
    "largest page size": (api.LARGEST_PAGE_SIZE, 100),
    "page size asked for": (PAGES.largest, 100),
    "sort fields": (api.SORT_FIELDS, ("created_at", "updated_at")),
    "default order": (api.DEFAULT_SORT_ORDER, "desc"),
    "kinds of signed files": (api.FILE_KINDS, ("documents", "images", "installer-certs")),
    "shortest life of a link": (api.SHORTEST_EXPIRY, 60),
    "usual life of a link": (api.DEFAULT_EXPIRY, 300),
    "longest life of a link": (api.LONGEST_EXPIRY, 3600),
    "statuses": (api.STATUSES, (200, 400, 401, 404, 500)),
    "key of an error's handle": (API.request_id, "request_id"),
    "key of an error's text": (API.error_text, ("error",)),
    "path of answers": (ASSUMPTIONS["path_answers"].value, "/question-responses"),
    "path of documents": (ASSUMPTIONS["path_documents"].value, "/documents"),
    "path of images": (ASSUMPTIONS["path_images"].value, "/images"),
    "no rate is published": (dict(API.rates), {}),
    "no quota is published": (API.quota, None),
}


@pytest.mark.parametrize("fact", FACTS)
def test_a_documented_value_is_declared(fact):
    """The declared value is the page's."""
    declared, documented = FACTS[fact]

    assert declared == documented


def test_every_guess_says_what_it_is_about():
    """A guess that a user cannot understand cannot be corrected."""
    assert all(guess.meaning and guess.where for guess in ASSUMPTIONS.values())
