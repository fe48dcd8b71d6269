"""One account at Validis: its region, its keys, and the ids that its token names."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import re
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import orjson

from docframes.errors import ConfigError, OfflineMiss
from docframes.folders import replacing
from docframes.settings import Settings
from docframes.tables.schema import check_sources
from docframes.transport import cache, credentials, journal, planning, store
from docframes.transport import client as transport
from docframes.transport.api import Api
from docframes.transport.limits import DEFAULT_RULE
from docframes.transport.paging import dig
from docframes.vendors.validis import tables
from docframes.vendors.validis.api import API, BASE_URL, REGIONS
from docframes.vendors.validis.auth import Keys

_FACTS = "account.json"
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


class Client(transport.Client):
    """One organisation's account at Validis; see :class:`docframes.transport.client.Client`.

    api_key, secondary_api_key : from ``DOCFRAMES_VALIDIS_API_KEY`` and ``DOCFRAMES_VALIDIS_SECONDARY_API_KEY`` unless
    given.  The second one is optional and takes over where the first has no call left.
    region : sandbox, uk, us, ca or au; from ``DOCFRAMES_VALIDIS_REGION`` unless given.  Keys belong to one region
    (assumed, A01).  base_url : an address in place of the region's.
    """

    auth: Keys

    def __init__(
        self,
        *,
        api_key: str | None = None,
        secondary_api_key: str | None = None,
        region: str | None = None,
        base_url: str | None = None,
        assumptions: Mapping[str, Any] | None = None,
        api: Api = API,
        cached: bool = True,
        settings: Settings | None = None,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        settings = settings or Settings.from_environment()
        known = api.with_assumptions(assumptions or {})
        address = credentials.base_url(known, _address(region, base_url))
        keys = Keys(
            _keys(known, api_key, secondary_api_key),
            api=known,
            base_url=address,
            settings=settings,
            sleep=sleep,
            clock=clock,
            spent=self._spent,
        )
        super().__init__(
            dataclasses.replace(api, error_text=_texts(known.value("A07")), accept=str(known.value("A05.accept"))),
            auth=keys,
            base_url=address,
            assumptions=assumptions,
            cached=cached,
            settings=settings,
            sleep=sleep,
        )
        check_sources(self.assumptions["columns"], tables.ALL)

    def quota_used(self) -> dict[str, int]:
        """Calls of each key in the window that ends now, as counted on this machine: ``primary``, ``secondary``."""
        quota = self.quota
        names = ("primary", "secondary")
        keys = self.auth.keys
        return {name: quota.used(self._spender(key)) for name, key in zip(names, keys, strict=False)} if quota else {}

    def quota_left(self) -> int | None:
        """Calls that all keys together have left in the window that ends now, as counted on this machine."""
        quota = self.quota
        used = self.quota_used().values()
        return None if quota is None else sum(max(0, quota.limit.calls - calls) for calls in used)

    def client_ids(self) -> list[str]:
        """What may be the ``{clientId}`` of paths (A17): the fields of the token answer, in turn.

        They are no secrets and are kept beside the cache, so that an answer from the cache needs no token.
        Raises OfflineMiss where they are not known, and may not be asked for.
        """
        fields = self.api.value("A17")
        facts = self._kept_facts() or self.auth.known_facts() or self._asked_facts()
        ids = [str(found) for name in fields if (found := dig(facts, name)) not in (None, "")]
        return [*ids[:1], *(other for other in ids[1:] if _UUID.fullmatch(other) and other != ids[0])]

    def prefer_client_id(self, client_id: str) -> None:
        """Remember which of them worked."""
        if self._kept_facts().get("works") != client_id:
            self._keep_facts({**(self._kept_facts() or self.auth.known_facts()), "works": client_id})

    def preferred_client_id(self) -> str:
        """The one that worked before; empty where none has yet."""
        return str(self._kept_facts().get("works", ""))

    def _asked_facts(self) -> Mapping[str, Any]:
        if cache.is_offline(self.settings):
            msg = "Offline, and the organisation's id is not in the cache. Load the engagements once while online, or "
            raise OfflineMiss(msg + "pass client_id=.", vendor=self.vendor, url=self.base_url)
        planner = planning.current()
        if planner is not None:
            # Only the token says who asks, and so at which address.
            planner.send(self.vendor, "engagements", DEFAULT_RULE, "engagements", kept=False)
            planner.open = True
            raise planning.Unplanned
        timeout = (self.settings.connect_timeout, self.settings.read_timeout)
        facts = self.auth.facts(self._session().door(self.base_url, timeout=timeout))
        self._keep_facts(facts)
        return facts

    @property
    def _facts_file(self) -> Path | None:
        folder = self.frames_folder
        return None if folder is None else folder / _FACTS

    def _kept_facts(self) -> dict[str, Any]:
        path = self._facts_file
        if path is None:
            return {}
        try:
            facts = orjson.loads(path.read_bytes())
        except (OSError, orjson.JSONDecodeError):
            return {}
        journal.JOURNAL.note_state(self, path)
        return facts if isinstance(facts, dict) else {}

    def _keep_facts(self, facts: Mapping[str, Any]) -> None:
        """A file that cannot be written costs a token call later, nothing else."""
        path = self._facts_file
        facts = {name: dig(facts, name) for name in ("clientId", "vconnectClientId", "works")}
        journal.JOURNAL.note_facts(self, _FACTS, orjson.dumps(facts))
        if path is None:
            return
        with contextlib.suppress(OSError):
            store.private_folder(path.parent)
            with replacing(path) as file:
                file.write(orjson.dumps(facts))

    def _spent(self, key: str, seconds: float) -> None:
        quota = self.quota
        if quota is not None and seconds > 0:
            quota.block(self._spender(key), seconds)


def default_client() -> Client:
    """The account of the environment."""
    return credentials.default_client("validis", Client)


def _keys(api: Api, first: str | None, second: str | None) -> list[str]:
    primary = credentials.api_key(api, first).value
    if not credentials.find(api.vendor, "secondary_api_key", second):
        return [primary]
    secondary = credentials.api_key(api, credentials.find(api.vendor, "secondary_api_key", second)).value
    return [primary, secondary] if secondary != primary else [primary]


def _address(region: str | None, base_url: str | None) -> str | None:
    """The address that the arguments, then the environment, name; raises ConfigError where neither does."""
    if not region and not base_url and credentials.held_address("validis"):
        return None
    if base_url or (not region and os.environ.get(credentials.variable("validis", "base_url"))):
        return base_url
    name = (region or credentials.find("validis", "region")).lower()
    if name not in REGIONS:
        variable = credentials.variable("validis", "region")
        came = f"region is {name!r}" if name else "validis needs the region that the key belongs to"
        msg = f"{came}; it is one of {', '.join(REGIONS)}. Set {variable}, or pass validis.Client(region=...). "
        raise ConfigError(msg + "Another address goes into base_url=.")
    return BASE_URL.format(region=name)


def _texts(names: Any) -> tuple[str, ...]:
    return (names,) if isinstance(names, str) else tuple(names)
