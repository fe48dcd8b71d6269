"""Writing to Papershift: checks first, the presigned form against an S3 that others wrote, and what failures leave."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import importlib.util
import io
import os
from pathlib import Path

import orjson
import pytest
from conftest import Says

import docframes.sandbox as sandbox
from docframes import load_record
from docframes.errors import BadRequest, ConfigError, NoAnswer, NotFound, ServerError, ShapeError, VendorError
from docframes.sandbox.papershift_uploads import parts_of
from docframes.sandbox.server import Server
from docframes.settings import Settings
from docframes.transport.upload import FormBody, PresignedForm
from docframes.vendors import papershift

TOKEN = "ready-token-" + "u5" * 20
USER = "e783e713-7785-4678-a483-2c14852efe53"
CREATED = {
    "id": "d188a737-ea88-4a32-b114-1bde12efdb9d",
    "type": "document",
    "attributes": {
        "created_at": "2026-03-05T10:00:00.000Z",
        "extension": "pdf",
        "name": "Forklift licence",
        "sensitive": False,
        "upload_status": "uploading",
        "visible_to_user": True,
    },
}
FIELDS = {"key": "documents/d188a737.pdf", "policy": "eyJwb2xpY3kiOjF9", "x-amz-signature": "ef56ef56ef56"}


@pytest.fixture
def paper(tmp_path) -> Path:
    path = tmp_path / "Forklift licence.pdf"
    path.write_bytes(b"%PDF-1.4\r\n--boundary\r\n" + bytes(range(256)) * 40)
    return path


@dataclasses.dataclass
class Post:
    """What a storage host was sent."""

    headers: dict[str, str]
    parts: list
    query: str


class Pulse:
    """The vendor's side of an upload, written from the contract, with a storage host of its own or another's."""

    def __init__(self, form=None, *, status=204, refuse=(), place="meta"):
        self.form, self.status, self.place = form, status, place
        self.refuse = dict(refuse)  #: upload_status to the status with which setting it is refused
        self.puts, self.creates, self.posts = [], [], []
        self._storage = Server(self._store, 0, "storage")
        self._api = Server(self._answer, 0, "pulse")
        self.url = self._api.url

    def _store(self, environ, start_response):
        body = environ["wsgi.input"].read()
        headers = {name[5:].lower(): value for name, value in environ.items() if name.startswith("HTTP_")}
        self.posts.append(Post(headers, parts_of(environ["CONTENT_TYPE"], body), environ["QUERY_STRING"]))
        status = self.status.pop(0) if isinstance(self.status, list) else self.status
        told = b"<Error><Code>EntityTooLarge</Code><Message>ef56ef56ef56</Message></Error>" if status >= 400 else b""
        start_response(f"{status} told", [("Content-Type", "application/xml")])
        return [told]

    def _answer(self, environ, start_response):
        body = environ["wsgi.input"].read()
        sent = orjson.loads(body) if body else None
        row, status = CREATED, 200
        if environ["REQUEST_METHOD"] == "POST":
            self.creates.append((environ["QUERY_STRING"], sent))
            form = self.form or {"url": self._storage.url + "/bucket", "fields": FIELDS}
            row, status = ({**CREATED, self.place: {"upload_url": form}}, 201)
        elif environ["REQUEST_METHOD"] == "PUT":
            changes = sent["data"]["data"]["attributes"]
            self.puts.append(changes)
            status = self.refuse.get(changes.get("upload_status"), 200)
            row = {**CREATED, "attributes": {**CREATED["attributes"], **changes}}
        start_response(f"{status} told", [("Content-Type", "application/vnd.api+json")])
        return [orjson.dumps({"data": row} if status < 300 else {"errors": []})]

    def stop(self):
        self._api.stop()
        self._storage.stop()


@pytest.fixture
def pulse(settings):
    """Start the vendor's side: ``pulse(status=403)`` gives it and a client."""
    with contextlib.ExitStack() as stack:

        def start(form=None, client_options=None, **options):
            server = Pulse(form, **options)
            stack.callback(server.stop)
            defaults = {"token": TOKEN, "base_url": server.url, "settings": settings, **(client_options or {})}
            return server, stack.enter_context(papershift.Client(**defaults))

        yield start


