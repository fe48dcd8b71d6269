"""The room against another DocDigitizer, whose assumed parts turned out differently in every way the contract names."""

from __future__ import annotations

import contextlib
import warnings

import orjson
import pandas as pd
import pytest

from docframes import load_record
from docframes.errors import AuthError, SchemaDriftWarning, ShapeError
from docframes.vendors import docdigitizer
from tests.realities.docdigitizer import IDS, ITEMS, KEY, PREFIX, Reality, serving


@pytest.fixture
def client(settings):
    """A client of another reality: ``client(Reality(...))``."""
    with contextlib.ExitStack() as stack:

        def make(reality, **options):
            url = stack.enter_context(serving(reality))
            return stack.enter_context(docdigitizer.Client(api_key=KEY, base_url=url, settings=settings, **options))

        yield make


@contextlib.contextmanager
def drift_allowed():
    """Keys that differ may be told; here it counts what is loaded."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SchemaDriftWarning)
        yield


def camel(record):
    def spelled(key):
        first, *rest = key.split("_")
        return first + "".join(word.capitalize() for word in rest)

    return {spelled(key): value for key, value in record.items()}


def renamed(record):
    names = {"id": "document_id", "document_class": "class", "annotation_status": "state", "reviewed": "is_reviewed",
             "filename": "file_name", "created": "created_at", "updated": "modified"}  # fmt: skip
    return {names.get(key, key): value for key, value in record.items()}


def without(*keys):
    return lambda record: {key: value for key, value in record.items() if key not in keys}


def having(**values):
    return lambda record: {**record, **values}


LISTS = {
    "as documented": Reality(),
    "bare array": Reality(envelope=lambda name, rows: rows),
    "items": Reality(envelope=lambda name, rows: {"items": rows}),
    "data": Reality(envelope=lambda name, rows: {"status": 200, "data": rows}),
    "results, with another list": Reality(envelope=lambda name, rows: {"results": rows, "columns": ["id"]}),
    "any other one list": Reality(envelope=lambda name, rows: {"page": rows}),
    "plural in another case": Reality(envelope=lambda name, rows: {name.capitalize(): rows}),
    "flags in capitals": Reality(yes="TRUE", no="FALSE"),
    "flags as in Python": Reality(yes="True", no="False"),
    "no flag on the last page": Reality(no=None),
    "a cursor on the last page": Reality(always_cursor=True),
    "pages of one, whatever is asked": Reality(size=1),
    "integer ids": Reality(document=lambda record: {**record, "id": int(record["id"])}),
    "camel case": Reality(document=camel),
    "aliases": Reality(document=renamed),
    "optional keys missing": Reality(document=without("tags", "reviewed", "links", "filename", "document_class")),
}


@pytest.mark.parametrize("name", LISTS)
def test_the_list_is_loaded_however_it_comes(client, name):
    """The same documents, with text ids, moments in UTC and all declared columns."""
    with drift_allowed():
        frame = docdigitizer.load_documents(client=client(LISTS[name]), page_size=2)

    assert frame["document_id"].tolist() == list(IDS)
    assert frame["created"].tolist() == [pd.Timestamp("2024-03-08T09:41:07.218304Z")] * 3
    assert frame["state"].tolist() == ["success"] * 3
    assert load_record(frame).certificate.verdict in ("PASS", "CANNOT_PROVE")


@pytest.mark.parametrize(
    "sent",
    ["2024-03-08T09:41:07Z", "2024-03-08 09:41:07", "2024-03-08T10:41:07+01:00", "2024-03-08T09:41:07.0000000Z",
     1709890867, 1709890867000],
)  # fmt: skip
def test_moments_are_read_in_every_usual_form(client, sent):
    """With or without zone, with seven digits, in seconds or milliseconds since 1970."""
    frame = docdigitizer.load_documents(client=client(Reality(document=having(created=sent))))

    assert set(frame["created"]) == {pd.Timestamp("2024-03-08T09:41:07Z")}


@pytest.mark.parametrize("name", LISTS)
def test_fields_are_loaded_however_documents_come(client, name):
    """Three fields and two items of each of the three bills."""
    with drift_allowed():
        frame = docdigitizer.load_annotation_fields(client=client(LISTS[name]))

    totals = frame[frame["field"] == "amount_total"]
    assert dict(zip(totals["document_id"], totals["value_number"], strict=True)) == {"11": 11.5, "12": 12.5, "13": 13.5}
    assert len(frame) == 3 * (3 + 4)


DETAILS = {
    "no envelope": Reality(wrap=lambda document: document),
    "under data": Reality(wrap=lambda document: {"data": document}),
    "annotations in their own answer": Reality(own_annotations=True),
    "annotations null, and in their own answer": Reality(document=lambda record: {**record, "annotations": None}),
    "a history, in their own answer": Reality(
        own_annotations=True,
        annotations=lambda data: [
            {"created": "2024-03-09T00:00:00", "data": data},
            {"created": "2024-03-08T00:00:00", "data": {"old": "1"}},
        ],
    ),
    "a history without times": Reality(annotations=lambda data: [{"data": {"old": "1"}}, {"data": data}]),
    "the map itself": Reality(annotations=lambda data: data),
    "beside the document": Reality(
        wrap=lambda document: {"annotations": document.pop("annotations"), "document": document}
    ),
    "state 91": Reality(document=having(annotation_status=91)),
    "state READY": Reality(document=having(annotation_status="READY")),
    "state Annotated": Reality(document=having(annotation_status="Annotated")),
    "no state at all": Reality(document=without("annotation_status")),
    "state under another name": Reality(
        document=lambda record: {**without("annotation_status")(record), "progress": "success"}
    ),
    "values as objects": Reality(value=lambda text: {"value": text, "confidence": 0.9}),
    "values as numbers": Reality(value=float),
    "items as lists of columns": Reality(
        items=lambda items: {f"{PREFIX}line_items": {key: [item[key] for item in items] for key in items[0]}}
    ),
    "items in a text": Reality(items=lambda items: {f"{PREFIX}line_items": orjson.dumps(items).decode()}),
    "items in the keys": Reality(
        items=lambda items: {
            f"{PREFIX}line_items:{place}:{key}": value
            for place, item in enumerate(items)
            for key, value in item.items()
        }
    ),
}


@pytest.mark.parametrize("name", DETAILS)
def test_fields_and_items_are_loaded_however_they_stand(client, name):
    """The same rows, whatever the form."""
    made = client(DETAILS[name])
    with drift_allowed():
        frame = docdigitizer.load_annotation_fields(client=made)
        items = docdigitizer.load_line_items(client=made)

    totals = frame[frame["field"] == "amount_total"]
    assert dict(zip(totals["document_id"], totals["value_number"], strict=True)) == {"11": 11.5, "12": 12.5, "13": 13.5}
    assert (frame.loc[frame["field"] == "issue_date", "value_date"] == pd.Timestamp(2024, 3, 7)).all()
    assert len(items) == 3 * len(ITEMS)
    assert items["item_total"].tolist() == [210.0, 12.5] * 3


def test_items_without_names_keep_their_cells(client):
    """A list of lists: cells by place, as columns of their own."""
    reality = Reality(items=lambda items: {f"{PREFIX}line_items": [list(item.values()) for item in items]})
    items = docdigitizer.load_line_items(client=client(reality))

    assert items["1"].tolist() == ["210.00", "12.50"] * 3


#: What cannot be loaded, the assumption that the error names, and the one line that mends it.
MENDED = {
    "rows elsewhere": (
        Reality(envelope=lambda name, rows: {"payload": {"rows": rows}, "columns": [], "filters": []}),
        "list_documents",
        {"list_documents": "payload.rows"},
    ),
    "a document elsewhere": (
        Reality(wrap=lambda document: {"status": 200, "payload": document}),
        "document_object",
        {"document_object": "payload"},
    ),
    "a field map elsewhere": (
        Reality(annotations=lambda data: {"values": data}),
        "annotation_data",
        {"annotation_data": "values"},
    ),
    "an id under another name": (
        Reality(document=lambda record: {**without("id")(record), "key": record["id"]}),
        "document_id",
        {"columns": {"documents": {"document_id": "key"}}},
    ),
    "states nobody knows": (
        Reality(document=having(annotation_status="finished")),
        "complete_states",
        {"complete_states": ["finished"]},
    ),
}


@pytest.mark.parametrize("name", MENDED)
def test_what_cannot_be_loaded_names_the_assumption_and_its_mend(client, name):
    """Never a smaller frame: a ShapeError, and with the one argument it names the load is whole."""
    reality, named, mend = MENDED[name]
    with drift_allowed():
        with pytest.raises(ShapeError, match=f"assumptions=.*{named}"):
            docdigitizer.load_annotation_fields(client=client(reality))
        frame = docdigitizer.load_annotation_fields(client=client(reality, assumptions=mend))

    assert set(frame["document_id"]) == set(IDS)
    assert (frame["field"] == "amount_total").sum() == 3


@pytest.mark.parametrize(
    "review",
    [
        lambda review: review,
        lambda review: {"reviewId": review["id"], "who": "curator 7"},
        lambda review: {"note": "no id at all"},
        lambda review: "a text",
    ],
)
def test_reviews_are_generic_records(client, review):
    """Nothing about them is promised, and nothing is lost."""
    with drift_allowed():
        frame = docdigitizer.load_reviews(client=client(Reality(review=review)))

    assert frame["document_id"].tolist() == list(IDS)
    sent = review({"id": "r11", "status": "reviewed"})
    values = list(sent.values()) if isinstance(sent, dict) else [sent]
    assert set(values) <= set(frame.iloc[0].dropna())


@pytest.mark.parametrize(
    "assets",
    [
        lambda asset: {"assets": [asset]},
        lambda asset: [asset],
        lambda asset: [asset["links"]["self"]],
        lambda asset: {"links": [asset["links"]["self"]]},
        lambda asset: {"items": [{"id": 7, "href": asset["links"]["self"]}]},
        lambda asset: {"data": [{"filename": "a.pdf", "mimeType": "application/pdf", "url": asset["links"]["self"]}]},
    ],
)
def test_assets_are_found_and_fetched_however_they_are_listed(client, assets):
    """Objects or bare links; the bytes come by the id that the frame names."""
    made = client(Reality(assets=assets))
    with drift_allowed():
        frame = docdigitizer.load_assets(client=made)
    links = docdigitizer.loaders.file_links("assets", frame["asset_id"].tolist(), client=made)

    assert [links[asset_id].bytes() for asset_id in frame["asset_id"]] == [b"%PDF 11", b"%PDF 12", b"%PDF 13"]


@pytest.mark.parametrize(
    ("submitted", "status"),
    [
        (lambda task: {"detail": "Accepted", "status": 202, "task": task}, 202),
        (lambda task: {"detail": "Created", "status": 201, "task": {**task, "document_id": 14}}, 201),
        (lambda task: {"data": {**task, "documentId": "14"}}, 200),
        (lambda task: task, 202),
    ],
)
def test_a_submission_gives_its_ids_however_it_is_answered(client, tmp_path, submitted, status):
    """In an envelope or bare, with the document's id in the body or in the header alone."""
    path = tmp_path / "a.pdf"
    path.write_bytes(b"%PDF")
    handed_in = docdigitizer.submit_document(path, client=client(Reality(submitted=submitted, status=status)))

    assert (handed_in.task_id, handed_in.document_id) == ("t14", "14")


def test_a_submission_without_an_id_warns_not_to_send_again(client, tmp_path):
    """The file was taken: what is not known is only under which name."""
    path = tmp_path / "a.pdf"
    path.write_bytes(b"%PDF")
    reality = Reality(submitted=lambda task: {"task": {"key": "t14"}})

    with pytest.raises(ShapeError, match=r"Do not send it again"):
        docdigitizer.submit_document(path, client=client(reality))
    mend = {"columns": {"tasks": {"task_id": "key"}}}
    assert docdigitizer.submit_document(path, client=client(reality, assumptions=mend)).task_id == "t14"


@pytest.mark.parametrize(
    "error",
    [
        lambda status, code: {"detail": code, "status": status},
        lambda status, code: {"error": {"code": code}},
        lambda status, code: {"messages": [code]},
        lambda status, code: [code],
    ],
)
def test_a_message_code_is_found_wherever_it_stands(client, error):
    """No key of the error's body is documented."""
    made = client(Reality(error=error))
    made.auth = type(made.auth)("Authorization", "API_KEY", 0, "another-key")

    with pytest.raises(AuthError) as caught:
        docdigitizer.load_documents(client=made)
    assert caught.value.code == "WRONG_AUTH"
