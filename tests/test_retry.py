"""What is tried again, and how long is waited: rules first, then the session that keeps them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
import requests
from conftest import Says

from docframes import validocx
from docframes.errors import NoAnswer, RateLimited, ServerError
from docframes.settings import Settings
from docframes.transport import client as transport
from docframes.transport.retry import backoff, retry_after
from docframes.vendors.validocx.api import API

NOW = datetime(2026, 3, 5, 10, 0, 0, tzinfo=UTC)
EMPTY = {"data": [], "pagination": {"page": 1, "limit": 100, "total": 0, "total_pages": 0}}


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("3", 3.0),
        ("0", 0.0),
        ("1.5", 1.5),
        ("Thu, 05 Mar 2026 10:00:30 GMT", 30.0),
        ("Thu, 05 Mar 2026 09:00:00 GMT", 0.0),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("²", None),
    ],
)
def test_retry_after_is_read(text, seconds):
    """Seconds or an HTTP date; a moment that has passed is no wait; anything else says nothing."""
    assert retry_after({"Retry-After": text}, NOW) == seconds


def test_no_header_says_nothing():
    """Without Retry-After the client's own wait counts."""
    assert retry_after({}, NOW) is None


def test_waits_double_and_end_at_half_a_minute():
    """0.5, 1, 2, 4, 8, 16 seconds, then 30."""
    assert [backoff(attempt) for attempt in range(1, 9)] == [0.5, 1, 2, 4, 8, 16, 30, 30]


@pytest.fixture
def waits():
    """The seconds a client was told to wait."""
    return []


@pytest.fixture
def asking(scripted, tmp_path, waits):
    """The client of a scripted server whose waits are written down instead of waited."""

    def make(answers, **options):
        told = iter(answers)
        server = scripted(lambda asked: next(told))
        settings = Settings(cache_dir=tmp_path / "cache", **options)
        made = transport.Client(API, api_key="k" * 20, base_url=server.url, settings=settings, sleep=waits.append)
        made.server = server
        return made

    return make


def test_seconds_are_waited_as_asked(asking, waits):
    """429 with Retry-After: 7 waits 7 seconds, once."""
    client = asking([Says({}, 429, {"Retry-After": "7"}), Says(EMPTY)])
    frame = validocx.load_jobs(client=client)

    assert (len(frame), waits, len(client.server.asked)) == (0, [7.0], 2)


def test_a_date_is_waited_for(asking, waits):
    """429 with an HTTP date waits until then."""
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)
    validocx.load_jobs(client=asking([Says({}, 429, {"Retry-After": date}), Says(EMPTY)]))

    assert len(waits) == 1
    assert 30 < waits[0] <= 60


@pytest.mark.parametrize("told", ["0", "Thu, 05 Mar 2020 10:00:00 GMT"])
def test_no_wait_and_a_past_date_are_no_wait(asking, waits, told):
    """It is tried again at once."""
    validocx.load_jobs(client=asking([Says({}, 429, {"Retry-After": told}), Says(EMPTY)]))

    assert waits == [0.0]


def test_a_burst_of_failures_is_sat_out_with_growing_waits(asking, waits):
    """Four failures of the kinds a gateway gives, then the answer."""
    failing = [Says(b"busy", status) for status in (500, 502, 503, 546)]
    frame = validocx.load_jobs(client=asking([*failing, Says(EMPTY)]))

    assert len(frame) == 0
    assert waits == [0.5, 1.0, 2.0, 4.0]


def test_after_the_last_try_the_failure_stands(asking, waits):
    """Five tries in all; the error carries the vendor's handle."""
    client = asking([Says({"request_id": "r-9", "error": "Internal"}, 500)] * 5)
    with pytest.raises(ServerError) as failed:
        validocx.load_jobs(client=client)

    assert (failed.value.status, failed.value.request_id, len(waits)) == (500, "r-9", 4)
    assert len(client.server.asked) == 5


def test_a_wait_that_nobody_would_sit_through_is_handed_over(asking, waits):
    """Retry-After of an hour: no wait, an error that says how long."""
    client = asking([Says({"error": "slow down"}, 429, {"Retry-After": "3600"})])
    with pytest.raises(RateLimited, match="3600 s") as failed:
        validocx.load_jobs(client=client)

    assert (failed.value.retry_after, waits) == (3600.0, [])


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422])
def test_a_refusal_is_not_tried_again(asking, waits, status):
    """The same request would be refused again."""
    client = asking([Says({"error": "no"}, status)])
    with pytest.raises(Exception, match="no"):
        validocx.load_jobs(client=client)

    assert (len(client.server.asked), waits) == (1, [])


def test_a_connection_that_breaks_in_the_body_is_tried_again(asking, waits):
    """Half a body is no answer."""
    frame = validocx.load_jobs(client=asking([Says(EMPTY, cut=20), Says(EMPTY)]))

    assert (len(frame), waits) == (0, [0.5])


def test_a_connection_that_breaks_every_time_is_no_answer(asking, waits):
    """NoAnswer names the call and the number of tries."""
    client = asking([Says(EMPTY, cut=20)] * 3, tries=3)
    with pytest.raises(NoAnswer, match=r"/jobs .*no answer in 3 tries"):
        validocx.load_jobs(client=client)

    assert waits == [0.5, 1.0]


def test_nobody_listening_is_no_answer(tmp_path, waits):
    """A closed port: NoAnswer, with what the network said and no hint of the key."""
    settings = Settings(cache_dir=tmp_path / "cache", tries=2)
    key = "k" * 20
    client = transport.Client(API, api_key=key, base_url="http://127.0.0.1:9", settings=settings, sleep=waits.append)
    with pytest.raises(NoAnswer, match="ConnectionError") as failed:
        validocx.load_jobs(client=client)

    assert len(waits) == 1
    assert key not in str(failed.value)
    assert isinstance(failed.value, ConnectionError)


def test_silence_is_no_answer(monkeypatch, asking, waits):
    """A server that accepts and says nothing: the time-outs of the settings are passed on, and NoAnswer follows."""
    seen = []

    def send(self, request, **kwargs):
        seen.append(kwargs["timeout"])
        raise requests.ReadTimeout("nothing came")

    monkeypatch.setattr(requests.adapters.HTTPAdapter, "send", send)
    with pytest.raises(NoAnswer, match="nothing came"):
        validocx.load_jobs(client=asking([], tries=2, connect_timeout=3.0, read_timeout=4.0))

    assert seen == [(3.0, 4.0)] * 2
