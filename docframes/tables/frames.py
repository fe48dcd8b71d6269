"""Arrow columns into a DataFrame of the Table's dtypes."""

from __future__ import annotations

import numpy as np
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


def to_frame(table: pa.Table) -> pd.DataFrame:
    """*table* as a frame: text ``str``, integers ``Int64``, booleans ``boolean``, moments ``datetime64[us, UTC]``."""
    frame: pd.DataFrame = table.to_pandas(types_mapper=_PANDAS.get)
    return frame


def empty(table: Table) -> pd.DataFrame:
    """A frame of *table* without rows: the same columns and dtypes as a full one."""
    return to_frame(pa.table({column.name: pa.array([], TYPES[column.kind]) for column in table.physical()}))
