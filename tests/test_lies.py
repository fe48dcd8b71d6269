"""A sandbox that lies about its lists: each lie, in each room where it can be told, by its verdict and its words.

No lie yields PASS.  Where rows are missing the load is an error that has the others, and goes on to the whole list as
soon as the sandbox tells the truth again.
"""

from __future__ import annotations

import importlib
from typing import NamedTuple

import pytest

from docframes import docdigitizer, load_record, papershift, sandbox, validis, validocx, veridox
from docframes.errors import BrokenCursor, IncompleteLoad
from docframes.sandbox.chaos import Chaos
from tests.test_vendors import Script, samples, serving

#: The list of each room that is asked, in pages so small that there are several.
LISTS = {
    "validocx": lambda **more: validocx.load_jobs(page_size=10, **more),
    "docdigitizer": lambda **more: docdigitizer.load_documents(page_size=20, **more),
    "veridox": lambda **more: veridox.load_files(page_size=40, **more),
    "validis": lambda **more: validis.load_receivable_items(4711, page_size=100, **more),
    "papershift": lambda **more: papershift.load_users(page_size=4, **more),
}
#: The others, each with its page size.
OTHERS = {
    "validocx.load_projects": lambda: validocx.load_projects(page_size=4),
    "validocx.load_answers": lambda: validocx.load_answers(page_size=50),
    "validocx.load_documents": lambda: validocx.load_documents(page_size=20),
    "validocx.load_images": lambda: validocx.load_images(page_size=60),
    "docdigitizer.load_tasks": lambda: docdigitizer.load_tasks(page_size=20),
    "veridox.load_cases": lambda: veridox.load_cases(page_size=4),
    "veridox.search_files": lambda: veridox.search_files("invoice", page_size=9),
    "validis.load_engagements": lambda: validis.load_engagements(page_size=2),
    "validis.load_journals": lambda: validis.load_journals(4711, page_size=900),
    "validis.load_payable_items": lambda: validis.load_payable_items(4711, page_size=300),
    "papershift.load_teams": lambda: papershift.load_teams(page_size=2),
    "papershift.load_account_documents": lambda: papershift.load_account_documents(page_size=2),
}
SCREEN = "compare with the count that the vendor's own screen shows"
UNPROVEN = "the vendor said after the last that it was, but declares no total, so that a row passed over between pages "
UNPROVEN += f"would not show; {SCREEN}"
SAID = "{rows} rows in {pages} pages; " + UNPROVEN
FELL = "{fewer} rows; the total fell from {rows} to {fewer} while loading; a row may have been passed over; "
FELL += "refresh=True loads all of it anew"
HIGH = "{rows} rows came of {high} declared; 7 are missing"
LOW = "{rows} rows came, more than the {low} declared; a total that is too low proves nothing; " + SCREEN
TWICE = "1 page repeated the page before; rows of other pages are missing"
SILENT = "{rows} rows; the vendor declares no total to compare with; its own screen may show one"
HOLE = "{rest} rows came of {rows} declared; {size} are missing; page 2 of {pages} came empty although others followed"
TWO = "; 2 came again on a later page, so pages shifted"


class Lie(NamedTuple):
    """room : whose list.  lie : as the sandbox knows it.  verdict, words : what the certificate says."""

    room: str
    lie: str
    verdict: str
    words: str


