"""One account at one vendor: calls, errors, redirects, offline, assumptions."""

from __future__ import annotations

import dataclasses

import pytest
from conftest import INVENTED_KEY, Says

import docframes
from docframes import cache, load_record, validocx
from docframes.errors import BadRequest, ConfigError, NotFound, OfflineMiss, ShapeError, VendorError
from docframes.settings import Settings
from docframes.transport.answers import Call
from docframes.vendors.validocx.api import API

EMPTY = {"data": [], "pagination": {"page": 1, "limit": 100, "total": 0, "total_pages": 0}}
ONE = {"data": [{"id": "j1"}], "pagination": {"page": 1, "limit": 100, "total": 1, "total_pages": 1}}


def test_an_unknown_job_is_not_found(client):
    """404: a LookupError with status, request id and address."""
    with pytest.raises(NotFound) as missing:
        validocx.load_job_details(["no-such-job"], client=client)

    error = missing.value
    assert (error.status, error.vendor) == (404, "validocx")
    assert error.request_id is not None
    assert error.request_id in str(error)
    assert "Job not found" in str(error)
    assert isinstance(error, LookupError)


def test_a_refused_argument_is_a_bad_request(client):
    """400, with the vendor's own words."""
    with pytest.raises(BadRequest, match="expires_in must be an integer") as refused:
        client.call(Call(client.api.endpoint("sign"), {"kind": "images", "file_id": "x"}, {"expires_in": "long"}))

    assert refused.value.status == 400


def test_a_web_page_is_no_answer(start, account):
    """ShapeError: what was wanted, what came, and its first 200 characters."""
    with pytest.raises(ShapeError, match="wanted JSON, got text/html") as wrong:
        validocx.load_jobs(client=account(start("html_instead", jobs=5)))

    page = "<!doctype html><html><head><title>Sign in</title></head><body>Please sign in.</body></html>"
    assert wrong.value.excerpt == page
    assert "base_url" in str(wrong.value)
    assert isinstance(wrong.value, ValueError)


def test_no_more_than_200_characters_are_shown(scripted_client):
    """A long page is cut."""
    client = scripted_client(lambda asked: Says(b"<p>" + b"x" * 5000, headers={"Content-Type": "text/html"}))
    with pytest.raises(ShapeError) as wrong:
        validocx.load_jobs(client=client)

    assert wrong.value.excerpt == "<p>" + "x" * 197
    assert "x" * 198 not in str(wrong.value)


@pytest.mark.parametrize("chaos", ["html_instead:1", "truncated_json"])
def test_an_answer_that_is_none_is_not_kept(start, account, chaos):
    """The first try is spoilt, with status 200; the second load gets the real answer, not the spoilt one again."""
    client = account(start(chaos, jobs=5))
    with pytest.raises(ShapeError):
        validocx.load_jobs(client=client)

    assert len(validocx.load_jobs(client=client)) == 5


@pytest.mark.parametrize("chaos", ["html_instead:1", "truncated_json"])
def test_a_detail_that_is_none_is_not_kept_either(start, account, chaos):
    """A job's detail is kept for long, so a spoilt one must not be."""
    box = start(chaos, jobs=5)
    client = account(box)
    ids = [job["id"] for job in box.jobs]
    with pytest.raises(ShapeError):
        validocx.load_job_details(ids, client=client)

    assert len(validocx.load_job_details(ids, client=client).jobs) == 5


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        (b"<html>Bad gateway</html>", 502, "Bad gateway"),
        ({"request_id": "r-1", "error": "Internal"}, 500, "r-1"),
        ({"unexpected": [1]}, 418, "418"),
        (b"", 503, "503"),
    ],
)
def test_an_error_body_of_any_form_is_told(scripted_client, body, status, words):
    """JSON or not, the status is kept and the words are shown."""
    with pytest.raises(VendorError, match=words) as failed:
        validocx.load_jobs(client=scripted_client(lambda asked: Says(body, status)))

    assert failed.value.status == status


def test_errors_carry_no_query(scripted_client):
    """Neither in their address nor in their text."""
    client = scripted_client(lambda asked: Says({"error": "no"}, 400))
    with pytest.raises(BadRequest) as refused:
        validocx.load_jobs(project_id="p-1", client=client)

    assert refused.value.url == f"{client.server.url}/jobs"
    assert "project_id=" not in str(refused.value)


