"""The Papershift room: what its contract says of sign-in, reading and writing, and every refusal."""

from __future__ import annotations

import math
import secrets
import threading
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import orjson
from flask import Blueprint, Response, request
from werkzeug.exceptions import HTTPException

from docframes.sandbox.company.personnel import Personnel, file_away, resource, stored, zulu
from docframes.sandbox.json_api import Refusal, filtered, page_of, refuse, sorted_by
from docframes.sandbox.papershift_uploads import Uploads

if TYPE_CHECKING:
    from docframes.sandbox.box import Box
    from docframes.sandbox.files import File

PREFIX = "/papershift"
MEDIA = "application/vnd.api+json"
EMAIL = "audit@northmoor.example.org"
TOKEN_SECONDS, LINK_SECONDS = 3600, 300
#: rule: calls in so many seconds
RATES = {"all": (300, 60), "sign_in": (5, 20)}
LONGEST_NAME = 250
EXTENSIONS = ("pdf", "doc")
STATUSES = ("uploading", "success", "error")
SECOND = 1_000

Row = dict[str, Any]


def make_key(letters: Callable[[int], str]) -> str:
    """The password; its letters stand in every token too, so that a leak of either is found."""
    return f"pulse_{letters(40)}"


def credentials(box: Box) -> dict[str, str]:
    """The login, by the ending of its variable."""
    return {"EMAIL": EMAIL, "PASSWORD": box.key("papershift")}


def stored_file(box: Box, resource: str, file_id: str) -> File | None:
    """The file behind a signed link."""
    state: State = box.state["papershift"]
    return state.file(resource, file_id)


class State:
    """Personnel files as they are now, tokens, and the calls of the last minute."""

    def __init__(self, box: Box) -> None:
        self._box = box
        self._lock = threading.RLock()
        self._personnel: Personnel | None = None
        self._tokens: dict[str, float] = {}
        self._taken: dict[str, deque[float]] = {rule: deque() for rule in RATES}
        self.deleted: set[str] = set()
        self.uploads = Uploads(box)

    @property
    def personnel(self) -> Personnel:
        """Made when they are first asked for."""
        with self._lock:
            if self._personnel is None:
                self._personnel = file_away(self._box.company)
            return self._personnel

    def truth(self) -> list[Row]:
        """What is wrong with the personnel files."""
        return [dict(fault) for fault in self.personnel.faults]

    def token(self) -> str:
        """A fresh token, good for an hour."""
        token = f"{self._box.key('papershift').rpartition('_')[2]}.{secrets.token_urlsafe(24)}"
        self._tokens[token] = self._box.clock.after(TOKEN_SECONDS)
        return token

    def expire_tokens(self) -> None:
        """Make every token given out so far stop working."""
        self._tokens.clear()

    def knows(self, header: str | None) -> bool:
        """Whether an Authorization header opens the API now."""
        scheme, _, token = (header or "").partition(" ")
        # A login that was revoked takes its tokens with it.
        alive = self._box.accepts("papershift", self._box.key("papershift"))
        letters = self._box.key("papershift").rpartition("_")[2]
        until = self._tokens.get(token, 0.0) if token.startswith(letters) else 0.0
        return scheme == "Bearer" and alive and self._box.clock.now() < until

    def take(self, rule: str) -> float | None:
        """Count a call; the seconds to wait where there have been too many."""
        calls, seconds = RATES[rule]
        window = seconds * self._box.clock.scale
        with self._lock:
            now, taken = self._box.clock.now(), self._taken[rule]
            while taken and taken[0] <= now - window:
                taken.popleft()
            if len(taken) >= calls:
                return taken[0] + window - now
            taken.append(now)
            return None

    def documents(self, user_id: str) -> list[Row]:
        """The documents of a user that are not deleted; refuses users that the caller may not see."""
        if user_id == self.personnel.forbidden:
            raise Refusal(403, "The right document.read is missing.", "forbidden")
        if user_id == self.personnel.hidden or user_id not in self.personnel.documents:
            raise Refusal(404, "The user does not exist.", "not_found")
        return [row for row in self.personnel.documents[user_id] if row["id"] not in self.deleted]

    def document(self, user_id: str, document_id: str) -> Row:
        """One of them."""
        for row in self.documents(user_id):
            if row["id"] == document_id:
                return row
        raise Refusal(404, "The document does not exist.", "not_found")

    def file(self, kind: str, file_id: str) -> File | None:
        """The file of a document, written with the sandbox or uploaded since."""
        rows = self.personnel.account_documents if kind == "account_documents" else self._all_documents()
        row = next((row for row in rows if row["id"] == file_id), None)
        uploaded = self.uploads.content(file_id)
        read = self.personnel.files.get(file_id) if uploaded is None else lambda: uploaded
        if row is None or read is None:
            return None
        return stored(file_id, row["attributes"]["name"], row["attributes"]["extension"], kind, read)

    def _all_documents(self) -> list[Row]:
        return [row for rows in self.personnel.documents.values() for row in rows]


