"""The same questions to every room, against a server scripted from each vendor's contract."""

from __future__ import annotations

import importlib
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from flask import Blueprint, Flask, Response, request

import docframes
from docframes import load_record
from docframes.errors import AuthError, DocframesError, RateLimited, SchemaDriftWarning
from docframes.sandbox.server import Server
from tests.realities import second
from tests.rooms import Record, Room

VENDORS = ("docdigitizer", "papershift", "validis", "validocx", "veridox")


@pytest.fixture(params=[(vendor, reality) for vendor in VENDORS for reality in ("first", "second")], ids="-".join)
def room(request: pytest.FixtureRequest) -> Room:
    """Each vendor's list as its contract assumes it, and as it may be instead."""
    vendor, reality = request.param
    first: Room = importlib.import_module(f"tests.rooms.{vendor}").ROOM
    return first if reality == "first" else second(first)


@dataclass
class Script:
    """What the server has, and what it saw."""

    room: Room
    records: list[Record]
    refusals: list[int] = field(default_factory=list)  #: statuses for the next calls of the list, one each
    always: int | None = None  #: a status for every call of the list
    instead: bytes = b""  #: a page of HTML in place of the list
    seen: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def lists(self) -> int:
        """Calls of the list."""
        return sum(path.endswith(self.room.path) for path, _ in self.seen)

    def answer(self) -> Response:
        with self.lock:
            refusal = self.refusals.pop(0) if self.refusals else self.always
        if self.instead:
            return Response(self.instead, 200, mimetype="text/html")
        if refusal is None:
            return self.room.page(self.records, request)
        response = self.room.refuse(refusal)
        if refusal == 429:
            response.headers["Retry-After"] = "0"
        return response


@contextmanager
def serving(script: Script) -> Iterator[str]:
    """The scripted server's base URL."""
    app = Flask("scripted", static_folder=None)
    routes = Blueprint("vendor", __name__)
    routes.add_url_rule(script.room.path, "list", script.answer, methods=["GET", "POST"])
    script.room.routes(routes)
    app.register_blueprint(routes, url_prefix="/base")

    @app.before_request
    def remember() -> None:
        with script.lock:
            script.seen.append((request.path, {name.lower(): value for name, value in request.headers.items()}))

    server = Server(app, 0, "scripted vendor")
    try:
        yield f"{server.url}/base"
    finally:
        server.stop()


Ask = Callable[..., Any]


