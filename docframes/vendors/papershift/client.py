"""The room's client: signing in, and what stands beside the rows of an answer."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any

from requests import PreparedRequest, RequestException, Response

from docframes.errors import (
    AuthError,
    BadRequest,
    ConfigError,
    NoAnswer,
    NotFound,
    SchemaDriftWarning,
    ShapeError,
    VendorError,
    warn,
)
from docframes.settings import Settings
from docframes.tables.schema import check_sources
from docframes.transport import client as transport
from docframes.transport import credentials, redact
from docframes.transport.answers import Answer, Call, error_of
from docframes.transport.api import Api
from docframes.transport.auth import Bearer, Send, bare_token, post
from docframes.transport.paging import JsonApi, Page
from docframes.transport.retry import RETRY_STATUSES, backoff, retry_after
from docframes.transport.session import RULE_HEADER
from docframes.vendors.papershift import records, tables
from docframes.vendors.papershift.api import API, CONTENT_TYPE, SIGN_IN_RULES, SIGN_INS


class Client(transport.Client):
    """One identity at Papershift Pulse; see :class:`docframes.transport.client.Client`.

    token : a ready bearer token.  email, password : a login, which gives tokens as they are needed; with both a token
    and a login, the login takes over when the token is refused.  They come from ``DOCFRAMES_PAPERSHIFT_TOKEN``,
    ``_EMAIL`` and ``_PASSWORD`` unless one of them is given.
    Raises MissingKey where there is neither a token nor a whole login.
    """

    def __init__(
        self,
        *,
        token: str | None = None,
        email: str | None = None,
        password: str | None = None,
        base_url: str | None = None,
        assumptions: Mapping[str, Any] | None = None,
        api: Api = API,
        cached: bool = True,
        settings: Settings | None = None,
    ) -> None:
        self._refused: VendorError | None = None
        self._refused_until = 0.0
        known = _with_error_places(api.with_assumptions(assumptions or {}))
        settings = settings or Settings.from_environment()
        token, email, password = _login(known, token, email, password)
        fetch = None
        if password:
            redact.remember(password)
            fetch = partial(self._sign_in, email, password)
        auth = Bearer(token=token, fetch=fetch, identity=email)
        super().__init__(known, auth=auth, base_url=base_url, cached=cached, settings=settings)
        check_sources(self.assumptions["columns"], tables.ALL)

    def ask(self, endpoint: str, path: Mapping[str, Any] | None = None, params: Any = None, body: Any = None) -> Call:
        """The call of an endpoint, with the headers that every call has."""
        headers = {"Accept": self.api.value("accept"), "Accept-Language": self.api.value("language")}
        return Call(self.api.endpoint(endpoint), path or {}, params or {}, json=body, headers=headers)

    def rows(self, envelope: Any, answer: Answer) -> list[Any]:
        """The rows of a list answer, each with what the answer says of it elsewhere.  Raises ShapeError."""
        rows = super().rows(envelope, answer)
        self._tell_open_end(rows, envelope, answer)
        return records.completed(rows, envelope, answer, self.api)

    def _tell_open_end(self, rows: list[Any], envelope: Any, answer: Answer) -> None:
        """A server may page without a word, or not page at all: which of the two a full page cannot tell."""
        endpoint = answer.call.endpoint
        # The page on a user's documents says that all of them come at once.
        if endpoint.name == "documents" or not isinstance(endpoint.paging, JsonApi):
            return
        if endpoint.paging.leaves_open(Page(answer.call.params, rows, envelope)):
            msg = f"{self.vendor} {endpoint.name}: the page is full ({len(rows)} rows, as many as were asked for), and "
            msg += "nothing in the answer says whether another follows. If there are more rows, "
            msg += 'Client(assumptions={"insist_on_pages": True}) asks on; the assumptions next_link, page_count and '
            warn(msg + "total say where an answer declares its pages.", SchemaDriftWarning)

    # --- signing in -----------------------------------------------------------------------------------------------

    def _sign_in(self, email: str, password: str, send: Send) -> tuple[str, float | None, Any]:
        """A token for the login.  Raises AuthError, RateLimited, NoAnswer, ShapeError."""
        if self._refused is not None and time.monotonic() < self._refused_until:
            # Calls under way side by side would each try the same login again, and spend its few tries.
            raise self._refused
        response = self._sign_in_answer(send, self._sign_in_request(email, password))
        if not response.ok:
            self._refused = _with_mend(error_of(response, self.api, self.settings))
            self._refused_until = time.monotonic() + SIGN_INS.seconds * self.settings.time_scale
            raise self._refused
        header = self.api.value("sign_in_header")
        token = bare_token(response.headers.get(header, ""))
        if not token:
            # Names only: another header, or the body, may hold the token.
            names = ", ".join(sorted(response.headers))
            msg = f"The sign-in was answered without a token in the header {header!r}; it has the headers {names}. "
            msg += 'That it stands there was assumed; say where: Client(assumptions={"sign_in_header": "..."}), or '
            raise ShapeError(msg + "pass a ready token.", vendor=self.vendor, url=redact.url(response.url))
        return token, None, None

    def _sign_in_request(self, email: str, password: str) -> PreparedRequest:
        headers = {
            "Accept": self.api.value("accept"), "Accept-Language": self.api.value("language"),
            "Content-Type": CONTENT_TYPE, RULE_HEADER: SIGN_IN_RULES,
        }  # fmt: skip
        body = _filled(self.api.value("sign_in_body"), {"{email}": email, "{password}": password})
        return post(self.base_url + self.api.value("sign_in_path"), headers=headers, json=body)

    def _sign_in_answer(self, send: Send, request: PreparedRequest) -> Response:
        """The answer, after as many tries as any other call has: the layer that tries again stands above this one."""
        for attempt in range(1, self.settings.tries + 1):
            try:
                response = send(request.copy())
            except RequestException as error:
                if attempt == self.settings.tries:
                    why = redact.text(f"{type(error).__name__}: {error}")[:200]
                    url = redact.url(request.url or "")
                    msg = f"The sign-in at {url} had no answer in {attempt} tries ({why})."
                    raise NoAnswer(msg, vendor=self.vendor, url=url) from None
                self.sleep(backoff(attempt))
                continue
            asked = retry_after(response.headers, datetime.now(UTC))
            wait = backoff(attempt) if asked is None else asked
            last = attempt == self.settings.tries or wait > self.settings.longest_wait
            if response.status_code not in RETRY_STATUSES or last:
                return response
            self.sleep(wait)
        raise AssertionError("unreachable: the last try returns or raises")


def default_client() -> Client:
    """The account of the environment."""
    return credentials.default_client("papershift", Client)


def _with_error_places(api: Api) -> Api:
    places = {name: api.value(name) for name in ("error_text", "error_code", "error_place")}
    texts = places["error_text"]
    places["error_text"] = (texts,) if isinstance(texts, str) else tuple(texts)
    return dataclasses.replace(api, **places)


def _login(api: Api, token: str | None, email: str | None, password: str | None) -> tuple[str, str, str]:
    """What was given; else what the environment or the keyring has.  They are not mixed: they may be two accounts."""
    names = ("token", "email", "password")
    given = dict(zip(names, (token, email, password), strict=True))
    if not any(value and value.strip() for value in given.values()):
        given = {name: credentials.find(api.vendor, name) for name in names}
    found = {name: (value or "").strip() for name, value in given.items()}
    if bool(found["email"]) != bool(found["password"]):
        lacking = "password" if found["email"] else "email"
        raise credentials.missing(api, f"both an e-mail address and a password ({lacking} is lacking)", [lacking])
    if not found["token"] and not found["email"]:
        raise credentials.missing(api, "a token (or an e-mail address and a password)", list(names))
    if any(not (char.isascii() and char.isprintable()) or char == " " for char in found["token"]):
        raise ConfigError("The token of papershift holds a space, a line break or a sign that no token has.")
    return found["token"], found["email"], found["password"]


def _with_mend(error: VendorError) -> VendorError:
    """Path and body of the sign-in are the least certain of all that is assumed."""
    if isinstance(error, NotFound | BadRequest | AuthError):
        error.add_note(
            "Path and body of the sign-in were assumed; if they differ, say so: "
            'Client(assumptions={"sign_in_path": "..."}), Client(assumptions={"sign_in_body": {...}}).'
        )
    return error


def _filled(template: Any, values: Mapping[str, str]) -> Any:
    """*template* with every text that is a placeholder replaced."""
    if isinstance(template, Mapping):
        return {name: _filled(value, values) for name, value in template.items()}
    return values.get(template, template) if isinstance(template, str) else template
