"""``docframes quota``: what is left of the calls that vendors allow, as counted on this machine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from docframes.cli import rooms
from docframes.cli.screen import Screen
from docframes.errors import ConfigError
from docframes.settings import Settings
from docframes.transport import cache, usage
from docframes.transport.limits import DEFAULT_RULE, QuotaLimit, RateLimit
from docframes.transport.usage import Usage
from docframes.words import count

#: What a key is called whose calls were counted here, and which is not in the environment now.
_OTHER = "another"
#: Keys that the table shows: whoever has more than two has used sandboxes.
_SHOWN = 10
_SPANS = {1: "a second", 60: "a minute", 3600: "an hour", 86_400: "a day"}


def show(screen: Screen) -> int:
    """Calls used and left by key, then the rates of the vendors that count none."""
    folder = Settings.from_environment().cache_folder
    for vendor in rooms.VENDORS:
        limit = rooms.api(vendor).quota
        if limit is not None:
            _show_quota(screen, vendor, limit)
    screen.say(f"Counted in {folder}, by every process of this user; calls made elsewhere are not in it.")
    screen.heading("Rates that are documented, which docframes keeps by itself:")
    for vendor in rooms.VENDORS:
        screen.paragraph(f"{vendor}: {_rates(rooms.api(vendor).rates)}")
    return 0


def usages(vendor: str) -> dict[str, tuple[str, Usage]]:
    """By account: what its key is called, and its usage; keys of the environment and of the keyring come first, then
    those with the fewest calls left.

    Raises ConfigError where a vendor counts no calls, or the file of counts cannot be read.
    """
    limit = rooms.api(vendor).quota
    if limit is None:
        raise ConfigError(f"{vendor} documents no number of calls in a window; only rates.")
    counted = usage.read(cache.location() / f"{vendor}.quota", limit)
    if counted.note:
        msg = f"The count of calls, {vendor}.quota, cannot be read ({counted.note}). "
        raise ConfigError(msg + "docframes doctor says what is wrong with it.")
    named = {
        account: (name, counted.accounts.get(account, usage.none_of(account, limit)))
        for account, name in _keys(vendor).items()
    }
    others = sorted(counted.accounts.values(), key=lambda one: (one.left, one.account))
    return {**named, **{one.account: (_OTHER, one) for one in others if one.account not in named}}


def _keys(vendor: str) -> Mapping[str, str]:
    """What the keys that are found are called, by account; nothing where no client can be made of them."""
    try:
        client = rooms.client(vendor)
    except ConfigError:
        return {}
    keys = getattr(client.auth, "keys", [client.auth.spender()])
    names = ("primary", "secondary")
    return {cache.fingerprint(vendor, client.base_url, key): name for name, key in zip(names, keys, strict=False)}


def _show_quota(screen: Screen, vendor: str, limit: QuotaLimit) -> None:
    screen.say(f"{vendor}: {limit.calls:,} calls of one key in any {limit.seconds / 3600:.0f} hours.\n")
    found = usages(vendor)
    if found:
        rows = [(name, one.account, f"{one.used:,}", f"{one.left:,}", _free(one)) for name, one in found.values()]
        screen.table(("key", "account", "used", "left", "next one is free (UTC)"), rows[:_SHOWN], "<<>><")
        if len(rows) > _SHOWN:
            screen.paragraph(f"and {count(len(rows) - _SHOWN, 'other key')} with more calls left")
        screen.say()
    for line in _remarks(vendor, found):
        screen.paragraph(line)
    screen.say()


def _remarks(vendor: str, found: Mapping[str, tuple[str, Usage]]) -> Iterator[str]:
    names = {name for name, _ in found.values()}
    if not any(one.used or one.blocked_until for _, one in found.values()):
        yield "Nothing is counted yet."
    if names <= {_OTHER}:
        variables = ", ".join(rooms.variables(vendor))
        yield f"No key of {vendor} that is whole was found in {variables} or the keyring; docframes doctor says more."
    for name, one in found.values():
        if one.blocked_until is not None:
            yield f"The vendor says that the {name} key has no call left until {_moment(one.blocked_until)} UTC."


def _free(one: Usage) -> str:
    if one.free_at is None:
        return "now"
    return f"{_moment(one.free_at)}{', blocked' if one.blocked_until is not None else ''}"


def _moment(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S}"


def _rates(rates: Mapping[str, RateLimit]) -> str:
    told = [f"{'' if rule == DEFAULT_RULE else f'{rule} '}{_rate(rate)}" for rule, rate in rates.items()]
    return "; ".join(told) or "none"


def _rate(rate: RateLimit) -> str:
    span = _SPANS.get(round(rate.seconds), f"in {rate.seconds:g} seconds")
    return f"{rate.calls:,} {span}"
