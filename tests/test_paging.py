"""What to ask for next: every way of paging walks a list to its end, once, and never for ever."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docframes.errors import BrokenCursor
from docframes.transport.paging import HeaderCursor, JsonApi, Offset, Page, PageNumber, Single, dig, flag, whole

NUMBERED = PageNumber()
OFFSET = Offset(total_key="total", size_key="limit")
CURSOR = HeaderCursor()
JSON_API = JsonApi()
#: More calls than any walk below can need.
ENOUGH = 400


def walk(paging, serve, size=None, *, at_once=False):
    """Ask *serve* for every page as a client does; gives the rows and the parameters asked."""
    page = serve(paging.first({}, size))
    pages = [page]
    if at_once:
        pages += [serve(params) for params in paging.rest(page) or ()]
    before = []
    page = pages[-1]
    while (params := paging.following(page, before)) is not None:
        before.append(page)
        page = serve(params)
        pages.append(page)
        assert len(pages) < ENOUGH, "the walk does not end"
    return [row for page in pages for row in page.items], [page.params for page in pages]


def numbered_server(rows, *, most=100, totals=True, pages=True, names_size=True):
    """A server of numbered pages that lowers the size to *most* and declares what it is told to."""

    def serve(params):
        size = min(params["limit"], most)
        start = (params["page"] - 1) * size
        told = {"page": params["page"]}
        told |= {"total": len(rows)} if totals else {}
        told |= {"total_pages": math.ceil(len(rows) / size)} if pages else {}
        told |= {"limit": size} if names_size else {}
        return Page(params, rows[start : start + size], {"pagination": told})

    return serve


@given(
    count=st.integers(0, 60),
    size=st.integers(1, 25),
    most=st.integers(1, 25),
    totals=st.booleans(),
    pages=st.booleans(),
    at_once=st.booleans(),
)
def test_numbered_pages_give_every_row_once_and_in_order(count, size, most, totals, pages, at_once):
    """Whatever is declared, one by one or in parallel, and though the server lowers the size."""
    rows = list(range(count))
    server = numbered_server(rows, most=most, totals=totals, pages=pages)
    got, asked = walk(NUMBERED, server, size, at_once=at_once)

    assert got == rows
    assert len({params["page"] for params in asked}) == len(asked)


@given(count=st.integers(0, 60), size=st.integers(1, 25))
def test_numbered_pages_without_any_envelope_end_at_a_short_page(count, size):
    """A bare list declares nothing: a page that is not full is the last."""
    rows = list(range(count))

    def serve(params):
        start = (params["page"] - 1) * params["limit"]
        return Page(params, rows[start : start + params["limit"]])

    got, asked = walk(NUMBERED, serve, size)
    assert got == rows
    assert len(asked) <= count // size + 2


@given(count=st.integers(0, 40), size=st.integers(1, 10), claim=st.integers(0, 200), at_once=st.booleans())
def test_a_wrong_total_never_makes_a_walk_endless(count, size, claim, at_once):
    """Too high: an empty page ends it.  Too low: it ends there, and the certificate has to notice."""
    rows = list(range(count))

    def serve(params):
        start = (params["page"] - 1) * params["limit"]
        return Page(params, rows[start : start + params["limit"]], {"pagination": {"total": claim}})

    got, _ = walk(NUMBERED, serve, size, at_once=at_once)
    assert got == rows[: max(size, math.ceil(claim / size) * size)]


def test_a_server_that_knows_no_pages_is_noticed():
    """It answers the same full page for ever; the second time ends the walk, with both pages to show for it."""
    got, asked = walk(NUMBERED, lambda params: Page(params, [1, 2, 3]), 3)

    assert (got, len(asked)) == ([1, 2, 3, 1, 2, 3], 2)


def test_the_first_page_is_as_large_as_allowed():
    """100 rows unless fewer are wanted; never more."""
    assert NUMBERED.first({"a": 1}, None) == {"a": 1, "page": 1, "limit": 100}
    assert NUMBERED.first({}, 10)["limit"] == 10
    assert NUMBERED.first({}, 5000)["limit"] == 100


def test_the_rest_is_known_from_the_total():
    """57 rows in pages of 25: two more pages, of the same size."""
    page = Page({"page": 1, "limit": 25}, [0] * 25, {"pagination": {"total": 57, "limit": 25}})

    assert NUMBERED.rest(page) == [{"page": 2, "limit": 25}, {"page": 3, "limit": 25}]
    assert NUMBERED.rest(Page({"page": 1, "limit": 25}, [0] * 25)) is None


def test_a_lowered_size_is_asked_for_again():
    """100 asked, 10 in force: 4 pages of 10, not pages of two sizes."""
    page = Page({"page": 1, "limit": 100}, [0] * 10, {"pagination": {"total": 40, "limit": 10}})

    assert [params["limit"] for params in NUMBERED.rest(page)] == [10, 10, 10]


def test_pages_may_count_from_zero():
    """start=0, and the flag of the last page, as another vendor has them."""
    paging = PageNumber(start=0, total_key="none", pages_key="none", size_key="none", last_key="last")
    rows = list(range(7))

    def serve(params):
        start = params["page"] * 3
        return Page(params, rows[start : start + 3], {"last": start + 3 >= 6})

    got, asked = walk(paging, serve, 3)
    assert (got, [params["page"] for params in asked]) == ([0, 1, 2, 3, 4, 5], [0, 1])


def offset_server(rows, *, most=100, totals=True, names_size=True):
    def serve(params):
        size = min(params["limit"], most)
        told = {"limit": size} if names_size else {}
        told |= {"total": len(rows)} if totals else {}
        return Page(params, rows[params["offset"] : params["offset"] + size], told)

    return serve


@given(
    count=st.integers(0, 60),
    size=st.integers(1, 25),
    most=st.integers(1, 25),
    totals=st.booleans(),
    at_once=st.booleans(),
)
def test_offsets_give_every_row_once_and_in_order(count, size, most, totals, at_once):
    """With and without a total, one by one or in parallel, and though the server lowers the size."""
    rows = list(range(count))
    got, _ = walk(OFFSET, offset_server(rows, most=most, totals=totals), size, at_once=at_once)

    assert got == rows


@given(count=st.integers(0, 60), size=st.integers(1, 25), most=st.integers(1, 25), at_once=st.booleans())
def test_offsets_follow_what_was_answered_though_the_size_is_not_named(count, size, most, at_once):
    """A total is declared and pages are shorter than asked for: no row is passed over."""
    rows = list(range(count))
    got, _ = walk(OFFSET, offset_server(rows, most=most, names_size=False), size, at_once=at_once)

    assert got == rows


def cursor_server(rows, *, empty_before=0):
    def serve(params):
        start = int(params.get("cursorId", "0") or 0)
        items = rows[start : start + params["maxRetrieve"]]
        more = start + len(items) < len(rows)
        headers = {"x-more-results-available": str(more).lower()}
        headers |= {"x-cursor-id": str(start + len(items))} if more else {}
        return Page(params, items, None, headers)

    return serve


@given(count=st.integers(0, 60), size=st.integers(1, 25))
def test_cursors_give_every_row_once_and_in_order(count, size):
    """Each page names the next, the last names none."""
    rows = list(range(count))
    got, asked = walk(CURSOR, cursor_server(rows), size)

    assert got == rows
    assert len(asked) == max(1, math.ceil(count / size))


@pytest.mark.parametrize(
    ("headers", "why"),
    [
        ({"x-cursor-was-broken": "true"}, "broken"),
        ({"x-more-results-available": "true"}, "names no cursor"),
        ({"x-more-results-available": "true", "x-cursor-id": "c1"}, "used before"),
    ],
)
def test_a_cursor_that_leads_nowhere_is_an_error(headers, why):
    """Said to be broken, promised and not given, or given before: never a loop, never a short list."""
    page = Page({"maxRetrieve": 5, "cursorId": "c1"}, [1], None, headers)

    with pytest.raises(BrokenCursor, match=why):
        CURSOR.following(page, [])


@given(st.lists(st.tuples(st.sampled_from("abc"), st.booleans(), st.integers(0, 2)), min_size=1, max_size=30))
def test_no_server_keeps_a_cursor_walk_for_ever(script):
    """Whatever cursors it deals, the walk ends or says that the place is lost."""
    answers = iter(script * 40)

    def serve(params):
        cursor, more, count = next(answers)
        headers = {"x-more-results-available": str(more), "x-cursor-id": cursor}
        return Page(params, [0] * count, None, headers)

    try:
        _, asked = walk(CURSOR, serve, 2)
    except BrokenCursor:
        return
    assert len(asked) <= 5


def test_empty_pages_that_promise_more_end_in_an_error():
    """Five in a row are enough."""
    numbers = iter(range(100))

    def serve(params):
        return Page(params, [], None, {"x-more-results-available": "true", "x-cursor-id": str(next(numbers))})

    with pytest.raises(BrokenCursor, match="5 pages in a row"):
        walk(CURSOR, serve)


def json_api_server(rows, style):
    def serve(params):
        number, size = int(params["page[number]"]), int(params["page[size]"])
        items = rows[(number - 1) * size : number * size]
        pages = max(1, math.ceil(len(rows) / size))
        told = {
            "links": {
                "links": {"next": f"/x?page%5Bnumber%5D={number + 1}&page%5Bsize%5D={size}" if number < pages else None}
            },
            "pages": {"meta": {"total_pages": pages}},
            "records": {"meta": {"total": len(rows)}},
            "none": {},
        }[style]
        return Page(params, items, told)

    return serve


@given(count=st.integers(0, 40), size=st.integers(1, 15), style=st.sampled_from(["links", "pages", "records"]))
def test_json_api_pages_give_every_row_once_and_in_order(count, size, style):
    """By links.next, by a page count or by a total."""
    rows = list(range(count))
    got, _ = walk(JSON_API, json_api_server(rows, style), size)

    assert got == rows


def test_json_api_without_any_sign_of_pages_is_one_page():
    """A full page alone is no reason to ask for another."""
    got, asked = walk(JSON_API, json_api_server(list(range(30)), "none"), 10)

    assert (len(got), len(asked)) == (10, 1)


def test_json_api_links_that_lead_in_a_circle_do_not_trap():
    """Page 1 names 2, 2 names 1: an error, not a walk without end."""

    def serve(params):
        number = int(params["page[number]"])
        return Page(params, [number], {"links": {"next": f"/x?page%5Bnumber%5D={3 - number}"}})

    with pytest.raises(BrokenCursor):
        walk(JSON_API, serve)


def test_a_link_to_another_host_changes_the_query_only():
    """The address stays the client's own."""
    page = Page({"page[number]": 1, "page[size]": 5}, [1], {"links": {"next": "https://evil.test/?page%5Bnumber%5D=2"}})

    assert JSON_API.following(page, []) == {"page[number]": "2", "page[size]": 5}