LIES = [
    # the total too high by 7
    Lie("validocx", "total_too_high", "FAIL", HIGH),
    Lie("veridox", "total_too_high", "FAIL", HIGH),
    Lie("validis", "total_too_high", "FAIL", HIGH),
    Lie("papershift", "total_too_high", "FAIL", HIGH),
    # the total too low by 7
    Lie("validocx", "total_too_low", "CANNOT_PROVE", LOW),
    Lie("veridox", "total_too_low", "CANNOT_PROVE", LOW),
    Lie("validis", "total_too_low", "CANNOT_PROVE", LOW),
    # Of 12 users 5 are declared: two pages of four are asked for, and the third is not.
    Lie("papershift", "total_too_low", "CANNOT_PROVE", LOW.replace("{rows}", "8")),
    # no total at all
    Lie("validocx", "no_totals", "CANNOT_PROVE", SILENT),
    Lie("docdigitizer", "no_totals", "CANNOT_PROVE", SAID),
    Lie("veridox", "no_totals", "CANNOT_PROVE", SILENT),
    Lie("validis", "no_totals", "CANNOT_PROVE", SAID),
    Lie("papershift", "no_totals", "CANNOT_PROVE", SAID),
    # page 2 is page 1 once more
    Lie("validocx", "repeated_page", "FAIL", TWICE),
    Lie("docdigitizer", "repeated_page", "FAIL", TWICE),
    Lie("veridox", "repeated_page", "FAIL", TWICE),
    Lie("validis", "repeated_page", "FAIL", TWICE),
    Lie("papershift", "repeated_page", "FAIL", TWICE),
    # a row is deleted after page 1: the one that moved up to page 1 is never shown
    Lie("validocx", "deleted_row", "CANNOT_PROVE", FELL),
    Lie("docdigitizer", "deleted_row", "CANNOT_PROVE", SAID.replace("{rows}", "{fewer}")),
    Lie("veridox", "deleted_row", "CANNOT_PROVE", FELL),
    Lie("validis", "deleted_row", "CANNOT_PROVE", FELL),
    Lie("papershift", "deleted_row", "CANNOT_PROVE", FELL),
    # rows are added at the front, one before each page after the first: each pushes one over to the next page
    Lie("validocx", "shifting_pages", "FAIL", "27 rows came of 29 declared; 2 are missing" + TWO),
    Lie("veridox", "shifting_pages", "FAIL", "{short} rows came of {fewer} declared; 2 are missing" + TWO),
    Lie("papershift", "shifting_pages", "FAIL", "9 rows came of 11 declared; 2 are missing" + TWO),
    Lie(
        "validis", "shifting_pages", "FAIL",
        "{short} rows came of {rows} declared; 3 are missing; 3 came again on a later page, so pages shifted",
    ),
    Lie(
        "docdigitizer", "shifting_pages", "CANNOT_PROVE",
        "{short} rows in {pages} pages; 3 came again on a later page, so pages shifted; " + UNPROVEN,
    ),
    # page 2 keeps its rows to itself
    Lie("validocx", "empty_page", "FAIL", HOLE),
    Lie("veridox", "empty_page", "FAIL", HOLE),
    Lie("validis", "empty_page", "FAIL", HOLE),
    Lie("papershift", "empty_page", "FAIL", HOLE),
    Lie(
        "docdigitizer", "empty_page", "CANNOT_PROVE",
        "{rest} rows in {pages} pages; page 2 of {pages} came empty although others followed; " + UNPROVEN,
    ),
    # cursors, and links to a next page
    Lie(
        "docdigitizer", "repeated_cursor:9", "FAIL",
        "page 3 did not come: The server gives a cursor that was used before; the walk would never end.",
    ),
    Lie(
        "papershift", "repeated_cursor:9", "FAIL",
        "page 3 did not come: links.next names a page that was asked for before; the walk would never end.",
    ),
    Lie(
        "docdigitizer", "broken_cursor:9", "FAIL",
        "page 2 did not come: The server says that the cursor it was sent is broken, and begins again.",
    ),
    Lie(
        "docdigitizer", "missing_cursor:9", "FAIL",
        "page 2 did not come: The server promises more rows and names no cursor for them.",
    ),
]  # fmt: skip
SIZES = {"validocx": 10, "docdigitizer": 20, "veridox": 40, "validis": 100, "papershift": 4}


@pytest.fixture
def told(start, monkeypatch):
    """Start a sandbox that tells these lies, to which every room's default client is turned."""

    def turn(*lies, **options):
        box = start(*lies, **{"jobs": 30, "time_scale": 0.01, **options})
        for name, value in box.environment().items():
            if name != "DOCFRAMES_CACHE_DIR":
                monkeypatch.setenv(name, value)
        if "shifting_pages" in lies:
            # Which page is asked for first decides where the rows are pushed over.
            monkeypatch.setenv("DOCFRAMES_WORKERS", "1")
        return box

    return turn


def truth(box, room):
    """How many rows there are, as the sandbox's company has them."""
    return {
        "validocx": lambda: len(box.jobs),
        "docdigitizer": lambda: len(box.state["docdigitizer"].papers),
        "veridox": lambda: len(box.state["veridox"].lab.files),
        "validis": lambda: len(box.state["validis"].books.receivable_items),
        "papershift": lambda: len(box.state["papershift"].personnel.users),
    }[room]()


def truthful(box):
    """From here on the sandbox tells the truth."""
    box.chaos = Chaos((), box.clock.scale)


