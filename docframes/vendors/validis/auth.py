"""Two keys, each with a token and an allowance of its own.

The second key takes over where the first has no call left, and its calls carry its own token (A11).  How long a
spent key stays spent is read from the refusal (A08), and told to the count that all processes share.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import orjson
from requests import PreparedRequest, Request, RequestException, Response

from docframes import spelling
from docframes.errors import NoAnswer, QuotaExhausted, ShapeError
from docframes.settings import Settings
from docframes.transport import redact
from docframes.transport.answers import error_of, excerpt
from docframes.transport.api import Api
from docframes.transport.auth import Bearer, Send
from docframes.transport.paging import dig
from docframes.transport.retry import RETRY_STATUSES, backoff, retry_after
from docframes.vendors.validis.api import GRANT_TYPE, KEY_HEADER, TOKEN_PATH

_CLOCK = re.compile(r"\b(\d+):([0-5]\d):([0-5]\d)\b")
_COUNTED = re.compile(r"(\d+(?:\.\d+)?)\s*([a-z]+)?", re.IGNORECASE)


class Keys:
    """Signs with a key and the token it was exchanged for; turns to the other key where one is spent.

    spent : called with the key and the seconds for which the vendor says that it has no call left.
    """

    def __init__(
        self,
        keys: list[str],
        *,
        api: Api,
        base_url: str,
        settings: Settings,
        spent: Callable[[str, float], None] = lambda key, seconds: None,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.keys = keys
        self._api = api
        self._url = base_url + TOKEN_PATH
        self._settings = settings
        self._sleep = sleep
        self._clock = clock
        self._present = 0
        self._lock = threading.Lock()
        self._spent_until: dict[str, float] = {}
        self.spent = spent
        self._bearers = {key: self._bearer(key) for key in keys}

    def _bearer(self, key: str) -> Bearer:
        return Bearer(
            fetch=lambda send: self._exchange(key, send),
            identity=key,
            early=float(self._api.value("A04.early")),
            scheme=str(self._api.value("A05.scheme")),
            clock=self._clock,
        )

    def __repr__(self) -> str:
        return f"Keys({len(self.keys)})"

    # --- what the session asks ------------------------------------------------------------------------------------

    def sign(self, request: PreparedRequest, send: Send) -> None:
        """Add the present key and its token, fetching one first where there is none that still lives."""
        for _ in self.keys:
            key = self.spender()
            try:
                self._bearers[key].sign(request, send)
            except _Spent as error:
                if not self._turn_from(key):
                    raise error.refusal from None
                continue
            request.headers[KEY_HEADER] = key
            return
        raise self._exhausted()

    def renewed(self, request: PreparedRequest, response: Response) -> bool:
        """After a 401 with another token, once; after a spent quota with the other key, where it has calls left."""
        key = request.headers.get(KEY_HEADER, "")
        if self._is_spent(response):
            self._note(key, response)
            return self._turn_from(key)
        return key in self._bearers and self._bearers[key].renewed(request, response)

    def observe(self, response: Response) -> None:
        """Where no key has a call left, raise QuotaExhausted with the wait, or leave a short wait to the session."""
        if not self._is_spent(response):
            return
        key = response.request.headers.get(KEY_HEADER, "")
        wait = self._note(key, response)
        if wait is None:
            if response.status_code != 429:
                raise self._exhausted(response)
            return  # nobody says how long: the session tries again as after any 429
        others = [until - self._clock() for other, until in self._spent_until.items() if other != key]
        shortest = max(0.0, min([wait, *others]))
        if response.status_code != 429 or shortest > self._settings.longest_wait:
            raise self._exhausted(response, shortest)
        # The session obeys this header, wherever the vendor wrote the wait.
        response.headers["Retry-After"] = str(shortest)

    def secrets(self) -> list[str]:
        """The keys, and their tokens."""
        return [*self.keys, *(secret for bearer in self._bearers.values() for secret in bearer.secrets())]

    def identity(self) -> str:
        """The first key: the same account whichever of the two makes the calls."""
        return self.keys[0]

    def spender(self) -> str:
        """The key that makes the next call."""
        return self.keys[self._present]

    def failover(self) -> bool:
        """Turn to the other key; False where there is none."""
        with self._lock:
            self._present = (self._present + 1) % len(self.keys)
        return len(self.keys) > 1

    def masked(self) -> str:
        """Nothing of the keys but how many there are."""
        return "hidden, with a second one" if len(self.keys) > 1 else "hidden"

    # --- the token ------------------------------------------------------------------------------------------------

    def facts(self, send: Send) -> Mapping[str, Any]:
        """What the present key's token answer says besides the token, fetching one where there is none."""
        key = self.spender()
        bearer = self._bearers[key]
        if bearer.facts is None:
            bearer.token(send)
        return bearer.facts if isinstance(bearer.facts, Mapping) else {}

    def known_facts(self) -> Mapping[str, Any]:
        """The same, of whichever key has fetched a token already; empty where none has."""
        told = [bearer.facts for bearer in self._bearers.values() if isinstance(bearer.facts, Mapping)]
        return told[0] if told else {}

    def _exchange(self, key: str, send: Send) -> tuple[str, float | None, Any]:
        answer = self._ask(key, send)
        try:
            facts = orjson.loads(answer.content)
        except orjson.JSONDecodeError:
            facts = None
        token = dig(facts, "access_token")
        if not isinstance(token, str) or not token:
            text = redact.text(excerpt(answer.content))
            msg = f"validis: the token call answered {answer.status_code} without an access_token. Check region and "
            raise ShapeError(msg + "base_url; a proxy may stand in between.", vendor="validis", excerpt=text)
        redact.remember(token)
        lifetime = _seconds(dig(facts, "expires_in"))
        kept = {name: value for name, value in facts.items() if spelling.plain(name) != "accesstoken"}
        return token, float(self._api.value("A04.lifetime")) if lifetime is None else lifetime, kept

    def _ask(self, key: str, send: Send) -> Response:
        """The token call; it changes nothing, so it is tried again after a failure."""
        for attempt in range(1, self._settings.tries + 1):
            last = attempt == self._settings.tries
            wait: float | None = None
            try:
                response = send(self._token_request(key))
            except RequestException as error:
                if last:
                    raise self._silent(error) from None
            else:
                if response.status_code == 200:
                    return response
                if self._is_spent(response):
                    wait = self._note(key, response)
                    if last or response.status_code != 429 or self._hopeless(key, wait):
                        raise _Spent(self._exhausted(response, wait))
                elif response.status_code not in RETRY_STATUSES or last:
                    raise error_of(response, self._api, self._settings)
                else:
                    wait = retry_after(response.headers, datetime.now(UTC))
            wait = backoff(attempt) if wait is None else min(wait, self._settings.longest_wait)
            self._sleep(wait * self._settings.time_scale)
        raise AssertionError("unreachable: the last try returns or raises")

    def _hopeless(self, key: str, wait: float | None) -> bool:
        """Whether another key can do it now, or nobody would sit through the wait."""
        other = any(other != key and not self._known_spent(other) for other in self.keys)
        return other or (wait is not None and wait > self._settings.longest_wait)

    def _silent(self, error: Exception) -> NoAnswer:
        why = redact.text(f"{type(error).__name__}: {error}")[:300]
        url = redact.url(self._url)
        msg = f"validis: no token from {url} in {self._settings.tries} tries ({why}). Check the network and region."
        return NoAnswer(msg, vendor="validis", url=url)

    def _token_request(self, key: str) -> PreparedRequest:
        form = {"grant_type": GRANT_TYPE, "key": key}
        headers = {KEY_HEADER: key, "Accept": str(self._api.value("A05.accept"))}
        if self._api.value("A02") == "multipart":
            parts = {name: (None, value) for name, value in form.items()}
            return Request("POST", self._url, headers=headers, files=parts).prepare()
        return Request("POST", self._url, headers=headers, data=form).prepare()

    # --- what is spent --------------------------------------------------------------------------------------------

    def _is_spent(self, response: Response) -> bool:
        if response.status_code == 429:
            return True
        return response.status_code == 403 and str(self._api.value("A09")).lower() in _message(response).lower()

    def _note(self, key: str, response: Response) -> float | None:
        """Remember how long *key* has no call left, where the refusal says it."""
        wait = retry_after(response.headers, datetime.now(UTC))
        if wait is None:
            wait = wait_in(_message(response), self._api.value("A08"))
        if wait is not None and key in self._bearers:
            self._spent_until[key] = self._clock() + wait
            # A wait that the session itself sits through is over when the next call is made.
            if wait > self._settings.longest_wait:
                self.spent(key, wait * self._settings.time_scale)
        return wait

    def _turn_from(self, key: str) -> bool:
        """Make another key the present one, unless it is known to be spent too."""
        with self._lock:
            others = [index for index, other in enumerate(self.keys) if other != key and not self._known_spent(other)]
            if not others:
                return False
            if self.keys[self._present] == key:
                self._present = others[0]
            return True

    def _known_spent(self, key: str) -> bool:
        return self._spent_until.get(key, 0.0) > self._clock()

    def _exhausted(self, response: Response | None = None, wait: float | None = None) -> QuotaExhausted:
        said = (
            "" if response is None else f" answered {response.status_code}: {redact.text(_message(response))[:300]!r}"
        )
        free = "It does not say for how long" if wait is None else f"The next call is free in {_told(wait)}"
        both = "Both keys have no call left" if len(self.keys) > 1 else "The key has no call left"
        msg = f"validis{said}. {both} in the vendor's count. {free}; finished calls are in the cache."
        if len(self.keys) == 1:
            msg += " A second key has an allowance of its own: DOCFRAMES_VALIDIS_SECONDARY_API_KEY."
        status = None if response is None else response.status_code
        url = "" if response is None else redact.url(response.url)
        return QuotaExhausted(msg, vendor="validis", status=status, url=url, retry_after=wait)


