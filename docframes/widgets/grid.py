"""The grid: a widget that answers for its rows.  Messages in, messages out; no row ever stands in a synced trait.

What a front end or a saved notebook keeps of a widget are its synced traits: here the columns' names and meanings, the
size of a page and the caption.  Rows, values, files and links travel in messages only, and are kept by nobody.
"""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import anywidget
import traitlets

from docframes.errors import ConfigError
from docframes.widgets import assets, messages
from docframes.widgets.query import Query, read_query
from docframes.widgets.snapshot import plain, snapshot

if TYPE_CHECKING:
    import pandas as pd

    from docframes.widgets.preview import Files
    from docframes.widgets.rows import Rows

OnSelect = TypeVar("OnSelect", bound="Callable[[pd.DataFrame], object]")

Message = Mapping[str, Any]
Answer = tuple[dict[str, Any], list[bytes]]

#: Values of a column that a filter offers.
VALUES = 200


class Grid(anywidget.AnyWidget):
    """Rows to search, filter, sort and choose from; made by :func:`docframes.browse`.

    columns, page_size, caption, height, fixed (key columns kept in place) and can_open (rows have files) are what the
    front end is told; they hold no rows.
    """

    _esm = traitlets.Unicode().tag(sync=True)
    columns: traitlets.List[dict[str, Any]] = traitlets.List().tag(sync=True)
    page_size = traitlets.Int(50).tag(sync=True)
    caption = traitlets.Unicode("").tag(sync=True)
    height = traitlets.Int(0).tag(sync=True)
    fixed = traitlets.Int(0).tag(sync=True)
    can_open = traitlets.Bool(False).tag(sync=True)

    def __init__(
        self,
        rows: Rows,
        *,
        files: Files | None = None,
        page_size: int = 50,
        height: int | None = None,
        caption: str = "",
        snapshot_rows: int = 10,
    ) -> None:
        self._rows, self._files = rows, files
        self._query, self._selection = Query(), list[int]()
        self._callbacks: list[Callable[[pd.DataFrame], object]] = []
        self._snapshot_rows = snapshot_rows
        # Front ends may ask from a second thread while a cell runs; a file that is slow to come holds up no page.
        self._lock, self._file_lock = threading.RLock(), threading.RLock()
        front = assets.module(files is not None)
        super().__init__(_esm=front, page_size=page_size, caption=caption, height=height or 0, **_told(rows, files))
        self.on_msg(self._receive)

    # --- for Python ---------------------------------------------------------------------------------------------------

    @property
    def query(self) -> Query:
        """What the front end asked for last: search, filters and sort."""
        return self._query

    @property
    def selection(self) -> list[int]:
        """Positions of the chosen rows in the whole, from 0, in the order of the rows."""
        return list(self._selection)

    @property
    def selected_rows(self) -> pd.DataFrame:
        """The chosen rows, with the dtypes and columns of the whole; without rows where none is chosen."""
        with self._lock:
            return self._rows.frame(positions=self._selection)

    @property
    def filtered(self) -> pd.DataFrame:
        """All rows that match the search and the filters, in the order of the sort."""
        with self._lock:
            return self._rows.frame(query=self._query)

    def on_select(self, callback: OnSelect) -> OnSelect:
        """Call *callback* with the frame of chosen rows whenever the choice changes; also as a decorator.

        An exception in it is shown in the grid, and raised to nobody.  What it prints may land in the saved notebook.
        """
        self._callbacks.append(callback)
        return callback

    def show(self, rows: Rows, *, files: Files | None = None, caption: str | None = None) -> None:
        """Put other rows in the place of these; search, filters, sort and choice begin anew, and nobody is called."""
        with self._lock, self._file_lock:
            self._rows, self._files = rows, files
            self._query, self._selection = Query(), []
            with self.hold_sync():
                self.set_trait("caption", self.caption if caption is None else caption)
                for name, value in _told(rows, files).items():
                    self.set_trait(name, value)
                if files is not None:
                    self._esm = assets.module(True)
            self.send({"type": "changed"})

    def __repr__(self) -> str:
        return plain(self._rows, self.caption)

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        bundle = super()._repr_mimebundle_(**kwargs)
        if bundle is None:
            return None
        data, metadata = bundle
        with self._lock:
            table = snapshot(self._rows, self._snapshot_rows, self.caption)
        return {**data, "text/plain": repr(self), "text/html": table}, metadata

    # --- for the front end --------------------------------------------------------------------------------------------

    def _receive(self, _widget: object, message: Message, _buffers: object) -> None:
        nonce = message.get("nonce")
        try:
            answer = self._answer(message)
        except Exception as error:
            self._fail(nonce, messages.sentence(error))
            return
        if answer is not None:
            told, buffers = answer
            self.send({**told, "nonce": nonce}, buffers=buffers)

    def _fail(self, nonce: object, text: str) -> None:
        # Without a nonce nobody waits for an answer, so every view shows it.
        self.send({"type": "error", "nonce": nonce, "text": text} if nonce else {"type": "notice", "text": text})

    def _answer(self, message: Message) -> Answer | None:
        kind = message.get("type")
        if kind in ("open", "download", "preview"):
            return self._file(message)
        with self._lock:
            if kind == "select":
                self._select(message)
                return None
            answers = {"query": self._page, "record": self._record, "values": self._values}
            if kind not in answers:
                raise ConfigError(f"The grid knows no message {kind!r:.40}.")
            return answers[kind](message), []

    def _page(self, message: Message) -> dict[str, Any]:
        query = read_query(message, self._rows.columns)
        count = messages.whole_number(message, "count", 1, messages.MOST_ROWS)
        matched = self._rows.count(query)
        asked = messages.whole_number(message, "start", 0, 2**62)
        # A page beyond the end, as after a narrower filter, is the last one.
        start = min(asked, max(0, matched - 1) // count * count)
        page = self._rows.page(query, start, count)
        self._query = query
        told = {"type": "page", "start": start, "positions": page.positions, "rows": page.cells, "matched": matched}
        if self._files is not None:
            told["files"] = [len(self._files.at(position)) for position in page.positions]
        return {**told, "total": self._rows.total}

    def _record(self, message: Message) -> dict[str, Any]:
        position = messages.whole_number(message, "position", 0, self._rows.total - 1)
        fields = [dataclasses.asdict(field) for field in self._rows.record(position)]
        files = self._files.listed(position) if self._files else []
        return {"type": "record", "position": position, "fields": fields, "files": files}

    def _values(self, message: Message) -> dict[str, Any]:
        column = messages.whole_number(message, "column", 0, len(self._rows.columns) - 1)
        query = read_query(message, self._rows.columns)
        values, more = self._rows.values(column, query, VALUES)
        return {"type": "values", "values": [list(pair) for pair in values], "more": more}

    def _file(self, message: Message) -> Answer:
        if self._files is None:
            raise ConfigError("These rows have no files.")
        with self._file_lock:
            return self._files.answer(message)

    def _select(self, message: Message) -> None:
        chosen = messages.positions(message, self._rows.total)
        if chosen == self._selection:
            return
        self._selection = chosen
        if not self._callbacks:
            return
        frame = self._rows.frame(positions=chosen)
        for callback in self._callbacks:
            try:
                callback(frame)
            except Exception as error:
                self._fail(None, messages.callback_sentence(error))


def _told(rows: Rows, files: Files | None) -> dict[str, Any]:
    """The synced traits that depend on the rows."""
    infos = [{**dataclasses.asdict(info), "name": str(info.name)} for info in rows.columns]
    others = [number for number, info in enumerate(rows.columns) if not info.key]
    return {"columns": infos, "fixed": others[0] if others else len(infos), "can_open": files is not None}
