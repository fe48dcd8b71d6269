"""Write the recordings below cassettes/: ``python -m tests.record_cassettes [--contract validocx.md]``.

Cases come from a sandbox each, one call at a time, through the same redactor that guards cache and logs.  Addresses
are those of the vendors; the clock stands still, request ids and cursors are fixed ones, so that a new recording
differs only where an answer does.  With ``--contract``, the examples of ValiDocX's contract are written again as well:
the text's JSON blocks, each as the answer to the call it stands under.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import re
import tempfile
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import vcr
import yaml
from vcr.stubs import VCRHTTPResponse

from docframes import sandbox, validocx
from docframes.errors import DocframesWarning, VendorError
from docframes.sandbox import Box
from docframes.settings import Settings
from docframes.transport import redact
from docframes.transport.answers import Call
from docframes.vendors import docdigitizer, papershift, validis, veridox
from docframes.vendors.docdigitizer.api import BASE_URL as DOCDIGITIZER_URL
from docframes.vendors.papershift.api import BASE_URL as PAPERSHIFT_URL
from docframes.vendors.validis.api import BASE_URL as VALIDIS_URL
from docframes.vendors.validocx.api import BASE_URL as VALIDOCX_URL
from docframes.vendors.veridox.api import BASE_URL as VERIDOX_URL

HERE = Path(__file__).parents[1] / "cassettes"
#: Where the sandbox's signed links lead, in place of a port of this machine.
STORAGE_URL = "https://storage.example.invalid"
#: When every sandbox lives.
NOW = datetime.fromisoformat("2026-03-05T10:00:00+00:00").timestamp()
NOBODY = "00000000-0000-4000-8000-000000000000"
#: The request id of the error that the ValiDocX page shows.
REQUEST_ID = "b48d4b13-1fff-4064-8bd6-2e1edd781976"
EXPIRES = "2026-03-05T10:05:00+00:00"
RECORDED_JOB = "fe7c80e0-6ab0-4ee4-90ec-4d2928a326ab"
SORTED = {"sort_by": "created_at", "sort_order": "asc", "page": 1}
PAPER = "11cb4ae3-b69c-4c5f-a2f3-7b628c7a2c6f"
#: Papershift: a user whose documents may be read.
OPEN_USER = "c15ef997-d238-4c93-a8d6-80d3f8543d20"
#: Veridox: a file, one that was never uploaded, and one that nobody has.
VERIDOX_FILES = [
    "019a92a9-9afc-7eb1-9066-dcac46fd1706",
    "019a92a9-9af7-7141-8136-cc103770f323",
    "019a92a9-0000-7000-8000-000000000000",
]
#: Headers of an answer that a rule reads, besides its content type.
KEPT_HEADERS = ("authorization", "retry-after", "x-cursor-id", "x-cursor-was-broken", "x-more-results-available")


@dataclass(frozen=True)
class Room:
    """A vendor's address, and how a client of a sandbox is made."""

    base_url: str
    client: Callable[..., Any]
    credentials: Callable[[Box], dict[str, str]]


@dataclass(frozen=True)
class Case:
    """What a client does, in a sandbox that was brought to the point before.  A refusal is what some are about."""

    act: Callable[[Any, Box], Any]
    before: Callable[[Box], Any] = lambda box: None


def _key_of(vendor: str) -> Callable[[Box], dict[str, str]]:
    return lambda box: {"api_key": box.key(vendor)}


ROOMS = {
    "docdigitizer": Room(DOCDIGITIZER_URL, docdigitizer.Client, _key_of("docdigitizer")),
    "papershift": Room(
        PAPERSHIFT_URL,
        papershift.Client,
        lambda box: {"email": "audit@northmoor.example.org", "password": box.key("papershift")},
    ),
    "validis": Room(VALIDIS_URL.format(region="sandbox"), validis.Client, _key_of("validis")),
    "validocx": Room(VALIDOCX_URL, validocx.Client, _key_of("validocx")),
    "veridox": Room(VERIDOX_URL, veridox.Client, _key_of("veridox")),
}


# --- what a sandbox is brought to ---------------------------------------------------------------------------------


def _revoked(vendor: str) -> Callable[[Box], None]:
    return lambda box: box.revoke_key(vendor)


def _three_papers(box: Box) -> None:
    del box.state["docdigitizer"].inbox.papers[3:]


def _broken_cursor(box: Box) -> None:
    _three_papers(box)
    box.state["docdigitizer"].broken = 1


def _many_papers(box: Box) -> None:
    for number in range(30):
        box.state["docdigitizer"].submit(f"{number}.pdf", b"%PDF-1.4", "application/pdf", None, [])


def _three_users(box: Box) -> None:
    del box.state["papershift"].personnel.users[3:]


def _one_call_left(box: Box) -> None:
    for _ in range(299):
        box.state["papershift"].take("all")


