"""The storage host: signed links and nothing else."""

from __future__ import annotations

from io import BytesIO

import pytest
import requests
from PIL import Image

import docframes.sandbox as sandbox


@pytest.fixture
def box():
    with sandbox.running(jobs=12, environment=False) as box:
        yield box


def sign(box, resource, file_id, **params):
    url = f"{box.url('validocx')}/signed-files/{resource}/{file_id}"
    answer = requests.get(url, params=params, headers={"x-api-key": box.key("validocx")}, timeout=10)
    return answer.json()["data"]["signed_url"]


def photo(box):
    return next(image for image in box.company.images if image["file_size"] and image["latitude"])


def test_every_link_of_a_job_opens_a_real_file(box):
    """PDFs are PDFs, JPEGs are pictures, and each is as long as its row says."""
    job = next(job for job in box.jobs if job["status"] == "completed")
    url = f"{box.url('validocx')}/job-full-detail/{job['id']}"
    data = requests.get(url, headers={"x-api-key": box.key("validocx")}, timeout=10).json()["data"]
    answers = [a for step in data["steps"] for question in step["questions"] for a in question["answers"]]
    files = [*data["documents"], *(image for answer in answers for image in answer["images"])]
    kinds = set()
    for file in files:
        answer = requests.get(file["signed_url"], timeout=10)
        kinds.add(file["mime_type"])
        assert answer.headers["Content-Type"] == file["mime_type"]
        assert file["file_size"] in (None, len(answer.content))
        if file["mime_type"] == "image/jpeg":
            Image.open(BytesIO(answer.content)).load()
        else:
            assert answer.content.startswith(b"%PDF-")
            start = int(answer.content.split(b"startxref\n")[1].split(b"\n")[0])
            assert answer.content[start:].startswith(b"xref")

    assert kinds == {"application/pdf", "image/jpeg"}
    assert box.leaks == []


def test_a_link_expires_by_the_clock_of_the_box(box):
    """It works until its time, then 403 with a body unlike the API's."""
    url = sign(box, "images", photo(box)["id"], expires_in=60)
    box.advance(59)
    assert requests.get(url, timeout=10).status_code == 200

    box.advance(2)
    answer = requests.get(url, timeout=10)
    assert answer.status_code == 403
    assert answer.headers["Content-Type"].startswith("application/xml")
    assert "<Code>ExpiredToken</Code>" in answer.text


def test_time_scale_shortens_a_link():
    """With time_scale=0.1 a link of 300 s lives for 30 s."""
    with sandbox.running(jobs=12, time_scale=0.1, environment=False) as box:
        url = sign(box, "images", photo(box)["id"])
        box.advance(29)
        assert requests.get(url, timeout=10).status_code == 200

        box.advance(2)
        assert requests.get(url, timeout=10).status_code == 403


def test_a_forged_link_is_refused(box):
    """Another expiry, another file, another token or none: 403."""
    first, second = (row["id"] for row in box.company.images[:2])
    url = sign(box, "images", first)
    base, token = url.split("?token=")
    marker, until, seal = token.split(".")
    forged = [
        base,
        f"{base}?token=x",
        f"{base}?token={marker}.{int(until) + 1}.{seal}",
        url.replace(first, second),
        f"{base}?token={marker}.{until}.{'0' * len(seal)}",
    ]

    assert {requests.get(address, timeout=10).status_code for address in forged} == {403}
    assert requests.get(box.storage_url + "/elsewhere", timeout=10).status_code == 404


@pytest.mark.parametrize("header", ["x-api-key", "Authorization"])
def test_credentials_are_refused_and_recorded(box, header):
    """A request that carries one gets 400, and is a leak."""
    url = sign(box, "images", photo(box)["id"])
    answer = requests.get(url, headers={header: box.key("validocx")}, timeout=10)

    assert answer.status_code == 400
    assert "do not send credentials" in answer.text
    assert [(leak.host, leak.vendor) for leak in box.leaks] == [("storage", "validocx")]


def test_a_part_of_a_file_can_be_read(box):
    """Range answers 206 with that part; one past the end is 416."""
    image = photo(box)
    url = sign(box, "images", image["id"])
    whole = requests.get(url, timeout=10).content
    part = requests.get(url, headers={"Range": "bytes=10-19"}, timeout=10)

    assert part.status_code == 206
    assert part.content == whole[10:20]
    assert part.headers["Content-Range"] == f"bytes 10-19/{len(whole)}"
    assert requests.get(url, headers={"Range": "bytes=9999999-"}, timeout=10).status_code == 416


def test_head_tells_size_type_and_name(box):
    """HEAD has the headers of GET and no body."""
    image = photo(box)
    answer = requests.head(sign(box, "images", image["id"]), timeout=10)

    assert answer.status_code == 200
    assert int(answer.headers["Content-Length"]) == image["file_size"]
    assert answer.headers["Content-Type"] == "image/jpeg"
    assert image["file_name"] in answer.headers["Content-Disposition"]
    assert answer.headers["Accept-Ranges"] == "bytes"
    assert answer.content == b""


def test_storage_calls_are_recorded_apart(box):
    """host tells the two apart; the path is the whole one."""
    url = sign(box, "images", photo(box)["id"])
    requests.get(url, timeout=10)

    assert [call.host for call in box.calls] == ["api", "storage"]
    assert box.calls[1].path == url.removeprefix(box.storage_url).split("?")[0]
    assert box.signature_marker not in repr(box.calls)
