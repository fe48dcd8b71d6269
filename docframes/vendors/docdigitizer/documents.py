"""One document's answer into its record: which documents are asked for, and where their fields stand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from docframes import spelling
from docframes.errors import (
    ColumnError,
    ConfigError,
    DocframesWarning,
    NotFound,
    SchemaDriftWarning,
    ShapeError,
    warn,
)
from docframes.tables.columns import read_moment
from docframes.tables.provenance import Made
from docframes.tables.schema import Table
from docframes.transport.answers import Answer, Call, object_of, refuse_shape
from docframes.transport.client import Client
from docframes.transport.paging import dig
from docframes.vendors.docdigitizer import tables
from docframes.vendors.docdigitizer.api import KEY_PREFIX, LINK_NAMES
from docframes.vendors.docdigitizer.fields import Record, entry, items_of, pages_text, rows_of_v1
from docframes.vendors.docdigitizer.links import followed
from docframes.vendors.docdigitizer.values import Reading


@dataclass(frozen=True)
class Wanted:
    """One document to ask for, and what is known of it."""

    document_id: str
    version: str = ""  #: changes whenever the document does; empty where that is not known
    state: str | None = None
    links: Mapping[str, str] = field(default_factory=dict)

    def call(self, client: Client, name: str) -> Call:
        """The call of an endpoint, at the address that the document's own links name."""
        versioned = f"{name}_now" in client.api.endpoints
        endpoint = client.api.endpoint(name if self.version or not versioned else f"{name}_now")
        call = Call(endpoint, {"document_id": self.document_id}, version=self.version if versioned else "")
        return followed(client, call, self.links.get("self" if name == "document" else name))


def wanted(documents: pd.DataFrame | Sequence[str], caller: str) -> list[Wanted]:
    """Each document once.  Raises ColumnError, ConfigError."""
    if not isinstance(documents, pd.DataFrame):
        if isinstance(documents, str):
            raise ConfigError("documents is one text; give a list of document ids, or a frame of load_documents().")
        return [Wanted(str(document_id)) for document_id in dict.fromkeys(documents)]
    if "document_id" not in documents.columns:
        msg = f"{caller} needs the column 'document_id'; this frame has {list(documents.columns)}. "
        raise ColumnError(msg + "Rename yours first: frame.rename(columns={'id': 'document_id'}).")
    known = documents["document_id"].notna()
    if not known.all():
        msg = f"{caller}: {int((~known).sum())} of {len(documents)} documents do not say their id, so nothing can be "
        msg += 'asked about them. That its key is "id" was assumed; if it is another, say so: '
        msg += 'Client(assumptions={"columns": {"documents": {"document_id": "..."}}}). Or drop those rows.'
        raise ShapeError(msg, vendor="docdigitizer")
    frame = documents.drop_duplicates("document_id", keep="last")
    links = {name: f"link_{name}" for name in LINK_NAMES if f"link_{name}" in frame.columns}
    return [_wanted(row, links) for row in frame.to_dict("records")]


def _wanted(row: Mapping[Any, Any], links: Mapping[str, str]) -> Wanted:
    updated, state, reviewed = (_given(row.get(name)) for name in ("updated", "state", "reviewed"))
    version = "" if updated is None else "|".join(str(part) for part in (updated, state, reviewed))
    own = {name: row[column] for name, column in links.items() if _given(row[column]) is not None}
    return Wanted(str(row["document_id"]), version, None if state is None else str(state), own)


def _given(value: Any) -> Any:
    return None if pd.isna(value) else value


# --- which of them are complete -----------------------------------------------------------------------------------


