"""Where the assumed parts of Veridox turn out otherwise, the room loads all the same, or says what to change."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest

from docframes import load_record
from docframes.errors import IncompleteLoad, NotFound, SchemaDriftWarning, ShapeError
from docframes.sandbox.server import Server
from docframes.transport.download import SignedLink
from docframes.vendors import veridox
from tests.realities.veridox import COUNT, Reality, application, file_id

KEY = "vdx_" + "q7" * 20
RISK = pd.CategoricalDtype(["Informational", "Low", "Medium", "High"], ordered=True)


@pytest.fixture
def serve(settings):
    """A client of a reality: ``serve(lists="bare")``; the reality is its ``.reality``."""
    with contextlib.ExitStack() as stack:

        def make(assumptions=None, **differences):
            reality = Reality(**differences)
            server = Server(application(reality), 0, "second veridox")
            stack.callback(server.stop)
            client = veridox.Client(api_key=KEY, base_url=server.url, settings=settings, assumptions=assumptions)
            client.reality = reality
            return stack.enter_context(client)

        yield make


def check_files(files, ids=None):
    """Every file, with its values, whatever the spelling."""
    assert files["file_id"].tolist() == (ids or [file_id(number) for number in range(1, COUNT + 1)])
    assert files["current_risk_score"].dtype == RISK
    assert files["current_risk_score"].tolist() == ["High"] + ["Low"] * (COUNT - 1)
    assert files["label"].tolist()[2] == "invoice-3.pdf"
    assert files["created_at"].tolist()[0] == pd.Timestamp("2026-03-02T09:14:05Z")
    assert files["uploaded_at"].dt.microsecond.tolist() == [700_000] * COUNT
    assert not [name for name in files.columns if "thumbnail" in name.lower()]


LISTS = [
    {"lists": "bare"},
    {"lists": "data"},
    {"total": "text"},
    {"total": "float"},
    {"total": "absent"},
    {"total": "page"},
    {"keys": "camel"},
    {"keys": "pascal"},
    {"moments": "offset"},
    {"moments": "seconds"},
    {"moments": "milliseconds"},
    {"moments": "no_zone"},
    {"optional": "missing"},
    {"scores": "lower"},
    {"scores": "upper"},
    {"ignored_size": 3},
    {"id_key": "id"},
    {"lists": "bare", "keys": "camel", "moments": "milliseconds", "optional": "missing", "scores": "lower"},
]


@pytest.mark.parametrize("size", [None, 1, 3, COUNT])
@pytest.mark.parametrize("differences", LISTS, ids=str)
def test_lists_load_unchanged(serve, differences, size):
    """Another envelope, other spellings, no totals or totals of a page: every file comes, once, with its values."""
    client = serve(**differences)

    check_files(veridox.load_files(page_size=size, client=client))
    check_files(veridox.search_files("invoice", page_size=size, client=client))
    assert len(veridox.load_cases(page_size=size, client=client)) == COUNT


@pytest.mark.parametrize("differences", LISTS, ids=str)
def test_a_list_is_proven_only_where_something_proves_it(serve, differences):
    """A total of all rows proves; without one, or with one of a page, the certificate does not say PASS."""
    files = veridox.load_files(page_size=3, client=serve(**differences))
    proven = differences.get("total") not in ("absent", "page") and differences.get("lists") != "bare"

    assert load_record(files).certificate.verdict == ("PASS" if proven else "CANNOT_PROVE")


def test_whole_numbers_for_ids_are_text(serve):
    """Ids are text, whatever was sent; analyses and links are found by them."""
    client = serve(ids="number", assumptions={"sent_id_pattern": ""})
    files = veridox.load_files(client=client)
    analyses = veridox.load_analyses(files, client=client)
    signed = veridox.sign_files(files, client=client)

    check_files(files, [str(number) for number in range(1, COUNT + 1)])
    assert analyses.files["file_id"].tolist() == files["file_id"][:-1].tolist()
    assert signed["error"].isna().all()


def test_ids_of_another_form_are_not_sent_and_the_error_says_how_they_would_be(serve):
    """Each row names the assumption; nothing is sent."""
    client = serve(ids="number")
    signed = veridox.sign_files(["1", "2"], client=client)

    assert signed["error"].str.contains("sent_id_pattern").all()
    assert client.reality.bodies == []


@pytest.mark.parametrize(
    ("differences", "mend"),
    [({"lists": "unknown"}, {"files_items": "page.entries"}), ({"lists": "nested"}, {"files_items": "data.files"})],
)
def test_a_list_elsewhere_names_its_mend(serve, differences, mend):
    """ShapeError with the assumption; with it, everything loads."""
    with pytest.raises(ShapeError, match=r'assumptions=\{"files_items"'):
        veridox.load_files(client=serve(**differences))

    check_files(veridox.load_files(client=serve(**differences, assumptions=mend)))


def test_an_id_under_another_name_names_its_mend(serve):
    """No frame of missing ids: ShapeError with the line that mends it."""
    # The warning comes first, and names the key that nobody knows.
    with pytest.warns(SchemaDriftWarning, match="uid"), pytest.raises(ShapeError, match=r'"columns": \{"files"'):
        veridox.load_files(client=serve(id_key="uid"))

    mended = serve(id_key="uid", assumptions={"columns": {"files": {"file_id": "uid"}}})
    check_files(veridox.load_files(client=mended))


ANALYSES = [
    {},
    {"keys": "camel"},
    {"keys": "pascal"},
    {"moments": "milliseconds"},
    {"scores": "lower"},
    {"highlights": "results"},
    {"highlights": "full"},
    {"highlights": "full", "keys": "camel"},
    {"optional": "missing"},
    {"wrapped": "data"},
    {"wrapped": "analysis", "keys": "camel"},
    {"unsettled": "missing"},
]


@pytest.mark.parametrize("differences", ANALYSES, ids=str)
def test_analyses_load_unchanged(serve, differences):
    """Nested keys in another spelling, highlights in another place, results missing: every frame is filled."""
    client = serve(**differences)
    ids = [file_id(1), file_id(COUNT)]
    analyses = veridox.load_analyses(ids, client=client)

    assert analyses.files["file_id"].tolist() == ids
    assert analyses.files["overall_risk_score"].tolist()[0] == "High"
    assert analyses.files["overall_risk_score"].isna().tolist() == [False, True]
    assert analyses.files["highlights"].tolist()[0] == '["Totals were edited"]'
    assert analyses.files["audit_trail"].tolist()[0] == '["read"]'
    assert analyses.observations["observation"].tolist() == ["first", "second"]
    assert analyses.risk_assessments["risk_level"].tolist() == ["Medium"]
    assert analyses.findings["supporting_evidence"].tolist() == ['["e"]']
    assert analyses.suggested_actions["action"].tolist() == ["a"]
    assert analyses.module_findings["severity"].tolist() == ["Low"]
    assert analyses.module_findings["evidence_refs"].tolist() == ['["q1.0"]']
    assert len(analyses.search_results) == (0 if differences.get("optional") == "missing" else 1)
    assert not [name for frame in vars(analyses).values() for name in frame.columns if "analysis_results" in name]


def test_highlights_are_looked_for_where_a_user_says(serve):
    """The places are an assumption like any other."""
    client = serve(highlights="full", assumptions={"highlights_places": ["highlights"]})
    with pytest.warns(SchemaDriftWarning, match="highlights"):
        analyses = veridox.load_analyses([file_id(1)], client=client)

    assert analyses.files["highlights"].isna().all()
    assert analyses.files["analysis_results.full_analysis.highlights"].tolist() == ['["Totals were edited"]']


def test_an_object_elsewhere_names_its_mend(serve):
    """Wrapped under a name nobody guesses: ShapeError, and one line that mends it."""
    with pytest.warns(SchemaDriftWarning), pytest.raises(ShapeError, match=r'assumptions=\{"analysis_object"'):
        veridox.load_analyses([file_id(1)], client=serve(wrapped="payload"))
    with pytest.warns(SchemaDriftWarning), pytest.raises(ShapeError, match=r'assumptions=\{"case_object"'):
        veridox.load_case_details(["019cadd3-7fc0-790f-88f0-3c28dc86b601"], client=serve(wrapped="payload"))

    mended = serve(wrapped="payload", assumptions={"analysis_object": "payload"})
    assert veridox.load_analyses([file_id(1)], client=mended).files["file_id"].tolist() == [file_id(1)]


@pytest.mark.parametrize("unsettled", ["404", "409"])
def test_a_refusal_for_what_is_not_settled_is_told(serve, unsettled):
    """Of a frame it is not asked for; of plain ids the others come with an error that can be accepted."""
    client = serve(unsettled=unsettled)
    files = veridox.load_files(client=client)
    analyses = veridox.load_analyses(files, client=client)
    assert (len(analyses.files), analyses.skipped["file_id"].tolist()) == (COUNT - 1, [file_id(COUNT)])

    with pytest.raises(IncompleteLoad, match="1 failed"):
        veridox.load_analyses([file_id(1), file_id(COUNT)], client=client)


@pytest.mark.parametrize("differences", [{}, {"keys": "camel"}, {"optional": "missing"}, {"wrapped": "data"}], ids=str)
def test_cases_with_their_files_load_unchanged(serve, differences):
    """The fields of a case's files are assumed; so is what stands around them."""
    ids = ["019cadd3-7fc0-790f-88f0-3c28dc86b601", "019cadd3-7fc0-790f-88f0-3c28dc86b602"]
    details = veridox.load_case_details(ids, client=serve(**differences))

    assert details.cases["case_id"].tolist() == ids
    assert details.files["case_id"].tolist() == [ids[0], ids[0], ids[1], ids[1]]
    assert details.files["file_id"].tolist() == [file_id(1), file_id(2)] * 2
    assert details.files["case_label"].tolist()[0] == "Claim 1"


