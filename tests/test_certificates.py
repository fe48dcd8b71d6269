"""What a certificate says, and from what: totals, rows, pages, cursors, round counts, and how old the answers are."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta

import orjson
import pytest
from conftest import Says
from hypothesis import given
from hypothesis import strategies as st

from docframes import load_record, offline, papershift, validis, validocx, veridox
from docframes.errors import IncompleteLoad, SchemaDriftWarning
from docframes.sandbox.chaos import Chaos
from docframes.tables import verdicts
from docframes.tables.certificates import CEILINGS, EXPORT_CEILINGS, Certificate, certify, together

NOON = datetime(2026, 3, 5, 12, 0, tzinfo=UTC)
SCREEN = "compare with the count that the vendor's own screen shows"


@pytest.mark.parametrize(
    ("facts", "verdict"),
    [
        ({"first": 40, "last": 40, "received": 40, "unique": 40}, "PASS"),
        ({"first": 0, "last": 0, "received": 0, "unique": 0}, "PASS"),
        ({"first": 37, "last": 40, "received": 40, "unique": 40}, "PASS"),
        ({"first": 40, "last": 40, "received": 43, "unique": 40}, "PASS"),
        ({"first": 40, "last": 40, "received": 39, "unique": 39}, "FAIL"),
        ({"first": 37, "last": 40, "received": 40, "unique": 37}, "FAIL"),
        ({"first": 40, "last": 40, "received": 40, "unique": 40, "repeated_pages": 1}, "FAIL"),
        ({"first": None, "last": None, "received": 12, "unique": 12}, "CANNOT_PROVE"),
        ({"first": None, "last": None, "received": 20, "unique": 10, "repeated_pages": 1}, "FAIL"),
        ({"first": 40, "last": 38, "received": 40, "unique": 40}, "CANNOT_PROVE"),
        ({"first": 40, "last": 38, "received": 38, "unique": 38}, "CANNOT_PROVE"),
        ({"first": 40, "last": 40, "received": 10, "unique": 10, "cut_at": 10}, "PASS"),
        ({"first": 40, "last": 40, "received": 8, "unique": 8, "cut_at": 10}, "FAIL"),
        ({"first": 6, "last": 6, "received": 6, "unique": 6, "cut_at": 10}, "PASS"),
    ],
)
def test_the_verdict_follows_from_totals_and_rows(facts, verdict):
    """Fewer than declared is FAIL, no total is CANNOT_PROVE, a falling total proves nothing."""
    certificate = certify(**facts)

    assert certificate.verdict == verdict
    assert certificate.overlaps == facts["received"] - facts["unique"]
    assert str(certificate).startswith(f"{verdict}: ")


def of(*totals, rows=40, again=0, **more):
    """The certificate of a list whose pages declared *totals*."""
    return certify(first=totals[0], last=totals[-1], received=rows + again, unique=rows, totals=totals, **more)


@pytest.mark.parametrize(
    ("certificate", "told"),
    [
        (of(40), "PASS: 40 rows, as declared"),
        (of(37, 40), "PASS: 40 rows, as declared, after growing from 37"),
        (of(40, again=3), "PASS: 40 rows, as declared; 3 that came again on a later page count once"),
        (of(40, noun="records"), "PASS: 40 records, as declared"),
        (of(40, rows=10, cut_at=10), "PASS: 10 rows, as many as limit= asked for"),
        # The page that reached the limit had more rows than were wanted of it.
        (of(40, rows=14, cut_at=10), "PASS: 10 rows, as many as limit= asked for"),
        (of(40, rows=39), "FAIL: 39 rows came of 40 declared; 1 is missing"),
        (of(40, rows=8, cut_at=10), "FAIL: 8 rows came of 40 declared, 10 of them asked for by limit=; 2 are missing"),
        (
            of(40, rows=39, again=1),
            "FAIL: 39 rows came of 40 declared; 1 is missing; 1 came again on a later page, so pages shifted",
        ),
        (
            of(30, rows=10, sizes=(10, 0, 0)),
            "FAIL: 10 rows came of 30 declared; 20 are missing",
        ),
        (
            of(40, rows=20, sizes=(10, 0, 0, 10)),
            "FAIL: 20 rows came of 40 declared; 20 are missing; pages 2, 3 of 4 came empty although others followed",
        ),
        (
            of(40, repeated_pages=2),
            "FAIL: 2 pages repeated the page before; rows of other pages are missing",
        ),
        (
            of(41, 40),
            "CANNOT_PROVE: 40 rows; the total fell from 41 to 40 while loading; a row may have been passed over; "
            "refresh=True loads all of it anew",
        ),
        # Deleted, and another added: the first page and the last one declare the same.
        (
            of(40, 39, 40),
            "CANNOT_PROVE: 40 rows; the total moved between 39 and 40 while loading; a row may have been passed over; "
            "refresh=True loads all of it anew",
        ),
        (
            of(39, 40, again=2),
            "CANNOT_PROVE: 40 rows; 2 came again on a later page while the total grew from 39 to 40; a row may have "
            "been passed over; refresh=True loads all of it anew",
        ),
        (
            of(41, 39),
            "CANNOT_PROVE: 40 rows came, more than the 39 declared last; some went away meanwhile; "
            "refresh=True loads all of it anew",
        ),
        (
            of(33),
            f"CANNOT_PROVE: 40 rows came, more than the 33 declared; a total that is too low proves nothing; {SCREEN}",
        ),
        (
            of(100, rows=100, sizes=(100,)),
            "CANNOT_PROVE: exactly 100 rows came, one full page, and the total declared may be that page's: a smaller "
            f"page_size= shows whether others follow; else {SCREEN}",
        ),
        # An empty page that was asked for after it, two pages, or the vendor's word for the end: the page is not alone.
        (of(100, 100, rows=100, sizes=(100, 0)), "PASS: 100 rows, as declared"),
        (of(100, 100, rows=100, sizes=(50, 50)), "PASS: 100 rows, as declared"),
        (of(100, rows=100, sizes=(100,), ended=True), "PASS: 100 rows, as declared"),
        (of(150, rows=150, sizes=(150,)), "PASS: 150 rows, as declared"),
        (
            of(40, repeated_cursors=2),
            "PASS: 40 rows, as declared; the vendor lost the place in the list 2 times, and the load began anew",
        ),
    ],
)
def test_the_reason_says_what_was_seen_and_what_to_do(certificate, told):
    """In words that an auditor can copy into a workpaper."""
    assert str(certificate) == told


# --- what the vendor does not declare ---------------------------------------------------------------------------------


def silent(rows=40, **more):
    return certify(first=None, last=None, received=rows + more.pop("again", 0), unique=rows, **more)


@pytest.mark.parametrize(
    ("facts", "verdict", "words"),
    [
        ({"ended": True}, "PASS", "40 rows; the vendor declares no total, but said after the last that it was"),
        ({"ended": True, "sizes": (40,)}, "PASS", "said after the last that it was"),
        ({"ended": False, "sizes": (40,)}, "CANNOT_PROVE", "the vendor declares no total to compare with"),
        ({"ended": True, "sizes": (20, 20)}, "CANNOT_PROVE", "40 rows in 2 pages; the vendor said after the last"),
        ({"ended": True, "sizes": (20, 0, 20)}, "CANNOT_PROVE", "page 2 of 3 came empty although others followed"),
        ({"ended": True, "again": 1}, "CANNOT_PROVE", "1 came again on a later page, so pages shifted"),
        ({"ended": True, "repeated_cursors": 1}, "CANNOT_PROVE", "the vendor lost the place in the list once"),
        ({"ended": False, "repeated_cursors": 1}, "CANNOT_PROVE", "the vendor lost the place in the list once"),
        ({"ended": False, "cut_at": 40}, "PASS", "40 rows, as many as limit= asked for"),
        (
            {"ended": False, "cut_at": 40, "sizes": (20, 0, 20)},
            "CANNOT_PROVE",
            "40 rows, as many as limit= asked for; page 2 of 3 came empty although others followed; a row among them",
        ),
    ],
)
def test_without_a_total_one_answer_alone_proves_itself(facts, verdict, words):
    """What several answers hold between them is not declared anywhere, whatever the last one says."""
    certificate = silent(**facts)

    assert certificate.verdict == verdict
    assert words in certificate.reason


# --- counts at which servers stop -------------------------------------------------------------------------------------


@pytest.mark.parametrize("rows", sorted(CEILINGS))
@pytest.mark.parametrize("more", [{}, {"ended": True}, {"cut_at": 9_999_999}], ids=["plain", "ended", "limit"])
def test_a_count_at_which_servers_stop_is_never_proven(rows, more):
    """Whoever cuts the rows off counts what is left: the total declared is the same number."""
    for certificate in (of(rows, rows=rows, **more), silent(rows, **more)):
        assert (certificate.verdict, certificate.round_count) == ("CANNOT_PROVE", rows)
        assert certificate.reason.startswith(f"exactly {rows:,} rows came, which is {CEILINGS[rows]}: there may be")
        assert f"ask narrower questions and add up, or {SCREEN}" in certificate.reason


@pytest.mark.parametrize("rows", sorted({one + step for one in CEILINGS for step in (-1, 1)} - CEILINGS.keys()))
def test_a_count_beside_it_is_one_like_any_other(rows):
    """Nobody stops at 1,001."""
    certificate = of(rows, rows=rows)

    assert (certificate.verdict, certificate.round_count) == ("PASS", None)


def test_the_counts_are_those_of_known_servers_and_files():
    """What they are is documented by their makers: Supabase, Elasticsearch, SharePoint, both sheets of Excel."""
    assert CEILINGS.keys() >= {1_000, 5_000, 10_000, 2**16 - 1, 2**16, 2**20 - 1, 2**20}
    assert EXPORT_CEILINGS.keys() >= {2**16 - 1, 2**16, 2**20 - 1, 2**20}
    assert EXPORT_CEILINGS.items() <= CEILINGS.items()


def test_a_count_that_was_asked_for_is_no_suspicion():
    """limit=1000 gives 1,000 rows of many; so does a load by 1,000 ids."""
    certificate = of(1_200, rows=1_000, cut_at=1_000)

    assert (certificate.verdict, certificate.round_count) == ("PASS", None)


def test_a_round_count_that_is_too_few_is_still_a_failure():
    """10,000 came of 12,345 declared: that some are missing is sure."""
    certificate = of(12_345, rows=10_000)

    assert certificate.reason == "10000 rows came of 12345 declared; 2345 are missing"
    assert (certificate.verdict, certificate.round_count) == ("FAIL", 10_000)


# --- a list that changes while it is read -----------------------------------------------------------------------------


def read(rows, size, changes):
    """Read *rows* page by page, as a server with offsets would give them, while *changes* happen between pages.

    Gives the certificate, what came, and what was there when the last page came.
    """
    rows, pages, totals = list(rows), [], []
    while not pages or len(pages) * size < totals[-1]:
        for change in changes.get(len(pages), ()):
            change(rows)
        start = len(pages) * size
        pages.append(rows[start : start + size])
        totals.append(len(rows))
    came = [row for page in pages for row in page]
    return (
        of(*totals, rows=len(set(came)), again=len(came) - len(set(came)), sizes=[len(page) for page in pages]),
        set(came),
        set(rows),
    )


def adding(numbers):
    return lambda rows: rows.insert(numbers[0] % (len(rows) + 1), f"new {numbers[1]}")


def deleting(numbers):
    return lambda rows: rows and rows.pop(numbers[0] % len(rows))


CHANGES = st.dictionaries(
    st.integers(1, 6), st.lists(st.tuples(st.integers(0, 60), st.integers(0, 10**6)), max_size=3), max_size=4
)


@given(st.integers(0, 45), st.integers(1, 12), CHANGES, st.sampled_from([adding, deleting]))
def test_what_is_proven_is_whole_however_the_list_grows_or_shrinks(count, size, changes, kind):
    """Rows added anywhere between pages, or deleted anywhere: PASS only where every row of the list came."""
    made = {page: [kind(one) for one in numbers] for page, numbers in changes.items()}
    certificate, came, there = read(range(count), size, made)

    if certificate.verdict == "PASS":
        assert came >= there


def test_a_row_that_moves_to_the_end_while_it_is_read_is_missed():
    """It is touched, in a list by last change: it comes twice, and the row that moved up never."""
    certificate, came, there = read(range(40), 10, {1: [lambda rows: rows.append(rows.pop(2))]})

    assert there - came == {10}
    assert str(certificate) == (
        "FAIL: 39 rows came of 40 declared; 1 is missing; 1 came again on a later page, so pages shifted"
    )


# --- answers of different moments -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("certificate", "verdict", "words"),
    [
        # Both moments declare the same, and so many came.
        ({"totals": (40, 40), "minutes": 4}, "PASS", "40 rows, as declared"),
        ({"totals": (37, 40), "minutes": 4}, "CANNOT_PROVE", "the total grew from 37 to 40; 1 of 3 answers came"),
        ({"totals": (37, 40), "minutes": 0.9}, "PASS", "after growing from 37"),
        ({"totals": (None, None), "minutes": 4}, "CANNOT_PROVE", "1 of 3 answers came from the cache, up to 4 minutes"),
        ({"totals": (None, None), "minutes": 0.9}, "PASS", "said after the last that it was"),
        ({"totals": (42, 42), "minutes": 4}, "FAIL", "2 are missing; 1 of 3 answers came from the cache, up to 4"),
    ],
)
def test_pages_of_different_moments_may_not_fit_together(certificate, verdict, words):
    """The first page lay in the cache for minutes, the others are new: one total for all holds them together."""
    fresh = [NOON, NOON - timedelta(seconds=5)]
    cached = [NOON - timedelta(minutes=certificate["minutes"])]
    made = of(*certificate["totals"], ended=True, cached=cached, fresh=fresh)

    assert made.verdict == verdict
    assert words in made.reason
    assert (made.from_cache, made.oldest) == (1, cached[0])


def test_the_first_page_from_the_cache_and_a_list_that_grew(start, account, monkeypatch):
    """A load of one page, a load of all later: no second call for the first page, and the certificate says so."""
    monkeypatch.setattr(verdicts, "_TOGETHER", 0.0)
    box = start("total_too_low")
    client = account(box)
    validocx.load_jobs(limit=10, page_size=10, client=client)
    box.chaos = Chaos((), 1.0)
    frame = validocx.load_jobs(page_size=10, client=client)
    certificate = load_record(frame).certificate

    assert len(frame) == 30
    assert (certificate.declared_first, certificate.declared_last, certificate.from_cache) == (23, 30, 1)
    assert certificate.verdict == "CANNOT_PROVE"
    assert certificate.reason.startswith("30 rows, as declared last, but the total grew from 23 to 30; 1 of 3 answers")
    assert certificate.reason.endswith("refresh=True loads all of it anew")


def test_how_many_answers_came_from_the_cache_and_how_old_they_are(box, client):
    """None of the first load; all of the second, from the moment at which the first one fetched them."""
    first = load_record(validocx.load_jobs(page_size=10, client=client))
    second = load_record(validocx.load_jobs(page_size=10, client=client))

    assert (first.certificate.from_cache, first.certificate.oldest) == (0, None)
    assert (second.certificate.from_cache, second.certificate.oldest) == (3, first.fetched_from)
    assert second.certificate == first.certificate
    assert second.certificate.oldest.tzinfo == UTC


def test_details_say_it_too(start, account):
    """One of the jobs has moved since: the others' answers are the old ones."""
    box = start(jobs=5)
    client = account(box)
    before = datetime.now(UTC)
    validocx.load_job_details(validocx.load_jobs(client=client), client=client)
    after = datetime.now(UTC)
    box.touch_job(box.jobs[0]["id"])
    jobs = validocx.load_jobs(client=client, refresh=True)
    second = load_record(validocx.load_job_details(jobs, client=client).jobs).certificate

    assert str(second) == "PASS: 5 asked for, 5 came"
    assert second.from_cache == 4
    assert before <= second.oldest <= after