def complete_only_of(found: Sequence[Wanted], client: Client, caller: str) -> list[Wanted]:
    """Without the documents that are known not to be complete; one whose state nobody tells stays.

    A state that is in neither list of the assumptions is left out too, and said so.  Raises ShapeError where that
    leaves nothing at all.
    """
    kept = [document for document in found if is_complete(document.state, client) is not False]
    words = _unknown((document.state for document in found), client)
    if words and not kept:
        msg = f"{caller}: no document is complete, as far as is known; their states are {_told(words)}. That only "
        msg += f"{', '.join(client.api.value('complete_states'))} are was assumed; if others are, say so: "
        raise ShapeError(msg + _mend(words), vendor=client.vendor)
    tell_unknown(words, caller)
    return kept


def is_complete(state: str | None, client: Client) -> bool | None:
    """Whether a state is one of complete documents; None where there is no state."""
    return None if state is None else state.casefold() in _states(client, "complete_states")


def tell_unknown(words: Mapping[str, int], caller: str) -> None:
    """Warn of documents left out because nobody knows what their state means."""
    if words:
        msg = f"{caller}: documents in the states {_told(words)} are left out: whether those are complete is not known."
        warn(f"{msg} complete_only=False loads them; {_mend(words)} counts them in.", SchemaDriftWarning)


def tell_left_out(entries: pd.DataFrame, client: Client, caller: str) -> None:
    """Warn of documents that were asked for and turned out not to be complete: they have no rows."""
    states = Counter(state for state in entries["state"].dropna() if not is_complete(state, client))
    if states:
        msg = f"{caller}: {sum(states.values())} of the documents asked for are left out, since they are not complete; "
        warn(f"{msg}their states are {_told(states)}. complete_only=False loads what they hold.", DocframesWarning)


def _unknown(states: Iterable[str | None], client: Client) -> Counter[str]:
    known = _states(client, "complete_states") | _states(client, "unfinished_states")
    return Counter(state for state in states if state is not None and state.casefold() not in known)


def _states(client: Client, name: str) -> set[str]:
    return {str(state).casefold() for state in client.api.value(name)}


def _told(words: Mapping[str, int]) -> str:
    return ", ".join(f"{word!r} ({count})" for word, count in sorted(words.items()))


def _mend(words: Mapping[str, int]) -> str:
    return f'Client(assumptions={{"complete_states": ["success", {", ".join(map(repr, sorted(words)))}]}})'


# --- one answer ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Map:
    """A field map.  beside : what stands beside it.  holder : the object of the answer that has its keys."""

    data: Mapping[str, Any] = field(default_factory=dict)
    beside: Record = field(default_factory=dict)
    holder: Any = None