def test_a_single_answer_is_the_whole_list():
    """Nothing to add, nothing to follow."""
    page = Page({"a": 1}, [1, 2])

    assert Single().first({"a": 1}, 10) == {"a": 1}
    assert (Single().total(page), Single().rest(page), Single().following(page, [])) == (None, [], None)


def test_a_dotted_path_is_dug_out_in_any_spelling():
    """Nothing there is None; an empty path is the value itself."""
    envelope = {"Pagination": {"totalPages": 3}}

    assert dig(envelope, "pagination.total_pages") == 3
    assert dig(envelope, "pagination.total") is None
    assert dig([1], "pagination") is None
    assert dig(envelope, "") is envelope


@pytest.mark.parametrize(
    ("value", "count"),
    [
        (3, 3),
        ("12", 12),
        (0, 0),
        (4.0, 4),
        (-1, None),
        (True, None),
        ("many", None),
        (1.5, None),
        (None, None),
        ([], None),
    ],
)
def test_a_count_is_a_whole_number_from_zero(value, count):
    """As a number or as digits; anything else declares nothing."""
    assert whole(value) == count


def test_a_flag_says_yes_in_any_case():
    """Headers write it in many ways."""
    assert [flag(text) for text in ("true", "True", " 1 ", "yes", True)] == [True] * 5
    assert [flag(text) for text in ("false", "", "0", None, "maybe")] == [False] * 5
