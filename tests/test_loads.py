"""The record of a load, and the certificate that says whether every row came."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest

from docframes import describe, load_record
from docframes.errors import ConfigError
from docframes.tables.certificates import Certificate, certify
from docframes.tables.loads import Load, attach, new_load_id


@pytest.mark.parametrize(
    ("facts", "verdict"),
    [
        ({"first": 40, "last": 40, "received": 40, "unique": 40}, "PASS"),
        ({"first": 0, "last": 0, "received": 0, "unique": 0}, "PASS"),
        ({"first": 37, "last": 40, "received": 40, "unique": 40}, "PASS"),
        ({"first": 40, "last": 40, "received": 43, "unique": 40}, "PASS"),
        ({"first": 40, "last": 40, "received": 39, "unique": 39}, "FAIL"),
        ({"first": 37, "last": 40, "received": 40, "unique": 37}, "FAIL"),
        ({"first": 40, "last": 40, "received": 40, "unique": 40, "repeated_pages": 1}, "FAIL"),
        ({"first": None, "last": None, "received": 12, "unique": 12}, "CANNOT_PROVE"),
        ({"first": None, "last": None, "received": 20, "unique": 10, "repeated_pages": 1}, "FAIL"),
        ({"first": 40, "last": 38, "received": 40, "unique": 40}, "CANNOT_PROVE"),
        ({"first": 40, "last": 38, "received": 38, "unique": 38}, "CANNOT_PROVE"),
        ({"first": 40, "last": 40, "received": 10, "unique": 10, "cut_at": 10}, "PASS"),
        ({"first": 40, "last": 40, "received": 8, "unique": 8, "cut_at": 10}, "FAIL"),
        ({"first": 6, "last": 6, "received": 6, "unique": 6, "cut_at": 10}, "PASS"),
    ],
)
def test_the_verdict_follows_from_totals_and_rows(facts, verdict):
    """Fewer than declared is FAIL, no total is CANNOT_PROVE, a falling total proves nothing."""
    certificate = certify(**facts)

    assert certificate.verdict == verdict
    assert certificate.overlaps == facts["received"] - facts["unique"]
    assert str(certificate).startswith(f"{verdict}: ")


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
