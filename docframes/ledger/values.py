"""Texts -> exact amounts and sure dates.  What is not sure is refused or listed, never guessed.

An amount is a decimal number with a point, a sign before or after it or brackets around a negative one, and perhaps
an exponent.  A comma in place of the point, and marks between thousands, have to be declared.  A date is ISO 8601
(``2024-03-04``, perhaps with a time and an offset) or ``20240304``.  Other forms have to be declared too.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from docframes.errors import ConfigError, ValueFormatError

PRECISION = 36  # digits of an amount; two fewer than Arrow's most, so that a sum and a difference still fit
MOMENT = pa.timestamp("us")
#: Days that programs write for "no date".
PLACEHOLDERS = ("0001-01-01", "1899-12-30", "1900-01-01", "9999-12-31")

_ISO = r"^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}([.,]\d+)?)?\s?(Z|z|[+-]\d{2}(:?\d{2})?)?)?$"
_COMPACT = r"^(\d{4})(\d{2})(\d{2})$"
_ZONED = r"(:\d{2}(?:[.,]\d+)?)\s?(?:Z|z|[+-]\d{2}(?::?\d{2})?)$"
#: Looks like a date of another form: three parts, day, month and year in an order that nobody declared.
_OTHER_DATE = (
    r"^\s*(\d{1,4}[-./ ]\w{1,9}[-./ ,]+\d{1,4}\b|\w{3,9} \d{1,2},? \d{4}|\d{5,14}\s*$|\d{4}-\d{1,2}-\d{1,2}\b)"
)
#: Looks like an amount of another form: digits with commas, blanks, apostrophes, currency signs.
_OTHER_AMOUNT = (
    r"^\s*[-+(\x{2212}]?\s*[$€£¥]?\s*[.,]?\d[\d.,'’_\s\x{a0}\x{2009}\x{202f}]*([eE][-+]?\d{1,3})?"
    r"\s*[-)+\x{2212}]?\s*([$€£¥%]|[A-Z]{3})?$"
)
#: Marks that look alike are one: blanks that do not break, the typographic apostrophe and the mathematical minus.
_ALIKE = {"\u00a0": " ", "\u2009": " ", "\u202f": " ", "\u2019": "'", "\u2212": "-"}


@dataclass(frozen=True)
class AmountForm:
    """How amounts are written.

    thousands : a blank stands for narrow ones and those that do not break too, an apostrophe for the typographic one.
    scale : digits after the point that are kept; more of them are refused.
    """

    decimal: str = "."
    thousands: str | None = None
    scale: int = 6

    def __post_init__(self) -> None:
        if self.decimal not in (".", ","):
            raise ConfigError(f"decimal is '.' or ','; {self.decimal!r} was given.")
        if self.thousands is not None and (
            len(self.thousands) != 1 or self.thousands.isalnum() or self.thousands in f"{self.decimal}+-()\u2212"
        ):
            raise ConfigError(f"thousands is one mark, not {self.decimal!r}; {self.thousands!r} was given.")
        if not 0 <= self.scale <= 18:
            raise ConfigError(f"scale is 0 to 18 digits after the point; {self.scale!r} was given.")

    @property
    def type(self) -> pa.DataType:
        """The Arrow type of every amount of the ledger."""
        return pa.decimal128(PRECISION, self.scale)


def parse_amounts(texts: pa.Array, form: AmountForm, *, where: str) -> tuple[pa.Array, pa.Array]:
    """Exact decimals, and for each text whether it could not be read; an empty or blank one is missing, not unreadable.

    Raises : ValueFormatError when texts look like amounts of another form, or have more digits than are kept.
    """
    amounts = _cast(texts, form) if form.decimal == "." and form.thousands is None else None
    if amounts is not None:
        return amounts, pa.repeat(False, len(texts))
    trimmed = _spelled_alike(texts)
    plain = _plain_numbers(trimmed, form)
    unreadable = pc.and_(pc.is_null(plain), pc.fill_null(pc.not_equal(trimmed, ""), False))
    _refuse_other_amounts(texts.filter(unreadable), form, where)
    return _to_decimals(plain, form, where), unreadable


def _cast(texts: pa.Array, form: AmountForm) -> pa.Array | None:
    """Arrow's own reading of short, plain numbers, which is fast and exact; None where one of them is no such.

    It reads ``1e0x3`` as a thousand, and where digits overflow its 128 bits it gives zero or another number and no
    error; so texts with an exponent, and long ones, are kept from it.
    """
    longest = pc.max(pc.binary_length(texts)).as_py() or 0
    if longest > PRECISION - form.scale or _greatest_byte(texts) > ord("9"):
        return None
    try:
        return pc.cast(texts, form.type)
    except pa.ArrowInvalid:
        return None


def _greatest_byte(texts: pa.Array) -> int:
    """Letters are greater than digits; one pass over all bytes costs next to nothing beside a search in each text."""
    _, places, data = texts.buffers()
    if not len(texts) or data is None:
        return 0
    width = np.int64 if pa.types.is_large_string(texts.type) else np.int32
    ends = np.frombuffer(places, width)[texts.offset : texts.offset + len(texts) + 1]
    return int(np.frombuffer(data, np.uint8)[ends[0] : ends[-1]].max(initial=0))


def _spelled_alike(texts: pa.Array) -> pa.Array:
    """Without blanks around, and with one spelling of marks that look alike."""
    if not pc.all(pc.string_is_ascii(texts), min_count=0).as_py():
        for mark, plain in _ALIKE.items():
            texts = pc.replace_substring(texts, mark, plain)
    return pc.utf8_trim_whitespace(texts)


def _thousands(form: AmountForm) -> str:
    return _ALIKE.get(form.thousands or "", form.thousands or "")


def _number(form: AmountForm) -> str:
    """The pattern of a number without its sign."""
    point, mark = re.escape(form.decimal), re.escape(_thousands(form))
    whole = rf"(?:\d+|\d{{1,3}}(?:{mark}\d{{3}})+)" if mark else r"\d+"
    return rf"(?:{whole}(?:{point}\d*)?|{point}\d+)(?:[eE][+-]?\d{{1,3}})?"


def _plain_numbers(text: pa.Array, form: AmountForm) -> pa.Array:
    """``-1234.5`` for what can be read, missing for the rest."""
    number, mark = _number(form), _thousands(form)
    readable = pc.match_substring_regex(text, rf"^[+-]?{number}$")
    if not pc.all(readable, min_count=0).as_py():
        text = pc.replace_substring_regex(text, rf"^\( *({number}) *\)$", r"-\1")
        text = pc.replace_substring_regex(text, rf"^({number}) *([+-])$", r"\2\1")
        text = pc.replace_substring_regex(text, rf"^([+-]) +({number})$", r"\1\2")
        readable = pc.match_substring_regex(text, rf"^[+-]?{number}$")
        text = pc.if_else(readable, text, pa.scalar(None, text.type))
    if mark:
        text = pc.replace_substring(text, mark, "")
    return text if form.decimal == "." else pc.replace_substring(text, form.decimal, ".")


def _to_decimals(plain: pa.Array, form: AmountForm, where: str) -> pa.Array:
    """Decimals of numbers in plain writing; what Arrow cannot be trusted with is first written within its digits."""
    amounts = _cast(plain, form)
    if amounts is not None:
        return amounts
    short = rf"^[+-]?\d{{0,{PRECISION - form.scale}}}(\.\d{{0,{form.scale}}})?$"
    long = pc.fill_null(pc.invert(pc.match_substring_regex(plain, short)), False)
    if pc.any(long, min_count=0).as_py():
        plain = pc.replace_with_mask(plain, long, _shortened(plain.filter(long), form, where))
    return pc.cast(plain, form.type)


def _shortened(long: pa.Array, form: AmountForm, where: str) -> pa.Array:
    texts = long.to_pylist()
    written = [_within(text, form) for text in texts]
    if None in written:
        lost = [text for text, kept in zip(texts, written, strict=True) if kept is None]
        msg = f"{where} holds amounts with more digits than are kept ({form.scale} after the point, "
        msg += f"{PRECISION - form.scale} before it): {_some(lost)}. Declare read_ledger(..., scale=...), up to 18."
        raise ValueFormatError(msg)
    return pa.array(written, long.type)


def _within(text: str, form: AmountForm) -> str | None:
    """The same number without exponent and needless zeros, or None where it has more digits than are kept."""
    whole, _, fraction = f"{Decimal(text):f}".partition(".")
    sign, whole, fraction = whole[: whole.startswith("-")], whole.lstrip("-0"), fraction.rstrip("0")
    fits = len(whole) <= PRECISION - form.scale and len(fraction) <= form.scale
    return f"{sign}{whole or 0}.{fraction}" if fits else None


def _refuse_other_amounts(texts: pa.Array, form: AmountForm, where: str) -> None:
    # A number of the declared form with signs that make no sense is that line's fault and no question of form.
    signs = pc.match_substring_regex(_spelled_alike(texts), rf"^[-+( ]*{_number(form)}[-+) ]*$")
    other = texts.filter(pc.and_(pc.match_substring_regex(texts, _OTHER_AMOUNT), pc.invert(signs)))
    if len(other):
        msg = f"{where} holds amounts whose form is not sure: {_some(other.to_pylist())}. Read were decimal="
        msg += f"{form.decimal!r}, thousands={form.thousands!r}. Declare yours, such as "
        raise ValueFormatError(msg + "read_ledger(..., decimal=',', thousands='.').")


def parse_moments(texts: pa.Array, declared: str | None, *, where: str) -> tuple[pa.Array, pa.Array]:
    """Days and times as written (an offset is not applied), and for each text whether it could not be read.

    declared : a ``strptime`` format, which is then the only one; None reads ISO 8601 and ``yyyymmdd``.
    Raises : ValueFormatError when texts look like dates of a form that was not declared.
    """
    moments = _by_format(texts, declared) if declared else _iso(texts)
    unreadable = pc.and_(pc.is_valid(texts), pc.is_null(moments))
    if declared is None:
        rest = texts.filter(unreadable)
        other = rest.filter(pc.and_(pc.match_substring_regex(rest, _OTHER_DATE), pc.invert(_iso_form(rest))))
        if len(other):
            raise other_dates(other.to_pylist(), None, where)
    return moments, unreadable


def other_dates(examples: Sequence[str], declared: str | None, where: str) -> ValueFormatError:
    """The error for dates whose form is not sure."""
    wanted = f"the declared form {declared!r}" if declared else "ISO 8601 (2024-03-04) or 20240304"
    msg = f"{where} holds dates whose form is not sure: {_some(examples)}. Wanted was {wanted}; the order of day "
    msg += "and month is never guessed. Declare it: read_ledger(..., dates='%d/%m/%Y') or, by role, "
    return ValueFormatError(msg + "dates={'date': '%d/%m/%Y'}.")


def _iso_form(texts: pa.Array) -> pa.Array:
    return pc.or_(pc.match_substring_regex(texts, _ISO), pc.match_substring_regex(texts, _COMPACT))


def _iso(texts: pa.Array) -> pa.Array:
    usual = _usual(texts)
    if usual is not None:
        return usual
    return _cast_iso(pc.if_else(_iso_form(texts), _dashed(texts), pa.scalar(None, texts.type)))


def _usual(texts: pa.Array) -> pa.Array | None:
    """Days, or times to the second in UTC or without zone, all of one length: what programs write.

    Arrow reads nothing else of these lengths; None where the texts are not so, and are looked at more slowly.
    """
    lengths = pc.min_max(pc.binary_length(texts)).as_py()
    length = lengths["max"]
    if length != lengths["min"] or length not in (10, 19, 20):
        return None
    if length == 20 and not pc.all(pc.ends_with(texts, "Z")).as_py():
        return None
    try:
        # A moment in UTC loses its zone and keeps its figures.
        return pc.cast(pc.cast(texts, pa.timestamp("us", "UTC")), MOMENT) if length == 20 else pc.cast(texts, MOMENT)
    except pa.ArrowInvalid:
        return None


def _dashed(texts: pa.Array) -> pa.Array:
    return pc.replace_substring_regex(texts, _COMPACT, r"\1-\2-\3")


def _cast_iso(texts: pa.Array) -> pa.Array:
    texts = _without_tails(texts)
    try:
        return pc.cast(texts, MOMENT)
    except pa.ArrowInvalid:  # a day that does not exist, such as 2023-02-30
        return pa.array([_existing(text) for text in texts.to_pylist()], MOMENT)


def _without_tails(texts: pa.Array) -> pa.Array:
    """ISO texts without their offset, and with six digits of a second at most, which is what Arrow reads."""
    longest = pc.max(pc.binary_length(texts)).as_py() or 0
    if longest > 10:
        texts = pc.replace_substring_regex(texts, _ZONED, r"\1")
    if longest > 19:
        texts = pc.replace_substring_regex(texts, r"[.,](\d{1,6})\d*$", r".\1")
    return texts


def _existing(text: str | None) -> datetime | None:
    try:
        return datetime.fromisoformat(text) if text else None
    except ValueError:
        return None


def _by_format(texts: pa.Array, declared: str) -> pa.Array:
    try:
        read = pd.to_datetime(pd.Series(texts.to_pandas(), dtype="str"), format=declared, errors="coerce")
        values = read.dt.tz_localize(None) if read.dt.tz is not None else read
        return pa.array(values.astype("datetime64[us]"), MOMENT, from_pandas=True)
    except (ValueError, AttributeError) as error:
        raise ConfigError(f"{declared!r} is no date format: {error}. Give one like '%d/%m/%Y'.") from error


def parse_times(texts: pa.Array) -> tuple[pa.Array, pa.Array]:
    """Microseconds since midnight, and for each text whether it could not be read.

    ``hh:mm``, ``hh:mm:ss``, ``hh:mm:ss.fff`` or ``hhmmss``, of which spreadsheets cut the leading zeros: 90036 is
    09:00:36.
    """
    encoded = texts.dictionary_encode()
    spans = pa.array([_span(text) for text in encoded.dictionary.to_pylist()], pa.int64())
    found = spans.take(encoded.indices)
    return found, pc.and_(pc.is_valid(texts), pc.is_null(found))


def _span(text: str) -> int | None:
    digits = text.zfill(6) if text.isascii() and text.isdigit() and len(text) <= 6 else ""
    shape = r"(\d\d)(\d\d)(\d\d)()" if digits else r"(\d{1,2}):(\d\d)(?::(\d\d)(?:[.,](\d{1,6})\d*)?)?"
    match = re.fullmatch(shape, digits or text, re.ASCII)
    if match is None:
        return None
    hour, minute, second = (int(part or 0) for part in match.groups()[:3])
    if hour > 23 or minute > 59 or second > 59:
        return None
    return ((hour * 60 + minute) * 60 + second) * 1_000_000 + int((match[4] or "").ljust(6, "0"))


def to_float(amounts: pa.Array) -> np.ndarray[Any, np.dtype[np.float64]]:
    """The nearest float to each decimal, missing as NaN.

    Arrow's own cast multiplies by a power of ten that no float holds, and so misses the nearest float in three of
    ten amounts; a division of two exact numbers does not.
    """
    scale = amounts.type.scale
    pairs = np.frombuffer(amounts.buffers()[1], np.int64)[2 * amounts.offset :][: 2 * len(amounts)].reshape(-1, 2)
    low, high = pairs[:, 0], pairs[:, 1]
    missing = amounts.is_null().to_numpy(zero_copy_only=False)
    exact = missing | ((high == low >> 63) & (low > -(2**53)) & (low < 2**53))
    if not exact.all():
        result: np.ndarray[Any, Any] = pc.cast(pc.cast(amounts, pa.string()), pa.float64()).to_numpy(
            zero_copy_only=False
        )
        return result
    floats = low / float(10**scale)
    floats[missing] = np.nan
    return floats


def _some(values: Sequence[str | None]) -> str:
    shown = ", ".join(repr(value) for value in dict.fromkeys(values[:1000]))
    return shown if len(shown) < 120 else shown[:120] + " ..."
