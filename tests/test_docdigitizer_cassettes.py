"""The examples of the contract, replayed at the vendor's own address."""

from __future__ import annotations

import pandas as pd
import pytest

from docframes import load_record
from docframes.errors import AuthError, BrokenCursor
from docframes.settings import Settings
from docframes.vendors import docdigitizer

KEY = "6e1f0c52-9a7b-4d3e-8c15-b2d4f6a80931"
DOC = "5d0c7a52-3f1e-4b9a-9c38-71e2f0a4b6d1"
IDS = [DOC, "e1f64b0d-8c27-4c55-b0aa-2a9b7c3d5f18", "0c9d0a2e-6f14-4c58-9f0b-3d5a7c1e9b42"]


@pytest.fixture
def replayed_docdigitizer(tmp_path):
    """One call at a time, from an empty cache."""
    settings = Settings(cache_dir=tmp_path / "cache", workers=1, tries=1, time_scale=0.0)
    with docdigitizer.Client(api_key=KEY, settings=settings) as made:
        yield made


@pytest.mark.vcr_case("docdigitizer/two_pages.yaml")
def test_the_last_page_says_that_it_is(replayed_docdigitizer):
    """Two pages, the cursor encoded in the URL; the second says that no more are available."""
    frame = docdigitizer.load_documents(client=replayed_docdigitizer, page_size=2)

    assert frame["document_id"].tolist() == IDS
    assert frame["state"].tolist() == ["success", "rejected", "success"]
    assert frame["created"][0] == pd.Timestamp("2024-03-08T09:41:07.218304Z")
    assert "said after the last that it was" in load_record(frame).certificate.reason


@pytest.mark.vcr_case("docdigitizer/broken_cursor.yaml")
def test_a_broken_cursor_restarts_once(replayed_docdigitizer):
    """The page that came for it is the first again: it is dropped with all before it."""
    frame = docdigitizer.load_documents(client=replayed_docdigitizer, page_size=2)

    assert frame["document_id"].tolist() == IDS


@pytest.mark.vcr_case("docdigitizer/broken_again.yaml")
def test_a_cursor_broken_twice_is_an_error(replayed_docdigitizer):
    """Four calls, and no fifth."""
    with pytest.raises(BrokenCursor) as caught:
        docdigitizer.load_documents(client=replayed_docdigitizer, page_size=2)

    assert caught.value.frame["document_id"].tolist() == IDS[:2]


@pytest.mark.vcr_case("docdigitizer/empty.yaml")
def test_an_empty_list_is_an_empty_frame(replayed_docdigitizer):
    """With every column."""
    frame = docdigitizer.load_documents(client=replayed_docdigitizer)

    assert len(frame) == 0
    assert str(frame["created"].dtype) == "datetime64[us, UTC]"


@pytest.mark.vcr_case("docdigitizer/expired_licence.yaml")
def test_an_expired_licence_is_told_as_such(replayed_docdigitizer):
    """403 is not always the key's fault."""
    with pytest.raises(AuthError, match="licence has expired") as caught:
        docdigitizer.load_documents(client=replayed_docdigitizer)

    assert caught.value.code == "EXPIRED_LICENCE"


@pytest.mark.vcr_case("docdigitizer/document.yaml")
def test_the_example_document_has_its_fields(replayed_docdigitizer):
    """7 March, not 3 July; null and empty kept apart; three items of six fields."""
    frame = docdigitizer.load_annotation_fields([DOC], client=replayed_docdigitizer)
    own = frame[frame["table"].isna()].set_index("field")

    assert len(own) == 15
    assert len(frame) == 15 + 3 * 6
    assert own.loc["issue_date", "value_date"] == pd.Timestamp(2024, 3, 7)
    assert own.loc["amount_total", "value_number"] == 298.28
    assert pd.isna(own.loc["supplier_tax_number", "value_number"])
    assert own.index[own["is_empty"]].tolist() == ["amount_paid", "amount_rounding"]
    assert own["value"].isna().sum() == 1


@pytest.mark.vcr_case("docdigitizer/reviews.yaml")
def test_the_example_review_is_a_row(replayed_docdigitizer):
    """With what was changed, as JSON."""
    frame = docdigitizer.load_reviews([DOC], client=replayed_docdigitizer)

    assert frame["review_id"].tolist() == ["a4c19e77-0d3b-4a86-9b52-6f8e2c71d093"]
    assert "06/04/2024" in frame["changes"][0]
