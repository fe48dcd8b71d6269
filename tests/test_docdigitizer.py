"""The DocDigitizer room against the sandbox, and against small scripted answers."""

from __future__ import annotations

import contextlib

import pandas as pd
import pytest
from conftest import Says

from docframes import describe, files, load_record, offline
from docframes.errors import (
    AuthError,
    BadRequest,
    BrokenCursor,
    ColumnError,
    ConfigError,
    DocframesWarning,
    IncompleteLoad,
    NotFound,
    OfflineMiss,
    SchemaDriftWarning,
    ServerError,
    ShapeError,
    VendorError,
)
from docframes.vendors import docdigitizer
from docframes.vendors.docdigitizer.api import ADVICE, MESSAGE_CODES

KEY = "6e1f0c52-9a7b-4d3e-8c15-b2d4f6a80931"
DOC = "5d0c7a52-3f1e-4b9a-9c38-71e2f0a4b6d1"
PREFIX = "document:financial-document:"


@pytest.fixture
def room(settings):
    """A client of a sandbox: ``room(box)``."""
    with contextlib.ExitStack() as stack:

        def make(box, **options):
            given = {"api_key": box.key("docdigitizer"), "base_url": box.url("docdigitizer"), "settings": settings}
            return stack.enter_context(docdigitizer.Client(**{**given, **options}))

        yield make


@pytest.fixture
def told(scripted, settings):
    """A client of a server that says what a function tells it; the server is its ``.server``."""
    with contextlib.ExitStack() as stack:

        def make(answer, **options):
            server = scripted(answer)
            client = docdigitizer.Client(api_key=KEY, base_url=server.url, settings=settings, **options)
            client.server = server
            return stack.enter_context(client)

        yield make


def one(data, **more):
    """A server with one document, which has these annotations."""
    document = {"id": DOC, "document_class": "financial-document", "annotation_status": "success", "reviewed": True}
    body = {"status": 200, "detail": "OK", "document": {**document, "annotations": {"data": data}, **more}}
    return lambda asked: Says(body)


def fields_of(told, data, **options):
    return docdigitizer.load_annotation_fields([DOC], client=told(one(data), **options))


def rows(frame, *columns):
    return [tuple(None if pd.isna(value) else value for value in row) for row in frame[list(columns)].to_numpy()]


# --- lists --------------------------------------------------------------------------------------------------------


def test_documents_are_every_paper_once(box, room):
    """Walked in small pages, the list is the sandbox's, with typed columns; that it ended does not prove it whole."""
    frame = docdigitizer.load_documents(client=room(box), page_size=37)
    papers = box.state["docdigitizer"].papers

    assert frame["document_id"].tolist() == [paper.id for paper in papers]
    assert frame["state"].tolist() == [paper.state for paper in papers]
    assert str(frame["created"].dtype) == "datetime64[us, UTC]"
    assert load_record(frame).certificate.verdict == "CANNOT_PROVE"


def test_the_key_goes_in_the_header_and_scheme_that_are_set(told):
    """Authorization with API_KEY, unless the assumptions say otherwise."""
    usual, other = (
        told(lambda asked: Says([]), **options)
        for options in ({}, {"assumptions": {"auth_header": "Authentication", "auth_scheme": ""}})
    )
    docdigitizer.load_documents(client=usual)
    docdigitizer.load_documents(client=other)

    assert usual.server.asked[0].headers["authorization"] == f"API_KEY {KEY}"
    assert other.server.asked[0].headers["authentication"] == KEY
    assert "authorization" not in other.server.asked[0].headers
    assert KEY not in repr(usual)


def test_every_page_repeats_the_parameters_and_changes_the_cursor_only(box, room):
    """maxRetrieve is in each request; the cursor, whatever signs it has, is the one that came."""
    box.clear_calls()
    docdigitizer.load_documents(client=room(box), page_size=60)
    asked = [call.query for call in box.calls]

    assert {query["maxRetrieve"] for query in asked} == {"60"}
    assert "cursorId" not in asked[0]
    assert all("cursorId" in query for query in asked[1:])
    assert any(set("+/=") & set(query["cursorId"]) for query in asked[1:])


def test_a_broken_cursor_is_one_restart(start, room):
    """The vendor loses the place once: the list is loaded anew, and no row is there twice."""
    box = start("broken_cursor")
    frame = docdigitizer.load_documents(client=room(box), page_size=50)

    assert frame["document_id"].tolist() == [paper.id for paper in box.state["docdigitizer"].papers]


