"""What a load would cost: said before anything is sent, and refused where it is too much."""

from __future__ import annotations

import socket
import warnings
from dataclasses import dataclass
from typing import Any

import pytest
from test_every_loader import LOADS

import docframes
from docframes import docdigitizer, papershift, sandbox, validis, validocx, veridox
from docframes.errors import AccessWarning, ConfigError, TooManyCalls
from docframes.loading import Explanation

ROOMS = {
    "docdigitizer": docdigitizer, "papershift": papershift, "validis": validis, "validocx": validocx,
    "veridox": veridox,
}  # fmt: skip
#: Loaders that need to be told what to load.
_ONE = "4711"
ARGUMENTS: dict[str, dict[str, Any]] = {
    "validis.load_accounts": {"engagement_id": _ONE},
    "validis.load_periods": {"engagement_id": _ONE},
    "validis.load_journals": {"engagement_id": _ONE, "page_size": 100},
    "validis.load_receivable_items": {"engagement_id": _ONE},
    "validis.load_payable_items": {"engagement_id": _ONE},
    "validis.load_gl_extract": {"engagement_id": _ONE},
    "validis.load_ar_extract": {"engagement_id": _ONE},
    "validis.load_ap_extract": {"engagement_id": _ONE},
    "validis.load_report": {"report": "balance-sheet-standard", "engagement_id": _ONE, "accept_unassigned": True},
    "veridox.search_files": {"query": "invoice"},
    "validocx.load_jobs": {"page_size": 4},
    "docdigitizer.load_documents": {"page_size": 50},
}
NAMES = sorted({f"{vendor}.{name}" for vendor, loads in LOADS.items() for name in loads} | ARGUMENTS.keys())
#: Answers with links are never kept, and a prepared extract is asked for each time: these cost the same once more.
EXTRACTS = {"validis.load_gl_extract", "validis.load_ar_extract", "validis.load_ap_extract"}
NEVER_FREE = {"docdigitizer.load_assets", *EXTRACTS}
#: What is not kept may go on otherwise than the last time; neither is a refusal kept.
NEVER_SURE = {*NEVER_FREE, "papershift.load_documents"}


@dataclass
class Asked:
    """One loader with its arguments, in a sandbox that counts what reaches it."""

    box: Any
    loader: Any
    arguments: dict[str, Any]

    def explain(self, **more: Any) -> Explanation:
        return docframes.explain(self.loader, **self.arguments, **more)

    def load(self, **more: Any) -> int:
        """Load, and give the calls that reached the vendor, but for tokens."""
        before = len(self.seen())
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", AccessWarning)
            self.loader(**self.arguments, progress=False, **more)
        return len(self.seen()) - before

    def seen(self) -> list[str]:
        # A call that came too soon is made once more; so is none of the others here.
        calls = [call.path for call in self.box.calls if call.host == "api" and call.status != 429]
        return [path for path in calls if not path.endswith(("/oauth/token", "/sign_in"))]


@pytest.fixture(scope="module")
def company():
    with sandbox.running(jobs=10, time_scale=0.01, environment=False) as running:
        yield running


@pytest.fixture
def asked(request, company, monkeypatch):
    for name, value in company.environment().items():
        if name != "DOCFRAMES_CACHE_DIR":
            monkeypatch.setenv(name, value)
    vendor, name = request.param.split(".")
    arguments = dict(ARGUMENTS.get(request.param, {}))
    if request.param == "veridox.load_case_details":
        arguments["cases"] = veridox.load_cases(limit=3)
    if request.param == "veridox.load_analyses":
        arguments["files"] = veridox.load_files(limit=3)
    return Asked(company, getattr(ROOMS[vendor], name), arguments)


@pytest.mark.parametrize("asked", NAMES, indirect=True)
def test_calls_said_are_calls_made(asked, request):
    """Of every loader: the first time at least what is said, then exactly; past the cache; and out of it."""
    first = asked.explain()
    made = asked.load()

    assert first.calls == made if first.exact else 1 <= first.calls <= made
    again = asked.explain()
    name = request.node.callspec.params["asked"]
    assert (again.calls, again.exact) == (asked.load(), name not in NEVER_FREE)
    assert again.calls == 0 or name in NEVER_FREE
    fresh = asked.explain(refresh=True)
    assert (fresh.calls, fresh.exact) == (asked.load(refresh=True), name not in NEVER_SURE)


def test_every_loader_is_explained():
    """A new loader has to be asked here too."""
    public = {
        f"{vendor}.{name}"
        for vendor, room in ROOMS.items()
        for name in room.__all__
        if name.startswith(("load_", "search_"))
    }

    assert public == set(NAMES)


# --- before anything is sent --------------------------------------------------------------------------------------


@pytest.fixture
def no_sockets(monkeypatch):
    """Whoever opens a connection fails the test."""

    def refused(*_: object) -> None:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket.socket, "connect", refused)
    monkeypatch.setattr(socket, "create_connection", refused)


@pytest.fixture
def surroundings(box, monkeypatch):
    for name, value in box.environment().items():
        if name != "DOCFRAMES_CACHE_DIR":
            monkeypatch.setenv(name, value)
    return box


