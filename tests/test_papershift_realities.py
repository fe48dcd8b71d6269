"""A Pulse whose assumed parts differ: it is loaded unchanged, or the error names the assumption and its mend."""

from __future__ import annotations

import contextlib
import re
import warnings

import pandas as pd
import pytest

from docframes import load_record
from docframes.errors import AccessWarning, AuthError, DocframesError, NotFound, SchemaDriftWarning, ShapeError
from docframes.sandbox.server import Server
from docframes.vendors import papershift
from tests.realities.papershift import Reality, serve

CREATED = pd.to_datetime(["2026-01-12T08:30:00.000Z", "2026-03-02T09:14:05.120Z"])


@pytest.fixture
def pulse(settings):
    """Start a reality: ``pulse(Reality(camel=True), assumptions=...)`` gives a client of it."""
    with contextlib.ExitStack() as stack:

        def start(reality, **options):
            server = Server(serve(reality), 0, "second papershift")
            stack.callback(server.stop)
            given = {"email": "a@example.org", "password": "long-password"} | options
            return stack.enter_context(papershift.Client(base_url=server.url, settings=settings, **given))

        yield start


#: Realities that are loaded as they are.
UNCHANGED = {
    "as assumed": Reality(),
    "a bare array": Reality(envelope="", pages="none"),
    "another envelope": Reality(envelope="items"),
    "camel case": Reality(camel=True),
    "integer ids": Reality(integers=True),
    "optional keys missing": Reality(sparse=True),
    "totals absent, a link with a host": Reality(pages="href"),
    "totals absent, a link without a host": Reality(pages="relative"),
    "pages counted in meta, in camel case": Reality(pages="meta"),
    "no paging at all": Reality(pages="none"),
    "moments with an offset": Reality(moments="offset"),
    "moments without an offset": Reality(moments="naive"),
    "moments in milliseconds": Reality(moments="milliseconds"),
    "moments in microseconds": Reality(moments="microseconds"),
    "no access is 404": Reality(no_access=404),
    "errors of one word": Reality(error="word"),
    "errors as plain text": Reality(error="text"),
    "errors without a body": Reality(error="empty"),
    "a larger page than asked for": Reality(size=50),
    "all at once": Reality(envelope="", pages="none", camel=True, integers=True, sparse=True, moments="milliseconds"),
}


@pytest.mark.parametrize("name", UNCHANGED)
def test_a_reality_is_loaded_unchanged(pulse, name):
    """Every user and every document that may be seen, with the values of the contract's example."""
    reality = UNCHANGED[name]
    client = pulse(reality)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SchemaDriftWarning)
        users = papershift.load_users(page_size=2, client=client)
        with pytest.warns(AccessWarning, match="1 of 3"):
            documents = papershift.load_documents(users, page_size=2, client=client)

    assert users["user_id"].tolist() == [str(reality.id(number)) for number in (1, 2, 3)]
    assert users["name"].tolist() == ["Peter Sandmann", "Jana Wolff", "Ada Berg"]
    assert documents["user_id"].tolist() == [str(reality.id(number)) for number in (1, 1, 2, 2)]
    assert documents["document_id"].tolist() == [str(reality.id(number)) for number in (11, 12, 11, 12)]
    assert documents["name"].tolist() == ["Employment contract", "Reference letter"] * 2
    assert documents["extension"].tolist() == ["pdf", "doc"] * 2
    assert documents["sensitive"].tolist() == [True, False] * 2
    assert documents["upload_status"].tolist() == ["success", "uploading"] * 2
    assert documents["created_at"].tolist() == [*CREATED, *CREATED]
    assert list(load_record(documents).refused) == [str(reality.id(3))]


def test_a_missing_optional_key_is_a_missing_value(pulse):
    """Columns and dtypes are those of a full answer."""
    full = papershift.load_users(client=pulse(Reality()))
    sparse = papershift.load_users(client=pulse(Reality(sparse=True)))

    assert sparse.dtypes.equals(full.dtypes)
    assert sparse["email"].isna().all()


