"""The Papershift room: signing in, filters, pages, and the documents of many users."""

from __future__ import annotations

import contextlib
import dataclasses
import json
from datetime import UTC, date, datetime

import pytest
from conftest import Says

import docframes.sandbox as sandbox
from docframes import describe, load_record, offline
from docframes.errors import (
    AccessWarning,
    AuthError,
    BrokenCursor,
    ColumnError,
    ConfigError,
    DocframesError,
    IncompleteLoad,
    MissingKey,
    NotFound,
    RateLimited,
    SchemaDriftWarning,
    ServerError,
    ShapeError,
)
from docframes.files import FileRef, save_all
from docframes.transport.download import SignedLink
from docframes.transport.paging import JsonApi, Page
from docframes.vendors import papershift
from docframes.vendors.papershift import loaders
from docframes.vendors.papershift.api import API
from docframes.vendors.papershift.queries import filter_parameters

TOKEN = "ready-token-" + "x7" * 20
DOCUMENT = {
    "id": "53d1e259-991a-4558-b440-1e9a2dae93e6",
    "type": "document",
    "attributes": {
        "created_at": "2026-01-12T08:30:00.000Z",
        "extension": "pdf",
        "name": "Employment contract",
        "sensitive": True,
        "upload_status": "success",
        "visible_to_user": True,
    },
}
USER = {"id": "e783e713-7785-4678-a483-2c14852efe53", "type": "user", "attributes": {"name": "Peter Sandmann"}}


@pytest.fixture(scope="module")
def office():
    """A sandbox for the tests that only read."""
    with sandbox.running(jobs=2, environment=False) as box:
        yield box


@pytest.fixture
def login(settings):
    """A client that signs in: ``login(box)``.  What was called before is out of every rate's window."""
    with contextlib.ExitStack() as stack:

        def make(box, **options):
            box.advance(61)
            box.clear_calls()
            given = {"email": "audit@northmoor.example.org", "password": box.key("papershift")}
            given = {} if "token" in options else given
            defaults = {**given, "base_url": box.url("papershift"), "settings": settings}
            return stack.enter_context(papershift.Client(**{**defaults, **options}))

        yield make


@pytest.fixture
def client(office, login):
    return login(office)


@pytest.fixture
def told(scripted, settings):
    """A client of a scripted server, which is its ``.server``: ``told(answer, assumptions=...)``."""
    with contextlib.ExitStack() as stack:

        def make(answer, **options):
            server = scripted(answer)
            defaults = {"token": TOKEN, "base_url": server.url, "settings": settings}
            made = stack.enter_context(papershift.Client(**{**defaults, **options}))
            made.server = server
            return made

        yield make


def paths(box):
    return [call.path for call in box.calls]


# --- signing in ---------------------------------------------------------------------------------------------------


def test_a_missing_credential_names_all_three_variables():
    """A token, or an e-mail address and a password; and how to give them."""
    with pytest.raises(MissingKey) as missing:
        papershift.load_users()

    for name in ("DOCFRAMES_PAPERSHIFT_TOKEN", "DOCFRAMES_PAPERSHIFT_EMAIL", "DOCFRAMES_PAPERSHIFT_PASSWORD"):
        assert name in str(missing.value)
    assert "papershift.Client(token=..." in str(missing.value)


@pytest.mark.parametrize(
    ("given", "lacking"),
    [
        ({"email": "a@example.org"}, "DOCFRAMES_PAPERSHIFT_PASSWORD"),
        ({"password": "secret99"}, "DOCFRAMES_PAPERSHIFT_EMAIL"),
    ],
)
def test_half_a_login_names_the_other_half(given, lacking):
    """An address without a password, and the other way round."""
    with pytest.raises(MissingKey, match=lacking) as missing:
        papershift.Client(**given)

    assert "secret99" not in str(missing.value)


def test_the_login_of_the_environment_is_used(monkeypatch, office, login):
    """Loaders without a client sign in with what the variables say."""
    login(office)
    for name, value in office.environment().items():
        if name != "DOCFRAMES_CACHE_DIR":
            monkeypatch.setenv(name, value)

    assert len(papershift.load_teams()) == len(office.state["papershift"].personnel.teams)


