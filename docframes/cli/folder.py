"""The folder of the demo: files appear whole or not at all, and nobody else's file is touched."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from pathlib import Path

from docframes.errors import ConfigError

NOTE = "README.txt"
_MARK = "docframes demo wrote the files below. It overwrites them when it runs again."


class Folder:
    """*path*, in which only the files of *contents* (name, what it is) are ever written.

    Raises ConfigError where one of them is there already and is not the demo's own.
    """

    def __init__(self, path: Path, contents: Mapping[str, str]) -> None:
        self.path = path
        self.contents = contents
        if path.exists() and not path.is_dir():
            raise ConfigError(
                f"{path} is there and is no folder. Move it away, or run docframes demo in another folder."
            )
        if not self._is_ours():
            self._refuse_others()

    def claim(self) -> None:
        """Make the folder and say in it what the demo writes."""
        width = max(len(name) for name in self.contents)
        lines = [_MARK, "", *(f"  {name:<{width}}  {what}" for name, what in self.contents.items())]
        self.write(NOTE, lambda path: path.write_text("\n".join(lines) + "\n", encoding="utf-8"))

    def write(self, name: str, how: Callable[[Path], object]) -> Path:
        """Let *how* write under a temporary name, then give the file its own; gives its path."""
        target = self.path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = target.with_name(f".docframes-{secrets.token_hex(4)}{target.suffix}")
        try:
            how(temporary)
            temporary.replace(target)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        return target

    def _is_ours(self) -> bool:
        try:
            with (self.path / NOTE).open(encoding="utf-8", errors="replace") as file:
                return file.readline().rstrip("\n") == _MARK
        except FileNotFoundError:
            return False

    def _refuse_others(self) -> None:
        for name in (NOTE, *self.contents):
            if (self.path / name).exists():
                msg = f"{self.path / name} is there and was not written by the demo, so it is left alone. "
                raise ConfigError(msg + "Move it away, or run docframes demo in another folder.")
