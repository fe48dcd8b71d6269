"""The ValiDocX room of the sandbox keeps to the contract."""

from __future__ import annotations

import re
import uuid

import pytest
import requests

import docframes.sandbox as sandbox
from docframes.errors import ConfigError

LISTS = ("projects", "jobs", "question-responses", "documents", "images")
UTC_STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?\+00:00")
FIELDS = {
    "projects": "id organization_id name reference status customer_name customer_email customer_phone "
    "address_line_1 address_line_2 city postcode job_count created_at updated_at",
    "jobs": "id project_id job_template_id job_template_name reference status progress assigned_to "
    "assigned_to_name scheduled_at completed_at created_at updated_at",
    "question-responses": "id project_id job_id step_id step_name question_id question_text question_type answer "
    "answered_by answered_at created_at updated_at",
    "documents": "id project_id job_id name document_type mime_type file_size uploaded_by created_at updated_at",
    "images": "id project_id job_id question_id question_response_id file_name mime_type file_size captured_at "
    "latitude longitude created_at updated_at",
}


@pytest.fixture(scope="module")
def box():
    with sandbox.running(environment=False) as box:
        yield box


def ask(box, path, **params):
    headers = {"x-api-key": box.key("validocx")}
    return requests.get(box.url("validocx") + path, params=params, headers=headers, timeout=10)


def walk(box, path, **params):
    rows, page = [], 1
    while True:
        body = ask(box, path, page=page, limit=100, **params).json()
        rows += body["data"]
        if page >= body["pagination"]["total_pages"]:
            return rows
        page += 1


def completed(box):
    return [job for job in box.jobs if job["status"] == "completed"]


def is_uuid4(text):
    return uuid.UUID(text).version == 4 and text == text.lower()


def test_the_key_has_the_documented_shape(box):
    """vdx_org_, 8 characters, an underscore, 64 characters."""
    assert re.fullmatch(r"vdx_org_[0-9A-Za-z]{8}_[0-9A-Za-z]{64}", box.key("validocx"))


@pytest.mark.parametrize("name", LISTS)
def test_a_list_has_the_envelope_and_the_fields(box, name):
    """request_id, data and pagination; rows carry the documented fields and no other."""
    body = ask(box, f"/{name}").json()

    assert set(body) == {"request_id", "data", "pagination"}
    assert is_uuid4(body["request_id"])
    assert set(body["pagination"]) == {"page", "limit", "total", "total_pages"}
    assert (body["pagination"]["page"], body["pagination"]["limit"]) == (1, 25)
    assert len(body["data"]) == 25
    for row in body["data"]:
        assert set(row) == set(FIELDS[name].split())
        assert is_uuid4(row["id"])
        assert UTC_STAMP.fullmatch(row["created_at"])
        assert UTC_STAMP.fullmatch(row["updated_at"])


@pytest.mark.parametrize("name", LISTS)
def test_walking_the_pages_gives_every_row_once(box, name):
    """The pages together hold as many rows as total says, each id once, and the truth's rows."""
    total = ask(box, f"/{name}", limit=100).json()["pagination"]["total"]
    rows = walk(box, f"/{name}")

    assert len(rows) == total == len({row["id"] for row in rows})
    assert sorted(row["id"] for row in rows) == sorted(row["id"] for row in box.company.rows(name))


def test_the_order_is_newest_first_unless_asked(box):
    """created_at, descending, is the default; sort_by and sort_order change it."""
    created = [row["created_at"] for row in walk(box, "/jobs")]
    assert created == sorted(created, reverse=True)

    updated = [row["updated_at"] for row in walk(box, "/jobs", sort_by="updated_at", sort_order="asc")]
    assert updated == sorted(updated)


def test_some_moments_carry_a_fraction_and_some_do_not(box):
    """Both forms of a timestamp turn up."""
    moments = {"." in row["updated_at"] for row in box.jobs}

    assert moments == {True, False}