LINKS = [
    {},
    {"errors": "map"},
    {"bulk_status": 207},
    {"bulk": "bare"},
    {"bulk": "data"},
    {"keys": "camel"},
    {"link": "url"},
    {"moments": "milliseconds"},
]


@pytest.mark.parametrize("differences", LINKS, ids=str)
def test_links_load_unchanged(serve, differences):
    """One good id and one foreign one: a link and an error, whatever is around them."""
    client = serve(**differences)
    ids = [file_id(1), file_id(99)]
    signed = veridox.sign_files(ids, client=client)
    links = veridox.file_links("file_download", ids, client=client)

    assert signed["file_id"].tolist() == ids
    assert signed["label"].tolist()[0] == "invoice-1.pdf"
    assert signed["error"].isna().tolist() == [True, False]
    assert signed["error"].tolist()[1] == "File not found"
    assert signed["expires_at"].tolist()[0] == pd.Timestamp("2099-01-01T00:00:00Z")
    assert "http" not in signed.to_csv()
    assert isinstance(links[ids[0]], SignedLink)
    assert isinstance(links[ids[1]], NotFound)


@pytest.mark.parametrize("errors", ["absent", "null"])
def test_no_errors_are_none_and_an_id_in_neither_place_has_failed(serve, errors):
    """The array is optional; what is said nowhere counts as failed, with a reason."""
    client = serve(errors=errors, forgets=frozenset({2}))
    signed = veridox.sign_files([file_id(1), file_id(2)], client=client)

    assert signed["error"].isna().tolist() == [True, False]
    assert "neither" in signed["error"].tolist()[1]


