"""What loads and sets of frames show of themselves, in a notebook and in a terminal."""

from __future__ import annotations

import dataclasses
import re
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from types import SimpleNamespace

import pandas as pd
import pytest

from docframes import validocx, veridox
from docframes.tables import html, loads
from docframes.tables.certificates import Certificate
from docframes.tables.loads import Load, attach, new_load_id
from docframes.vendors.validis.items import ItemsExtract
from docframes.vendors.validis.record import ExtractLoad
from docframes.words import ago

EVIL = "<img src=x onerror=alert(1)><script>alert(2)</script>\"'&"
NOW = datetime(2026, 3, 5, 10, 4, tzinfo=UTC)
REASONS = {"PASS": "2 rows, as declared", "FAIL": "2 rows came of 5 declared", "CANNOT_PROVE": "no total is declared"}


class Reader(HTMLParser):
    """The elements, the attributes and the text of a page, as a browser takes them."""

    def __init__(self, page):
        super().__init__()
        self.elements, self.attributes, self.texts = [], [], []
        self.feed(page)

    def handle_starttag(self, name, attributes):
        self.elements.append(name)
        self.attributes += attributes

    def handle_data(self, text):
        self.texts.append(text)


def a_load(kind=Load, **changes):
    load = kind(
        load_id=new_load_id("invented", "things"),
        vendor="invented",
        loader="load_things",
        table="things",
        arguments={"limit": 3, "label": None},
        calls=8,
        from_cache=12,
        fetched_from=NOW - timedelta(minutes=3, seconds=40),
        fetched_to=NOW,
        rows=1_234,
        seconds=0.1,
        certificate=Certificate("PASS", "1234 rows, as declared", 1234, 1234, 1240, 1234, 6),
    )
    return dataclasses.replace(load, **changes)


@pytest.fixture
def at_four(monkeypatch):
    """It is 10:04."""
    monkeypatch.setattr(loads, "datetime", SimpleNamespace(now=lambda zone: NOW))


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (-5.0, "just now"),
        (0.4, "just now"),
        (1.0, "1 second ago"),
        (59.9, "59 seconds ago"),
        (60.0, "1 minute ago"),
        (3_599.0, "59 minutes ago"),
        (7_200.0, "2 hours ago"),
        (172_799.0, "47 hours ago"),
        (172_800.0, "2 days ago"),
        (86_400.0 * 1_000, "1,000 days ago"),
    ],
)
def test_an_age_is_told_in_whole_units(seconds, told):
    """Rounded down, and never in a unit that hides as much as it tells."""
    assert ago(seconds) == told


def test_a_load_says_how_old_it_is_and_what_the_cache_gave(at_four):
    """One short line: rows, age, calls and cache, verdict."""
    told = "Load invented.things, 1,234 rows, fetched 3 minutes ago, 12 of 20 answers from the cache, complete"

    assert repr(a_load()) == told
    assert repr(a_load(ExtractLoad, upload_id="4f")) == told
    assert "fetched" not in repr(a_load(fetched_from=None, fetched_to=None))


def test_a_load_shows_the_same_in_a_notebook(at_four):
    """And below it how it was called, and when; arguments that nobody gave are left out."""
    page = Reader(a_load()._repr_html_())

    assert "".join(page.texts[:2]) == (
        "Load invented.things, 1,234 rows, fetched 3 minutes ago, 12 of 20 answers from the cache"
    )
    assert page.texts[5:8:2] == ["load_things(limit=3)", "2026-03-05 10:00:20 to 2026-03-05 10:04:00 UTC"]
    assert not [text for text in page.texts if "label" in text]


def test_a_load_shows_what_was_odd(at_four):
    """Keys that nobody declared, values that could not be read, what may not be seen; nothing where there is none."""
    odd = {
        "unknown_keys": {"colour": 3}, "missing_keys": {"status": 1}, "unreadable": {"paid_on": 2},
        "renamed_keys": {"createdAt": "created_at"}, "refused": {"user-7": "403"},
    }  # fmt: skip
    shown = Reader(a_load(**odd)._repr_html_()).texts

    assert [name for name in ("colour", "status", "paid_on", "createdAt", "user-7") if name not in shown] == []
    assert len(shown) == len(Reader(a_load()._repr_html_()).texts) + 2 * len(odd)


@pytest.mark.parametrize(
    ("verdict", "word"), [("PASS", "complete"), ("FAIL", "incomplete"), ("CANNOT_PROVE", "not proven")]
)
def test_a_verdict_is_a_word_and_a_colour(verdict, word):
    """Whoever sees no colours reads the word; the reason stands beside it."""
    certificate = Certificate(verdict, REASONS[verdict], None, 5, 2, 2)
    page = Reader(certificate._repr_html_())

    assert "".join(page.texts[:2]) == f"{word} {REASONS[verdict]}"
    assert page.texts[2:] == ["declared by the last page", "5", "rows received", "2", "rows with different keys", "2"]
    assert repr(certificate) == f"Certificate {verdict}: {REASONS[verdict]}"