def test_offline_the_proof_is_as_old_as_its_answers(start, account):
    """The verdict stands; whoever reads it sees from when."""
    client = account(start(jobs=5))
    first = load_record(validocx.load_jobs(client=client))
    with offline():
        again = load_record(validocx.load_jobs(client=client)).certificate

    assert (again.verdict, again.from_cache, again.oldest) == ("PASS", 1, first.fetched_from)


# --- written and read -------------------------------------------------------------------------------------------------


def test_a_certificate_comes_back_from_json_as_it_was():
    """Every field, the moment as a moment of UTC."""
    certificate = of(
        1_000, rows=1_000, again=2, repeated_cursors=1, cached=[NOON, NOON - timedelta(days=2)], fresh=[NOON]
    )
    text = orjson.dumps(dataclasses.asdict(certificate))

    back = Certificate.from_dict(orjson.loads(text))
    assert dataclasses.asdict(back) == dataclasses.asdict(certificate)
    assert back.oldest == NOON - timedelta(days=2)
    assert Certificate.from_dict({"verdict": "PASS", "reason": "as kept before"}).oldest is None


def test_a_notebook_shows_what_is_known_and_no_more():
    """The facts that are there, each once, under the reason."""
    plain = of(40)._repr_html_()
    odd = of(39, 1_000, rows=1_000, again=3, repeated_cursors=1, cached=[NOON])._repr_html_()

    assert "cache" not in plain
    assert "again" not in plain
    for name, fact in {
        "declared by the first page": "39",
        "declared by the last page": "1,000",
        "rows received": "1,003",
        "rows that came again": "3",
        "cursors that led nowhere": "1",
        "a count at which servers stop": "1,000",
        "answers from the cache": "1",
        "the oldest of them fetched": "2026-03-05 12:00:00 UTC",
    }.items():
        row = odd.partition(name)[2].partition("</tr>")[0]
        assert row.endswith(f">{fact}</td>"), name


