"""Values of two columns, made such that equal ones are equal: whatever dtype, whatever kind of missing.

Numbers are equal by value (7, 7.0 and Decimal("7.00") are one), moments as points in time, categories by what they
stand for.  Values of different families, such as the text "7" and the number 7, never are.  A decimal equals the float
that is written with its digits.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

_TEXT = pa.large_string()
_UNITS = ("s", "ms", "us", "ns")
#: What a column of Python objects may hold to be taken as one of Arrow; a mixture is looked at value by value.
_PURE = frozenset({"string", "integer", "floating", "boolean", "decimal", "bytes"})
#: Wide enough for any two decimals of Arrow that pandas can hold, whatever their digits after the point.
_DIGITS = 76


def alike(old: pd.Series[Any], new: pd.Series[Any]) -> tuple[pa.Array, pa.Array]:
    """Both columns as Arrow arrays of one type, in which equal values are equal and missing ones are null."""
    left, right = _plain(old), _plain(new)
    if left is not None and right is not None:
        kind = _common(left.type, right.type)
        if kind is not None:
            try:
                return _cast(left, kind), _cast(right, kind)
            except pa.ArrowInvalid:
                pass  # such as floats with a fraction beside integers; as text they are compared as exactly
    return _tagged(old, left), _tagged(new, right)


def differ(left: pa.Array, right: pa.Array) -> np.ndarray:
    """Where two arrays of one type differ; a missing value equals a missing one and no other."""
    unequal = pc.fill_null(pc.not_equal(left, right), False)
    if left.null_count or right.null_count:
        unequal = pc.or_(unequal, pc.xor(pc.is_valid(left), pc.is_valid(right)))
    return np.asarray(unequal.to_numpy(zero_copy_only=False))


def texts(column: pd.Series[Any]) -> list[str | None]:
    """Every value as text, exact: all digits of a number, a moment to its last fraction; None for missing ones."""
    # Arrow would give decimals that stand as objects all the same number of digits.
    plain = None if column.dtype == object else _plain(column)
    return [None if _missing(value) else _text(value) for value in _values(column, plain)]


def codes(pairs: Iterable[tuple[pa.Array, pa.Array]], rows: int) -> tuple[np.ndarray, np.ndarray]:
    """One number for each of *rows* rows of two frames, the old ones first, the same for the same values in all
    columns; and whether a value is missing in the row.

    pairs : of arrays as :func:`alike` gives them.  Missing values are the same as each other.
    """
    numbers, missing = np.zeros(rows, np.int64), np.zeros(rows, bool)
    for left, right in pairs:
        encoded = pa.concat_arrays([left, right]).dictionary_encode()
        part = pc.fill_null(encoded.indices.cast(pa.int64()), -1).to_numpy(zero_copy_only=False)
        missing |= part < 0
        # Made dense after each column, the product of two stays far below what 64 bits hold.
        numbers, _ = pd.factorize(numbers * (len(encoded.dictionary) + 1) + part + 1)
    return numbers, missing


def _plain(column: pd.Series[Any]) -> pa.Array | None:
    """The column in Arrow; None where it holds what Arrow cannot compare, or several kinds of value."""
    if column.dtype == object and pd.api.types.infer_dtype(column, skipna=True) not in _PURE | {"empty"}:
        return None
    try:
        array = pa.array(column, from_pandas=True)
    except (pa.ArrowException, TypeError, ValueError, OverflowError):
        return None
    array = array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    if pa.types.is_floating(array.type):
        return pc.if_else(pc.is_nan(array), None, array)
    return array if _family(array.type) else None


def _family(kind: pa.DataType) -> str:
    """What values of the type are: those of two families are never equal.  Empty for types that are not compared."""
    types = pa.types
    if types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind):
        return "number"
    if types.is_timestamp(kind):
        return "moment" if kind.tz else "day"
    families = {
        "text": types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind),
        "truth": types.is_boolean(kind),
        "day": types.is_date(kind),
        "span": types.is_duration(kind),
        "bytes": types.is_binary(kind) or types.is_large_binary(kind),
        "nothing": types.is_null(kind),
    }
    return next((family for family, is_so in families.items() if is_so), "")


def _common(left: pa.DataType, right: pa.DataType) -> pa.DataType | None:
    """The type in which values of both are compared; None where there is none."""
    families = {_family(left), _family(right)} - {"nothing"}
    if not families:
        # Nothing but missing values on both sides: any type that can be compared will do.
        return pa.bool_()
    if len(families) > 1:
        return None
    (family,) = families
    kinds = [kind for kind in (left, right) if not pa.types.is_null(kind)]
    if family == "number":
        return _number(kinds)
    if family in ("moment", "day", "span"):
        unit = max((getattr(kind, "unit", "s") for kind in kinds), key=_UNITS.index)
        if family == "span":
            return pa.duration(unit)
        return pa.timestamp(unit, "UTC" if family == "moment" else None)
    return {"text": _TEXT, "truth": pa.bool_(), "bytes": pa.large_binary()}[family]


def _number(kinds: Sequence[pa.DataType]) -> pa.DataType | None:
    floats = [pa.types.is_floating(kind) for kind in kinds]
    if all(floats):
        return pa.float64()
    decimals = [kind for kind in kinds if pa.types.is_decimal(kind)]
    if decimals:
        # A float is no exact decimal: those two are compared as they are written.
        return None if any(floats) else pa.decimal256(_DIGITS, max(kind.scale for kind in decimals))
    return pa.decimal128(20, 0) if pa.uint64() in kinds and not any(floats) else pa.int64()


def _cast(array: pa.Array, kind: pa.DataType) -> pa.Array:
    if pa.types.is_date(array.type):
        array = array.cast(pa.timestamp("ms" if array.type == pa.date64() else "s"))
    array = array.cast(kind)
    # Two zeros that are equal would get two codes.
    return pc.add(array, 0.0) if pa.types.is_floating(kind) else array


def _tagged(column: pd.Series[Any], plain: pa.Array | None) -> pa.Array:
    """Every value as a text that only equal values share, its family first."""
    tagged = (None if _missing(value) else _tag(value) for value in _values(column, plain))
    return pa.array(list(tagged), _TEXT)


def _values(column: pd.Series[Any], plain: pa.Array | None) -> list[Any]:
    return column.tolist() if plain is None else plain.to_pylist()


def _missing(value: Any) -> bool:
    if isinstance(value, float | Decimal):
        return math.isnan(value)
    return value is None or value is pd.NA or value is pd.NaT


def _tag(value: Any) -> str:
    if isinstance(value, bool | np.bool_):
        return f"truth {bool(value)}"
    if isinstance(value, int | float | Decimal | np.number):
        return f"number {_digits(value)}"
    if isinstance(value, str):
        return f"text {value}"
    if isinstance(value, date):
        moment = pd.Timestamp(value)
        return f"moment {moment.tz_convert('UTC')}" if moment.tzinfo else f"day {moment}"
    return f"{type(value).__name__} {value!r}"


def _digits(number: Any) -> str:
    """A number in digits, the same for every way to hold it."""
    number = number.item() if isinstance(number, np.number) else number
    if isinstance(number, float):
        if not math.isfinite(number):
            return str(number)
        number = int(number) if number.is_integer() else Decimal(repr(number))
    digits = f"{number:f}" if isinstance(number, Decimal) else str(number)
    digits = digits.rstrip("0").rstrip(".") if "." in digits else digits
    return "0" if digits == "-0" else digits


def _text(value: Any) -> str:
    value = value.item() if isinstance(value, np.generic) else value
    if isinstance(value, Decimal):
        return f"{value:f}"
    return repr(value) if isinstance(value, float) else str(value)