def test_what_is_given_is_not_mixed_with_the_environment(monkeypatch, settings):
    """A token of one account and the login of another would change accounts half-way."""
    monkeypatch.setenv("DOCFRAMES_PAPERSHIFT_EMAIL", "other@example.org")
    monkeypatch.setenv("DOCFRAMES_PAPERSHIFT_PASSWORD", "anotherone")

    client = papershift.Client(token=TOKEN, settings=settings)

    assert client.auth.identity() == TOKEN


def test_one_sign_in_serves_many_calls(office, client):
    """The token comes in a header of the answer, and goes with every later call as Bearer."""
    papershift.load_users(client=client)
    papershift.load_teams(client=client)

    assert paths(office) == ["/api/v1/auth/sign_in", "/api/v1/users", "/api/v1/teams"]
    tokens = {call.headers["authorization"] for call in office.calls[1:]}
    assert len(tokens) == 1
    assert tokens.pop().startswith("Bearer ")
    assert "authorization" not in office.calls[0].headers


def test_every_request_has_the_headers_of_the_contract(office, client):
    """Content-Type also on GET; the language of error texts is asked for."""
    papershift.load_users(client=client)

    for call in office.calls:
        assert call.headers["content-type"] == "application/vnd.api+json"
        assert call.headers["accept"] == "application/vnd.api+json"
        assert call.headers["accept-language"] == "en"


def test_an_expired_token_is_renewed_once(office, login):
    """401: sign in once more, and repeat the call."""
    client = login(office)
    papershift.load_users(client=client)
    office.state["papershift"].expire_tokens()
    office.clear_calls()

    papershift.load_teams(client=client)

    assert [call.status for call in office.calls] == [401, 200, 200]
    assert paths(office) == ["/api/v1/teams", "/api/v1/auth/sign_in", "/api/v1/teams"]


def test_a_ready_token_that_is_refused_is_an_auth_error(office, login):
    """There is nothing to renew it with."""
    with pytest.raises(AuthError, match="DOCFRAMES_PAPERSHIFT_TOKEN") as refused:
        papershift.load_users(client=login(office, token=TOKEN))

    assert refused.value.status == 401
    assert office.count("papershift", "/api/v1/auth") == 0
    assert TOKEN not in str(refused.value)


def test_a_ready_token_works_without_a_sign_in(office, login):
    """No password is needed then."""
    client = login(office, token=office.state["papershift"].token())

    assert len(papershift.load_users(client=client)) == 12
    assert office.count("papershift", "/api/v1/auth") == 0


def test_a_wrong_password_is_told_without_it(office, login):
    """An AuthError with the vendor's own words."""
    with pytest.raises(AuthError, match="E-mail or password is wrong") as refused:
        papershift.load_users(client=login(office, password="not-the-password"))

    assert "not-the-password" not in str(refused.value)
    assert paths(office) == ["/api/v1/auth/sign_in"]


def test_many_calls_at_once_do_not_each_try_a_wrong_password(told, settings):
    """The refusal of one sign-in is the answer for all that wait for it."""
    real_time = dataclasses.replace(settings, time_scale=1.0)
    client = told(
        lambda asked: Says({}, 401), token=None, email="a@example.org", password="wrong-one", settings=real_time
    )
    with pytest.raises(AuthError):
        papershift.load_documents([f"u{number}" for number in range(30)], client=client)

    assert [asked.path for asked in client.server.asked] == ["/api/v1/auth/sign_in"]


def test_a_sign_in_that_is_refused_for_a_while_is_tried_again(told):
    """429 with Retry-After, then a server fault: the third try is answered."""
    refusals = [Says(b"", 429, {"Retry-After": "1"}), Says(b"", 503)]

    def answer(asked):
        if asked.path.endswith("sign_in"):
            return refusals.pop(0) if refusals else Says({}, headers={"Authorization": "bare-token-12345"})
        return Says({"data": [USER]})

    client = told(answer, token=None, email="a@example.org", password="long-password")

    assert len(papershift.load_users(client=client)) == 1
    # The bare token is accepted too.
    assert client.server.asked[-1].headers["authorization"] == "Bearer bare-token-12345"


def test_a_sign_in_that_is_refused_for_good_is_rate_limited(told):
    """As many tries as any call has, then the vendor's refusal."""
    client = told(lambda asked: Says(b"", 429), token=None, email="a@example.org", password="long-password")

    with pytest.raises(RateLimited):
        papershift.load_users(client=client)
    assert len(client.server.asked) == client.settings.tries


