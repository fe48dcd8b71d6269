"""One account's way to its vendor: address, credential, cache and session; how one request is sent."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, NoReturn, Self
from urllib.parse import quote, urljoin

import requests
from requests_cache import DO_NOT_CACHE

from docframes.errors import ConfigError, NoAnswer, OfflineMiss, QuotaExhausted
from docframes.settings import Settings
from docframes.transport import cache, credentials, planning, redact, replay, store
from docframes.transport.answers import Account, Answer, Call, answer_of, error_of
from docframes.transport.api import Api
from docframes.transport.auth import Auth, origin
from docframes.transport.limits import Quota
from docframes.transport.retry import IDEMPOTENT
from docframes.transport.session import LINKS_HEADER, REPEATABLE_HEADER, RULE_HEADER, ClientSession, make_session
from docframes.transport.trouble import Trouble

_MOST_REDIRECTS = 5


class Connection:
    """What a :class:`.Client` stands on; its arguments are described there."""

    def __init__(
        self,
        api: Api,
        *,
        api_key: str | None = None,
        auth: Auth | None = None,
        base_url: str | None = None,
        assumptions: Mapping[str, Any] | None = None,
        cached: bool = True,
        settings: Settings | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.api = api.with_assumptions(assumptions or {})
        self.settings = settings or Settings.from_environment()
        self.base_url = credentials.base_url(self.api, base_url)
        self.auth: Auth = auth if auth is not None else credentials.api_key(self.api, api_key)
        self._capsule = replay.current()
        self._fingerprint = cache.fingerprint(self.vendor, self.base_url, self.auth.identity())
        if self._capsule is not None:
            # Where it is not clear which account is meant, that is said at once.
            self._capsule.account(self.vendor, self.base_url, self._fingerprint)
        for secret in self.auth.secrets():
            redact.remember(secret)
        self.trouble = Trouble()
        self.cached = self._cached = cached
        self._sleep = sleep
        self._lock = threading.RLock()
        self._session_: ClientSession | None = None
        self._store: store.Store | None = None

    def __repr__(self) -> str:
        return f"<{self.vendor} client at {redact.url(self.base_url)}, key {self.auth.masked()}>"

    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        msg = f"A {self.vendor} client holds a key, so it is neither pickled nor copied. Make one where it is needed; "
        raise TypeError(msg + "it finds its key there in the environment or the keyring.")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def vendor(self) -> str:
        """The room's name."""
        return self.api.vendor

    @property
    def account(self) -> str:
        """A name for the account, from which the credential cannot be had; in a capsule that of the one it stands for.

        Raises ConfigError for a client that was made within a capsule which is closed now.
        """
        held = replay.current()
        if held is not None:
            return held.account(self.vendor, self.base_url, self._fingerprint)
        if self._capsule is not None:
            msg = (
                f"This {self.vendor} client was made within the capsule {self._capsule.name}, which is closed: it has "
            )
            raise ConfigError(msg + f"no account of its own. Make one anew: {self.vendor}.Client().")
        return self._fingerprint

    @property
    def _who(self) -> Account:
        return Account(self.vendor, self.account, redact.url(self.base_url), self.api.answer_headers)

    @property
    def assumptions(self) -> dict[str, Any]:
        """Every guess about this API that is in force, by name."""
        return {name: assumption.value for name, assumption in self.api.assumptions.items()}

    @property
    def frames_folder(self) -> Path | None:
        """Where frames of finished loads are kept; None where nothing is kept."""
        held = replay.current()
        if held is not None:
            return held.folder(self.vendor, self.account)
        usable = self._cached and not self.trouble.everywhere
        return self._store_path().with_suffix(".frames") if usable else None

    @cached_property
    def quota(self) -> Quota | None:
        """The count of calls, where the vendor allows so many in a window."""
        if self.api.quota is None:
            return None
        return Quota(cache.location(self.settings) / f"{self.vendor}.quota", self.api.quota, trouble=self.trouble)

    def quota_left(self) -> int | None:
        """Calls that are left in the window that ends now, as counted on this machine; None without an allowance."""
        quota = self.quota
        return None if quota is None else max(0, quota.limit.calls - quota.used(self._spender(self.auth.spender())))

    def close(self) -> None:
        """Close connections and the cache file; the next call opens them again."""
        with self._lock:
            if self._session_ is not None:
                self._session_.close()
            elif self._store is not None:
                self._store.close()
            self._session_ = self._store = None

    def sleep(self, seconds: float) -> None:
        """Wait, as long as a second lasts here."""
        self._sleep(seconds * self.settings.time_scale)

    # --- one request --------------------------------------------------------------------------------------------

    def _send(self, call: Call, refresh: bool) -> requests.Response:
        """Send, following redirects within the vendor's own host only: another host's answer is no API answer."""
        response = self._request(call, refresh=refresh)
        for _ in range(_MOST_REDIRECTS):
            target = urljoin(response.url, response.headers.get("Location", ""))
            if not response.is_redirect or response.status_code in call.endpoint.accepts or not self._own(target):
                break
            response = self._request(call, refresh=refresh, url=target)
        return response

    def _request(self, call: Call, *, refresh: bool, url: str = "", stream: bool = False) -> requests.Response:
        endpoint = call.endpoint
        planner = planning.current()
        if planner is not None:
            self._plan_to_send(planner, call)
            planner.open = True
            raise planning.Unplanned
        if cache.is_offline(self.settings):
            # Whoever comes here past the cache, as for a file that the API itself sends, would open a socket.
            raise self._miss(call, "cache", "Files and links are never kept: ask for it while online.")
        response: requests.Response = self._session().request(  # type: ignore[call-arg]
            endpoint.method,
            url or self._url(call),
            params=None if url else call.params or None,
            headers=self._headers(call, stream),
            json=call.json,
            files=call.files,
            timeout=(self.settings.connect_timeout, self.settings.read_timeout),
            allow_redirects=False,
            stream=stream,
            expire_after=DO_NOT_CACHE if stream or endpoint.links else round(endpoint.lifetime) or DO_NOT_CACHE,
            force_refresh=refresh,
        )
        return response

    def _headers(self, call: Call, stream: bool) -> dict[str, str]:
        endpoint = call.endpoint
        headers = {"Accept": self.api.accept, **endpoint.headers, **call.headers, RULE_HEADER: endpoint.rule}
        if endpoint.links or stream:
            headers[LINKS_HEADER] = "1"
        if endpoint.repeatable:
            headers[REPEATABLE_HEADER] = "1"
        return headers

    def forget(self, call: Call) -> None:
        """Drop what the cache holds for *call*: an answer that turned out to be none is not given again."""
        store = self._open_store()
        if store is not None and planning.current() is None:
            store.delete(self._key(call))

    def _key(self, call: Call) -> str:
        request = requests.Request(call.endpoint.method, self._url(call), params=call.params or None, json=call.json)
        return store.answer_key(request.prepare())

    def _from_cache(self, call: Call) -> Answer:
        store = self._open_store()
        cached = store.get_response(self._key(call)) if store else None
        if cached is None:
            where, mend = "cache", "Load it once while online."
            if replay.current() is not None:
                where, mend = "capsule", "Only what was used when it was saved is there."
            raise self._miss(call, where, mend)
        if cached.status_code not in call.endpoint.accepts:
            raise error_of(cached, self.api, self.settings)
        return answer_of(call, cached, self._who)

    def _miss(self, call: Call, where: str, mend: str) -> OfflineMiss:
        msg = f"Offline, and this answer is not in the {where}: {self._told(call)}. {mend}"
        return OfflineMiss(msg, vendor=self.vendor, url=redact.url(self._url(call)))

    def _own(self, url: str) -> bool:
        return origin(url) == origin(self.base_url)

    def _url(self, call: Call) -> str:
        values = {name: quote(str(value), safe="") for name, value in call.path.items()}
        url = self.base_url + call.endpoint.path.format_map(values)
        return f"{url}#{quote(call.version, safe='')}" if call.version else url

    def _told(self, call: Call) -> str:
        params = redact.arguments(call.params)
        told = "&".join(f"{name}={value}" for name, value in params.items())
        return f"{call.endpoint.method} {redact.url(self._url(call))}" + (f" ({told})" if told else "")

    def _no_answer(self, call: Call, error: Exception) -> NoReturn:
        # The cause is told redacted and not chained: its own text may hold a signed URL.
        why = redact.text(f"{type(error).__name__}: {error}")[:300]
        once = call.endpoint.method not in IDEMPOTENT and not call.endpoint.repeatable
        tries = "1 try" if once else f"{self.settings.tries} tries"
        msg = f"{self._told(call)}: no answer in {tries} ({why}). Check the network and base_url; "
        msg += "calls that succeeded are in the cache."
        raise NoAnswer(msg, vendor=self.vendor, url=redact.url(self._url(call))) from None

    def _plan_to_send(self, planner: planning.Planner, call: Call) -> None:
        if cache.is_offline(self.settings):
            self._from_cache(call)
        endpoint = call.endpoint
        planner.send(self.vendor, endpoint.name, endpoint.rule, self._key(call), kept=self._cached and endpoint.kept)

    # --- the session --------------------------------------------------------------------------------------------

    def _session(self) -> ClientSession:
        if self._capsule is not None:
            raise ConfigError(
                f"This client was made within the capsule {self._capsule.name}, where nothing is sent. Make one anew."
            )
        with self._lock:
            if self._session_ is None:
                self._session_ = make_session(
                    base_url=self.base_url,
                    auth=self.auth,
                    store=self._own_store(),
                    settings=self.settings,
                    rates=self.api.rates,
                    count=self._count,
                    spend=self._spend,
                    sleep=self._sleep,
                )
            return self._session_

    def _spend(self, request: requests.PreparedRequest) -> None:
        """Count one call against what the load may cost."""
        budget = planning.budget()
        if budget is not None:
            budget.spend(store.answer_key(request))

    def _count(self) -> None:
        """Count one call against the quota; turn to another credential where the present one has none left."""
        quota = self.quota
        if quota is None:
            return
        # One at a time, so that two threads do not both turn away from the same spent credential.
        with self._lock:
            waits = [quota.take(self._spender(self.auth.spender()))]
            if waits[0] is not None and self.auth.failover():
                waits.append(quota.take(self._spender(self.auth.spender())))
        if None not in waits:
            raise self._exhausted(quota, min(wait for wait in waits if wait is not None))

    def _exhausted(self, quota: Quota, wait: float) -> QuotaExhausted:
        hours = f"{quota.limit.seconds / 3600:.0f} hours"
        msg = f"{self.vendor}: the {quota.limit.calls:,} calls that a key allows in {hours} are spent; the next one is "
        msg += f"free in {math.ceil(wait / 60)} minutes. Finished calls are in the cache."
        return QuotaExhausted(msg, vendor=self.vendor, status=None, retry_after=wait)

    def _spender(self, credential: str) -> str:
        """Under which name the calls of a credential are counted: nobody can have the credential back from it."""
        return cache.fingerprint(self.vendor, self.base_url, credential)

    def _open_store(self) -> store.Store | replay.Held | None:
        held = replay.current()
        return self._own_store() if held is None else held.answers(self.vendor, self.account)

    def _own_store(self) -> store.Store | None:
        with self._lock:
            if self._store is None and self._cached:
                self._store = store.open_store(self._store_path(), self.api.answer_headers, self.trouble)
                self._cached = self._store is not None
            return self._store

    def _store_path(self) -> Path:
        return cache.location(self.settings) / f"{self.vendor}-{self.account}.sqlite"
