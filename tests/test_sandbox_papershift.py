"""The Papershift room of the sandbox keeps to the contract."""

from __future__ import annotations

import base64
import csv
import io
import re
import uuid
import zipfile

import orjson
import pytest
import requests

import docframes.sandbox as sandbox
from docframes.sandbox.company import Company
from docframes.sandbox.company.personnel import file_away

MEDIA = "application/vnd.api+json"
EMAIL = "audit@northmoor.example.org"
ZULU = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


@pytest.fixture(scope="module")
def shared():
    with sandbox.running(jobs=2, environment=False) as box:
        yield box


@pytest.fixture
def box(shared):
    """The module's sandbox, with every rate's window empty."""
    shared.advance(61)
    shared.clear_calls()
    return shared


def send(box, method, path, body=None, **options):
    headers = {"Content-Type": MEDIA, "Authorization": f"Bearer {box.state['papershift'].token()}"}
    headers |= options.pop("headers", {})
    url = box.url("papershift") + path
    data = None if body is None else orjson.dumps(body)
    return requests.request(method, url, data=data, headers=headers, timeout=10, **options)


def ask(box, path, **params):
    return send(box, "GET", path, params=params)


def sign_in(box, password=None, email=EMAIL):
    attributes = {"email": email, "password": password or box.key("papershift")}
    body = {"data": {"type": "identity", "attributes": attributes}}
    url = f"{box.url('papershift')}/api/v1/auth/sign_in"
    return requests.post(url, data=orjson.dumps(body), headers={"Content-Type": MEDIA}, timeout=10)


def personnel(box):
    return box.state["papershift"].personnel


def somebody(box):
    mine = personnel(box)
    return next(user for user in mine.documents if user not in (mine.forbidden, mine.hidden))


def create(box, user, **attributes):
    given = {"name": "Licence", "extension": "pdf", "sensitive": False, "visible_to_user": True, **attributes}
    given = {name: value for name, value in given.items() if value is not None}
    body = {"data": {"type": "document", "data": {"attributes": given}}}
    return send(box, "POST", f"/api/v1/users/{user}/documents", body, params={"meta[upload_url]": "true"})


def test_a_sign_in_answers_with_a_token_in_a_header(box):
    """Authorization: Bearer; the token opens the API."""
    answer = sign_in(box)
    scheme, _, token = answer.headers["Authorization"].partition(" ")

    assert (answer.status_code, scheme) == (200, "Bearer")
    headers = {"Content-Type": MEDIA, "Authorization": f"Bearer {token}"}
    identity = requests.get(f"{box.url('papershift')}/api/v1/identity", headers=headers, timeout=10).json()["data"]
    assert identity["type"] == "identity"
    assert identity["attributes"] == {"email": EMAIL, "last_used_account_id": personnel(box).account["id"]}


@pytest.mark.parametrize("login", [{"password": "wrong"}, {"email": "nobody@example.org"}])
def test_a_wrong_login_is_401(box, login):
    """With the vendor's error body and without a token."""
    answer = sign_in(box, **login)

    assert answer.status_code == 401
    assert "Authorization" not in answer.headers
    assert answer.json()["errors"][0]["code"] == "invalid_credentials"


def test_the_sixth_sign_in_within_20_seconds_is_429(box):
    """Five are allowed; Retry-After says when the next one is."""
    assert [sign_in(box).status_code for _ in range(6)] == [200] * 5 + [429]
    assert 1 <= int(sign_in(box).headers["Retry-After"]) <= 20

    box.advance(20)
    assert sign_in(box).status_code == 200


def test_call_301_within_a_minute_is_429(box):
    """All routes share one rate, refused calls among them."""
    with requests.Session() as session:
        url = f"{box.url('papershift')}/api/v1/teams"
        statuses = [session.get(url, timeout=10).status_code for _ in range(301)]
        assert statuses == [401] * 300 + [429]

        box.advance(60)
        assert session.get(url, timeout=10).status_code == 401