# --- against an S3 that others wrote ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def bucket():
    """A bucket of moto's S3 server, and boto3's client of it."""
    missing = [name for name in ("boto3", "moto") if importlib.util.find_spec(name) is None]
    if missing:
        why = f"{' and '.join(missing)} not installed: pip install 'docframes[dev]'"
        if os.environ.get("CI"):
            pytest.fail(why)
        pytest.skip(why)
    import boto3
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    s3 = boto3.client(
        "s3", endpoint_url=f"http://{host}:{port}", region_name="eu-central-1", aws_access_key_id="testing",
        aws_secret_access_key="testing-secret",
    )  # fmt: skip
    s3.create_bucket(Bucket="personnel", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    yield s3
    server.stop()


@pytest.mark.parametrize("size", [1, 10_321, 3_500_000])
def test_a_file_arrives_in_s3_byte_for_byte(bucket, pulse, tmp_path, size):
    """boto3 signs the form, moto takes it, and what lies in the bucket is the file."""
    path = tmp_path / "big.pdf"
    path.write_bytes(os.urandom(size))
    key = f"documents/{size}.pdf"
    form = bucket.generate_presigned_post("personnel", key, Conditions=[["content-length-range", 1, 100_000_000]])
    server, client = pulse({"url": form["url"], "fields": form["fields"]})

    frame = papershift.upload_document(USER, path, name="Forklift licence", client=client)

    stored = bucket.get_object(Bucket="personnel", Key=key)["Body"].read()
    assert hashlib.sha256(stored).hexdigest() == hashlib.sha256(path.read_bytes()).hexdigest()
    assert server.puts == [{"upload_status": "success"}]
    assert frame["upload_status"].tolist() == ["success"]


def test_fields_of_a_form_may_carry_headers_and_signs(bucket, tmp_path):
    """A content type and a file name with a quotation mark, straight through the form."""
    path = tmp_path / "note.pdf"
    path.write_bytes(b"%PDF-1.4 note")
    fields, conditions = {"Content-Type": "application/pdf"}, [{"Content-Type": "application/pdf"}]
    form = bucket.generate_presigned_post("personnel", "documents/é note.pdf", Fields=fields, Conditions=conditions)
    PresignedForm("note", form["url"], form["fields"]).post(path, file_name='a "b".pdf')

    stored = bucket.get_object(Bucket="personnel", Key="documents/é note.pdf")
    assert stored["Body"].read() == b"%PDF-1.4 note"


# --- the whole way ------------------------------------------------------------------------------------------------


def test_an_upload_is_created_sent_and_marked(pulse, paper):
    """The document in the page's deeper form, the fields in order and the file last, then success."""
    server, client = pulse()
    frame = papershift.upload_document(USER, paper, sensitive=False, visible_to_user=True, client=client)

    query, body = server.creates[0]
    assert query == "meta%5Bupload_url%5D=true"
    attributes = {"extension": "pdf", "name": "Forklift licence", "sensitive": False, "visible_to_user": True}
    assert body == {"data": {"type": "document", "data": {"attributes": attributes}}}
    (post,) = server.posts
    assert [part.name for part in post.parts] == ["key", "policy", "x-amz-signature", "file"]
    assert [part.content.decode() for part in post.parts[:-1]] == list(FIELDS.values())
    assert post.parts[-1].content == paper.read_bytes()
    assert "authorization" not in post.headers
    assert server.puts == [{"upload_status": "success"}]
    assert frame[["user_id", "document_id", "upload_status"]].iloc[0].tolist() == [USER, CREATED["id"], "success"]
    assert load_record(frame).loader == "upload_document"


def test_marks_that_are_not_given_are_the_careful_ones(pulse, paper):
    """Sensitive, and not for the employee to see."""
    server, client = pulse()
    papershift.upload_document(USER, paper, client=client)

    attributes = server.creates[0][1]["data"]["data"]["attributes"]
    assert (attributes["sensitive"], attributes["visible_to_user"]) == (True, False)


@pytest.mark.parametrize("status", [200, 201, 204])
def test_each_answer_by_which_a_storage_takes_a_file_will_do(pulse, paper, status):
    """204, or 200 or 201."""
    server, client = pulse(status=status)

    assert len(papershift.upload_document(USER, paper, client=client)) == 1
    assert server.puts == [{"upload_status": "success"}]


def test_a_busy_storage_is_tried_again_with_the_whole_file(pulse, paper):
    """503 twice, then taken: each time from the first byte."""
    server, client = pulse(status=[503, 503, 204])
    papershift.upload_document(USER, paper, client=client)

    assert [post.parts[-1].content == paper.read_bytes() for post in server.posts] == [True] * 3


def test_a_storage_that_refuses_leaves_an_error_and_no_secret(pulse, paper):
    """403: told with the storage's code alone; the document is marked error."""
    server, client = pulse(status=403)
    with pytest.raises(VendorError, match="EntityTooLarge") as caught:
        papershift.upload_document(USER, paper, client=client)

    error = caught.value
    assert (error.status, error.code) == (403, "EntityTooLarge")
    assert server.puts == [{"upload_status": "error"}]
    assert CREATED["id"] in "".join(error.__notes__)
    for secret in FIELDS.values():
        assert secret not in str(error) + repr(error) + "".join(error.__notes__)


def test_a_storage_that_is_silent_is_no_answer(pulse, paper, settings):
    """A port where nobody listens: as many tries as any call has, then the mark."""
    nobody = Server(lambda environ, start: [], 0, "nobody")
    nobody.stop()
    server, client = pulse({"url": nobody.url, "fields": FIELDS})
    with pytest.raises(NoAnswer, match="5 tries"):
        papershift.upload_document(USER, paper, client=client)

    assert server.puts == [{"upload_status": "error"}]


def test_a_failure_that_cannot_be_marked_stays_the_failure(pulse, paper):
    """The storage's refusal is raised; that the mark failed is a note."""
    _, client = pulse(status=403, refuse={"error": 422})
    with pytest.raises(VendorError) as caught:
        papershift.upload_document(USER, paper, client=client)

    assert caught.value.status == 403
    assert "could not be marked" in "".join(caught.value.__notes__)


def test_a_file_that_arrived_is_never_marked_error(pulse, paper):
    """Where the last call fails, the error says what to do; the file is there."""
    server, client = pulse(refuse={"success": 500})
    with pytest.raises(ServerError) as caught:
        papershift.upload_document(USER, paper, client=client)

    assert {"upload_status": "error"} not in server.puts
    assert 'upload_status="success"' in "".join(caught.value.__notes__)


@pytest.mark.parametrize("place", ["meta", "attributes"])
def test_an_upload_is_found_in_each_of_its_places(pulse, paper, place):
    """data.meta.upload_url, data.attributes.upload_url."""
    server, client = pulse(place=place)
    papershift.upload_document(USER, paper, client=client)

    assert len(server.posts) == 1


def test_an_upload_elsewhere_is_mended_in_one_line(pulse, paper):
    """The error names the assumption, the document is marked; with the mend it works."""
    server, client = pulse(place="extra")
    with pytest.raises(ShapeError, match=r'assumptions=\{"upload_url"') as caught:
        papershift.upload_document(USER, paper, client=client)
    assert server.puts == [{"upload_status": "error"}]
    assert FIELDS["x-amz-signature"] not in str(caught.value)

    server, client = pulse(place="extra", client_options={"assumptions": {"upload_url": "data.extra.upload_url"}})
    papershift.upload_document(USER, paper, client=client)
    assert len(server.posts) == 1


def test_the_plain_body_is_one_switch_away(scripted, settings, paper):
    """document_body="plain": attributes right below data, as the standard has it."""
    seen = []

    def application(environ, start_response):
        seen.append(orjson.loads(environ["wsgi.input"].read()))
        start_response("200 told", [("Content-Type", "application/json")])
        return [orjson.dumps({"data": CREATED})]

    server = Server(application, 0, "plain")
    with papershift.Client(
        token=TOKEN, base_url=server.url, settings=settings, assumptions={"document_body": "plain"}
    ) as client:
        papershift.update_document(USER, "d1", name="New", client=client)
    server.stop()

    assert seen == [{"data": {"type": "document", "attributes": {"name": "New"}}}]


# --- checks before anything is sent -------------------------------------------------------------------------------


def test_what_cannot_be_uploaded_is_refused_before_anything_is_sent(pulse, tmp_path):
    """Size, name, extension, flags, and whether there is a file at all."""
    server, client = pulse()
    good, empty, text = tmp_path / "a.pdf", tmp_path / "b.pdf", tmp_path / "c.txt"
    good.write_bytes(b"%PDF-")
    empty.write_bytes(b"")
    text.write_bytes(b"x")
    large = tmp_path / "large.pdf"
    with large.open("wb") as file:
        # A file with a hole: as long as it says, and no bytes on the disk.
        file.truncate(100_000_001)
    cases = [
        (tmp_path / "none.pdf", {}, "not there"),
        (tmp_path, {"extension": "pdf"}, "folder"),
        (empty, {}, "empty"),
        (large, {}, "100,000,000"),
        (text, {}, "pdf or doc"),
        (good, {"extension": "docx"}, "pdf or doc"),
        (good, {"name": "n" * 251}, "250"),
        (good, {"name": "  "}, "needs one"),
        (good, {"sensitive": "yes"}, "True or False"),
        (good, {"visible_to_user": None}, "True or False"),
    ]
    for path, options, told in cases:
        with pytest.raises(ConfigError, match=told):
            papershift.upload_document(USER, path, client=client, **options)

    assert (server.creates, server.posts, server.puts) == ([], [], [])


def test_the_largest_file_and_the_longest_name_pass_the_checks(pulse, tmp_path, monkeypatch):
    """100,000,000 bytes, and 250 code points, each of which may be four bytes."""
    from docframes.vendors.papershift import uploads

    path = tmp_path / "edge.pdf"
    with path.open("wb") as file:
        file.truncate(100_000_000)
    sent = []
    monkeypatch.setattr(uploads.PresignedForm, "post", lambda self, path, file_name: sent.append(path))
    _, client = pulse()
    papershift.upload_document(USER, path, name="𝔸" * 250, client=client)

    assert sent == [path]


def test_a_form_is_streamed_and_as_long_as_it_says(paper, monkeypatch):
    """The length is known before, and no part is larger than a chunk."""
    monkeypatch.setattr("docframes.transport.upload.CHUNK", 1_000)
    with paper.open("rb") as file:
        body = FormBody(FIELDS, file, 'a "b"\r\n.pdf')
        parts = list(body)

    assert sum(map(len, parts)) == len(body)
    assert max(map(len, parts[1:])) <= 1_000
    assert b'filename="a %22b%22%0D%0A.pdf"' in parts[0]


def test_a_file_that_shrinks_meanwhile_is_an_error(tmp_path):
    """Never a shorter file under the same name."""
    path = tmp_path / "a.pdf"
    path.write_bytes(b"x" * 100)
    with path.open("r+b") as file:
        body = FormBody({}, file, "a.pdf")
        file.truncate(40)

        with pytest.raises(OSError, match="60 bytes"):
            list(body)


def test_a_form_shows_neither_its_address_nor_its_fields():
    """In no repr."""
    form = PresignedForm("licence.pdf", "https://bucket.example.invalid/?sig=1", FIELDS, Settings(time_scale=0.0))

    assert "licence.pdf" in repr(form)
    assert "bucket" not in repr(form)
    assert FIELDS["x-amz-signature"] not in repr(form)


# --- the sandbox: update, delete, and what a load says afterwards -------------------------------------------------


@pytest.fixture
def office(settings):
    """A sandbox of the test's own, with a client."""
    with sandbox.running(jobs=1, environment=False) as box:
        login = {"email": "audit@northmoor.example.org", "password": box.key("papershift")}
        with papershift.Client(**login, base_url=box.url("papershift"), settings=settings) as client:
            yield box, client


def seen_user(box):
    personnel = box.state["papershift"].personnel
    return next(user for user in personnel.documents if user not in (personnel.forbidden, personnel.hidden))


def test_an_uploaded_document_is_in_the_next_load_and_opens(office, paper):
    """What was loaded before is not served again."""
    box, client = office
    user = seen_user(box)
    before = papershift.load_documents([user], client=client)
    new = papershift.upload_document(user, paper, client=client)
    after = papershift.load_documents([user], client=client)

    assert set(after["document_id"]) - set(before["document_id"]) == {new["document_id"][0]}
    assert new.dtypes.equals(before.dtypes)
    link = papershift.sign_file("documents", new["file_id"][0], client=client)
    assert link.bytes() == paper.read_bytes()
    assert box.leaks == []


def test_a_document_is_updated_and_nothing_else_of_it(office, paper):
    """None leaves a thing as it is; an extension is no argument at all."""
    box, client = office
    user = seen_user(box)
    new = papershift.upload_document(user, paper, client=client)
    changed = papershift.update_document(user, new["document_id"][0], visible_to_user=True, client=client)

    assert changed["visible_to_user"].tolist() == [True]
    assert changed["name"].tolist() == ["Forklift licence"]
    with pytest.raises(ConfigError, match="Nothing is to be changed"):
        papershift.update_document(user, "x", client=client)
    with pytest.raises(ConfigError, match="uploading, success, error"):
        papershift.update_document(user, "x", upload_status="done", client=client)
    with pytest.raises(NotFound):
        papershift.update_document(user, "x", name="y", client=client)


def test_a_document_is_deleted_only_when_that_is_said(office):
    """Without confirm=True nothing is sent; with it the document comes back as it was, and leaves the lists."""
    box, client = office
    user = seen_user(box)
    before = papershift.load_documents([user], client=client)
    document = before["document_id"][0]
    box.clear_calls()
    for answer in (False, 1, "yes"):
        with pytest.raises(ConfigError, match="confirm=True"):
            papershift.delete_document(user, document, confirm=answer, client=client)
    assert box.calls == []

    gone = papershift.delete_document(user, document, confirm=True, client=client)
    assert gone["name"].tolist() == [before["name"][0]]
    assert document not in set(papershift.load_documents([user], client=client)["document_id"])
    with pytest.raises(NotFound):
        papershift.delete_document(user, document, confirm=True, client=client)


def test_a_refused_attribute_is_told_with_its_place(office, monkeypatch, paper):
    """The vendor's own check, should ours be passed by."""
    monkeypatch.setattr("docframes.vendors.papershift.uploads.LONGEST_NAME", 999)
    box, client = office
    with pytest.raises(BadRequest, match="/data/attributes/name"):
        papershift.upload_document(seen_user(box), paper, name="n" * 251, client=client)


def test_a_form_that_is_over_is_refused_by_the_storage(office, paper, monkeypatch):
    """A quarter of an hour after it was made."""
    box, client = office
    post = PresignedForm.post

    def late(self, path, file_name=""):
        box.advance(901)
        post(self, path, file_name=file_name)

    monkeypatch.setattr(PresignedForm, "post", late)
    with pytest.raises(VendorError, match="403"):
        papershift.upload_document(seen_user(box), paper, client=client)

    row = box.state["papershift"].personnel.documents[seen_user(box)][-1]
    assert row["attributes"]["upload_status"] == "error"


def test_an_empty_answer_to_a_change_is_followed_by_a_look(scripted, settings):
    """204: the document is fetched, so that the frame says what is so now; a deletion says what is known."""

    def answer(asked):
        return Says({"data": CREATED}) if asked.method == "GET" else Says(b"", 204)

    with papershift.Client(token=TOKEN, base_url=scripted(answer).url, settings=settings) as client:
        assert papershift.update_document(USER, "d1", name="x", client=client)["name"].tolist() == ["Forklift licence"]
        with pytest.warns(match="in no record"):
            gone = papershift.delete_document(USER, "d1", confirm=True, client=client)

    assert gone[["user_id", "document_id"]].iloc[0].tolist() == [USER, "d1"]


def test_the_parts_of_a_form_are_told_in_order():
    """The test's own eye: what it reads is what was written."""
    buffer = io.BytesIO(b'--b\r\nContent-Disposition: form-data; name="x"\r\n\r\n1\r\n--b--\r\n')

    assert [part.name for part in parts_of("multipart/form-data; boundary=b", buffer.read())] == ["x"]
