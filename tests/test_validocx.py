"""The ValiDocX room keeps to the contract, from recordings and from the sandbox."""

from __future__ import annotations

import inspect
from dataclasses import fields

import pandas as pd
import pytest

from docframes import describe, load_record, validocx
from docframes.errors import AuthError, BadRequest, ConfigError, NotFound, SchemaDriftWarning
from docframes.tables.frames import empty
from docframes.tables.schema import Table
from docframes.vendors.validocx import api, tables

case = pytest.mark.vcr_case
LISTS = {
    "projects": (validocx.load_projects, tables.PROJECTS),
    "jobs": (validocx.load_jobs, tables.JOBS),
    "answers": (validocx.load_answers, tables.ANSWERS),
    "documents": (validocx.load_documents, tables.DOCUMENTS),
    "images": (validocx.load_images, tables.IMAGES),
}
#: The completed job with the fewest answers among the twelve of the recordings.
RECORDED_JOB = "fe7c80e0-6ab0-4ee4-90ec-4d2928a326ab"
every_list = pytest.mark.parametrize(("loader", "table"), LISTS.values(), ids=LISTS)


# --- recordings ---------------------------------------------------------------------------------------------------


@case("validocx/first_page.yaml")
def test_the_first_page_declares_the_rest(replayed):
    """Five of twelve jobs: limit ends the load there, and the total is known."""
    frame = validocx.load_jobs(client=replayed, page_size=5, limit=5)
    certificate = load_record(frame).certificate

    assert len(frame) == 5
    assert (certificate.verdict, certificate.declared_first) == ("PASS", 12)


@case("validocx/last_page.yaml")
def test_the_last_page_ends_the_walk(replayed):
    """Twelve jobs in pages of five: the third page is short and no fourth is asked for."""
    frame = validocx.load_jobs(client=replayed, page_size=5)

    assert (len(frame), load_record(frame).calls) == (12, 3)
    assert str(load_record(frame).certificate) == "PASS: 12 rows, as declared"


@case("validocx/empty.yaml")
def test_an_empty_list_has_the_columns_of_a_full_one(replayed):
    """A project without jobs."""
    frame = validocx.load_jobs(project_id="00000000-0000-4000-8000-000000000000", client=replayed)

    assert len(frame) == 0
    assert {name: str(dtype) for name, dtype in frame.dtypes.items()} == tables.JOBS.dtypes()


@case("validocx/revoked_key.yaml")
def test_a_revoked_key_is_an_auth_error(replayed):
    """401, with the request id in hand."""
    with pytest.raises(AuthError, match="revoked") as refused:
        validocx.load_jobs(client=replayed)

    assert refused.value.status == 401
    assert refused.value.request_id


@case("validocx/unknown_job.yaml")
def test_an_unknown_job_is_not_found(replayed):
    """404; the body is the one that the vendor's page shows."""
    with pytest.raises(NotFound, match="Job not found") as missing:
        validocx.load_job_details(["00000000-0000-4000-8000-000000000000"], client=replayed)

    assert missing.value.request_id == "b48d4b13-1fff-4064-8bd6-2e1edd781976"


@case("validocx/bad_request.yaml")
def test_a_wrong_parameter_is_a_bad_request(replayed):
    """400: the vendor says what is wrong."""
    from docframes.transport.answers import Call

    with pytest.raises(BadRequest, match="sort_by must be one of"):
        replayed.call(Call(replayed.api.endpoint("jobs"), params={"sort_by": "name"}))


@case("validocx/job_detail.yaml")
def test_one_detail_is_six_frames(replayed):
    """A recorded job: every row names the job, every photo an answer of it, and no link is left."""
    details = validocx.load_job_details([RECORDED_JOB], client=replayed)

    for frame in vars(details).values():
        assert set(frame["job_id"]) == {RECORDED_JOB}
        assert not [name for name in frame.columns if "signed_url" in name]
    assert set(details.images["answer_id"]) <= set(details.answers["answer_id"])
    assert set(details.answers["question_id"]) <= set(details.questions["question_id"])