@pytest.mark.parametrize("fault", ["broken", "repeated", "missing"])
def test_a_place_that_is_lost_again_is_an_error(start, room, fault):
    """After the restart the load raises BrokenCursor, with what came, and never a short frame."""
    box = start(f"{fault}_cursor:99")

    with pytest.raises(BrokenCursor) as caught:
        docdigitizer.load_documents(client=room(box), page_size=20)

    assert caught.value.certificate.verdict == "FAIL"
    assert 0 < len(caught.value.frame) < len(box.state["docdigitizer"].papers)


def test_the_rows_of_a_broken_cursor_never_count_towards_a_limit(start, room):
    """The first page again would fill the limit with rows that are there already."""
    box = start("broken_cursor")
    frame = docdigitizer.load_documents(client=room(box), page_size=50, limit=90)

    assert frame["document_id"].tolist() == [paper.id for paper in box.state["docdigitizer"].papers[:90]]


def test_an_expired_cursor_begins_again(start, room):
    """Pages kept in the cache name cursors that are long over: the list is loaded past the cache."""
    box = start()
    client = room(box)
    docdigitizer.load_documents(client=client, page_size=50, limit=50)
    box.advance(3_600)

    assert len(docdigitizer.load_documents(client=client, page_size=50)) == len(box.state["docdigitizer"].papers)


@pytest.mark.parametrize(("more", "pages"), [("True", 2), ("TRUE", 2), ("False", 1), (None, 1)])
def test_the_flag_is_read_in_any_case_and_missing_means_no(told, more, pages):
    """A cursor on the last page is no reason to go on."""

    def answer(asked):
        last = "cursorId" in asked.query
        flag = "False" if last else more
        headers = {"X-Cursor-ID": "a+b/c="} | ({} if flag is None else {"x-more-results-AVAILABLE": flag})
        return Says({"documents": [{"id": "2" if last else "1"}]}, headers=headers)

    client = told(answer)
    with pytest.warns(SchemaDriftWarning):
        frame = docdigitizer.load_documents(client=client)

    assert len(frame) == len(client.server.asked) == pages
    # One answer that says it is the last proves itself; of several, none says that no row was passed over.
    assert load_record(frame).certificate.verdict == ("PASS" if more == "False" else "CANNOT_PROVE")


def test_tasks_name_their_documents(box, room):
    """One row per submission, with both ids and the promised moment."""
    frame = docdigitizer.load_tasks(client=room(box))
    papers = {paper.task_id: paper.id for paper in box.state["docdigitizer"].papers}

    assert dict(zip(frame["task_id"], frame["document_id"], strict=True)) == papers
    assert ((frame["sla_moment"] - frame["created"]) == pd.Timedelta(minutes=30)).all()


# --- fields -------------------------------------------------------------------------------------------------------


def test_a_field_row_has_the_documents_facts_and_the_value_as_sent(told):
    """Day first, amounts as numbers, tax numbers as text."""
    frame = fields_of(
        told,
        {
            f"{PREFIX}issue_date": "07/03/2024",
            f"{PREFIX}supplier_tax_number": "007123456",
            f"{PREFIX}amout_base_total": "242.50",
            f"{PREFIX}document_identifier": "01/02/2024",
        },
    )

    assert frame["document_id"].tolist() == [DOC] * 4
    assert rows(frame, "api_version", "entry_index", "document_class", "state", "reviewed")[0] == (
        "v1", 0, "financial-document", "success", True,
    )  # fmt: skip
    assert frame["field"].tolist() == ["issue_date", "supplier_tax_number", "amout_base_total", "document_identifier"]
    assert frame["raw_key"][0] == f"{PREFIX}issue_date"
    assert frame["value"].tolist() == ["07/03/2024", "007123456", "242.50", "01/02/2024"]
    assert rows(frame, "value_number") == [(None,), (None,), (242.5,), (None,)]
    assert frame["value_date"][0] == pd.Timestamp(2024, 3, 7)
    assert frame["value_date"].notna().tolist() == [True, False, False, False]


