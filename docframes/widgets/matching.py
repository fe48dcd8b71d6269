"""Which rows of a block match a query: masks over Arrow arrays, a missing value never matching by accident."""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Mapping, Sequence
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from docframes.widgets.formats import Shape, nanoseconds, plain, texts, wall
from docframes.widgets.query import Filter, Query, number, span

Mask: TypeAlias = np.ndarray[Any, np.dtype[np.bool_]]
Test: TypeAlias = Callable[[pa.Array], Any]
Block: TypeAlias = Mapping[int, pa.Array]

_SAMPLE = 4_000  # texts that tell whether a column repeats, and which word is rare
_FEW = 4  # where at most one row in so many is left, the others are not looked at again
_DIGITS = 38
_EXACT = Context(prec=200)


def matching(block: Block, rows: int, query: Query, shapes: Sequence[Shape]) -> Mask:
    """Which of the *rows* of a block match.  block : the arrays of the columns that :func:`asked` names."""
    mask = np.ones(rows, np.bool_)
    for one in query.filters:
        mask &= _passes(block[one.column], one, shapes[one.column])
    searched = [place for place in block if shapes[place].searched] if query.words else []
    arrays, kinds = [_coded(block[place]) for place in searched], [shapes[place] for place in searched]
    for word in _rarest_first(query.words, arrays, kinds):
        _keep(mask, arrays, kinds, word)
    return mask


def asked(query: Query, shapes: Sequence[Shape]) -> list[int]:
    """The columns that a query looks into."""
    searched = {place for place, shape in enumerate(shapes) if shape.searched} if query.words else set()
    return sorted(searched | {one.column for one in query.filters})


def _coded(array: pa.Array) -> pa.Array:
    """A text that repeats as codes: looking at each distinct one is faster, the encoding included."""
    if pa.types.is_dictionary(array.type) or len(array) < _SAMPLE:
        return array
    repeats = len(array.slice(0, _SAMPLE).unique()) * _FEW <= _SAMPLE
    return array.dictionary_encode() if repeats else array


def _rarest_first(words: Sequence[str], arrays: Sequence[pa.Array], shapes: Sequence[Shape]) -> Sequence[str]:
    """What the rarest word leaves is soon looked through for the others; which one it is, the first rows tell."""
    if len(words) < 2 or not arrays:
        return words
    some = [array.slice(0, _SAMPLE) for array in arrays]
    return sorted(words, key=lambda word: int(_found(some, shapes, word, len(some[0])).sum()))


def _keep(mask: Mask, arrays: Sequence[pa.Array], shapes: Sequence[Shape], word: str) -> None:
    """Take out of *mask* the rows in none of whose *arrays* the word is found."""
    left = np.flatnonzero(mask)
    if len(left) * _FEW > len(mask):
        mask &= _found(arrays, shapes, word, len(mask))
    elif len(left):
        places = pa.array(left)
        mask[left] = _found([array.take(places) for array in arrays], shapes, word, len(left))


def _found(arrays: Sequence[pa.Array], shapes: Sequence[Shape], word: str, rows: int) -> Mask:
    found = np.zeros(rows, np.bool_)
    for array, shape in zip(arrays, shapes, strict=True):
        found |= _by_value(array, functools.partial(_contains, word=word, shape=shape))
    return found


def _by_value(array: pa.Array, test: Test) -> Mask:
    """*test* of each value; of each distinct one, where the array is a dictionary.  Missing ones fail."""
    if not pa.types.is_dictionary(array.type):
        return _mask(test(array))
    hits = np.append(_by_value(array.dictionary, test), False)
    if not hits.any():
        return np.zeros(len(array), np.bool_)
    codes: np.ndarray[Any, Any] = array.indices.fill_null(len(array.dictionary)).to_numpy(zero_copy_only=False)
    mask: Mask = hits[codes]
    return mask


def _mask(found: Any) -> Mask:
    if not isinstance(found, np.ndarray):
        found = pc.fill_null(found, False).to_numpy(zero_copy_only=False)
    mask: Mask = found
    return mask


# --- filters ----------------------------------------------------------------------------------------------------------


def _passes(array: pa.Array, one: Filter, shape: Shape) -> Mask:
    if one.kind == "range":
        return _by_value(array, functools.partial(_between, one=one, shape=shape))
    if one.kind == "contains":
        return _by_value(array, functools.partial(_contains, word=one.text, shape=shape))
    if one.kind == "one_of":
        found = _by_value(array, functools.partial(_among, values=one.values, shape=shape))
        return found | _missing(array) if None in one.values else found
    filled = _by_value(array, _filled)
    return filled if one.kind == "filled" else ~filled


def _missing(array: pa.Array) -> Mask:
    return _mask(array.is_null())


