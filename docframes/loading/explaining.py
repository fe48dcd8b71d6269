"""What a load would cost, in words, before anything is sent."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from docframes.errors import ConfigError
from docframes.tables import html
from docframes.transport import planning
from docframes.transport.client import Client
from docframes.transport.limits import RateLimit
from docframes.words import count


@dataclass(frozen=True)
class Explanation:
    """What a load would cost.

    calls : that would be sent to the vendor; a call for a token comes on top, and so does every call that is tried
    again.  cached : answers that the cache has.
    exact : whether the number is known: else only the vendor's next answer tells how many follow, and ``calls`` is the
    least.  What the cache remembers of the last time, however old, counts as known: a list that has grown since costs
    more.
    seconds : how long the documented rate alone makes the load last.
    quota_left : calls that are left of the vendor's allowance, as counted on this machine; None where there is none.
    endpoints : one row per kind of call: vendor, endpoint, calls, rate (documented, as text; empty where none is).
    """

    loader: str
    calls: int
    cached: int
    exact: bool
    seconds: float
    quota_left: int | None
    endpoints: pd.DataFrame = field(repr=False, compare=False)

    def __repr__(self) -> str:
        return f"{self.loader}: {', '.join(self._facts())}"

    def _repr_html_(self) -> str:
        rows = [
            (str(row["vendor"]), str(row["endpoint"]), int(row["calls"]), str(row["rate"]))
            for row in self.endpoints.to_dict("records")
        ]
        return html.titled(self.loader, self._facts()) + html.table(("vendor", "endpoint", "calls", "rate"), rows)

    def _facts(self) -> list[str]:
        least = "" if self.exact else "at least "
        facts = [f"{least}{count(self.calls, 'call')}", f"{count(self.cached, 'answer')} from the cache"]
        if not self.exact:
            facts.append("how many follow is known after the first")
        if self.seconds:
            facts.append(f"{least}{_long(self.seconds)} at the documented rate")
        if self.quota_left is not None:
            facts.append(f"{count(self.quota_left, 'call')} left of the allowance")
        return facts


def explain(loader: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Explanation:
    """What ``loader(*args, **kwargs)`` would cost; nothing is sent for it.

    ``docframes.explain(validocx.load_jobs, updated_after="2026-01-01")`` goes by what is in the cache, by the rates
    and allowances that the vendor documents, and by the totals of the last time.
    Raises what the loader raises for arguments that cannot be; ConfigError for what is no loader.
    """
    if not callable(loader) or not getattr(loader, "__module__", "").startswith("docframes.vendors."):
        raise ConfigError(
            f"explain takes a loader and its arguments, as in explain(validocx.load_jobs); got {loader!r}."
        )
    planner = planning.plan(lambda: loader(*args, **kwargs))
    clients = [client for client in planner.clients.values() if isinstance(client, Client)]
    rates = {client.vendor: client.api.rates for client in clients}
    told = [
        (vendor, endpoint, calls, _rates_of(rule, rates.get(vendor, {})))
        for (vendor, endpoint, rule), calls in planner.sent.items()
    ]
    return Explanation(
        loader=f"{loader.__module__.split('.')[2]}.{loader.__name__}",
        calls=planner.calls,
        cached=planner.cached,
        exact=not planner.open,
        seconds=_seconds(planner, rates),
        quota_left=_quota_left(clients),
        endpoints=_frame(told),
    )


def _rates_of(rule: str, rates: Any) -> list[RateLimit]:
    return [rates[name] for name in rule.split("+") if name in rates]


def _seconds(planner: planning.Planner, rates: dict[str, Any]) -> float:
    """The longest that any one rate makes the calls under it last; a window's first calls wait for nothing."""
    under: dict[tuple[str, str], int] = {}
    for (vendor, _, rule), calls in planner.sent.items():
        for name in rule.split("+"):
            if name in rates.get(vendor, {}):
                under[vendor, name] = under.get((vendor, name), 0) + calls
    waits = [
        max(0, math.ceil(calls / rates[vendor][name].calls) - 1) * rates[vendor][name].seconds
        for (vendor, name), calls in under.items()
    ]
    return max(waits, default=0.0)


def _quota_left(clients: list[Client]) -> int | None:
    left = [client.quota_left() for client in clients]
    known = [calls for calls in left if calls is not None]
    return min(known) if known else None


def _frame(told: list[tuple[str, str, int, list[RateLimit]]]) -> pd.DataFrame:
    rows = [(vendor, endpoint, calls, " and ".join(map(_rate, limits))) for vendor, endpoint, calls, limits in told]
    types = {"vendor": "str", "endpoint": "str", "calls": "int64", "rate": "str"}
    frame = pd.DataFrame(rows, columns=list(types)).astype(types)
    names = ["vendor", "endpoint", "rate"]
    return frame.groupby(names).agg(calls=("calls", "sum")).reset_index()[list(types)]


def _rate(limit: RateLimit) -> str:
    spans = {1.0: "second", 60.0: "minute", 3600.0: "hour"}
    return (
        f"{limit.calls} a {spans[limit.seconds]}" if limit.seconds in spans else f"{limit.calls} in {limit.seconds} s"
    )


def _long(seconds: float) -> str:
    if seconds < 120:
        return count(math.ceil(seconds), "second")
    return count(math.ceil(seconds / 60), "minute") if seconds < 7200 else f"{seconds / 3600:.1f} hours"
