"""Amounts are exact, dates are sure, and what is neither is refused with a way out."""

from __future__ import annotations

from datetime import datetime
from decimal import Context, Decimal

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from docframes.errors import ConfigError, ValueFormatError
from docframes.ledger.columns import joined
from docframes.ledger.values import AmountForm, parse_amounts, parse_moments, parse_times, to_float

FORM = AmountForm()
MONEY = st.decimals(min_value=-(10**15), max_value=10**15, places=6)


def amounts(*texts, form=FORM):
    found, unreadable = parse_amounts(pa.array(texts, pa.large_string()), form, where="here")
    return found.to_pylist(), unreadable.to_pylist()


def moments(*texts, declared=None):
    found, unreadable = parse_moments(pa.array(texts, pa.large_string()), declared, where="here")
    return found.to_pylist(), unreadable.to_pylist()


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1.23", "1.23"),
        ("-1.23", "-1.23"),
        ("+1.23", "1.23"),
        ("(1.23)", "-1.23"),
        ("( 1.23 )", "-1.23"),
        ("1.23-", "-1.23"),
        ("1.5E3", "1500"),
        ("1e-3", "0.001"),
        (".5", "0.5"),
        ("5.", "5"),
        (" 7 ", "7"),
        ("0.290000", "0.29"),
        ("1.2300000000000", "1.23"),
        ("-0", "0"),
        ("12345678901234567890.12", "12345678901234567890.12"),
    ],
)
def test_an_amount_is_read_exactly(text, value):
    """Point, sign before or after, brackets and exponent; beside a plain number or not."""
    assert amounts(text) == ([Decimal(value)], [False])
    assert amounts("1", text, None, "junk") == ([1, Decimal(value), None, None], [False, False, False, True])


@pytest.mark.parametrize("text", ["NaN", "inf", "-", ".", "abc", "1e", "--1", "(-1)", "1-2", "0x1F", "NULL", "١"])
def test_a_word_is_no_amount(text):
    """What is no number is unreadable; it is not taken for nothing."""
    assert amounts(text) == ([None], [True])


@pytest.mark.parametrize("text", ["1,5", "1,234.56", "1.234,56", "1'000", "1 000", "$5", "5 EUR", "1 000,00", "5%"])
def test_an_amount_of_another_form_is_refused(text):
    """Comma decimals, grouping and currency signs have to be declared: an error shows them and says how."""
    with pytest.raises(ValueFormatError, match="decimal=") as error:
        amounts("1.00", text)

    assert repr(text) in str(error.value)


def test_declared_marks_are_read():
    """A declared comma and grouping are read, signs and brackets as before."""
    form = AmountForm(decimal=",", thousands=".")

    found, unreadable = amounts("1.234.567,89", "-12,5", "(1.000,00)", "100-", None, form=form)

    assert found == [Decimal("1234567.89"), Decimal("-12.5"), Decimal("-1000"), Decimal("-100"), None]
    assert not any(unreadable)


@pytest.mark.parametrize(
    ("decimal", "thousands", "text"),
    [(",", None, "1.234"), (",", ".", "1.5"), (".", ",", "1,5"), (".", ",", "1,23,456")],
)
def test_a_declared_form_is_kept_to(decimal, thousands, text):
    """With a declared comma a point is not a decimal point, and groups have three digits."""
    with pytest.raises(ValueFormatError):
        amounts(text, form=AmountForm(decimal=decimal, thousands=thousands))


def test_digits_that_would_be_lost_are_refused():
    """More digits than are kept give an error that says how to keep them; nothing is rounded."""
    with pytest.raises(ValueFormatError, match=r"'0.1234567'.*scale="):
        amounts("1.00", "0.1234567")
    assert amounts("0.1234567", form=AmountForm(scale=7))[0] == [Decimal("0.1234567")]
    with pytest.raises(ValueFormatError, match="more digits"):
        amounts("9" * 31)