def test_a_token_lives_an_hour(box):
    """Then 401, until the next sign-in."""
    headers = {"Content-Type": MEDIA, "Authorization": sign_in(box).headers["Authorization"]}
    url = f"{box.url('papershift')}/api/v1/teams"
    box.advance(3599)
    assert requests.get(url, headers=headers, timeout=10).status_code == 200

    box.advance(2)
    assert requests.get(url, headers=headers, timeout=10).status_code == 401


def test_a_revoked_login_takes_its_tokens_along():
    """And a new password makes no old token good."""
    with sandbox.running(jobs=1, environment=False) as box:
        token = box.state["papershift"].token()
        headers = {"Content-Type": MEDIA, "Authorization": f"Bearer {token}"}
        box.revoke_key("papershift")
        assert sign_in(box).status_code == 401

        box.issue_key("papershift")
        assert sign_in(box).status_code == 200
        answer = requests.get(f"{box.url('papershift')}/api/v1/teams", headers=headers, timeout=10)
        assert answer.status_code == 401
        assert any(part in token for part in box.canaries)


@pytest.mark.parametrize("kind", ["application/json", ""])
def test_another_content_type_is_415(box, kind):
    """Also on GET."""
    assert send(box, "GET", "/api/v1/teams", headers={"Content-Type": kind}).status_code == 415


@pytest.mark.parametrize("path", ["/api/v1/nowhere", "/", "/api/v2/users"])
def test_an_unknown_path_is_404_in_the_vendor_s_form(box, path):
    """An array of errors."""
    answer = ask(box, path)

    assert answer.status_code == 404
    assert set(answer.json()["errors"][0]) == {"status", "code", "title", "detail"}


@pytest.mark.parametrize("name", ["users", "teams", "account_documents"])
def test_a_list_is_json_api(box, name):
    """data, links and meta; each row with id, type and attributes."""
    answer = ask(box, f"/api/v1/{name}")
    body = answer.json()

    assert answer.headers["Content-Type"] == MEDIA
    assert set(body) == {"data", "links", "meta"}
    assert set(body["links"]) == {"self", "first", "prev", "next", "last"}
    for row in body["data"]:
        assert {"id", "type", "attributes"} <= set(row)
        assert str(uuid.UUID(row["id"])) == row["id"]


def test_users_are_the_staff(box):
    """Name always; address and number may be missing; one has left."""
    rows = ask(box, "/api/v1/users").json()["data"]

    assert [row["id"] for row in rows] == [person.id for person in box.company.staff]
    assert all(row["attributes"]["name"] for row in rows)
    assert {"active", "created", "deactivated"} == {row["attributes"]["status"] for row in rows}
    assert None in [row["attributes"]["email"] for row in rows]


def test_links_walk_all_pages(box):
    """Following next gives every row once; the last page has none."""
    body, rows = ask(box, "/api/v1/users", **{"page[size]": 5}).json(), []
    while True:
        rows += body["data"]
        if body["links"]["next"] is None:
            break
        path = body["links"]["next"].removeprefix(box.url("papershift"))
        body = ask(box, path).json()

    assert [row["id"] for row in rows] == [person.id for person in box.company.staff]
    assert body["meta"]["pagination"] == {"current": 3, "last": 3, "records": 12}


@pytest.mark.parametrize("params", [{"page[size]": 101}, {"page[size]": 0}, {"page[number]": 0}, {"page[number]": "x"}])
def test_a_wrong_page_is_400(box, params):
    """Sizes from 1 to 100, numbers from 1."""
    assert ask(box, "/api/v1/users", **params).status_code == 400