def blueprint(box: Box) -> Blueprint:
    """The endpoints, answered from *box*."""
    room = Blueprint("papershift", __name__)
    state: State = box.state["papershift"]

    @room.before_request
    def check() -> None:
        wait = state.take("all")
        if wait is not None:
            raise Refusal(429, "Too many requests.", "rate_limited", retry_after=wait)
        if request.path.endswith("/auth/sign_in"):
            return
        if not state.knows(request.headers.get("Authorization")):
            raise Refusal(401, "The token is missing or has expired.", "unauthorized")
        _check_media()

    @room.errorhandler(HTTPException)
    def refused(error: HTTPException) -> Response:
        return refuse(error)

    _add_sign_in(room, box, state)
    _add_lists(room, box, state)
    _add_documents(room, box, state)

    @room.route("/", defaults={"rest": ""}, methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
    @room.route("/<path:rest>", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
    def nothing_here(rest: str) -> Response:
        raise Refusal(404, "There is nothing at this address.", "not_found")

    return room


def answered(body: Any, status: int = 200) -> Response:
    """A JSON:API answer."""
    return Response(orjson.dumps(body), status, mimetype=MEDIA)


def _check_media() -> None:
    if (request.content_type or "").split(";")[0].strip() != MEDIA:
        raise Refusal(415, f"Content-Type must be {MEDIA}.", "unsupported_media_type")


def _body() -> Any:
    try:
        return orjson.loads(request.get_data())
    except orjson.JSONDecodeError:
        raise Refusal(400, "The body is no JSON.", "bad_request") from None


# --- sign-in ------------------------------------------------------------------------------------------------------


def _add_sign_in(room: Blueprint, box: Box, state: State) -> None:
    @room.post("/api/v1/auth/sign_in")
    def sign_in() -> Response:
        wait = state.take("sign_in")
        if wait is not None:
            raise Refusal(429, "Too many requests.", "rate_limited", retry_after=wait)
        _check_media()
        data = _part(_body(), "data")
        attributes = _part(data, "attributes")
        known = attributes.get("email") == EMAIL and box.accepts("papershift", attributes.get("password"))
        if data.get("type") != "identity" or not known:
            raise Refusal(401, "E-mail or password is wrong.", "invalid_credentials")
        response = answered({"data": _identity(state)})
        response.headers["Authorization"] = f"Bearer {state.token()}"
        return response

    @room.get("/api/v1/identity")
    def identity() -> Response:
        return answered({"data": _identity(state)})


def _identity(state: State) -> Row:
    account = state.personnel.account["id"]
    return resource("0b0e7d6e-7d0f-4b5f-9a55-3f8f3e6f9d10", "identity", email=EMAIL, last_used_account_id=account)


def _part(value: Any, name: str) -> Row:
    part = value.get(name) if isinstance(value, dict) else None
    if not isinstance(part, dict):
        raise Refusal(422, f"{name} is missing.", "invalid", pointer=f"/{name}")
    return part


# --- lists --------------------------------------------------------------------------------------------------------


def _add_lists(room: Blueprint, box: Box, state: State) -> None:
    def listing(name: str, rows: Callable[[], list[Row]]) -> None:
        def answer() -> Response:
            found = sorted_by(filtered(rows()))
            return answered(box.chaos.envelope(name, page_of(found, box.chaos, name)))

        room.add_url_rule(f"/api/v1/{name}", name, answer)

    listing("users", lambda: state.personnel.users)
    listing("teams", lambda: [_with_members(team, state) for team in state.personnel.teams])
    listing("account_documents", lambda: [_with_link(row, "account_documents", box) for row in _policies(state)])

    @room.get("/api/v1/teams/<team_id>")
    def team(team_id: str) -> Response:
        return answered({"data": _find(state.personnel.teams, team_id, "team")})

    @room.get("/api/v1/account_documents/<document_id>")
    def account_document(document_id: str) -> Response:
        row = _find(_policies(state), document_id, "document")
        return answered({"data": _with_link(row, "account_documents", box)})

    @room.get("/api/v1/accounts")
    def accounts() -> Response:
        return answered(page_of(sorted_by(filtered([state.personnel.account])), box.chaos, "accounts"))

    @room.get("/api/v1/accounts/<account_id>")
    def account(account_id: str) -> Response:
        row = _find([state.personnel.account], account_id, "account")
        if "users" not in request.args.get("include", "").split(","):
            return answered({"data": row})
        users = filtered(state.personnel.users, "users")
        links = [{"id": user["id"], "type": "user"} for user in users]
        return answered({"data": {**row, "relationships": {"users": {"data": links}}}, "included": users})


def _policies(state: State) -> list[Row]:
    return state.personnel.account_documents


def _find(rows: list[Row], id: str, what: str) -> Row:
    for row in rows:
        if row["id"] == id:
            return row
    raise Refusal(404, f"The {what} does not exist.", "not_found")


def _with_members(team: Row, state: State) -> Row:
    """A team with its links, and with what was asked to come along in ``included``."""
    members = [row for row in state.personnel.memberships if row["relationships"]["team"]["data"]["id"] == team["id"]]
    parent = team["attributes"].get("parent_team_id")
    links = [{"id": row["id"], "type": row["type"]} for row in members]
    relationships = {
        "parent_team": {"data": None if parent is None else {"id": parent, "type": "team"}},
        "team_memberships": {"data": links},
    }
    row = {**team, "relationships": relationships}
    if request.args.get("meta[actions]") == "true":
        row["meta"] = {"actions": {"edit": False, "delete": False}}
    wanted = request.args.get("include", "").split(",")
    along = members if "team_memberships" in wanted else []
    if "parent_team" in wanted and parent is not None:
        along = [*along, _find(state.personnel.teams, parent, "team")]
    return {**row, "__included": along} if along else row


# --- documents of a user ------------------------------------------------------------------------------------------


def _add_documents(room: Blueprint, box: Box, state: State) -> None:
    path = "/api/v1/users/<user_id>/documents"

    @room.get(path)
    def documents(user_id: str) -> Response:
        # The page on user documents shows no paging: whatever is asked for, all of them come.
        rows = [_with_link(row, "documents", box) for row in sorted_by(filtered(state.documents(user_id)))]
        return answered(box.chaos.envelope("documents", {"data": rows}))

    @room.get(f"{path}/<document_id>")
    def document(user_id: str, document_id: str) -> Response:
        return answered({"data": _with_link(state.document(user_id, document_id), "documents", box)})

    @room.post(path)
    def create(user_id: str) -> Response:
        state.documents(user_id)
        row = _created(state, _deeper_attributes())
        answer = {**row}
        if request.args.get("meta[upload_url]") == "true":
            answer["meta"] = {"upload_url": state.uploads.form(row["id"], row["attributes"]["extension"])}
        state.personnel.documents[user_id].append(row)
        return answered({"data": answer}, 201)

    @room.put(f"{path}/<document_id>")
    def update(user_id: str, document_id: str) -> Response:
        row = state.document(user_id, document_id)
        changes = _deeper_attributes()
        if "extension" in changes:
            raise Refusal(422, "extension cannot change.", "read_only", pointer="/data/attributes/extension")
        _check_values(changes)
        row["attributes"] |= changes
        return answered({"data": row})

    @room.delete(f"{path}/<document_id>")
    def delete(user_id: str, document_id: str) -> Response:
        row = state.document(user_id, document_id)
        # What is deleted can be restored, so it is only marked.
        state.deleted.add(document_id)
        return answered({"data": row})


def _deeper_attributes() -> Row:
    """Attributes in the form that the page on user documents shows: data.data.attributes."""
    data = _part(_body(), "data")
    if data.get("type") != "document":
        raise Refusal(422, "type must be document.", "invalid", pointer="/data/type")
    return _part(_part(data, "data"), "attributes")


def _created(state: State, given: Row) -> Row:
    for name in ("name", "extension", "sensitive", "visible_to_user"):
        if given.get(name) is None:
            raise Refusal(422, f"{name} is required.", "required", pointer=f"/data/attributes/{name}")
    if "upload_status" in given:
        raise Refusal(422, "upload_status cannot be set.", "read_only", pointer="/data/attributes/upload_status")
    _check_values(given)
    created = zulu(math.floor(state.uploads.now() * SECOND))
    return resource(state.uploads.new_id(), "document", created_at=created, **given, upload_status="uploading")


def _check_values(given: Row) -> None:
    checks: dict[str, Callable[[Any], bool]] = {
        "name": lambda value: isinstance(value, str) and 0 < len(value) <= LONGEST_NAME,
        "extension": lambda value: value in EXTENSIONS,
        "sensitive": lambda value: isinstance(value, bool),
        "visible_to_user": lambda value: isinstance(value, bool),
        "upload_status": lambda value: value in STATUSES,
    }
    for name, value in given.items():
        if name not in checks or not checks[name](value):
            raise Refusal(422, f"{name} is not allowed to be that.", "invalid", pointer=f"/data/attributes/{name}")


def _with_link(row: Row, kind: str, box: Box) -> Row:
    """With the metadata that was asked for."""
    meta: Row = {}
    if request.args.get("meta[download_url]") == "true":
        meta["download_url"] = _link(row, kind, box) if row["attributes"]["upload_status"] == "success" else None
    if request.args.get("meta[actions]") == "true":
        meta["actions"] = {"edit": True, "delete": False}
    return {**row, "meta": meta} if meta else row


def _link(row: Row, kind: str, box: Box) -> str:
    path = f"/papershift/sign/{kind}/{row['id']}.{row['attributes']['extension']}"
    begin = zulu(math.floor(box.clock.now()) * SECOND)
    seconds = max(1, round(LINK_SECONDS * box.clock.scale))
    date = begin[:19].replace("-", "").replace(":", "") + "Z"
    return f"{box.link(path, box.clock.after(LINK_SECONDS))}&X-Amz-Date={date}&X-Amz-Expires={seconds}"
