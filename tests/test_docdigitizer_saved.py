"""Saved answers of v3, in every spelling that was published."""

from __future__ import annotations

import json

import orjson
import pandas as pd
import pytest

from docframes import load_record
from docframes.errors import ConfigError, DocframesWarning, SchemaDriftWarning, ShapeError
from docframes.vendors import docdigitizer

ITEMS = [
    {"description": "Brochuras A5 4 cores", "quantity": 500, "unitPrice": 0.42, "total": 210.0},
    {"description": "Cartões de visita", "quantity": 250, "unitPrice": 0.08, "total": 20.0},
]
FIELDS = {
    "invoiceNumber": "FT 2024/318",
    "invoiceDate": "2024-03-07",
    "vendorNIF": "007123456",
    "totalAmount": 298.28,
    "paid": None,
    "note": "",
    "lineItems": ITEMS,
}
A = {
    "StateText": "COMPLETED",
    "TraceId": "K7Q2ZB9",
    "Pipeline": "MainPipelineWithOCR",
    "NumberPages": 3,
    "Output": {
        "extractions": [
            {
                "documentType": "Invoice",
                "confidence": 0.97,
                "countryCode": "PT",
                "pageRange": {"start": 1, "end": 2},
                "extraction": FIELDS,
            }
        ]
    },
    "Timers": {"DocIngester": {"total": 4120.5}},
    "Messages": None,
}
B = {
    "stateText": "COMPLETED",
    "traceId": "K7Q2ZB9",
    "pipeline": "MainPipelineWithOCR",
    "numberPages": 3,
    "output": {
        "extractions": [
            {
                "docType": "Invoice",
                "confidence": 0.97,
                "country": "PT",
                "pages": [1, 2],
                "modelSource": "llm",
                "schema": "Invoice_PT.json",
                "extraction": FIELDS,
            }
        ]
    },
    "timers": {"DocIngester": {"Total": 4120.5}},
    "messages": None,
}
C = {
    "stateText": "COMPLETED",
    "traceId": "K7Q2ZB9",
    "pipeline": "MainPipelineWithOCR",
    "numberPages": 2,
    "output": {
        "extractions": [{"schemaName": "Invoice", "confidence": 0.97, "pages": [1, 2], "extraction": FIELDS}],
    },
    "DocumentId": "5d0c7a52-3f1e-4b9a-9c38-71e2f0a4b6d1",
    "Timestamp": "2026-05-11T08:15:02.1048326Z",
    "timers": {"DocIngester": {"Total": 3377.02}},
}
D = {
    "state": "Completed",
    "requestToken": "K7Q2ZB9",
    "pipeline": "MainPipelineWithOCR",
    "pageCount": 3,
    "output": {
        "extractions": [
            {
                "documentType": "Invoice",
                "confidence": 0.97,
                "pageRange": {"start": 1, "end": 2},
                "fields": FIELDS,
            }
        ]
    },
    "timers": {},
}
#: What the vendor's PowerShell command writes: state and pageCount as in D, the rest in camel case.
MIXED = {
    "traceId": "K7Q2ZB9",
    "state": "COMPLETED",
    "pageCount": 3,
    "filePath": "C:\\bills\\318.pdf",
    "documentId": "5d0c7a52-3f1e-4b9a-9c38-71e2f0a4b6d1",
    "contextId": "a0000000-0000-4000-8000-000000000001",
    "output": B["output"],
}
SPELLINGS = {"A": A, "B": B, "C": C, "D": D, "mixed": MIXED}


@pytest.fixture
def saved(tmp_path):
    def save(answer, name="one_extraction.json", mark=b""):
        path = tmp_path / name
        path.write_bytes(mark + orjson.dumps(answer))
        return path

    return save


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_every_spelling_gives_the_same_fields(saved, spelling, mark):
    """With and without a byte-order mark."""
    frame = docdigitizer.read_extractions(saved(SPELLINGS[spelling], mark=mark))

    assert set(frame["document_class"]) == {"Invoice"}
    assert set(frame["class_confidence"]) == {0.97}
    assert set(frame["pages"]) == {"[1,2]"}
    assert set(frame["api_version"]) == {"v3"}
    assert set(frame["trace_id"]) == {"K7Q2ZB9"}
    identified = "5d0c7a52-3f1e-4b9a-9c38-71e2f0a4b6d1" if spelling in ("C", "mixed") else "K7Q2ZB9"
    assert set(frame["document_id"]) == {identified}
    assert len(frame) == 6 + 2 * 4
    assert frame["field_confidence"].isna().all()
    by_field = frame[frame["table"].isna()].set_index("field")
    assert by_field.loc["totalAmount", "value_number"] == 298.28
    assert pd.isna(by_field.loc["vendorNIF", "value_number"])
    assert by_field.loc["vendorNIF", "value"] == "007123456"
    assert by_field.loc["invoiceDate", "value_date"] == pd.Timestamp(2024, 3, 7)
    assert by_field["is_empty"].to_dict() == {name: name in ("paid", "note") for name in by_field.index}
    assert by_field["value"].isna().sum() == 1