class _Spent(Exception):
    """The token call was refused because the key has no call left."""

    def __init__(self, refusal: QuotaExhausted) -> None:
        super().__init__(str(refusal))
        self.refusal = refusal


def wait_in(message: str, units: Mapping[str, float]) -> float | None:
    """Seconds that the end of *message* asks to wait: ``hh:mm:ss``, ``2 hours 5 minutes`` or a bare number; or None.

    units : the first letters of a unit to its seconds.
    """
    _, _, tail = message.lower().rpartition("try again in")
    clock = _CLOCK.search(tail)
    if clock:
        hours, minutes, seconds = map(int, clock.groups())
        return float(hours * 3600 + minutes * 60 + seconds)
    if not tail or tail == message.lower():
        return None
    found = [(float(number), word.lower()) for number, word in _COUNTED.findall(tail)]
    lengths = [number * _unit(word, units) for number, word in found]
    return sum(lengths) if lengths else None


def _unit(word: str, units: Mapping[str, float]) -> float:
    return next((seconds for name, seconds in units.items() if word.startswith(name)), 1.0)


def _message(response: Response) -> str:
    try:
        body = orjson.loads(response.content)
    except orjson.JSONDecodeError:
        body = None
    said = next((text for key in ("message", "error_description", "error") if (text := dig(body, key))), None)
    return str(said) if said else response.content[:500].decode("utf-8", "replace")


def _seconds(value: Any) -> float | None:
    try:
        return None if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        return None


def _told(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} seconds"
    return f"{seconds / 60:.0f} minutes" if seconds < 7200 else f"{seconds / 3600:.1f} hours"