def test_a_token_in_another_header_is_mended_in_one_line(told):
    """The error names the assumption; with it the same server is understood."""

    def answer(asked):
        if asked.path.endswith("sign_in"):
            return Says({}, headers={"X-Access-Token": "tucked-away-token"})
        return Says({"data": [USER]})

    login = {"token": None, "email": "a@example.org", "password": "long-password"}
    with pytest.raises(ShapeError, match="sign_in_header") as caught:
        papershift.load_users(client=told(answer, **login))
    assert "X-Access-Token" in str(caught.value)
    assert "tucked-away-token" not in str(caught.value)

    mended = told(answer, **login, assumptions={"sign_in_header": "X-Access-Token"})
    assert len(papershift.load_users(client=mended)) == 1


def test_a_fresh_token_on_an_answer_is_taken_over(told):
    """The next call carries it."""
    client = told(lambda asked: Says({"data": []}, headers={"Authorization": "Bearer the-next-token"}))
    papershift.load_users(client=client)
    papershift.load_teams(client=client)

    sent = [asked.headers["authorization"] for asked in client.server.asked]
    assert sent == [f"Bearer {TOKEN}", "Bearer the-next-token"]


def test_sign_ins_fall_under_both_rates(told):
    """Their own, and that of all routes."""
    from docframes.transport.limits import Permits, RateLimit

    taken = []

    class Counted(Permits):
        def __init__(self):
            super().__init__({"default": RateLimit(9, 1), "sign_in": RateLimit(9, 1)})
            self._limiters = dict.fromkeys(self._limiters, self)

        def try_acquire(self, rule, **options):
            if rule in self._limiters:
                taken.append(rule)
                return True
            return super().try_acquire(rule, **options)

    Counted().try_acquire("sign_in+default")
    assert taken == ["sign_in", "default"]


# --- lists --------------------------------------------------------------------------------------------------------


def test_users_are_loaded_page_by_page(office, client):
    """Two a page: six calls, every user once, in order, with the certificate of the declared total."""
    frame = papershift.load_users(page_size=2, client=client)

    rows = office.state["papershift"].personnel.users
    assert frame["user_id"].tolist() == [row["id"] for row in rows]
    assert office.count("papershift", "/api/v1/users") == 6
    assert load_record(frame).certificate.verdict == "PASS"


def test_rows_are_typed_and_attributes_come_out_of_their_object(office, client):
    """Ids and numbers are text, moments are UTC, a missing address is missing."""
    frame = papershift.load_users(client=client)
    left = frame[frame["status"] == "deactivated"].iloc[0]

    assert str(left["discarded_at"]) == "2025-11-28 17:00:00+00:00"
    assert frame["employee_number"].dropna().str.fullmatch(r"\d{5}").all()
    assert frame["email"].isna().any()
    assert dict(zip(*[describe(frame)[name] for name in ("column", "dtype")], strict=True))["discarded_at"] == (
        "datetime64[us, UTC]"
    )


def test_a_server_that_does_not_page_is_asked_once(told):
    """A full page alone is no reason to ask for another; completeness cannot be proved then."""
    users = [{**USER, "id": str(number)} for number in range(5)]
    client = told(lambda asked: Says({"data": users}))
    frame = papershift.load_users(page_size=3, client=client)

    assert frame["user_id"].tolist() == ["0", "1", "2", "3", "4"]
    assert len(client.server.asked) == 1
    assert load_record(frame).certificate.verdict == "CANNOT_PROVE"


def test_a_full_page_without_a_word_is_told(told):
    """As many rows as were asked for, and nothing about more: one call, and a warning with the way to ask on."""
    users = [{**USER, "id": str(number)} for number in range(5)]
    client = told(lambda asked: Says({"data": users}))
    with pytest.warns(SchemaDriftWarning, match="insist_on_pages"):
        frame = papershift.load_users(page_size=5, client=client)

    assert (len(frame), len(client.server.asked)) == (5, 1)


@pytest.mark.parametrize("pages", [True, False])
def test_asking_on_may_be_insisted_on(told, pages):
    """Whether the server pages without saying so or does not page: every row once, and an end."""
    users = [{**USER, "id": str(number)} for number in range(4)]

    def answer(asked):
        number = int(asked.query["page[number]"])
        return Says({"data": users[2 * number - 2 : 2 * number] if pages else users[:2]})

    frame = papershift.load_users(page_size=2, client=told(answer, assumptions={"insist_on_pages": True}))

    assert frame["user_id"].tolist() == (["0", "1", "2", "3"] if pages else ["0", "1"])


