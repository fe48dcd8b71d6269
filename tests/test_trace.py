"""Where a row came from, over every loader of the five rooms: the answer, the place in it, and the record there."""

from __future__ import annotations

import hashlib
import sqlite3
import warnings
from functools import reduce
from pathlib import Path
from typing import Any

import orjson
import pandas as pd
import pytest
from conftest import Says
from test_explain import ARGUMENTS, NAMES, ROOMS

import docframes
from docframes import docdigitizer, load_record, sandbox, validis, validocx, veridox
from docframes.errors import AccessWarning, ConfigError
from docframes.tables import loads
from docframes.tables.loads import ATTRS_KEY
from docframes.transport import journal

TRACE = "docframes_trace"
LOADERS = [name for name in NAMES if not name.endswith("_extract")]
#: Answers with links are kept by no cache; the process has them as long as it lasts.
NEVER_KEPT = "docdigitizer.load_assets"
#: For each frame a column, and where the vendor's contract has its value in the record; together they tell rows apart.
OWN = {
    "docdigitizer.load_documents": {"document_id": "id", "file_name": "filename"},
    "docdigitizer.load_annotation_fields": {"value": ""},
    "docdigitizer.load_assets": {"name": "name", "media_type": "media_type"},
    "docdigitizer.load_reviews": {"review_id": "id", "document_id": "document_id"},
    "docdigitizer.load_tasks": {"task_id": "id", "document_id": "document_id"},
    "papershift.load_account_documents": {"document_id": "id", "name": "attributes.name"},
    "papershift.load_documents": {"document_id": "id", "name": "attributes.name"},
    "papershift.load_teams": {"team_id": "id", "name": "attributes.name"},
    "papershift.load_users": {"user_id": "id", "email": "attributes.email"},
    "validis.load_accounts": {"account_id": "accountId", "code": "code"},
    "validis.load_engagements": {"engagement_id": "id", "owner_email": "Owner.email"},
    "validis.load_journals": {"line_id": "id", "account_id": "accountId"},
    "validis.load_payable_items": {"item_id": "id", "supplier_id": "supplierId"},
    "validis.load_receivable_items": {"item_id": "id", "customer_id": "customerId"},
    "validis.load_periods": {"period_id": "id", "financial_year": "financialYear"},
    "validis.load_report": {"period": "period", "value": "value"},
    "validocx.load_answers": {"answer_id": "id", "question_id": "question_id"},
    "validocx.load_documents": {"document_id": "id", "name": "name"},
    "validocx.load_images": {"image_id": "id", "answer_id": "question_response_id"},
    "validocx.load_jobs": {"job_id": "id", "reference": "reference"},
    "validocx.load_projects": {"project_id": "id", "name": "name"},
    "validocx.load_job_details.jobs": {"job_id": "job.id", "project_id": "project.id"},
    "validocx.load_job_details.steps": {"step_id": "id", "step_name": "name"},
    "validocx.load_job_details.questions": {"question_id": "id", "question_text": "text"},
    "validocx.load_job_details.answers": {"answer_id": "id", "answered_by": "answered_by"},
    "validocx.load_job_details.images": {"image_id": "id", "file_name": "file_name"},
    "validocx.load_job_details.documents": {"document_id": "id", "name": "name"},
    "veridox.load_analyses.files": {"file_id": "file_id", "label": "label"},
    "veridox.load_analyses.findings": {"heading": "heading", "description": "description"},
    "veridox.load_analyses.module_findings": {"alert_type": "alert_type", "description": "description"},
    "veridox.load_analyses.modules": {"module_id": "module_id", "module_name": "module_name"},
    "veridox.load_analyses.observations": {"observation": ""},
    "veridox.load_analyses.risk_assessments": {"target": "target", "risk_level": "risk_level"},
    "veridox.load_analyses.search_results": {"result_id": "result_id", "title": "title"},
    "veridox.load_analyses.suggested_actions": {"action": "action", "justification": "justification"},
    "veridox.load_case_details.cases": {"case_id": "case_id", "label": "label"},
    "veridox.load_case_details.files": {"file_id": "file_id", "label": "label"},
    "veridox.load_cases": {"case_id": "case_id", "label": "label"},
    "veridox.load_files": {"file_id": "file_id", "label": "label"},
    "veridox.search_files": {"file_id": "file_id", "label": "label"},
}  # fmt: skip


def pointed(document: Any, pointer: str) -> Any:
    """What a JSON pointer means, after RFC 6901 and nothing else."""
    assert pointer == "" or pointer.startswith("/")
    tokens = [token.replace("~1", "/").replace("~0", "~") for token in pointer.split("/")[1:]]
    return reduce(lambda value, token: value[int(token) if isinstance(value, list) else token], tokens, document)