def test_null_empty_and_absent_stay_apart(told):
    """Null has no value, empty an empty text, an empty list its brackets; absent has no row."""
    frame = fields_of(told, {f"{PREFIX}amount_paid": None, f"{PREFIX}amount_rounding": "", f"{PREFIX}line_items": []})

    assert rows(frame, "field", "value", "is_empty", "sent_as", "table") == [
        ("amount_paid", None, True, "null", None),
        ("amount_rounding", "", True, "text", None),
        ("line_items", "[]", True, "list", "line_items"),
    ]


@pytest.mark.parametrize(
    ("key", "own_class", "field"),
    [
        ("document:financial-document:due_date", "financial-document", "due_date"),
        ("document:financial-document:a:b:c", "financial-document", "a:b:c"),
        ("due_date", None, "due_date"),
        ("other:thing", None, "other:thing"),
    ],
)
def test_keys_are_split_at_the_first_two_colons(told, key, own_class, field):
    """A field may hold colons; a key without the prefix is a field by itself."""
    assert rows(fields_of(told, {key: "x"}), "key_class", "field", "raw_key") == [(own_class, field, key)]


@pytest.mark.parametrize(
    "items",
    [
        {f"{PREFIX}line_items": [{"item_tax": "48.30"}, {"item_tax": "4.60"}]},
        {f"{PREFIX}line_items": {"item_tax": ["48.30", "4.60"]}},
        {f"{PREFIX}line_items": '[{"item_tax": "48.30"}, {"item_tax": "4.60"}]'},
        {f"{PREFIX}line_items:0:item_tax": "48.30", f"{PREFIX}line_items:1:item_tax": "4.60"},
    ],
)
def test_items_are_read_in_every_form_they_may_have(told, items):
    """A list of objects, an object of columns, a JSON text, keys with an index: the same rows."""
    fields = fields_of(told, items)
    items_frame = docdigitizer.load_line_items([DOC], client=told(one(items)))

    assert rows(fields, "table", "row_index", "field", "value_number") == [
        ("line_items", 0, "item_tax", 48.3),
        ("line_items", 1, "item_tax", 4.6),
    ]
    assert rows(items_frame, "document_id", "table", "row_index", "item_tax") == [
        (DOC, "line_items", 0, 48.3),
        (DOC, "line_items", 1, 4.6),
    ]


def test_a_list_of_lists_keeps_its_cells_by_place(told):
    """Without names, a cell is known by its column's place."""
    frame = fields_of(told, {f"{PREFIX}line_items": [["a", "1.00"], ["b", "2.00"]]})

    assert rows(frame, "row_index", "field", "value") == [
        (0, "0", "a"),
        (0, "1", "1.00"),
        (1, "0", "b"),
        (1, "1", "2.00"),
    ]


def test_an_object_that_stands_for_a_value_is_opened(told):
    """Confidence, page and box go to their columns; what else came is kept."""
    sent = {"value": "12.00", "confidence": 0.91, "page": 2, "bounding_box": [1, 2, 3, 4], "by": "engine"}
    frame = fields_of(told, {f"{PREFIX}amount_due": sent})

    assert rows(frame, "value", "value_number", "field_confidence", "field_page", "bounding_box", "field_beside") == [
        ("12.00", 12.0, 0.91, "2", "[1,2,3,4]", '{"by":"engine"}')
    ]


def test_amounts_in_another_form_are_told_and_mended_in_one_line(told):
    """A comma is not guessed at: the value stays text, and the warning names the assumption."""
    data = {f"{PREFIX}amount_total": "1.298,28"}
    with pytest.warns(SchemaDriftWarning, match="decimal_mark"):
        frame = fields_of(told, data)
    assert frame["value_number"].isna().all()
    assert frame["value"].tolist() == ["1.298,28"]

    mended = fields_of(told, data, assumptions={"decimal_mark": ",", "group_mark": "."})
    assert mended["value_number"].tolist() == [1298.28]


@pytest.mark.parametrize("sent", ["31/02/2024", "2024-03-07", "03/13/2024", "7 March 2024"])
def test_a_date_in_no_day_first_form_is_no_date(told, sent):
    """Impossible, ISO, month first, words: text, and a warning."""
    with pytest.warns(SchemaDriftWarning, match="days"):
        frame = fields_of(told, {f"{PREFIX}issue_date": sent})

    assert frame["value_date"].isna().all()
    assert frame["value"].tolist() == [sent]