def test_the_next_link_is_followed_on_the_own_host_only(scripted, told):
    """Of a link to another host only the query is taken: the token never leaves."""
    stranger = scripted(lambda asked: Says({"data": []}))

    def answer(asked):
        number = int(asked.query["page[number]"])
        following = f"{stranger.url}/api/v1/users?page%5Bnumber%5D={number + 1}" if number < 3 else None
        return Says({"data": [{**USER, "id": str(number)}], "links": {"next": following}})

    frame = papershift.load_users(client=told(answer))

    assert frame["user_id"].tolist() == ["1", "2", "3"]
    assert stranger.asked == []
    assert "said after the last that it was" in load_record(frame).certificate.reason


def test_a_next_link_may_be_an_object_or_a_path():
    """JSON:API allows {"href": ...}; a path without a host means the same host."""
    for link in ({"href": "/x?page%5Bnumber%5D=2"}, "/x?page%5Bnumber%5D=2"):
        page = Page({"page[number]": 1}, [1], {"links": {"next": link}})
        assert JsonApi().following(page, []) == {"page[number]": "2"}


def test_filters_that_stand_several_times_in_a_link_are_all_kept():
    """Two bounds of one attribute stay two."""
    link = "/x?filter%5Ba%5D=gte%3A1&filter%5Ba%5D=lt%3A9&page%5Bnumber%5D=2"
    page = Page({"page[number]": 1, "filter[a]": ["gte:1", "lt:9"]}, [1], {"links": {"next": link}})

    assert JsonApi().following(page, [])["filter[a]"] == ["gte:1", "lt:9"]


def test_a_null_link_beside_a_larger_total_is_not_the_end():
    """Steps 2 and 3 of the contract, in their order."""
    page = Page(
        {"page[number]": 1, "page[size]": 2}, [1, 2], {"links": {"next": None}, "meta": {"pagination": {"last": 2}}}
    )

    assert JsonApi().following(page, []) == {"page[number]": 2, "page[size]": 2}


def test_the_count_of_one_page_is_no_total():
    """meta.count is not taken for the rows of all pages."""
    assert JsonApi().total(Page({}, [1], {"meta": {"count": 1}})) is None


def test_empty_pages_with_links_end_in_an_error():
    """One empty page may stand between others; five in a row do not end by themselves."""
    pages = [Page({"page[number]": n}, [], {"links": {"next": f"/x?page%5Bnumber%5D={n + 1}"}}) for n in range(1, 6)]

    assert JsonApi().following(pages[0], []) == {"page[number]": "2"}
    with pytest.raises(BrokenCursor):
        JsonApi().following(pages[4], pages[:4])


def test_links_in_a_circle_are_an_incomplete_load(told):
    """Tried twice, then told, with the rows that came."""

    def answer(asked):
        number = int(asked.query["page[number]"])
        return Says({"data": [{**USER, "id": str(number)}], "links": {"next": f"/x?page%5Bnumber%5D={3 - number}"}})

    with pytest.raises(BrokenCursor) as caught:
        papershift.load_users(client=told(answer))

    assert caught.value.frame["user_id"].tolist() == ["1", "2"]


@pytest.mark.parametrize(
    ("filters", "query"),
    [
        ({"status": ("eq", "active")}, {"filter[status]": ["eq:active"]}),
        ({"status": "active"}, {"filter[status]": ["eq:active"]}),
        ({"name": ("pre", "A")}, {"filter[name]": ["pre:A"]}),
        ({"status": ("!eq", "created")}, {"filter[status]": ["!eq:created"]}),
        ({"status": ("in", ["active", "invited"])}, {"filter[status]": ["in:active,invited"]}),
        ({"discarded_at": ("blank", True)}, {"filter[discarded_at_blank]": ["1"]}),
        ({"email": ("present",)}, {"filter[email_present]": ["1"]}),
        ({"sensitive": ("eq", True)}, {"filter[sensitive]": ["eq:true"]}),
        ({"users.name": ("suf", "t")}, {"filter[users][name]": ["suf:t"]}),
        (
            {"created_at": [("gte", date(2026, 1, 1)), ("lt", datetime(2026, 2, 1, tzinfo=UTC))]},
            {"filter[created_at]": ["gte:2026-01-01", "lt:2026-02-01T00:00:00+00:00"]},
        ),
    ],
)
def test_a_filter_is_written_as_the_vendor_reads_it(filters, query):
    """Operator, colon, value; presence as a name of its own; several tests repeat."""
    assert filter_parameters(filters, API) == query


