"""Rows of fields that need no call: saved answers, the wide form, and what could not be read."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from datetime import UTC, datetime

import pandas as pd

from docframes.errors import ColumnError, DocframesWarning, SchemaDriftWarning, warn
from docframes.tables.certificates import Certificate
from docframes.tables.flatten import flatten
from docframes.tables.frames import to_frame
from docframes.tables.loads import Load, attach, new_load_id
from docframes.tables.wide import spread
from docframes.transport.api import Api
from docframes.vendors.docdigitizer import saved, tables
from docframes.vendors.docdigitizer.fields import Record
from docframes.vendors.docdigitizer.values import Reading, words_of

_ABOUT_DOCUMENT = ("document_class", "state", "reviewed")


def read_extractions(
    paths: str | os.PathLike[str] | Iterable[str | os.PathLike[str]], complete_only: bool, api: Api
) -> pd.DataFrame:
    """See :func:`docframes.docdigitizer.read_extractions`."""
    began = time.perf_counter()
    reading = Reading.of({name: assumption.value for name, assumption in api.assumptions.items()})
    complete = {str(state).casefold() for state in api.value("complete_states")}
    files = saved.files_of(paths)
    records: list[Record] = []
    left_out: dict[str, str] = {}
    for file in files:
        answer = saved.read(file)
        found = saved.entries(answer, str(file), reading)
        state = saved.state_of(answer)
        if complete_only and state is not None and state.casefold() not in complete:
            left_out[file.name] = state
        else:
            records += found
    flat = flatten(records, tables.FIELDS)[tables.ANNOTATION_FIELDS.name]
    certificate = _certificate(len(files), len(records), left_out)
    now = datetime.now(UTC)
    load = Load(
        load_id=new_load_id("docdigitizer", flat.table.name), vendor="docdigitizer", loader="read_extractions",
        table=flat.table.name, arguments={"files": len(files), "complete_only": complete_only}, calls=0, from_cache=0,
        fetched_from=now, fetched_to=now, rows=flat.rows, seconds=time.perf_counter() - began,
        certificate=certificate, declared=flat.table,
    )  # fmt: skip
    _tell_left_out(left_out)
    frame = attach(to_frame(flat.arrow()), load)
    tell_unread(frame, "read_extractions", reading)
    return frame


def _certificate(files: int, entries: int, left_out: dict[str, str]) -> Certificate:
    told = f"{files} files, {entries} documents"
    told += f"; {len(left_out)} files left out, which are not complete" if left_out else ""
    return Certificate("PASS", told, received=entries, unique=entries)


def _tell_left_out(left_out: dict[str, str]) -> None:
    if left_out:
        told = ", ".join(f"{name} ({state})" for name, state in sorted(left_out.items())[:10])
        msg = f"docdigitizer.read_extractions: {len(left_out)} files are not complete and left out: {told}. "
        warn(msg + "complete_only=False reads what they hold.", DocframesWarning)


# --- what could not be read ---------------------------------------------------------------------------------------


def tell_unread(frame: pd.DataFrame, loader: str, reading: Reading) -> None:
    """Warn where fields that should hold numbers or days hold texts of another form: an assumption may be wrong."""
    texts = frame[(frame["sent_as"] == "text") & ~frame["is_empty"].fillna(False).astype(bool)]
    fields = texts["field"].fillna("").unique()
    numeric = texts["field"].isin([field for field in fields if reading.holds_numbers(field)])
    days = texts["field"].isin([field for field in fields if "date" in words_of(field)])
    # Only what has digits: an amount of "n/a" is no amount in another form.
    has_digits = texts["value"].str.contains(r"\d", regex=True).fillna(False)
    said = []
    for kind, wanted, column, mend in (
        ("numbers", numeric, "value_number", '{"decimal_mark": ",", "group_mark": "."}'),
        ("days", days, "value_date", None),
    ):
        missed = texts[wanted & has_digits & texts[column].isna()]
        if len(missed):
            shown = ", ".join(f"{field}: {value!r}" for field, value in missed[["field", "value"]].head(3).to_numpy())
            said.append(f"{len(missed)} values are not in the form assumed for {kind} ({shown})")
            said[-1] += f"; Client(assumptions={mend}) reads another" if mend else ""
    if said:
        warn(f"docdigitizer.{loader}: {'; '.join(said)}. They are kept as text in value.", SchemaDriftWarning)


# --- wide ---------------------------------------------------------------------------------------------------------


def annotations_wide(fields: pd.DataFrame) -> pd.DataFrame:
    """See :func:`docframes.docdigitizer.annotations_wide`."""
    needed = ["document_id", "entry_index", "table", "field", "value", "is_empty", *_ABOUT_DOCUMENT]
    missing = [name for name in needed if name not in fields.columns]
    if missing:
        msg = f"annotations_wide needs the columns {missing}; this frame has {list(fields.columns)}. "
        raise ColumnError(msg + "Give it the frame of fields as it was loaded.")
    own = fields[fields["table"].isna()].copy()
    own["value"] = own["value"].mask(_typed_and_empty(own))
    rows = ["document_id", "entry_index"]
    taken = own["field"].isin([*rows, *_ABOUT_DOCUMENT])
    own["field"] = own["field"].where(~taken, own["field"] + " (field)")
    # Documents of several classes share the columns of the fields they share.
    wide = spread(own, rows=rows, label="field", group="field", value="value", caller="annotations_wide")
    about = fields.drop_duplicates(rows)[[*rows, *_ABOUT_DOCUMENT]].reset_index(drop=True)
    return about.merge(wide, on=rows, how="left")


def _typed_and_empty(own: pd.DataFrame) -> pd.Series:
    """Empty texts in fields whose other values are all numbers, days or booleans: there they are gaps."""
    empty = own["is_empty"].fillna(False).astype(bool)
    full = own[~empty]
    typed = set()
    for column in ("value_number", "value_boolean", "value_date"):
        all_are = full[column].notna().groupby(full["field"]).all()
        typed |= set(all_are[all_are].index)
    return empty & own["field"].isin(typed)
