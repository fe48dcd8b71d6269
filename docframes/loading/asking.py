"""What a load asks that goes on from the last one, where that one is kept, and from which moment the next one asks.

The moment to go on from is read off the rows, so it is the vendor's clock that counts and a wrong clock here loses
nothing: the latest change that any row tells of.  A list of several pages is older where it was read first, and a row
may have changed after its page was read, so the time from the first page to the last is taken off, and what an answer
may have been under way.  Moments later than the load itself, by the clock here, are passed over: they are slips, and
would hide every change up to them.  Where no row is left to read a moment off, the next load is a full one.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from docframes.errors import ConfigError
from docframes.loading.plan import Options, Plan
from docframes.tables import bases, changes
from docframes.tables.bases import Base
from docframes.tables.columns import TEXT, TYPES
from docframes.tables.frames import arrow_table
from docframes.tables.loads import Load
from docframes.tables.schema import Table
from docframes.transport import journal, planning
from docframes.transport.answers import Call

#: How long an answer may have been under way: what it tells was so at some time before it came.
UNDER_WAY = timedelta(seconds=60)


@dataclass(frozen=True)
class Asking:
    """One load that goes on from the last: what to ask for, and where the last one is."""

    plan: Plan
    full: Call  #: for all rows
    since: Callable[[datetime], Call]  #: for the rows that changed since a moment
    changed_at: str  #: column with the moment of a row's last change

    @property
    def table(self) -> Table:
        """What the rows are."""
        return self.plan.levels.table

    @property
    def folder(self) -> Path | None:
        """Where bases are kept; None where the cache cannot be used, which the client has told."""
        return self.plan.client.frames_folder

    @property
    def told(self) -> str:
        """The loader's name, as one types it."""
        return f"{self.plan.client.vendor}.{self.plan.loader}"

    @cached_property
    def key(self) -> str:
        """Of everything that decides the rows; sizes of pages do not."""
        return dataclasses.replace(self.plan, options=Options()).key([self.full])

    def check(self) -> None:
        """Raise ConfigError where the client or the options do not go with a load that is gone on from."""
        if not self.plan.client.cached:
            msg = 'updated_after="last" goes on from a load that was kept, and this client was made with cached=False. '
            raise ConfigError(msg + "Take a client that keeps its loads, or say the moment to go on from.")
        if self.plan.options.limit is not None:
            msg = "limit= cuts a load off, and one that is cut off cannot be gone on from. "
            raise ConfigError(msg + 'With updated_after="last" leave limit out, and take frame.head().')
        if self.plan.options.trace:
            msg = 'trace=True tells which answer a row is from; with updated_after="last" most are from earlier loads. '
            raise ConfigError(msg + "To trace rows, load without it.")

    def base(self) -> Base | None:
        """The last complete load."""
        base = None if self.folder is None else bases.find(self.folder, self.key, self.plan.client.trouble.of_frames)
        if base is not None and planning.current() is None:
            self.note(*base.files)
        return base

    def note(self, *names: str) -> None:
        """Note files that were read, for a capsule."""
        for name in names:
            if self.folder is not None:
                journal.JOURNAL.note_state(self.plan.client, bases.used(self.folder, name))

    def keep(self, base: Base, load: Load) -> None:
        """Go on from *base* the next time."""
        folder = self.folder
        if folder is None or planning.current() is not None or load.certificate.verdict == "FAIL":
            return
        try:
            for name in bases.keep(folder, self.key, base, load.as_dict()):
                journal.JOURNAL.note_written(self.plan.client, folder / name, load.answers)
        except OSError as error:
            self.plan.client.trouble.of_frames(folder, error)

    def arrow(self, frame: pd.DataFrame) -> pa.Table:
        """A loaded frame as the Arrow table that it was made of."""
        kinds = {column.name: TYPES[column.kind] for column in self.table.physical()}
        columns = {name: pa.Array.from_pandas(frame[name]).cast(kinds.get(name, TEXT)) for name in frame.columns}
        return arrow_table(self.table, columns)

    def mark(self, rows: pa.Table, record: Load) -> datetime | None:
        """The moment from which the next load asks, as the head of this file tells; *record* is of these *rows*."""
        if record.fetched_from is None or record.fetched_to is None or not changes.has_keys(rows, self.table.key):
            return None
        moments = rows[self.changed_at]
        latest: datetime | None = pc.max(moments.filter(pc.less_equal(moments, record.fetched_from))).as_py()
        if latest is None or record.calls + record.from_cache == 1:
            return latest
        return latest - (record.fetched_to - record.fetched_from) - UNDER_WAY
