"""The sandbox's life: starting, stopping, environment, clock, keys and the call log."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import warnings
from pathlib import Path

import pytest
import requests

import docframes.sandbox as sandbox
from docframes.errors import ConfigError


def ask(box, path, **params):
    headers = {"x-api-key": box.key("validocx")}
    return requests.get(box.url("validocx") + path, params=params, headers=headers, timeout=10)


def test_importing_the_sandbox_loads_no_server():
    """Importing it loads neither Flask nor Pillow nor pandas."""
    code = "import sys, docframes.sandbox; print([m for m in ('flask', 'PIL', 'pandas') if m in sys.modules])"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert told.stdout.strip() == "[]"


def test_a_missing_flask_is_said_with_the_command_that_brings_it(monkeypatch):
    """Without Flask the error names the extra to install."""
    monkeypatch.setitem(sys.modules, "flask", None)

    with pytest.raises(ConfigError, match=r"docframes\[sandbox\]"):
        sandbox.start()


def test_the_environment_points_at_the_box_and_comes_back(monkeypatch):
    """While it runs the variables name the box; afterwards the former values are back."""
    monkeypatch.setenv("DOCFRAMES_VALIDOCX_API_KEY", "mine")
    monkeypatch.delenv("DOCFRAMES_VALIDOCX_BASE_URL", raising=False)
    with sandbox.running(jobs=1) as box:
        inside = {name: os.environ[name] for name in box.environment()}
        assert inside == box.environment()
        assert inside["DOCFRAMES_VALIDOCX_BASE_URL"] == box.url("validocx")
        assert Path(inside["DOCFRAMES_CACHE_DIR"]).is_dir()

    assert os.environ["DOCFRAMES_VALIDOCX_API_KEY"] == "mine"
    assert "DOCFRAMES_VALIDOCX_BASE_URL" not in os.environ
    assert not Path(inside["DOCFRAMES_CACHE_DIR"]).exists()


def test_the_environment_is_left_alone_when_asked():
    """environment=False changes no variable."""
    before = dict(os.environ)
    with sandbox.running(jobs=1, environment=False):
        assert dict(os.environ) == before


def own_threads():
    """The sandbox's threads; those of limiters that other tests made may end at any time."""
    return {thread for thread in threading.enumerate() if thread.name.startswith("docframes sandbox")}


def test_stopping_leaves_nothing_and_may_be_done_again():
    """Open client connections do not keep a thread or a socket alive after stop()."""
    threads = own_threads()
    with warnings.catch_warnings():
        warnings.simplefilter("error", ResourceWarning)
        box = sandbox.start(jobs=2)
        with requests.Session() as session:
            session.headers["x-api-key"] = box.key("validocx")
            session.get(box.url("validocx") + "/jobs", timeout=10)
            box.stop()
            box.stop()

            with pytest.raises(requests.ConnectionError):
                session.get(box.url("validocx") + "/jobs", timeout=10)

    assert own_threads() == threads


def test_connections_are_kept_open():
    """Two calls of one session share a connection."""
    with sandbox.running(jobs=1) as box, requests.Session() as session:
        session.headers["x-api-key"] = box.key("validocx")
        ports = set()
        for _ in range(3):
            answer = session.get(box.url("validocx") + "/jobs", stream=True, timeout=10)
            ports.add(answer.raw.connection.sock.getsockname()[1])
            assert answer.json()["data"]

        assert len(ports) == 1


def test_a_taken_port_is_refused_with_advice():
    """A port in use names the argument to change, and leaves no server behind."""
    with sandbox.running(jobs=1) as box:
        port = int(box.url("validocx").split(":")[2].split("/")[0])
        before = own_threads()
        with pytest.raises(ConfigError, match="port="):
            sandbox.start(port=port)

        assert own_threads() == before


@pytest.mark.parametrize("wrong", [{"scale": 0}, {"jobs": -1}, {"delay": -1}, {"time_scale": 0}])
def test_arguments_that_cannot_work_are_refused(wrong):
    """The message names the argument."""
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        sandbox.start(**wrong)


def test_an_unknown_vendor_is_refused_with_the_known_ones():
    """box.url() of a vendor the sandbox lacks says which it has."""
    with sandbox.running(jobs=1) as box, pytest.raises(ConfigError, match="validocx"):
        box.url("nobody")