@pytest.mark.parametrize(
    ("filter", "passes"),
    [
        ({"filter[status]": "eq:active"}, lambda a: a["status"] == "active"),
        ({"filter[status]": "!eq:active"}, lambda a: a["status"] != "active"),
        ({"filter[status]": "in:created,deactivated"}, lambda a: a["status"] in ("created", "deactivated")),
        ({"filter[status]": "!in:created,deactivated"}, lambda a: a["status"] == "active"),
        ({"filter[name]": "pre:N"}, lambda a: a["name"].startswith("N")),
        ({"filter[name]": "suf:n"}, lambda a: a["name"].endswith("n")),
        ({"filter[name]": "ct:an"}, lambda a: "an" in a["name"]),
        ({"filter[name]": "!ct:an"}, lambda a: "an" not in a["name"]),
        (
            {"filter[employee_number]": ["gt:00018", "lte:00021"]},
            lambda a: "00018" < (a["employee_number"] or "") <= "00021",
        ),
        ({"filter[email_blank]": "1"}, lambda a: a["email"] is None),
        ({"filter[discarded_at_present]": "1"}, lambda a: a["discarded_at"] is not None),
    ],
)
def test_filters_do_what_they_say(box, filter, passes):
    """Every operator; several must all hold."""
    rows = ask(box, "/api/v1/users", **filter).json()["data"]
    expected = [row["id"] for row in personnel(box).users if passes(row["attributes"])]

    assert [row["id"] for row in rows] == expected
    assert expected


def test_an_unknown_operator_is_400(box):
    """Not an empty list."""
    assert ask(box, "/api/v1/users", **{"filter[name]": "like:x"}).status_code == 400


def test_order_descends_with_a_dash(box):
    """sort=-name."""
    names = [row["attributes"]["name"] for row in ask(box, "/api/v1/users", sort="-name").json()["data"]]

    assert names == sorted(names, reverse=True)


def test_an_account_brings_its_users_along(box):
    """Links in relationships, the users in included; a filter bears the association's name."""
    account = personnel(box).account["id"]
    body = ask(box, f"/api/v1/accounts/{account}", include="users", **{"filter[users][status]": "eq:active"}).json()
    links = body["data"]["relationships"]["users"]["data"]

    assert [link["id"] for link in links] == [row["id"] for row in body["included"]]
    assert {row["attributes"]["status"] for row in body["included"]} == {"active"}
    assert "included" not in ask(box, f"/api/v1/accounts/{account}").json()


def test_teams_have_a_parent_but_for_the_default_one(box):
    """And one was removed."""
    rows = ask(box, "/api/v1/teams", include="team_memberships").json()
    teams = rows["data"]

    assert ["parent_team_id" in row["attributes"] for row in teams] == [False, *[True] * (len(teams) - 1)]
    assert sum(row["attributes"]["discarded_at"] is not None for row in teams) == 1
    assert len(rows["included"]) == len(box.company.staff)


# --- documents ----------------------------------------------------------------------------------------------------


def test_documents_come_all_at_once(box):
    """No paging, whatever is asked for; the six attributes of the page and no user."""
    user = somebody(box)
    body = ask(box, f"/api/v1/users/{user}/documents", **{"page[size]": 1}).json()

    assert set(body) == {"data"}
    assert len(body["data"]) == len(personnel(box).documents[user]) > 1
    for row in body["data"]:
        assert set(row) == {"id", "type", "attributes"}
        assert set(row["attributes"]) == {
            "name", "extension", "sensitive", "visible_to_user", "upload_status", "created_at",
        }  # fmt: skip
        assert ZULU.fullmatch(row["attributes"]["created_at"])


def test_users_who_may_not_be_seen_are_403_and_404(box):
    """One forbidden, one hidden, and anybody unknown."""
    mine = personnel(box)
    users = (mine.forbidden, mine.hidden, uuid.uuid4())

    assert [ask(box, f"/api/v1/users/{user}/documents").status_code for user in users] == [403, 404, 404]


def test_a_link_comes_when_it_is_asked_for_and_lives_five_minutes(box):
    """In meta; null while there is no file."""
    user, row = next(
        (user, row)
        for user, rows in personnel(box).documents.items()
        for row in rows
        if user not in (personnel(box).forbidden, personnel(box).hidden)
    )
    asked = {"meta[download_url]": "true"}
    url = ask(box, f"/api/v1/users/{user}/documents/{row['id']}", **asked).json()["data"]["meta"]["download_url"]
    assert "X-Amz-Expires=300" in url
    assert requests.get(url, timeout=10).content.startswith(b"%PDF-")

    box.advance(301)
    assert requests.get(url, timeout=10).status_code == 403
    for other, rows in personnel(box).documents.items():
        for waiting in (row for row in rows if row["attributes"]["upload_status"] != "success"):
            if other not in (personnel(box).forbidden, personnel(box).hidden):
                answer = ask(box, f"/api/v1/users/{other}/documents/{waiting['id']}", **asked).json()
                assert answer["data"]["meta"] == {"download_url": None}