@pytest.mark.parametrize(
    ("differences", "mend", "said"),
    [
        ({"bulk": "unknown"}, {"download_files": "signed", "download_errors": "unsigned"}, "download_files"),
        ({"link": "other"}, {"download_url": "href"}, "download_url"),
    ],
)
def test_links_elsewhere_name_their_mend(serve, differences, mend, said):
    """ShapeError with the assumption; with it, the links come."""
    with pytest.raises(ShapeError, match=rf'assumptions=\{{"{said}"'):
        veridox.sign_files([file_id(1)], client=serve(**differences))

    signed = veridox.sign_files([file_id(1), file_id(99)], client=serve(**differences, assumptions=mend))
    assert signed["error"].isna().tolist() == [True, False]
    assert "http" not in signed.to_csv()


def test_an_asset_under_another_name_is_found_or_names_its_mend(serve):
    """A usual name is taken; any other is a ShapeError with the line that mends it."""
    assert veridox.asset(file_id(1), client=serve(link="url", keys="camel")).url == "https://h.invalid/a?sig=b"
    with pytest.raises(ShapeError, match=r'assumptions=\{"asset_url"') as told:
        veridox.asset(file_id(1), client=serve(link="other"))
    assert "sig=b" not in str(told.value)

    mended = serve(link="other", assumptions={"asset_url": "href"})
    assert veridox.asset(file_id(1), client=mended).url == "https://h.invalid/a?sig=b"


def test_links_without_an_expiry_have_the_documented_one(serve):
    """60 minutes for a bulk link; for a thumbnail what is assumed."""
    client = serve(expires="missing", assumptions={"thumbnail_lifetime": 600})
    before = datetime.now(UTC)
    bulk = veridox.file_links("file_download", [file_id(1)], client=client)[file_id(1)]
    thumbnail = veridox.asset(file_id(1), "thumbnail", client=client)

    assert bulk.expires_at - before > timedelta(minutes=59)
    assert timedelta(minutes=9) < thumbnail.expires_at - before < timedelta(minutes=11)


@pytest.mark.parametrize("wait", ["7", "Mon, 02 Mar 2026 09:14:05 GMT", ""])
def test_a_refusal_may_say_how_long_in_either_form(serve, wait):
    """Seconds, a date, or nothing: the call is made again."""
    client = serve(refusals=[429, 429], retry_after=wait)

    check_files(veridox.load_files(client=client))
    assert client.reality.seen == ["/files"] * 3