@pytest.mark.parametrize(
    ("pointer", "value"), [("", ...), ("/foo/0", "bar"), ("/a~1b", 1), ("/m~0n", 8), ("/", 0), ("/ ", 7)]
)
def test_pointers_are_read_as_the_standard_has_them(pointer, value):
    """The examples of RFC 6901, section 5, for this file's own reading of pointers."""
    document = {"foo": ["bar", "baz"], "": 0, "a/b": 1, " ": 7, "m~n": 8}

    assert pointed(document, pointer) == (document if value is ... else value)


def bodies(folder: Path) -> dict[str, bytes]:
    """Every body that stands in a store of answers below *folder*, by its SHA-256, read with nothing of docframes."""
    found = {}
    for path in folder.glob("*.sqlite"):
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as connection:
            for (value,) in connection.execute("SELECT value FROM responses"):
                body = orjson.loads(value)["body"]["text"].encode()
                found[hashlib.sha256(body).hexdigest()] = body
    return found


def text(value: Any) -> str | None:
    """As a frame of text would have it."""
    if value is None or value is pd.NA or value != value:
        return None
    return "true" if value is True else "false" if value is False else str(value)


def some(frame: pd.DataFrame) -> list[int]:
    """Places of the first row, the last one, and a few between."""
    return sorted({*range(0, len(frame), max(1, len(frame) // 6)), len(frame) - 1}) if len(frame) else []


@pytest.fixture(scope="module")
def company():
    with sandbox.running(jobs=10, time_scale=0.01, environment=False) as running:
        yield running


@pytest.fixture
def environment(company, monkeypatch):
    """The environment of the company's accounts, with the test's own cache."""
    for name, value in company.environment().items():
        if name != "DOCFRAMES_CACHE_DIR":
            monkeypatch.setenv(name, value)
    return company


def load(name: str, **more: Any) -> dict[str, pd.DataFrame]:
    """The frames of one loader, by name; of one that gives a single frame, under its own."""
    vendor, loader = name.split(".")
    arguments = dict(ARGUMENTS.get(name, {}))
    if loader == "load_case_details":
        arguments["cases"] = veridox.load_cases()
    if loader == "load_analyses":
        arguments["files"] = veridox.load_files()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AccessWarning)
        came = getattr(ROOMS[vendor], loader)(**arguments, progress=False, **more)
    frames = {"": came} if isinstance(came, pd.DataFrame) else {f".{key}": frame for key, frame in vars(came).items()}
    return {name + key: frame for key, frame in frames.items() if ATTRS_KEY in frame.attrs}


@pytest.fixture(params=LOADERS)
def traced(request, environment) -> dict[str, pd.DataFrame]:
    """The frames of every loader, one after another, loaded to be traced."""
    return load(request.param, trace=True)


def check(frames: dict[str, pd.DataFrame], folder: Path) -> None:
    """Every Trace of some rows says where its record stands, and the record is the row's own."""
    kept = bodies(folder)
    for name, frame in frames.items():
        answers = load_record(frame).answers
        for place in some(frame):
            row = frame.iloc[place]
            found = docframes.trace(frame, frame.index[place])

            assert (found.vendor, found.loader) == tuple(name.split(".")[:2])
            assert found.request.startswith("GET http://127.0.0.1:")
            assert "#" not in found.request
            assert 1 <= found.page <= found.pages == len(answers)
            assert found.fetched_at == answers[found.page - 1].fetched_at
            assert found.note == ""
            if name != NEVER_KEPT:
                body = orjson.loads(kept[found.sha256])
                assert pointed(body, found.pointer) == found.record
            if name != "docdigitizer.load_line_items":
                assert holds(found.record, row, OWN[name])


def holds(record: Any, row: pd.Series, own: dict[str, str]) -> bool:
    """Whether the record has what the row has, at the places that the vendor's contract names."""
    keys = {column: filter(None, path.split(".")) for column, path in own.items()}
    sent = {column: reduce(lambda value, key: value[key], path, record) for column, path in keys.items()}
    if any(isinstance(value, list | dict) for value in sent.values()):
        return {column: orjson.loads(row[column]) for column in own} == sent
    return {column: text(row[column]) for column in own} == {column: text(value) for column, value in sent.items()}


# --- over every loader --------------------------------------------------------------------------------------------


def test_the_record_of_a_row_stands_where_its_trace_says(traced, tmp_path):
    """In the body that the account's cache keeps, under its SHA-256, at the pointer; and it holds the row's values."""
    assert any(map(len, traced.values()))
    check(traced, tmp_path / "cache")


@pytest.mark.parametrize("name", [name for name in LOADERS if name != NEVER_KEPT])
def test_a_load_that_was_kept_is_traced_as_well(name, environment, tmp_path):
    """In another process nothing but the cache knows of the load."""
    load(name, trace=True)
    loads._loads.clear()
    journal.JOURNAL.answers.clear()
    journal.JOURNAL.bodies.clear()
    frames = load(name, trace=True)

    assert {load_record(frame).calls for frame in frames.values()} <= {0, 1}
    with docframes.offline():
        check(frames, tmp_path / "cache")


def test_every_column_that_traces_is_the_last_a_whole_number_and_described(traced, environment):
    """The same dtype with rows or without; absent where nobody asked for it; and the two loads are kept apart."""
    for frame in traced.values():
        assert frame.columns[-1] == TRACE
        assert str(frame.dtypes[TRACE]) == str(frame[:0].dtypes[TRACE]) == "Int64"
        assert frame[TRACE].is_unique
        described = docframes.describe(frame).set_index("column").loc[TRACE]
        assert (described["dtype"], "docframes.trace" in described["meaning"]) == ("Int64", True)
    name = next(iter(traced)).rpartition(".")[0] if len(traced) > 1 else next(iter(traced))
    plain = load(name)

    assert plain.keys() == traced.keys()
    for key, frame in plain.items():
        assert TRACE not in frame.columns
        pd.testing.assert_frame_equal(frame, traced[key].drop(columns=TRACE))
        if len(frame):
            with pytest.raises(ConfigError, match=rf"{name}\(\.\.\., trace=True\)"):
                docframes.trace(frame, 0)


def test_no_trace_holds_a_secret(traced, environment):
    """Neither its repr, nor its HTML, nor the record: links are cut and signatures masked."""
    for frame in traced.values():
        for place in some(frame):
            found = docframes.trace(frame, frame.index[place])
            shown = repr(found) + found._repr_html_() + repr(vars(found))

            assert [canary for canary in environment.canaries if canary in shown] == []
            assert found.sha256 in repr(found)
            assert found.sha256 in found._repr_html_()


def test_frames_of_which_no_row_came_have_the_column_too(scripted_client):
    """So that code written on a full frame runs on an empty one."""
    client = scripted_client(lambda asked: Says({"data": [], "pagination": {"page": 1, "total": 0, "total_pages": 0}}))
    frame = validocx.load_jobs(client=client, trace=True)

    assert (len(frame), frame.columns[-1], str(frame.dtypes[TRACE])) == (0, TRACE, "Int64")


# --- rows that are less than a record, or more -----------------------------------------------------------------------


def test_items_point_to_the_item(environment, tmp_path):
    """Not to the list that it stands in, nor to one of its cells."""
    frame = docdigitizer.load_line_items(trace=True)
    for place in some(frame):
        row = frame.iloc[place]
        found = docframes.trace(frame, frame.index[place])

        assert found.pointer.endswith(f":{row['table']}/{row['row_index']}")
        cells = {key: row[key] for key in found.record if isinstance(row[key], str)}
        assert cells
        assert cells == {key: found.record[key] for key in cells}


def test_figures_point_to_the_figure(environment, tmp_path):
    """Below the row of the report that has their label."""
    frame = validis.load_report("balance-sheet-standard", "4711", accept_unassigned=True, trace=True)
    for label, row in frame.iterrows():
        found = docframes.trace(frame, label)

        assert found.record == {"period": row["period"], "value": row["value"]}
        report = orjson.loads(bodies(tmp_path / "cache")[found.sha256])
        assert pointed(report, found.pointer.rpartition("/values/")[0])["label"] == row["label"]


@pytest.mark.parametrize(
    ("report", "pointers"),
    [
        ({"sales": {"label": "Sales", "value": 5}}, ["/sales/value"]),
        ([{"name": "Sales", "2025": 1.5, "2026": 2.5}, {"name": "Costs"}], ["/0/2025", "/0/2026", "/1"]),
        ({"rows": [{"label": "a/b", "values": {"Q/1": 1, "2~": 2}}]}, ["/rows/0/values/Q~11", "/rows/0/values/2~0"]),
        ({"rows": [{"label": "x", "values": [7, 8]}]}, ["/rows/0/values/0", "/rows/0/values/1"]),
        ({"rows": ["odd", {"label": "x", "value": "3.5"}]}, ["/rows/0", "/rows/1/value"]),
    ],
)  # fmt: skip
def test_figures_of_other_layouts_are_found_too(scripted, settings, report, pointers):
    """The layout of a report is assumed; wherever a figure was found, there it points."""

    def answer(asked):
        return Says({"access_token": "t" * 20, "expires_in": 1800} if "token" in asked.path else report)

    with validis.Client(api_key="a" * 32, base_url=scripted(answer).url, settings=settings) as client:
        frame = validis.load_report("balance-sheet-standard", 1, client=client, trace=True)

    assert [docframes.trace(frame, label).pointer for label in frame.index] == pointers
    assert [docframes.trace(frame, label).record for label in frame.index] == [pointed(report, one) for one in pointers]
