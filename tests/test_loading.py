"""Whole loads: lists and details, complete or said not to be, and how they go on."""

from __future__ import annotations

import threading
import traceback

import pandas as pd
import pytest
from conftest import Says

from docframes import load_record, validocx
from docframes.errors import (
    AuthError,
    ColumnError,
    ConfigError,
    IncompleteLoad,
    NotFound,
    RateLimited,
    SchemaDriftWarning,
    ServerError,
    ShapeError,
)
from docframes.sandbox.chaos import Chaos
from docframes.settings import Settings


def heal(box, *chaos):
    """From here on the sandbox behaves, or misbehaves otherwise."""
    box.chaos = Chaos(chaos, 1.0)


def ids_of(box):
    return {job["id"] for job in box.jobs}


def one_by_one(tmp_path):
    return Settings(cache_dir=tmp_path / "cache", workers=1, time_scale=0)


# --- lists --------------------------------------------------------------------------------------------------------


def test_a_list_comes_whole(box, client):
    """Every row once, with a certificate and a record of what it cost."""
    frame = validocx.load_jobs(client=client, page_size=7)
    record = load_record(frame)

    assert set(frame["job_id"]) == ids_of(box)
    assert len(frame) == 30
    assert str(record.certificate) == "PASS: 30 rows, as declared"
    assert (record.vendor, record.loader, record.table, record.rows) == ("validocx", "load_jobs", "jobs", 30)
    # 30 rows in pages of 7 are 5 pages.
    assert (record.calls, record.from_cache) == (5, 0)
    assert box.count(path_prefix="/jobs") == 5


def test_rows_keep_the_vendors_order(box, client):
    """Pages arrive in parallel and are put together in order: by created_at, ascending."""
    frame = validocx.load_jobs(client=client, page_size=4)

    assert frame["created_at"].is_monotonic_increasing


def test_a_page_is_as_large_as_allowed_unless_asked(box, client):
    """100 by default."""
    validocx.load_jobs(client=client)

    assert [call.query["limit"] for call in box.calls] == ["100"]


@pytest.mark.parametrize(("limit", "page_size", "rows", "calls"), [(5, None, 5, 1), (10, 4, 10, 3), (99, 10, 30, 3)])
def test_limit_is_a_number_of_rows_in_total(box, client, limit, page_size, rows, calls):
    """No page beyond it is asked for."""
    frame = validocx.load_jobs(client=client, limit=limit, page_size=page_size)

    assert len(frame) == load_record(frame).rows == rows
    assert box.count() == calls
    assert load_record(frame).certificate.verdict == "PASS"


@pytest.mark.parametrize("name", ["limit", "page_size"])
@pytest.mark.parametrize("value", [0, -1, 1.5, "10", True])
def test_a_limit_is_a_whole_number_from_one(client, name, value):
    """Anything else is refused, with its name."""
    with pytest.raises(ConfigError, match=name):
        validocx.load_jobs(client=client, **{name: value})


def test_an_unknown_argument_is_refused(client):
    """A misspelt filter must not load everything."""
    with pytest.raises(TypeError, match="projct_id"):
        validocx.load_jobs(client=client, projct_id="p")


@pytest.mark.parametrize("chaos", ["429_retry_after", "500_burst", "drop_mid_body", "drop_mid_body:3"])
def test_trouble_that_passes_is_not_seen(start, account, chaos):
    """The frame is whole, each call was tried again."""
    box = start(chaos)
    frame = validocx.load_jobs(client=account(box), page_size=10)

    assert set(frame["job_id"]) == ids_of(box)
    assert load_record(frame).certificate.verdict == "PASS"
    assert box.count() > 3


def test_short_pages_are_followed_to_the_end(start, account):
    """100 are asked for and 10 come: the size in force counts."""
    box = start("short_pages")
    frame = validocx.load_jobs(client=account(box))

    assert (len(frame), box.count()) == (30, 3)
    assert load_record(frame).certificate.verdict == "PASS"