@pytest.mark.parametrize(
    "params",
    [
        {"limit": 101},
        {"limit": 0},
        {"limit": "many"},
        {"page": 0},
        {"page": -1},
        {"page": "1.5"},
        {"sort_by": "name"},
        {"sort_order": "up"},
        {"updated_after": "yesterday"},
    ],
)
@pytest.mark.parametrize("name", LISTS)
def test_a_wrong_parameter_is_refused(box, name, params):
    """400, with request_id and error."""
    answer = ask(box, f"/{name}", **params)

    assert answer.status_code == 400
    assert set(answer.json()) == {"request_id", "error"}
    assert next(iter(params)) in answer.json()["error"]


def test_a_page_past_the_end_is_empty(box):
    """200, no rows, the totals as they are."""
    body = ask(box, "/jobs", page=99, limit=100).json()

    assert body["data"] == []
    assert body["pagination"] == {"page": 99, "limit": 100, "total": 120, "total_pages": 2}


def test_unknown_parameters_are_ignored(box):
    """A parameter nobody documented changes nothing; so does a filter of another list."""
    plain = ask(box, "/jobs", limit=100).json()["pagination"]["total"]

    assert ask(box, "/jobs", colour="red", job_id="x").json()["pagination"]["total"] == plain


def test_jobs_are_filtered_by_project_and_template(box):
    """Both filters, alone and together."""
    job = box.jobs[0]
    by_project = walk(box, "/jobs", project_id=job["project_id"])
    by_both = walk(box, "/jobs", project_id=job["project_id"], job_template_id=job["job_template_id"])

    assert {row["project_id"] for row in by_project} == {job["project_id"]}
    assert job in by_both
    assert {row["job_template_id"] for row in by_both} == {job["job_template_id"]}
    assert walk(box, "/jobs", project_id=str(uuid.uuid4())) == []


@pytest.mark.parametrize("name", ["question-responses", "documents", "images"])
def test_evidence_lists_are_filtered_and_cover_completed_jobs(box, name):
    """project_id and job_id filter; no row belongs to a job that is not completed."""
    done = {job["id"] for job in completed(box)}
    rows = walk(box, f"/{name}")
    assert {row["job_id"] for row in rows} - {None} == done

    job = completed(box)[0]
    assert {row["job_id"] for row in walk(box, f"/{name}", job_id=job["id"])} == {job["id"]}
    of_project = walk(box, f"/{name}", project_id=job["project_id"])
    assert {row["project_id"] for row in of_project} == {job["project_id"]}


def test_updated_after_is_exclusive(box):
    """A row that changed at that very moment is left out; Z, offset and date alone are understood."""
    moments = sorted(row["updated_at"] for row in box.jobs)
    middle = moments[60]
    later = [moment for moment in moments if moment > middle]

    assert sorted(row["updated_at"] for row in walk(box, "/jobs", updated_after=middle)) == later
    as_z = middle.replace("+00:00", "Z")
    assert len(walk(box, "/jobs", updated_after=as_z)) == len(later)
    assert len(walk(box, "/jobs", updated_after="2025-01-01")) == 120
    assert walk(box, "/jobs", updated_after=moments[-1]) == []


@pytest.mark.parametrize("path", ["/jobs", "/job-full-detail/x", "/signed-files/images/x", "/nowhere"])
@pytest.mark.parametrize("key", [None, "vdx_org_unknown", ""])
def test_no_key_or_a_wrong_one_is_401(box, path, key):
    """401 before anything else is looked at, wherever there is an endpoint; an error body in any case."""
    headers = {} if key is None else {"x-api-key": key}
    answer = requests.get(box.url("validocx") + path, headers=headers, timeout=10)

    assert answer.status_code == (404 if path == "/nowhere" else 401)
    assert is_uuid4(answer.json()["request_id"])
    assert answer.json()["error"]


