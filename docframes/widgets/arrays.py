"""Columns of pandas -> Arrow arrays that can be searched, sorted and shown, whatever the column holds.

Most columns are taken as they are, without a copy.  Categories, and columns of Python objects of several kinds, become
codes of their distinct values in order (a dictionary array that says so: ``ordered``).
"""

from __future__ import annotations

import contextlib
import json
import numbers
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, TypeAlias

import numpy as np
import orjson
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from docframes.widgets.columns import Kind
from docframes.widgets.formats import float_text, is_amount, kind_of
from docframes.widgets.sorting import argsort

Values: TypeAlias = pa.Array | pa.ChunkedArray

_AMOUNT = Decimal("0.01")
_MOST = 38  # digits of a decimal that Arrow compares quickly
_NESTED = (dict, list, tuple, set, frozenset, np.ndarray)


@dataclass(frozen=True)
class Arrowed:
    """A column as Arrow has it.  grouped : its numbers are amounts, or a mix of numbers."""

    array: Values
    kind: Kind
    grouped: bool = False


def is_plain(dtype: Any) -> bool:
    """Whether columns of this dtype are taken as they are, at no cost, also a few rows of them."""
    if isinstance(dtype, pd.ArrowDtype):
        return _is_known(dtype.pyarrow_dtype)
    if isinstance(dtype, pd.StringDtype | pd.DatetimeTZDtype):
        return True
    if isinstance(dtype, np.dtype):
        return dtype.kind in "biufmM" and dtype != np.dtype("longdouble")
    return isinstance(dtype, pd.BooleanDtype) or (
        pd.api.types.is_extension_array_dtype(dtype)
        and not isinstance(dtype, pd.SparseDtype)
        and pd.api.types.is_numeric_dtype(dtype)
    )


