"""What a call to the Validis room must pass, and what the room remembers: keys, tokens, calls, and its switches."""

from __future__ import annotations

import string
import threading
from collections import Counter, deque
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any

from flask import request
from werkzeug.exceptions import HTTPException

from docframes.sandbox.company.books import Books
from docframes.sandbox.company.extracts import Extracts, ItemExtracts
from docframes.sandbox.company.seeds import new_id, stream

if TYPE_CHECKING:
    from docframes.sandbox.box import Box

Row = dict[str, Any]

PREFIX = "/validis"
TOKEN_SECONDS = 1800
CALLS, WINDOW = 5000, 86_400  #: of each key, and in how many seconds
BRANCHES = 4801  #: the first engagement of a branch
UPLOADS = 1_000  #: uploads of one engagement; the next one's have the numbers that follow
SHAPES = ("access", "list", "sas", "href", "zip", "per_file")


class Refusal(HTTPException):
    """A refusal as the gateway or the application writes it."""

    def __init__(self, status: int, text: str, **headers: str) -> None:
        super().__init__(text)
        self.code = status
        self.headers = headers


class State:
    """What the room remembers, and its switches.

    limit : calls of a key in a day.  polls : answers 202 before an extract is ready.  busy : answers 409 before those.
    retry_after : the header of these answers, or None.  shape : one of SHAPES.  envelope : ``content`` or ``bare``.
    dead_links : so many answers name links that storage refuses.  mixed : so many extracts hold two uploads.
    path_id : which field of the token is the ``{clientId}`` of paths.  quota_status : 429, or 403 with the same text.
    wait_form : how a 429 tells the wait.  expires_in : whether the token says how long it lives.
    unassigned : one account is not mapped.  branches : so many further engagements, from BRANCHES on, each with an
    upload of its own of the same books.  before : called with each counted call, before it is answered.
    """

    def __init__(self, box: Box) -> None:
        self._box = box
        self._lock = threading.RLock()
        self.limit = CALLS
        self.polls = 2
        self.busy = 0
        self.retry_after: str | None = None
        self.shape = "access"
        self.envelope = "content"
        self.dead_links = 0
        self.mixed = 0
        self.path_id = "clientId"
        self.quota_status = 429
        self.wait_form = "{} seconds"
        self.expires_in = True
        self.unassigned = False
        self.branches = 0
        self.before: Callable[[str], None] | None = None
        self.upload = 0
        self._tokens: dict[str, tuple[str, float]] = {}
        self._issued = 0
        self._taken: dict[str, deque[float]] = {}
        self._asked: Counter[tuple[str, ...]] = Counter()
        self.secondary = make_key(letters(box, "second key"))
        rng = stream(box.company.seed, "validis account")
        self.ids = {"resellerId": new_id(rng), "clientId": new_id(rng), "vconnectClientId": new_id(rng)}

    @cached_property
    def books(self) -> Books:
        """The company's books, made when they are first asked for."""
        return Books(self._box.company, self._box.usual_lines())

    @cached_property
    def extracts(self) -> Extracts:
        """The files behind the extract's links."""
        return Extracts(self._box.company, self._box.usual_lines())

    @cached_property
    def item_extracts(self) -> dict[str, ItemExtracts]:
        """The files behind the links of the receivable and the payable extract, by the ending of their path."""
        sides = {"accounts-receivable": "receivable", "accounts-payable": "payable"}
        return {ending: ItemExtracts(self.books, side) for ending, side in sides.items()}

    def files(self, ledger: str) -> Extracts:
        """The files behind the links of an extract, by the ending of its path."""
        return self.extracts if ledger == "general-ledger" else self.item_extracts[ledger]

    def engagements_of_branches(self) -> range:
        """Their ids."""
        return range(BRANCHES, BRANCHES + self.branches)

    def upload_of(self, engagement: int) -> int:
        """The number of an engagement's present upload."""
        branch = engagement - BRANCHES + 1 if engagement in self.engagements_of_branches() else 0
        return branch * UPLOADS + self.upload

    def new_upload(self) -> str:
        """Another upload takes the place of the present one; gives its id."""
        with self._lock:
            self.upload += 1
            self._asked.clear()
            return self.extracts.upload_id(self.upload)

    def used(self, key: str) -> int:
        """Calls of *key* in the window that ends now."""
        with self._lock:
            return len(self._window(key))

    def keys(self) -> list[str]:
        """The keys that work."""
        return [key for key in (self._box.key("validis"), self.secondary) if self._works(key)]

    def _works(self, key: str | None) -> bool:
        return key == self.secondary or self._box.accepts("validis", key)

    # --- what a call must pass ------------------------------------------------------------------------------------

    def enter(self) -> str:
        """Count the call and give its key; refuse where there is none, or no call left."""
        key = request.headers.get("Ocp-Apim-Subscription-Key")
        if not key:
            raise Refusal(401, "Access denied due to missing subscription key.")
        if not self._works(key):
            raise Refusal(401, "Access denied due to invalid subscription key.")
        with self._lock:
            window, now = self._window(key), self._box.clock.now()
            if len(window) >= self.limit:
                seconds = int(window[0] + WINDOW - now) + 1 if window else WINDOW
                raise Refusal(self.quota_status, self._too_many(seconds))
            window.append(now)
        if self.before is not None:
            self.before(request.path.removeprefix(PREFIX))
        return key

    def _too_many(self, seconds: int) -> str:
        clock = f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
        wait = self.wait_form.format(clock if self.wait_form == "{}" else seconds)
        if self.quota_status == 403:
            return f"Out of call volume quota. Quota will be replenished in {clock}."
        return f"Rate limit is exceeded. Try again in {wait}."

    def _window(self, key: str) -> deque[float]:
        window = self._taken.setdefault(key, deque())
        while window and window[0] <= self._box.clock.now() - WINDOW:
            window.popleft()
        return window

    def check_token(self, key: str) -> None:
        """Refuse a token that is missing, over, or another key's."""
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        owner, until = self._tokens.get(token.strip(), ("", 0.0))
        if scheme.lower() != "bearer" or owner != key or self._box.clock.now() >= until:
            raise Refusal(401, "The token is missing, invalid or has expired.")

    def give_token(self, key: str) -> Row:
        """A new token of *key*."""
        with self._lock:
            self._issued += 1
            token = make_token(letters(self._box, "token", self._issued))
            self._tokens[token] = (key, self._box.clock.after(TOKEN_SECONDS))
        self._box.give_secret(token)
        body = {
            "access_token": token,
            "token_type": "JWT",
            **self.ids,
            "permissions": "",
            "userId": 907,
            "jti": token[-12:],
        }
        return {**body, "expires_in": TOKEN_SECONDS} if self.expires_in else body

    def expire_tokens(self) -> None:
        """No token given out so far works any more."""
        with self._lock:
            self._tokens.clear()

    # --- extracts -------------------------------------------------------------------------------------------------

    def turn(self, *asked: str) -> int:
        """How often this very request was made for the present upload, before now."""
        with self._lock:
            self._asked[asked] += 1
            return self._asked[asked] - 1

    def spent(self, switch: str) -> bool:
        """Whether a switch that counts down had something left; takes one."""
        with self._lock:
            left = getattr(self, switch)
            setattr(self, switch, max(0, left - 1))
            return bool(left > 0)


def make_key(some: Callable[[int], str]) -> str:
    """A key as gateways make them: 32 signs."""
    return some(32).lower()


def make_token(some: Callable[[int], str]) -> str:
    """Three parts with dots between, as a JWT has them."""
    return f"eyJ{some(20)}.eyJ{some(60)}.{some(43)}"


def letters(box: Box, *names: object) -> Callable[[int], str]:
    """Signs that depend on the company and on *names* alone."""
    rng = stream(box.company.seed, "validis", *names)
    return lambda count: "".join(rng.choices(string.ascii_letters + string.digits, k=count))