def test_every_kind_of_file_is_a_real_one(box):
    """PDF, rich text, CSV, plain text and a Word file that opens."""
    room = box.state["papershift"]
    rows = {row["attributes"]["extension"]: row["id"] for row in personnel(box).account_documents}
    word = zipfile.ZipFile(io.BytesIO(room.file("account_documents", rows["docx"]).read()))
    table = list(csv.reader(io.StringIO(room.file("account_documents", rows["csv"]).read().decode())))

    assert word.testzip() is None
    assert "word/document.xml" in word.namelist()
    assert table[0] == ["grade", "rate_gbp"]
    letters = [
        row for rows in personnel(box).documents.values() for row in rows if row["attributes"]["extension"] == "doc"
    ]
    assert letters
    assert room.file("documents", letters[0]["id"]).read().startswith(b"{\\rtf1")


# --- writing ------------------------------------------------------------------------------------------------------


def test_a_document_is_created_uploading_with_a_form(box):
    """201, the attributes, and the presigned upload in meta."""
    answer = create(box, somebody(box))
    data = answer.json()["data"]

    assert answer.status_code == 201
    assert data["attributes"]["upload_status"] == "uploading"
    assert set(data["meta"]["upload_url"]) == {"url", "fields"}
    assert data["meta"]["upload_url"]["url"].startswith(box.storage_url)


