"""The record of a load: what was asked, how it is found again, and how old it is."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest

from docframes import describe, load_record
from docframes.errors import ConfigError
from docframes.tables.certificates import Certificate
from docframes.tables.loads import Load, attach, new_load_id


def a_load(**changes):
    load = Load(
        load_id=new_load_id("invented", "things"),
        vendor="invented",
        loader="load_things",
        table="things",
        arguments={"limit": 3},
        calls=1,
        from_cache=0,
        fetched_from=datetime(2026, 3, 5, 10, 0, tzinfo=UTC),
        fetched_to=datetime(2026, 3, 5, 10, 1, tzinfo=UTC),
        rows=2,
        seconds=0.1,
        certificate=Certificate("PASS", "2 rows, as declared"),
    )
    return dataclasses.replace(load, **changes)


def test_a_record_is_found_from_what_pandas_makes_of_the_frame():
    """Filtered, sorted, copied, assigned to: attrs come along."""
    load = a_load()
    frame = attach(pd.DataFrame({"a": [2, 1]}), load)

    for made in (frame[frame["a"] > 1], frame.sort_values("a"), frame.copy(), frame.assign(b=1), frame.query("a > 5")):
        assert load_record(made) is load


def test_attrs_hold_one_short_text():
    """Large attrs make every operation slow."""
    frame = attach(pd.DataFrame({"a": [1]}), a_load())

    assert [type(value) for value in frame.attrs.values()] == [str]
    assert len(str(frame.attrs)) < 80


def test_a_frame_from_elsewhere_has_no_record():
    """The message says what loses it."""
    with pytest.raises(ConfigError, match="merge or concat"):
        load_record(pd.DataFrame({"a": [1]}))


def test_a_record_of_another_session_is_not_guessed():
    """The attrs of a frame read from Parquet may name a load nobody knows here."""
    frame = pd.DataFrame({"a": [1]})
    frame.attrs["docframes_load"] = "invented.things-999-dead"

    with pytest.raises(ConfigError, match="not in this session"):
        load_record(frame)


def test_the_age_counts_from_the_oldest_answer():
    """In seconds; None where nothing was fetched."""
    load = a_load()

    assert load.age(load.fetched_from + timedelta(minutes=5)) == 300
    assert a_load(fetched_from=None).age() is None


def test_each_load_has_an_id_of_its_own():
    """Vendor and table can be read from it."""
    first, second = new_load_id("v", "t"), new_load_id("v", "t")

    assert first != second
    assert first.startswith("v.t-")


def test_a_record_as_plain_values_is_json():
    """It goes into a sidecar as it is, without the declared table."""
    import orjson

    plain = orjson.loads(orjson.dumps(a_load().as_dict()))

    assert plain["certificate"]["verdict"] == "PASS"
    assert "declared" not in plain


def test_a_load_without_a_table_cannot_be_described():
    """describe() says so."""
    with pytest.raises(ConfigError, match="no declared table"):
        describe(attach(pd.DataFrame({"a": [1]}), a_load()))
