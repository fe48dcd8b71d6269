"""Several ledgers as one: the same tables, with the engagement of each line in front."""

from __future__ import annotations

import dataclasses
import hashlib
from collections import defaultdict
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa

from docframes.errors import ConfigError
from docframes.ledger.build import OTHERS
from docframes.ledger.columns import LINE, MEMBER
from docframes.ledger.frames import Amounts
from docframes.ledger.general_ledger import GeneralLedger, of_store
from docframes.ledger.parquet import TableWriter
from docframes.ledger.roles import ROLES
from docframes.ledger.rows import TEXT
from docframes.ledger.store import FORMAT, Draft, Store, find, warn_of, written
from docframes.ledger.values import PRECISION
from docframes.settings import Settings

ENGAGEMENT = "engagement_id"
_TABLES = ("transactions", "period_balances", "period_balances_summarised", "company")


def consolidate(
    ledgers: Mapping[str, GeneralLedger],
    *,
    name: str | None = None,
    amounts: Amounts = "float",
    cache_dir: str | Path | None = None,
) -> GeneralLedger:
    """The lines of several ledgers in one, each with its ``engagement_id``, in the order given.

    ledgers : by engagement, as ``validis.load_gl_extract([4711, 4712])`` gives them.  name : None joins theirs.
    Columns that one ledger lacks are missing in its lines; amounts have the digits of the ledger with most of them.
    ``controls`` and ``totals`` are the sums of the ledgers' own, so the same transaction id in two engagements is two
    transactions.
    amounts, cache_dir : as in ``read_ledger``.  Memory does not grow with the ledgers.
    Raises : ConfigError without a ledger, or for something that is none; StoreError where the disk is full.
    """
    _check(ledgers)
    by_name = {str(engagement): ledger for engagement, ledger in ledgers.items()}
    folder = Path(cache_dir) if cache_dir else Settings.from_environment().cache_folder
    called = name or " + ".join(dict.fromkeys(ledger.name for ledger in by_name.values()))
    store = _stored(folder / "ledgers", by_name, called, only_there=cache_dir is not None)
    together = of_store(store, amounts=amounts)
    origin = {"engagements": ", ".join(by_name), **together.origin}
    return dataclasses.replace(together, origin=origin, files=_files(by_name))


def _files(ledgers: Mapping[str, GeneralLedger]) -> dict[str, Path]:
    """Where the files of all of them lie that is known of, under names with the engagement in front."""
    files: dict[str, Path] = {}
    for engagement, ledger in ledgers.items():
        if isinstance(ledger.files, Mapping):
            files |= {f"{engagement}/{name}": path for name, path in ledger.files.items()}
        elif ledger.files is not None and ledger.files.is_dir():
            below = (path for path in ledger.files.rglob("*") if path.is_file())
            files |= {f"{engagement}/{path.relative_to(ledger.files).as_posix()}": path for path in below}
        elif ledger.files is not None:
            members = set(ledger.sources["member"])
            # A file that is a member itself bears its own name; a zip's members bear none of it.
            files[f"{engagement}/{ledger.files.name}" if ledger.files.name in members else engagement] = ledger.files
    return files


def _check(ledgers: Any) -> None:
    if not isinstance(ledgers, Mapping) or not ledgers:
        msg = f"consolidate wants one ledger at least, as {{engagement: ledger}}; {type(ledgers).__name__} "
        raise ConfigError(msg + f"of {len(ledgers) if hasattr(ledgers, '__len__') else 'no'} items was given.")
    for engagement, ledger in ledgers.items():
        if not isinstance(ledger, GeneralLedger):
            msg = f"consolidate wants a ledger for each engagement; under {engagement!r} is a {type(ledger).__name__}."
            raise ConfigError(msg)


def _stored(folder: Path, ledgers: Mapping[str, GeneralLedger], name: str, *, only_there: bool) -> Store:
    keys = [(engagement, ledger.store.facts["key"]) for engagement, ledger in ledgers.items()]
    key = hashlib.sha256(repr((FORMAT, "consolidated", keys, name)).encode()).hexdigest()[:24]
    there = find(folder, key, tell=warn_of)
    if there is not None:
        return there
    stores = {engagement: ledger.store for engagement, ledger in ledgers.items()}

    def write(draft: Draft) -> Store:
        tables = {table: _write(table, stores, draft.folder) for table in _TABLES if _any(stores, table)}
        tables |= _copies(stores, draft.folder)
        return draft.finish(name, key, _facts(stores, name, tables))

    return written(folder, write, only_there=only_there)


def _any(stores: Mapping[str, Store], table: str) -> bool:
    return any(store.has(table) for store in stores.values())


def _write(table: str, stores: Mapping[str, Store], folder: Path) -> tuple[str, int]:
    having = {engagement: store for engagement, store in stores.items() if store.has(table)}
    names, schema = _columns({engagement: store.schema(table) for engagement, store in having.items()})
    path = folder / f"{table}.parquet"
    writer = TableWriter(path, schema)
    try:
        for engagement, store in having.items():
            for some in _pieces(store.path(table)):
                writer.add(_shaped(some, engagement, names[engagement], schema))
        writer.close()
    except BaseException:
        writer.abandon()
        raise
    return path.name, writer.rows


def _copies(stores: Mapping[str, Store], folder: Path) -> dict[str, tuple[str, int]]:
    """The files that no ledger recognised, under the engagement's name."""
    unknown = [(engagement, table) for engagement, store in stores.items() for table in store.tables]
    unknown = [(engagement, table) for engagement, table in unknown if table.startswith(OTHERS)]
    copies = {}
    for number, (engagement, table) in enumerate(unknown, start=1):
        path = folder / f"other-{number:03d}.parquet"
        store = stores[engagement]
        writer = TableWriter(path, pa.schema([(field.name, TEXT) for field in store.schema(table)]))
        for some in _pieces(store.path(table)):
            writer.add(some)
        writer.close()
        copies[f"{OTHERS}{engagement}/{table.removeprefix(OTHERS)}"] = (path.name, writer.rows)
    return copies