def test_the_words_can_be_read_on_their_colours():
    """Contrast of 4.5 to 1 or more by the formula of WCAG 2, and colours of ground and letters both set."""
    for verdict in REASONS:
        ground, letters = re.search(r"background:(#\w+);color:(#\w+)", Certificate(verdict, "")._repr_html_()).groups()

        assert contrast(ground, letters) >= 4.5


def contrast(one, other):
    """Relative luminances compared as WCAG 2.2 says."""

    def luminance(colour):
        digits = colour[1:] if len(colour) == 7 else "".join(digit * 2 for digit in colour[1:])
        parts = [int(digits[place : place + 2], 16) / 255 for place in (0, 2, 4)]
        red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    low, high = sorted([luminance(one), luminance(other)])
    return (high + 0.05) / (low + 0.05)


def test_job_details_show_their_frames(client):
    """Rows and columns of each of the six, and that all came."""
    details = validocx.load_job_details(validocx.load_jobs(client=client), client=client, progress=False)
    texts = Reader(details._repr_html_()).texts
    names = ["jobs", "steps", "questions", "answers", "images", "documents"]

    assert texts[:4] == ["JobDetails", "frame", "rows", "columns"]
    rows = [texts[start : start + 4] for start in range(4, len(texts), 4)]
    assert [row[0] for row in rows] == names
    assert rows[0][1:] == ["30", str(len(details.jobs.columns)), "complete"]
    assert [row[1] for row in rows] == [f"{len(getattr(details, name)):,}" for name in names]


EMPTY = pd.DataFrame()


@pytest.mark.parametrize(
    ("made", "names"),
    [
        (veridox.CaseDetails(EMPTY, EMPTY), ["cases", "files"]),
        (
            veridox.Analyses(*[EMPTY] * 9),
            [
                "files", "findings", "module_findings", "observations", "risk_assessments", "suggested_actions",
                "search_results", "modules", "skipped",
            ],
        ),
        (
            ItemsExtract("receivable", "Invented Ltd", *[EMPTY] * 6, others={"Notes": EMPTY}),
            ["items", "allocations", "parties", "company", "problems", "others['Notes']"],
        ),
    ],
    ids=["CaseDetails", "Analyses", "ItemsExtract"],
)  # fmt: skip
def test_sets_of_frames_show_what_they_hold(made, names):
    """Their own name and a row for each frame; no verdict where none is known."""
    texts = Reader(made._repr_html_()).texts

    assert texts[0].startswith(type(made).__name__)
    assert [text for text in texts if text in names] == names
    assert "complete" not in texts


def test_frames_of_one_set_have_verdicts_of_their_own():
    """A frame whose load is known says how complete it is, and the others nothing."""
    known = attach(pd.DataFrame({"a": [1]}), a_load(certificate=Certificate("FAIL", "1 row came of 2 declared")))
    page = Reader(loads.shown("Two", {"known": known, "made": EMPTY}, ["so"]))

    assert page.texts == ["Two", ", so", "frame", "rows", "columns", "known", "1", "1", "incomplete", "made", "0", "0"]


def evil_pages():
    """Pages of everything that shows itself, made of texts that would run if they became HTML."""
    frame = attach(pd.DataFrame({EVIL: [EVIL]}), a_load(certificate=Certificate("FAIL", EVIL)))
    load = a_load(
        vendor=EVIL, table=EVIL, loader=EVIL, arguments={EVIL: EVIL}, certificate=Certificate("CANNOT_PROVE", EVIL),
        unknown_keys={EVIL: 1}, missing_keys={EVIL: 1}, unreadable={EVIL: 1}, renamed_keys={EVIL: EVIL},
        refused={EVIL: EVIL},
    )  # fmt: skip
    items = ItemsExtract(EVIL, EVIL, *[frame] * 6, others={EVIL: frame}, origin={EVIL: EVIL})
    return {
        "load": load._repr_html_(),
        "certificate": load.certificate._repr_html_(),
        "items": items._repr_html_(),
        "frames": loads.shown(EVIL, {EVIL: frame}, [EVIL]),
        "table": html.table([EVIL], [[EVIL, 1]]),
        "badge": html.badge(EVIL, "good"),
    }


@pytest.mark.parametrize("name", evil_pages())
def test_no_text_becomes_html(name):
    """Markup in arguments, names, reasons and keys is shown as text: no element and no attribute comes of it."""
    page = Reader(evil_pages()[name])

    assert set(page.elements) <= {"p", "b", "span", "table", "tr", "th", "td"}
    assert {attribute for attribute, _ in page.attributes} <= {"style"}
    assert "<img src=x onerror=alert(1)>" in "".join(page.texts)
