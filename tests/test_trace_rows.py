"""Where a row came from, whatever became of its frame and of its answer; and what is said where it cannot be told."""

from __future__ import annotations

import warnings

import orjson
import pandas as pd
import pytest
from conftest import Says
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_docdigitizer_realities import DETAILS, drift_allowed
from test_trace import TRACE, bodies, pointed

import docframes
from docframes import cache, docdigitizer, load_record, papershift, validis, validocx
from docframes.errors import ConfigError
from docframes.tables.loads import ATTRS_KEY
from tests.realities.docdigitizer import IDS, KEY, serving


@pytest.fixture(scope="module")
def answers(box, tmp_path_factory):
    """Answers of a sandbox, loaded to be traced, and the client that has them."""
    made = docframes.Settings(cache_dir=tmp_path_factory.mktemp("cache"), time_scale=0.0)
    with validocx.Client(api_key=box.key("validocx"), base_url=box.url("validocx"), settings=made) as client:
        yield validocx.load_answers(client=client, trace=True, page_size=50)


def same(frame, label, answer_id):
    return docframes.trace(frame, label).record["id"] == answer_id


# --- what pandas makes of a frame ------------------------------------------------------------------------------------

STEPS = {
    "filter": lambda frame: frame[frame["question_type"] != "photo"],
    "sort_values": lambda frame: frame.sort_values(TRACE, key=lambda numbers: numbers % 7, ascending=False),
    "assign": lambda frame: frame.assign(length=frame["value"].str.len(), job_id="other"),
    "reset_index": lambda frame: frame.reset_index(drop=True),
    "set_index": lambda frame: frame.set_index("answer_id", drop=False),
    "concat of parts": lambda frame: pd.concat([frame[len(frame) // 2 :], frame[: len(frame) // 2]]),
    "sample": lambda frame: frame.sample(frac=0.5, random_state=1),
    "columns": lambda frame: frame[["question_text", "answer_id", TRACE]],
    "copy": lambda frame: frame.copy(),
    "query": lambda frame: frame.query("question_type == question_type"),
    "drop": lambda frame: frame.drop(columns="value", errors="ignore"),
    "nlargest": lambda frame: frame.assign(size=range(len(frame))).nlargest(9, "size"),
    "other dtypes": lambda frame: frame.convert_dtypes(),
    "a float of the number": lambda frame: frame.astype({TRACE: "float64"}),
}


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.sampled_from(sorted(STEPS)), max_size=4), pick=st.randoms(use_true_random=False))
def test_a_row_is_found_after_whatever_pandas_did(answers, steps, pick):
    """One step or several, in any order: the record is the one with the row's id."""
    frame = answers
    for step in steps:
        if step in ("assign", "filter", "query", "nlargest", "drop") and not {"value", "question_type"} <= {*frame}:
            continue
        frame = STEPS[step](frame)
    if not len(frame):
        return
    place = pick.randrange(len(frame))
    row = frame.iloc[place]

    assert docframes.trace(frame, row).record["id"] == row["answer_id"]
    assert same(frame, frame.index[place], row["answer_id"])


def test_each_row_has_its_own_place(answers):
    """No two rows of a load are told to be the same record, and they stand page by page as they came."""
    found = [docframes.trace(answers, label) for label in answers.index[::17]]

    assert len({(one.page, one.pointer) for one in found}) == len(found)
    assert [one.page for one in found] == sorted(one.page for one in found)
    assert [one.record["id"] for one in found] == answers["answer_id"].tolist()[::17]


# --- rows that are fewer than what came -------------------------------------------------------------------------------


def test_a_limit_and_rows_that_came_twice_change_no_place(start, account, tmp_path):
    """Pages shift while they are read; what came twice is dropped, and every row left stands where its trace says."""
    client = account(start("shifting_pages"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        frames = [
            validocx.load_jobs(client=client, page_size=7, trace=True, allow_partial=True),
            validocx.load_jobs(client=client, page_size=7, trace=True, limit=11),
        ]
    whole = load_record(frames[0]).certificate
    assert whole.received > len(frames[0])
    kept = bodies(tmp_path / "cache")
    for frame in frames:
        for label, row in frame.iterrows():
            found = docframes.trace(frame, label)
            assert found.record["id"] == row["job_id"]
            assert pointed(orjson.loads(kept[found.sha256]), found.pointer) == found.record


def test_a_null_in_place_of_a_row_moves_nobody(scripted_client):
    """It makes no row, and has a place in the list all the same."""
    rows = [None, {"id": "a"}, None, {"id": "b"}, {"id": "c"}]
    client = scripted_client(
        lambda asked: Says({"data": rows, "pagination": {"page": 1, "total": 5, "total_pages": 1}})
    )
    with drift_allowed():
        frame = validocx.load_jobs(client=client, trace=True, allow_partial=True)

    assert [docframes.trace(frame, label).pointer for label in frame.index] == ["/data/1", "/data/3", "/data/4"]
    assert [docframes.trace(frame, label).record["id"] for label in frame.index] == frame["job_id"].tolist()


def test_nulls_and_lone_objects_within_a_detail_move_nobody(scripted_client):
    """A null among steps, one object where a list of questions was due, and names with signs that pointers escape."""
    steps = [None, {"id": "s1", "questions": {"id": "q1", "answers": [None, {"id": "n1", "value": 1}]}}, {"id": "s2"}]
    client = scripted_client(lambda asked: Says({"a/b": 0, "data": {"job": {"id": "j"}, "steps": steps}}))
    with drift_allowed():
        details = validocx.load_job_details(["j"], client=client, trace=True)
    pointers = {
        name: [docframes.trace(frame, label).pointer for label in frame.index]
        for name, frame in vars(details).items()
        if len(frame)
    }

    assert pointers == {
        "jobs": ["/data"],
        "steps": ["/data/steps/1", "/data/steps/2"],
        "questions": ["/data/steps/1/questions"],
        "answers": ["/data/steps/1/questions/answers/1"],
    }


# --- several answers for a row ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", DETAILS)
def test_fields_stand_in_whichever_answer_has_them(settings, tmp_path, name):
    """Annotations within the document, beside it, or at their own address; in every form that the contract allows."""
    with serving(DETAILS[name]) as url, drift_allowed():
        client = docdigitizer.Client(api_key=KEY, base_url=url, settings=settings)
        fields = docdigitizer.load_annotation_fields(list(IDS), client=client, trace=True)
        items = docdigitizer.load_line_items(list(IDS), client=client, trace=True)
    kept = {digest: orjson.loads(body) for digest, body in bodies(tmp_path / "cache").items()}
    # The list of documents is not asked for here; a document's own address is told apart by its end.
    own = "own answer" in name
    for frame, column in ((fields, "value"), (items, "item_description")):
        for label, row in frame.iterrows():
            found = docframes.trace(frame, label)
            assert found.note == ""
            assert found.request.endswith("/annotations" if own else f"/documents/{row['document_id']}")
            assert f"/{row['document_id']}" in found.request
            assert pointed(kept[found.sha256], found.pointer) == found.record
            assert str(row[column]) in str(found.record)


def test_every_page_of_what_belongs_to_a_document_is_told_apart(scripted, settings):
    """Reviews on a second page of the same document stand in the answer of that page."""

    def answer(asked):
        last = "cursorId" in asked.query
        rows = [{"id": f"r{number}"} for number in ((3, 4) if last else (1, 2))]
        more = {"x-more-results-available": "false" if last else "true", "X-CURSOR-ID": "2"}
        return Says({"reviews": rows}, headers=more)

    with docdigitizer.Client(api_key=KEY, base_url=scripted(answer).url, settings=settings) as client:
        frame = docdigitizer.load_reviews(["d"], client=client, trace=True)
        found = [docframes.trace(frame, label) for label in frame.index]

    assert [one.record["id"] for one in found] == frame["review_id"].tolist() == ["r1", "r2", "r3", "r4"]
    assert [(one.page, one.pages, one.pointer[-2:]) for one in found] == [
        (1, 2, "/0"), (1, 2, "/1"), (2, 2, "/0"), (2, 2, "/1"),
    ]  # fmt: skip
    assert ["cursorId" in one.request for one in found] == [False, False, True, True]


def test_a_file_in_place_of_an_answer_has_no_pointer(scripted, settings):
    """An asset may come as the file itself; then the answer is all there is, and the note says so."""
    server = scripted(lambda asked: Says(b"%PDF-1.7 and so on", headers={"Content-Type": "application/pdf"}))
    with docdigitizer.Client(api_key=KEY, base_url=server.url, settings=settings) as client:
        frame = docdigitizer.load_assets(["d"], client=client, trace=True)
        found = docframes.trace(frame, 0)

    assert (found.pointer, found.record) == ("", None)
    assert found.note.startswith("The answer is no JSON but a file of 18 bytes.")


def test_records_that_a_room_completes_stand_where_they_were_sent(scripted, settings):
    """Papershift puts what came along (included) into the rows: the pointer is to the row, and the record as sent."""
    rows = [
        {"type": "team", "id": str(n), "relationships": {"lead": {"data": {"type": "user", "id": "7"}}}} for n in (1, 2)
    ]
    body = {"data": rows, "included": [{"type": "user", "id": "7", "attributes": {"name": "Una"}}]}
    headers = {"Content-Type": "application/vnd.api+json"}
    server = scripted(lambda asked: Says(body, headers=headers))
    with papershift.Client(token="t" * 40, base_url=server.url, settings=settings) as client, drift_allowed():
        frame = papershift.load_teams(include="lead", client=client, trace=True)
        found = [docframes.trace(frame, label) for label in frame.index]

    assert [one.pointer for one in found] == ["/data/0", "/data/1"]
    assert [one.record for one in found] == rows


def test_lines_of_a_journal_point_to_the_line(scripted, settings):
    """Whether its sides are added up for ``value`` or not; of a journal without lines to the journal."""
    journals = [
        {"id": "1", "lines": [{"id": "a", "debit": 5, "credit": 0}, {"id": "b", "value": -5}]},
        {"id": "2", "lines": []},
        {"id": "3", "lines": {"id": "c", "value": 1}},
    ]

    def answer(asked):
        if "token" in asked.path:
            return Says({"access_token": "t" * 20, "expires_in": 1800})
        return Says({"content": journals, "totalElements": 3, "totalPages": 1, "last": True, "size": 200})

    with validis.Client(api_key="a" * 32, base_url=scripted(answer).url, settings=settings) as client:
        with drift_allowed():
            frame = validis.load_journals(1, client=client, trace=True)
        found = [docframes.trace(frame, label) for label in frame.index]

    assert [one.pointer for one in found] == [
        "/content/0/lines/0", "/content/0/lines/1", "/content/1", "/content/2/lines",
    ]  # fmt: skip
    assert found[0].record == {"id": "a", "debit": 5, "credit": 0}
    assert found[2].record == journals[1]


# --- answers that are not there any more ------------------------------------------------------------------------------


def told(found):
    """Everything of a Trace that stays when its answer has gone."""
    return (found.request, found.page, found.pages, found.sha256, found.fetched_at, found.loader, found.table)


def test_what_was_cleared_is_told_but_for_its_place(box, account, monkeypatch, tmp_path):
    """Request, page, time and SHA-256 stay; pointer and record are gone, and the note says why."""
    monkeypatch.setenv("DOCFRAMES_CACHE_DIR", str(tmp_path / "cache"))
    frame = validocx.load_jobs(client=account(box), trace=True)
    before = docframes.trace(frame, 3)
    cache.clear()
    after = docframes.trace(frame, 3)

    assert (before.pointer, before.record["id"]) == ("/data/3", frame["job_id"][3])
    assert told(after) == told(before)
    assert (after.pointer, after.record) == (None, None)
    assert "not in the cache any more" in after.note
    assert after.note in repr(after)


def test_a_newer_answer_is_never_taken_for_the_one_that_was_used(start, account):
    """A job changed and the list was fetched anew: the old frame's rows have no record, the new frame's have theirs."""
    box = start()
    client = account(box)
    old = validocx.load_jobs(client=client, trace=True)
    details = validocx.load_job_details(old, client=client, trace=True)
    box.touch_job(old["job_id"][0])
    new = validocx.load_jobs(client=client, trace=True, refresh=True)

    stale = docframes.trace(old, 0)
    assert (stale.pointer, stale.record) == (None, None)
    assert "a newer one took its place" in stale.note
    place = new.index[new["job_id"] == old["job_id"][0]][0]
    assert docframes.trace(new, place).record["updated_at"] != old["updated_at"][0]
    assert docframes.trace(new, place).note == ""
    # Versions of a detail stand side by side in the cache.
    assert docframes.trace(details.jobs, 0).record["job"]["id"] == old["job_id"][0]


def test_a_client_that_keeps_nothing_traces_as_long_as_the_process_lasts(box, account):
    """Bodies are held in memory then."""
    frame = validocx.load_projects(client=account(box, cached=False), trace=True)

    assert docframes.trace(frame, 1).record["id"] == frame["project_id"][1]


# --- what cannot be traced --------------------------------------------------------------------------------------------


def refused(frame, row):
    with pytest.raises(ConfigError) as error:
        docframes.trace(frame, row)
    return str(error.value)


def test_a_row_that_is_not_one_is_refused_in_words(answers):
    """No such label, several rows of one label, a list, a column, a place."""
    twice = pd.concat([answers[:3], answers[:3]])

    assert "has no row 99999" in refused(answers, 99_999)
    assert "has no row 'x'" in refused(answers, "x")
    assert "has no row (0, 'value')" in refused(answers, (0, "value"))
    assert "has no row" in refused(answers, answers)
    assert "2 rows are meant by 1; one was wanted" in refused(twice, 1)
    assert "2 rows are meant by [0, 1]" in refused(answers, [0, 1])
    assert "nothing in the column 'docframes_trace'" in refused(answers, answers["value"])
    assert same(twice, twice.iloc[4], answers["answer_id"][1])


def test_frames_of_no_load_or_of_several_are_refused(answers, box, account):
    """From elsewhere; merged; of two loads; a row of another load."""
    other = validocx.load_answers(client=account(box), trace=True, limit=20)

    assert "does not say how it was loaded" in refused(pd.DataFrame({"a": [1]}), 0)
    assert "does not say how it was loaded" in refused(answers.merge(other, on="answer_id"), 0)
    assert "does not say how it was loaded" in refused(pd.concat([answers, other]), 0)
    assert "This row is of the load" in refused(answers, other.iloc[0])
    assert "not in this session" in refused(_renamed(answers, "validocx.answers-0-0"), 0)


def _renamed(frame, load_id):
    copied = frame.copy()
    copied.attrs[ATTRS_KEY] = load_id
    return copied


def test_rows_that_were_added_up_are_refused(scripted_client):
    """pandas adds the column up as well, and the sum may be the number of another row."""
    rows = [{"id": str(number), "status": "open", "progress": number} for number in range(8)]
    client = scripted_client(
        lambda asked: Says({"data": rows, "pagination": {"page": 1, "total": 8, "total_pages": 1}})
    )
    with drift_allowed():
        frame = validocx.load_jobs(client=client, trace=True)
    own = frame[["job_id", "status", "progress", TRACE]]
    sums = own[1:4].groupby("status").sum()

    assert sums[TRACE].tolist() == [6]
    assert "column 'docframes_trace' names no record, or that of another row" in refused(sums, "open")
    assert "names no record" in refused(own.groupby("status").sum(), "open")
    assert "a whole number was wanted" in refused(own[1:5].groupby("status").mean(numeric_only=True), "open")
    # Without any column that tells rows apart nothing contradicts the number: that is said.
    assert "only docframes_trace says" in docframes.trace(own[["progress", TRACE]], 2).note


def test_a_load_without_its_option_says_how_to_have_one(box, account):
    """With the loader's own name."""
    frame = validocx.load_jobs(client=account(box))

    assert "Load it with validocx.load_jobs(..., trace=True)." in refused(frame, 0)
    with pytest.raises(ConfigError, match="load without it"):
        validocx.load_jobs(client=account(box), updated_after="last", trace=True)
