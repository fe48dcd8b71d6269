"""Every documented figure of Veridox, typed from its pages, against what the room declares."""

from __future__ import annotations

import re

import pytest

from docframes.transport.limits import DEFAULT_RULE
from docframes.transport.paging import Page
from docframes.vendors.veridox import api
from docframes.vendors.veridox.api import API, ASSUMPTIONS

MINUTES = 60

FACTS = {
    "address of the United Kingdom": (api.BASE_URL, "https://api.uk.veridox.ai"),
    "pattern of addresses": (api.REGION_PATTERN, "https://api.{region}.veridox.ai"),
    "pattern of older addresses": (api.OLDER_PATTERN, "https://api.{region}.neo.veridox.ai"),
    "regions": (api.REGIONS, ("uk", "ca")),
    "header of the key": (api.KEY_HEADER, "x-api-key"),
    "beginning of a key": (api.KEY_PREFIX, "vdx_"),
    "default page": (api.DEFAULT_PAGE_SIZE, 50),
    "largest page": (api.LARGEST_PAGE_SIZE, 100),
    "largest offset": (api.LARGEST_OFFSET, 9007199254740991),
    "sort fields": (api.SORT_FIELDS, ("date_created", "risk_score")),
    "sort orders": (api.SORT_ORDERS, ("asc", "desc")),
    "shortest search": (api.SHORTEST_QUERY, 1),
    "longest search": (api.LONGEST_QUERY, 100),
    "longest label": (api.LONGEST_LABEL, 255),
    "ids of one bulk download": (api.MOST_IDS, 25),
    "life of a bulk link": (api.DOWNLOAD_LIFETIME, 60 * MINUTES),
    "life of an asset's link": (api.ASSET_LIFETIME, 30 * MINUTES),
    "assets": (api.FILE_KINDS, ("file_download", "thumbnail", "pdf_report", "log_output", "ela_overlay")),
    "risk levels, rising": (api.RISK_LEVELS, ("Informational", "Low", "Medium", "High")),
    "states of an analysis": (api.STATUSES, ("waiting_for_upload", "processing", "settled")),
    "outcomes": (api.OUTCOMES, ("success", "failed")),
    "key of an error's code": (api.ERROR_CODE, "error_code"),
    "key of an error's text": (api.ERROR_TEXT, "error_message"),
    "key of an error's details": (api.ERROR_DETAILS, "error_details"),
    "code of a wrong key": (api.INVALID_KEY_CODE, "request.authentication.api-key.invalid"),
    "code of an expired key": (api.EXPIRED_KEY_CODE, "request.authentication.api-key.expired"),
    "code of too many calls": (api.RATE_CODE, "request.rate-limit"),
    "code of a missing asset": (api.NO_ASSET_CODE, "request.cases.case-file.asset-not-found"),
    "progress streams at once": (api.MOST_STREAMS, 10),
    "path of cases": (API.endpoints["cases"].path, "/cases"),
    "path of a case": (API.endpoints["case"].path, "/cases/{case_id}"),
    "path of files": (API.endpoints["files"].path, "/files"),
    "path of an analysis": (API.endpoints["analysis"].path, "/files/{file_id}/analysis"),
    "path of bulk downloads": (API.endpoints["download"].path, "/files/download"),
    "method of bulk downloads": (API.endpoints["download"].method, "POST"),
    "path of an asset": (API.endpoints["asset"].path, "/files/asset-url"),
    "path of a search": (API.endpoints["search"].path, "/search"),
    "rows of cases": (ASSUMPTIONS["cases_items"].value, "cases"),
    "rows of files": (ASSUMPTIONS["files_items"].value, "files"),
    "rows of a search": (ASSUMPTIONS["search_items"].value, "results"),
    "total": (ASSUMPTIONS["total"].value, "total"),
    "ids of a bulk download": (ASSUMPTIONS["download_ids"].value, "file_ids"),
    "links of a bulk download": (ASSUMPTIONS["download_files"].value, "files"),
    "errors of a bulk download": (ASSUMPTIONS["download_errors"].value, "errors"),
    "link of a bulk download": (ASSUMPTIONS["download_url"].value, "download_url"),
    "link of an asset": (ASSUMPTIONS["asset_url"].value, "url"),
    "expiry of a link": (ASSUMPTIONS["expires_at"].value, "expires_at"),
}


@pytest.mark.parametrize("fact", FACTS)
def test_a_documented_value_is_declared_as_it_is_documented(fact):
    """The figure typed here from the vendor's pages is the one in api.py."""
    declared, documented = FACTS[fact]

    assert declared == documented


@pytest.mark.parametrize(
    ("rule", "calls", "seconds"),
    [
        (DEFAULT_RULE, 10, 60),
        ("create_case", 10, 60),
        ("cases", 30, 60),
        ("case", 60, 60),
        ("progress_poll", 600, 3600),
        ("download", 20, 60),
    ],
)
def test_a_rate_is_the_documented_one(rule, calls, seconds):
    """Calls in a window."""
    assert (API.rates[rule].calls, API.rates[rule].seconds) == (calls, seconds)


