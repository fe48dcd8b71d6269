"""Files behind signed links: without a credential, whole or not there, and never shown."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta

import pytest
from conftest import Says

from docframes import validocx
from docframes.errors import ConfigError, NoAnswer, NotFound, OfflineMiss, ShapeError, VendorError
from docframes.settings import Settings
from docframes.transport.download import SignedLink, digest

PDF = b"%PDF-1.7 " + bytes(range(256)) * 2000
SOON = datetime(2126, 1, 1, tzinfo=UTC)


@pytest.fixture
def link_to(scripted):
    """A link to a scripted storage host."""

    def make(answer, tries=3):
        server = scripted(answer)
        link = SignedLink(
            "documents/d1", f"{server.url}/d1.pdf?token=s3cr3t-signature", SOON, Settings(tries=tries, time_scale=0)
        )
        return link, server

    return make


@pytest.fixture
def paper(box):
    return box.company.documents[0]


def test_a_signed_file_is_fetched_without_the_key(box, client, paper, tmp_path):
    """From the storage host, as it is; that host saw no credential."""
    link = validocx.sign_file("documents", paper["id"], client=client)
    path = link.save(tmp_path / "paper.pdf")

    assert path.read_bytes() == link.bytes() == box.stored_file("validocx", "documents", paper["id"]).read()
    assert box.leaks == []
    assert [call for call in box.calls if call.host == "storage" and "x-api-key" in call.headers] == []


@pytest.mark.parametrize(("asked", "given"), [(300, 300), (5, 60), (86_400, 3600)])
def test_the_vendor_holds_the_expiry_within_its_limits(box, client, paper, asked, given):
    """60 to 3600 seconds; the link says when it ends."""
    before = datetime.now(UTC)
    link = validocx.sign_file("documents", paper["id"], expires_in=asked, client=client)

    left = (link.expires_at - before).total_seconds()
    assert given - 2 <= left <= given + 30
    assert not link.expired()
    assert link.expired(link.expires_at)


def test_a_link_is_never_kept(box, client, paper):
    """Each signing is a call; nothing of it is in the cache."""
    for _ in range(2):
        validocx.sign_file("documents", paper["id"], client=client)

    assert box.count(path_prefix="/signed-files") == 2


def test_an_unknown_kind_is_refused_before_anything_is_sent(box, client):
    """The message lists the kinds."""
    with pytest.raises(ConfigError, match="documents, images, installer-certs"):
        validocx.sign_file("videos", "v1", client=client)
    assert box.count() == 0


def test_an_unknown_file_is_not_found(client):
    """404, as for any id."""
    with pytest.raises(NotFound):
        validocx.sign_file("images", "no-such-image", client=client)


def test_signing_offline_is_a_miss(client, paper, no_sockets):
    """A link is never in the cache."""
    from docframes import offline

    with offline(), pytest.raises(OfflineMiss, match="signed-files"):
        validocx.sign_file("documents", paper["id"], client=client)


def test_an_expired_link_says_so(start, account, tmp_path):
    """403 from the storage host: ask for a fresh one; no file is left."""
    box = start(jobs=5)
    link = validocx.sign_file("documents", box.company.documents[0]["id"], client=account(box))
    box.advance(301)
    with pytest.raises(VendorError, match="Ask for a fresh one") as refused:
        link.save(tmp_path / "out" / "paper.pdf")

    assert refused.value.status == 403
    assert list((tmp_path / "out").iterdir()) == []


def test_the_moment_of_expiry_is_worked_out_where_it_is_not_told(scripted_client):
    """From the moment before asking and the seconds in force, less five; a text that is no moment tells nothing."""
    answer = {"data": {"signed_url": "https://f.test/a?token=1", "expires_in": 600, "expires_at": "soon"}}
    before = datetime.now(UTC)
    link = validocx.sign_file("images", "i1", expires_in=600, client=scripted_client(lambda asked: Says(answer)))

    assert timedelta(0) <= link.expires_at - before - timedelta(seconds=595) < timedelta(seconds=10)


def test_the_limits_count_where_nothing_is_told(scripted_client):
    """A day is wished for, an hour is what the vendor gives."""
    answer = {"data": {"signed_url": "https://f.test/a?token=1"}}
    before = datetime.now(UTC)
    link = validocx.sign_file("images", "i1", expires_in=86_400, client=scripted_client(lambda asked: Says(answer)))

    assert link.expires_at - before < timedelta(seconds=3610)


def test_a_signing_answer_without_a_link_names_the_assumption(scripted_client):
    """The keys that came, and the argument that mends it; no value of the answer."""
    answer = {"data": {"link": "https://f.test/a?token=s3cr3t"}}
    with pytest.raises(ShapeError, match="sign_url") as wrong:
        validocx.sign_file("images", "i1", client=scripted_client(lambda asked: Says(answer)))

    assert "['link']" in str(wrong.value)
    assert "s3cr3t" not in str(wrong.value)


def test_names_of_the_signing_are_assumptions(scripted_client):
    """Path, parameter, and the keys of the answer."""
    told = {"file": {"url": "https://f.test/a?token=1", "until": "2126-01-01T00:00:00Z"}}
    client = scripted_client(
        lambda asked: Says(told),
        assumptions={
            "path_sign": "/sign/{kind}/{file_id}",
            "sign_expiry_parameter": "ttl",
            "sign_object": "file",
            "sign_url": "url",
            "sign_expires_at": "until",
        },
    )
    link = validocx.sign_file("images", "i1", expires_in=90, client=client)

    assert (link.url, link.expires_at) == ("https://f.test/a?token=1", SOON)
    assert (client.server.asked[0].path, client.server.asked[0].query) == ("/sign/images/i1", {"ttl": "90"})


def test_a_link_shows_its_name_and_not_its_address(link_to):
    """In repr and str."""
    link, _ = link_to(lambda asked: Says(PDF))

    assert "documents/d1" in repr(link)
    assert "s3cr3t" not in f"{link!r} {link!s}"


def test_a_broken_connection_is_tried_again_from_the_beginning(link_to, tmp_path):
    """Half a file, then the whole one."""
    told = iter([Says(PDF, cut=1000), Says(b"busy", 503), Says(PDF)])
    link, server = link_to(lambda asked: next(told))
    path = link.save(tmp_path / "a.pdf")

    assert path.read_bytes() == PDF
    assert digest(path) == hashlib.sha256(PDF).hexdigest()
    assert len(server.asked) == 3


def test_nothing_is_left_when_the_connection_breaks_for_good(link_to, tmp_path):
    """No part of the file, no temporary one; what was there before stays."""
    link, server = link_to(lambda asked: Says(PDF, cut=1000))
    (tmp_path / "a.pdf").write_bytes(b"yesterday's")
    with pytest.raises(NoAnswer, match="did not come in 3 tries") as failed:
        link.save(tmp_path / "a.pdf")

    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("a.pdf", b"yesterday's")]
    assert len(server.asked) == 3
    assert "s3cr3t" not in str(failed.value)


@pytest.mark.parametrize("status", [400, 401, 403, 404])
def test_a_refusal_is_not_tried_again(link_to, status):
    """The link is no better the second time; its query is in no error."""
    link, server = link_to(lambda asked: Says(b"<Error/>", status))
    with pytest.raises(VendorError, match=str(status)) as refused:
        link.bytes()

    assert len(server.asked) == 1
    assert "s3cr3t" not in f"{refused.value} {refused.value.url}"


def test_the_storage_host_may_redirect(link_to, scripted):
    """Its redirects are followed, and no credential is there to go along."""
    other = scripted(lambda asked: Says(PDF))
    link, _ = link_to(lambda asked: Says(b"", 302, {"Location": f"{other.url}/real?sig=2"}))

    assert link.bytes() == PDF
    assert not {"x-api-key", "authorization", "cookie"} & set(other.asked[0].headers)


def test_no_login_is_taken_from_the_users_netrc(link_to, monkeypatch, tmp_path):
    """A signed link needs none, and that host is a stranger."""
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password mine\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    link, server = link_to(lambda asked: Says(PDF))
    link.bytes()

    assert "authorization" not in server.asked[0].headers
