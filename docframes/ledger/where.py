"""Conditions on lines: ``[("account", "==", "4000"), ("date", ">=", "2025-01-01")]`` -> one Arrow expression.

Values are taken in the type of the column and compared exactly, whatever number of digits they have.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import ROUND_FLOOR, Context, Decimal, InvalidOperation
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from docframes.errors import ColumnError, ConfigError

Condition = tuple[str, str, Any]
#: Tuples that must all hold, an Arrow expression, or None for every row.
Where: TypeAlias = Sequence[Condition] | Any | None

_DIGITS = 38  # Arrow's most: two more than any amount of a ledger has, so that every amount is in range
_COMPARED: Mapping[str, Callable[[Any, Any], Any]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_OPERATORS = (*_COMPARED, "in", "not in")
_EXACT = Context(prec=_DIGITS + 2)
_EPOCH = datetime(1970, 1, 1)


@dataclass(frozen=True)
class _Bound:
    """A value in a column's type.  exact : else the column cannot hold it, and this is the nearest value below."""

    value: pa.Scalar
    exact: bool = True


def expression(where: Where, schema: pa.Schema) -> pc.Expression | None:
    """What *where* asks for, as one expression; None when every row is wanted.

    where : (column, operator, value) tuples that must all hold, with the operators ==, !=, <, <=, >, >=, in and
    not in; or an Arrow expression, which is taken as it is.  A value is ISO text, date or datetime for days and
    moments (a day is its midnight); int, Decimal, float (the decimal number it is written as) or text for amounts;
    text for text.  None, with == and != or in a list, stands for "missing".

    A row where the column is missing satisfies != and "not in": who asks for all lines that are not on account 4000
    means those without an account, too.  It satisfies no other comparison with a value.

    Raises : ColumnError for unknown columns; ConfigError for operators and values that do not fit.
    """
    if where is None:
        return None
    if isinstance(where, str | bytes | Mapping) or not isinstance(where, Iterable):
        return _own_expression(where)
    conditions = [_condition(condition, schema) for condition in where]
    return functools.reduce(operator.and_, conditions) if conditions else None


def check_columns(names: Iterable[str], schema: pa.Schema) -> list[str]:
    """*names* as a list.  Raises : ColumnError when one is not in *schema*."""
    wanted = list(names)
    unknown = [name for name in wanted if name not in schema.names]
    if unknown:
        msg = f"There is no column {', '.join(map(repr, unknown))}. The columns are: {', '.join(schema.names)}."
        raise ColumnError(msg)
    return wanted


def _own_expression(where: object) -> pc.Expression:
    if isinstance(where, pc.Expression):
        return where
    msg = "where is a list of (column, operator, value) tuples, or an expression of pyarrow.compute; "
    raise ConfigError(msg + f"{where!r} was given. Write where=[('account', '==', '4000')].")


def _condition(condition: Any, schema: pa.Schema) -> pc.Expression:
    if not isinstance(condition, tuple) or len(condition) != 3:
        msg = f"where is a list of (column, operator, value) tuples that must all hold; {condition!r} is none. "
        raise ConfigError(
            msg + "For alternatives give an Arrow expression: (pc.field('a') == 1) | (pc.field('b') == 2)."
        )
    column, sign, value = condition
    check_columns([column], schema)
    if sign not in _OPERATORS:
        raise ConfigError(f"The operators are {', '.join(_OPERATORS)}; {sign!r} was given for the column {column!r}.")
    kind = schema.field(column).type
    if sign in ("in", "not in"):
        found = _among(column, kind, value)
        return found if sign == "in" else ~found
    return _compared(column, kind, sign, value)