def test_ids_stay_inside_their_place_in_the_path(scripted_client):
    """Slashes, question marks and spaces of an id are escaped."""
    client = scripted_client(lambda asked: Says({"data": {"job": {"id": "a/b?c d"}, "steps": [], "documents": []}}))
    with pytest.warns(docframes.errors.SchemaDriftWarning):
        validocx.load_job_details(["a/b?c d"], client=client)

    assert client.server.asked[0].path == "/job-full-detail/a/b?c d"
    assert client.server.asked[0].query == {}


# --- assumptions --------------------------------------------------------------------------------------------------


def test_every_assumption_can_be_seen(client):
    """By name, with the value in force."""
    assert client.assumptions["list_items"] == "data"
    assert set(client.assumptions) == set(API.assumptions)


def test_a_misspelt_assumption_is_refused_with_the_near_one():
    """The list of all stands in the message too."""
    with pytest.raises(ConfigError, match="Did you mean 'list_items'") as refused:
        validocx.Client(api_key=INVENTED_KEY, assumptions={"list_item": "rows"})

    assert all(name in str(refused.value) for name in API.assumptions)


@pytest.mark.parametrize("name", sorted(API.assumptions))
def test_every_assumption_says_what_it_is_and_where_it_stands(name):
    """A meaning and the section of the contract."""
    assumption = API.assumptions[name]

    assert assumption.meaning
    assert assumption.where.startswith("section")


def test_rows_under_another_key(scripted_client):
    """list_items names it."""
    answer = {"result": {"rows": [{"id": "j1"}]}, "other": [1], "another": [2]}
    client = scripted_client(lambda asked: Says(answer), assumptions={"list_items": "result.rows"})
    with pytest.warns(docframes.errors.SchemaDriftWarning):
        frame = validocx.load_jobs(client=client)

    assert frame["job_id"].tolist() == ["j1"]


def test_rows_in_an_unknown_place_name_the_assumption(scripted_client):
    """The error shows the keys that came and the argument that mends it."""
    answer = {"rows": [], "more": [], "code": 7}
    with pytest.raises(ShapeError, match="list_items") as wrong:
        validocx.load_jobs(client=scripted_client(lambda asked: Says(answer)))

    assert "['code', 'more', 'rows']" in str(wrong.value)


def test_another_path_and_another_page_size_key(scripted_client):
    """Paths and keys of the envelope are assumptions, too."""
    told = {"items": [{"id": "j1"}], "meta": {"count": 1, "size": 100}}
    client = scripted_client(
        lambda asked: Says(told),
        assumptions={"path_jobs": "/v2/measures", "list_items": "items", "total": "meta.count"},
    )
    with pytest.warns(docframes.errors.SchemaDriftWarning):
        frame = validocx.load_jobs(client=client)

    assert client.server.asked[0].path == "/v2/measures"
    assert load_record(frame).certificate.verdict == "PASS"


def test_a_column_from_another_key(scripted_client):
    """columns names table, column and key; the column keeps its place and dtype."""
    answer = {**ONE, "data": [{"id": "j1", "state": "done"}]}
    client = scripted_client(lambda asked: Says(answer), assumptions={"columns": {"jobs": {"status": "state"}}})
    with pytest.warns(docframes.errors.SchemaDriftWarning) as told:
        frame = validocx.load_jobs(client=client)

    assert frame["status"].tolist() == ["done"]
    assert "state" not in frame.columns
    assert "jobs: state" not in str(told[0].message)


@pytest.mark.parametrize("wrong", [{"jobs": {"statsu": "state"}}, {"jbos": {"status": "state"}}])
def test_a_column_or_table_that_is_not_there_cannot_be_corrected(wrong):
    """A misspelt one is refused when the client is made; the message lists those that are there."""
    with pytest.raises(ConfigError, match=r"statsu.*status|jbos.*jobs"):
        validocx.Client(api_key=INVENTED_KEY, assumptions={"columns": wrong})


def test_a_correction_of_a_list_leaves_the_details_loadable(account, box):
    """The list of answers may spell a column otherwise than the detail, which takes it from the level above."""
    client = account(box, assumptions={"columns": {"answers": {"question_text": "prompt"}}})
    details = validocx.load_job_details([box.jobs[0]["id"]], client=client)

    assert details.answers["question_text"].notna().all()


