"""A secret has no face: canaries of the sandbox are looked for in everything that is written, shown or raised."""

from __future__ import annotations

import gc
import json
import logging
import re
import traceback
from datetime import UTC, datetime
from pathlib import Path

import pytest
from conftest import CASSETTES, Says, Scripted

import docframes
from docframes import load_record, validocx
from docframes.errors import DocframesError
from docframes.settings import Settings
from docframes.transport.answers import Call
from docframes.transport.download import SignedLink
from docframes.transport.redact import guard_logs

#: Stands in secrets of a test's own; put together, so that no line of this file shows it in a traceback.
CANARY = "c4" + "n4ry"
NOTEBOOKS = Path(__file__).parents[1] / "notebooks"


class Everything(logging.Handler):
    """Keeps what any logger says, as text and as a record with all its fields."""

    def __init__(self):
        super().__init__(logging.DEBUG)
        self.lines = []

    def emit(self, record):
        self.lines.append(f"{self.format(record)} {vars(record)}")


@pytest.fixture
def logged():
    """Everything that is logged by anyone, at DEBUG."""
    root, handler = logging.getLogger(), Everything()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield handler.lines
    root.removeHandler(handler)
    root.setLevel(before)


def shown_in(text, canaries):
    """Which of *canaries* stand in *text*, which may be bytes."""
    text = text if isinstance(text, bytes) else str(text).encode("utf-8", "replace")
    return [canary for canary in canaries if canary.encode() in text]


def bytes_below(folder):
    """Every byte of every file below *folder*, and their names."""
    return b"\n".join(str(path).encode() + (path.read_bytes() if path.is_file() else b"") for path in folder.rglob("*"))


def work(box, client, tmp_path):
    """A whole session: lists, details, a signed file; gives everything that came of it."""
    made = [client]
    jobs = validocx.load_jobs(client=client, page_size=10)
    details = validocx.load_job_details(jobs, client=client)
    link = validocx.sign_file("documents", box.company.documents[0]["id"], client=client)
    link.save(tmp_path / "paper.pdf")
    answer = client.call(Call(client.api.endpoint("job_detail_now"), {"job_id": box.jobs[0]["id"]}))
    frames = [jobs, *vars(details).values()]
    made += [details, link, answer, *frames, *[load_record(frame) for frame in frames]]
    made += [frame.attrs for frame in frames] + [load_record(frame).as_dict() for frame in frames]
    return made


def test_the_canaries_are_really_given_out(box, client):
    """The key reaches the vendor, a link holds the marker: what is looked for below would be found."""
    link = validocx.sign_file("documents", box.company.documents[0]["id"], client=client)

    assert box.signature_marker in link.url
    assert [call for call in box.calls if shown_in(call.headers.get("x-api-key", ""), box.canaries)]


def test_no_secret_is_in_the_cache_while_it_is_open_or_after(box, client, settings, tmp_path):
    """Database, write-ahead log, kept frames: no key, no signature."""
    work(box, client, tmp_path)
    open_bytes = bytes_below(settings.cache_dir)
    client.close()
    gc.collect()

    assert len(open_bytes) > 10_000
    assert shown_in(open_bytes, box.canaries) == []
    assert shown_in(bytes_below(settings.cache_dir), box.canaries) == []
    assert box.jobs[0]["id"].encode() in open_bytes


def test_no_secret_is_in_a_repr_a_record_or_a_frame(box, client, tmp_path):
    """Client, details, link, answer, load records, attrs, every cell."""
    made = work(box, client, tmp_path)
    frames = [thing for thing in made if hasattr(thing, "to_csv")]

    for thing in made:
        assert shown_in(f"{thing!r} {thing!s}", box.canaries) == []
    for frame in frames:
        assert shown_in(frame.to_csv(), box.canaries) == []


def test_no_secret_is_logged(box, client, tmp_path, logged):
    """By docframes or by any library below it, at DEBUG."""
    work(box, client, tmp_path)

    assert [line for line in logged if "/validocx/sign/documents/" in line]
    assert [line for line in logged if "urllib3" in line]
    assert shown_in("\n".join(logged), box.canaries) == []