def test_only_complete_documents_are_loaded_unless_all_are_asked_for(box, room):
    """Rejected and unfinished ones are not even fetched; complete_only=False has their partial data."""
    client = room(box)
    documents = docdigitizer.load_documents(client=client)
    fields = docdigitizer.load_annotation_fields(documents, client=client)
    every = docdigitizer.load_annotation_fields(documents, complete_only=False, client=client)

    assert set(fields["state"]) == {"success"}
    assert {"success", "classified"} == set(every["state"])
    assert load_record(fields).calls == (documents["state"] == "success").sum()
    # Those that are complete have not moved: only the others are asked for.
    assert load_record(every).calls == (documents["state"] != "success").sum()


def test_an_unfinished_document_asked_for_by_its_id_is_told(box, room):
    """It has no rows by default, and nobody has to wonder why."""
    client = room(box)
    papers = box.state["docdigitizer"].papers
    ids = [next(paper.id for paper in papers if paper.state == state) for state in ("rejected", "classified")]

    with pytest.warns(DocframesWarning, match=r"2 of the documents .*'classified' \(1\), 'rejected' \(1\)"):
        assert len(docdigitizer.load_annotation_fields(ids, client=client)) == 0
    assert len(docdigitizer.load_annotation_fields(ids, complete_only=False, client=client)) == 2


def test_fields_are_those_of_the_papers(box, room):
    """Every value of every complete paper, once, with the amounts of the bills."""
    frame = docdigitizer.load_annotation_fields(client=room(box))
    papers = [paper for paper in box.state["docdigitizer"].papers if paper.state == "success"]
    totals = frame[(frame["field"] == "amount_total") & frame["table"].isna()]

    sent = {paper.id: float(paper.fields["amount_total"]) for paper in papers if "amount_total" in paper.fields}
    assert dict(zip(totals["document_id"], totals["value_number"], strict=True)) == sent
    own = frame[frame["table"].isna()].groupby("document_id").size().sum()
    assert own == sum(
        not (isinstance(value, list)) for paper in papers for value in paper.fields.values()
    )  # lists have rows of their table


def test_line_items_add_up_to_their_bill(box, room):
    """Columns by field, numbers as numbers; the same answers serve this load."""
    client = room(box)
    documents = docdigitizer.load_documents(client=client)
    fields = docdigitizer.load_annotation_fields(documents, client=client)
    items = docdigitizer.load_line_items(documents, table="line_items", client=client)
    net = fields[fields["field"] == "amout_base_total"].set_index("document_id")["value_number"]

    assert load_record(items).calls == 0
    sums = items.groupby("document_id")["item_total"].sum()
    assert len(sums) > 0
    assert ((sums - net[sums.index]).abs() < 0.005).all()


def test_an_unreadable_number_of_an_item_is_kept_as_sent(told):
    """The cell is a gap, and the text stands beside it."""
    client = told(one({f"{PREFIX}line_items": [{"item_total": "12,50", "colour": "red"}]}))
    items = docdigitizer.load_line_items([DOC], client=client)

    assert rows(items, "item_total", "item_total_as_sent", "colour") == [(None, "12,50", "red")]


def test_a_document_that_has_not_moved_is_not_fetched_again(start, room):
    """By id and version: one document moved, one call."""
    box = start()
    client = room(box)
    documents = docdigitizer.load_documents(client=client)
    docdigitizer.load_annotation_fields(documents, client=client)
    moved = documents.loc[documents["state"] == "success", "document_id"].iloc[5]
    box.state["docdigitizer"].touch(moved)
    box.clear_calls()

    again = docdigitizer.load_annotation_fields(docdigitizer.load_documents(refresh=True, client=client), client=client)

    assert [call.path for call in box.calls if moved in call.path] == [f"/api/v1/documents/{moved}"]
    assert load_record(again).calls == 1
    changed = again[(again["document_id"] == moved) & (again["field"] == "amount_rounding")]
    assert changed["value"].tolist() == ["0.01"]


def test_a_limit_is_a_number_of_rows_and_stops_asking(start, room):
    """No more documents are asked for than the rows need, but for those already under way."""
    box = start()
    frame = docdigitizer.load_annotation_fields(limit=20, client=room(box))

    assert len(frame) == 20
    assert load_record(frame).certificate.verdict == "PASS"
    assert box.count("docdigitizer", "/api/v1/documents/") < 40


