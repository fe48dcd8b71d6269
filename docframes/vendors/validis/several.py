"""Extracts of one engagement or of several: fetched side by side, read one after the other, each of one upload only."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TypeVar

from docframes.errors import AuthError, ConfigError, DocframesError, IncompleteLoad, RateLimited, StoreError
from docframes.tables.certificates import Certificate
from docframes.transport.cache import is_offline
from docframes.vendors.validis import kept
from docframes.vendors.validis.fetching import Fetched, Wanted, fetch, fetch_each, files_folder
from docframes.vendors.validis.record import mixed_uploads

T = TypeVar("T")

#: Failures that a message tells one by one.
_TOLD = 10


def load(wanted: Wanted[T], *, refresh: bool) -> T:
    """One extract.  Raises IncompleteLoad, with the mixed frames, where its files are of two uploads twice."""
    ((_, outcome),) = _each([wanted], refresh)
    if isinstance(outcome, DocframesError):
        raise outcome
    return outcome


def load_several(wanted: Sequence[Wanted[T]], *, refresh: bool, came: Mapping[str, T] | None = None) -> dict[str, T]:
    """The extract of each engagement, by its id, in the order of *wanted*.

    came : those that are there already.  Files are fetched side by side; to read them takes memory, so that is done
    one after the other, while the rest is waited for.
    Raises what concerns every engagement as it is; IncompleteLoad where some failed, the first error where all did.
    """
    found, failed = dict(came or {}), dict[str, DocframesError]()
    missing = [one for one in wanted if one.engagement_id not in found]
    with closing(_each(missing, refresh)) as outcomes:
        for one, outcome in outcomes:
            if not isinstance(outcome, DocframesError):
                found[one.engagement_id] = outcome
            elif _concerns_all(outcome):
                raise outcome
            else:
                failed[one.engagement_id] = outcome
    ordered = {one.engagement_id: found[one.engagement_id] for one in wanted if one.engagement_id in found}
    if not failed:
        return ordered
    failed = {one.engagement_id: failed[one.engagement_id] for one in missing if one.engagement_id in failed}
    first = next(iter(failed.values()))
    if not ordered:
        raise _none_came(first, failed)
    raise _incomplete(wanted, ordered, failed, refresh) from first


def _each(wanted: Sequence[Wanted[T]], refresh: bool) -> Generator[tuple[Wanted[T], T | DocframesError], None, None]:
    if not wanted:
        return
    began, client, left = time.perf_counter(), wanted[0].client, list(wanted)
    while left:
        kept_there = client.frames_folder
        with files_folder(client) as folder, closing(fetch_each(left, folder, refresh=refresh)) as outcomes:
            try:
                for one, outcome in outcomes:
                    made = _attempt(one, outcome, folder, began)
                    left = [other for other in left if other is not one]
                    yield one, made
            except OSError as error:
                # The disk is full, say.  What is left is begun anew, in a folder for this load only.
                if isinstance(error, DocframesError) or folder != kept_there:
                    raise
                client.trouble.of_files(folder, error)
                if client.frames_folder is not None:
                    raise


def _attempt(wanted: Wanted[T], came: Fetched | DocframesError, folder: Path, began: float) -> T | DocframesError:
    if isinstance(came, DocframesError):
        return came
    try:
        return _made(wanted, came, folder, began)
    except DocframesError as error:
        return error


def _made(wanted: Wanted[T], fetched: Fetched, folder: Path, began: float) -> T:
    """The files as frames, fetched once more where they are of two uploads."""
    book = wanted.book
    result, uploads = book.read(wanted, fetched, folder)
    if len(uploads) > 1 and not is_offline(wanted.client.settings):
        # A new upload came in between; the vendor drops what it had prepared and begins anew.
        again = fetch(wanted, folder, refresh=True)
        fetched = dataclasses.replace(again, calls=again.calls + fetched.calls)
        result, uploads = book.read(wanted, fetched, folder)
    if len(uploads) > 1:
        kept.forget(wanted.index(folder))
    result = book.told(wanted, result, fetched, uploads, time.perf_counter() - began)
    if len(uploads) > 1:
        raise _mixed(wanted, result, uploads)
    return result


def _mixed(wanted: Wanted[T], result: T, uploads: list[str]) -> IncompleteLoad:
    msg = f"validis.{wanted.book.loader}: the files of engagement {wanted.engagement_id} are of several uploads "
    msg += f"({', '.join(uploads)}), and were so again after a restart: data is being uploaded now. The mixed "
    msg += f"{wanted.book.what} is in .frame; .resume() loads again."
    resume = partial(load, wanted, refresh=True)
    return IncompleteLoad(msg, frame=result, certificate=mixed_uploads(uploads), resume=resume)


def _concerns_all(error: DocframesError) -> bool:
    """Whether every engagement meets the same: the key, its calls, an argument, the disk.  A 403 may be of one only."""
    refused = isinstance(error, AuthError) and error.status != 403
    return refused or isinstance(error, ConfigError | RateLimited | StoreError)


def _none_came(first: DocframesError, failed: Mapping[str, DocframesError]) -> DocframesError:
    """The first failure, with a word on the others."""
    if len(failed) > 1:
        first.add_note(f"None of the {len(failed)} engagements came. {_each_told(failed)}.")
    return first


def _incomplete(
    wanted: Sequence[Wanted[T]], came: dict[str, T], failed: Mapping[str, DocframesError], refresh: bool
) -> IncompleteLoad:
    reason = f"{len(came)} of {len(wanted)} engagements came, {len(failed)} failed"
    msg = f"validis.{wanted[0].book.loader}: {reason}. {_each_told(failed)}. Those that came are in .frame, by "
    msg += "engagement; .resume() loads the others and gives them all."
    certificate = Certificate(
        "FAIL", f"{reason}: {', '.join(failed)}", len(wanted), len(wanted), received=len(came), unique=len(came)
    )
    resume = partial(load_several, wanted, refresh=refresh, came=came)
    return IncompleteLoad(msg, frame=came, certificate=certificate, resume=resume)


def _each_told(failed: Mapping[str, DocframesError]) -> str:
    told = [f"{name}: {str(error).rstrip('.')}" for name, error in list(failed.items())[:_TOLD]]
    return "; ".join([*told, f"and {len(failed) - _TOLD} more"] if len(failed) > _TOLD else told)
