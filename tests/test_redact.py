"""The redactor: secrets go, everything else stays as it was."""

from __future__ import annotations

import base64
import json
import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docframes.transport import redact

SIGNED = [
    "https://files.test/a.pdf?token=abc123",
    "https://files.test/a.pdf?X-Amz-Date=20260101&X-Amz-Signature=abc123",
    "https://files.test/a.pdf?sv=2024&sig=abc123%3D",
    "https://files.test/a.pdf?Expires=1&Signature=abc123&Key-Pair-Id=K",
    "https://files.test/a.pdf?x-goog-signature=abc123",
]
PLAIN = [
    "https://example.org/?id=3",
    "https://example.org/?tokenizer=3",
    "a question? yes",
    "Why? Because token=abc",
    "/jobs?page=2&limit=100",
]


@pytest.mark.parametrize("link", SIGNED)
def test_a_signed_link_is_cut_before_its_query(link):
    """The path may be seen, the signature may not."""
    assert redact.text(f"see {link} there") == "see https://files.test/a.pdf?[redacted] there"


@pytest.mark.parametrize("text", PLAIN)
def test_an_ordinary_text_stays(text):
    """A query without a secret is data."""
    assert redact.text(text) == text


def test_a_link_inside_json_stays_json():
    """The link ends at its quote; escaped ampersands and slashes are seen through."""
    body = rb'{"url":"https:\/\/f.test\/a?v=1\u0026token=abc123","next":"kept"}'

    cleaned = json.loads(redact.body(body))

    assert cleaned == {"url": "https://f.test/a?[redacted]", "next": "kept"}


@pytest.mark.parametrize("key", ["signed_url", "access_token", "download_url", "sasToken", "password"])
def test_a_secret_key_loses_its_whole_value(key):
    """Whatever the value looks like, quotes in it included."""
    body = json.dumps({key: 'a "quoted" secret', "id": "kept"})

    assert json.loads(redact.text(body)) == {key: "[redacted]", "id": "kept"}
    assert json.loads(redact.body(body.encode())) == {key: "[redacted]", "id": "kept"}


@pytest.mark.parametrize("written", [r"\u003f", r"\u003F"])
def test_a_link_may_be_written_with_escaped_marks(written):
    """JSON may write any sign by its number; two backslashes are one, and what follows them is a text."""
    body = json.dumps({"url": "https://f.test/a?v=1&token=abc123", "note": r"\u003f"})
    body = body.replace("?", written).replace("=", r"\u003d")

    assert json.loads(redact.body(body.encode())) == {"url": "https://f.test/a?[redacted]", "note": r"\u003f"}


#: What may stand in an answer that is asked for its links, and what is left of it; the secret is ``abc123``.
LINKS = {
    "a name nobody knows": ("https://f.test/a.pdf?h=abc123", "https://f.test/a.pdf"),
    "a fragment": ("https://f.test/a.pdf#abc123", "https://f.test/a.pdf"),
    "a user": ("https://u:abc123@f.test/a.pdf", "https://f.test/a.pdf"),
    "in a text": ("see https://f.test/a?x=abc123 soon", "see https://f.test/a soon"),
    "relative": ("/files/1?x=abc123", "/files/1?[redacted]"),
    "for a query": ("https%3A%2F%2Ff.test%2Fa%3Fx%3Dabc123", "[redacted]"),
    "in base64": (base64.b64encode(b"https://f.test/a?x=abc123").decode(), "[redacted]"),
    "the query alone": ("se=1&x=abc123", "[redacted]"),
    "one parameter alone": ("sig=abc123", "[redacted]"),
    "JSON in JSON": ('{"url":"https://f.test/a?x=abc123"}', '{"url":"https://f.test/a"}'),
    "a text": ("Is 1 + 1 = 2? Yes & no.", "Is 1 + 1 = 2? Yes & no."),
    "a name": ("AT&T bill, 12=13.pdf", "AT&T bill, 12=13.pdf"),
}


@pytest.mark.parametrize("case", LINKS)
def test_no_link_keeps_its_query_where_links_are_asked_for(case):
    """Under any key, in any form; what is no link stays as it is."""
    came, left = LINKS[case]

    assert json.loads(redact.links(json.dumps({"anything": [came]}).encode())) == {"anything": [left]}