# --- many lists -------------------------------------------------------------------------------------------------------


def test_many_lists_are_no_better_than_the_worst_of_them():
    """One is a row short and another has one too many: the sums fit, and the whole is incomplete."""
    short, long, good = of(40, rows=39), of(40, rows=41), of(40)
    whole = certify(first=120, last=120, received=120, unique=120, lists=3)
    assert whole.verdict == "PASS"

    told = together(whole, {"a": good, "b": short, "c": long})
    assert str(told) == ("FAIL: 1 of 3 lists incomplete, the first b: 39 rows came of 40 declared; 1 is missing")
    assert (told.received, told.declared_last) == (120, 120)
    assert together(whole, {"a": good, "c": long}).reason.startswith("1 of 2 lists not proven, the first c: 41 rows")
    assert together(whole, {"a": good}) is whole


def test_a_ceiling_is_one_of_a_list_and_not_of_many_together():
    """Two lists of 500 are no 1,000; one list of 1,000 among others is."""
    whole = certify(first=1_001, last=1_001, received=1_000, unique=1_000, lists=2)
    assert whole.round_count is None
    assert certify(first=1_000, last=1_000, received=1_000, unique=1_000, lists=2).verdict == "PASS"

    told = together(
        certify(first=1_040, last=1_040, received=1_040, unique=1_040, lists=2),
        {"a": of(40), "b": of(1_000, rows=1_000)},
    )
    assert (told.verdict, told.round_count) == ("CANNOT_PROVE", 1_000)
    assert told.reason.startswith("1 of 2 lists not proven, the first b: exactly 1,000 rows came")