def _filled(array: pa.Array) -> Any:
    if pa.types.is_string(array.type) or pa.types.is_large_string(array.type):
        return pc.not_equal(pc.utf8_trim_whitespace(array), "")
    return array.is_valid()


def _contains(array: pa.Array, *, word: str, shape: Shape) -> Any:
    return _by_text(array, shape, lambda told: pc.match_substring(told, plain(word, shape), ignore_case=True))


def _among(array: pa.Array, *, values: Collection[str | None], shape: Shape) -> Any:
    wanted = [plain(value, shape) for value in values if value is not None]
    return _by_text(array, shape, lambda told: pc.is_in(told, value_set=pa.array(wanted, told.type)))


def _by_text(array: pa.Array, shape: Shape, test: Test) -> Any:
    """*test* of the texts; those that take long to make are made once for each distinct value."""
    if pa.types.is_floating(array.type) or pa.types.is_temporal(array.type):
        coded = array.dictionary_encode()
        return _by_value(coded, lambda values: test(texts(values, shape.kind)))
    return test(texts(array, shape.kind))


# --- ranges -----------------------------------------------------------------------------------------------------------


def _between(array: pa.Array, *, one: Filter, shape: Shape) -> Any:
    if shape.kind == "number":
        return _numbers_between(array, number(one.low), number(one.high))
    low, high = span(one.low), span(one.high)
    step = nanoseconds(array.type)
    counted = wall(array) if pa.types.is_timestamp(array.type) else array
    counted = counted.cast(pa.int32()) if pa.types.is_date32(array.type) else counted
    first = None if low is None else -(-low[0] // step)
    last = None if high is None else high[1] // step
    return _ints_between(counted.cast(pa.int64()), first, last)


def _numbers_between(array: pa.Array, low: Decimal | None, high: Decimal | None) -> Any:
    type_ = array.type
    if pa.types.is_integer(type_):
        first = None if low is None else int(low.to_integral_value(ROUND_CEILING))
        return _ints_between(array, first, None if high is None else int(high.to_integral_value(ROUND_FLOOR)))
    if pa.types.is_floating(type_):
        return _floats_between(array, low, high)
    if pa.types.is_decimal(type_):
        return _decimals_between(array, low, high)
    told = array.to_pylist()
    return np.array([text is not None and _within(Decimal(text), low, high) for text in told], np.bool_)


def _within(value: Decimal, low: Decimal | None, high: Decimal | None) -> bool:
    return (low is None or value >= low) and (high is None or value <= high)


def _ints_between(array: pa.Array, low: int | None, high: int | None) -> Any:
    bounds = np.iinfo(array.type.to_pandas_dtype())
    least, most = int(bounds.min), int(bounds.max)
    if (low is not None and low > most) or (high is not None and high < least):
        return np.zeros(len(array), np.bool_)
    return _both(
        array,
        None if low is None else pa.scalar(max(low, least), array.type),
        None if high is None else pa.scalar(min(high, most), array.type),
    )


def _decimals_between(array: pa.Array, low: Decimal | None, high: Decimal | None) -> Any:
    scale = array.type.scale
    most = Decimal((0, (9,) * _DIGITS, -scale))
    if (low is not None and low > most) or (high is not None and high < -most):
        return np.zeros(len(array), np.bool_)
    type_, step = pa.decimal128(_DIGITS, scale), Decimal(1).scaleb(-scale)
    return _both(
        array,
        None if low is None else pa.scalar(max(low, -most).quantize(step, ROUND_CEILING, _EXACT), type_),
        None if high is None else pa.scalar(min(high, most).quantize(step, ROUND_FLOOR, _EXACT), type_),
    )


def _floats_between(array: pa.Array, low: Decimal | None, high: Decimal | None) -> Any:
    """A float is the number that is shown: 0.1 is a tenth, not the binary fraction nearest to it."""
    kind = array.type.to_pandas_dtype()
    found = array.is_valid()
    if low is not None:
        end = kind(low)
        above = pc.greater_equal if _shown(end) >= low else pc.greater
        found = pc.and_kleene(found, above(array, pa.scalar(end, array.type)))
    if high is not None:
        end = kind(high)
        below = pc.less_equal if _shown(end) <= high else pc.less
        found = pc.and_kleene(found, below(array, pa.scalar(end, array.type)))
    return found


def _shown(value: Any) -> Decimal:
    return Decimal(str(value))


def _both(array: pa.Array, low: pa.Scalar | None, high: pa.Scalar | None) -> Any:
    found = array.is_valid()
    if low is not None:
        found = pc.and_(found, pc.greater_equal(array, low))
    return found if high is None else pc.and_(found, pc.less_equal(array, high))
