"""The guards of header cursors, one by one."""

from __future__ import annotations

import itertools

import pytest
from conftest import Says

from docframes.errors import BrokenCursor, IncompleteLoad
from docframes.tables.certificates import certify
from docframes.transport.paging import HeaderCursor, JsonApi, Offset, Page, PageNumber, Single
from docframes.vendors import docdigitizer

KEY = "6e1f0c52-9a7b-4d3e-8c15-b2d4f6a80931"
CURSOR = HeaderCursor()


def record(number):
    return {
        "id": str(number), "document_class": "contract", "annotation_status": "success", "reviewed": False,
        "filename": "a.pdf", "tags": [], "created": "2024-03-08T09:41:07", "updated": "2024-03-08T09:41:07",
    }  # fmt: skip


def page(numbers, *, next_cursor=None, broken=False, status=200):
    headers = {"X-More-Results-Available": str(next_cursor is not None), "X-Cursor-Was-Broken": str(broken)}
    headers |= {} if next_cursor is None else {"X-Cursor-ID": next_cursor}
    return Says({"documents": [record(number) for number in numbers]}, status=status, headers=headers)


def load(scripted, settings, answers, **options):
    answers = iter(answers)
    server = scripted(lambda asked: next(answers))
    with docdigitizer.Client(api_key=KEY, base_url=server.url, settings=settings) as client:
        return docdigitizer.load_documents(client=client, **options), server


@pytest.fixture
def loaded(scripted, settings):
    return lambda answers, **options: load(scripted, settings, answers, **options)


def test_what_came_before_a_broken_cursor_is_dropped(loaded):
    """The restart gives the list as it is now: a row that went away meanwhile is not in it."""
    lost = [page([1, 2], next_cursor="a"), page([1, 2], next_cursor="b", broken=True)]
    frame, server = loaded([*lost, page([2, 3], next_cursor="c"), page([4])])

    assert frame["document_id"].tolist() == ["2", "3", "4"]
    assert [asked.query.get("cursorId") for asked in server.asked] == [None, "a", None, "c"]


def test_a_restart_that_fails_otherwise_is_an_incomplete_load(loaded):
    """What came after the restart is in the error; nothing is raised bare."""
    lost = [page([1, 2], next_cursor="a"), page([1, 2], broken=True)]
    fails = itertools.repeat(page([], status=500))

    with pytest.raises(IncompleteLoad) as caught:
        loaded([*lost, page([1, 2], next_cursor="c"), *itertools.islice(fails, 9)])

    assert caught.value.frame["document_id"].tolist() == ["1", "2"]
    assert not isinstance(caught.value, BrokenCursor)


def test_an_empty_page_in_between_is_walked_over(loaded):
    """More is promised: the next page may have rows."""
    frame, _ = loaded([page([1], next_cursor="a"), page([], next_cursor="b"), page([2])])

    assert frame["document_id"].tolist() == ["1", "2"]


def test_a_server_that_gives_the_same_page_for_ever_is_an_error():
    """Fresh cursors, and the same rows again and again: five pages are enough."""
    pages = [
        Page(
            {"cursorId": str(number)},
            [1, 2],
            None,
            {"x-more-results-available": "true", "x-cursor-id": f"{number + 1}"},
        )
        for number in range(5)
    ]

    assert all(CURSOR.following(pages[number], pages[:number]) for number in range(4))
    with pytest.raises(BrokenCursor, match="the same"):
        CURSOR.following(pages[4], pages[:4])


@pytest.mark.parametrize("broken", ["true", "True", "TRUE"])
def test_a_broken_cursor_is_seen_before_the_rows_are_taken(broken):
    """The page that comes is not the one that was asked for."""
    with pytest.raises(BrokenCursor, match="broken"):
        CURSOR.check(Page({}, [1], None, {"x-cursor-was-broken": broken}))
    CURSOR.check(Page({}, [1], None, {"x-cursor-was-broken": "false"}))


def test_only_a_flag_that_is_there_says_that_a_page_is_the_last():
    """A missing header ends the walk and proves nothing; other kinds of paging have totals instead."""
    assert CURSOR.says_last(Page({}, [], None, {"x-more-results-available": "False"}))
    assert not CURSOR.says_last(Page({}, [], None, {"x-more-results-available": "true"}))
    assert not CURSOR.says_last(Page({}, [], None, {}))
    for other in (Single(), PageNumber(), Offset(), JsonApi()):
        assert not other.says_last(Page({}, [], None, {"x-more-results-available": "false"}))
        other.check(Page({}, [], None, {"x-cursor-was-broken": "true"}))


@pytest.mark.parametrize(
    ("facts", "verdict"),
    [
        ({"received": 3, "unique": 3, "ended": True}, "PASS"),
        ({"received": 3, "unique": 3, "ended": False}, "CANNOT_PROVE"),
        # Rows came twice: pages shifted, and a row may have been passed over.
        ({"received": 4, "unique": 3, "ended": True}, "CANNOT_PROVE"),
        ({"received": 4, "unique": 2, "ended": True, "repeated_pages": 1}, "FAIL"),
    ],
)
def test_a_list_that_said_it_was_over_is_complete(facts, verdict):
    """Without a total, the vendor's own word after the last page is the proof."""
    assert certify(first=None, last=None, **facts).verdict == verdict
