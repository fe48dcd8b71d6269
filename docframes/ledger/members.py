"""Which file of a ledger is which table, by its name."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from fnmatch import fnmatch
from pathlib import PurePosixPath

from docframes.errors import ConfigError, RoleError
from docframes.ledger.roles import Override, fold, plays

TABLES = ("transactions", "period_balances", "period_balances_summarised", "company")

#: Tried in this order, for one name contains another.
_CONTAINED = (
    ("glperiodbalancessummarised", "period_balances_summarised"),
    ("glperiodbalances", "period_balances"),
    ("gltransactions", "transactions"),
    ("gldetail", "transactions"),
    ("companydetails", "company"),
)
#: Words that other files use too ("customer transactions") count only when they are the whole name.
_WHOLE = {
    "periodbalancessummarised": "period_balances_summarised",
    "balancessummarised": "period_balances_summarised",
    "periodbalances": "period_balances",
    "transactions": "transactions",
    "company": "company",
}
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_TEXT_FILES = {"", ".csv", ".txt", ".tsv", ".tab", ".psv", ".dat"}


def is_text(name: str) -> bool:
    """Whether a file of this name is looked into."""
    return PurePosixPath(name).suffix.lower() in _TEXT_FILES


def table_of(name: str) -> str | None:
    """The table that a member of this name holds, or None.

    The name of the file counts, then those of the zips that it lies in.  Case, punctuation, ids and dates do not.
    """
    *above, base = PurePosixPath(name).parts
    for part in (base, *(zipped for zipped in reversed(above) if zipped.lower().endswith(".zip"))):
        plain = _UUID.sub("", PurePosixPath(part).stem.lower())
        plain = re.sub(r"[\W\d_]+", "", plain).replace("z", "s")
        for words, table in _CONTAINED:
            if words in plain:
                return table
        if plain in _WHOLE:
            return _WHOLE[plain]
    return None


def check_patterns(patterns: Mapping[str, str] | None) -> None:
    """Refuse tables that do not exist."""
    for table in patterns or {}:
        if table not in TABLES:
            raise ConfigError(f"There is no table {table!r} in a ledger. The tables are: {', '.join(TABLES)}.")


def sort_members(
    headers: Mapping[str, Sequence[str]],
    patterns: Mapping[str, str] | None,
    roles: Mapping[str, Override] | None,
) -> dict[str, str | None]:
    """The table of each member, None for the others.

    headers : by member.  patterns : the caller's word, table -> pattern of names; the rest goes by name.
    Where no name says transactions, the members whose headers do are taken.
    Raises : RoleError when they differ, or when nothing in the ledger is recognised.
    """
    found: dict[str, str | None] = {name: table_of(name) for name in headers}
    for table, pattern in (patterns or {}).items():
        matching = [name for name in headers if fnmatch(name, pattern)]
        if not matching:
            raise ConfigError(f"members[{table!r}] is {pattern!r}; no file is named so among {list(headers)}.")
        found = {name: None if one == table else one for name, one in found.items()} | dict.fromkeys(matching, table)
    if "transactions" not in found.values():
        found |= dict.fromkeys(_by_headers(headers, found, roles), "transactions")
    return found


def _by_headers(
    headers: Mapping[str, Sequence[str]],
    found: Mapping[str, str | None],
    roles: Mapping[str, Override] | None,
) -> list[str]:
    rest = [name for name, table in found.items() if table is None]
    if len(found) == 1 and rest:
        return rest  # the only file; if it lacks a role, the error about it says so
    fitting = [name for name in rest if plays(headers[name], roles)]
    shapes = {tuple(sorted(fold(header) for header in headers[name])) for name in fitting}
    if len(shapes) > 1 or not (fitting or any(found.values())):
        what = "Several files could hold the transactions" if fitting else "No file is recognised as part of a ledger"
        msg = f"{what}: { {name: list(headers[name]) for name in fitting or rest} }. "
        raise RoleError(msg + "Say which: read_ledger(..., members={'transactions': '*.csv'}).")
    return fitting