@pytest.mark.parametrize("lie", LIES, ids=lambda lie: f"{lie.room}-{lie.lie}")
def test_a_lie_is_told_by_its_verdict_and_words(told, lie):
    """FAIL is an error with the rows that came, and goes on to all of them once the sandbox tells the truth."""
    box = told(lie.lie)
    rows, size = truth(box, lie.room), SIZES[lie.room]
    words = lie.words.format(
        rows=rows, high=rows + 7, low=rows - 7, fewer=rows - 1, short=rows - 3, rest=rows - size, size=size,
        pages=-(-rows // size),
    )  # fmt: skip

    if lie.verdict != "FAIL":
        certificate = load_record(LISTS[lie.room]()).certificate
        assert str(certificate) == f"{lie.verdict}: {words}"
        return
    with pytest.raises(IncompleteLoad) as caught:
        LISTS[lie.room]()
    error = caught.value
    assert (error.certificate.verdict, error.certificate.reason) == ("FAIL", words)
    assert words in str(error)
    assert 0 < len(error.frame) <= rows

    truthful(box)
    whole = error.resume()
    assert len(whole) == whole.iloc[:, 0].nunique() == rows
    assert load_record(whole).certificate.verdict == ("CANNOT_PROVE" if lie.room == "docdigitizer" else "PASS")


def test_every_lie_about_lists_stands_in_the_table_for_every_room():
    """A total cannot be wrong where none is declared, a cursor only where there are cursors or links."""
    everywhere = {"no_totals", "repeated_page", "deleted_row", "shifting_pages", "empty_page"}
    told = {(lie.room, lie.lie.partition(":")[0]) for lie in LIES}

    assert {room for room, _ in told} == set(LISTS)
    assert told >= {(room, lie) for room in LISTS for lie in everywhere}
    assert told >= {
        (room, lie) for room in set(LISTS) - {"docdigitizer"} for lie in ("total_too_high", "total_too_low")
    }


@pytest.mark.parametrize("lie", sorted({lie.lie for lie in LIES}))
def test_no_other_loader_believes_a_lie(told, lie):
    """Whatever list of whatever room: where a lie can be told, it is an error or not proven."""
    told(lie)
    rooms = {one.room for one in LIES if one.lie == lie}
    # Three rows are held back at first, and a link comes again from the third page on: these lists are too short.
    short = ("validis.load_engagements", "papershift.load_account_documents")
    told_short = lie in ("shifting_pages", "repeated_cursor:9")
    asked = {
        name: verdict_of(load)
        for name, load in OTHERS.items()
        if name.partition(".")[0] in rooms and not (told_short and name in short)
    }

    assert asked
    assert [name for name, verdict in asked.items() if verdict == "PASS"] == []


def verdict_of(load):
    """What the certificate says, be it an error's or a frame's."""
    try:
        return load_record(load()).certificate.verdict
    except IncompleteLoad as error:
        return error.certificate.verdict


# --- exactly 1,000 ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def capped():
    """A company of 1,200 jobs, at vendors that stop after 1,000 rows and declare no more."""
    with sandbox.running(jobs=1_200, chaos=["capped_at_1000"], time_scale=0.001, environment=False) as box:
        yield box


@pytest.mark.parametrize(
    ("room", "load", "noun"),
    [
        ("validocx", lambda: validocx.load_jobs(), "rows"),
        ("docdigitizer", lambda: docdigitizer.load_documents(), "rows"),
        ("veridox", lambda: veridox.load_files(), "rows"),
        ("validis", lambda: validis.load_journals(4711), "records"),
    ],
    ids=["validocx", "docdigitizer", "veridox", "validis"],
)
def test_a_list_cut_at_a_thousand_is_not_proven(capped, monkeypatch, room, load, noun):
    """There are more, the vendor says that there are none, and all it declares fits together."""
    for name, value in capped.environment().items():
        if name != "DOCFRAMES_CACHE_DIR":
            monkeypatch.setenv(name, value)
    certificate = load_record(load()).certificate
    there = len(capped.state["validis"].books.journals) if room == "validis" else truth(capped, room)

    assert there > 1_000
    assert certificate.declared_last == (None if room == "docdigitizer" else 1_000)
    assert (certificate.unique, certificate.round_count) == (1_000, 1_000)
    assert str(certificate) == (
        f"CANNOT_PROVE: exactly 1,000 {noun} came, which is the most that Supabase, S3, LDAP directories and many "
        "searches answer: there may be more, and a server that stops there declares no more; ask narrower questions "
        f"and add up, or {SCREEN}"
    )


@pytest.mark.parametrize("vendor", LISTS)
@pytest.mark.parametrize(("count", "suspicious"), [(999, True), (1_000, True), (1_001, False), (2_000, True)])
def test_a_count_at_which_servers_stop_is_never_proven(vendor, count, suspicious, monkeypatch):
    """In any room, by the vendor's own way of paging; one more is a count like any other."""
    room = importlib.import_module(f"tests.rooms.{vendor}").ROOM
    with serving(Script(room, samples(room, count))) as url, room.client(url) as client:
        certificate = load_record(room.load(client=client)).certificate

    assert certificate.unique == count
    assert certificate.round_count == (count if suspicious else None)
    assert (f"exactly {count:,} rows came" in certificate.reason) is suspicious
    proven = not suspicious and vendor != "docdigitizer"
    assert certificate.verdict == ("PASS" if proven else "CANNOT_PROVE")


@pytest.mark.parametrize("vendor", LISTS)
def test_a_count_that_was_asked_for_is_no_suspicion(vendor):
    """limit=1000 of 1,200 gives 1,000 rows, as many as were asked for; limit=5000 of 1,000 asks no such thing."""
    room = importlib.import_module(f"tests.rooms.{vendor}").ROOM
    verdicts = []
    for there, limit in ((1_200, 1_000), (1_000, 5_000)):
        with serving(Script(room, samples(room, there))) as url, room.client(url) as client:
            verdicts.append(str(load_record(room.load(client=client, limit=limit)).certificate)[:40])

    assert verdicts[0] == "PASS: 1000 rows, as many as limit= asked"
    assert verdicts[1].startswith("CANNOT_PROVE: exactly 1,000 rows")


# --- special cases ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["repeated", "broken", "missing"])
def test_a_place_that_was_lost_once_is_told(told, fault):
    """The load began anew and all rows came; what the vendor says of its pages is not proof enough after that."""
    box = told(f"{fault}_cursor")
    frame = LISTS["docdigitizer"]()
    certificate = load_record(frame).certificate

    assert len(frame) == truth(box, "docdigitizer")
    assert (certificate.verdict, certificate.repeated_cursors) == ("CANNOT_PROVE", 1)
    assert "the vendor lost the place in the list once, and the load began anew" in certificate.reason


def test_a_place_that_was_lost_once_is_told_where_a_total_proves_all(told):
    """Papershift declares a total: after the new beginning as many users came as there are."""
    told("repeated_cursor")
    certificate = load_record(LISTS["papershift"]()).certificate

    assert certificate.repeated_cursors == 1
    told_so = "the vendor lost the place in the list once, and the load began anew"
    assert str(certificate) == f"PASS: 12 rows, as declared; {told_so}"


def test_a_place_that_is_lost_again_counts_twice(told):
    """The error is a BrokenCursor, which is an IncompleteLoad too."""
    told("broken_cursor:9")
    with pytest.raises(BrokenCursor) as caught:
        LISTS["docdigitizer"]()

    assert caught.value.certificate.repeated_cursors == 2


@pytest.mark.parametrize("room", sorted(set(LISTS) - {"docdigitizer"}))
def test_a_limit_does_not_hide_that_rows_moved(told, room):
    """As many rows as asked for came; whether they are the first ones, a total that falls leaves open."""
    told("deleted_row")
    size = SIZES[room]
    certificate = load_record(LISTS[room](limit=2 * size)).certificate

    assert certificate.verdict == "CANNOT_PROVE"
    assert certificate.reason.startswith(f"{2 * size} rows, as many as limit= asked for; the total fell from ")
    assert "a row among them may have been passed over" in certificate.reason


def test_a_lie_that_was_accepted_is_still_one(told):
    """allow_partial=True gives the rows, and FAIL; the next load asks again."""
    box = told("empty_page")
    frame = LISTS["validocx"](allow_partial=True)
    assert (len(frame), load_record(frame).certificate.verdict) == (20, "FAIL")

    with pytest.raises(IncompleteLoad):
        LISTS["validocx"]()
    truthful(box)
    assert len(LISTS["validocx"](refresh=True)) == 30


def test_an_empty_page_ends_a_list_without_totals_unproven(told):
    """Numbered pages stop at an empty one; without a total nothing says that others follow."""
    told("empty_page", "no_totals")
    frame = LISTS["validocx"]()

    assert len(frame) == 10
    assert str(load_record(frame).certificate) == "CANNOT_PROVE: " + SILENT.format(rows=10)


def test_an_answer_with_the_whole_list_proves_itself(told):
    """One answer is of one moment: where it says that it is the last, no row can have been passed over."""
    box = told()
    frame = docdigitizer.load_documents(page_size=200)

    assert len(frame) == truth(box, "docdigitizer")
    assert str(load_record(frame).certificate) == (
        f"PASS: {len(frame)} rows; the vendor declares no total, but said after the last that it was"
    )