@pytest.mark.parametrize(
    "options",
    [
        {"decimal": ";"},
        {"thousands": "."},
        {"thousands": "--"},
        {"thousands": "1"},
        {"thousands": "\u2212"},
        {"scale": -1},
        {"scale": 19},
    ],
)
def test_marks_that_cannot_be_are_refused(options):
    """A form in which a number could mean two things cannot be declared."""
    with pytest.raises(ConfigError):
        AmountForm(**options)


@given(st.lists(st.none() | MONEY))
def test_every_decimal_comes_back(values):
    """Any amount written as a plain number is read as itself."""
    texts = [None if value is None else f"{value:f}" for value in values]

    assert amounts(*texts) == (values, [False] * len(values))


@given(MONEY)
def test_grouping_changes_nothing(value):
    """Written with grouping and a comma, and so declared, an amount is the same."""
    text = f"{value:,f}".translate(str.maketrans(",.", ".,"))

    assert amounts(text, form=AmountForm(decimal=",", thousands="."))[0] == [value]


FORMS = st.sampled_from(
    [
        (".", None),
        (",", None),
        (".", ","),
        (",", "."),
        (".", " "),
        (",", " "),
        (",", "\u00a0"),
        (".", "'"),
        (".", "\u2019"),
        (",", "'"),
    ]
)
LOOKALIKES = {" ": " \u00a0\u202f\u2009", "\u00a0": " \u00a0\u202f", "'": "'\u2019", "\u2019": "'\u2019"}


@pytest.mark.parametrize(
    ("decimal", "thousands", "text", "value"),
    [
        (".", ",", "1,234.56", "1234.56"),
        (".", ",", "(1,234.56)", "-1234.56"),
        (".", ",", "1,234.56-", "-1234.56"),
        (".", ",", "1,234,567", "1234567"),
        (".", ",", "1234567.8", "1234567.8"),
        (",", " ", "1 234,56", "1234.56"),
        (",", " ", "1\u00a0234,56", "1234.56"),
        (",", " ", "1\u202f234\u00a0567,5", "1234567.5"),
        (",", "\u00a0", "-1 234,56", "-1234.56"),
        (",", "\u202f", "1\u2009234,56-", "-1234.56"),
        (".", "'", "1'234.56", "1234.56"),
        (".", "'", "1\u2019234.56", "1234.56"),
        (".", "\u2019", "-1'234'567.00", "-1234567"),
        (",", None, "1,234", "1.234"),
        (",", None, "1,5E-2", "0.015"),
        (",", ".", "1.000-", "-1000"),
        (".", None, "1234.56-", "-1234.56"),
        (".", None, "1234.56 -", "-1234.56"),
        (".", None, "1234.56+", "1234.56"),
        (".", None, "- 5", "-5"),
        (".", None, "+5", "5"),
        (".", None, "\u22125.25", "-5.25"),
        (".", None, "1e3", "1000"),
        (".", None, "1.5E-2", "0.015"),
        (".", None, "0e99", "0"),
        (".", None, "-0", "0"),
        (".", None, "-.5", "-0.5"),
        (".", None, "5.", "5"),
        (".", None, "(.5)", "-0.5"),
        (".", None, "\u00a07.10\u202f", "7.1"),
    ],
)
def test_a_form_is_read_as_a_bookkeeper_reads_it(decimal, thousands, text, value):
    """Marks that look alike are one; signs stand before, behind or around; alone or beside plain amounts."""
    form = AmountForm(decimal=decimal, thousands=thousands)

    assert amounts(text, form=form) == ([Decimal(value)], [False])
    assert amounts("7", None, text, form=form) == ([7, None, Decimal(value)], [False] * 3)


