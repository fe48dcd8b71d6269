"""One account at Veridox: its region, its key, its rates."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from typing import Any

from docframes.errors import ConfigError
from docframes.settings import Settings
from docframes.tables.schema import check_sources
from docframes.transport import client as transport
from docframes.transport import credentials
from docframes.transport.api import MINUTE, Api
from docframes.transport.limits import DEFAULT_RULE, RateLimit
from docframes.vendors.veridox import analyses, tables
from docframes.vendors.veridox.api import API, BASE_URL, DEFAULT_REGION, REGIONS


class Client(transport.Client):
    """One account at Veridox; see :class:`docframes.transport.client.Client`.

    The key comes from ``DOCFRAMES_VERIDOX_API_KEY`` unless it is given.
    region : ``"uk"`` or ``"ca"``: data and keys live in one region.  None looks in ``DOCFRAMES_VERIDOX_BASE_URL``, then
    in ``DOCFRAMES_VERIDOX_REGION``, then takes ``uk``.  base_url : an address in place of a region's.
    rates : calls a minute by rule, where Veridox has raised them: ``{"default": 60}``; rules as in ``api.RATES``.
    Raises MissingKey; ConfigError for an unknown region or rule, or a region beside a base_url.
    """

    def __init__(
        self,
        *,
        api_key: str | None = None,
        region: str | None = None,
        base_url: str | None = None,
        rates: Mapping[str, int] | None = None,
        assumptions: Mapping[str, Any] | None = None,
        api: Api = API,
        cached: bool = True,
        settings: Settings | None = None,
    ) -> None:
        guessed = api.with_assumptions(assumptions or {})
        super().__init__(
            _paced(guessed, rates or {}),
            api_key=api_key,
            base_url=_address(guessed, region, base_url),
            cached=cached,
            settings=settings,
        )
        check_sources(self.assumptions["columns"], (*tables.ALL, *analyses.ALL))


def default_client() -> Client:
    """The account of the environment."""
    return credentials.default_client("veridox", Client)


def _address(api: Api, region: str | None, base_url: str | None) -> str | None:
    """The address of a region, of the argument before the environment's; None leaves it to the general rule."""
    if region is not None and base_url is not None:
        raise ConfigError("veridox.Client takes region= or base_url=, not both: each says where the calls go.")
    if region is None and base_url is None and credentials.held_address(api.vendor):
        return None
    if base_url is not None or (region is None and os.environ.get(credentials.variable(api.vendor, "base_url"))):
        return base_url
    wanted = (region or os.environ.get(credentials.variable(api.vendor, "region")) or DEFAULT_REGION).strip().lower()
    if wanted not in REGIONS:
        msg = f"Veridox has no region {wanted!r} that is known; it has {', '.join(REGIONS)}. "
        raise ConfigError(msg + "Give another one's address as base_url=.")
    return {"uk": api.base_url or BASE_URL, "ca": str(api.value("host_ca"))}[wanted]


def _paced(api: Api, rates: Mapping[str, int]) -> Api:
    """*api* with the user's rates, and a budget each for the paths without one where that is assumed."""
    unknown = sorted(set(rates) - set(api.rates))
    if unknown:
        raise ConfigError(f"Veridox has no rate rule {unknown[0]!r}; it has {', '.join(sorted(api.rates))}.")
    for rule, calls in rates.items():
        if isinstance(calls, bool) or not isinstance(calls, int) or calls < 1:
            raise ConfigError(f"rates[{rule!r}] is {calls!r}; it must be a whole number of calls a minute, from 1 up.")
    known = {**api.rates, **{rule: RateLimit(calls, MINUTE) for rule, calls in rates.items()}}
    endpoints = dict(api.endpoints)
    if not api.value("shared_default_budget"):
        for name, endpoint in endpoints.items():
            if endpoint.rule == DEFAULT_RULE:
                # Both endpoints of an analysis are one path.
                rule = endpoint.path
                endpoints[name] = dataclasses.replace(endpoint, rule=rule)
                known[rule] = known[DEFAULT_RULE]
    return dataclasses.replace(api, rates=known, endpoints=endpoints)
