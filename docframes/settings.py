"""How docframes works on this machine: made once, passed down, never changed.

The environment is read by :meth:`Settings.from_environment`, when the first client is made, and nowhere else.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from docframes.errors import ConfigError

_YES = {"1", "true", "yes", "on"}
_NO = {"", "0", "false", "no", "off"}


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How to reach vendors and where to keep what they answered."""

    cache_dir: Path | None = None  #: None means the user's cache folder, as the operating system has it
    connect_timeout: float = 10.0  #: seconds to wait for a connection
    read_timeout: float = 60.0  #: seconds to wait for the next bytes
    tries: int = 5  #: attempts in all, on 429, 5xx and broken connections
    longest_wait: float = 120.0  #: seconds; a longer Retry-After is an error that says so, not a silent hang
    workers: int = 8  #: calls under way at once, for one client
    offline: bool = False  #: answer from the cache only; open no socket
    time_scale: float = 1.0  #: for the sandbox and tests only: waits last this part of their length

    def __post_init__(self) -> None:
        if not 1 <= self.workers <= 8:
            raise ConfigError(f"workers is {self.workers}; it must be from 1 to 8, to stay polite to the vendor.")
        if self.tries < 1:
            raise ConfigError(f"tries is {self.tries}; it counts the first attempt, so it is at least 1.")

    @property
    def cache_folder(self) -> Path:
        """The folder of everything that is kept; it need not exist yet."""
        if self.cache_dir is not None:
            return self.cache_dir
        import platformdirs

        return platformdirs.user_cache_path("docframes")

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None) -> Settings:
        """Settings as DOCFRAMES_CACHE_DIR, DOCFRAMES_OFFLINE and DOCFRAMES_WORKERS have them.

        DOCFRAMES_TIME_SCALE is there too, for the sandbox, whose windows and expiries it shortens.
        """
        environ = os.environ if environ is None else environ
        folder = environ.get("DOCFRAMES_CACHE_DIR")
        return cls(
            cache_dir=Path(folder).expanduser() if folder else None,
            offline=_flag("DOCFRAMES_OFFLINE", environ),
            workers=_whole_number("DOCFRAMES_WORKERS", environ, default=8),
            time_scale=_number("DOCFRAMES_TIME_SCALE", environ, default=1.0),
        )


def _flag(name: str, environ: Mapping[str, str]) -> bool:
    text = environ.get(name, "").strip().lower()
    if text not in _YES | _NO:
        raise ConfigError(f"{name} is {text!r}; use 1 for yes, 0 or nothing for no.")
    return text in _YES


def _number(name: str, environ: Mapping[str, str], *, default: float) -> float:
    text = environ.get(name, "").strip()
    try:
        return float(text) if text else default
    except ValueError:
        raise ConfigError(f"{name} is {text!r}; it must be a number.") from None


def _whole_number(name: str, environ: Mapping[str, str], *, default: int) -> int:
    text = environ.get(name, "").strip()
    if text and not text.isdecimal():
        raise ConfigError(f"{name} is {text!r}; it must be a whole number.")
    return int(text) if text else default
