"""Values -> the texts that are shown, exact: no digit is lost, and none is made up.

``texts`` gives the whole text of each value as one Arrow array, fast enough for millions of them; ``cells`` and
``wholes`` give it as it stands in a cell and in the details of a row.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
import orjson
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from docframes.widgets.columns import Kind

LONGEST = 200  #: characters of a cell; the details of a row show all
_THOUSANDS = re.compile(r"(?<=\d)(?=(?:\d{3})+$)")
_TINY, _HUGE = Decimal("1e-20"), Decimal("1e30")  # floats beyond are shown with an exponent
_MOST_PLAIN = 6  # decimal places up to which Arrow writes decimals without an exponent
_DAY = {"s": 86_400, "ms": 86_400_000, "us": 86_400_000_000, "ns": 86_400_000_000_000}
_PER_SECOND = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}


@dataclass(frozen=True)
class Shape:
    """How a column is shown and asked.  grouped : with thousands separators.  searched : a search looks into it."""

    kind: Kind
    grouped: bool = False
    searched: bool = False


def kind_of(type_: pa.DataType) -> Kind:
    """What a column of this Arrow type holds; moments that are all days are told by :func:`all_days`."""
    if pa.types.is_dictionary(type_):
        return kind_of(type_.value_type)
    if pa.types.is_string(type_) or pa.types.is_large_string(type_):
        return "text"
    if pa.types.is_integer(type_) or pa.types.is_floating(type_) or pa.types.is_decimal(type_):
        return "number"
    if pa.types.is_boolean(type_):
        return "boolean"
    if pa.types.is_date(type_):
        return "date"
    return "moment" if pa.types.is_timestamp(type_) else "other"


def is_amount(type_: pa.DataType) -> bool:
    """Whether numbers of this type are amounts: floats and decimals are, whole numbers may be ids or years."""
    if pa.types.is_dictionary(type_):
        return is_amount(type_.value_type)
    return bool(pa.types.is_floating(type_) or pa.types.is_decimal(type_))


# --- whole columns ----------------------------------------------------------------------------------------------------


def texts(array: pa.Array, kind: Kind) -> pa.Array:
    """The whole text of each value, without thousands separators; a missing one stays missing."""
    type_ = array.type
    if pa.types.is_dictionary(type_):
        return texts(array.dictionary, kind).take(array.indices)
    if pa.types.is_string(type_) or pa.types.is_large_string(type_):
        return array
    if pa.types.is_decimal(type_):
        return _decimals(array)
    if pa.types.is_floating(type_):
        return _made(float_text, array)
    if pa.types.is_timestamp(type_):
        return _moments(wall(array), kind)
    if pa.types.is_integer(type_) or pa.types.is_boolean(type_) or pa.types.is_date(type_):
        return array.cast(pa.string())
    return _made(lambda value: str(pd.Timedelta(value)) if pa.types.is_duration(type_) else str(value), array)


def _made(text_of: Any, array: pa.Array) -> pa.Array:
    # A float32 is shown as it was written, which as_py, a Python float, no longer knows.
    single = pa.types.is_floating(array.type) and array.type != pa.float64()
    values = [*array.to_numpy(zero_copy_only=False)] if single else array.to_pylist()
    missing = array.is_null().to_pylist()
    made = [None if gone else text_of(value) for value, gone in zip(values, missing, strict=True)]
    return pa.array(made, pa.string())


def _decimals(array: pa.Array) -> pa.Array:
    """At least two digits after the point, or as many as the type has; more where the value has more."""
    scale = array.type.scale
    if 0 <= scale <= _MOST_PLAIN:
        plain = array.cast(pa.string())
    else:
        plain = _made(lambda value: f"{value:f}", array)
    return pc.replace_substring_regex(plain, r"(\.\d\d\d*?)0+$", r"\1") if scale > 2 else plain


def float_text(value: float) -> str:
    """The shortest decimal number that is this float, with at least two digits after the point."""
    text = str(value)
    if "e" in text and _TINY < abs(Decimal(text)) < _HUGE:
        text = f"{Decimal(text):f}"
    whole, _, rest = text.partition(".")
    return f"{whole}.{rest.ljust(2, '0')}" if whole.lstrip("-").isdigit() and "e" not in rest else text


def _moments(array: pa.Array, kind: Kind) -> pa.Array:
    if kind == "date":
        return array.cast(pa.date32()).cast(pa.string())
    # Parts of a second by threes, and none where there are none.
    return pc.replace_substring_regex(array.cast(pa.string()), r"\.?(000)+$", "")


def wall(array: pa.Array) -> pa.Array:
    """Moments as a clock of their zone shows them."""
    type_ = array.type
    if type_.tz is None:
        return array
    plain = array.cast(pa.timestamp(type_.unit))
    if type_.tz in ("UTC", "+00:00"):
        return plain
    # By pandas, which knows the zones where the machine does not.
    moments = pd.DatetimeIndex(plain.to_numpy(zero_copy_only=False)).tz_localize("UTC")
    return pa.array(moments.tz_convert(type_.tz).tz_localize(None), type=plain.type, from_pandas=True)


def all_days(array: pa.Array) -> bool:
    """Whether every moment is a midnight of its zone, or missing."""
    days = wall(array).drop_null().cast(pa.int64()).to_numpy(zero_copy_only=False)
    return not np.any(days % _DAY[array.type.unit])


def nanoseconds(type_: pa.DataType) -> int:
    """In one step of a type of days or moments."""
    if pa.types.is_date32(type_):
        return _DAY["ns"]
    return 10**6 if pa.types.is_date64(type_) else _PER_SECOND[type_.unit]


# --- a few values -----------------------------------------------------------------------------------------------------


def cells(array: pa.Array, shape: Shape) -> list[str | None]:
    """The texts as they stand in cells: cut where they are long."""
    return [text if text is None or len(text) <= LONGEST else f"{text[:LONGEST]}…" for text in wholes(array, shape)]


def wholes(array: pa.Array, shape: Shape) -> list[str | None]:
    """The texts as they are shown, whole."""
    found: list[str | None] = texts(array, shape.kind).to_pylist()
    return [text if text is None else separated(text) for text in found] if shape.grouped else found


def separated(text: str) -> str:
    """A number with its thousands set apart; one with an exponent, or infinite, as it is."""
    whole, point, rest = text.partition(".")
    digits = whole.lstrip("-")
    if not digits.isdigit() or "e" in rest:
        return text
    return f"{whole[: len(whole) - len(digits)]}{_THOUSANDS.sub(',', digits)}{point}{rest}"


def plain(text: str, shape: Shape) -> str:
    """What was typed or shown, as :func:`texts` writes it."""
    return text.replace(",", "") if shape.kind == "number" else text


def is_json(text: str | None) -> bool:
    """Whether the text is a list or an object of JSON."""
    if not text or text[0] not in "[{":
        return False
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        return False
    return True