USER = "54f20d26-f254-4817-8116-043b88cad9a"


def documents(of_user):
    """Papershift, with so many documents of each user, and totals as declared."""

    def answer(asked):
        user = asked.path.split("/")[4]
        came, declared = of_user[user]
        rows = [{"id": f"{user}-{number}", "type": "document"} for number in range(came)]
        rows = rows if asked.query.get("page[number]", "1") == "1" else []
        return Says({"data": rows, "meta": {"records": declared}, "links": {"next": None}})

    return answer


@pytest.mark.filterwarnings("ignore")
def test_a_gap_in_one_users_documents_is_not_hidden_by_another_user(scripted, settings):
    """One user's list is a row short and another's has one more than declared; the error goes on to all of them."""
    users = [f"{USER}{number}" for number in range(3)]
    server = scripted(documents(dict(zip(users, [(3, 3), (2, 3), (4, 3)], strict=True))))
    with papershift.Client(token="invented.token", base_url=server.url, settings=settings) as client:
        with pytest.raises(IncompleteLoad) as caught:
            papershift.load_documents(users, client=client)
        server.answer = documents(dict.fromkeys(users, (3, 3)))
        whole = caught.value.resume()

    assert caught.value.certificate.reason == (
        f"1 of 3 lists incomplete, the first {users[1]}: 2 rows came of 3 declared; 1 is missing"
    )
    assert len(caught.value.frame) == len(whole) == 9
    assert str(load_record(whole).certificate) == "PASS: 9 rows, as declared"