def to_arrow(column: pd.Series) -> Arrowed:
    """*column*, in as many rows."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        return _category(column)
    if is_plain(column.dtype):
        try:
            return _typed(pa.array(column, from_pandas=True))
        except (pa.ArrowException, UnicodeError):
            # Text that is no Unicode, for one, goes the long way.
            pass
    return of_objects(column.astype(object).tolist())


def _typed(array: Values) -> Arrowed:
    if pa.types.is_floating(array.type) and pc.any(pc.is_nan(array)).as_py():
        array = pc.if_else(pc.is_nan(array), pa.scalar(None, array.type), array)
    if pa.types.is_floating(array.type):
        # A nought below nought is nought, for whoever reads, counts or looks for it.
        array = pc.add(array, pa.scalar(0, array.type))
    if pa.types.is_null(array.type):
        array = array.cast(pa.string())
    return Arrowed(array, kind_of(array.type), is_amount(array.type))


def _is_known(type_: pa.DataType) -> bool:
    checks = (
        "string", "large_string", "boolean", "integer", "floating", "decimal128", "date", "timestamp", "duration",
        "time", "null",
    )  # fmt: skip
    return any(getattr(pa.types, f"is_{check}")(type_) for check in checks)


def _category(column: pd.Series) -> Arrowed:
    inner = to_arrow(pd.Series(column.cat.categories))
    codes = column.cat.codes.to_numpy().astype(np.int32)
    values = _decoded(inner.array)
    if not column.cat.ordered:
        order = argsort(_joined(inner.array), descending=False)
        values = values.take(pa.array(order))
        places = np.empty(len(order), np.int32)
        places[order] = np.arange(len(order), dtype=np.int32)
        codes = np.where(codes < 0, np.int32(-1), np.append(places, np.int32(-1))[codes])
    return Arrowed(_codes(codes, values), inner.kind, inner.grouped)


def _codes(codes: np.ndarray[Any, Any], values: pa.Array) -> pa.DictionaryArray:
    """Codes of values that stand in order; -1 is missing."""
    return pa.DictionaryArray.from_arrays(pa.array(codes, mask=codes < 0), values, ordered=True)


def _joined(array: Values) -> pa.Array:
    return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array


def _decoded(array: Values) -> pa.Array:
    joined = _joined(array)
    return joined.dictionary_decode() if pa.types.is_dictionary(joined.type) else joined


# --- Python objects ---------------------------------------------------------------------------------------------------


def of_objects(values: Sequence[Any]) -> Arrowed:
    """Objects of one kind as a column of that kind, where it holds them exactly; others by their texts.

    Numbers of several kinds, or too long for Arrow, stay numbers.  In a column of mixed objects numbers stand before
    texts; lists and objects are JSON.
    """
    known = [None if _is_missing(value) else value for value in values]
    kinds = {type(value) for value in known} - {type(None)}
    if not kinds:
        return _typed(pa.nulls(len(known), pa.string()))
    try:
        made = _of_one_kind(known, kinds)
    except (pa.ArrowException, ValueError, OverflowError, TypeError):
        made = None
    return made or _ranked(known, kinds)


def _is_missing(value: Any) -> bool:
    if value is None or value is pd.NA or value is pd.NaT:
        return True
    if isinstance(value, Decimal):
        return value.is_nan()
    if isinstance(value, np.datetime64 | np.timedelta64):
        return bool(np.isnat(value))
    return isinstance(value, float | np.floating) and bool(value != value)


def _of_one_kind(values: list[Any], kinds: set[type]) -> Arrowed | None:
    """As a typed column, or None where no type holds them all.  Raises what Arrow and pandas raise."""
    if all(issubclass(kind, str) for kind in kinds):
        return _typed(pa.array(values, pa.large_string()))
    if all(issubclass(kind, bool | np.bool_) for kind in kinds):
        return _typed(pa.array(values, pa.bool_()))
    if kinds == {date}:
        return _typed(pa.array(values, pa.date32()))
    if all(issubclass(kind, datetime | np.datetime64) for kind in kinds):
        return _typed(pa.array(pd.Series(pd.to_datetime(values)), from_pandas=True))
    if all(issubclass(kind, timedelta | np.timedelta64) for kind in kinds):
        return _typed(pa.array(pd.Series(pd.to_timedelta(values)), from_pandas=True))
    if all(_is_whole(kind) for kind in kinds):
        return _typed(pa.array(values, pa.int64()))
    if all(issubclass(kind, float | np.floating) for kind in kinds):
        return _typed(pa.array(values, pa.float64()))
    if all(_is_whole(kind) or issubclass(kind, Decimal) for kind in kinds):
        return _exact([None if value is None else _decimal(value) for value in values])
    return None


def _exact(values: list[Decimal | None]) -> Arrowed | None:
    array = pa.array(values)
    if not pa.types.is_decimal128(array.type):
        return None
    scale = max(array.type.scale, 2)
    digits = array.type.precision + scale - array.type.scale
    return _typed(array.cast(pa.decimal128(_MOST, scale))) if digits <= _MOST else None


def _is_whole(kind: type) -> bool:
    return issubclass(kind, numbers.Integral) and not issubclass(kind, bool)


def _is_number(kind: type) -> bool:
    return issubclass(kind, int | float | Decimal | np.number) and not issubclass(
        kind, bool | complex | np.complexfloating
    )


def _ranked(values: list[Any], kinds: set[type]) -> Arrowed:
    counted = all(_is_number(kind) for kind in kinds)
    amounts = counted and not all(_is_whole(kind) for kind in kinds)
    told = [None if value is None else object_text(value, amounts=amounts) for value in values]
    distinct = {text: value for value, text in zip(values, told, strict=True) if text is not None}
    ordered = sorted(distinct, key=lambda text: _rank(distinct[text], text))
    codes = {text: code for code, text in enumerate(ordered)}
    array = _codes(
        np.array([-1 if text is None else codes[text] for text in told], np.int32), pa.array(ordered, pa.string())
    )
    if counted:
        return Arrowed(array, "number", amounts)
    return Arrowed(array, "text" if any(issubclass(kind, str) for kind in kinds) else "other")


def _rank(value: Any, text: str) -> tuple[int, Decimal, str]:
    if _is_number(type(value)):
        return 0, _decimal(value), text
    return 1, Decimal(0), text


def _decimal(value: Any) -> Decimal:
    if isinstance(value, float | np.floating):
        return Decimal(str(value))
    return Decimal(int(value) if _is_whole(type(value)) else value)


def object_text(value: Any, *, amounts: bool) -> str:
    """The whole text of any object.  amounts : whole numbers get two digits after the point, like the others."""
    kind = type(value)
    if issubclass(kind, str):
        return _unicode(value)
    if issubclass(kind, bool | np.bool_):
        return "true" if value else "false"
    if issubclass(kind, float | np.floating):
        return float_text(value)
    if _is_number(kind):
        return _number_text(_decimal(value), amounts)
    if issubclass(kind, datetime):
        return str(value.isoformat(" "))
    return json_text(value) if issubclass(kind, _NESTED) else _unicode(str(value))


def _number_text(value: Decimal, amounts: bool) -> str:
    if not value.is_finite() or not -100 < value.adjusted() < 100:
        return str(value)
    text = f"{value:f}"
    if not amounts:
        return text
    whole, _, rest = text.partition(".")
    return f"{whole}.{rest.rstrip('0').ljust(2, '0')}"


def json_text(value: Any) -> str:
    """A list or object as JSON, in one line; what JSON has no word for is a text."""
    options = orjson.OPT_NON_STR_KEYS | orjson.OPT_SERIALIZE_NUMPY
    try:
        return str(orjson.dumps(value, default=_jsonable, option=options), "utf-8")
    except orjson.JSONEncodeError:
        pass
    # Integers of more than 64 bits, and texts that are no Unicode, are for the slower one.
    with contextlib.suppress(ValueError, TypeError, RecursionError):
        return _unicode(json.dumps(value, default=_jsonable, ensure_ascii=False))
    return _unicode(str(value))


def _jsonable(value: Any) -> Any:
    if isinstance(value, set | frozenset):
        return sorted(value, key=str)
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else str(value)


def _unicode(text: str) -> str:
    """Half a pair of surrogates, which no browser takes, as an escape."""
    return text.encode("utf-8", "backslashreplace").decode()
