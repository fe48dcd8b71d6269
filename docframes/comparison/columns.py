"""Which columns of two ledgers are compared, and what each is for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from docframes.comparison.closed import MARK, quoted
from docframes.errors import ColumnError, ConfigError
from docframes.ledger import ROLES, GeneralLedger
from docframes.ledger.columns import LINE, MEMBER
from docframes.ledger.roles import UPLOAD, fold

TABLE = "transactions"
#: Where a line stands in time: who changes no more than these has moved it.
PLACE = ("date", "period", "year")
#: What a program writes beside, when somebody changes or moves a line.
MARKS = ("modified_at", "modified_by")
#: What tells lines apart, where all that is played of it is there.
KEY: tuple[str, ...] = ("engagement_id", "transaction", "line")
#: What is of the upload and of no line, by folded name.
_UPLOAD = frozenset({UPLOAD, "UPLOAD_DATE"})
_SOURCE = "_source"


@dataclass(frozen=True)
class Compared:
    """Columns of both ledgers that are compared, in the order of the new one.

    names : all of them.  line : the one that numbers lines, None without.  key : those that tell lines apart, empty
    where nothing numbers lines.  scale : digits after the point that amounts are compared with.
    text_of : the column of a date to which the text of a date belongs.
    shared : columns of both ledgers, compared or not, but for the place in the file.
    added, removed : columns of one ledger only, or of another kind in each.
    """

    names: tuple[str, ...]
    line: str | None
    key: tuple[str, ...]
    scales: dict[str, int] = field(default_factory=dict)
    text_of: dict[str, str] = field(default_factory=dict)
    shared: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()

    def without(self, *names: str) -> tuple[str, ...]:
        """The compared columns but for *names*."""
        return tuple(name for name in self.names if name not in names)

    @property
    def places(self) -> tuple[str, ...]:
        """Those that say where a line stands in time."""
        return tuple(name for name in PLACE if name in self.names)

    def sql(self, name: str) -> str:
        """What is compared of the column, in DuckDB."""
        column = quoted(name, MARK)
        if name in self.scales:
            return f"CAST({column} AS DECIMAL(38, {self.scales[name]}))"
        if name in self.text_of:
            # Dates that could be read are compared as dates: a vendor may write them otherwise the next time.
            return f"CASE WHEN {quoted(self.text_of[name], MARK)} IS NULL THEN {column} END"
        return column


def compared_columns(old: GeneralLedger, new: GeneralLedger, ignore: Sequence[str]) -> Compared:
    """What of the two ledgers is compared.

    Not compared are the place in the file, what names the upload, columns of one ledger only, and *ignore*.
    Raises ColumnError for an unknown name in *ignore*, ConfigError for one that cannot be left out.
    """
    schemas = [gl.store.schema(TABLE) for gl in (old, new)]
    _check(ignore, schemas)
    before, after = ({field.name: field.type for field in schema} for schema in schemas)
    shared = [name for name in after if name in before and _kind(before[name]) == _kind(after[name])]
    aside = {LINE, MEMBER, *ignore}
    names = tuple(name for name in shared if name not in aside and fold(name) not in _UPLOAD)
    line = "line" if "line" in names else None
    amounts = [name for name in names if pa.types.is_decimal(after[name])]
    return Compared(
        names=names,
        line=line,
        key=tuple(name for name in KEY if name in names) if line else (),
        scales={name: max(before[name].scale, after[name].scale) for name in amounts},
        text_of=_texts_of_dates(old, names) | _texts_of_dates(new, names),
        shared=tuple(name for name in shared if name not in (LINE, MEMBER)),
        added=tuple(name for name in after if name not in shared and name not in aside),
        removed=tuple(name for name in before if name not in shared and name not in aside),
    )


def played(gl: GeneralLedger) -> frozenset[str]:
    """Roles that columns of the transactions play, among them a date and an amount."""
    return frozenset(gl.store.schema(TABLE).names) & frozenset(ROLES)


def _check(ignore: Sequence[str], schemas: Sequence[pa.Schema]) -> None:
    unknown = [name for name in ignore if all(name not in schema.names for schema in schemas)]
    if unknown:
        msg = f"Neither ledger has the column {', '.join(map(repr, unknown))} of ignore. "
        raise ColumnError(msg + f"The columns are: {', '.join(schemas[1].names)}.")
    needed = [name for name in ("amount", "currency") if name in ignore]
    if needed:
        raise ConfigError(f"ignore names {needed[0]!r}, which totals are told by. Leave it out of ignore.")


def _kind(kind: pa.DataType) -> str:
    return "amount" if pa.types.is_decimal(kind) else "moment" if pa.types.is_timestamp(kind) else "text"


def _texts_of_dates(gl: GeneralLedger, names: Sequence[str]) -> dict[str, str]:
    """The text as sent of each date -> the date that was read of it.

    Where a header's name was taken, the text's column has ``_source`` after it.
    """
    found = {}
    for role, headers in gl.roles.get(TABLE, {}).items():
        if role in names and role in ROLES and ROLES[role].kind in ("date", "moment"):
            for header in headers:
                texts = [name for name in (header + _SOURCE, header) if name in names and name not in ROLES]
                found.update(dict.fromkeys(texts[:1], role))
    return found
