"""The session stack: its order decides what a call costs."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from conftest import Says

from docframes.settings import Settings
from docframes.transport.auth import ApiKey
from docframes.transport.limits import RateLimit
from docframes.transport.session import make_session
from docframes.transport.store import open_store

KEEP = {"expire_after": 60}


@pytest.fixture
def stack(scripted, tmp_path):
    """A session over a scripted server: ``stack(answer)``; the waits are written to ``.waits``."""

    def make(answer, *, store=True, **options):
        server = scripted(answer)
        waits = []
        session = make_session(
            base_url=server.url,
            auth=ApiKey("x-api-key", value="k-e-y-1-2-3"),
            store=open_store(tmp_path / "cache" / "invented-000000000000.sqlite") if store else None,
            settings=Settings(time_scale=1.0),
            sleep=waits.append,
            **options,
        )
        session.server, session.waits = server, waits
        return session

    return make


def test_the_same_call_from_eight_threads_is_made_once(stack):
    """The others wait and find the answer in the cache."""
    gate = threading.Event()

    def answer(asked):
        gate.wait(5)
        return Says({"n": 1})

    session = stack(answer)
    with ThreadPoolExecutor(8) as pool:
        futures = [pool.submit(session.get, session.server.url + "/a", **KEEP) for _ in range(8)]
        gate.set()
        answers = [future.result() for future in futures]

    assert len(session.server.asked) == 1
    assert sum(answer.from_cache for answer in answers) == 7


def test_different_calls_do_not_wait_for_each_other(stack):
    """Two calls are under way at the same time: each waits until the other has begun."""
    meet = threading.Barrier(2, timeout=10)

    def answer(asked):
        meet.wait()
        return Says({})

    session = stack(answer)
    with ThreadPoolExecutor(2) as pool:
        futures = [pool.submit(session.get, f"{session.server.url}/{path}", **KEEP) for path in "ab"]
        statuses = [future.result().status_code for future in futures]

    assert statuses == [200, 200]


def test_a_hit_costs_no_permit(stack):
    """One call a year is allowed, and the second get does not wait for it."""
    session = stack(lambda asked: Says({}), rates={"default": RateLimit(1, 365 * 86_400)})
    first = session.get(session.server.url + "/a", **KEEP)
    second = session.get(session.server.url + "/a", **KEEP)

    assert (first.from_cache, second.from_cache) == (False, True)


def test_only_the_final_answer_is_kept(stack):
    """429, 500, then 200: the cache has the 200."""
    told = iter([Says({}, 429, {"Retry-After": "1"}), Says({}, 500), Says({"n": 1})])
    session = stack(lambda asked: next(told))
    session.get(session.server.url + "/a", **KEEP)
    again = session.get(session.server.url + "/a", **KEEP)

    assert (again.from_cache, again.json()) == (True, {"n": 1})
    assert session.waits == [1.0, 1.0]


def test_every_attempt_takes_a_permit(monkeypatch, stack):
    """Three tries of one call are three calls to the vendor."""
    told = iter([Says({}, 500), Says({}, 500), Says({})])
    session = stack(lambda asked: next(told))
    taken = []
    session.limiter.try_acquire = lambda *names, **options: taken.append(names) or True
    session.get(session.server.url + "/a", **KEEP)

    assert len(taken) == 3


def test_an_error_is_never_kept(stack):
    """404 now may be 200 later."""
    session = stack(lambda asked: Says({}, 404))
    session.get(session.server.url + "/a", **KEEP)
    session.get(session.server.url + "/a", **KEEP)

    assert len(session.server.asked) == 2


def test_a_post_is_neither_kept_nor_tried_again(stack):
    """It may do a thing twice; only a refusal to do it at all is tried again."""
    session = stack(lambda asked: Says({}, 500))
    session.post(session.server.url + "/a", json={}, **KEEP)
    assert len(session.server.asked) == 1

    told = iter([Says({}, 429, {"Retry-After": "0"}), Says({})])
    session = stack(lambda asked: next(told))
    assert session.post(session.server.url + "/a", json={}, **KEEP).status_code == 200
    assert len(session.server.asked) == 2


def test_the_vary_header_does_not_stop_the_cache(stack):
    """Vary: Authorization would make every call a miss in the library's own key."""
    session = stack(lambda asked: Says({}, headers={"Vary": "Authorization, x-api-key"}))
    session.get(session.server.url + "/a", **KEEP)

    assert session.get(session.server.url + "/a", **KEEP).from_cache


def test_without_a_store_nothing_is_kept(stack):
    """Two gets are two calls."""
    session = stack(lambda asked: Says({}), store=False)
    session.get(session.server.url + "/a")
    session.get(session.server.url + "/a")

    assert len(session.server.asked) == 2


def test_another_version_is_another_entry(stack):
    """The fragment never reaches the server and tells versions apart in the cache."""
    session = stack(lambda asked: Says({}))
    for url in ("/a#v1", "/a#v1", "/a#v2"):
        session.get(session.server.url + url, **KEEP)

    assert [asked.path for asked in session.server.asked] == ["/a", "/a"]


def test_the_response_names_the_unsigned_request(stack):
    """Whoever holds a response holds no key."""
    session = stack(lambda asked: Says({}))
    response = session.get(session.server.url + "/a", **KEEP)

    assert session.server.asked[0].headers["x-api-key"] == "k-e-y-1-2-3"
    assert "x-api-key" not in {name.lower() for name in response.request.headers}
    assert response.history == []
