"""A ValiDocX whose assumed parts differ: it is loaded unchanged, or the error names the one-line mend."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest

from docframes import load_record, validocx
from docframes.errors import NotFound, SchemaDriftWarning, ShapeError
from docframes.sandbox.server import Server
from tests.realities.validocx import COUNT, KEY, Reality, serve

CREATED = pd.Timestamp("2026-01-12T08:41:10Z")

#: Realities that are loaded as they are, and what their certificate can say.
UNCHANGED = {
    "as assumed": (Reality(), "PASS"),
    "a bare array": (Reality(lists="bare"), "CANNOT_PROVE"),
    "rows under another key": (Reality(lists="items"), "PASS"),
    "totals absent": (Reality(totals="absent"), "CANNOT_PROVE"),
    "totals as text": (Reality(totals="text"), "PASS"),
    "camel case": (Reality(keys="camel"), "PASS"),
    "integer ids": (Reality(ids="number"), "PASS"),
    "moments with Z": (Reality(moments="z"), "PASS"),
    "moments without a zone": (Reality(moments="naive"), "PASS"),
    "moments in seconds": (Reality(moments="seconds"), "PASS"),
    "moments in milliseconds": (Reality(moments="milliseconds"), "PASS"),
    "a page size of its own": (Reality(most=1), "PASS"),
    "a detail under another spelling": (Reality(detail="Data"), "PASS"),
    "an answer by its other name": (Reality(answer="answer"), "PASS"),
    "all at once": (
        Reality(lists="bare", keys="camel", ids="number", moments="milliseconds"),
        "CANNOT_PROVE",
    ),
}


@pytest.fixture
def client_of(settings):
    """Start a reality: ``client_of(Reality(...), assumptions=...)`` gives a client of it."""
    with contextlib.ExitStack() as stack:

        def start(reality, **options):
            server = Server(serve(reality), 0, "second validocx")
            stack.callback(server.stop)
            client = validocx.Client(api_key=KEY, base_url=server.url, settings=settings, **options)
            return stack.enter_context(client)

        yield start


@pytest.mark.filterwarnings("ignore::docframes.errors.SchemaDriftWarning")
@pytest.mark.parametrize("name", UNCHANGED)
def test_a_reality_is_loaded_unchanged(client_of, name):
    """Every job with its dates, and every answer with its number, whatever the spelling."""
    reality, verdict = UNCHANGED[name]
    client = client_of(reality)
    jobs = validocx.load_jobs(page_size=2, client=client)
    answers = validocx.load_job_details(jobs, client=client).answers

    assert jobs["job_id"].tolist() == [str(reality.id(number)) for number in range(1, COUNT + 1)]
    assert jobs["created_at"].tolist() == [CREATED] * COUNT
    assert load_record(jobs).certificate.verdict == verdict
    assert answers["job_id"].tolist() == jobs["job_id"].tolist()
    assert answers["value_number"].tolist() == [14.5] * COUNT


def test_optional_keys_may_be_missing(client_of):
    """Columns whose keys no record has are there, empty, and named once."""
    client = client_of(Reality(optional="missing"))
    with pytest.warns(SchemaDriftWarning, match="reference"):
        jobs = validocx.load_jobs(client=client)

    assert jobs["reference"].isna().all()
    assert len(jobs) == COUNT


def test_two_lists_are_not_chosen_between(client_of):
    """Where rows may stand in either of two places, the error says what came and the line that mends it."""
    client = client_of(Reality(lists="two"))

    with pytest.raises(ShapeError, match=r"first.*second") as caught:
        validocx.load_jobs(client=client)

    assert 'assumptions={"list_items": "..."}' in str(caught.value)


def test_one_line_says_which_of_two_lists(client_of):
    """The line that the error names mends it."""
    client = client_of(Reality(lists="two"), assumptions={"list_items": "first"})

    with pytest.warns(SchemaDriftWarning, match="job_template_name"):
        assert len(validocx.load_jobs(client=client)) == COUNT


def test_a_detail_without_an_envelope_is_one_line(client_of):
    """A bare object could be anything, so it is refused, with the line that accepts it."""
    reality = Reality(detail="")
    with pytest.raises(ShapeError, match="detail_object"):
        validocx.load_job_details([reality.id(1)], client=client_of(reality))

    mended = client_of(reality, assumptions={"detail_object": ""})
    with pytest.warns(SchemaDriftWarning):
        assert validocx.load_job_details([reality.id(1)], client=mended).answers["value_number"].tolist() == [14.5]


def test_another_path_is_one_line(client_of):
    """A path that is not there is NotFound; with the right one the rows come."""
    reality = Reality(jobs_path="/measures")
    with pytest.raises(NotFound):
        validocx.load_jobs(client=client_of(reality))

    mended = client_of(reality, assumptions={"path_jobs": "/measures"})
    with pytest.warns(SchemaDriftWarning):
        assert len(validocx.load_jobs(client=mended)) == COUNT


def test_a_link_under_another_key_names_the_assumption(client_of):
    """No link is guessed; the error names the keys that came and the mend."""
    with pytest.raises(ShapeError, match="sign_url"):
        validocx.sign_file("documents", "1", client=client_of(Reality(link="location")))

    mended = client_of(Reality(link="location"), assumptions={"sign_url": "location"})
    assert not validocx.sign_file("documents", "1", client=mended).expired()


@pytest.mark.parametrize(("expiry", "seconds"), [("expires_in", 600), ("neither", 300)])
def test_the_end_of_a_link_is_worked_out(client_of, expiry, seconds):
    """From the seconds told, even as text, else from the documented default; a little early, never late."""
    before = datetime.now(UTC)
    link = validocx.sign_file("documents", "1", client=client_of(Reality(expiry=expiry)))

    assert before + timedelta(seconds=seconds - 15) < link.expires_at < before + timedelta(seconds=seconds)