@pytest.mark.parametrize(
    ("endpoint", "rule"),
    [
        ("cases", "cases"),
        ("case", "case"),
        ("files", DEFAULT_RULE),
        ("search", DEFAULT_RULE),
        ("analysis", DEFAULT_RULE),
        ("analysis_now", DEFAULT_RULE),
        ("asset", DEFAULT_RULE),
        ("download", "download"),
    ],
)
def test_a_path_falls_under_its_rule(endpoint, rule):
    """Paths without a number of their own share the ten a minute."""
    assert API.endpoints[endpoint].rule == rule
    assert rule in API.rates


@pytest.mark.parametrize("endpoint", ["cases", "files", "search"])
def test_lists_page_by_limit_and_offset(endpoint):
    """100 rows from the first one on, unless fewer are asked for; never more."""
    paging = API.endpoint(endpoint).paging

    assert paging.first({}, None) == {"limit": 100, "offset": 0}
    assert paging.first({}, 7) == {"limit": 7, "offset": 0}
    assert paging.first({}, 500) == {"limit": 100, "offset": 0}


def asked(offset: int, rows: int, total: int | None, limit: int = 100) -> Page:
    """A page that was asked for at *offset* and holds so many rows."""
    envelope = {} if total is None else {"total": total}
    return Page({"limit": limit, "offset": offset}, [{"file_id": str(offset + n)} for n in range(rows)], envelope)


@pytest.mark.parametrize(
    ("page", "following"),
    [
        (asked(0, 100, 250), 100),  # more are declared
        (asked(200, 50, 250), None),  # all that are declared
        (asked(200, 0, 250), None),  # an empty page ends the walk
        (asked(0, 40, None), None),  # fewer than asked for, and nothing declared
        (asked(0, 100, None), 100),  # a full page, and nothing declared
        (asked(200, 50, 260), 250),  # the list grew while it was read
        (asked(0, 10, 250), 10),  # the server has a smaller page of its own
        (asked(0, 100, 100), 100),  # the total may be the page's: one look further
        (asked(100, 0, 100), None),  # and there was nothing
        (asked(100, 100, 100), 200),  # and there was more
        (asked(200, 30, 30), None),  # until a page is not full
        (asked(0, 3, 3), None),  # a page that is not full is the last one
    ],
)
def test_a_walk_by_offset_ends_as_documented(page, following):
    """Empty page, total reached, fewer rows than asked for; the total alone is not gone by."""
    found = API.endpoint("files").paging.following(page, [])

    assert (found and found["offset"]) == following


@pytest.mark.parametrize("endpoint", ["download", "asset"])
def test_links_are_never_kept(endpoint):
    """Their answers are wanted as they are and not stored; asking twice does no harm."""
    declared = API.endpoints[endpoint]

    assert declared.links
    assert declared.lifetime == 0
    assert declared.method == "GET" or declared.repeatable


@pytest.mark.parametrize(
    ("sent", "download", "asset"),
    [
        ("019cadd3-7fcb-7133-b19b-0abb09156756", True, True),
        ("019CADD3-7FCB-7133-B19B-0ABB09156756", True, True),
        ("019cadd3-7fcb-7133-719b-0abb09156756", False, False),
        ("3f0c9a52-6a0e-4c1e-9d57-0c2b7e1f8a44", False, True),
        ("3f0c9a52-6a0e-1c1e-9d57-0c2b7e1f8a44", False, True),
        ("3f0c9a52-6a0e-8c1e-9d57-0c2b7e1f8a44", False, True),
        ("3f0c9a52-6a0e-9c1e-9d57-0c2b7e1f8a44", False, False),
        ("00000000-0000-0000-0000-000000000000", False, True),
        ("ffffffff-ffff-ffff-ffff-ffffffffffff", False, True),
        ("019cadd37fcb7133b19b0abb09156756", False, False),
        ("019cadd3-7fcb-7133-b19b-0abb0915675", False, False),
        ("019cadd3-7fcb-7133-b19b-0abb09156756 ", False, False),
        ("17", False, False),
    ],
)
def test_ids_are_checked_as_the_endpoint_takes_them(sent, download, asset):
    """Version 7 for bulk downloads; versions 1 to 8, all noughts or all f for an asset; in any case of letters."""
    assert bool(re.fullmatch(api.SENT_ID, sent, re.IGNORECASE)) is download
    assert bool(re.fullmatch(api.ASSET_ID, sent, re.IGNORECASE)) is asset


def test_every_guess_says_what_it_is_about():
    """Meaning and section; no guess without a way to replace it."""
    assert "columns" in ASSUMPTIONS
    for name, assumption in ASSUMPTIONS.items():
        assert assumption.meaning, name
        assert assumption.where.startswith("section"), name


def test_where_highlights_are_looked_for():
    """At the top, in the results, in the full analysis, in this order."""
    assert ASSUMPTIONS["highlights_places"].value == (
        "highlights",
        "analysis_results.highlights",
        "analysis_results.full_analysis.highlights",
    )


def test_guesses_of_the_register():
    """What the contract lists as assumed, with its value."""
    assert ASSUMPTIONS["host_ca"].value == "https://api.ca.veridox.ai"
    assert ASSUMPTIONS["cases_default_page_size"].value == 50
    assert ASSUMPTIONS["shared_default_budget"].value is True
    assert ASSUMPTIONS["thumbnail_lifetime"].value == 30 * MINUTES
