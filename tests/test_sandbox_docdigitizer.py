"""The DocDigitizer room of the sandbox keeps to the contract."""

from __future__ import annotations

import re
import uuid
from urllib.parse import urlsplit

import pytest
import requests

import docframes.sandbox as sandbox
from docframes.sandbox.company.invoices import bill, pounds

ROOT = "/api/v1"
LINKS = ["self", "annotations", "assets", "reviews", "collection"]
NO_ZONE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}")


@pytest.fixture(scope="module")
def box():
    with sandbox.running(jobs=30, environment=False) as box:
        yield box


def ask(box, path, method="GET", key=None, **options):
    headers = {"Authorization": f"API_KEY {key or box.key('docdigitizer')}", **options.pop("headers", {})}
    url = box.url("docdigitizer") + ROOT + path
    return requests.request(method, url, headers=headers, timeout=10, **options)


def walk(box, path, size=50):
    rows, cursor = [], {}
    while True:
        answer = ask(box, path, params={"maxRetrieve": size, **cursor})
        rows += answer.json()[path.rpartition("/")[2]]
        if answer.headers["X-More-Results-Available"] != "true":
            return rows
        cursor = {"cursorId": answer.headers["X-Cursor-ID"]}


def papers(box):
    return box.state["docdigitizer"].papers


def submit(box, name="a.pdf", content=b"%PDF-1.4", kind="application/pdf", path="/documents/annotate", **options):
    return ask(box, path, "POST", files=[("files", (name, content, kind))], **options)


def test_the_key_looks_like_a_uuid(box):
    """As the vendor's masked example does."""
    assert str(uuid.UUID(box.key("docdigitizer"))) == box.key("docdigitizer")


@pytest.mark.parametrize("header", [{}, {"Authorization": "API_KEY wrong"}, {"Authorization": "Bearer x"}])
def test_without_the_key_everything_is_refused(box, header):
    """401 with WRONG_AUTH, on paths that do not exist too."""
    for path in ("/documents", "/nowhere"):
        answer = requests.get(box.url("docdigitizer") + ROOT + path, headers=header, timeout=10)

        assert answer.status_code == 401
        assert answer.json()["title"] == "WRONG_AUTH"
        assert answer.json()["status"] == 401


def test_a_list_has_the_envelope_and_the_headers(box):
    """status, detail and the rows under their plural; flags and cursor in the headers."""
    answer = ask(box, "/documents", params={"maxRetrieve": 2})
    body = answer.json()

    assert set(body) == {"status", "detail", "documents"}
    assert len(body["documents"]) == 2
    assert answer.headers["X-More-Results-Available"] == "true"
    assert answer.headers["X-Cursor-Was-Broken"] == "false"
    assert answer.headers["X-Cursor-ID"]
    row = body["documents"][0]
    assert list(row["links"]) == LINKS
    assert row["links"]["self"] == f"/docdigitizer/api/v1/documents/{row['id']}"
    assert NO_ZONE.fullmatch(row["created"])
    assert "annotations" not in row


@pytest.mark.parametrize("path", ["/documents", "/tasks"])
def test_the_pages_together_are_the_list(box, path):
    """Each row once, whatever the size."""
    assert [row["id"] for row in walk(box, path, 7)] == [row["id"] for row in walk(box, path, 1_000)]
    assert len(walk(box, path)) == len(papers(box))


@pytest.mark.parametrize("size", ["0", "-1", "ten"])
def test_a_page_size_that_is_none_is_refused(box, size):
    """400, BAD_REQUEST."""
    answer = ask(box, "/documents", params={"maxRetrieve": size})

    assert (answer.status_code, answer.json()["title"]) == (400, "BAD_REQUEST")


def test_an_unknown_or_expired_cursor_is_the_first_page_again():
    """With 200 and the flag."""
    with sandbox.running(jobs=9, environment=False) as box:
        first = ask(box, "/documents", params={"maxRetrieve": 3})
        box.advance(601)
        for cursor in (first.headers["X-Cursor-ID"], "no-such-cursor"):
            answer = ask(box, "/documents", params={"maxRetrieve": 3, "cursorId": cursor})

            assert answer.status_code == 200
            assert answer.headers["X-Cursor-Was-Broken"] == "true"
            assert answer.json() == first.json()