@pytest.mark.parametrize("path", ["/jobs/{}", "/projects/{}", "/job-full-detail/{}", "/signed-files/images/{}"])
def test_an_unknown_id_is_404(box, path):
    """404, with request_id and error."""
    answer = ask(box, path.format(uuid.uuid4()))

    assert answer.status_code == 404
    assert set(answer.json()) == {"request_id", "error"}


def test_one_project_and_one_job_are_the_rows_of_the_lists(box):
    """An object under data, no pagination."""
    for name in ("projects", "jobs"):
        row = box.company.rows(name)[3]
        body = ask(box, f"/{name}/{row['id']}").json()

        assert set(body) == {"request_id", "data"}
        assert body["data"] == row


def test_full_detail_nests_as_the_contract_says(box):
    """job, project, steps, questions, answers, images and documents, each with its fields."""
    job = completed(box)[0]
    data = ask(box, f"/job-full-detail/{job['id']}").json()["data"]

    assert set(data) == {"job", "project", "steps", "documents"}
    assert data["job"] == job
    assert data["project"]["id"] == job["project_id"]
    for step in data["steps"]:
        assert set(step) == {"id", "name", "position", "status", "questions"}
        for question in step["questions"]:
            assert set(question) == {"id", "text", "type", "required", "position", "answers"}
            for answer in question["answers"]:
                assert set(answer) == {"id", "value", "answered_by", "answered_at", "images"}
                for image in answer["images"]:
                    signed = {"signed_url", "signed_url_expires_at"}
                    own = {"id", "file_name", "mime_type", "file_size", "captured_at", "latitude", "longitude"}
                    assert set(image) == own | signed
    for document in data["documents"]:
        assert set(document) == {*FIELDS["documents"].split(), "signed_url", "signed_url_expires_at"}


def test_details_agree_with_the_lists(box):
    """The answers, images and documents of a completed job are those of the three lists."""
    job = completed(box)[1]
    data = ask(box, f"/job-full-detail/{job['id']}").json()["data"]
    answers = [a for step in data["steps"] for question in step["questions"] for a in question["answers"]]
    listed = {row["id"]: row for row in walk(box, "/question-responses", job_id=job["id"])}

    assert {answer["id"]: answer["value"] for answer in answers} == {k: v["answer"] for k, v in listed.items()}
    images = {image["id"] for answer in answers for image in answer["images"]}
    assert images == {row["id"] for row in walk(box, "/images", job_id=job["id"])}
    papers = {row["id"] for row in walk(box, "/documents", job_id=job["id"])}
    assert {document["id"] for document in data["documents"]} == papers


def test_each_detail_has_fresh_links(box):
    """Two answers for one job differ in request_id and, after a while, in every link."""
    path = f"/job-full-detail/{completed(box)[0]['id']}"
    first = ask(box, path).json()
    box.advance(1)
    second = ask(box, path).json()

    assert first["request_id"] != second["request_id"]
    links = [{document["signed_url"] for document in body["data"]["documents"]} for body in (first, second)]
    assert not links[0] & links[1]


@pytest.mark.parametrize(("asked", "given"), [(None, 300), (600, 600), (5, 60), (-5, 60), (86_400, 3600)])
def test_expiry_is_held_within_its_limits(box, asked, given):
    """300 by default; below 60 and above 3600 is moved to the limit, not refused."""
    document = box.company.documents[0]
    params = {} if asked is None else {"expires_in": asked}
    data = ask(box, f"/signed-files/documents/{document['id']}", **params).json()["data"]

    assert set(data) == {"resource", "id", "signed_url", "expires_in", "expires_at"}
    assert (data["resource"], data["id"], data["expires_in"]) == ("documents", document["id"], given)
    assert UTC_STAMP.fullmatch(data["expires_at"])
    assert data["signed_url"].startswith(box.storage_url)
    assert f"token={box.signature_marker}" in data["signed_url"]