def _compared(column: str, kind: pa.DataType, sign: str, value: Any) -> pc.Expression:
    field = pc.field(column)
    if _is_missing(value):
        if sign not in ("==", "!="):
            raise ConfigError(
                f"Nothing is {sign} a missing value. For lines without {column!r}: ({column!r}, '==', None)."
            )
        return field.is_null() if sign == "==" else field.is_valid()
    bound = _bound(column, kind, value)
    if bound.exact:
        found = _COMPARED[sign](field, bound.value)
        return found | field.is_null() if sign == "!=" else found
    if sign in ("==", "!="):
        return pc.scalar(sign == "!=")
    # Between this value and the next one the column can hold lies the one that was asked for.
    return field <= bound.value if sign in ("<", "<=") else field > bound.value


def _among(column: str, kind: pa.DataType, values: Any) -> pc.Expression:
    """Whether the column holds one of *values*; never missing."""
    if isinstance(values, str | bytes) or not isinstance(values, Iterable):
        raise ConfigError(f"'in' and 'not in' need a list of values for {column!r}; {values!r} was given.")
    listed = list(values)
    bounds = [_bound(column, kind, value) for value in listed if not _is_missing(value)]
    held = [bound.value.as_py() for bound in bounds if bound.exact]
    field = pc.field(column)
    found = field.isin(pa.array(held, kind))
    return found | field.is_null() if len(bounds) < len(listed) else found


def _is_missing(value: Any) -> bool:
    return value is None or value is pd.NA or value is pd.NaT or (isinstance(value, float) and value != value)


def _bound(column: str, kind: pa.DataType, value: Any) -> _Bound:
    try:
        if pa.types.is_string(kind) or pa.types.is_large_string(kind):
            return _text(column, kind, value)
        if pa.types.is_timestamp(kind):
            return _moment(value)
        if pa.types.is_decimal(kind):
            return _number(value, kind.precision, kind.scale)
        if pa.types.is_integer(kind):
            return _number(value, 18, 0)
        return _Bound(pa.scalar(value, kind))
    except (pa.ArrowException, TypeError, ValueError, ArithmeticError) as error:
        if isinstance(error, ConfigError):
            raise
        raise ConfigError(
            f"{value!r} cannot be compared with the column {column!r}, which is {kind}: {error}."
        ) from error


def _text(column: str, kind: pa.DataType, value: Any) -> _Bound:
    if not isinstance(value, str):
        msg = f"The column {column!r} holds text, and {value!r} is none. Account codes and ids are text: "
        raise ConfigError(msg + f"give {str(value)!r}.")
    return _Bound(pa.scalar(value, kind))


def _number(value: Any, digits: int, scale: int) -> _Bound:
    number = _decimal(value)
    if number.copy_abs() <= _most(digits, scale):
        floor = number.quantize(Decimal(1).scaleb(-scale), ROUND_FLOOR, _EXACT)
    else:
        floor = _most(_DIGITS, scale).copy_sign(number)
    return _Bound(pa.scalar(floor, pa.decimal128(_DIGITS, scale)), floor == number)


def _most(digits: int, scale: int) -> Decimal:
    return Decimal((0, (9,) * digits, -scale))


def _decimal(value: Any) -> Decimal:
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        raise ConfigError(f"A number is an int, a Decimal, a float or text such as '12.50'; {value!r} was given.")
    try:
        number = Decimal(repr(value) if isinstance(value, float) else value)
    except InvalidOperation:
        raise ConfigError(f"A number is written like '-1234.50'; {value!r} was given.") from None
    if number.is_nan():
        raise ConfigError(f"A number is wanted, or None for a missing one; {value!r} was given.")
    return number


def _moment(value: Any) -> _Bound:
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    stamp = pd.Timestamp(value) if isinstance(value, date | np.datetime64) else None
    if stamp is None:
        raise ConfigError(f"A day or moment is ISO text such as '2025-01-31', a date or a datetime; not {value!r}.")
    if stamp.tzinfo is not None:
        raise ConfigError(f"Moments of a ledger are as written, without a zone; {value!r} has one. Take it off first.")
    micro = (stamp.floor("us").to_pydatetime(warn=False) - _EPOCH) // timedelta(microseconds=1)
    return _Bound(pa.scalar(micro, pa.int64()).cast(pa.timestamp("us")), stamp.nanosecond == 0)