def test_a_cursor_belongs_to_its_list(box):
    """One of another list is broken."""
    cursor = ask(box, "/tasks", params={"maxRetrieve": 3}).headers["X-Cursor-ID"]
    answer = ask(box, "/documents", params={"maxRetrieve": 3, "cursorId": cursor})

    assert answer.headers["X-Cursor-Was-Broken"] == "true"


def test_a_document_has_its_annotations_under_prefixed_keys(box):
    """One flat object; values are texts, null, or the list of items."""
    paper = next(paper for paper in papers(box) if paper.fields.get("line_items"))
    document = ask(box, f"/documents/{paper.id}").json()["document"]
    data = document["annotations"]["data"]

    assert all(key.startswith("document:financial-document:") for key in data)
    assert re.fullmatch(r"\d\d/\d\d/\d{4}", data["document:financial-document:issue_date"])
    assert isinstance(data["document:financial-document:line_items"], list)
    own = ask(box, f"/documents/{paper.id}/annotations").json()["annotations"]
    assert own["data"] == data
    assert list(own["links"]) == LINKS


def test_every_completed_job_has_its_bill_among_the_documents(box):
    """The document says what the paper and the ledger say, but for the planted faults."""
    company = box.company
    found = {paper.fields.get("document_identifier"): paper for paper in papers(box)}
    planted = {paper_id for fault in box.truth() for paper_id in fault["ids"]}
    names = {firm.code: firm.name for firm in company.suppliers}
    for job in company.jobs:
        if job["status"] != "completed":
            continue
        invoice = bill(company.seed, job, company.measure(job))
        paper = found[invoice.number]
        if paper.id in planted or paper.state != "success":
            continue
        assert paper.fields["amount_total"] == pounds(invoice.total)
        assert paper.fields["supplier_name"] == names[invoice.supplier]
        assert sum(round(float(item["item_total"]) * 100) for item in paper.fields["line_items"]) == invoice.net


def test_bills_of_merchants_are_those_of_the_ledger(box, tmp_path):
    """Each reference and amount stands in the ledger that the sandbox writes."""
    import csv
    import io
    import zipfile

    with zipfile.ZipFile(box.write_ledger(tmp_path / "gl.zip")) as archive:
        lines = list(csv.DictReader(io.StringIO(archive.read("GL_Transactions.csv").decode())))
    posted = {line["REFERENCE"]: line["BASE_VALUE"] for line in lines
              if line["TX_TYPE"] == "PI" and line["ACCOUNT_CODE"] == "2100"}  # fmt: skip
    planted = {paper_id for fault in box.truth() for paper_id in fault["ids"]}
    bills = [paper for paper in papers(box) if "amount_total" in paper.fields and paper.id not in planted]
    bills = [paper for paper in bills if paper.fields["document_type"] == "Invoice"]

    assert len(bills) > 50
    for paper in bills:
        assert posted[paper.fields["document_identifier"]] == f"-{paper.fields['amount_total']}"


def test_there_are_documents_of_every_kind(box):
    """Classes, states, reviewed and not, null and empty and absent values."""
    every = papers(box)

    assert {"financial-document", "bank-statement", "contract"} <= {paper.document_class for paper in every}
    assert {paper.state for paper in every} == {"success", "rejected", "classified", "start"}
    assert {paper.reviewed for paper in every} == {True, False}
    paid = [paper.fields.get("amount_paid", "absent") for paper in every]
    assert None in paid
    assert "absent" in paid
    assert "" in {paper.fields.get("amount_rounding") for paper in every}


def test_the_planted_faults_are_in_the_truth(box):
    """A bill twice, an amount that was not posted, a tax number that changed."""
    truth = {fault["fault"]: fault["ids"] for fault in box.truth() if fault["where"] == "docdigitizer documents"}
    by_id = {paper.id: paper for paper in papers(box)}

    assert set(truth) == {"duplicate_document", "amount_not_posted", "changed_tax_number"}
    first, second = (by_id[paper_id] for paper_id in truth["duplicate_document"])
    assert first.fields == second.fields
    register = {firm.name: firm.vat_number for firm in box.company.suppliers}
    changed = by_id[truth["changed_tax_number"][0]].fields
    assert register[changed["supplier_name"]] != changed["supplier_tax_number"]


def test_reviews_exist_where_a_document_is_reviewed(box):
    """And only there."""
    for wanted in (True, False):
        paper = next(paper for paper in papers(box) if paper.reviewed is wanted)
        reviews = ask(box, f"/documents/{paper.id}/reviews").json()["reviews"]

        assert len(reviews) == wanted
        assert all(review["document_id"] == paper.id for review in reviews)