def test_signing_refuses_what_it_does_not_know(box):
    """An unknown kind and an expiry that is no integer are 400."""
    document = box.company.documents[0]["id"]

    assert ask(box, f"/signed-files/videos/{document}").status_code == 400
    assert ask(box, f"/signed-files/documents/{document}", expires_in="long").status_code == 400
    assert ask(box, f"/signed-files/images/{document}").status_code == 404


def test_installer_certificates_are_signed_by_the_id_in_a_form(box):
    """No list has them; a form's answer names the certificate's id."""
    answers = walk(box, "/question-responses")
    known = {cert["id"] for cert in box.company.installer_certs}
    named = {row["answer"] for row in answers if row["question_text"].startswith("Installer certificate")}
    assert named
    assert named <= known

    data = ask(box, f"/signed-files/installer-certs/{named.pop()}").json()["data"]
    assert requests.get(data["signed_url"], timeout=10).content.startswith(b"%PDF-")


def test_a_touched_job_moves_forward_and_changes_one_answer():
    """updated_after the last known moment finds the job alone, and one answer has another value."""
    with sandbox.running(jobs=30, environment=False) as box:
        job = completed(box)[0]
        latest = max(row["updated_at"] for row in box.jobs)
        before = {row["id"]: row["answer"] for row in walk(box, "/question-responses", job_id=job["id"])}
        old = ask(box, f"/job-full-detail/{job['id']}").json()["data"]
        moved = box.touch_job(job["id"])
        found = walk(box, "/jobs", updated_after=latest)
        after = {row["id"]: row["answer"] for row in walk(box, "/question-responses", job_id=job["id"])}
        new = ask(box, f"/job-full-detail/{job['id']}").json()["data"]

        assert [(row["id"], row["updated_at"]) for row in found] == [(job["id"], moved)]
        assert sum(before[key] != after[key] for key in before) == 1
        assert len(walk(box, "/question-responses", updated_after=latest)) == 1
        assert old["job"]["updated_at"] < new["job"]["updated_at"] == moved
        assert box.company.project(job["project_id"])["updated_at"] == moved


def test_a_job_without_answers_gets_its_first_when_touched():
    """A job not yet started is begun by a touch."""
    with sandbox.running(jobs=30, environment=False) as box:
        job = next(job for job in box.jobs if job["status"] == "not_started")
        box.touch_job(job["id"])
        steps = ask(box, f"/job-full-detail/{job['id']}").json()["data"]["steps"]
        answers = [answer for step in steps for question in step["questions"] for answer in question["answers"]]

        assert len(answers) == 1


def test_a_job_is_added_and_taken_away():
    """It stands in the list and in its project's count, with a detail of its own; and then nowhere."""
    with sandbox.running(jobs=30, environment=False) as box:
        latest = max(row["updated_at"] for row in box.jobs)
        project = box.company.project(box.jobs[0]["project_id"])
        count = project["job_count"]
        new = box.add_job()

        assert [row["id"] for row in walk(box, "/jobs", updated_after=latest)] == [new]
        assert project["job_count"] == count + 1
        assert ask(box, f"/job-full-detail/{new}").json()["data"]["job"]["id"] == new

        box.remove_job(new)

        assert new not in {row["id"] for row in walk(box, "/jobs")}
        assert project["job_count"] == count
        assert ask(box, f"/job-full-detail/{new}").status_code == 404


def test_answers_go_with_the_job_that_is_taken_away():
    """And its photos and papers."""
    with sandbox.running(jobs=30, environment=False) as box:
        gone = completed(box)[0]["id"]
        box.remove_job(gone)

        for path in ("/question-responses", "/documents", "/images"):
            assert gone not in {row["job_id"] for row in walk(box, path)}


def test_only_a_job_that_is_there_is_taken_away():
    """And one is added beside another only."""
    with sandbox.running(jobs=0, environment=False) as box:
        with pytest.raises(ConfigError, match="remove_job needs the id"):
            box.remove_job("none")
        with pytest.raises(ConfigError, match="add_job"):
            box.add_job()
