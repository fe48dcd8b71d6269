"""The order of values: stable, missing ones last, in both directions, fast for millions of them."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

Places: TypeAlias = np.ndarray[Any, np.dtype[np.int64]]

_PIECES = 16  # texts of many values are sorted in so many pieces: the processor's cache holds one
_LARGE = 100_000  # texts from which that pays
_SAMPLE = 2_000
_REPEATED = 20  # a sample of which so many times fewer values are distinct is sorted by its values
WORKERS = min(4, os.cpu_count() or 1)


def argsort(array: pa.Array, descending: bool) -> Places:
    """Where the values of *array* stand, in their order; equal ones stay as they were, missing ones come last.

    Texts are ordered by their characters' code points, as pandas does; dictionaries by their values, or by their codes
    where they say that these are ordered.
    """
    if array.null_count == 0:
        return _order(array, descending)
    missing = array.is_null().to_numpy(zero_copy_only=False)
    there = np.flatnonzero(~missing)
    return np.concatenate([there[_order(array.take(pa.array(there)), descending)], np.flatnonzero(missing)])


def _order(array: pa.Array, descending: bool) -> Places:
    type_ = array.type
    if pa.types.is_dictionary(type_):
        return _by_codes(array, descending)
    if pa.types.is_string(type_) or pa.types.is_large_string(type_):
        return _by_text(array, descending)
    if pa.types.is_decimal128(type_):
        return _by_words(array, descending)
    return _by_keys(_keys(array), descending)


def _keys(array: pa.Array) -> np.ndarray[Any, Any]:
    type_ = array.type
    if pa.types.is_boolean(type_):
        array = array.cast(pa.uint8())
    elif pa.types.is_date32(type_) or pa.types.is_time32(type_):
        array = array.cast(pa.int32())
    elif pa.types.is_temporal(type_):
        array = array.cast(pa.int64())
    keys: np.ndarray[Any, Any] = array.to_numpy(zero_copy_only=False)
    return keys


def _by_keys(keys: np.ndarray[Any, Any], descending: bool) -> Places:
    if not descending:
        return np.argsort(keys, kind="stable")
    # Sorted backwards and turned round, equal keys are in their first order again.
    return (len(keys) - 1 - np.argsort(keys[::-1], kind="stable"))[::-1]


def _by_codes(array: pa.DictionaryArray, descending: bool) -> Places:
    codes = array.indices.to_numpy()
    if array.type.ordered:
        return _by_keys(codes, descending)
    order = argsort(array.dictionary, descending=False)
    ranks = np.empty(len(order), np.int32)
    ranks[order] = np.arange(len(order), dtype=np.int32)
    return _by_keys(ranks[codes], descending)


def _by_words(array: pa.Array, descending: bool) -> Places:
    """Decimals by their two halves of 64 bits; the lower one alone where it holds them all."""
    low, high = _words(array)
    if np.array_equal(high, low >> 63):
        return _by_keys(np.ascontiguousarray(low), descending)
    order = _by_keys(low.view(np.uint64), descending)
    return order[_by_keys(high[order], descending)]


def _words(array: pa.Array) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """The lower and the upper half of each decimal; of a missing one, anything."""
    words = np.frombuffer(array.buffers()[1], np.int64).reshape(-1, 2)[array.offset : array.offset + len(array)]
    return words[:, 0], words[:, 1]


def slim(array: pa.Array) -> pa.Array:
    """The same order in half the memory, for decimals that have it: as whole numbers of 64 bits."""
    if not pa.types.is_decimal128(array.type) or not len(array):
        return array
    low, high = _words(array)
    missing = array.is_null().to_numpy(zero_copy_only=False)
    if not np.array_equal(high[~missing], low[~missing] >> 63):
        return array
    return pa.array(low, mask=missing)


# --- text -------------------------------------------------------------------------------------------------------------


def _by_text(array: pa.Array, descending: bool) -> Places:
    if len(array) < _LARGE:
        return _sorted(array, descending)
    sample = array.take(pa.array(np.linspace(0, len(array) - 1, _SAMPLE).astype(np.int64)))
    marks = sample.unique()
    if len(marks) * _REPEATED <= _SAMPLE:
        return _by_codes(array.dictionary_encode(), descending)
    return _in_pieces(array, marks.take(pc.sort_indices(marks)), descending)


def _in_pieces(array: pa.Array, marks: pa.Array, descending: bool) -> Places:
    """Each text goes to a piece by its place between some of the marks; the pieces are sorted side by side."""
    step = max(1, len(marks) // _PIECES)
    piece = np.zeros(len(array), np.uint8)
    for mark in marks[step::step]:
        piece += pc.greater_equal(array, mark).to_numpy(zero_copy_only=False)

    def one(number: int) -> Places:
        places = np.flatnonzero(piece == number)
        return places[_sorted(array.take(pa.array(places)), descending)]

    numbers = range(int(piece.max(initial=0)) + 1)
    with ThreadPoolExecutor(WORKERS) as pool:
        return np.concatenate([*pool.map(one, reversed(numbers) if descending else numbers)])


def _sorted(array: pa.Array, descending: bool) -> Places:
    found = pc.sort_indices(array, sort_keys=[("", "descending" if descending else "ascending")])
    order: Places = found.to_numpy().astype(np.int64)
    return order
