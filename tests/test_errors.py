"""The error tree: one base, the builtin each resembles, facts as attributes, warnings at the user's own line."""

from __future__ import annotations

import inspect
import pickle
import re
import sqlite3
import warnings

import pytest

from docframes import errors, validocx

KINDS = [
    kind
    for _, kind in inspect.getmembers(errors, inspect.isclass)
    if issubclass(kind, Exception) and kind.__module__ == "docframes.errors"
]


@pytest.mark.parametrize("kind", KINDS)
def test_every_exception_stands_under_one_base(kind):
    """Errors under DocframesError, warnings under DocframesWarning, none under both."""
    assert issubclass(kind, errors.DocframesError) != issubclass(kind, errors.DocframesWarning)


@pytest.mark.parametrize("kind", KINDS)
def test_the_drawing_names_every_kind(kind):
    """The tree at the top of the module lists it."""
    assert re.search(rf"^ *[*+.-] {kind.__name__}\b", errors.__doc__, re.MULTILINE)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_says_what_it_means(kind):
    """Each has a docstring of its own."""
    assert kind.__dict__.get("__doc__")


@pytest.mark.parametrize(
    ("kind", "builtin"),
    [
        (errors.ConfigError, ValueError),
        (errors.MissingKey, ValueError),
        (errors.NotFound, LookupError),
        (errors.NoAnswer, ConnectionError),
        (errors.OfflineMiss, ConnectionError),
        (errors.ShapeError, ValueError),
        (errors.ColumnError, KeyError),
        (errors.DocframesWarning, UserWarning),
    ],
)
def test_each_resembles_the_builtin_it_is(kind, builtin):
    """Code that catches the builtin catches ours."""
    assert issubclass(kind, builtin)


def test_a_vendor_error_carries_its_facts():
    """Vendor, status, address and request id, for those who look."""
    error = errors.RateLimited("slow down", retry_after=3.0, vendor="v", status=429, url="u", request_id="r")

    assert (error.vendor, error.status, error.url, error.request_id, error.retry_after) == ("v", 429, "u", "r", 3.0)
    assert str(error) == "slow down"


def test_a_vendor_error_survives_another_process():
    """It can be pickled, facts and all: worker processes hand errors back that way."""
    error = pickle.loads(pickle.dumps(errors.NotFound("gone", status=404, request_id="r-1")))  # noqa: S301

    assert (str(error), error.status, error.request_id) == ("gone", 404, "r-1")


def test_a_column_error_reads_as_a_sentence():
    """A KeyError shows the repr of its text; this one shows the text."""
    assert str(errors.ColumnError("needs 'a'")) == "needs 'a'"


def test_a_warning_points_at_the_line_that_called(start, account):
    """However deep the load went, the warning stands at the user's own line."""
    client = account(start("new_keys", jobs=5), cached=False)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        validocx.load_jobs(client=client)

    assert [warning.filename for warning in caught] == [__file__]


def test_a_warning_from_below_other_libraries_points_there_too(box, account, monkeypatch):
    """The cache breaks while requests-cache is at work, and the warning still names the user's line."""
    client = account(box)
    validocx.load_jobs(client=client, limit=1)

    def broken(*_):
        raise sqlite3.OperationalError("disk I/O error")

    monkeypatch.setattr(type(client._store.responses), "__getitem__", broken)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        validocx.load_projects(client=client)

    assert [(warning.category, warning.filename) for warning in caught] == [(errors.CacheWarning, __file__)]
