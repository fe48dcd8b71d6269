"""Settings are made once, checked when made, and read from the environment in one place."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from docframes.errors import ConfigError
from docframes.settings import Settings


def test_settings_never_change():
    """A made Settings cannot be altered."""
    settings = Settings()

    with pytest.raises(dataclasses.FrozenInstanceError):
        settings.workers = 2  # type: ignore[misc]


@pytest.mark.parametrize("workers", [0, 9, -1])
def test_workers_stay_polite(workers):
    """From 1 to 8 at once; anything else is refused with the number that was given."""
    with pytest.raises(ConfigError, match=f"workers is {workers}"):
        Settings(workers=workers)


def test_there_is_at_least_one_try():
    """Tries count the first attempt."""
    with pytest.raises(ConfigError, match="tries is 0"):
        Settings(tries=0)


def test_unknown_settings_are_refused():
    """A misspelt name is an error, not a setting that does nothing."""
    with pytest.raises(TypeError):
        Settings(worker=2)  # type: ignore[call-arg]


def test_the_environment_is_read():
    """Folder, offline and workers come from DOCFRAMES_ variables."""
    environ = {"DOCFRAMES_CACHE_DIR": "some/folder", "DOCFRAMES_OFFLINE": "Yes", "DOCFRAMES_WORKERS": " 3 "}

    settings = Settings.from_environment(environ)

    assert (settings.cache_dir, settings.offline, settings.workers) == (Path("some/folder"), True, 3)


def test_an_empty_environment_gives_the_defaults():
    """Nothing set, or set to nothing, changes nothing."""
    empty = {"DOCFRAMES_CACHE_DIR": "", "DOCFRAMES_OFFLINE": "", "DOCFRAMES_WORKERS": ""}

    assert Settings.from_environment({}) == Settings.from_environment(empty) == Settings()


@pytest.mark.parametrize(
    ("name", "value"),
    [("DOCFRAMES_OFFLINE", "perhaps"), ("DOCFRAMES_WORKERS", "many"), ("DOCFRAMES_WORKERS", "-2")],
)
def test_a_value_that_cannot_be_read_is_named(name, value):
    """The message names the variable and what it holds."""
    with pytest.raises(ConfigError) as refused:
        Settings.from_environment({name: value})

    assert name in str(refused.value)
    assert value in str(refused.value)


def test_a_home_folder_is_filled_in(monkeypatch, tmp_path):
    """A leading ~ is the user's home."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))

    assert Settings.from_environment({"DOCFRAMES_CACHE_DIR": "~/kept"}).cache_dir == tmp_path / "kept"