def test_a_load_that_found_nothing_has_the_columns_of_a_full_one(box, room, told):
    """Columns and dtypes depend on the call, not on the rows."""
    client = room(box)
    none = [
        docdigitizer.load_annotation_fields([], client=client),
        docdigitizer.load_reviews([], client=client),
        docdigitizer.load_assets([], client=client),
    ]
    some = [
        docdigitizer.load_annotation_fields(limit=3, client=client),
        docdigitizer.load_reviews(limit=3, client=client),
        docdigitizer.load_assets(limit=3, client=client),
    ]

    for empty, full in zip(none, some, strict=True):
        assert empty.dtypes.equals(full.dtypes)
        assert len(empty) == 0
        assert set(describe(full)["column"]) == set(full.columns)


def test_a_document_that_is_not_there_is_an_incomplete_load(box, room):
    """The others come, the certificate names the one that failed, resume goes on."""
    ids = [paper.id for paper in box.state["docdigitizer"].papers[:2]]

    with pytest.raises(IncompleteLoad) as caught:
        docdigitizer.load_annotation_fields([ids[0], "no-such-document", ids[1]], client=room(box))

    assert set(caught.value.frame["document_id"]) == set(ids)
    assert "no-such-document" in str(caught.value)
    with pytest.raises(NotFound):
        docdigitizer.load_annotation_fields(["no-such-document"], client=room(box))


def test_offline_the_same_load_is_answered_from_the_cache(start, room):
    """No socket is opened; a document that was never loaded is a miss."""
    box = start()
    client = room(box)
    fields = docdigitizer.load_annotation_fields(client=client)
    box.clear_calls()

    with offline():
        again = docdigitizer.load_annotation_fields(client=client)
        with pytest.raises(OfflineMiss):
            docdigitizer.load_annotation_fields(["another"], client=client)

    assert again.equals(fields)
    assert not box.calls


def test_wide_has_a_row_per_document_and_typed_columns(box, room):
    """Amounts are numbers although some are empty, dates are dates, tax numbers text."""
    fields = docdigitizer.load_annotation_fields(client=room(box))
    wide = docdigitizer.annotations_wide(fields)

    assert wide["document_id"].tolist() == fields["document_id"].drop_duplicates().tolist()
    assert str(wide["amount_total"].dtype) == "float64"
    assert str(wide["issue_date"].dtype) == "datetime64[us]"
    assert str(wide["supplier_tax_number"].dtype) == "str"
    assert "item_total" not in wide.columns
    with pytest.raises(ColumnError):
        docdigitizer.annotations_wide(fields.drop(columns="value"))


def test_an_empty_value_does_not_turn_a_column_of_numbers_into_text(told):
    """In the wide form it is a gap; a field that is a documents own name gets another."""
    fields = fields_of(told, {f"{PREFIX}amount_due": "1.00", f"{PREFIX}amount_paid": "", f"{PREFIX}state": "x"})
    other = fields.assign(document_id="other", value=["", "2.00", "y"], is_empty=[True, False, False])
    other["value_number"] = [None, 2.0, None]
    wide = docdigitizer.annotations_wide(pd.concat([fields, other]))

    assert rows(wide, "amount_due", "amount_paid", "state", "state (field)") == [
        (1.0, None, "success", "x"),
        (None, 2.0, "success", "y"),
    ]


# --- reviews, assets ----------------------------------------------------------------------------------------------


def test_reviews_are_those_of_the_documents(box, room):
    """One row per review, none for a document that nobody checked."""
    frame = docdigitizer.load_reviews(client=room(box))
    reviewed = {paper.id for paper in box.state["docdigitizer"].papers if paper.reviewed}

    assert set(frame["document_id"]) == reviewed
    assert frame["review_id"].is_unique
    assert "previous" in "".join(frame["changes"].dropna())


def test_reviews_on_several_pages_are_all_loaded(told):
    """A list of one document may page like any other."""

    def answer(asked):
        second = asked.query.get("cursorId") == "next"
        headers = {"X-More-Results-Available": str(not second).lower(), "X-Cursor-ID": "next"}
        return Says({"reviews": [{"id": "r2" if second else "r1", "mood": "good"}]}, headers=headers)

    frame = docdigitizer.load_reviews([DOC], client=told(answer))

    assert rows(frame, "document_id", "review_id", "mood") == [(DOC, "r1", "good"), (DOC, "r2", "good")]


