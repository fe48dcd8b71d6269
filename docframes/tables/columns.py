"""Values of one column, as they came, into an Arrow array of its declared kind.

The usual case is one call into Arrow.  Values of another form are read one by one; what cannot be read without
loss is handed back, so that the caller can keep it as sent.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc

TEXT = pa.large_string()
MOMENT = pa.timestamp("us", tz="UTC")
DAY = pa.timestamp("us")
TYPES = {
    "str": TEXT, "json": TEXT, "ordered": TEXT, "timestamp": MOMENT, "date": DAY,
    "Int64": pa.int64(), "float64": pa.float64(), "boolean": pa.bool_(),
}  # fmt: skip

_ARROW_REFUSES = (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, OverflowError)
#: Types that Arrow takes without loss; it would cut 1.5 to the integer 1, and take True for the number 1.
_ARROW_MAY_READ = {
    "Int64": frozenset({int, type(None)}),
    "float64": frozenset({int, float, type(None)}),
    "boolean": frozenset({bool, type(None)}),
}
_TRUE = {"true", "1", "yes", "y"}
_FALSE = {"false", "0", "no", "n"}
# A calendar date first: bare numbers such as 20260101 are numbers, not dates.
_ISO = re.compile(r"\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?\s?(?:Z|[+-]\d{2}:?\d{2})?)?")
_FRACTION = re.compile(r"(\.\d{6})\d+")
#: Seconds since 1970 of the year 5138; a larger number counts milliseconds.
_LARGEST_SECONDS = 1e11
#: Seconds since 1970 of the year 1973; as a day, a smaller number is something else.
_FEWEST_SECONDS = 1e8


@dataclass(frozen=True)
class Converted:
    """An array, and the values that are missing from it although they were sent (row to value)."""

    array: pa.Array
    refused: dict[int, Any]


def convert(values: Sequence[Any], kind: str, categories: Sequence[str] = ()) -> Converted:
    """*values*, as decoded from JSON, as an array of *kind*; those of ``ordered`` are the texts of *categories*."""
    if kind in ("str", "json"):
        return Converted(text_array(values), {})
    if kind == "ordered":
        spelled = {name.casefold(): name for name in categories}
        return _one_by_one(values, lambda value: spelled.get(str(value).strip().casefold()), TEXT)
    try:
        return Converted(_at_once(values, kind), {})
    except _ARROW_REFUSES:
        return _one_by_one(values, _READERS[kind], TYPES[kind])


def _at_once(values: Sequence[Any], kind: str) -> pa.Array:
    if kind == "timestamp":
        return pc.cast(pa.array(values, TEXT), MOMENT)
    if kind == "date":
        return pc.cast(pc.cast(pa.array(values, TEXT), pa.date32()), DAY)
    if not _ARROW_MAY_READ[kind].issuperset(map(type, values)):
        raise pa.ArrowTypeError(f"another type among values of {kind}")
    return pa.array(values, TYPES[kind])


def _one_by_one(values: Sequence[Any], read: Callable[[Any], Any], kind: pa.DataType) -> Converted:
    out: list[Any] = []
    refused: dict[int, Any] = {}
    for row, value in enumerate(values):
        read_value = None if value is None or value == "" else read(value)
        if read_value is None and value is not None and value != "":
            refused[row] = value
        out.append(read_value)
    return Converted(pa.array(out, kind), refused)


def text_array(values: Sequence[Any]) -> pa.Array:
    """Text as it is, numbers and booleans as JSON writes them, lists and objects as JSON."""
    try:
        return pa.array(values, TEXT)
    except _ARROW_REFUSES:
        dumps = orjson.dumps
        texts = [value if value is None or type(value) is str else dumps(value).decode() for value in values]
        return pa.array(texts, TEXT)


def as_text(value: Any) -> str | None:
    """One value as text; None stays None."""
    if value is None or type(value) is str:
        return value
    return orjson.dumps(value).decode()


def mixed_arrays(values: Sequence[Any]) -> list[pa.Array]:
    """Text as sent, and beside it what was a number, a boolean, an ISO date."""
    texts, dumps = list(values), orjson.dumps
    numbers: list[Any] = [None] * len(texts)
    truths: list[bool | None] = [None] * len(texts)
    # Each value is looked at once: what is neither text nor null is written as JSON, and put where it belongs.
    for row, value in [(row, value) for row, value in enumerate(texts) if value is not None and type(value) is not str]:
        texts[row] = dumps(value).decode()
        if type(value) is bool:
            truths[row] = value
        elif type(value) is int or type(value) is float:
            numbers[row] = value
    text = pa.array(texts, TEXT)
    return [text, _floats(numbers), pa.array(truths, pa.bool_()), _dates_among(values, text)]


def _floats(numbers: list[Any]) -> pa.Array:
    try:
        return pa.array(numbers, pa.float64())
    except _ARROW_REFUSES:
        # An integer beyond 2**53 has no float of its own; the text beside it has every digit.
        return pa.array([None if number is None else float(number) for number in numbers], pa.float64())


def _dates_among(values: Sequence[Any], text: pa.Array) -> pa.Array:
    # The dash in fifth place lets few texts through, so few are parsed.
    dashed = pc.fill_null(pc.equal(pc.utf8_slice_codeunits(text, 4, 5), "-"), False)
    rows = np.flatnonzero(dashed.to_numpy(zero_copy_only=False))
    dates: list[datetime | None] = [None] * len(values)
    for row in rows.tolist():
        dates[row] = read_moment(values[row]) if type(values[row]) is str else None
    return pa.array(dates, MOMENT)


def read_moment(value: Any) -> datetime | None:
    """A moment in UTC from ISO text, or from seconds or milliseconds since 1970; None for anything else."""
    if isinstance(value, bool):
        return None
    try:
        if isinstance(value, int | float):
            seconds = value / 1000 if abs(value) > _LARGEST_SECONDS else value
            return datetime.fromtimestamp(seconds, UTC)
        if not isinstance(value, str) or not _ISO.fullmatch(value.strip()):
            return None
        moment = datetime.fromisoformat(_FRACTION.sub(r"\1", value.strip()))
    except (ValueError, OverflowError, OSError):
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _read_day(value: Any) -> datetime | None:
    # A small number is no moment: 0 stands for none, 20260105 is a day written without dashes.
    if isinstance(value, int | float) and abs(value) < _FEWEST_SECONDS:
        return None
    moment = read_moment(value)
    # A day is a day only when nothing but midnight would be lost.
    if moment is None or (moment.hour, moment.minute, moment.second, moment.microsecond) != (0, 0, 0, 0):
        return None
    return moment.replace(tzinfo=None)


def _read_int(value: Any) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, float):
        return int(value) if value.is_integer() and abs(value) < 2**53 else None
    if isinstance(value, str):
        value = value.strip()
        value = int(value) if re.fullmatch(r"[+-]?\d{1,18}", value) else None
    return value if isinstance(value, int) and abs(value) < 2**63 else None


def _read_float(value: Any) -> float | None:
    # Python reads 1_000 as well, which no vendor means as a number.
    if isinstance(value, bool | list | dict) or (isinstance(value, str) and "_" in value):
        return None
    try:
        number = float(value)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _read_boolean(value: Any) -> bool | None:
    if isinstance(value, bool):
        return value
    word = str(value).strip().lower()
    return True if word in _TRUE else False if word in _FALSE else None


_READERS: dict[str, Callable[[Any], Any]] = {
    "timestamp": read_moment, "date": _read_day, "Int64": _read_int, "float64": _read_float, "boolean": _read_boolean,
}  # fmt: skip