@pytest.mark.parametrize(
    ("wrong", "pointer"),
    [
        ({"name": None}, "name"),
        ({"name": "n" * 251}, "name"),
        ({"extension": "docx"}, "extension"),
        ({"sensitive": "yes"}, "sensitive"),
        ({"visible_to_user": None}, "visible_to_user"),
        ({"upload_status": "success"}, "upload_status"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_wrong_attribute_is_422_with_its_place(box, wrong, pointer):
    """source.pointer names it."""
    answer = create(box, somebody(box), **wrong)

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["source"] == {"pointer": f"/data/attributes/{pointer}"}


def test_the_plain_body_is_refused(box):
    """The page shows the deeper one."""
    body = {"data": {"type": "document", "attributes": {"name": "x"}}}

    assert send(box, "POST", f"/api/v1/users/{somebody(box)}/documents", body).status_code == 422


def post_form(form, content=b"%PDF-1.4", *, last=True, headers=None, **changes):
    fields = {**form["fields"], **changes}
    file = ("file", ("a.pdf", content, "application/pdf"))
    parts = [(name, (None, value)) for name, value in fields.items()]
    parts = [*parts, file] if last else [file, *parts]
    return requests.post(form["url"], files=parts, headers=headers, timeout=10)


def test_the_storage_takes_a_form_and_keeps_the_file(box):
    """204; once the document is marked, its link opens the bytes."""
    user = somebody(box)
    data = create(box, user).json()["data"]
    path = f"/api/v1/users/{user}/documents/{data['id']}"
    assert post_form(data["meta"]["upload_url"], b"%PDF-1.4 mine").status_code == 204

    body = {"data": {"type": "document", "data": {"attributes": {"upload_status": "success"}}}}
    assert send(box, "PUT", path, body).json()["data"]["attributes"]["upload_status"] == "success"
    url = ask(box, path, **{"meta[download_url]": "true"}).json()["data"]["meta"]["download_url"]
    assert requests.get(url, timeout=10).content == b"%PDF-1.4 mine"


def test_the_storage_refuses_a_form_that_is_not_as_signed(box):
    """Another key, policy or signature, a file that is not last or empty, a credential, too late."""
    form = create(box, somebody(box)).json()["data"]["meta"]["upload_url"]
    policy = orjson.loads(base64.b64decode(form["fields"]["policy"]))
    policy["conditions"][0]["key"] = "documents/other.pdf"
    forged = base64.b64encode(orjson.dumps(policy)).decode()

    assert post_form(form, key="documents/other.pdf").status_code == 403
    assert post_form(form, policy=forged).status_code == 403
    assert post_form(form, **{"x-amz-signature": "0" * 64}).status_code == 403
    assert post_form(form, last=False).status_code == 400
    assert post_form(form, b"").status_code == 400
    assert box.leaks == []
    refused = post_form(form, headers={"Authorization": f"Bearer {box.state['papershift'].token()}"})
    assert refused.status_code == 400
    assert len(box.leaks) == 1
    box.leaks.clear()
    box.advance(901)
    late = post_form(form)
    assert (late.status_code, b"<Code>AccessDenied</Code>" in late.content) == (403, True)


def test_an_extension_cannot_change(box):
    """422."""
    user = somebody(box)
    row = personnel(box).documents[user][0]
    body = {"data": {"type": "document", "data": {"attributes": {"extension": "doc"}}}}

    assert send(box, "PUT", f"/api/v1/users/{user}/documents/{row['id']}", body).status_code == 422


def test_a_deletion_is_soft(box):
    """200 with the document; gone from lists and by its id, and still among what was ever there."""
    user = somebody(box)
    made = create(box, user).json()["data"]["id"]
    path = f"/api/v1/users/{user}/documents"
    answer = send(box, "DELETE", f"{path}/{made}")

    assert (answer.status_code, answer.json()["data"]["id"]) == (200, made)
    assert made not in [row["id"] for row in ask(box, path).json()["data"]]
    assert ask(box, f"{path}/{made}").status_code == 404
    assert made in [row["id"] for row in personnel(box).documents[user]]


# --- the company --------------------------------------------------------------------------------------------------


def test_the_ledger_is_posted_by_users(box, tmp_path):
    """Every poster is a user's name before the @ of the address."""
    path = box.write_ledger(tmp_path / "gl.zip")
    with zipfile.ZipFile(path) as archive, archive.open("GL_Transactions.csv") as member:
        posters = {row["ENTRY_USER"] for row in csv.DictReader(io.TextIOWrapper(member, "utf-8"))}
    names = {(row["attributes"]["email"] or "").partition("@")[0] for row in personnel(box).users}

    assert posters <= names


def test_what_is_wrong_is_written_down(box):
    """A poster who had left, a contract that is missing, a certificate of two people: each as the data have it."""
    faults = {fault["fault"]: fault for fault in box.truth() if fault["where"].startswith("papershift")}
    mine = personnel(box)

    assert set(faults) == {"posted_after_leaving", "missing_contract", "shared_certificate"}
    left = next(row for row in mine.users if row["id"] == faults["posted_after_leaving"]["ids"][0])
    assert left["attributes"]["status"] == "deactivated"
    papers = mine.documents[faults["missing_contract"]["ids"][0]]
    assert "Employment contract" not in {row["attributes"]["name"] for row in papers}
    others = [rows for user, rows in mine.documents.items() if user != faults["missing_contract"]["ids"][0]]
    assert all("Employment contract" in {row["attributes"]["name"] for row in rows} for rows in others)
    first, second = faults["shared_certificate"]["ids"]
    room = box.state["papershift"]
    assert room.file("documents", first).read() == room.file("documents", second).read()


def test_one_seed_gives_one_set_of_files():
    """And a small company has its faults too."""
    first, again, other = (file_away(Company(seed, count=1)) for seed in (3, 3, 4))
    assert (first.users, first.documents, first.teams) == (again.users, again.documents, again.teams)
    assert first.documents != other.documents

    small = file_away(Company(1, 0.1, 1))
    assert {fault["fault"] for fault in small.faults} >= {"posted_after_leaving", "missing_contract"}
    assert small.forbidden != small.hidden