@dataclass(frozen=True)
class Maker:
    """Makes the record of one document's answer."""

    client: Client
    reading: Reading
    complete_only: bool
    asked: Mapping[str, Wanted]
    items: bool = False  #: gather items in place of fields
    table: str | None = None  #: of items, those of this table alone

    def __call__(self, answer: Answer) -> Record:
        """The record.  Raises ShapeError where the answer holds no document."""
        envelope = answer.json()
        document = object_of(envelope, answer, self.client.api)
        facts = self._facts(document)
        annotations = _key(document, "annotations") or _key(envelope, "annotations")
        if facts["document_id"] is None and annotations is None:
            refuse_shape(envelope, answer, self.client.api, "a document with an id or annotations")
        state = facts["state"]
        if self.complete_only and is_complete(state, self.client) is False:
            return self._record(facts, Made(), self._beside(document))
        holder = document if annotations in document else envelope
        own = self._data(holder[annotations] if annotations else None, annotations is None, state, answer)
        rows = rows_of_v1(own.data, self.reading, own.holder)
        return self._record(facts, rows, {**self._beside(document), **own.beside})

    def _record(self, facts: Record, rows: Made, beside: Any) -> Record:
        made = entry(api_version="v1", entry_index=0, beside=beside or None, **facts)
        if self.items:
            return {**made, "items": items_of(rows, self.table)}
        return {**made, "fields": rows}

    def _facts(self, document: Mapping[str, Any]) -> Record:
        table = tables.DOCUMENTS.with_sources(self.client.assumptions["columns"].get("documents", {}))
        names = ("document_id", "document_class", "state", "reviewed")
        facts = {name: value_of(document, table, name) for name in names}
        for name in ("document_id", "state"):
            facts[name] = None if facts[name] is None else str(facts[name])
        pages = _key(document, "pages")
        return {**facts, "pages": pages_text(document[pages]) if pages else None}

    def _beside(self, document: Mapping[str, Any]) -> Record:
        """What the document says of itself beyond the columns of a list of documents."""
        table = tables.DOCUMENTS.with_sources(self.client.assumptions["columns"].get("documents", {}))
        known = {_key(document, name) for name in ("annotations", "links", "pages")}
        for column in table.columns:
            known.add(spelling.find(column.path.partition(".")[0], document, column.aliases))
        return {key: value for key, value in document.items() if key not in known}

    def _data(self, node: Any, absent: bool, state: str | None, answer: Answer) -> _Map:
        if not absent and node is not None:
            return self.field_map(node, answer)
        if is_complete(state, self.client) is False:
            return _Map()
        return self._own_answer(answer, absent)

    def _own_answer(self, answer: Answer, absent: bool) -> _Map:
        """The field map from the annotations' own address, for documents that come without."""
        asked = self.asked[str(answer.call.path["document_id"])]
        try:
            own = self.client.call(asked.call(self.client, "annotations"))
        except NotFound:
            if not absent:
                return _Map()
            raise
        envelope = own.json()
        paths = self.client.api.value("annotations_object")
        for path in [paths] if isinstance(paths, str) else paths:
            node = dig(envelope, path)
            if isinstance(node, dict | list):
                return self.field_map(node, own)
        refuse_shape(envelope, own, self.client.api, f"annotations at {paths!r}")

    def field_map(self, node: Any, answer: Answer) -> _Map:
        """The field map within *node*; of several annotations the latest."""
        if isinstance(node, list):
            node = _latest(node)
        if isinstance(node, Mapping):
            where = self.client.api.value("annotation_data")
            data = dig(node, where)
            if isinstance(data, Mapping):
                name = spelling.find(where.partition(".")[0], node)
                return _Map(data, {key: value for key, value in node.items() if key not in (name, "links")}, data)
            if not node or (data is None and spelling.find(where, node) is not None):
                return _Map()
            if any(key.startswith(f"{KEY_PREFIX}:") for key in node):
                return _Map({key: value for key, value in node.items() if key != "links"}, {}, node)
        came = sorted(node)[:8] if isinstance(node, Mapping) else type(node).__name__
        msg = f"docdigitizer annotations, {answer.url}: wanted an object of fields at annotations."
        msg += f"{self.client.api.value('annotation_data')}, got {came}. That it stands there was assumed; if it "
        msg += 'stands elsewhere, say so: Client(assumptions={"annotation_data": "..."}).'
        raise ShapeError(msg, vendor="docdigitizer", url=answer.url, excerpt=str(came)[:200])


def value_of(record: Mapping[str, Any], table: Table, name: str) -> Any:
    """What a record has for a column of *table*, under any of its names."""
    column = next(column for column in table.columns if column.name == name)
    above, _, key = column.path.rpartition(".")
    holder = dig(record, above)
    found = spelling.find(key, holder, column.aliases) if isinstance(holder, Mapping) else None
    return None if found is None else holder[found]


def _key(record: Any, name: str) -> str | None:
    return spelling.find(name, record) if isinstance(record, Mapping) else None


def _latest(history: list[Any]) -> Any:
    """The last by time where every one has a time, else the last as they came; nothing of an empty history."""
    if not history:
        return {}
    moments = [_moment(item) for item in history]
    if all(moment is not None for moment in moments):
        return max(zip(moments, range(len(history)), history, strict=True), key=lambda found: found[:2])[2]
    return history[-1]


def _moment(item: Any) -> Any:
    for name in ("updated", "updated_at", "created", "created_at", "date", "timestamp"):
        key = _key(item, name)
        if key is not None:
            return read_moment(item[key])
    return None
