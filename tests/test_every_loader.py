"""Every frame of every loader of the five rooms: described, recorded, free of secrets."""

from __future__ import annotations

import warnings
from collections import Counter

import pandas as pd
import pytest

import docframes
from docframes import docdigitizer, load_record, papershift, sandbox, validis, validocx, veridox
from docframes.errors import AccessWarning
from docframes.tables.loads import ATTRS_KEY

#: Loaders of one frame, and of several.
LOADS = {
    "validocx": {
        "load_projects": lambda: validocx.load_projects(limit=5),
        "load_jobs": lambda: validocx.load_jobs(limit=5),
        "load_job_details": lambda: validocx.load_job_details(limit=3),
        "load_answers": lambda: validocx.load_answers(limit=50),
        "load_documents": lambda: validocx.load_documents(limit=5),
        "load_images": lambda: validocx.load_images(limit=5),
    },
    "docdigitizer": {
        "load_documents": lambda: docdigitizer.load_documents(limit=5),
        "load_annotation_fields": lambda: docdigitizer.load_annotation_fields(limit=50),
        "load_line_items": lambda: docdigitizer.load_line_items(limit=5),
        "load_tasks": lambda: docdigitizer.load_tasks(limit=5),
        "load_reviews": lambda: docdigitizer.load_reviews(docdigitizer.load_documents(limit=5)),
        "load_assets": lambda: docdigitizer.load_assets(docdigitizer.load_documents(limit=5)),
    },
    "veridox": {
        "load_cases": lambda: veridox.load_cases(limit=5),
        "load_case_details": lambda: veridox.load_case_details(veridox.load_cases(limit=2)),
        "load_files": lambda: veridox.load_files(limit=5),
        "load_analyses": lambda: veridox.load_analyses(veridox.load_files(limit=3)),
        "search_files": lambda: veridox.search_files("invoice", limit=3),
    },
    "validis": {
        "load_engagements": lambda: validis.load_engagements(),
        "load_accounts": lambda: validis.load_accounts(4711),
        "load_periods": lambda: validis.load_periods(4711),
        "load_journals": lambda: validis.load_journals(4711, limit=50),
        "load_receivable_items": lambda: validis.load_receivable_items(4711, limit=5),
        "load_payable_items": lambda: validis.load_payable_items(4711, limit=5),
        "load_ar_extract": lambda: validis.load_ar_extract(4711),
        "load_ap_extract": lambda: validis.load_ap_extract(4711),
    },
    "papershift": {
        "load_users": lambda: papershift.load_users(),
        "load_teams": lambda: papershift.load_teams(),
        "load_documents": lambda: papershift.load_documents(),
        "load_account_documents": lambda: papershift.load_account_documents(),
    },
}


@pytest.fixture(scope="module")
def company():
    with sandbox.running(jobs=10, time_scale=0.01, environment=False) as running:
        yield running


@pytest.fixture(params=[(vendor, loader) for vendor, loads in LOADS.items() for loader in loads], ids=".".join)
def loaded(request, company, monkeypatch) -> dict[str, pd.DataFrame]:
    """The frames that one loader gives, by name."""
    for name, value in company.environment().items():
        if name != "DOCFRAMES_CACHE_DIR":
            monkeypatch.setenv(name, value)
    vendor, loader = request.param
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AccessWarning)
        came = LOADS[vendor][loader]()
    frames = {loader: came} if isinstance(came, pd.DataFrame) else vars(came)
    return {name: frame for name, frame in frames.items() if ATTRS_KEY in getattr(frame, "attrs", {})}


def test_every_frame_is_described_and_recorded(loaded, company):
    """Each column has one line of the data dictionary, with its dtype and a meaning; the record says what was asked."""
    assert loaded
    for frame in loaded.values():
        told = docframes.describe(frame)
        load = load_record(frame)

        assert Counter(told["column"]) == Counter(frame.columns)
        assert (told["meaning"].str.len() > 0).all()
        assert dict(zip(told["column"], told["dtype"], strict=True)) == {k: str(v) for k, v in frame.dtypes.items()}
        assert not told["meaning"].str.startswith("not declared").any()
        assert load.certificate.verdict in ("PASS", "CANNOT_PROVE")
        assert load.rows == len(frame)


def test_no_frame_holds_a_secret(loaded, company):
    """No key, token or signature in a cell, an attribute, a record or a repr."""
    for frame in loaded.values():
        shown = frame.to_csv() + repr(frame.attrs) + repr(load_record(frame)) + frame.to_html()

        assert [canary for canary in company.canaries if canary in shown] == []


def test_every_loader_is_among_these():
    """A new loader has to be asked too; the ledger's own frames have their tests beside the extract."""
    rooms = {"validocx": validocx, "docdigitizer": docdigitizer, "veridox": veridox, "validis": validis}
    for vendor, room in (rooms | {"papershift": papershift}).items():
        public = {name for name in room.__all__ if name.startswith(("load_", "search_"))}

        assert public - LOADS[vendor].keys() <= {"load_gl_extract", "load_report"}