def _one_call_a_day(box: Box) -> None:
    box.state["validis"].limit = 1


def _late_extract(box: Box) -> None:
    box.state["validis"].polls, box.state["validis"].shape = 1, "sas"


def _no_call_left(box: Box) -> None:
    for _ in range(30):
        box.state["veridox"].take("cases")


# --- what a client does -------------------------------------------------------------------------------------------


def _submit(client: docdigitizer.Client, box: Box) -> None:
    with tempfile.TemporaryDirectory() as folder:
        paper = Path(folder, "paper.pdf")
        paper.write_bytes(b"%PDF-1.4")
        docdigitizer.submit_document(paper, client=client)


def _reviews_of_an_unreviewed(client: docdigitizer.Client, box: Box) -> None:
    paper = next(paper for paper in box.state["docdigitizer"].papers if not paper.reviewed)
    docdigitizer.load_reviews([paper.id], client=client)


def _sign_in_twice(client: papershift.Client, box: Box) -> None:
    papershift.load_users(client=client, page_size=2, limit=2)
    box.state["papershift"].expire_tokens()
    papershift.load_teams(client=client, page_size=2, limit=2)


def _no_access(client: papershift.Client, box: Box) -> None:
    personnel = box.state["papershift"].personnel
    papershift.load_documents([OPEN_USER, personnel.forbidden, personnel.hidden], client=client)