def test_a_total_that_is_too_high_is_an_incomplete_load(start, account):
    """The error has the rows that came; later, past the cache, the load goes through."""
    box = start("total_too_high")
    with pytest.raises(IncompleteLoad, match="7 are missing") as short:
        validocx.load_jobs(client=account(box))

    error = short.value
    assert set(error.frame["job_id"]) == ids_of(box)
    assert (error.certificate.verdict, error.certificate.declared_last) == ("FAIL", 37)
    assert load_record(error.frame).certificate is error.certificate

    heal(box)
    assert load_record(error.resume()).certificate.verdict == "PASS"


def test_a_resume_may_fail_again(start, account):
    """And can be resumed again."""
    box = start("total_too_high")
    with pytest.raises(IncompleteLoad) as first:
        validocx.load_jobs(client=account(box))
    with pytest.raises(IncompleteLoad) as second:
        first.value.resume()
    heal(box)

    assert len(second.value.resume()) == 30


def test_a_part_may_be_accepted(start, account):
    """allow_partial gives what came, and the certificate still says FAIL."""
    frame = validocx.load_jobs(client=account(start("total_too_high")), allow_partial=True)

    assert len(frame) == 30
    assert load_record(frame).certificate.verdict == "FAIL"


def test_an_incomplete_load_is_not_kept(start, account):
    """The next load asks again for what did not come, and takes nothing for whole."""
    box = start("repeated_page")
    client = account(box)
    validocx.load_jobs(client=client, page_size=10, allow_partial=True)
    with pytest.raises(IncompleteLoad):
        validocx.load_jobs(client=client, page_size=10)


def test_a_repeated_page_is_noticed(start, account):
    """Page 2 is page 1 once more: ten rows are missing, and the certificate knows why."""
    box = start("repeated_page")
    with pytest.raises(IncompleteLoad, match="repeated") as short:
        validocx.load_jobs(client=account(box), page_size=10)

    assert len(short.value.frame) == 20
    assert (short.value.certificate.repeated_pages, short.value.certificate.overlaps) == (1, 10)


def test_rows_that_came_twice_are_dropped_by_key(start, account, tmp_path):
    """Pages shift while they are read: 40 rows come, 37 are different, and what is missing is fetched anew."""
    box = start("shifting_pages", jobs=40)
    client = account(box, settings=one_by_one(tmp_path))
    with pytest.raises(IncompleteLoad, match="37 rows came of 40") as short:
        validocx.load_jobs(client=client, page_size=10)

    error = short.value
    assert error.frame["job_id"].is_unique
    assert (error.certificate.received, error.certificate.unique, error.certificate.overlaps) == (40, 37, 3)
    whole = error.resume()
    assert set(whole["job_id"]) == ids_of(box)
    assert load_record(whole).certificate.verdict == "PASS"


def test_the_latest_copy_of_a_row_stays(scripted_client):
    """It came again on page 2 with another status."""
    pages = {"1": [{"id": "a", "status": "old"}, {"id": "b", "status": "x"}], "2": [{"id": "a", "status": "new"}]}
    client = scripted_client(
        lambda asked: Says(
            {"data": pages[asked.query["page"]], "pagination": {"total": 2, "total_pages": 2, "limit": 1}}
        )
    )
    with pytest.warns(SchemaDriftWarning):
        frame = validocx.load_jobs(client=client, page_size=1)

    assert frame.set_index("job_id")["status"].to_dict() == {"b": "x", "a": "new"}
    assert load_record(frame).certificate.overlaps == 1


def test_a_later_page_that_fails_leaves_the_earlier_rows(scripted_client):
    """The error names the page, carries the rows, and goes on from there with one call a page that is missing."""
    broken = {"3"}

    def answer(asked):
        number = asked.query["page"]
        if number in broken:
            return Says({"error": "Internal", "request_id": "r-3"}, 500)
        told = {"total": 4, "total_pages": 4, "limit": 1}
        return Says({"data": [{"id": f"j{number}"}], "pagination": told})

    client = scripted_client(answer)
    with pytest.raises(IncompleteLoad, match="page 3 did not come") as short, pytest.warns(SchemaDriftWarning):
        validocx.load_jobs(client=client, page_size=1)

    assert short.value.frame["job_id"].tolist() == ["j1", "j2"]
    assert isinstance(short.value.__cause__, ServerError)

    broken.clear()
    client.server.asked.clear()
    with pytest.warns(SchemaDriftWarning):
        whole = short.value.resume()

    assert whole["job_id"].tolist() == ["j1", "j2", "j3", "j4"]
    assert {"1", "2"}.isdisjoint({asked.query["page"] for asked in client.server.asked})