def test_nothing_is_sent_for_it(surroundings, no_sockets):
    """Not even for a token."""
    assert docframes.explain(validis.load_engagements).calls == 1
    assert docframes.explain(validocx.load_jobs).calls == 1
    assert docframes.explain(papershift.load_documents).calls == 1
    assert docframes.explain(veridox.sign_files, ["019b9840-c7ca-7aec-9895-00797aaa1ceb"]).calls == 1


def test_it_says_so_in_words(surroundings):
    """At first how much is open; then what the cache has, and how long the documented rate makes it."""
    assert repr(docframes.explain(validocx.load_jobs, page_size=10)) == (
        "validocx.load_jobs: at least 1 call, 0 answers from the cache, how many follow is known after the first"
    )
    validocx.load_jobs(page_size=10)
    assert repr(docframes.explain(validocx.load_jobs, page_size=10)) == (
        "validocx.load_jobs: 0 calls, 3 answers from the cache"
    )


def test_the_documented_rate_makes_it_long(surroundings):
    """35 analyses at 10 a minute: three whole minutes go by before the last five may be asked for."""
    ids = [f"019b9840-c7ca-7aec-9895-{number:012d}" for number in range(35)]
    told = docframes.explain(veridox.load_analyses, ids)

    assert (told.calls, told.exact, told.seconds) == (35, True, 180.0)
    assert "3 minutes at the documented rate" in repr(told)
    assert told.endpoints.to_dict("records") == [
        {"vendor": "veridox", "endpoint": "analysis_now", "calls": 35, "rate": "10 a minute"}
    ]


def test_the_allowance_is_told(surroundings):
    """As counted on this machine: of two keys with 5,000 each, a token and a list are spent."""
    before = docframes.explain(validis.load_accounts, 4711).quota_left
    validis.load_accounts(4711)

    assert before == 10_000
    assert docframes.explain(validis.load_accounts, 4711).quota_left == 9_998


def test_details_of_a_list_that_is_not_known_are_open(surroundings):
    """The list is one call; how many jobs are on it, nobody knows yet."""
    told = docframes.explain(validocx.load_job_details)
    assert (told.calls, told.exact) == (1, False)

    validocx.load_jobs()
    told = docframes.explain(validocx.load_job_details)
    assert (told.calls, told.cached, told.exact) == (30, 1, True)


def test_a_list_with_gaps_in_the_cache_leaves_its_details_open(surroundings):
    """One of three pages is gone: its ten jobs are not known, so their details cannot be counted."""
    client = validocx.Client()
    validocx.load_jobs(page_size=10, client=client)
    load = docframes.load_record(validocx.load_jobs(page_size=10, client=client))
    client._open_store().delete(load.answers[1].key)

    told = docframes.explain(validocx.load_jobs, page_size=10, client=client)
    assert (told.calls, told.cached, told.exact) == (0, 3, True)  # the finished load is kept as a whole
    docframes.cache.clear(vendor="validocx")
    assert docframes.explain(validocx.load_jobs, page_size=10, client=client).exact is False


def test_what_is_wrong_with_the_arguments_is_told_at_once(surroundings):
    """As the loader itself would."""
    with pytest.raises(ConfigError, match="limit is 0"):
        docframes.explain(validocx.load_jobs, limit=0)
    with pytest.raises(TypeError):
        docframes.explain(validocx.load_jobs, limits=3)
    with pytest.raises(ConfigError, match="explain takes a loader"):
        docframes.explain(len)


# --- refused ------------------------------------------------------------------------------------------------------


def test_a_load_that_would_cost_more_is_refused(surroundings):
    """Before anything is sent where it is known; after the first page where that says so."""
    jobs = validocx.load_jobs()
    surroundings.clear_calls()

    with pytest.raises(TooManyCalls, match=r"load_job_details would cost 30 calls, and max_calls is 29\. Nothing was"):
        validocx.load_job_details(jobs, max_calls=29)
    assert surroundings.count() == 0
    with pytest.raises(TooManyCalls, match=r"would cost 3 calls, and max_calls is 2\. 1 call so far"):
        validocx.load_jobs(page_size=10, max_calls=2)
    assert surroundings.count() == 1


def test_what_it_may_cost_is_of_the_whole(surroundings):
    """The list counts with its details."""
    surroundings.clear_calls()
    with pytest.raises(TooManyCalls, match=r"load_job_details would cost 31 calls, and max_calls is 30\. 1 call"):
        validocx.load_job_details(max_calls=30)
    assert surroundings.count() == 1
    assert len(validocx.load_job_details(max_calls=30).jobs) == 30  # the list is in the cache now


def test_a_load_that_costs_no_more_is_made(surroundings):
    """Exactly so many; and from the cache none at all."""
    assert len(validocx.load_jobs(page_size=10, max_calls=3)) == 30
    assert len(validocx.load_jobs(page_size=10, max_calls=0)) == 30


def test_another_try_of_a_call_costs_nothing(start, account):
    """The vendor fails twice for each address; three calls are three calls."""
    frame = validocx.load_jobs(client=account(start("500_burst")), page_size=10, max_calls=3)

    assert len(frame) == 30


def test_the_number_must_be_one(surroundings):
    """Not a text, and not below none."""
    with pytest.raises(ConfigError, match="max_calls is -1; it must be a whole number from 0 up"):
        validocx.load_jobs(max_calls=-1)
