"""The Parquet files of a ledger, read by Arrow, DuckDB, Polars and Dask.

Text stays text, days and moments ``timestamp[us]``, amounts decimals; the engines are imported when they are asked.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from docframes.errors import ColumnError, ConfigError
from docframes.ledger.frames import Amounts, to_frame
from docframes.ledger.values import PRECISION
from docframes.ledger.where import Where, check_columns, expression

if TYPE_CHECKING:
    import dask.dataframe as dd
    import polars as pl

_GIVES_ROWS = ("SELECT", "EXPLAIN", "MULTI")  # PIVOT is a statement of several


def read(path: Path, columns: Sequence[str] | None = None, where: Where = None) -> pa.Table:
    """Only these *columns*, in this order, and the rows that *where* asks for, in the order of the source.

    columns : None gives all.  where : see :func:`.expression`; None gives every row.
    Raises : ColumnError for unknown columns; ConfigError for conditions that cannot be asked.
    """
    if isinstance(columns, str):
        raise ConfigError(f"columns is a list of names; {columns!r} was given. Write columns=[{columns!r}].")
    with pq.ParquetFile(path) as file:
        schema = file.schema_arrow
        names = schema.names if columns is None else check_columns(columns, schema)
        condition = expression(where, schema)
        if condition is None:
            return file.read(columns=names).select(names)
    return _filtered(path, names, condition)


def _filtered(path: Path, names: Sequence[str], condition: Any) -> pa.Table:
    import pyarrow.dataset as ds

    lines = ds.dataset(path, format="parquet")
    try:
        return lines.to_table(columns=list(names), filter=condition)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        if "FieldRef" in str(error):
            told = f"where={condition} names a column that is not there."
            raise ColumnError(f"{told} The columns are: {', '.join(lines.schema.names)}.") from error
        raise ConfigError(f"Arrow cannot ask for where={condition}: {error}") from error


@contextlib.contextmanager
def database(memory: str | None = None) -> Iterator[Any]:
    """A DuckDB of one's own, in memory, that fetches nothing and spills into a private folder that goes with it.

    memory : from where on it spills, such as ``1GB``; None leaves it to DuckDB, four fifths of the machine's.
    """
    duckdb = _engine("duckdb")
    with tempfile.TemporaryDirectory(prefix="docframes-spill-") as folder:
        config: dict[str, Any] = {
            "temp_directory": os.path.join(folder, "spill"),
            "autoinstall_known_extensions": False,
            # A table misspelt would else be taken for a Python variable of that name.
            "python_enable_replacements": False,
        }
        if memory is not None:
            config["memory_limit"] = memory
        with duckdb.connect(":memory:", config=config) as connection:
            # It would be drawn into the terminal of whoever asks for a balance.
            connection.execute("SET enable_progress_bar = false")
            yield connection


def relation(connection: Any, path: Path, *, numbered: bool = False) -> Any:
    """The file as a DuckDB relation, lazy.  numbered : with ``file_row_number``, each row's place in it from 0."""
    return connection.read_parquet(_plain(path), hive_partitioning=False, file_row_number=numbered)


def _plain(path: Path) -> str:
    """The path as DuckDB reads it: marks of patterns stand for themselves between brackets."""
    return "".join(f"[{mark}]" if mark in "*?[" else mark for mark in str(path))


def sql(tables: Mapping[str, Path], query: str) -> pa.Table:
    """What one query answers, asked of DuckDB, where each of *tables* is a view by its name.

    Amounts and their sums stay decimals, sums of whole numbers are int64.  ``avg`` and ``/`` give floats in DuckDB,
    also for decimals.  The database is in memory and ends with the query, so that nothing but a query makes sense.
    Raises : ConfigError when it is no single query, cannot be run, or names two columns alike.
    """
    duckdb = _engine("duckdb")
    with database() as connection:
        try:
            for name, path in tables.items():
                relation(connection, path).create_view(name)
            _one_query(connection, query)
            answer = connection.sql(query)
            types = [str(kind) for kind in answer.types]
            return _whole_numbers(answer.to_arrow_table(), types)
        except duckdb.Error as error:
            raise ConfigError(f"DuckDB cannot run the query: {error}\n{_known(tables)}") from error


def _one_query(connection: Any, query: str) -> None:
    kinds = [statement.type.name for statement in connection.extract_statements(query)]
    if len(kinds) != 1 or kinds[0] not in _GIVES_ROWS:
        came = ", ".join(kinds) or "nothing"
        msg = f"One query is wanted that gives rows, such as FROM transactions LIMIT 10; {came} came. "
        raise ConfigError(msg + "The tables can only be read, and the database ends with the query.")