def test_an_outage_is_an_error_and_no_empty_frame(start, account):
    """Nothing came: the vendor's own error, not a load without rows."""
    with pytest.raises(ServerError):
        validocx.load_jobs(client=account(start("500_always", jobs=5)))
    with pytest.raises(RateLimited):
        validocx.load_jobs(client=account(start("429_always", jobs=5)))


def test_no_totals_prove_nothing(start, account):
    """pagination is null: all rows come, and the certificate says that nobody can tell."""
    frame = validocx.load_jobs(client=account(start("null_objects")), page_size=10)

    assert len(frame) == 30
    assert load_record(frame).certificate.verdict == "CANNOT_PROVE"


def test_a_bare_list_is_a_list_without_totals(scripted_client):
    """No envelope at all: a page that is not full ends the walk."""
    rows = [{"id": f"j{number}"} for number in range(5)]

    def answer(asked):
        start = (int(asked.query["page"]) - 1) * int(asked.query["limit"])
        return Says(rows[start : start + int(asked.query["limit"])])

    with pytest.warns(SchemaDriftWarning):
        frame = validocx.load_jobs(client=scripted_client(answer), page_size=2)

    assert frame["job_id"].tolist() == ["j0", "j1", "j2", "j3", "j4"]
    assert load_record(frame).certificate.verdict == "CANNOT_PROVE"


@pytest.mark.parametrize("rows", [["text"], [3], [["list"]]])
def test_rows_that_are_no_objects_are_refused(scripted_client, rows):
    """ShapeError, with what came."""
    with pytest.raises(ShapeError, match="jobs: wanted an object"):
        validocx.load_jobs(client=scripted_client(lambda asked: Says({"data": rows, "pagination": {"total": 1}})))


def test_a_null_row_is_told_and_passed_over(scripted_client):
    """One warning; the rows around it stay."""
    client = scripted_client(lambda asked: Says({"data": [None, {"id": "j1"}], "pagination": {"total": 1}}))
    with pytest.warns(SchemaDriftWarning, match="1 null in place of a row"):
        frame = validocx.load_jobs(client=client)

    assert frame["job_id"].tolist() == ["j1"]


# --- details ------------------------------------------------------------------------------------------------------


def test_details_come_whole(box, client):
    """One call a job; every answer of every job is a row."""
    jobs = validocx.load_jobs(client=client)
    box.clear_calls()
    details = validocx.load_job_details(jobs, client=client)
    answers = [
        answer["id"]
        for job in box.jobs
        for step in box.company.detail(job["id"])["steps"]
        for question in step["questions"]
        for answer in question["answers"]
    ]

    assert box.count(path_prefix="/job-full-detail") == box.count() == 30
    assert details.jobs["job_id"].tolist() == jobs["job_id"].tolist()
    assert sorted(details.answers["answer_id"]) == sorted(answers)
    for frame in vars(details).values():
        assert str(load_record(frame).certificate) == "PASS: 30 asked for, 30 came"


def test_the_second_load_of_details_makes_no_call(box, client):
    """And gives the same frames."""
    jobs = validocx.load_jobs(client=client)
    first = validocx.load_job_details(jobs, client=client)
    box.clear_calls()
    second = validocx.load_job_details(validocx.load_jobs(client=client), client=client)

    assert box.count() == 0
    for name, frame in vars(first).items():
        assert getattr(second, name).equals(frame)
        assert getattr(second, name).dtypes.equals(frame.dtypes)