def test_assets_name_files_and_no_links(box, room, settings):
    """The frame, the cache and every repr are free of signed links; the files come all the same."""
    client = room(box)
    frame = docdigitizer.load_assets(limit=40, client=client)
    shown = frame.to_json() + repr(client)

    assert box.signature_marker not in shown
    assert "token=" not in shown
    for path in settings.cache_dir.rglob("*"):
        assert path.is_dir() or box.signature_marker.encode() not in path.read_bytes()
    assert len(files.refs(frame)) == 40


def test_the_bytes_come_from_the_api_or_from_the_storage_host(box, room, tmp_path):
    """A bill is sent by the API with the key, a statement lies behind a signed link that gets none."""
    client = room(box)
    documents = docdigitizer.load_documents(client=client)
    some = documents.groupby("document_class").head(1)
    assets = docdigitizer.load_assets(some, client=client)
    manifest = files.save_all(assets, tmp_path, client=client)

    assert manifest["error"].isna().all()
    assert all(path.read_bytes().startswith(b"%PDF") for path in tmp_path.glob("*.pdf"))
    assert not box.leaks


def test_an_answer_that_is_no_json_is_the_file_itself(told):
    """One asset, named by the document."""
    client = told(lambda asked: Says(b"%PDF-1.4 bytes", headers={"Content-Type": "application/pdf"}))
    frame = docdigitizer.load_assets([DOC], client=client)
    link = files.fetch_links("docdigitizer", "assets", frame["asset_id"].tolist(), client=client)[f"{DOC}/1"]

    assert rows(frame, "asset_id", "media_type") == [(f"{DOC}/1", "application/pdf")]
    assert link.bytes() == b"%PDF-1.4 bytes"


def test_the_key_goes_to_no_other_host(told, scripted):
    """A document whose links lead elsewhere is asked for at the path that is known; a file there comes without key."""
    other = scripted(lambda asked: Says(b"elsewhere"))

    def answer(asked):
        if asked.path.endswith("/assets"):
            return Says([f"{other.url}/file?sig=secretsig123"])
        links = {"self": f"{other.url}/api/v1/documents/{DOC}"}
        if asked.path == "/api/v1/documents":
            return Says([{"id": DOC, "annotation_status": "success", "updated": "2024-03-08T10:02:55", "links": links}])
        return Says({"document": {"id": DOC, "annotation_status": "success", "annotations": {"data": {"a": "b"}}}})

    client = told(answer)
    with pytest.warns(SchemaDriftWarning, match="document_class"):
        fields = docdigitizer.load_annotation_fields(client=client)
    assets = docdigitizer.load_assets([DOC], client=client)
    link = files.fetch_links("docdigitizer", "assets", assets["asset_id"].tolist(), client=client)[f"{DOC}/1"]

    assert fields["value"].tolist() == ["b"]
    assert link.bytes() == b"elsewhere"
    assert [asked.headers.get("authorization") for asked in other.asked] == [None]
    assert "secretsig123" not in repr(link) + assets.to_json()


def test_links_of_the_own_host_are_followed_without_doubling_the_path(told):
    """They are relative to the host; a plain http link of the same host loses its scheme and keeps its path."""

    def answer(asked):
        if asked.path == "/api/v1/documents":
            return Says([{"id": DOC, "annotation_status": "success", "links": {"self": "/api/v1/papers/7?view=full"}}])
        assert (asked.path, asked.query) == ("/api/v1/papers/7", {"view": "full"})
        return Says({"document": {"id": DOC, "annotations": {"data": {"a": "b"}}}})

    with pytest.warns(SchemaDriftWarning):
        frame = docdigitizer.load_annotation_fields(client=told(answer))

    assert frame["value"].tolist() == ["b"]


# --- submission ---------------------------------------------------------------------------------------------------


def test_a_submitted_document_is_annotated_after_a_while(start, room, tmp_path):
    """Task and document id come at once; the task leaves PENDING when its time has come."""
    box = start()
    client = room(box)
    path = tmp_path / "bill.pdf"
    path.write_bytes(b"%PDF-1.4")
    handed_in = docdigitizer.submit_document(path, document_class="financial-document", tags=["may"], client=client)

    def status():
        tasks = docdigitizer.load_tasks(client=client, refresh=True).set_index("task_id")
        return tasks.loc[handed_in.task_id, "status"]

    assert (handed_in.status, status()) == ("PENDING", "PENDING")
    box.advance(61)
    assert status() == "DONE"
    fields = docdigitizer.load_annotation_fields([handed_in.document_id], client=client)
    assert fields.set_index("field")["value"]["document_identifier"] == "bill"
    assert box.calls[0].headers["x-docdigitizer-tag"] == "may"


