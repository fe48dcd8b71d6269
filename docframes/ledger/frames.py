"""Arrow tables -> pandas frames, a column at a time, so that the table shrinks as the frame grows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import pandas as pd
import pyarrow as pa

from docframes.ledger.values import to_float

Amounts = Literal["float", "decimal"]


def to_frame(tables: Sequence[pa.Table], *, amounts: Amounts) -> pd.DataFrame:
    """One frame of *tables* of one schema; the list is emptied where it can be, to give memory back.

    Text is pandas' ``str``, days and times ``datetime64[us]``, integers ``int64``; amounts ``float64``, or Arrow
    decimals.
    """
    table = pa.concat_tables(tables)
    if isinstance(tables, list):
        tables.clear()
    columns = {name: table[name] for name in table.column_names}
    names = list(columns)
    del table
    return pd.DataFrame({name: _series(columns.pop(name), amounts) for name in names}, copy=False)


def _series(column: pa.ChunkedArray, amounts: Amounts) -> pd.Series:
    if pa.types.is_large_string(column.type) or pa.types.is_string(column.type):
        # The pieces stay pieces: to join them would hold every text twice for a moment, and gain nothing.
        return pd.Series(column, dtype="str")
    if not pa.types.is_decimal(column.type):
        return pd.Series(column.to_pandas())
    if amounts == "decimal":
        return pd.Series(pd.arrays.ArrowExtensionArray(column))
    pieces = [to_float(chunk) for chunk in column.chunks]
    return pd.Series(np.concatenate([np.zeros(0), *pieces]))