# --- by ids, and by files ---------------------------------------------------------------------------------------------


def test_a_thousand_ids_are_no_suspicion(scripted_client):
    """So many were asked for."""
    ids = [f"j{number}" for number in range(1_000)]
    client = scripted_client(lambda asked: Says({"data": {"job": {"id": asked.path.rpartition("/")[2]}, "steps": []}}))
    with pytest.warns(SchemaDriftWarning):
        details = validocx.load_job_details(ids, client=client)

    assert str(load_record(details.jobs).certificate) == "PASS: 1000 asked for, 1000 came"


@pytest.fixture
def signer(scripted, settings):
    """A Veridox that leaves the last id of each call unmentioned."""

    def answer(asked):
        return Says({"files": [{"file_id": IDS[0], "download_url": "https://h.invalid/1"}]})

    server = scripted(answer)
    with veridox.Client(api_key="vdx_" + "w5" * 20, base_url=server.url, settings=settings) as client:
        yield client


IDS = [f"019cadd3-7fcb-7133-b19b-{number:012x}" for number in range(2)]


def test_an_id_that_nobody_speaks_of_is_not_taken_for_refused(signer):
    """Its row has an error either way; that it was passed over in silence is not proof of a refusal."""
    signed = veridox.sign_files(IDS, client=signer)

    assert signed["error"].isna().tolist() == [True, False]
    assert str(load_record(signed).certificate) == (
        "CANNOT_PROVE: 2 asked for, 1 signed, 1 were refused, each with its error; of 1 the vendor said nothing at all"
    )