def _known(tables: Mapping[str, Path]) -> str:
    lines = [f"{name} ({', '.join(pq.read_schema(path).names)})" for name, path in tables.items()]
    return "The tables are: " + "; ".join(lines) + "."


def _whole_numbers(table: pa.Table, types: Sequence[str]) -> pa.Table:
    """Sums of whole numbers are HUGEINT in DuckDB, which Arrow only has as a decimal: int64 again."""
    twice = sorted({name for name in table.column_names if table.column_names.count(name) > 1})
    if twice:
        raise ConfigError(f"The query names several columns {', '.join(twice)}. Tell them apart with AS.")
    for place, kind in enumerate(types):
        if kind in ("HUGEINT", "UHUGEINT"):
            name = table.column_names[place]
            try:
                table = table.set_column(place, name, table[name].cast(pa.int64()))
            except pa.ArrowInvalid as error:
                msg = f"The column {name!r} is a whole number beyond 64 bits. Ask for CAST(... AS DECIMAL(38, 0))."
                raise ConfigError(msg) from error
    return table


def to_pandas(table: pa.Table) -> pd.DataFrame:
    """An answer of :func:`sql` as a frame whose dtypes depend on the query alone.

    Text is ``str``, days and moments ``datetime64[us]``, whole numbers ``Int64`` and truths ``boolean`` (they may be
    missing), decimals Arrow's, of 36 digits where a ledger's would be, so that they can be added and subtracted.
    """
    frame = to_frame([_usual_types(table)], amounts="decimal")
    for name, kind in zip(table.column_names, table.schema.types, strict=True):
        if pa.types.is_integer(kind) or pa.types.is_boolean(kind):
            frame[name] = pd.Series(_nullable(kind).__from_arrow__(table[name]))
    return frame


def _usual_types(table: pa.Table) -> pa.Table:
    for place, name in enumerate(table.column_names):
        kind = _usual(table[name].type)
        if kind != table[name].type:
            try:
                table = table.set_column(place, name, table[name].cast(kind))
            except pa.ArrowInvalid as error:
                raise ConfigError(f"The column {name!r} does not fit {kind}: {error}. Ask for it as DOUBLE.") from error
    return table


def _usual(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_date(kind) or pa.types.is_timestamp(kind):
        return pa.timestamp("us", kind.tz if pa.types.is_timestamp(kind) else None)
    if pa.types.is_decimal(kind) and kind.scale <= 18:
        return pa.decimal128(PRECISION, kind.scale)
    return pa.string() if pa.types.is_null(kind) else kind


def _nullable(kind: pa.DataType) -> Any:
    if pa.types.is_boolean(kind):
        return pd.BooleanDtype()
    return pd.UInt64Dtype() if pa.types.is_uint64(kind) else pd.Int64Dtype()


def to_polars(path: Path) -> pl.LazyFrame:
    """The file as a lazy Polars frame: ``String``, ``Datetime("us")``, ``Decimal`` and ``Int64``."""
    polars = _engine("polars")
    lazy: pl.LazyFrame = polars.scan_parquet(path, glob=False, hive_partitioning=False)
    return lazy


def to_dask(path: Path, amounts: Amounts, columns: Sequence[str] | None = None) -> dd.DataFrame:
    """The file as a Dask frame, one partition per row group, of the dtypes that :func:`.to_frame` gives.

    The workers read the file themselves: where they run on other machines, it has to be in a folder they share.
    columns : None gives all.  Raises : ColumnError for unknown columns.
    """
    dask, frames = _engine("dask"), _engine("dask.dataframe")
    with pq.ParquetFile(path) as file:
        schema, groups = file.schema_arrow, file.num_row_groups
    names = schema.names if columns is None else check_columns(columns, schema)
    meta = to_frame([schema.empty_table().select(names)], amounts=amounts)
    # Dask would make pandas' other kind of text of it, with another kind of missing.
    with dask.config.set({"dataframe.convert-string": False}):
        made: dd.DataFrame = frames.from_map(
            row_group, range(max(groups, 1)), path=str(path), amounts=amounts, columns=names, meta=meta
        )
    return made


def row_group(number: int, path: str, amounts: Amounts, columns: Sequence[str]) -> pd.DataFrame:
    """One row group of a file as a frame; a file without any is an empty one."""
    with pq.ParquetFile(path) as file:
        if number < file.num_row_groups:
            table = file.read_row_group(number, columns=list(columns), use_threads=False)
        else:
            table = file.schema_arrow.empty_table()
    return to_frame([table.select(list(columns))], amounts=amounts)


def _engine(module: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError as error:
        name = module.partition(".")[0]
        raise ConfigError(f'{name} is not installed ({error}). Install it: pip install "docframes[scale]".') from error