@case("validocx/signed_file.yaml")
def test_a_signed_file_says_when_it_expires(replayed):
    """The contract's example: 600 seconds asked for, the moment as told."""
    link = validocx.sign_file("documents", "11cb4ae3-b69c-4c5f-a2f3-7b628c7a2c6f", expires_in=600, client=replayed)

    assert link.expires_at.isoformat() == "2026-03-05T10:10:00+00:00"
    assert link.name == "documents/11cb4ae3-b69c-4c5f-a2f3-7b628c7a2c6f"


# --- the contract's own examples ----------------------------------------------------------------------------------


@case("validocx/contract_projects.yaml")
def test_the_contracts_projects(replayed):
    """Two of 57: text, a missing telephone, a count, moments in UTC."""
    frame = validocx.load_projects(client=replayed, page_size=2, limit=2)

    assert frame["project_id"].tolist() == [
        "ac4e8a1d-17be-4a3e-b7ae-b4689bb304eb",
        "54f20d26-f254-4817-8116-043b88cad9ad",
    ]
    assert frame["name"].tolist() == ["14 Larch Close, Stockport", "3 Mill Row, Macclesfield"]
    assert frame["customer_phone"].isna().tolist() == [True, False]
    assert frame["job_count"].tolist() == [2, 1]
    assert frame["created_at"].iloc[1] == pd.Timestamp("2026-01-15T10:02:19Z")
    assert load_record(frame).certificate.declared_first == 57


@case("validocx/contract_jobs.yaml")
def test_the_contracts_job(replayed):
    """One job, 100 percent done."""
    frame = validocx.load_jobs(project_id="ac4e8a1d-17be-4a3e-b7ae-b4689bb304eb", client=replayed)
    row = frame.iloc[0]

    assert (len(frame), row["job_id"]) == (1, "c219c735-ccab-485e-9854-a1004f57e3e8")
    assert (row["status"], row["progress"]) == ("completed", 100.0)
    assert row["completed_at"] == pd.Timestamp("2026-03-02T15:58:12Z")


@case("validocx/contract_answers.yaml")
def test_the_contracts_answer(replayed):
    """A number: as text, and as a number beside it."""
    row = validocx.load_answers(client=replayed).iloc[0]

    assert (row["value"], row["value_number"]) == ("14.5", 14.5)
    assert pd.isna(row["value_boolean"])
    assert pd.isna(row["value_date"])
    assert row["question_text"] == "Wall moisture reading (%)"


@case("validocx/contract_documents.yaml")
def test_the_contracts_document(replayed):
    """A warranty of 284,113 bytes."""
    row = validocx.load_documents(client=replayed).iloc[0]

    assert (row["name"], row["document_type"], row["file_size"]) == ("ewi-warranty.pdf", "warranty", 284_113)


@case("validocx/contract_images.yaml")
def test_the_contracts_image(replayed):
    """With the place where it was taken; question_response_id is the answer's id."""
    row = validocx.load_images(client=replayed).iloc[0]

    assert (row["latitude"], row["longitude"]) == (53.40912, -2.17854)
    assert row["answer_id"] == "bd860c05-2ff2-4d38-983c-0d990af2cdb0"


@case("validocx/contract_job_detail.yaml")
def test_the_contracts_detail(replayed):
    """Two steps, three questions, two answers, one photo, one document."""
    details = validocx.load_job_details(["c219c735-ccab-485e-9854-a1004f57e3e8"], client=replayed)

    assert repr(details) == "JobDetails(1 jobs, 2 steps, 3 questions, 2 answers, 1 images, 1 documents)"
    assert details.jobs["project_name"].tolist() == ["14 Larch Close, Stockport"]
    assert details.steps["step_name"].tolist() == ["Pre-installation survey", "Handover"]
    assert details.questions["required"].tolist() == [True, True, False]
    assert details.answers["value_number"].tolist()[0] == 14.5
    photo = details.images.iloc[0]
    assert (photo["step_id"], photo["question_id"], photo["answer_id"], photo["image_id"]) == (
        "a052d52c-212f-4521-97cc-5043ce4ec09e",
        "0f7b9275-08df-456e-93f1-f2434b16e084",
        "bd860c05-2ff2-4d38-983c-0d990af2cdb0",
        "e49f88ee-f3f0-4595-9dd5-30a909d339e3",
    )
    assert details.documents["document_id"].tolist() == ["11cb4ae3-b69c-4c5f-a2f3-7b628c7a2c6f"]