def test_only_a_job_that_was_touched_is_fetched_again(start, account):
    """One of thirty moved: one detail call, and its new answer is there."""
    box = start()
    client = account(box)
    before = validocx.load_job_details(validocx.load_jobs(client=client), client=client)
    touched = next(job["id"] for job in box.jobs if job["status"] == "completed")
    box.touch_job(touched)
    box.clear_calls()
    jobs = validocx.load_jobs(client=client, refresh=True)
    after = validocx.load_job_details(jobs, client=client)

    assert [call.path for call in box.calls if "detail" in call.path] == [f"/job-full-detail/{touched}"]
    assert load_record(after.jobs).calls == 1
    assert load_record(after.jobs).from_cache == 29
    changed = before.answers["value"].compare(after.answers["value"])
    assert len(changed) == 1
    assert before.answers.loc[changed.index, "job_id"].tolist() == [touched]


def test_refresh_fetches_every_detail(box, client):
    """Whatever is kept."""
    ids = list(ids_of(box))[:4]
    validocx.load_job_details(ids, client=client)
    box.clear_calls()
    validocx.load_job_details(ids, client=client, refresh=True)

    assert box.count() == 4


def test_details_of_all_jobs_need_no_list_first(box, client):
    """Without jobs, the list is loaded with the filters given."""
    project = box.jobs[0]["project_id"]
    details = validocx.load_job_details(project_id=project, client=client)

    assert set(details.jobs["project_id"]) == {project}


def test_jobs_and_filters_together_are_refused(client):
    """It is not clear which should win."""
    with pytest.raises(ConfigError, match="choose rows of it instead"):
        validocx.load_job_details(["j1"], project_id="p", client=client)


def test_one_text_is_no_list_of_ids(client):
    """A text is a sequence of characters, and none of them is a job."""
    with pytest.raises(ConfigError, match="list of job ids"):
        validocx.load_job_details("abc", client=client)


def test_a_frame_without_ids_is_refused(client):
    """The message names the column."""
    with pytest.raises(ColumnError, match="job_id"):
        validocx.load_job_details(pd.DataFrame({"id": ["j1"]}), client=client)


@pytest.mark.parametrize("form", ["list", "series", "array", "text dates", "no dates"])
def test_jobs_may_be_given_in_many_forms(box, client, form):
    """A list of ids, a column, an array, a frame read back from a CSV file."""
    jobs = validocx.load_jobs(client=client, limit=3)
    given = {
        "list": jobs["job_id"].tolist(),
        "series": jobs["job_id"],
        "array": jobs["job_id"].to_numpy(),
        "text dates": jobs.assign(updated_at=jobs["updated_at"].astype(str)),
        "no dates": jobs[["job_id"]],
    }[form]

    assert validocx.load_job_details(given, client=client).jobs["job_id"].tolist() == jobs["job_id"].tolist()


def test_a_job_named_twice_is_fetched_once(box, client):
    """And is one row."""
    job_id = box.jobs[0]["id"]
    details = validocx.load_job_details([job_id, job_id], client=client)

    assert (len(details.jobs), box.count()) == (1, 1)


@pytest.mark.parametrize("empty", [[], "frame"])
def test_no_jobs_give_empty_details_of_the_same_dtypes(box, client, empty):
    """No call, and six frames as a full load has them."""
    jobs = validocx.load_jobs(client=client)
    full = validocx.load_job_details(jobs, client=client)
    box.clear_calls()
    none = validocx.load_job_details(jobs.head(0) if empty == "frame" else empty, client=client)

    assert box.count() == 0
    for name, frame in vars(none).items():
        assert len(frame) == 0
        assert frame.dtypes.equals(getattr(full, name).dtypes)
        assert list(frame.columns) == list(getattr(full, name).columns)


def test_a_job_that_is_gone_is_told_with_the_others_in_hand(start, account):
    """Its id stands in the message; the frames have the rest; the error goes on as JobDetails."""
    box = start()
    client = account(box)
    ids = [job["id"] for job in box.jobs[:3]]
    with pytest.raises(IncompleteLoad, match="no-such-job") as short:
        validocx.load_job_details([ids[0], "no-such-job", *ids[1:]], client=client)

    error = short.value
    assert isinstance(error.frame, validocx.JobDetails)
    assert error.frame.jobs["job_id"].tolist() == ids
    assert isinstance(error.__cause__, NotFound)
    assert error.certificate.verdict == "FAIL"


