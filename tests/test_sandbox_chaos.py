"""Each chaos does what its table says, and what follows from its name."""

from __future__ import annotations

import pytest
import requests

import docframes.sandbox as sandbox
from docframes.errors import ConfigError
from docframes.sandbox.chaos import CHAOS


def ask(box, path, **params):
    headers = {"x-api-key": box.key("validocx")}
    return requests.get(box.url("validocx") + path, params=params, headers=headers, timeout=10)


def running(*chaos, **options):
    return sandbox.running(jobs=40, chaos=chaos, environment=False, **options)


def detail(box):
    job = next(job for job in box.jobs if job["status"] == "completed")
    return ask(box, f"/job-full-detail/{job['id']}").json()["data"]


def test_an_unknown_name_is_refused_with_the_list():
    """Every known name stands in the message, and each has a meaning."""
    with pytest.raises(ConfigError) as refused:
        sandbox.start(chaos=["earthquake"])

    assert all(name in str(refused.value) for name in CHAOS)
    assert all(CHAOS.values())


@pytest.mark.parametrize("name", sorted(CHAOS))
def test_each_chaos_lets_the_box_start_and_stop(name):
    """No name breaks the sandbox itself: what comes is never its own failure."""
    with running(name) as box:
        for path in ("/jobs", f"/job-full-detail/{box.jobs[0]['id']}", f"/jobs/{box.jobs[0]['id']}"):
            try:
                answer = ask(box, path)
            except requests.exceptions.ChunkedEncodingError:
                assert name == "drop_mid_body"
            else:
                expected = {"429_retry_after": 429, "429_always": 429, "500_burst": 500, "500_always": 500}
                assert answer.status_code == expected.get(name, 200)


def test_429_comes_once_for_each_url():
    """The first try of each URL gets 429 with Retry-After, the second its answer."""
    with running("429_retry_after") as box:
        first, second, other = ask(box, "/jobs"), ask(box, "/jobs"), ask(box, "/jobs", page=2)

        assert [first.status_code, second.status_code, other.status_code] == [429, 200, 429]
        assert first.headers["Retry-After"] == "1"
        assert set(first.json()) == {"request_id", "error"}
    with running("429_retry_after", time_scale=0.01) as box:
        assert ask(box, "/jobs").headers["Retry-After"] == "0"


def test_500_comes_twice_and_a_number_changes_that():
    """The burst is two tries long; ":4" makes it four."""
    with running("500_burst") as box:
        assert [ask(box, "/jobs").status_code for _ in range(3)] == [500, 500, 200]
    with running("500_burst:4") as box:
        assert [ask(box, "/jobs").status_code for _ in range(5)] == [500] * 4 + [200]


@pytest.mark.parametrize(("name", "status"), [("429_always", 429), ("500_always", 500)])
def test_some_chaos_never_ends(name, status):
    """Every try fails."""
    with running(name) as box:
        assert {ask(box, "/jobs").status_code for _ in range(6)} == {status}


def test_an_answer_is_cut_off_in_its_middle():
    """The connection closes after half the body; the next try is whole."""
    with running("drop_mid_body") as box:
        with pytest.raises(requests.exceptions.ChunkedEncodingError):
            ask(box, "/jobs")

        assert len(ask(box, "/jobs").json()["data"]) == 25


def test_json_is_cut_with_a_length_that_fits():
    """HTTP is in order and the JSON is not; the next try is whole."""
    with running("truncated_json") as box:
        cut = ask(box, "/jobs")
        assert int(cut.headers["Content-Length"]) == len(cut.content)
        with pytest.raises(requests.exceptions.JSONDecodeError):
            cut.json()

        assert len(ask(box, "/jobs").json()["data"]) == 25


def test_a_web_page_comes_instead():
    """200, text/html."""
    with running("html_instead") as box:
        answer = ask(box, "/jobs")

        assert (answer.status_code, answer.headers["Content-Type"].split(";")[0]) == (200, "text/html")


def test_shifting_pages_repeat_rows_and_settle():
    """A row inserted at the front repeats the page's last row on the next page; later walks are sound."""
    with running("shifting_pages") as box:
        walks = [[ask(box, "/jobs", page=page, limit=10).json() for page in range(1, 5)] for _ in range(2)]
        ids = [[row["id"] for body in walk for row in body["data"]] for walk in walks]
        totals = [[body["pagination"]["total"] for body in walk] for walk in walks]

        assert totals == [[37, 38, 39, 40], [40, 40, 40, 40]]
        assert len(ids[0]) == 40
        assert len(set(ids[0])) == 37
        assert set(ids[1]) == {job["id"] for job in box.jobs}


def test_page_two_repeats_page_one():
    """Page 2 answers page 1's rows and calls itself page 2; page 3 is sound."""
    with running("repeated_page") as box:
        one, two, three = (ask(box, "/jobs", page=page, limit=10).json() for page in (1, 2, 3))

        assert one["data"] == two["data"] != three["data"]
        assert two["pagination"]["page"] == 2


def test_the_total_is_too_high():
    """total claims rows that never come."""
    with running("total_too_high") as box:
        told = ask(box, "/jobs", limit=100).json()

        assert (told["pagination"]["total"], len(told["data"])) == (47, 40)


def test_pages_are_shorter_than_asked_and_say_so():
    """pagination.limit is 10 and the pages add up."""
    with running("short_pages") as box:
        pages = [ask(box, "/jobs", page=page, limit=100).json() for page in range(1, 6)]

        assert pages[0]["pagination"] == {"page": 1, "limit": 10, "total": 40, "total_pages": 4}
        assert [len(page["data"]) for page in pages] == [10, 10, 10, 10, 0]


def test_new_keys_are_at_every_level():
    """Lists and every level of a detail have keys nobody documented."""
    with running("new_keys") as box:
        assert ask(box, "/projects").json()["data"][0]["risk_band"] == "B"
        data = detail(box)
        question = data["steps"][0]["questions"][0]
        levels = [data["job"], data["steps"][0], question, data["documents"][0]]
        assert all("import_batch" in level for level in levels)


def test_missing_keys_are_missing_from_every_row():
    """A known key is gone from each list and from a detail's levels."""
    with running("missing_keys") as box:
        assert all("scheduled_at" not in row for row in ask(box, "/jobs").json()["data"])
        assert all("answered_by" not in row for row in ask(box, "/question-responses").json()["data"])
        assert "required" not in detail(box)["steps"][0]["questions"][0]


def test_nested_objects_are_null():
    """A list's pagination and a detail's nested parts are null."""
    with running("null_objects") as box:
        assert ask(box, "/jobs").json()["pagination"] is None
        data = detail(box)
        assert data["project"] is data["documents"] is data["steps"][-1]["questions"] is None


def test_chaos_adds_up():
    """Several kinds act on one call, one after the other."""
    with running("429_retry_after", "500_burst:1", "short_pages") as box:
        tries = [ask(box, "/jobs") for _ in range(3)]

        assert [answer.status_code for answer in tries] == [429, 500, 200]
        assert len(tries[2].json()["data"]) == 10
