"""Arrow columns into a DataFrame of the Table's dtypes."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import orjson
import pandas as pd
import pyarrow as pa

from docframes.tables.columns import TYPES
from docframes.tables.schema import Table

_PANDAS = {
    pa.large_string(): pd.StringDtype("pyarrow", na_value=np.nan),
    pa.string(): pd.StringDtype("pyarrow", na_value=np.nan),
    pa.int64(): pd.Int64Dtype(),
    pa.bool_(): pd.BooleanDtype(),
}


#: Where the field of a column of ordered categories names them; files of Arrow keep it, with or without rows.
_CATEGORIES = b"categories"


def arrow_table(table: Table, columns: Mapping[str, pa.Array | pa.ChunkedArray]) -> pa.Table:
    """*columns* as an Arrow table that knows the categories which *table* declares."""
    named = {column.name: column.categories for column in table.columns if column.kind == "ordered"}
    fields = [
        pa.field(name, array.type, metadata={_CATEGORIES: orjson.dumps(named[name])} if name in named else None)
        for name, array in columns.items()
    ]
    return pa.table(list(columns.values()), schema=pa.schema(fields))


def to_frame(table: pa.Table) -> pd.DataFrame:
    """*table* as a frame: text ``str``, integers ``Int64``, booleans ``boolean``, moments ``datetime64[us, UTC]``."""
    frame: pd.DataFrame = table.to_pandas(types_mapper=_PANDAS.get)
    for field in table.schema:
        if field.metadata and _CATEGORIES in field.metadata:
            categories = orjson.loads(field.metadata[_CATEGORIES])
            frame[field.name] = frame[field.name].astype(pd.CategoricalDtype(categories, ordered=True))
    return frame


def empty(table: Table) -> pd.DataFrame:
    """A frame of *table* without rows: the same columns and dtypes as a full one."""
    return to_frame(arrow_table(table, {column.name: pa.array([], TYPES[column.kind]) for column in table.physical()}))