def test_calls_are_recorded_as_they_were_made():
    """A call tells vendor, host, method, path, query, status and lower-case headers."""
    with sandbox.running(jobs=1) as box:
        ask(box, "/jobs", limit=1)
        call = box.calls[0]

        assert (call.vendor, call.host, call.method, call.path) == ("validocx", "api", "GET", "/jobs")
        assert call.query == {"limit": "1"}
        assert call.status == 200
        assert call.headers["x-api-key"] == box.key("validocx")
        assert box.key("validocx") not in repr(call)
        assert box.count("validocx") == box.count(path_prefix="/jobs") == 1
        assert box.count("validocx", "/projects") == box.count("veridox") == 0
        box.clear_calls()
        assert box.calls == []


def test_calls_from_many_threads_are_all_counted():
    """Forty calls from eight threads are forty calls in the log."""
    with sandbox.running(jobs=3) as box:
        threads = [threading.Thread(target=lambda: [ask(box, "/jobs") for _ in range(5)]) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert box.count() == 40


def test_keys_can_be_revoked_and_issued_anew():
    """A revoked key gets 401; a new one works, and the old one stays dead."""
    with sandbox.running(jobs=1) as box:
        old = box.key("validocx")
        box.revoke_key("validocx")
        assert ask(box, "/jobs").status_code == 401

        new = box.issue_key("validocx")
        assert new != old
        assert ask(box, "/jobs").status_code == 200
        refused = requests.get(box.url("validocx") + "/jobs", headers={"x-api-key": old}, timeout=10)
        assert refused.status_code == 401
        assert {old[-64:], new[-64:], box.signature_marker} <= set(box.canaries)


def test_a_key_in_a_url_is_a_leak():
    """The API host records a key that stands in the query."""
    with sandbox.running(jobs=1) as box:
        ask(box, "/jobs")
        assert box.leaks == []

        ask(box, "/jobs", apikey=box.key("validocx"))
        assert [leak.path for leak in box.leaks] == ["/jobs"]


def test_one_seed_gives_one_company():
    """Two boxes of one seed send the same rows and have the same key; another seed differs."""
    told = []
    for seed in (3, 3, 4):
        with sandbox.running(seed=seed, jobs=6) as box:
            rows = [ask(box, path).json()["data"] for path in ("/projects", "/jobs", "/question-responses")]
            told.append((box.key("validocx"), rows))

    assert told[0] == told[1]
    assert told[0][0] != told[2][0]
    assert told[0][1] != told[2][1]


def test_size_is_an_argument():
    """scale multiplies projects, jobs and staff; jobs overrides the number of jobs."""
    with sandbox.running() as box:
        assert (len(box.company.projects), len(box.jobs), len(box.company.staff)) == (40, 120, 12)
    with sandbox.running(scale=2) as box:
        assert (len(box.company.projects), len(box.jobs), len(box.company.staff)) == (80, 240, 24)
    with sandbox.running(jobs=0) as box:
        assert ask(box, "/jobs").json()["pagination"]["total"] == 0


def test_serve_tells_what_to_type_and_returns():
    """serve() says address, key and the lines to copy, and stops when asked."""
    told, until = [], threading.Event()
    until.set()
    sandbox.serve(0, jobs=1, say=told.append, until=until)
    text = "\n".join(told)

    assert "DOCFRAMES_VALIDOCX_BASE_URL=http://127.0.0.1:" in text
    assert "DOCFRAMES_VALIDOCX_API_KEY=vdx_org_" in text


def test_serve_ends_on_ctrl_c():
    """A keyboard interrupt ends it without a traceback."""

    class Pressed(threading.Event):
        def wait(self, timeout=None):
            raise KeyboardInterrupt

    told = []
    sandbox.serve(0, jobs=1, say=told.append, until=Pressed())

    assert told[-1] == "Stopped."


def test_no_credential_of_the_user_s_is_sent_to_the_sandbox(monkeypatch):
    """Variables for which the sandbox has no counterpart are out of sight while it runs, and back afterwards."""
    monkeypatch.setenv("DOCFRAMES_PAPERSHIFT_TOKEN", "the user's own")
    monkeypatch.setenv("DOCFRAMES_VALIDIS_SECONDARY_API_KEY", "the user's own")
    with sandbox.running(jobs=1) as box:
        mine = {name for name, value in os.environ.items() if value == "the user's own"}
        assert mine == set()
        assert {name: os.environ[name] for name in box.environment()} == box.environment()

    assert os.environ["DOCFRAMES_PAPERSHIFT_TOKEN"] == "the user's own"
    assert os.environ["DOCFRAMES_VALIDIS_SECONDARY_API_KEY"] == "the user's own"
