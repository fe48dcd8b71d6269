"""What the tests share: sandboxes, clients with a cache of their own, servers that say what a test tells them to."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qsl

import hypothesis
import orjson
import pytest
import vcr
from vcr.stubs import VCRHTTPResponse

from docframes import sandbox, validocx
from docframes.sandbox.server import Cut, Server
from docframes.settings import Settings

# No test asks the keyring of whoever runs it.
os.environ["PYTHON_KEYRING_BACKEND"] = "keyring.backends.null.Keyring"
# requests-cache reads this attribute of every answer, and vcrpy's stand-in lacks it (vcrpy issue 881).
VCRHTTPResponse._request_url = None

# Examples are neither timed nor written down.
hypothesis.settings.register_profile("docframes", database=None, deadline=None, max_examples=60)
hypothesis.settings.load_profile("docframes")

CASSETTES = Path(__file__).parents[1] / "cassettes"
REAL_DATA = Path(os.environ.get("DOCFRAMES_REAL_DATA", Path(__file__).parents[2] / "shared" / "data"))
#: A key of the documented shape that opens nothing.
INVENTED_KEY = "vdx_org_Abcd1234_" + "e" * 32 + "F" * 32


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory):
    """Fixtures that serve several tests come before the environment of each, and keep nothing with the user either."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("DOCFRAMES_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
        # Settings that are made by hand, without a folder, take the operating system's.
        environment.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("user")))
        yield


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch, tmp_path):
    """No setting of whoever runs the tests counts, and nothing is written outside the test's folder."""
    for name in list(os.environ):
        if name.startswith("DOCFRAMES_") and name != "DOCFRAMES_REAL_DATA":
            monkeypatch.delenv(name)
    monkeypatch.setenv("DOCFRAMES_CACHE_DIR", str(tmp_path / "cache"))


@pytest.fixture
def settings(tmp_path) -> Settings:
    """A cache folder of the test's own, and waits that take no time."""
    return Settings(cache_dir=tmp_path / "cache", time_scale=0.0)


@pytest.fixture(scope="module")
def box():
    """A sandbox for the whole module, for tests that only read; 30 jobs."""
    with sandbox.running(jobs=30, environment=False) as running:
        yield running


@pytest.fixture
def start():
    """Start a sandbox for this test: ``start("500_burst", jobs=12)``."""
    with contextlib.ExitStack() as stack:

        def start_box(*chaos: str, jobs: int = 30, **options):
            options = {"environment": False, **options}
            return stack.enter_context(sandbox.running(jobs=jobs, chaos=chaos, **options))

        yield start_box


@pytest.fixture
def account(settings):
    """A ValiDocX client of a sandbox: ``account(box)``; every one shares the test's cache folder."""
    with contextlib.ExitStack() as stack:

        def make(box, **options):
            defaults = {"api_key": box.key("validocx"), "base_url": box.url("validocx"), "settings": settings}
            return stack.enter_context(validocx.Client(**{**defaults, **options}))

        yield make


@pytest.fixture
def client(box, account):
    """A client of the module's sandbox, whose calls are counted from here on."""
    box.clear_calls()
    return account(box)


@dataclass
class Asked:
    """A request that reached a scripted server."""

    method: str
    path: str
    query: dict[str, str] = field(repr=False)
    headers: dict[str, str] = field(repr=False)


@dataclass
class Says:
    """An answer of a scripted server.  cut : close the connection after so many bytes of the body."""

    body: object = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    cut: int | None = None


class Scripted:
    """A server that answers what a function says, and remembers what it was asked."""

    def __init__(self, answer: Callable[[Asked], Says]) -> None:
        self.answer = answer
        self.asked: list[Asked] = []
        self._server = Server(self._application, 0, "scripted")
        self.url = self._server.url

    def _application(self, environ, start_response):
        headers = {key[5:].lower().replace("_", "-"): value for key, value in environ.items() if key[:5] == "HTTP_"}
        query = dict(parse_qsl(environ["QUERY_STRING"]))
        asked = Asked(environ["REQUEST_METHOD"], environ["PATH_INFO"], query, headers)
        self.asked.append(asked)
        says = self.answer(asked)
        body = says.body if isinstance(says.body, bytes) else orjson.dumps(says.body)
        kind = "application/octet-stream" if isinstance(says.body, bytes) else "application/json"
        sent = {"Content-Type": kind, "Content-Length": str(len(body)), **says.headers}
        start_response(f"{says.status} told", list(sent.items()))
        return _parts(body, says.cut)

    def stop(self) -> None:
        self._server.stop()


def _parts(body: bytes, cut: int | None) -> Iterator[bytes]:
    yield body if cut is None else body[:cut]
    if cut is not None:
        raise Cut


@pytest.fixture
def scripted():
    """Start a server that says what a function tells it: ``scripted(lambda asked: Says([]))``."""
    with contextlib.ExitStack() as stack:

        def serve(answer: Callable[[Asked], Says]) -> Scripted:
            server = Scripted(answer)
            stack.callback(server.stop)
            return server

        yield serve


@pytest.fixture
def scripted_client(scripted, settings):
    """A ValiDocX client of a scripted server, which is its ``.server``: ``scripted_client(answer, cached=False)``."""
    with contextlib.ExitStack() as stack:

        def make(answer: Callable[[Asked], Says], **options):
            server = scripted(answer)
            options = {"settings": settings, **options}
            made = validocx.Client(api_key=INVENTED_KEY, base_url=server.url, **options)
            made.server = server
            return stack.enter_context(made)

        yield make


@pytest.fixture(autouse=True)
def _replayed(request):
    """Replay the cassette that ``@pytest.mark.vcr_case("validocx/empty.yaml")`` names; nothing is ever recorded."""
    marker = request.node.get_closest_marker("vcr_case")
    if marker is None:
        yield
        return
    with vcr.use_cassette(str(CASSETTES / marker.args[0]), record_mode="none", match_on=["method", "uri"]) as cassette:
        yield
    assert cassette.all_played, "the cassette holds more than the test asks for"


@pytest.fixture
def replayed(tmp_path):
    """A ValiDocX client at the vendor's own address, for cassettes: one call at a time, from an empty cache."""
    settings = Settings(cache_dir=tmp_path / "cache", workers=1, tries=1, time_scale=0.0)
    with validocx.Client(api_key=INVENTED_KEY, settings=settings) as made:
        yield made


@pytest.fixture
def no_sockets(monkeypatch):
    """Opening a connection fails the test."""
    import socket

    def refuse(*_):
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of public ledgers; where it is not there, a skip for users and a failure in CI."""
    if not REAL_DATA.is_dir():
        why = "no real ledgers: DOCFRAMES_REAL_DATA is not set and ../shared/data is not there"
        pytest.fail(why) if os.environ.get("CI") else pytest.skip(why)
    return REAL_DATA