@pytest.mark.parametrize(
    ("decimal", "thousands", "text"),
    [
        (".", None, "1,234.56"),
        (".", None, "1 234.56"),
        (".", None, "1\u00a0234"),
        (".", None, "1\u2019234"),
        (".", None, ",5"),
        (".", None, "1,5E3"),
        (".", None, "1.2.3"),
        (",", None, "1.234"),
        (",", None, "1.234,56"),
        (",", " ", "12 34,5"),
        (",", " ", "1 234 56"),
        (",", " ", "1.234,56"),
        (".", "'", "1'23.4"),
        (".", "'", "1,234.5"),
        (".", ",", "1,2345"),
        (".", ",", "1234,567"),
    ],
)
def test_a_form_that_is_not_sure_is_refused(decimal, thousands, text):
    """What the declared form leaves open is neither read one way nor the other: the error shows the text."""
    with pytest.raises(ValueFormatError, match="decimal=") as error:
        amounts("7", text, form=AmountForm(decimal=decimal, thousands=thousands))

    assert repr(text) in str(error.value)


@pytest.mark.parametrize(
    "text",
    [
        "--5",
        "+-5",
        "-5-",
        "(5",
        "(5)-",
        "(-5)",
        "1e0x3",
        "1e+-3",
        "1e",
        "e5",
        "0x1F",
        "\uff15",
        "-",
        "()",
        "-Infinity",
        "1-\n2",
    ],
)
def test_what_other_parsers_take_for_a_number_is_none(text):
    """Two signs, hexadecimal exponents, full-width digits and the like are unreadable, alone and beside amounts."""
    assert amounts(text) == ([None], [True])
    assert amounts("7", text, form=AmountForm(decimal=",")) == ([7, None], [False, True])


@pytest.mark.parametrize("text", ["", " ", "\u00a0", "\t  "])
def test_a_blank_amount_is_missing(text):
    """A field padded with blanks holds nothing, as an empty one does; it is not unreadable."""
    assert amounts(text) == ([None], [False])
    assert amounts("7", text, "x", None) == ([7, None, None, None], [False, False, True, False])


@pytest.mark.parametrize(
    ("scale", "text"),
    [
        (2, "0.005"),
        (2, "+24.11106172440008730182828204409776221962607"),
        (6, "1e-7"),
        (6, "123456789012345678901234567890.1234567"),
        (6, "1234567890123456789012345678901"),
        (0, ".68025069372E39"),
        (0, "0.1"),
        (6, "1e300"),
        (18, "-526247020867101917960499772"),
        (18, "0.0000000000000000001"),
    ],
)
def test_no_digit_is_lost_in_silence(scale, text):
    """Digits that do not fit give an error, however many there are; for some of these pyarrow's cast gives zero."""
    with pytest.raises(ValueFormatError, match=r"more digits than are kept.*scale="):
        amounts("1", text, form=AmountForm(scale=scale))


@given(FORMS, st.data())
def test_every_decimal_comes_back_in_every_form(marks, data):
    """Any amount that fits, with any scale, grouped or not, signed in any place, is read as itself."""
    decimal, thousands = marks
    form = AmountForm(decimal=decimal, thousands=thousands, scale=data.draw(st.integers(0, 18)))
    digits = data.draw(st.integers(0, 10 ** data.draw(st.integers(0, 36)) - 1))
    places = data.draw(st.integers(0, form.scale))
    whole, fraction = divmod(digits % 10 ** (36 - form.scale + places), 10**places)
    text = f"{whole:,}" if thousands and data.draw(st.booleans()) else str(whole)
    text = "".join(data.draw(st.sampled_from(LOOKALIKES.get(thousands, thousands))) if c == "," else c for c in text)
    text += f"{decimal}{fraction:0{places}d}" if places else ""
    sign = data.draw(st.sampled_from(["{}", "+{}", "-{}", "({})", "( {} )", "{}-", "{} -", "\u2212{}", " {} "]))
    # A context of its own, for Python's rounds to 28 digits.
    value = Context(prec=60).scaleb(Decimal(whole * 10**places + fraction), -places)
    wanted = value.copy_negate() if set("-(\u2212") & set(sign) else value

    assert amounts(sign.format(text), form=form) == ([wanted], [False])