def test_an_outage_in_the_middle_goes_on_where_it_stopped(scripted_client):
    """Ten jobs, the sixth fails for good: resume() asks only for what did not come and gives JobDetails."""
    broken = {"/job-full-detail/j6"}

    def answer(asked):
        if asked.path in broken:
            return Says({"error": "Internal"}, 500)
        job = {"id": asked.path.rpartition("/")[2]}
        return Says({"data": {"job": job, "steps": [], "documents": []}})

    client = scripted_client(answer)
    ids = [f"j{number}" for number in range(1, 11)]
    with pytest.raises(IncompleteLoad) as short, pytest.warns(SchemaDriftWarning):
        validocx.load_job_details(ids, client=client)

    assert short.value.frame.jobs["job_id"].tolist() == ids[:5]
    came = {asked.path for asked in client.server.asked} - broken
    broken.clear()
    client.server.asked.clear()
    with pytest.warns(SchemaDriftWarning):
        details = short.value.resume()

    assert isinstance(details, validocx.JobDetails)
    assert details.jobs["job_id"].tolist() == ids
    assert {asked.path for asked in client.server.asked}.isdisjoint(came)


def test_the_answer_for_another_job_is_noticed_and_not_kept(scripted_client):
    """Asked for j1, j2 came: FAIL, and after the vendor has mended it the load goes through."""
    swapped = {"j1": "j2"}

    def answer(asked):
        job_id = asked.path.rpartition("/")[2]
        job = {"id": swapped.get(job_id, job_id), "updated_at": "2026-03-02T09:14:05Z"}
        return Says({"data": {"job": job, "steps": [], "documents": []}})

    client = scripted_client(answer)
    moment = pd.Timestamp("2026-03-02T09:14:05Z")
    jobs = pd.DataFrame({"job_id": ["j1", "j3"], "updated_at": [moment, moment]})
    with pytest.raises(IncompleteLoad, match="j1 was asked for and j2 came") as short, pytest.warns(SchemaDriftWarning):
        validocx.load_job_details(jobs, client=client)

    swapped.clear()
    with pytest.warns(SchemaDriftWarning):
        details = short.value.resume()

    assert details.jobs["job_id"].tolist() == ["j1", "j3"]
    assert [asked.path[-2:] for asked in client.server.asked].count("j3") == 1


def test_a_detail_that_does_not_say_which_job_it_is_proves_nothing(scripted_client):
    """The row is there, without an id, and the certificate says CANNOT_PROVE."""
    client = scripted_client(lambda asked: Says({"data": {"steps": [], "documents": []}}))
    with pytest.warns(SchemaDriftWarning):
        details = validocx.load_job_details(["j1"], client=client)

    assert load_record(details.jobs).certificate.verdict == "CANNOT_PROVE"


def test_integer_ids_are_the_same_as_their_text(scripted_client):
    """A vendor that counts its jobs: ids are text in frames, and are found again."""

    def answer(asked):
        if asked.path == "/jobs":
            return Says({"data": [{"id": 17, "updated_at": "2026-03-02T09:14:05Z"}], "pagination": {"total": 1}})
        return Says({"data": {"job": {"id": 17}, "steps": [{"id": 1, "questions": []}], "documents": []}})

    client = scripted_client(answer)
    with pytest.warns(SchemaDriftWarning):
        jobs = validocx.load_jobs(client=client)
    with pytest.warns(SchemaDriftWarning):
        details = validocx.load_job_details(jobs, client=client)

    assert jobs["job_id"].tolist() == details.steps["job_id"].tolist() == ["17"]
    assert load_record(details.jobs).certificate.verdict == "PASS"


def test_a_revoked_key_ends_the_load_at_once(start, account):
    """Every other call would be refused in the same way."""
    box = start()
    client = account(box)
    jobs = validocx.load_jobs(client=client)
    box.revoke_key("validocx")
    with pytest.raises(AuthError):
        validocx.load_job_details(jobs, client=client)


def test_an_error_on_its_way_up_leaves_no_call_running(start, account):
    """Whoever catches it may close the client: no thread of the load is at work any more."""
    box = start()
    client = account(box)
    jobs = validocx.load_jobs(client=client)
    box.revoke_key("validocx")
    with pytest.raises(AuthError) as held:
        validocx.load_job_details(jobs, client=client)

    assert held.value is not None
    assert [thread.name for thread in threading.enumerate() if thread.name.startswith("docframes_")] == []