def chain(error):
    """An error, what it stands on, and what was under way when it was raised."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def raised_by(act):
    """The error that *act* raises, as it is printed, and the text and attributes of each in its chain."""
    with pytest.raises(DocframesError) as caught:
        act()
    parts = ["".join(traceback.format_exception(caught.value))]
    parts += [
        f"{error!r} {error!s} {getattr(error, 'url', '')} {getattr(error, 'excerpt', '')}"
        for error in chain(caught.value)
    ]
    return "\n".join(parts)


@pytest.mark.parametrize(
    "chaos", ["500_always", "429_always", "html_instead", "drop_mid_body:9", "truncated_json:9", "total_too_high"]
)
@pytest.mark.filterwarnings("ignore::docframes.errors.SchemaDriftWarning")
def test_no_secret_is_in_any_error_of_a_load(start, account, chaos, logged):
    """Lists, details and signing, whatever goes wrong."""
    box = start(chaos, jobs=5)
    client = account(box)
    ids = [job["id"] for job in box.jobs]
    document = box.company.documents[0]["id"]
    acts = [lambda: validocx.load_jobs(client=client, refresh=True)]
    if chaos != "total_too_high":
        acts += [
            lambda: validocx.load_job_details(ids, client=client),
            lambda: validocx.sign_file("documents", document, client=client),
        ]
    for act in acts:
        assert shown_in(raised_by(act), box.canaries) == []
    assert shown_in("\n".join(logged), box.canaries) == []


def test_no_secret_is_in_the_error_of_a_wrong_key(box, account):
    """Nor of a revoked one, though the vendor may say it back."""
    key = f"vdx_org_Abcd1234_{CANARY * 10}wxyz"
    server = Scripted(lambda asked: Says({"error": f"the key {asked.headers['x-api-key']} is unknown"}, 401))
    try:
        text = raised_by(lambda: validocx.load_jobs(client=account(box, api_key=key, base_url=server.url)))
    finally:
        server.stop()

    assert "is unknown" in text
    assert CANARY not in text


@pytest.mark.parametrize("fault", ["refused", "broken", "silent"])
def test_no_secret_is_in_the_error_of_a_download(scripted, tmp_path, fault, logged):
    """The storage host refuses, drops the connection, or is not there."""
    says = Says(b"<Error/>", 403) if fault == "refused" else Says(b"x" * 5000, cut=10)
    url = "http://127.0.0.1:9" if fault == "silent" else scripted(lambda asked: says).url
    settings = Settings(tries=2, time_scale=0)
    guard_logs()
    link = SignedLink(
        "documents/d1", f"{url}/d1.pdf?token={CANARY}-signature", datetime(2126, 1, 1, tzinfo=UTC), settings
    )

    assert CANARY not in raised_by(lambda: link.save(tmp_path / "a.pdf"))
    assert CANARY not in raised_by(link.bytes)
    assert CANARY not in "\n".join(logged)


def test_no_secret_is_in_a_frame_though_the_vendor_renames_its_links(scripted_client):
    """A link under a name nobody declared becomes a column, and its signature does not come along."""
    row = {"id": "j1", "preview": f"https://f.test/a.jpg?X-Amz-Signature={CANARY}", "refresh_token": f"{CANARY}-token"}
    client = scripted_client(lambda asked: Says({"data": [row], "pagination": {"total": 1}}))
    with pytest.warns(docframes.errors.SchemaDriftWarning) as told:
        frame = validocx.load_jobs(client=client)

    assert frame["preview"].tolist() == ["https://f.test/a.jpg?[redacted]"]
    assert CANARY not in frame.to_csv()
    assert CANARY not in str(told[0].message)


def test_no_secret_is_in_a_cassette(box):
    """No key, no signature, no caller, no machine."""
    recordings = sorted(CASSETTES.rglob("*.yaml"))
    assert len(recordings) >= 14
    for path in recordings:
        text = path.read_text(encoding="utf-8")

        assert shown_in(text, box.canaries) == []
        assert "vdx_org_" not in text
        assert "sandboxsig" not in text
        assert "127.0.0.1" not in text
        assert "localhost" not in text
        assert not [
            word for word in ("x-api-key", "User-Agent", "Set-Cookie", "Authorization", "Server:") if word in text
        ]
        if path.name != "signed_file.yaml":
            assert "token=" not in text


@pytest.mark.parametrize("path", sorted(NOTEBOOKS.glob("*.ipynb")), ids=lambda path: path.stem)
def test_no_secret_is_in_a_saved_notebook(path):
    """Source and outputs of what is checked in."""
    saved = json.dumps(json.loads(path.read_text(encoding="utf-8")))

    assert "sandboxsig" not in saved
    assert not _keys_in(saved)


def _keys_in(text):
    """Whole keys of the documented shape; a shortened one, as a repr shows it, is none."""
    return re.findall(r"vdx_org_[0-9A-Za-z]{8}_[0-9A-Za-z]{8,}", text)


@pytest.mark.parametrize("path", sorted(NOTEBOOKS.glob("01-*.ipynb")), ids=lambda path: path.stem)
def test_no_secret_is_in_an_executed_notebook(path, tmp_path):
    """Run as a user runs it, then searched for every key and signature of the sandbox it ran against."""
    import nbclient
    import nbformat

    notebook = nbformat.read(path, as_version=4)
    nbclient.NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(tmp_path)}}).execute()
    executed = nbformat.writes(notebook)

    assert "sandboxsig" not in executed
    assert not _keys_in(executed)