# --- the sandbox --------------------------------------------------------------------------------------------------


@every_list
def test_a_list_has_the_declared_columns_full_and_empty(box, client, loader, table):
    """Strictly: the dtypes of a load with rows, of one without, and of the declaration are the same."""
    full = loader(client=client)
    none = loader(client=client, updated_after="2125-01-01")

    assert (len(none), len(full) > 0) == (0, True)
    assert list(full.columns) == list(none.columns) == list(table.dtypes())
    assert full.dtypes.equals(none.dtypes)
    assert full.dtypes.equals(empty(table).dtypes)


@every_list
def test_a_list_is_the_companys_own(box, client, loader, table):
    """Every row of the truth, by id, and each value of it as text."""
    resource = "question-responses" if table.name == "answers" else table.name
    truth = {row["id"]: row for row in box.company.rows(resource)}
    frame = loader(client=client).set_index(table.key[0])

    assert set(frame.index) == set(truth)
    for column in table.columns:
        if column.kind == "str" and column.name in frame.columns:
            sent = {key: row[column.path] for key, row in truth.items()}
            assert frame[column.name].to_dict() == {
                key: frame[column.name][key] if value is None else value for key, value in sent.items()
            }
            assert frame[column.name].isna().sum() == sum(value is None for value in sent.values())


@every_list
def test_every_column_of_a_load_is_described(box, client, loader, table):
    """One line for each column of the frame, in its order, with a meaning."""
    frame = loader(client=client, limit=5)
    told = describe(frame)

    assert told["column"].tolist() == list(frame.columns)
    assert told["dtype"].tolist() == [str(dtype) for dtype in frame.dtypes]
    assert (told["meaning"].str.len() > 2).all()


def test_every_column_of_the_details_is_described(box, client):
    """In all six frames."""
    details = validocx.load_job_details([job["id"] for job in box.jobs], client=client)
    for frame in vars(details).values():
        told = describe(frame)

        assert told["column"].tolist() == list(frame.columns)
        assert told["dtype"].tolist() == [str(dtype) for dtype in frame.dtypes]


def test_keys_that_nobody_declared_are_described_as_such(start, account):
    """By name, as text."""
    with pytest.warns(UserWarning, match="risk_band"):
        frame = validocx.load_jobs(client=account(start("new_keys", jobs=3)))
    told = describe(frame).set_index("column")

    assert told.loc["risk_band", "meaning"].startswith("not declared")


def test_a_record_is_found_for_a_filtered_frame(client):
    """Filter, sort and copy keep it."""
    frame = validocx.load_jobs(client=client)
    part = frame[frame["status"] == "completed"].sort_values("updated_at").copy()

    assert load_record(part) is load_record(frame)


def test_the_keys_of_the_tables_tell_rows_apart(box, client):
    """In every frame of the details, and in every list."""
    details = validocx.load_job_details([job["id"] for job in box.jobs], client=client)
    for name, frame in vars(details).items():
        key = next(level.table.key for level in tables.JOB_DETAIL.walk() if level.table.name == name)
        assert not frame.duplicated(list(key)).any()


def test_details_without_steps_have_the_dtypes_of_full_ones(start, account):
    """A job that has nothing below it."""
    from conftest import Says

    job = {"id": "j1"}
    box = start(jobs=10)
    full = validocx.load_job_details([job["id"] for job in box.jobs], client=account(box))
    bare = _bare_details(account, box, Says({"data": {"job": job, "steps": [], "documents": []}}))
    for name, frame in vars(full).items():
        assert getattr(bare, name).dtypes.equals(frame.dtypes)
        assert list(getattr(bare, name).columns) == list(frame.columns)


def _bare_details(account, box, says):
    from conftest import Scripted

    server = Scripted(lambda asked: says)
    try:
        with pytest.warns(SchemaDriftWarning):
            return validocx.load_job_details(["j1"], client=account(box, base_url=server.url))
    finally:
        server.stop()