@pytest.mark.parametrize(
    ("name", "content", "options", "why"),
    [
        ("a.docx", b"x", {}, "no known type"),
        ("a.pdf", b"", {}, "empty"),
        ("a.pdf", b"x" * (25 * 1024 * 1024 + 1), {}, "25 MB"),
        ("a.bin", b"x", {"media_type": "text/plain"}, "text/plain"),
        ("a.pdf", b"x", {"tags": ["a,b"]}, "commas"),
        ("a.pdf", b"x", {"callback_headers": {"X-Secret": "s"}}, "POST"),
        ("a.pdf", b"x", {"callback_url": "https://x.test", "callback_method": "PUT"}, "callback_method"),
    ],
)
def test_what_cannot_be_taken_is_not_sent(told, tmp_path, name, content, options, why):
    """Size, media type, tags and callback are checked before anything leaves."""
    client = told(lambda asked: Says({}))
    path = tmp_path / name
    path.write_bytes(content)

    with pytest.raises(ConfigError, match=why):
        docdigitizer.submit_document(path, client=client, **options)

    assert not client.server.asked


def test_the_document_id_may_stand_in_a_header_alone(told, tmp_path):
    """Old answers name no document: the header's last segment does, and its plain http link is never called."""
    headers = {"X-Document-Location": f"http://api.docdigitizer.com/api/v1/documents/{DOC}"}
    body = {"detail": "Accepted", "status": 202, "task": {"id": "t1", "created": "2024-03-08T09:41:07.218304"}}
    path = tmp_path / "scan.TIF"
    path.write_bytes(b"II*")
    client = told(lambda asked: Says(body, status=202, headers=headers))
    handed_in = docdigitizer.submit_document(path, client=client)

    assert (handed_in.task_id, handed_in.document_id) == ("t1", DOC)
    assert str(handed_in.created) == "2024-03-08 09:41:07.218304+00:00"
    assert client.server.asked[0].path == "/api/v1/documents/annotate"


def test_a_submission_that_failed_is_not_sent_twice(told, tmp_path):
    """An upload may be billed: a server error is told, not tried again."""
    path = tmp_path / "a.pdf"
    path.write_bytes(b"%PDF")
    client = told(lambda asked: Says({"title": "UNEXPECTED_ERROR"}, status=500))

    with pytest.raises(ServerError):
        docdigitizer.submit_document(path, client=client)

    assert len(client.server.asked) == 1


# --- errors -------------------------------------------------------------------------------------------------------

KINDS = {400: BadRequest, 401: AuthError, 403: AuthError, 404: NotFound, 409: BadRequest, 415: BadRequest,
         422: BadRequest, 500: ServerError, 501: ServerError}  # fmt: skip


@pytest.mark.parametrize("code", MESSAGE_CODES)
@pytest.mark.parametrize("place", ["title", "code", "nested", "words"])
def test_each_message_code_is_an_error_with_a_text_of_its_own(told, code, place):
    """Wherever in the body it stands."""
    status = MESSAGE_CODES[code]
    body = {
        "title": {"detail": "No.", "status": status, "title": code},
        "code": {"message_code": code},
        "nested": {"errors": [{"about": {"what": code}}]},
        "words": {"detail": f"{code}: it failed"},
    }[place]

    with pytest.raises(VendorError) as caught:
        docdigitizer.load_documents(client=told(lambda asked: Says(body, status=status)))

    assert isinstance(caught.value, KINDS.get(status, VendorError))
    assert caught.value.code == code
    assert ADVICE[code] in str(caught.value)
    assert KEY not in str(caught.value)


def test_a_feature_that_is_not_there_is_asked_for_once(told):
    """501 is for good; 503 is tried again."""
    calls = {}
    for status in (501, 503):
        client = told(lambda asked, status=status: Says({}, status=status))
        with pytest.raises(ServerError):
            docdigitizer.load_documents(client=client)
        calls[status] = len(client.server.asked)

    assert calls == {501: 1, 503: 5}