def test_assets_name_the_file_by_a_path_or_a_signed_link(box):
    """The storage host wants no key, and the link expires."""
    own = next(paper for paper in papers(box) if paper.document_class == "financial-document")
    other = next(paper for paper in papers(box) if paper.document_class == "contract")
    asset = ask(box, f"/documents/{own.id}/assets").json()["assets"][0]
    signed = ask(box, f"/documents/{other.id}/assets").json()["assets"][0]["url"]

    assert asset["links"]["self"] == f"/docdigitizer/api/v1/documents/{own.id}/assets/1"
    assert ask(box, f"/documents/{own.id}/assets/1").content.startswith(b"%PDF")
    assert urlsplit(signed).netloc == urlsplit(box.storage_url).netloc
    assert requests.get(signed, timeout=10).content.startswith(b"%PDF")


@pytest.mark.parametrize("path", ["/documents/x", "/documents/x/reviews", "/tasks/x", "/nowhere", "/documents/x/y/z"])
def test_what_is_not_there_is_404_in_the_vendors_words(box, path):
    """NOT_FOUND, with detail and status."""
    answer = ask(box, path)

    assert answer.status_code == 404
    assert answer.json()["title"] == "NOT_FOUND"
    assert set(answer.json()) == {"detail", "status", "title"}


def test_a_submission_moves_from_pending_to_done():
    """202 with the task and the header; start, classified, success as time passes."""
    with sandbox.running(jobs=3, environment=False) as box:
        answer = submit(box, path="/documents/annotate:contract", headers={"X-Docdigitizer-Tag": "a, b"})
        task = answer.json()["task"]
        location = answer.headers["X-Document-Location"]

        assert (answer.status_code, answer.json()["status"], task["status"]) == (202, 202, "PENDING")
        assert location.endswith(f"/api/v1/documents/{task['document_id']}")
        seen = []
        for seconds in (0, 21, 40):
            box.advance(seconds)
            document = ask(box, f"/documents/{task['document_id']}").json()["document"]
            seen.append((document["annotation_status"], bool(document["annotations"]["data"])))
        assert seen == [("start", False), ("classified", False), ("success", True)]
        assert document["document_class"] == "contract"
        assert document["tags"] == ["a", "b"]
        assert ask(box, f"/tasks/{task['id']}").json()["task"]["status"] == "DONE"
        assert ask(box, f"/documents/{task['document_id']}/assets/1").content == b"%PDF-1.4"


@pytest.mark.parametrize(
    ("name", "kind", "status"),
    [
        ("a.pdf", "application/pdf", 202),
        ("a.tiff", "image/tiff", 202),
        ("a.png", "application/octet-stream", 202),
        ("a.docx", "application/octet-stream", 415),
        ("a.pdf", "text/plain", 415),
    ],
)
def test_the_media_type_decides(box, name, kind, status):
    """Four are taken; a missing one is guessed from the extension."""
    assert submit(box, name=name, kind=kind).status_code == status


def test_more_than_25_mb_is_refused(box):
    """413; exactly 25 MB is taken; no file at all is 400."""
    assert submit(box, content=b"x" * (25 * 1024 * 1024 + 1)).status_code == 413
    assert submit(box, content=b"x" * (25 * 1024 * 1024)).status_code == 202
    assert ask(box, "/documents/annotate", "POST", files=[("other", ("a.pdf", b"x"))]).status_code == 400


def test_an_account_may_hand_in_so_many_documents_a_minute():
    """The thirty-first is 429; a minute later there is room again."""
    with sandbox.running(jobs=3, environment=False) as box:
        statuses = [submit(box).status_code for _ in range(31)]
        box.advance(61)

        assert statuses == [202] * 30 + [429]
        assert submit(box).status_code == 202


def test_refusals_can_be_ordered(box):
    """For each of the fourteen codes."""
    state = box.state["docdigitizer"]
    state.refusal = (403, "EXPIRED_LICENCE")
    try:
        answer = ask(box, "/documents")
    finally:
        state.refusal = None

    assert (answer.status_code, answer.json()["title"]) == (403, "EXPIRED_LICENCE")


def test_the_same_seed_gives_the_same_papers(box):
    """Another sandbox has them too."""
    with sandbox.running(jobs=30, environment=False) as other:
        assert [paper.id for paper in papers(other)] == [paper.id for paper in papers(box)][: len(papers(other))]
