"""``read_ledger``: a zip, a folder or a CSV -> a store of it -> GeneralLedger."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

from docframes import errors
from docframes.errors import ConfigError, LedgerError, RoleError, warn
from docframes.ledger.archive import open_members
from docframes.ledger.build import Build
from docframes.ledger.frames import Amounts
from docframes.ledger.general_ledger import GeneralLedger, of_store
from docframes.ledger.members import check_patterns
from docframes.ledger.memory import from_pool
from docframes.ledger.roles import ROLES, Override, check_overrides
from docframes.ledger.sources import How
from docframes.ledger.store import FORMAT, Draft, Store, Tell, find, open_store, warn_of, written
from docframes.ledger.values import AmountForm
from docframes.settings import Settings

Paths = str | Path | Mapping[str, str | Path]


def read_ledger(
    path: Paths,
    *,
    roles: Mapping[str, Override] | None = None,
    members: Mapping[str, str] | None = None,
    dates: str | Mapping[str, str] | None = None,
    delimiter: str | None = None,
    encoding: str | None = None,
    decimal: str = ".",
    thousands: str | None = None,
    scale: int = 6,
    signed: bool | None = None,
    amounts: Amounts = "float",
    cache_dir: str | Path | None = None,
) -> GeneralLedger:
    """Read a ledger from a zip, a folder or one CSV; or from several of them together, ``{name: path}``.

    It is read once, as a stream, into a store of Parquet files in the cache folder; the same bytes with the same
    options are opened from there the next time.  Memory does not grow with the ledger until a frame is asked for.

    roles : role -> header, where the headers do not say it: ``{"date": "Document_Date"}``.  Several headers make a
    text together (``{"transaction": ["series", "number"]}``), or a moment, of a date and a time.  None: not played.
    members : table -> pattern of file names, where those do not say it: ``{"transactions": "GL*.csv"}``.
    dates : a ``strptime`` format for every date, or one by role; None reads ISO 8601 and ``yyyymmdd``.
    delimiter, encoding : None looks; an encoding is UTF-8 or UTF-16, else cp1252, cp437 or latin-1 with a
    TextEncodingWarning.
    decimal, thousands : marks in amounts.  scale : digits kept after the point, 0 to 18.
    signed : whether amounts beside a debit/credit indicator carry their own sign; None looks at all of them.
    amounts : ``"float"`` for float64 columns, ``"decimal"`` for exact ones.  Control totals are exact in either case.
    cache_dir : where the store is kept, instead of the cache folder of the settings.

    Returns : a GeneralLedger, whose frames have the same columns and dtypes for any rows.  ``amount`` is signed, debit
    positive.  Lines that cannot be read are counted in one LedgerWarning and listed in ``problems``.
    Raises : ArchiveError for a broken or unsafe zip; RoleError without a date or an amount; ValueFormatError for
    dates or amounts whose form is not sure; ConfigError for an option that cannot be; StoreError where the disk
    of *cache_dir* is full.  Where that of the cache folder is, the ledger lies in a temporary folder, with a
    CacheWarning, until it is let go.
    """
    form = AmountForm(decimal, thousands, scale)
    how = How(roles, members, _formats(dates), delimiter, encoding, form, signed)
    folder = Path(cache_dir) if cache_dir else Settings.from_environment().cache_folder
    return read_into(folder / "ledgers", path, how, amounts=amounts, only_there=cache_dir is not None)


def read_into(
    folder: Path | None, path: Paths, how: How, *, amounts: Amounts, tell: Tell = warn_of, only_there: bool = False
) -> GeneralLedger:
    """The same, with the store below *folder*; where it cannot be used, in one that lasts as long as the ledger.

    tell, only_there : as :func:`.store.written` takes them.
    """
    check_amounts(amounts)
    _check(how)
    store = stored(folder, path, how, tell=tell, only_there=only_there)
    for kind, message in store.facts["notes"]:
        warn(message, getattr(errors, kind))
    files = {name: Path(one) for name, one in path.items()} if isinstance(path, Mapping) else Path(path)
    return dataclasses.replace(of_store(store, amounts=amounts), files=files)


def open_ledger(folder: str | Path, *, amounts: Amounts = "float") -> GeneralLedger:
    """The ledger that ``gl.save(folder)`` wrote: at once, and without its source.

    Raises StoreError where there is none, or it is not whole.
    """
    check_amounts(amounts)
    return of_store(open_store(folder), amounts=amounts)


def stored(folder: Path | None, path: Paths, how: How, *, tell: Tell = warn_of, only_there: bool = False) -> Store:
    """The store of *path*: the one that is there, else a new one."""
    digests = _digests(path)
    key = hashlib.sha256(repr((FORMAT, digests, how)).encode()).hexdigest()[:24]
    there = find(folder, key, tell=tell) if folder is not None else None
    if there is not None:
        return there
    with open_members(path) as members, from_pool():
        builds = [Build(members, how)]

        def write(draft: Draft) -> Store:
            # What a full disk broke off is begun anew elsewhere.
            build = builds.pop() if builds else Build(members, how)
            facts = build.run(draft.folder)
            name = facts["name"] or Path(next(iter(digests), "")).stem
            label = facts["uploads"][0] if len(facts["uploads"]) == 1 else name
            return draft.finish(label, key, {**facts, "name": name, "archives": digests})

        return written(folder, write, tell=tell, only_there=only_there)


def check_amounts(amounts: Any) -> None:
    """Refuse what is none of the two."""
    if amounts not in get_args(Amounts):
        raise ConfigError(f"amounts is one of {get_args(Amounts)}; {amounts!r} was given.")


def _formats(dates: str | Mapping[str, str] | None) -> Mapping[str, str]:
    if isinstance(dates, str):
        return {name: dates for name, role in ROLES.items() if role.kind in ("date", "moment")}
    return dates or {}


def _check(how: How) -> None:
    check_overrides(how.roles)
    check_patterns(how.members)
    for name in how.dates:
        if name not in ROLES or ROLES[name].kind not in ("date", "moment"):
            known = [role.name for role in ROLES.values() if role.kind in ("date", "moment")]
            raise RoleError(f"dates names the role {name!r}; roles with dates are {', '.join(known)}.")


def _digests(path: Paths) -> dict[str, str]:
    """The SHA-256 of each file that the ledger is read from, by name."""
    if isinstance(path, Mapping):
        return {name: _digest(Path(one)) for name, one in sorted(path.items())}
    path = Path(path)
    if not path.exists():
        raise LedgerError(f"There is nothing at {str(path)!r}. Name a zip, a folder or a CSV that is there.")
    if path.is_dir():
        files = sorted(one for one in path.rglob("*") if one.is_file())
        return {f"{path.name}/{one.relative_to(path).as_posix()}": _digest(one) for one in files}
    return {path.name: _digest(path)}


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