@pytest.mark.parametrize(
    ("filters", "told"),
    [
        ({"status": ("equals", "x")}, "no operator"),
        ({"status": ("eq",)}, "0 values"),
        ({"status": ("in", "active")}, "a list of values"),
        ({"status": ("in", [])}, "at least one"),
        ({"name": ("in", ["a,b"])}, "cannot hold ','"),
        ({"email": ("eq", None)}, "blank"),
        ({"email": ("blank", False)}, "present"),
    ],
)
def test_a_filter_that_cannot_be_is_refused_before_anything_is_sent(filters, told):
    """The message names the attribute and what to write."""
    with pytest.raises(ConfigError, match=told):
        filter_parameters(filters, API)


def test_filters_and_order_are_carried_out(office, client):
    """On the server, on every page."""
    users = office.state["papershift"].personnel.users
    active = sorted(row["attributes"]["name"] for row in users if row["attributes"]["status"] == "active")
    frame = papershift.load_users(filters={"status": ("eq", "active")}, sort="name", page_size=4, client=client)

    assert frame["name"].tolist() == active
    assert load_record(frame).certificate.verdict == "PASS"


def test_what_comes_along_stands_beside_its_row(office, client):
    """include=: the linked resources as JSON in a column that is there because it was asked for."""
    frame = papershift.load_teams(include=["team_memberships"], metadata=["actions"], client=client)
    finance = frame[frame["name"] == "Finance"].iloc[0]
    members = json.loads(finance["included"])

    assert {row["type"] for row in members} == {"team_membership"}
    linked = json.loads(finance["relationships"])["team_memberships"]["data"]
    assert {row["id"] for row in members} == {link["id"] for link in linked}
    assert json.loads(finance["actions"]) == {"edit": False, "delete": False}
    assert not {"included", "actions"} & set(papershift.load_teams(client=client).columns)


def test_resources_that_nobody_links_to_are_told(told):
    """They belong to no row; the load says so."""
    body = {"data": [USER], "included": [{"id": "9", "type": "team", "attributes": {}}]}

    with pytest.warns(match="1 resources came along"):
        papershift.load_users(include=["teams"], client=told(lambda asked: Says(body)))


def test_without_a_list_of_users_they_come_with_the_account(told):
    """404: by way of the identity's account, with as many users as it links to."""
    account = {
        "data": {
            "id": "a1",
            "type": "account",
            "attributes": {},
            "relationships": {"users": {"data": [{"id": USER["id"], "type": "user"}]}},
        },
        "included": [USER, {"id": "9", "type": "team", "attributes": {"name": "x"}}],
    }

    def answer(asked):
        if asked.path == "/api/v1/identity":
            return Says({"data": {"id": "i", "type": "identity", "attributes": {"last_used_account_id": "a1"}}})
        if asked.path == "/api/v1/accounts/a1":
            assert asked.query["include"] == "users"
            return Says(account)
        return Says({"errors": []}, 404)

    frame = papershift.load_users(client=told(answer))

    assert frame["user_id"].tolist() == [USER["id"]]
    assert load_record(frame).certificate.verdict == "PASS"
    assert load_record(frame).arguments["account_id"] == "a1"


def test_users_of_an_account_are_filtered_by_its_association(office, client):
    """filter[users][name] with include=users."""
    account = office.state["papershift"].personnel.account["id"]
    frame = papershift.load_users(account_id=account, filters={"status": ("eq", "deactivated")}, client=client)

    assert frame["status"].tolist() == ["deactivated"]
    assert office.calls[-1].query == {"include": "users", "filter[users][status]": "eq:deactivated"}
    with pytest.raises(ConfigError, match="sort="):
        papershift.load_users(account_id=account, sort="name", client=client)


def test_account_documents_keep_values_nobody_announced(office, client):
    """Both spellings of the vectorization status, and extensions beyond pdf and doc."""
    frame = papershift.load_account_documents(client=client)

    assert {"not_vectorized", "non_vectorized"} <= set(frame["vectorization_status"])
    assert {"csv", "docx", "txt"} <= set(frame["extension"])
    assert frame["file_id"].tolist() == frame["document_id"].tolist()


# --- documents of many users --------------------------------------------------------------------------------------


