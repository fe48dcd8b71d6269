"""Keys that differ in their spelling only: ``job_template_id``, ``jobTemplateId`` and ``JobTemplateID`` are one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

_OTHER = re.compile(r"[^0-9a-z]")


def plain(key: str) -> str:
    """The letters and digits of *key*, in lower case."""
    return _OTHER.sub("", key.lower())


def find(key: str, keys: Iterable[str], aliases: Sequence[str] = ()) -> str | None:
    """The first of *keys* that is *key*, or one of *aliases*, or either in another spelling; None where none is."""
    if key in keys:
        return key
    by_letters = {plain(other): other for other in reversed(list(keys))}
    for candidate in (key, *aliases):
        found = by_letters.get(plain(candidate))
        if found is not None:
            return found
    return None
