"""Write the recordings below cassettes/: ``python -m tests.record_cassettes [--contract validocx.md]``.

Cases come from the sandbox, one call at a time, through the same redactor that guards cache and logs.  Addresses are
those of the vendor; request ids and moments of expiry are fixed ones, so that a new recording differs only where an
answer does.  With ``--contract``, the examples of the vendor's contract are written again as well: the text's JSON
blocks, each as the answer to the call it stands under.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import re
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import vcr
import yaml
from vcr.stubs import VCRHTTPResponse

from docframes import sandbox, validocx
from docframes.errors import VendorError
from docframes.settings import Settings
from docframes.transport import redact
from docframes.transport.answers import Call
from docframes.vendors.validocx.api import BASE_URL

HERE = Path(__file__).parents[1] / "cassettes" / "validocx"
NOBODY = "00000000-0000-4000-8000-000000000000"
#: The request id of the error that the vendor's page shows.
REQUEST_ID = "b48d4b13-1fff-4064-8bd6-2e1edd781976"
EXPIRES = "2026-03-05T10:05:00+00:00"
RECORDED_JOB = "fe7c80e0-6ab0-4ee4-90ec-4d2928a326ab"
SORTED = {"sort_by": "created_at", "sort_order": "asc", "page": 1}
PAPER = "11cb4ae3-b69c-4c5f-a2f3-7b628c7a2c6f"

#: case: what a client does for it.  A refusal is what some of them are about.
CASES: dict[str, Callable[[validocx.Client], Any]] = {
    "first_page": lambda client: validocx.load_jobs(client=client, page_size=5, limit=5),
    "last_page": lambda client: validocx.load_jobs(client=client, page_size=5),
    "empty": lambda client: validocx.load_jobs(client=client, project_id=NOBODY),
    "revoked_key": lambda client: validocx.load_jobs(client=client),
    "unknown_job": lambda client: validocx.load_job_details([NOBODY], client=client),
    "bad_request": lambda client: client.call(Call(client.api.endpoint("jobs"), params={"sort_by": "name"})),
    "job_detail": lambda client: validocx.load_job_details([RECORDED_JOB], client=client),
}

#: case: the heading its example stands under, and the call it answers.
EXAMPLES: dict[str, tuple[str, str]] = {
    "contract_projects": ("## 6.", "/projects?" + urlencode({**SORTED, "limit": 2})),
    "contract_jobs": (
        "## 7.",
        "/jobs?" + urlencode({"project_id": "ac4e8a1d-17be-4a3e-b7ae-b4689bb304eb", **SORTED, "limit": 100}),
    ),
    "contract_answers": ("### 8.1", "/question-responses?" + urlencode({**SORTED, "limit": 100})),
    "contract_documents": ("### 8.2", "/documents?" + urlencode({**SORTED, "limit": 100})),
    "contract_images": ("### 8.3", "/images?" + urlencode({**SORTED, "limit": 100})),
    "contract_job_detail": ("## 9.", "/job-full-detail/c219c735-ccab-485e-9854-a1004f57e3e8"),
    "signed_file": ("## 10.", f"/signed-files/documents/{PAPER}?expires_in=600"),
}


def main() -> None:
    """Write every case."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--contract", type=Path, help="the text of the vendor's contract, for its examples")
    contract = parser.parse_args().contract
    VCRHTTPResponse._request_url = None
    for name, act in CASES.items():
        record(name, act)
    if contract is not None:
        text = contract.read_text(encoding="utf-8")
        for name, (heading, path) in EXAMPLES.items():
            write_example(name, example_below(text, heading), path)


def record(name: str, act: Callable[[validocx.Client], Any]) -> None:
    """Record one case from a sandbox of its own."""
    path = HERE / f"{name}.yaml"
    path.unlink(missing_ok=True)
    with sandbox.running(jobs=12, environment=False) as box, client_of(box) as client:
        if name == "revoked_key":
            box.revoke_key("validocx")
        recorder = vcr.VCR(
            record_mode="all",
            decode_compressed_response=True,
            before_record_request=lambda request: clean_request(request, client.base_url),
            before_record_response=clean_response,
        )
        with recorder.use_cassette(str(path)), contextlib.suppress(VendorError):
            act(client)


@contextlib.contextmanager
def client_of(box: sandbox.Box) -> Iterator[validocx.Client]:
    """A client with an empty cache, one call at a time: vcrpy loses requests of other threads."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(cache_dir=Path(folder), workers=1, tries=1)
        key, url = box.key("validocx"), box.url("validocx")
        with validocx.Client(api_key=key, base_url=url, settings=settings) as client:
            yield client


def clean_request(request: Any, base_url: str) -> Any:
    """At the vendor's address, without a header that says who asked."""
    request.uri = redact.text(request.uri.replace(base_url, BASE_URL))
    request.headers = {"Accept": "application/json"}
    return request


def clean_response(response: dict[str, Any]) -> dict[str, Any]:
    """Redacted, with fixed request ids and expiries, and with no header but the content type."""
    body = redact.body(response["body"]["string"])
    body = re.sub(rb'("request_id":)"[^"]*"', rb'\1"' + REQUEST_ID.encode() + b'"', body)
    body = re.sub(rb'("signed_url_expires_at":)"[^"]*"', rb'\1"' + EXPIRES.encode() + b'"', body)
    headers = {"Content-Type": ["application/json"]}
    return {**response, "headers": headers, "body": {"string": body}}


def example_below(contract: str, heading: str) -> bytes:
    """The first JSON block below the line that begins with *heading*."""
    section = re.split(rf"^{re.escape(heading)}", contract, maxsplit=1, flags=re.MULTILINE)[1]
    block = re.search(r"^```json\n(.*?)^```", section, re.MULTILINE | re.DOTALL)
    if block is None:
        raise SystemExit(f"The contract has no example below {heading!r}.")
    return json.dumps(json.loads(block[1]), ensure_ascii=False).encode()


def write_example(name: str, body: bytes, path: str) -> None:
    """Write an example as the recording of one call."""
    signing = path.startswith("/signed-files")
    # The link of the signing example is invented, and is the very thing that the test is about.
    text = body.decode() if signing else redact.body(body).decode()
    request = {"body": None, "headers": {"Accept": ["application/json"]}, "method": "GET", "uri": BASE_URL + path}
    response = {
        "body": {"string": text},
        "headers": {"Content-Type": ["application/json"]},
        "status": {"code": 200, "message": "OK"},
    }
    cassette = {"interactions": [{"request": request, "response": response}], "version": 1}
    (HERE / f"{name}.yaml").write_text(yaml.safe_dump(cassette, allow_unicode=True), encoding="utf-8")


if __name__ == "__main__":
    main()