def visible(box):
    personnel = box.state["papershift"].personnel
    hidden = {personnel.forbidden, personnel.hidden}
    return {user: rows for user, rows in personnel.documents.items() if user not in hidden}, hidden


def test_every_document_bears_its_user_and_no_access_is_reported(office, client):
    """One call a user; users who may not be seen are told thrice and end nothing."""
    seen, hidden = visible(office)
    with pytest.warns(AccessWarning, match="2 of 12"):
        frame = papershift.load_documents(client=client)

    pairs = [(user, row["id"]) for user, rows in seen.items() for row in rows]
    assert list(zip(frame["user_id"], frame["document_id"], strict=True)) == pairs
    record = load_record(frame)
    assert set(record.refused) == hidden
    assert sorted(text.split("answered ")[1][:3] for text in record.refused.values()) == ["403", "404"]
    assert record.certificate.verdict == "CANNOT_PROVE"
    assert "2 of 12 lists may not be seen" in record.certificate.reason
    assert office.count("papershift", "/api/v1/users/") == 12


def test_documents_are_typed(office, client):
    """Flags are boolean, moments keep their milliseconds, no size is invented."""
    seen, _ = visible(office)
    frame = papershift.load_documents(list(seen), client=client)

    assert (str(frame["sensitive"].dtype), str(frame["created_at"].dtype)) == ("boolean", "datetime64[us, UTC]")
    first = office.state["papershift"].personnel.documents[frame["user_id"][0]][0]
    assert (
        frame["created_at"][0].isoformat(timespec="milliseconds").replace("+00:00", "Z")
        == (first["attributes"]["created_at"])
    )
    assert not {"size", "mime_type", "updated_at"} & set(frame.columns)


def test_users_may_be_a_frame_or_ids_and_count_once(office, client):
    """A frame of users, with one of them twice; a text is no list, and a frame needs user_id."""
    users = papershift.load_users(client=client)
    seen, _ = visible(office)
    some = users[users["user_id"].isin(list(seen)[:2])]
    frame = papershift.load_documents(some, client=client)
    assert len(frame) == sum(len(seen[user]) for user in some["user_id"])

    office.clear_calls()
    papershift.load_documents([*some["user_id"], some["user_id"].iloc[0]], client=client)
    # The same lists again: the finished load is opened, and nothing is asked.
    assert office.calls == []
    with pytest.raises(ConfigError, match="one text"):
        papershift.load_documents("e783e713", client=client)
    with pytest.raises(ColumnError, match="user_id"):
        papershift.load_documents(users.rename(columns={"user_id": "id"}), client=client)


def test_nobody_to_ask_for_is_an_empty_frame(client):
    """With the columns and dtypes of a full one."""
    frame = papershift.load_documents([], client=client)

    assert len(frame) == 0
    assert str(frame["created_at"].dtype) == "datetime64[us, UTC]"
    assert load_record(frame).certificate.verdict == "PASS"


def test_a_user_without_access_alone_is_no_error_either(office, client):
    """An empty frame that says why it is empty."""
    forbidden = office.state["papershift"].personnel.forbidden
    with pytest.warns(AccessWarning):
        frame = papershift.load_documents([forbidden], client=client)

    assert len(frame) == 0
    assert list(load_record(frame).refused) == [forbidden]


def test_a_refused_token_is_no_lack_of_access(told):
    """401 ends the load."""
    with pytest.raises(AuthError):
        papershift.load_documents(["u1", "u2"], client=told(lambda asked: Says({}, 401)))


def test_an_outage_is_incomplete_and_resumes(told):
    """What came is in the error; the rest is asked for by resume()."""
    down = {"yes": True}

    def answer(asked):
        if down["yes"] and "/u2/" in asked.path:
            return Says({}, 503)
        return Says({"data": [{**DOCUMENT, "id": asked.path.split("/")[4]}]})

    client = told(answer)
    with pytest.raises(IncompleteLoad, match="u2") as caught:
        papershift.load_documents(["u1", "u2"], client=client)
    assert caught.value.frame["user_id"].tolist() == ["u1"]

    down["yes"] = False
    assert caught.value.resume()["user_id"].tolist() == ["u1", "u2"]
    with pytest.raises(ServerError):
        papershift.load_documents(["u9"], client=told(lambda asked: Says({}, 500)))


def test_the_same_document_id_of_two_users_is_two_rows(told):
    """Nothing is dropped across users."""
    frame = papershift.load_documents(["u1", "u2"], client=told(lambda asked: Says({"data": [DOCUMENT]})))

    assert frame["user_id"].tolist() == ["u1", "u2"]