def test_a_correction_of_a_table_that_is_not_there_is_refused():
    """Misspelt corrections would never be seen otherwise."""
    with pytest.raises(ConfigError, match="document"):
        docdigitizer.Client(api_key=KEY, assumptions={"columns": {"document": {"state": "status"}}})
    with pytest.raises(ConfigError, match="list_document"):
        docdigitizer.Client(api_key=KEY, assumptions={"list_document": "x"})


def test_ids_are_a_list_and_not_one_text(box, room):
    """A single text would be read letter by letter."""
    with pytest.raises(ConfigError, match="one text"):
        docdigitizer.load_annotation_fields(DOC, client=room(box))
    with pytest.raises(ColumnError):
        docdigitizer.load_reviews(pd.DataFrame({"id": [DOC]}), client=room(box))


def test_states_nobody_knows_are_told(told):
    """Left out with a warning; where nothing is left the load says what to do."""

    def answer(asked):
        states = ["success", "finished"] if len(served) else ["finished", "finished"]
        document = {"id": DOC, "annotation_status": "success", "annotations": {"data": {"a": "b"}}}
        listed = [{"id": f"{place}", "annotation_status": state} for place, state in enumerate(states)]
        return Says(listed) if asked.path.endswith("/documents") else Says({"document": {**document, "id": "0"}})

    served = []
    with pytest.warns(SchemaDriftWarning), pytest.raises(ShapeError, match="complete_states"):
        docdigitizer.load_annotation_fields(client=told(answer))
    served.append(1)
    with pytest.warns(SchemaDriftWarning) as said:
        frame = docdigitizer.load_annotation_fields(client=told(answer))
    assert any("'finished' (1)" in str(warning.message) for warning in said)
    assert frame["value"].tolist() == ["b"]


def test_what_a_document_says_beside_its_fields_is_kept(told):
    """Keys nobody knows, of the document and of its annotations, stand in one column as JSON."""
    answer = one({f"{PREFIX}a": "b"}, queue="fast")
    body = answer(None).body
    body["document"]["annotations"] |= {"version": 3, "links": {"self": "/x"}}
    frame = docdigitizer.load_annotation_fields([DOC], client=told(lambda asked: Says(body)))

    assert frame["document_beside"].tolist() == ['{"queue":"fast","version":3}']


@pytest.mark.parametrize(
    "fault",
    ["429_retry_after", "500_burst", "drop_mid_body", "short_pages", "shifting_pages", "null_objects", "new_keys"],
)
def test_a_service_that_misbehaves_costs_time_or_a_word_but_no_row(start, room, fault):
    """What is worth another try is tried again; what came in another form is told."""
    box = start(fault, jobs=9, time_scale=0.01)
    client = room(box)
    expected = pytest.warns(SchemaDriftWarning) if fault == "new_keys" else contextlib.nullcontext()
    with expected:
        documents = docdigitizer.load_documents(client=client, page_size=40)
    fields = docdigitizer.load_annotation_fields(documents, client=client)
    papers = box.state["docdigitizer"].papers

    # The rows that shift in at the front were held back until then.
    held_back = 3 if fault == "shifting_pages" else 0
    assert set(documents["document_id"]) == {paper.id for paper in papers[held_back:]}
    complete = {paper.id for paper in papers[held_back:] if paper.state == "success"}
    assert set(fields["document_id"]) == complete


def test_no_key_is_in_any_file_of_the_cache(box, room, settings):
    """Nor in the frames, nor in their records."""
    client = room(box)
    frame = docdigitizer.load_annotation_fields(limit=30, client=client)
    key = box.key("docdigitizer")

    kept = [path for path in settings.cache_dir.rglob("*") if path.is_file()]
    assert kept
    assert key not in frame.to_csv() + repr(load_record(frame)) + repr(client)
    assert not any(key.encode() in path.read_bytes() for path in kept)


def test_secret_headers_of_a_callback_are_sent_and_never_shown(told, tmp_path):
    """They go in the form, and an error that quotes them is masked."""
    path = tmp_path / "a.pdf"
    path.write_bytes(b"%PDF")
    client = told(lambda asked: Says({"detail": "callback token-of-ours-77 refused"}, status=400))

    with pytest.raises(BadRequest) as caught:
        docdigitizer.submit_document(
            path, callback_url="https://ours.example.org/done", callback_method="POST",
            callback_headers={"X-Ours": "token-of-ours-77"}, client=client,
        )  # fmt: skip

    assert "token-of-ours-77" not in str(caught.value)