def _pieces(path: Path) -> Iterator[pa.Table]:
    from pyarrow import parquet

    with parquet.ParquetFile(path) as file:
        for batch in file.iter_batches(batch_size=100_000):
            yield pa.Table.from_batches([batch])


def _columns(schemas: Mapping[str, pa.Schema]) -> tuple[dict[str, dict[str, str]], pa.Schema]:
    """For each ledger its columns' names in the whole, and the columns of the whole.

    Roles come first.  A column of a file's own whose name is a role elsewhere, or differs from another only in its
    case, gets another name, as within one ledger.
    """
    money = pa.decimal128(PRECISION, max(_scale(schema) for schema in schemas.values()))
    types: dict[str, pa.DataType] = {ENGAGEMENT: TEXT}
    for schema in schemas.values():
        for field in schema:
            if field.name in ROLES or field.name in (LINE, MEMBER):
                decimal, text = pa.types.is_decimal(field.type), pa.types.is_string(field.type)
                types[field.name] = money if decimal else TEXT if text else field.type
    spelt = {name.casefold(): name for name in types}
    names: dict[str, dict[str, str]] = {engagement: {} for engagement in schemas}
    for engagement, schema in schemas.items():
        for field in schema:
            own = field.name not in ROLES and field.name not in (LINE, MEMBER)
            name = _free(field.name, spelt, types) if own else field.name
            names[engagement][field.name] = name
            types.setdefault(name, TEXT)
    roles = [name for name in ROLES if name in types]
    last = [name for name in (LINE, MEMBER) if name in types]
    own_names = [name for name in types if name not in {ENGAGEMENT, *roles, *last}]
    return names, pa.schema([(name, types[name]) for name in (ENGAGEMENT, *roles, *own_names, *last)])


def _scale(schema: pa.Schema) -> int:
    return max((field.type.scale for field in schema if pa.types.is_decimal(field.type)), default=0)


def _free(name: str, spelt: dict[str, str], types: Mapping[str, pa.DataType]) -> str:
    """The name that a file's own column has in the whole; one that another ledger spelt otherwise is that one."""
    while (known := spelt.get(name.casefold())) is not None:
        if known not in ROLES and known not in (ENGAGEMENT, LINE, MEMBER):
            return known
        name += "_source"
    spelt[name.casefold()] = name
    return name


def _shaped(some: pa.Table, engagement: str, names: Mapping[str, str], schema: pa.Schema) -> pa.Table:
    columns = {names[name]: some[name] for name in some.column_names}
    columns[ENGAGEMENT] = pa.chunked_array([pa.repeat(pa.scalar(engagement, TEXT), some.num_rows)])
    arrays = [
        columns[field.name].cast(field.type) if field.name in columns else pa.nulls(some.num_rows, field.type)
        for field in schema
    ]
    return pa.Table.from_arrays(arrays, schema=schema)


# --- the manifest -----------------------------------------------------------------------------------------------------


def _facts(stores: Mapping[str, Store], name: str, tables: Mapping[str, tuple[str, int]]) -> dict[str, Any]:
    facts = {engagement: store.facts for engagement, store in stores.items()}
    by_currency: dict[str | None, list[Mapping[str, Any]]] = defaultdict(list)
    for told in facts.values():
        for row in told["controls"]:
            by_currency[row["currency"]].append(row)
    currencies = sorted(by_currency, key=lambda key: (key is None, key or ""))
    return {
        "name": name,
        "uploads": sorted({upload for told in facts.values() for upload in told["uploads"]}),
        "scale": max(told["scale"] for told in facts.values()),
        "tables": tables,
        "roles": _roles(list(facts.values())),
        "controls": [{"currency": key, **_sum(by_currency[key])} for key in currencies],
        "totals": _sum([told["totals"] for told in facts.values()]),
        "sources": [_of(key, row) for key, told in facts.items() for row in told["sources"]],
        "problems": [[f"{key}/{row[0]}", *row[1:]] for key, told in facts.items() for row in told["problems"]],
        "notes": [],
        "archives": {f"{key}/{file}": seal for key, told in facts.items() for file, seal in told["archives"].items()},
    }


def _of(engagement: str, row: Mapping[str, Any]) -> dict[str, Any]:
    return {**row, "member": f"{engagement}/{row['member']}"}


def _roles(facts: list[Mapping[str, Any]]) -> dict[str, dict[str, list[str]]]:
    """Who plays what; the first ledger's word, where they differ in the header."""
    roles: dict[str, dict[str, list[str]]] = defaultdict(dict)
    for told in facts:
        for table, cast in told["roles"].items():
            roles[table] = {**cast, **roles[table]}
    return {
        table: {ENGAGEMENT: [ENGAGEMENT], **{role: cast[role] for role in ROLES if role in cast}}
        for table, cast in roles.items()
    }


def _sum(rows: list[Mapping[str, Any]]) -> dict[str, Any]:
    counts = [row["transactions"] for row in rows]
    days = {name: [row[name] for row in rows if row[name]] for name in ("first", "last")}
    return {
        "lines": sum(row["lines"] for row in rows),
        "transactions": None if None in counts else sum(counts),
        "debit": str(sum((Decimal(row["debit"]) for row in rows), Decimal(0))),
        "credit": str(sum((Decimal(row["credit"]) for row in rows), Decimal(0))),
        "first": min(days["first"], default=None),
        "last": max(days["last"], default=None),
    }