@pytest.fixture
def asked(
    room: Room, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[list[Record]], tuple[Script, Ask]]]:
    """Start a server with these records; gives it, and the room's loader turned to it."""
    monkeypatch.setenv("DOCFRAMES_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr("docframes.transport.retry.FIRST_WAIT", 0.0)
    with _Stack() as stack:

        def start(records: list[Record]) -> tuple[Script, Ask]:
            script = Script(room, records)
            client = room.client(stack.enter(serving(script)))
            stack.close_later(client)
            return script, lambda **options: room.load(client=client, **options)

        yield start


class _Stack:
    def __init__(self) -> None:
        self._open: list[Any] = []

    def __enter__(self) -> _Stack:
        return self

    def enter(self, manager: Any) -> Any:
        value = manager.__enter__()
        self._open.append(lambda: manager.__exit__(None, None, None))
        return value

    def close_later(self, client: Any) -> None:
        self._open.append(client.close)

    def __exit__(self, *_: object) -> None:
        for close in reversed(self._open):
            close()


def samples(room: Room, count: int) -> list[Record]:
    return [room.sample(number) for number in range(1, count + 1)]


def ids(room: Room, count: int) -> list[str]:
    return [room.id_of(number) for number in range(1, count + 1)]


def test_every_page_is_loaded_once_and_in_order(room, asked):
    """Seven rows at three a page: a first, a middle and a last page, three calls."""
    script, load = asked(samples(room, 7))

    frame = load(page_size=3)

    assert frame[room.key].tolist() == ids(room, 7)
    assert script.lists() == 3
    assert load_record(frame).certificate.verdict in ("PASS", "CANNOT_PROVE")


def test_a_full_last_page_ends_the_walk(room, asked):
    """Six rows at three a page: no third page is appended, whatever the vendor answers for it."""
    _, load = asked(samples(room, 6))

    assert load(page_size=3)[room.key].tolist() == ids(room, 6)


def test_an_empty_list_has_the_columns_and_dtypes_of_a_full_one(room, asked):
    """Nothing found is a frame without rows, not another frame."""
    _, load_none = asked([])
    _, load_some = asked(samples(room, 2))

    none, some = load_none(), load_some()

    assert len(none) == 0
    assert none.dtypes.equals(some.dtypes)


def test_a_revoked_key_is_an_auth_error(room, asked):
    """401 is told as such, with the vendor's status, and without the credential."""
    script, load = asked(samples(room, 2))
    script.always = 401

    with pytest.raises(AuthError) as caught:
        load()

    assert caught.value.status == 401
    assert room.credential not in str(caught.value)


def test_too_many_calls_are_waited_out(room, asked):
    """After a 429 the call is made again and the rows arrive."""
    script, load = asked(samples(room, 2))
    script.refusals = [429, 429]

    assert load()[room.key].tolist() == ids(room, 2)


def test_too_many_calls_for_good_are_an_error(room, asked):
    """A vendor that says 429 for ever gets RateLimited, never an empty frame."""
    script, load = asked(samples(room, 2))
    script.always = 429

    with pytest.raises(RateLimited):
        load()


def test_a_broken_page_is_never_a_smaller_frame(room, asked):
    """Where a later page fails for good the load raises, and what came can be had from the error."""
    script, load = asked(samples(room, 7))
    script.refusals = [None, *[500] * 50]  # type: ignore[list-item]

    with pytest.raises(DocframesError) as caught:
        load(page_size=3)

    assert caught.value.certificate.verdict == "FAIL"
    script.refusals = []
    assert caught.value.resume()[room.key].tolist() == ids(room, 7)


def test_an_unknown_key_becomes_a_column(room, asked):
    """What the contract does not know is kept under the vendor's own name, and said once."""
    records = samples(room, 2)
    for record in records:
        _fields(record)["shoe_size"] = "44"
    _, load = asked(records)

    with pytest.warns(SchemaDriftWarning, match="shoe_?[sS]ize"):
        frame = load()

    extra = [name for name in frame.columns if name.lower().replace("_", "").endswith("shoesize")]
    assert frame[extra[0]].tolist() == ["44", "44"]


def test_a_missing_key_is_a_missing_value(room, asked):
    """A key that one record lacks leaves a gap in its row and nothing else."""
    records = samples(room, 3)
    room.drop(records[1])
    _, load = asked(records)

    frame = load()

    assert frame[room.optional].isna().tolist() == [False, True, False]
    assert frame[room.key].tolist() == ids(room, 3)


def test_null_where_an_object_was_keeps_the_row(room, asked):
    """Null in place of a nested object is no reason to lose a row."""
    records = samples(room, 3)
    room.nested(records[1])
    _, load = asked(records)

    assert load()[room.key].tolist() == ids(room, 3)


def test_a_record_on_two_pages_is_one_row(room, asked):
    """Pages that shifted while they were read give a row twice; it is kept once, and the certificate says so."""
    first, second, third = samples(room, 3)
    _, load = asked([first, second, second, third])

    try:
        frame = load(page_size=2)
    except docframes.errors.IncompleteLoad as error:
        # A declared total of four is not met by three different rows: said, not passed over.
        frame = error.frame

    assert sorted(frame[room.key]) == ids(room, 3)
    assert load_record(frame).certificate.overlaps == 1


def test_every_call_is_signed_and_the_second_load_makes_none(room, asked):
    """The credential goes with each call of the list; the same load again is answered from the cache."""
    script, load = asked(samples(room, 2))
    load()
    calls = len(script.seen)

    again = load()

    assert len(script.seen) == calls
    assert load_record(again).calls == 0
    assert all(any(headers.get(name) for name in SIGNED) for path, headers in script.seen if path.endswith(room.path))


SIGNED = ("x-api-key", "authorization", "ocp-apim-subscription-key")


def test_every_column_is_described(room, asked):
    """The data dictionary has each column once, with a dtype that is the frame's and a meaning."""
    _, load = asked(samples(room, 2))
    frame = load()

    told = docframes.describe(frame)

    assert Counter(told["column"]) == Counter(frame.columns)
    assert (told["meaning"].str.len() > 0).all()
    assert dict(zip(told["column"], told["dtype"], strict=True)) == {k: str(v) for k, v in frame.dtypes.items()}


def test_a_page_that_is_no_json_is_a_shape_error(room, asked):
    """A sign-in page in place of the list is told with what came, and is not served from the cache afterwards."""
    script, load = asked(samples(room, 2))
    script.instead = b"<html>Sign in</html>"

    with pytest.raises(docframes.errors.ShapeError, match="Sign in"):
        load()

    script.instead = b""
    assert load()[room.key].tolist() == ids(room, 2)


def _fields(record: Record) -> Record:
    """Where a record's own fields stand: JSON:API puts them below ``attributes``."""
    attributes = record.get("attributes")
    return attributes if isinstance(attributes, dict) else record


@pytest.mark.parametrize("vendor", VENDORS)
def test_another_spelling_loses_nothing(vendor, tmp_path, monkeypatch):
    """Where keys are camelCase and moments differ in form, every declared column holds what it held before."""
    monkeypatch.setenv("DOCFRAMES_CACHE_DIR", str(tmp_path / "cache"))
    room = importlib.import_module(f"tests.rooms.{vendor}").ROOM
    frames = []
    for reality in (room, second(room)):
        with serving(Script(reality, samples(room, 3))) as url, room.client(url) as client:
            frames.append(room.load(client=client))
    first, other = frames

    declared = [column for column in docframes.describe(first)["column"] if column in other.columns]
    assert set(load_record(first).declared.dtypes()) <= set(declared)
    for column in declared:
        if str(first[column].dtype).startswith("datetime64"):
            assert first[column].isna().tolist() == other[column].isna().tolist()
            assert (first[column].dt.floor("s").dropna() == other[column].dt.floor("s").dropna()).all()
        elif not first[column].astype("str").str.contains("T").any():
            assert first[column].astype("str").tolist() == other[column].astype("str").tolist()