@pytest.fixture
def extracts(start, settings):
    """A Validis with a ledger of 5,000 lines."""
    box = start(jobs=10, time_scale=0.01)
    box.state["validis"].polls = 0
    key, second = box.key("validis"), box.state["validis"].secondary
    url = box.url("validis")
    with validis.Client(api_key=key, secondary_api_key=second, base_url=url, settings=settings) as client:
        yield client


def test_files_that_were_here_already_are_told(extracts):
    """The second load downloads nothing: its files are as old as the first one's."""
    first = load_record(validis.load_gl_extract(4711, client=extracts).transactions)
    second = load_record(validis.load_gl_extract(4711, client=extracts).transactions)

    assert (first.certificate.from_cache, first.certificate.oldest) == (0, None)
    assert second.certificate.from_cache == second.from_cache > 0
    assert second.certificate.oldest == first.fetched_from


def test_a_file_with_as_many_lines_as_a_sheet_holds_is_told(extracts, monkeypatch):
    """An extract declares no total; one that ends where a sheet of Excel ends may have been cut there."""
    monkeypatch.setattr("docframes.vendors.validis.record.EXPORT_CEILINGS", {5_000: "what a sheet holds"})
    certificate = load_record(validis.load_gl_extract(4711, client=extracts).transactions).certificate

    assert (certificate.verdict, certificate.unique, certificate.round_count) == ("CANNOT_PROVE", 5_000, 5_000)
    assert certificate.reason.endswith("; exactly 5,000 rows is what a sheet holds, so the file may be cut off there")
