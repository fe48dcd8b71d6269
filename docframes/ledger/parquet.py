"""Tables -> one Parquet file, row group by row group, beside the reading; memory does not grow with the file."""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any, Generic, TypeVar

import pyarrow as pa
import pyarrow.compute as pc

from docframes.ledger.columns import LINE
from docframes.ledger.store import writing

GROUP = 500_000  # lines of a row group; larger ones keep the reading waiting, and gain nothing
_CODES = 4  # a column whose lines are at least so many times as many as its values is held as codes

T = TypeVar("T")


class TableWriter:
    """Writes the tables that it is given, all of one schema, into one file.

    Texts that repeat are turned into codes as soon as they come, which is what a row group then holds of them; the
    file has them as plain strings to whoever reads it.  Which columns repeat is seen from the first table.
    """

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self._path = path
        self._schema = schema
        self._codes: frozenset[str] | None = None
        self._waiting: list[pa.Table] = []
        self._lines = 0
        self._file: Any = None
        self.rows = 0

    def add(self, table: pa.Table) -> None:
        """Take *table*; a row group is written when it is full."""
        if self._codes is None:
            self._codes = frozenset(_repeating(table))
        self._waiting.append(_coded(table, self._codes))
        self._lines += table.num_rows
        self.rows += table.num_rows
        if self._lines >= GROUP:
            self._write()

    def close(self) -> None:
        """Write what is left; an empty table is a file with its columns."""
        if self._codes is None:
            self.add(self._schema.empty_table())
        if self._waiting:
            self._write()
        with writing(self._path.parent):
            self._file.close()

    def abandon(self) -> None:
        """Let go of the file, whatever state it is in."""
        if self._file is not None:
            with contextlib.suppress(OSError, pa.ArrowException):
                self._file.close()

    def _write(self) -> None:
        group = pa.concat_tables(self._waiting).unify_dictionaries()
        self._waiting, self._lines = [], 0
        with writing(self._path.parent):
            if self._file is None:
                self._file = _opened(self._path, group.schema, self._codes or ())
            self._file.write_table(group, row_group_size=2 * GROUP)


def _opened(path: Path, schema: pa.Schema, codes: Collection[str]) -> Any:
    from pyarrow import parquet

    lines = {LINE: "DELTA_BINARY_PACKED"} if LINE in schema.names else None
    return parquet.ParquetWriter(
        path,
        schema,
        compression="zstd",
        use_dictionary=list(codes),
        column_encoding=lines,
        # Readers would make categories of codes, if the file told them of codes.
        store_schema=False,
    )


def _repeating(table: pa.Table) -> list[str]:
    kinds = (pa.types.is_large_string, pa.types.is_timestamp)
    some = [column.name for column in table.schema if any(kind(column.type) for kind in kinds)]
    return [name for name in some if _CODES * pc.count_distinct(table[name], mode="all").as_py() <= table.num_rows]


def _coded(table: pa.Table, codes: frozenset[str]) -> pa.Table:
    columns = [
        table[column.name].dictionary_encode()
        if column.name in codes and pa.types.is_large_string(column.type)
        else table[column.name]
        for column in table.schema
    ]
    return pa.table(columns, names=table.column_names)


class Beside(Generic[T]):
    """Calls *work* with each thing it is given, in order, on another thread; what it raises comes up with the next.

    At most *depth* things wait, so that a slow end slows the beginning and memory stays flat.
    """

    def __init__(self, work: Callable[[T], None], *, depth: int = 4) -> None:
        self._work = work
        self._things: queue.Queue[T | None] = queue.Queue(depth)
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Callable[[T], None]:
        self._thread.start()
        return self._put

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        self._things.put(None)
        self._thread.join()
        if self._error is not None and error is None:
            raise self._error

    def _put(self, thing: T) -> None:
        if self._error is not None:
            raise self._error
        self._things.put(thing)

    def _run(self) -> None:
        while (thing := self._things.get()) is not None:
            if self._error is None:
                try:
                    self._work(thing)
                except BaseException as error:
                    self._error = error
            del thing