def normalised(text: str, decimal: str, thousands: str | None) -> Decimal | None:
    """The oracle: a number as a person reads it who knows the form, without regular expressions; else None."""
    text, negative = text.strip(), False
    if text.startswith("(") and text.endswith(")"):
        text, negative = text[1:-1].strip(), True
    elif text[:1] in ("+", "-"):
        text, negative = text[1:].strip(), text[0] == "-"
    elif text[-1:] in ("+", "-"):
        text, negative = text[:-1].strip(), text[-1] == "-"
    mantissa, mark, exponent = text.replace("E", "e").partition("e")
    whole, _, fraction = mantissa.partition(decimal)
    first, *groups = whole.split(thousands) if thousands else [whole]
    if groups and not (0 < len(first) < 4 and all(len(group) == 3 for group in groups)):
        return None
    digits = [*([first] if first else []), *groups, *([fraction] if fraction else [])]
    power = exponent[1:] if exponent[:1] in ("+", "-") else exponent
    if not digits or not all(part.isdigit() for part in digits) or (mark and not power.isdigit()):
        return None
    number = Decimal(f"{first}{''.join(groups)}.{fraction or 0}e{exponent or 0}")
    return number.copy_negate() if negative else number


@given(FORMS, st.text("0123456789.,+-()eE '", max_size=12))
@example((".", None), "1e+-3")
@example((",", "."), "1.234,5-")
@example((".", None), "1e999")
def test_a_text_of_number_marks_is_read_as_python_reads_it_or_not_at_all(marks, text):
    """No text of digits and marks gives an amount that a careful normalisation and Python's Decimal do not give."""
    decimal, thousands = marks
    try:
        found, unreadable = amounts(text, form=AmountForm(decimal=decimal, thousands=thousands))
    except ValueFormatError:
        return

    if found[0] is None:
        assert unreadable == [bool(text.strip())]
    else:
        assert found[0] == normalised(text, decimal, {"\u00a0": " ", "\u2019": "'"}.get(thousands, thousands))


@given(st.text())
def test_a_text_is_read_as_python_reads_it_or_not_at_all(text):
    """No text gives an amount that Python's Decimal would not give; brackets, a sign behind, a true minus apart."""
    try:
        found, unreadable = amounts(text)
    except ValueFormatError:
        return
    if found[0] is None:
        assert unreadable == [bool(text.strip())]
    else:
        assert found[0] == normalised(text.replace("\u2212", "-"), ".", None)


@given(
    st.lists(st.none() | st.sampled_from(["1", "-2.50", "1e3", "x", " ", "(4)", "", "0.000001", "1" * 30])), st.data()
)
def test_a_slice_is_read_as_the_texts_it_holds(texts, data):
    """Each text is read for itself, whatever stands beside it and wherever in an array it lies."""
    start = data.draw(st.integers(0, len(texts)))
    found, unreadable = parse_amounts(pa.array(texts, pa.large_string()).slice(start), FORM, where="here")
    alone = [amounts(text) for text in texts[start:]]

    assert found.to_pylist() == [values[0] for values, _ in alone]
    assert unreadable.to_pylist() == [bad[0] for _, bad in alone]


@given(st.lists(st.none() | st.decimals(min_value=-(10**25), max_value=10**25, places=6)))
def test_floats_are_the_nearest(values):
    """The float of an amount is the one that Python gives for its text."""
    array = pa.array([None, *values, None], FORM.type).slice(1, len(values))
    wanted = [np.nan if value is None else float(str(value)) for value in values]

    assert np.array_equal(to_float(array), np.array(wanted, float), equal_nan=True)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2024-03-04", datetime(2024, 3, 4)),
        ("20240304", datetime(2024, 3, 4)),
        ("2024-03-04T05:06", datetime(2024, 3, 4, 5, 6)),
        ("2024-03-04 05:06:07", datetime(2024, 3, 4, 5, 6, 7)),
        ("2024-03-04T05:06:07Z", datetime(2024, 3, 4, 5, 6, 7)),
        ("2024-03-04T05:06:07.5+02:00", datetime(2024, 3, 4, 5, 6, 7, 500_000)),
        ("2024-03-04T05:06:07,123456789-0530", datetime(2024, 3, 4, 5, 6, 7, 123_456)),
        ("1969-12-31T23:59:59", datetime(1969, 12, 31, 23, 59, 59)),
        ("99991231", datetime(9999, 12, 31)),
    ],
)
def test_a_sure_date_is_read_as_written(text, value):
    """ISO 8601 and yyyymmdd; an offset is not applied, so a line entered at five stays so."""
    assert moments(text) == ([value], [False])
    assert moments("2020-02-29", None, text)[0] == [datetime(2020, 2, 29), None, value]