def test_a_changed_api_is_taken_as_it_is(scripted, settings):
    """For what no assumption covers: another header for the key."""
    server = scripted(lambda asked: Says(EMPTY))
    auth = dataclasses.replace(API.auth, header="X-Other-Key")
    changed = dataclasses.replace(API, auth=auth)
    validocx.load_jobs(
        client=validocx.Client(api_key=INVENTED_KEY, base_url=server.url, api=changed, settings=settings)
    )

    assert server.asked[0].headers["x-other-key"] == INVENTED_KEY
    assert "x-api-key" not in server.asked[0].headers


# --- offline ------------------------------------------------------------------------------------------------------


def test_offline_is_answered_from_the_cache(client, monkeypatch, request):
    """However old, and without a socket."""
    online = validocx.load_jobs(client=client)
    client.close()
    request.getfixturevalue("no_sockets")
    with docframes.offline():
        frame = validocx.load_jobs(client=client)

    assert frame.equals(online)
    assert load_record(frame).calls == 0


def test_offline_answers_another_loads_pages_from_kept_answers(client, request):
    """Not only whole kept frames: single answers too."""
    jobs = validocx.load_jobs(client=client)
    validocx.load_job_details(jobs, client=client)
    request.getfixturevalue("no_sockets")
    with cache.offline():
        details = validocx.load_job_details(jobs.head(3), client=client)

    assert len(details.jobs) == 3


def test_an_offline_miss_names_the_call(client, no_sockets):
    """Method, address and parameters; nothing is sent."""
    with docframes.offline(), pytest.raises(OfflineMiss) as miss:
        validocx.load_jobs(project_id="p-77", client=client)

    assert "GET" in str(miss.value)
    assert "/jobs" in str(miss.value)
    assert "project_id=p-77" in str(miss.value)
    assert isinstance(miss.value, ConnectionError)


def test_offline_may_be_a_setting(box, account, tmp_path, no_sockets):
    """For a whole client, not only for a block."""
    client = account(box, settings=Settings(cache_dir=tmp_path / "cache", offline=True))

    with pytest.raises(OfflineMiss):
        validocx.load_jobs(client=client)


def test_offline_without_a_cache_is_a_miss(box, account, no_sockets):
    """Nothing is kept, so nothing can be answered."""
    with docframes.offline(), pytest.raises(OfflineMiss):
        validocx.load_jobs(client=account(box, cached=False))


def test_offline_ends_with_its_block(client):
    """Also after an error in it."""
    with pytest.raises(OfflineMiss), docframes.offline():
        validocx.load_jobs(client=client)

    assert len(validocx.load_jobs(client=client)) == 30


# --- many calls ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("workers", [1, 8])
def test_outcomes_come_in_the_order_of_the_calls(box, account, tmp_path, workers):
    """Answers and failures alike, however many are under way."""
    client = account(box, settings=Settings(cache_dir=tmp_path / "cache", workers=workers, time_scale=0))
    endpoint = client.api.endpoint("job_detail_now")
    ids = [job["id"] for job in box.jobs[:6]]
    ids.insert(3, "no-such-job")
    outcomes = list(client.outcomes([Call(endpoint, {"job_id": job_id}) for job_id in ids]))

    assert [type(outcome).__name__ for outcome in outcomes] == ["Answer"] * 3 + ["NotFound"] + ["Answer"] * 3
    assert [outcome.json()["data"]["job"]["id"] for outcome in outcomes if not isinstance(outcome, NotFound)] == [
        job_id for job_id in ids if job_id != "no-such-job"
    ]


def test_a_listener_that_leaves_gives_up_the_rest(box, account):
    """Calls that have not begun are not made."""
    client = account(box)
    box.clear_calls()
    endpoint = client.api.endpoint("job_detail_now")
    outcomes = client.outcomes([Call(endpoint, {"job_id": job["id"]}) for job in box.jobs])
    next(outcomes)
    outcomes.close()

    assert box.count() < len(box.jobs)


def test_a_closed_client_opens_again(client):
    """close() frees the connections and the file; the next call takes them anew."""
    validocx.load_jobs(client=client)
    client.close()

    assert len(validocx.load_projects(client=client)) > 0