CASES: dict[str, Case] = {
    "docdigitizer/first_page": Case(
        lambda client, box: docdigitizer.load_documents(client=client, page_size=2, limit=2)
    ),
    "docdigitizer/last_page": Case(
        lambda client, box: docdigitizer.load_documents(client=client, page_size=2), _three_papers
    ),
    "docdigitizer/restart": Case(
        lambda client, box: docdigitizer.load_documents(client=client, page_size=2), _broken_cursor
    ),
    "docdigitizer/no_reviews": Case(_reviews_of_an_unreviewed),
    "docdigitizer/revoked_key": Case(
        lambda client, box: docdigitizer.load_documents(client=client), _revoked("docdigitizer")
    ),
    "docdigitizer/too_many_calls": Case(_submit, _many_papers),
    "papershift/first_page": Case(lambda client, box: papershift.load_users(client=client, page_size=2, limit=2)),
    "papershift/last_page": Case(lambda client, box: papershift.load_users(client=client, page_size=2), _three_users),
    "papershift/empty": Case(
        lambda client, box: papershift.load_users(client=client, filters={"name": ("eq", "Nobody")})
    ),
    "papershift/revoked_key": Case(lambda client, box: papershift.load_users(client=client), _revoked("papershift")),
    "papershift/too_many_calls": Case(lambda client, box: papershift.load_users(client=client), _one_call_left),
    "papershift/sign_in": Case(_sign_in_twice),
    "papershift/no_access": Case(_no_access),
    "validis/first_page": Case(lambda client, box: validis.load_engagements(client=client, page_size=2, limit=2)),
    "validis/last_page": Case(lambda client, box: validis.load_engagements(client=client, page_size=2)),
    "validis/empty": Case(
        lambda client, box: validis.load_engagements(client=client, external_engagement_id="AUD-999")
    ),
    "validis/revoked_key": Case(lambda client, box: validis.load_engagements(client=client), _revoked("validis")),
    "validis/too_many_calls": Case(lambda client, box: validis.load_engagements(client=client), _one_call_a_day),
    "validis/extract": Case(
        lambda client, box: validis.file_links("general-ledger", ["4711"], client=client), _late_extract
    ),
    "validocx/first_page": Case(lambda client, box: validocx.load_jobs(client=client, page_size=5, limit=5)),
    "validocx/last_page": Case(lambda client, box: validocx.load_jobs(client=client, page_size=5)),
    "validocx/empty": Case(lambda client, box: validocx.load_jobs(client=client, project_id=NOBODY)),
    "validocx/revoked_key": Case(lambda client, box: validocx.load_jobs(client=client), _revoked("validocx")),
    "validocx/unknown_job": Case(lambda client, box: validocx.load_job_details([NOBODY], client=client)),
    "validocx/bad_request": Case(
        lambda client, box: client.call(Call(client.api.endpoint("jobs"), params={"sort_by": "name"}))
    ),
    "validocx/job_detail": Case(lambda client, box: validocx.load_job_details([RECORDED_JOB], client=client)),
    "veridox/first_page": Case(lambda client, box: veridox.load_cases(client=client, page_size=2, limit=2)),
    "veridox/last_page": Case(lambda client, box: veridox.load_cases(client=client, page_size=2)),
    "veridox/empty": Case(lambda client, box: veridox.search_files("nothing", client=client)),
    "veridox/revoked_key": Case(lambda client, box: veridox.load_cases(client=client), _revoked("veridox")),
    "veridox/too_many_calls": Case(lambda client, box: veridox.load_cases(client=client), _no_call_left),
    "veridox/partial_download": Case(lambda client, box: veridox.sign_files(VERIDOX_FILES, client=client)),
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
    parser.add_argument("--contract", type=Path, help="the text of ValiDocX's contract, for its examples")
    contract = parser.parse_args().contract
    for name, case in CASES.items():
        record(case, HERE / f"{name}.yaml")
    if contract is not None:
        text = contract.read_text(encoding="utf-8")
        for name, (heading, path) in EXAMPLES.items():
            write_example(name, example_below(text, heading), path)


def record(case: Case, path: Path) -> None:
    """Record one case of the vendor that *path*'s folder is named for, from a sandbox of its own."""
    # requests-cache reads this attribute of every answer, and vcrpy's stand-in lacks it (vcrpy issue 881).
    VCRHTTPResponse._request_url = None
    vendor = path.parent.name
    path.unlink(missing_ok=True)
    with sandbox.running(jobs=12, environment=False) as box, client_of(box, vendor) as client:
        box.clock.now = lambda: NOW
        case.before(box)
        cleaner = Cleaner(box, vendor)
        recorder = vcr.VCR(
            record_mode="all",
            decode_compressed_response=True,
            before_record_request=cleaner.request,
            before_record_response=cleaner.response,
        )
        with recorder.use_cassette(str(path)), warnings.catch_warnings(), contextlib.suppress(VendorError):
            warnings.simplefilter("ignore", DocframesWarning)
            case.act(client, box)


@contextlib.contextmanager
def client_of(box: Box, vendor: str) -> Iterator[Any]:
    """A client with an empty cache, one call at a time: vcrpy loses requests of other threads."""
    room = ROOMS[vendor]
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(cache_dir=Path(folder), workers=1, tries=1, time_scale=0.0)
        with room.client(**room.credentials(box), base_url=box.url(vendor), settings=settings) as client:
            yield client


@dataclass
class Cleaner:
    """Puts what a reader may see in place of what came."""

    box: Box
    vendor: str
    cursors: dict[str, str] = field(default_factory=dict)

    def request(self, request: Any) -> Any:
        """At the vendor's address, without a header that says who asked, or a file that was sent."""
        for cursor, fixed in self.cursors.items():
            request.uri = request.uri.replace(quote(cursor, safe=""), quote(fixed, safe=""))
        request.uri = redact.text(request.uri.replace(self.box.url(self.vendor), ROOMS[self.vendor].base_url))
        form = request.headers.get("Content-Type", "").startswith("multipart/")
        request.body = None if form or request.body is None else redact.body(request.body)
        request.headers = {"Accept": request.headers.get("Accept", "application/json")}
        return request

    def response(self, response: dict[str, Any]) -> dict[str, Any]:
        """Redacted, with the vendor's addresses, fixed ids and expiries, and the headers that a rule reads."""
        came = {name.lower(): values[0] for name, values in response["headers"].items()}
        if "x-cursor-id" in came:
            # Signs that must be encoded in a URL turn up in it on purpose.
            came["x-cursor-id"] = self.cursors.setdefault(came["x-cursor-id"], f"+/{len(self.cursors) + 1}==")
        headers = {"Content-Type": [came["content-type"]]}
        headers |= {name: [value] for name, value in redact.headers(came, keep=KEPT_HEADERS).items()}
        return {**response, "headers": headers, "body": {"string": self._body(response["body"]["string"])}}

    def _body(self, body: bytes) -> bytes:
        box, room = self.box, ROOMS[self.vendor]
        body = redact.body(body).replace(box.url(self.vendor).encode(), room.base_url.encode())
        body = body.replace(box.storage_url.encode(), STORAGE_URL.encode())
        # Links that are paths from the host's root, and the end of a token.
        body = body.replace(f'"/{self.vendor}/'.encode(), b'"/')
        body = re.sub(rb'("jti":)"[^"]*"', rb'\1"' + redact.MASK.encode() + b'"', body)
        body = re.sub(rb'("request_id":)"[^"]*"', rb'\1"' + REQUEST_ID.encode() + b'"', body)
        return re.sub(rb'("signed_url_expires_at":)"[^"]*"', rb'\1"' + EXPIRES.encode() + b'"', body)


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
    request = {"body": None, "headers": {"Accept": ["application/json"]}, "method": "GET", "uri": VALIDOCX_URL + path}
    response = {
        "body": {"string": text},
        "headers": {"Content-Type": ["application/json"]},
        "status": {"code": 200, "message": "OK"},
    }
    cassette = {"interactions": [{"request": request, "response": response}], "version": 1}
    (HERE / "validocx" / f"{name}.yaml").write_text(yaml.safe_dump(cassette, allow_unicode=True), encoding="utf-8")


if __name__ == "__main__":
    main()