@pytest.mark.parametrize("key", ["token", "Signature", "policy", "AWSAccessKeyId", "X-Goog-Signature", "signedUrl"])
def test_fields_of_a_form_are_masked_where_links_are_asked_for(key):
    """Lists and objects below such a key too; that nothing is there stays to be seen."""
    came = {"fields": {key: "abc123"}, key: ["abc123", {"x": 1}], "none": {key: None}}
    left = {"fields": {key: "[redacted]"}, key: ["[redacted]", {"x": "[redacted]"}], "none": {key: None}}

    assert json.loads(redact.links(json.dumps(came).encode())) == left


def test_null_and_empty_links_stay():
    """A link that is not there is a fact, not a secret."""
    body = b'{"signed_url":null,"download_url":""}'

    assert redact.body(body) == body


def test_a_remembered_credential_is_masked_wherever_it_turns_up():
    """In text and in bytes."""
    redact.remember("invented-credential-1")

    assert redact.text("key invented-credential-1 refused") == "key [redacted] refused"
    assert redact.body(b"<p>invented-credential-1</p>") == b"<p>[redacted]</p>"


def test_the_longest_credential_is_masked_first():
    """A credential inside another does not leave half of the other to be seen."""
    redact.remember("invented-credential-2")
    redact.remember("invented-credential-2-and-more")

    assert redact.text("invented-credential-2-and-more") == "[redacted]"


def test_texts_too_short_to_be_secret_are_not_masked():
    """Seven characters turn up by chance."""
    redact.remember("invoice")

    assert redact.text("an invoice") == "an invoice"


def test_an_address_loses_query_fragment_and_user():
    """What an error shows of a URL: scheme, host, port and path."""
    assert redact.url("https://me:pw@a.test:8443/p/q?x=1#frag") == "https://a.test:8443/p/q"


def test_headers_are_masked_by_name_in_any_case():
    """Names in lower case; only those asked for, if any are."""
    headers = {"X-API-Key": "k", "Authorization": "Bearer t", "Set-Cookie": "c", "Content-Type": "application/json"}

    assert redact.headers(headers) == {
        "x-api-key": "[redacted]",
        "authorization": "[redacted]",
        "set-cookie": "[redacted]",
        "content-type": "application/json",
    }
    assert redact.headers(headers, keep=["Content-Type"]) == {"content-type": "application/json"}


def test_arguments_keep_what_is_no_secret():
    """A token given as an argument is masked; numbers and texts stay."""
    assert redact.arguments({"token": "t", "limit": 5, "name": "n"}) == {"token": "[redacted]", "limit": 5, "name": "n"}


def test_a_log_record_is_redacted_before_any_handler_sees_it():
    """Template and arguments together; a record that cannot be formatted shows nothing."""
    good = logging.LogRecord("n", 10, "f", 1, "GET %s", ("https://f.test/a?token=abc123",), None)
    bad = logging.LogRecord("n", 10, "f", 1, "GET %d", ("token=abc123",), None)

    assert redact.LogFilter().filter(good)
    assert redact.LogFilter().filter(bad)
    assert good.getMessage() == "GET https://f.test/a?[redacted]"
    assert bad.getMessage() == "[redacted]"


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(_VALUES)
def test_json_stays_json(value):
    """Whatever the answer holds, it decodes after redaction, and to the same keys on top."""
    body = json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")

    cleaned = json.loads(redact.body(body).decode("utf-8", "surrogatepass"))

    assert type(cleaned) is type(value)
    if isinstance(value, dict):
        assert list(cleaned) == list(json.loads(json.dumps(value)))


@given(
    st.text(alphabet="abcdef?&=%/ \"'<>", max_size=40), st.text(alphabet="0123456789abcdef", min_size=8, max_size=20)
)
def test_no_signature_survives_next_to_anything(around, signature):
    """A token stands in the query of a link; nothing around the link lets it through."""
    link = f"https://f.test/{around.replace(' ', '')}?token={signature}"

    assert f"token={signature}" not in redact.text(f"{around} {link} {around}")


@given(_VALUES)
def test_what_was_redacted_once_stays(value):
    """The SHA-256 of a redacted answer is taken again whenever it is read."""
    once = redact.links(json.dumps(value).encode())

    assert redact.links(once) == once