def test_nulls_inside_a_detail_are_empty_lists(start, account):
    """project, documents, questions, answers, images: null is none, and the rest is loaded."""
    box = start("null_objects")
    details = validocx.load_job_details(list(ids_of(box)), client=account(box))

    assert len(details.jobs) == 30
    assert len(details.documents) == 0
    assert details.jobs["project_name"].isna().all()
    assert len(details.answers) > 0


# --- keys that come and go ----------------------------------------------------------------------------------------


def test_new_keys_are_kept_and_told_once(start, account):
    """One warning for the load; columns after the known ones; counts in the record."""
    client = account(start("new_keys"))
    with pytest.warns(SchemaDriftWarning, match="risk_band") as told:
        frame = validocx.load_jobs(client=client)

    assert len(told) == 1
    assert list(frame.columns[-2:]) == ["import_batch", "risk_band"]
    assert frame["risk_band"].tolist() == ["B"] * 30
    assert frame["import_batch"].iloc[0] == '{"no":12,"by":"csv"}'
    assert load_record(frame).unknown_keys == {"import_batch": 30, "risk_band": 30}


def test_new_keys_at_every_level_are_kept(start, account):
    """In all six frames of the details, with one warning."""
    box = start("new_keys")
    with pytest.warns(SchemaDriftWarning) as told:
        details = validocx.load_job_details(list(ids_of(box)), client=account(box))

    assert len(told) == 1
    for frame in vars(details).values():
        assert "risk_band" in frame.columns


def test_missing_keys_are_missing_values_and_told_once(start, account):
    """The columns stay, with their dtypes."""
    client = account(start("missing_keys"))
    with pytest.warns(SchemaDriftWarning, match="scheduled_at") as told:
        frame = validocx.load_jobs(client=client)

    assert len(told) == 1
    assert frame["scheduled_at"].isna().all()
    assert str(frame["scheduled_at"].dtype) == "datetime64[us, UTC]"
    assert load_record(frame).missing_keys == {"scheduled_at": 30}


def test_a_load_with_new_keys_comes_from_the_cache_with_them(start, account):
    """The kept frame has the same columns, and nothing is told twice."""
    client = account(start("new_keys"))
    with pytest.warns(SchemaDriftWarning):
        first = validocx.load_jobs(client=client)
    second = validocx.load_jobs(client=client)

    assert second.equals(first)
    assert load_record(second).unknown_keys == load_record(first).unknown_keys


def test_camel_case_fills_the_same_columns(scripted_client):
    """jobTemplateId is job_template_id; the record says what was renamed."""
    row = {"id": "j1", "projectId": "p1", "jobTemplateId": "t1", "updatedAt": "2026-03-02T09:14:05Z", "progress": "50"}
    answer = {"data": [row], "pagination": {"page": 1, "totalPages": 1, "total": 1}}
    with pytest.warns(SchemaDriftWarning):
        frame = validocx.load_jobs(client=scripted_client(lambda asked: Says(answer)))

    assert frame[["project_id", "job_template_id"]].values.tolist() == [["p1", "t1"]]
    assert frame["progress"].tolist() == [50.0]
    assert load_record(frame).renamed_keys["updated_at"] == "updatedAt"
    assert "updatedAt" not in frame.columns


# --- progress -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("progress", "shows"), [(None, False), (False, False), (True, True)])
def test_a_quick_load_shows_no_bar(box, account, capsys, progress, shows):
    """Unless one is asked for."""
    validocx.load_jobs(client=account(box, cached=False), page_size=10, progress=progress)
    out, err = capsys.readouterr()

    assert out == ""
    assert ("validocx jobs" in err) is shows


def test_errors_of_a_load_read_to_the_end(start, account):
    """The chained error formats without another one on the way."""
    with pytest.raises(IncompleteLoad) as short:
        validocx.load_jobs(client=account(start("total_too_high", jobs=5)))

    assert "resume()" in "".join(traceback.format_exception(short.value))