@pytest.mark.parametrize(
    "text",
    [
        "03/04/2007",
        "3.4.2007",
        "03-04-2007",
        "2007/03/04",
        "3 Mar 2007",
        "March 3, 2007",
        "39083",
        "2007-3-4",
        "070304",
    ],
)
def test_day_and_month_are_never_guessed(text):
    """Another form, on whichever row, is an error with the value and the way to declare it."""
    with pytest.raises(ValueFormatError, match="dates=") as error:
        moments("2007-01-01", None, text)

    assert repr(text) in str(error.value)


@pytest.mark.parametrize("text", ["2007-02-30", "20070230", "2007-13-01", "n/a", "NULL", "2007-01-01T25:00"])
def test_a_day_that_is_none_is_unreadable(text):
    """A sure form with a day that does not exist, or a word, is that line's fault and no question of form."""
    assert moments("2007-01-01", text) == ([datetime(2007, 1, 1), None], [False, True])


def test_a_declared_form_is_the_only_one():
    """With a declared format even an ISO date is not read otherwise."""
    found, unreadable = moments("04/03/2007", "2007-03-04", None, declared="%d/%m/%Y")

    assert found == [datetime(2007, 3, 4), None, None]
    assert unreadable == [False, True, False]


def test_a_declared_form_goes_before_yyyymmdd():
    """ddmmyyyy can look like yyyymmdd; the declared one wins."""
    assert moments("20122010", declared="%d%m%Y")[0] == [datetime(2010, 12, 20)]


@given(st.lists(st.datetimes(), min_size=1))
def test_every_moment_comes_back(values):
    """Any moment written in ISO 8601 is read as itself."""
    assert moments(*(value.isoformat() for value in values)) == (values, [False] * len(values))


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("101205", 36725), ("90036", 32436), ("59", 59), ("0", 0), ("9:05", 32700), ("09:00:36.25", 32436.25)],
)
def test_a_time_of_day_may_lack_its_zeros(text, seconds):
    """90036 is 09:00:36."""
    found, unreadable = parse_times(pa.array([text, None], pa.large_string()))

    assert found.to_pylist() == [int(seconds * 1_000_000), None]
    assert unreadable.to_pylist() == [False, False]


@pytest.mark.parametrize("text", ["250000", "106000", "noon", "1234567", "-1"])
def test_a_time_that_is_none_is_unreadable(text):
    """Hours end at 23 and minutes at 59."""
    assert parse_times(pa.array([text], pa.large_string()))[1].to_pylist() == [True]


@given(st.lists(st.tuples(st.text(" \\A1"), st.text(" \\A1")), unique=True))
def test_joined_texts_never_collide(pairs):
    """Different pairs make different texts; a pair of nothing is missing."""
    columns = [pa.array([pair[side] or None for pair in pairs], pa.large_string()) for side in (0, 1)]

    texts = joined(columns).to_pylist()

    assert len(set(texts)) == len(pairs)
    assert [text is None for text in texts] == [not any(pair) for pair in pairs]


def test_a_joined_text_reads_well():
    """Series A, number 1 is A 1."""
    assert joined([pa.array(["A"], pa.large_string()), pa.array(["1"], pa.large_string())]).to_pylist() == ["A 1"]