def test_a_server_that_pages_documents_is_walked_for_each_user(told):
    """The pages of each user follow each other; totals add up to a proof."""

    def answer(asked):
        user, number = asked.path.split("/")[4], int(asked.query["page[number]"])
        return Says(
            {"data": [{**DOCUMENT, "id": f"{user}-{number}"}], "meta": {"pagination": {"last": 2, "records": 2}}}
        )

    frame = papershift.load_documents(["u1", "u2"], page_size=1, client=told(answer))

    assert frame["document_id"].tolist() == ["u1-1", "u1-2", "u2-1", "u2-2"]
    assert load_record(frame).certificate.verdict == "PASS"


def test_a_limit_ends_the_load(told, settings):
    """Rows in total, over all users; the others are not asked for."""
    one_at_a_time = dataclasses.replace(settings, workers=1)
    client = told(lambda asked: Says({"data": [{**DOCUMENT, "id": str(n)} for n in range(3)]}), settings=one_at_a_time)
    frame = papershift.load_documents([f"u{n}" for n in range(40)], limit=4, client=client)

    assert len(frame) == 4
    assert len(client.server.asked) == 2


def test_documents_are_there_offline(office, client):
    """A finished load opens without a socket."""
    seen, _ = visible(office)
    before = papershift.load_documents(list(seen), client=client)
    with offline():
        again = papershift.load_documents(list(seen), client=client)

    assert again.equals(before)


# --- files --------------------------------------------------------------------------------------------------------


def test_a_document_is_fetched_without_the_token(office, client, tmp_path):
    """The link is fresh, lives five minutes by its own words, and no credential goes to the storage host."""
    seen, _ = visible(office)
    frame = papershift.load_documents(list(seen), client=client)
    ready = frame[frame["upload_status"] == "success"]
    link = papershift.sign_file("documents", ready["file_id"].iloc[0], client=client)
    office.clear_calls()

    assert link.bytes().startswith(b"%PDF-")
    assert (link.expires_at - datetime.fromtimestamp(office.clock.now(), UTC)).total_seconds() == pytest.approx(
        300, abs=30
    )
    assert [call.host for call in office.calls] == ["storage"]
    assert "authorization" not in office.calls[0].headers
    assert office.leaks == []
    assert "X-Amz" not in repr(link)


def test_file_links_give_an_error_for_each_that_failed(office, client):
    """No file yet, no such document, no access, no id: the others come all the same."""
    personnel = office.state["papershift"].personnel
    rows = [(user, row) for user, mine in visible(office)[0].items() for row in mine]
    ready = next(f"{user}/{row['id']}" for user, row in rows if row["attributes"]["upload_status"] == "success")
    waiting = next(f"{user}/{row['id']}" for user, row in rows if row["attributes"]["upload_status"] != "success")
    user = ready.split("/")[0]
    wanted = [ready, waiting, f"{user}/none", f"{personnel.forbidden}/x", "just-an-id"]

    links = loaders.file_links("documents", wanted, client=client)

    assert isinstance(links[ready], SignedLink)
    assert isinstance(links[waiting], NotFound)
    assert "upload_status" in str(links[waiting])
    assert isinstance(links[f"{user}/none"], NotFound)
    assert isinstance(links[f"{personnel.forbidden}/x"], AuthError)
    assert isinstance(links["just-an-id"], ConfigError)
    with pytest.raises(ConfigError, match="account_documents, documents"):
        papershift.sign_file("payslips", "x", client=client)


def test_files_of_a_frame_are_saved_under_names_made_for_them(office, client, tmp_path):
    """Name, id and extension; account documents too."""
    policies = papershift.load_account_documents(client=client)
    manifest = save_all(policies, tmp_path, client=client, progress=False)

    assert manifest["error"].isna().all()
    assert set(manifest["name"]) == set(policies["file_name"])
    assert (tmp_path / policies["file_name"][0]).read_bytes().startswith(b"%PDF-")


def test_an_expired_link_is_asked_for_again(start, login):
    """403 by the storage host: FileRef fetches a fresh one."""
    box = start(jobs=1)
    client = login(box)
    personnel = box.state["papershift"].personnel
    ref = FileRef("papershift", "account_documents", personnel.account_documents[0]["id"])
    ref.url(client=client)
    box.advance(301)
    # The clock of this process has not moved, so the link is still held for a good one.
    assert ref.bytes(client=client).startswith(b"%PDF-")

    assert [call.status for call in box.calls if call.host == "storage"] == [403, 200]