def test_filters_reach_the_vendor(box, client):
    """By the names of the contract; a full load ascends by created_at."""
    validocx.load_jobs(project_id="p", job_template_id="t", client=client)
    validocx.load_answers(project_id="p", job_id="j", client=client)
    sort = {"sort_by": "created_at", "sort_order": "asc", "page": "1", "limit": "100"}

    assert box.calls[0].query == {"project_id": "p", "job_template_id": "t", **sort}
    assert box.calls[1].query == {"project_id": "p", "job_id": "j", **sort}


@pytest.mark.parametrize(
    "given",
    [
        "2026-01-31T08:00:00Z",
        "2026-01-31T09:00:00+01:00",
        "2026-01-31 08:00",
        pd.Timestamp("2026-01-31T08:00:00Z"),
        pd.Timestamp("2026-01-31T08:00:00").to_pydatetime(),
    ],
)
def test_an_incremental_load_steps_back_a_second(box, client, given):
    """The bound is taken to be exclusive; in UTC, sorted by updated_at."""
    validocx.load_jobs(updated_after=given, client=client)

    assert box.calls[0].query["updated_after"] == "2026-01-31T07:59:59.000+00:00"
    assert (box.calls[0].query["sort_by"], box.calls[0].query["sort_order"]) == ("updated_at", "asc")


def test_the_step_back_is_an_assumption(box, account):
    """Ten seconds, for those who know better."""
    box.clear_calls()
    validocx.load_jobs(
        updated_after="2026-01-31T08:00:00Z", client=account(box, assumptions={"updated_after_overlap": 10})
    )

    assert box.calls[0].query["updated_after"] == "2026-01-31T07:59:50.000+00:00"


@pytest.mark.parametrize("given", ["yesterday", "31.01.2026", "20260131", ""])
def test_a_moment_that_cannot_be_read_is_refused(box, client, given):
    """Before anything is sent."""
    with pytest.raises(ConfigError, match="updated_after"):
        validocx.load_jobs(updated_after=given, client=client)
    assert box.count() == 0


def test_a_row_at_the_very_moment_is_not_lost(box, client):
    """The last row known is loaded again, not passed over."""
    moments = validocx.load_jobs(client=client)["updated_at"]
    latest = validocx.load_jobs(client=client, updated_after=moments.max())

    assert moments.max() in set(latest["updated_at"])


# --- the room -----------------------------------------------------------------------------------------------------


LOADERS = [getattr(validocx, name) for name in validocx.__all__ if name.startswith("load_")]


@pytest.mark.parametrize("loader", LOADERS, ids=lambda loader: loader.__name__)
def test_every_loader_takes_the_same_options(loader):
    """Keyword-only, defaulted in sight, documented."""
    options = inspect.signature(loader).parameters
    common = ["limit", "refresh", "progress", "allow_partial", "client"]

    assert set(common) <= set(options)
    assert all(options[name].kind is inspect.Parameter.KEYWORD_ONLY for name in common)
    assert not [name for name, option in options.items() if option.kind is inspect.Parameter.VAR_KEYWORD]
    assert loader.__doc__


def test_every_table_of_the_room_has_a_loader():
    """Five lists and one detail, and the frames of the detail have the names of its tables."""
    names = {field.name for field in fields(validocx.JobDetails)}

    assert names == {level.table.name for level in tables.JOB_DETAIL.walk()}
    assert {table.name for table in vars(tables).values() if isinstance(table, Table)} <= names | set(LISTS)


def test_links_are_asked_for_when_a_file_is_wanted():
    """No table has a column for a signed link."""
    for level in tables.JOB_DETAIL.walk():
        assert not [name for name in level.table.dtypes() if "url" in name]


def test_the_documented_facts_are_the_contracts():
    """Address, header, page sizes, expiry limits and kinds, as the vendor's page has them."""
    assert api.BASE_URL == "https://api.validocx.com/functions/v1"
    assert api.KEY_HEADER == "x-api-key"
    assert (api.DEFAULT_PAGE, api.DEFAULT_PAGE_SIZE, api.LARGEST_PAGE_SIZE) == (1, 25, 100)
    assert (api.SHORTEST_EXPIRY, api.DEFAULT_EXPIRY, api.LONGEST_EXPIRY) == (60, 300, 3600)
    assert api.FILE_KINDS == ("documents", "images", "installer-certs")
    assert len(api.KEY_PREFIX) + 8 + 1 + 64 == api.KEY_LENGTH