#: A reality that cannot be loaded as it is; the assumption that the error names; and the mend.
MENDED = {
    "two lists": (Reality(envelope="two"), ShapeError, "list_items", {"list_items": "results"}),
    "a token in another header": (
        Reality(sign_in_header="X-Auth"), ShapeError, "sign_in_header", {"sign_in_header": "X-Auth"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", MENDED)
def test_what_cannot_be_loaded_names_the_assumption_and_its_mend(pulse, name):
    """The error is loud; the argument it names makes the same load work."""
    reality, kind, assumption, mend = MENDED[name]
    with pytest.raises(kind, match=rf'assumptions=\{{"{assumption}"'):
        papershift.load_users(client=pulse(reality))

    assert len(papershift.load_users(client=pulse(reality, assumptions=mend))) == 3


@pytest.mark.parametrize(
    ("reality", "mend"),
    [
        (Reality(users_path="/api/v1/people"), {"path_users": "/api/v1/people"}),
        (Reality(sign_in_path="/api/v1/login"), {"sign_in_path": "/api/v1/login"}),
        (
            Reality(sign_in_form="flat"),
            {"sign_in_body": {"email": "{email}", "password": "{password}"}},
        ),
    ],
)
def test_another_path_or_body_is_an_error_and_one_line(pulse, reality, mend):
    """Never an empty frame."""
    with pytest.raises(DocframesError) as caught:
        papershift.load_users(client=pulse(reality))
    assert f'assumptions={{"{next(iter(mend))}"' in "".join(caught.value.__notes__)

    assert len(papershift.load_users(client=pulse(reality, assumptions=mend))) == 3


def test_pages_declared_elsewhere_are_not_passed_over_in_silence(pulse):
    """Nothing says that there is more: the certificate cannot be PASS, and one line follows the pages."""
    reality = Reality(pages="elsewhere")
    with pytest.warns(SchemaDriftWarning, match="next_link"):
        frame = papershift.load_users(page_size=2, client=pulse(reality))
    assert load_record(frame).certificate.verdict == "CANNOT_PROVE"

    mended = papershift.load_users(page_size=2, client=pulse(reality, assumptions={"next_link": "paging.following"}))
    assert len(mended) == 3
    assert "said after the last that it was" in load_record(mended).certificate.reason


def test_page_parameters_of_another_name_are_one_line(pulse):
    """page=2 in place of page[number]=2."""
    reality = Reality(pages="meta")
    client = pulse(reality, assumptions={"page_number": "page", "page_size": "per_page"})

    assert len(papershift.load_users(page_size=2, client=client)) == 3
    assert any(re.search(r"\?page=2&per_page=2", path) for _, path, _ in reality.seen)


def test_an_attribute_of_another_name_is_told_and_mended(pulse):
    """The column stays empty and the value is kept, with a warning; with the mend it is in its column."""
    reality = Reality()
    original = reality.documents
    reality.documents = lambda: [
        {**row, "attributes": {("title" if key == "name" else key): value for key, value in row["attributes"].items()}}
        for row in original()
    ]
    user = str(reality.id(1))
    with pytest.warns(SchemaDriftWarning, match="title") as told:
        frame = papershift.load_documents([user], client=pulse(reality))
    assert frame["title"].tolist() == ["Employment contract", "Reference letter"]
    assert "assumptions=" in str(told[0].message)

    client = pulse(reality, assumptions={"columns": {"documents": {"name": "title"}}})
    mended = papershift.load_documents([user], client=client)
    assert mended["name"].tolist() == ["Employment contract", "Reference letter"]
    assert mended["file_name"][0].startswith("Employment contract-")


@pytest.mark.parametrize("place", ["data.meta", "data.attributes", "meta"])
def test_a_link_is_found_where_the_contract_says_to_look(pulse, place):
    """In each of its three places, the object in its envelope or bare."""
    reality = Reality(link_place=place)
    link = papershift.sign_file("documents", f"{reality.id(1)}/{reality.id(11)}", client=pulse(reality))

    assert link.url.endswith("ab12ab12ab12")


def test_a_link_of_another_name_names_its_assumption(pulse):
    """And shows nothing of the link."""
    reality = Reality(download_key="url")
    file_id = f"{reality.id(1)}/{reality.id(11)}"
    with pytest.raises(ShapeError, match=r'assumptions=\{"download_url"') as caught:
        papershift.sign_file("documents", file_id, client=pulse(reality))
    assert "ab12" not in str(caught.value)

    client = pulse(reality, assumptions={"download_url": "data.meta.url"})
    assert papershift.sign_file("documents", file_id, client=client).url.endswith("ab12ab12ab12")


@pytest.mark.parametrize(
    "statuses", [{"create": 201, "update": 200, "delete": 200}, {"create": 200, "update": 204, "delete": 204}]
)
@pytest.mark.parametrize("place", ["meta", "attributes", "top"])
def test_writing_works_whatever_the_codes_and_places(pulse, tmp_path, statuses, place):
    """200 or 201, 200 or 204; the form in each of its places."""
    storage = Server(lambda environ, start: [start("204 told", []), b""][1:], 0, "storage")
    reality = Reality(statuses=statuses, upload_place=place, upload_host=storage.url)
    client, user = pulse(reality), str(reality.id(1))
    path = tmp_path / "a.pdf"
    path.write_bytes(b"%PDF-")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SchemaDriftWarning)
        new = papershift.upload_document(user, path, client=client)
        gone = papershift.delete_document(user, new["document_id"][0], confirm=True, client=client)
    storage.stop()

    assert new["user_id"].tolist() == gone["user_id"].tolist() == [user]
    assert [body["data"]["data"]["attributes"] for method, _, body in reality.seen if method == "PUT"] == [
        {"upload_status": "success"}
    ]


def test_a_refusal_without_a_body_keeps_its_status(pulse):
    """401 on sign-in, 404 on a document."""
    reality = Reality(error="empty", users_path="/elsewhere")
    with pytest.raises(AuthError):
        papershift.load_users(client=pulse(reality, password="another-password"))
    with pytest.raises(NotFound) as caught:
        papershift.load_users(client=pulse(reality))

    assert caught.value.status == 404