def test_nested_fields_are_paths_and_items_have_rows(saved):
    """Objects nest with dots, dots in keys are escaped, lists have a table and a row."""
    extraction = {
        "Supplier": {"TaxNumber": "507123456", "a.b": "c"},
        "Items": [{"unitPrice": 0.42, "taxes": [{"rate": 23}]}],
        "tags": ["x", "y"],
        "none": [],
    }
    answer = {"stateText": "COMPLETED", "traceId": "T", "output": {"extractions": [{"extraction": extraction}]}}
    frame = docdigitizer.read_extractions(saved(answer))

    told = (
        frame[["raw_key", "table", "row_index", "field", "value"]].astype(object).where(lambda cell: cell.notna(), None)
    )
    assert [tuple(row) for row in told.to_numpy()] == [
        ("Supplier.TaxNumber", None, None, "Supplier.TaxNumber", "507123456"),
        ("Supplier.a\\.b", None, None, "Supplier.a\\.b", "c"),
        ("Items[0].unitPrice", "Items", 0, "unitPrice", "0.42"),
        ("Items[0].taxes[0].rate", "Items[0].taxes", 0, "rate", "23"),
        ("tags[0]", "tags", 0, "tags", "x"),
        ("tags[1]", "tags", 1, "tags", "y"),
        ("none", "none", None, "none", "[]"),
    ]
    assert not frame.duplicated(["document_id", "entry_index", "raw_key", "table", "row_index", "field"]).any()


def test_several_documents_of_a_file_are_told_apart(saved):
    """By their place, each with its own class; a folder is read whole, sorted by name."""
    two = {
        **B,
        "output": {"extractions": [*B["output"]["extractions"], {"docType": "Receipt", "extraction": {"a": 1}}]},
    }
    path = saved(two, "b.json")
    saved(C, "a.json")
    frame = docdigitizer.read_extractions(path.parent)
    entries = frame.drop_duplicates(["source", "entry_index"])

    assert entries["entry_index"].tolist() == [0, 0, 1]
    assert entries["document_class"].tolist() == ["Invoice", "Invoice", "Receipt"]
    assert len(docdigitizer.annotations_wide(frame)) == 3


def test_what_stands_beside_the_fields_is_kept(saved):
    """Country, schema, model, timers: as JSON, in the room's own words for nothing."""
    frame = docdigitizer.read_extractions(saved(B))
    beside = json.loads(frame["document_beside"][0])

    assert beside["extraction.country"] == "PT"
    assert beside["extraction.schema"] == "Invoice_PT.json"
    assert beside["timers"] == {"DocIngester": {"Total": 4120.5}}
    assert beside["numberPages"] == 3


@pytest.mark.parametrize("state", ["ERROR", "PROCESSING", "Failed", "Partial"])
def test_what_is_not_complete_is_left_out_and_named(saved, state):
    """HTTP 200 does not prove success; complete_only=False reads what there is."""
    path = saved({**A, "StateText": state}, "bad.json")

    with pytest.warns(DocframesWarning, match=rf"bad\.json \({state}\)"):
        frame = docdigitizer.read_extractions([path])

    assert len(frame) == 0
    assert len(docdigitizer.read_extractions([path], complete_only=False)) == 14


@pytest.mark.parametrize("answer", [[], {"rows": []}, {"stateText": "COMPLETED", "output": {"extractions": {}}}, "x"])
def test_another_file_is_a_shape_error(saved, answer):
    """It says which file, and what came."""
    with pytest.raises(ShapeError, match=r"one_extraction\.json"):
        docdigitizer.read_extractions(saved(answer))


def test_a_file_that_is_no_json_or_not_there_is_an_error(tmp_path):
    """Never an empty frame."""
    (tmp_path / "x.json").write_bytes(b"\xef\xbb\xbf<html>")
    with pytest.raises(ShapeError, match="html"):
        docdigitizer.read_extractions(tmp_path / "x.json")
    with pytest.raises(ConfigError, match=r"y\.json"):
        docdigitizer.read_extractions(tmp_path / "y.json")


def test_the_record_says_what_was_read(saved):
    """No calls, and how many files and documents."""
    load = load_record(docdigitizer.read_extractions(saved(C)))

    assert (load.calls, load.loader, load.certificate.verdict) == (0, "read_extractions", "PASS")
    assert "1 files, 1 documents" in load.certificate.reason


@pytest.mark.parametrize("text", ["07/03/2024", "2024-02-30"])
def test_v3_dates_are_iso_or_no_dates(saved, text):
    """Day first is the form of v1; nothing is guessed."""
    answer = {"stateText": "COMPLETED", "traceId": "T", "output": {"extractions": [{"extraction": {"dueDate": text}}]}}
    with pytest.warns(SchemaDriftWarning, match="dueDate"):
        frame = docdigitizer.read_extractions(saved(answer))

    assert frame["value_date"].isna().all()