@pytest.mark.parametrize(
    "body",
    [
        {"data": {**DOCUMENT, "meta": {"download_url": "https://bucket.example.invalid/a?X-Amz-Signature=ab12"}}},
        {"data": {**DOCUMENT, "attributes": {"download_url": "https://bucket.example.invalid/a"}}},
        {"data": DOCUMENT, "meta": {"downloadUrl": "https://bucket.example.invalid/a"}},
    ],
)
def test_a_link_is_found_in_each_of_its_places(told, body):
    """data.meta, data.attributes, the top-level meta; without a date of its own it lives five minutes."""
    before = datetime.now(UTC)
    link = papershift.sign_file("documents", "u1/d1", client=told(lambda asked: Says(body)))

    assert link.url.startswith("https://bucket.example.invalid/a")
    assert 290 < (link.expires_at - before).total_seconds() < 310


def test_a_link_elsewhere_is_mended_in_one_line(told):
    """The error names the assumption and shows no link."""
    body = {"data": {**DOCUMENT, "file": {"href": "https://bucket.example.invalid/secret"}}}
    with pytest.raises(ShapeError, match=r'assumptions=\{"download_url"') as caught:
        papershift.sign_file("documents", "u1/d1", client=told(lambda asked: Says(body)))
    assert "secret" not in str(caught.value)

    mended = told(lambda asked: Says(body), assumptions={"download_url": "data.file.href"})
    assert papershift.sign_file("documents", "u1/d1", client=mended).url.endswith("secret")


def test_a_link_that_nobody_asked_for_stays_out_of_frame_and_cache(told, settings):
    """A list that sends links unasked: neither the frame nor any file holds one."""
    meta = {"download_url": "https://bucket.example.invalid/a.pdf?X-Amz-Signature=0123456789abcdef", "actions": {}}
    client = told(lambda asked: Says({"data": [{**DOCUMENT, "meta": meta}]}))
    frame = papershift.load_documents(["u1"], metadata=["actions"], client=client)

    assert "0123456789abcdef" not in frame.to_csv()
    assert "bucket.example" not in frame.to_csv()
    client.close()
    kept = [path.read_bytes() for path in settings.cache_dir.rglob("*") if path.is_file()]
    assert kept
    assert not any(b"0123456789abcdef" in content for content in kept)
    with pytest.raises(ConfigError, match="sign_file"):
        papershift.load_documents(["u1"], metadata=["download_url"], client=client)


# --- errors and overrides -----------------------------------------------------------------------------------------


def test_an_error_tells_the_vendor_s_words_code_and_place(told):
    """The detail, the code and the pointer of the JSON:API error."""
    error = {
        "status": "422",
        "code": "too_long",
        "detail": "is too long",
        "source": {"pointer": "/data/attributes/name"},
    }
    with pytest.raises(DocframesError) as caught:
        papershift.load_users(client=told(lambda asked: Says({"errors": [error]}, 422)))

    assert "is too long" in str(caught.value)
    assert "/data/attributes/name" in str(caught.value)
    assert caught.value.code == "too_long"


@pytest.mark.parametrize("body", [b"", b"plain words", {"error": "other words"}, {"errors": []}])
def test_other_error_bodies_keep_their_status(told, body):
    """Whatever the body is, status and text are kept."""
    with pytest.raises(AuthError) as caught:
        papershift.load_users(client=told(lambda asked: Says(body, 403)))

    assert caught.value.status == 403
    for words in ("plain words", "other words"):
        assert (words in str(body)) == (words in str(caught.value))


def test_a_wrong_override_is_refused():
    """A name that is no assumption, and a column that is in no table."""
    with pytest.raises(ConfigError, match="sign_in_path"):
        papershift.Client(token=TOKEN, assumptions={"sign_in_pth": "/x"})
    with pytest.raises(ConfigError, match="documents"):
        papershift.Client(token=TOKEN, assumptions={"columns": {"documents": {"titel": "title"}}})


def test_neither_password_nor_token_is_seen(office, client):
    """Not in a repr of the client, its auth or the record of a load."""
    frame = papershift.load_users(client=client)
    told = " ".join(map(repr, (client, client.auth, load_record(frame), frame.attrs)))

    for secret in office.canaries:
        assert secret not in told
