"""The invented company: lifelike, coherent, and the same for the same seed."""

from __future__ import annotations

from collections import Counter

import pytest

from docframes.sandbox.company import Company
from docframes.sandbox.company.questions import TYPES


@pytest.fixture(scope="module")
def company():
    return Company(7)


def answers_of(company, job):
    return [answer for _, _, answer in company.form(job["id"]).answers()]


def test_every_status_occurs(company):
    """All five statuses, even among a few jobs; most jobs are completed."""
    statuses = Counter(job["status"] for job in company.jobs)

    assert set(statuses) == {"not_started", "in_progress", "submitted", "completed", "rejected"}
    assert statuses.most_common(1)[0][0] == "completed"
    assert {job["status"] for job in Company(1, count=5).jobs} == set(statuses)


def test_forms_have_four_to_eight_steps_and_some_thirty_answers(company):
    """Counted over all jobs that were worked on."""
    worked = [job for job in company.jobs if job["status"] != "not_started"]
    steps = {len(company.form(job["id"]).steps) for job in worked}
    done = [len(answers_of(company, job)) for job in company.jobs if job["status"] == "completed"]

    assert min(steps) >= 4
    assert max(steps) <= 8
    assert len(steps) > 1
    assert 28 <= sum(done) / len(done) <= 40


def test_a_job_not_started_has_questions_and_no_answers(company):
    """Every question is there, unanswered."""
    job = next(job for job in company.jobs if job["status"] == "not_started")
    form = company.form(job["id"])

    assert all(question["answers"] == [] for _, question in form.questions())
    assert {step["status"] for step in form.steps} == {"not_started"}


def test_a_job_in_progress_ends_somewhere(company):
    """Its first step is complete or begun, its last is not."""
    jobs = [job for job in company.jobs if job["status"] == "in_progress"]
    forms = [company.form(job["id"]) for job in jobs]

    assert {form.steps[0]["status"] for form in forms} <= {"completed", "in_progress"}
    assert "not_started" in {form.steps[-1]["status"] for form in forms}


def test_each_type_answers_in_its_own_form(company):
    """Numbers are numbers, lists are lists of text, photos have images and no value."""
    forms = [company.form(job["id"]) for job in company.jobs]
    values = {kind: [] for kind in TYPES}
    for form in forms:
        for _, question, answer in form.answers():
            values[question["type"]].append(answer)
    kinds = {kind: {type(answer["value"]) for answer in given} for kind, given in values.items()}

    assert kinds["number"] == {int, float}
    assert kinds["boolean"] == {bool}
    assert kinds["multi_select"] >= {list}
    assert kinds["photo"] == {type(None)}
    assert kinds["date"] == kinds["select"] == kinds["signature"] == {str}
    assert kinds["text"] == {str, type(None)}
    assert all(1 <= len(answer["images"]) <= 3 for answer in values["photo"])
    assert all(len(answer["images"]) == 1 for answer in values["signature"])
    assert all(isinstance(item, str) for a in values["multi_select"] for item in a["value"] or [])


def test_awkward_texts_occur(company):
    """Non-ASCII, quotes, line breaks, leading zeros and what a spreadsheet takes for a formula."""
    texts = [row["answer"] for row in company.answers if row["question_type"] == "text" and row["answer"]]

    assert any(not text.isascii() for text in texts)
    assert any('"' in text for text in texts)
    assert any("\n" in text for text in texts)
    assert any(text.startswith("0") for text in texts)
    assert "=1+1" in texts


def test_questions_left_open_and_answered_twice_occur(company):
    """Completed jobs have unanswered questions, and some with two answers."""
    counts = Counter(
        len(question["answers"])
        for job in company.jobs
        if job["status"] == "completed"
        for _, question in company.form(job["id"]).questions()
    )

    assert set(counts) == {0, 1, 2}


def test_photos_lie_near_the_property_unless_planted(company):
    """Within some hundred metres, but for the job whose photos were taken elsewhere."""
    away = next(fault["ids"] for fault in company.truth() if fault["fault"] == "photo_elsewhere")
    placed = [row for row in company.images if row["latitude"] is not None]
    far = {row["job_id"] for row in placed if abs(row["latitude"] - company.place(row["project_id"]).latitude) > 0.01}

    assert far == set(away)
    assert len(placed) < len(company.images)


def test_a_photo_is_the_same_file_in_two_jobs_only_where_planted(company):
    """Bytes differ from photo to photo, but for the pair that was planted."""
    seen = Counter()
    owners = {}
    for row in company.images:
        content = company.file("images", row["id"]).read()
        seen[content] += 1
        owners.setdefault(content, []).append(row["job_id"])
    repeated = [owners[content] for content, count in seen.items() if count > 1]
    planted = next(fault["ids"] for fault in company.truth() if fault["fault"] == "reused_photo")

    assert [sorted(ids) for ids in repeated] == [sorted(planted)]


def test_ids_are_unique_within_their_kind(company):
    """No two answers, images, documents, jobs or projects share an id."""
    for name in ("projects", "jobs", "question-responses", "documents", "images"):
        ids = [row["id"] for row in company.rows(name)]
        assert len(ids) == len(set(ids))


def test_projects_follow_from_their_jobs(company):
    """job_count counts, updated_at is no earlier than any job's, completed means every job is."""
    for project in company.projects:
        jobs = [job for job in company.jobs if job["project_id"] == project["id"]]
        assert project["job_count"] == len(jobs) > 0
        assert project["updated_at"] >= max(job["updated_at"] for job in jobs)
        if project["status"] == "completed":
            assert {job["status"] for job in jobs} == {"completed"}


def test_moments_are_in_order(company):
    """A job is created before its answers, and no answer is later than its completion."""
    for job in company.jobs:
        if job["status"] == "completed":
            moments = [a["answered_at"] for a in answers_of(company, job) if a["answered_at"]]
            assert job["created_at"] < min(moments)
            assert max(moments) <= job["completed_at"] <= job["updated_at"]


def test_addresses_cannot_be_real(company):
    """No postcode begins with a letter that postcodes begin with in earnest, and mail goes nowhere."""
    assert {project["postcode"][0] for project in company.projects} <= set("QVX")
    mails = [project["customer_email"] for project in company.projects if project["customer_email"]]
    assert all(mail.endswith("@example.org") for mail in mails)


def test_a_job_looks_the_same_whichever_is_asked_first():
    """Forms depend on their job alone, not on the order of asking."""
    one, other = Company(5, count=20), Company(5, count=20)
    forward = [one.form(job["id"]).steps for job in one.jobs]
    backward = [other.form(job["id"]).steps for job in reversed(other.jobs)]

    assert forward == backward[::-1]


def test_a_file_is_found_before_its_job_was_asked_for():
    """An id known from elsewhere opens in a company that has shown nothing yet."""
    known = Company(5, count=20).images[0]["id"]
    file = Company(5, count=20).file("images", known)

    assert file.mime_type == "image/jpeg"
