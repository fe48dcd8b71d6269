"""What the helpers share: grids that show a part of the rows of a whole, and how they stand together.

A choice in one grid shows other rows in the grids below it.  They travel in messages, as all rows do; headings and
captions are fixed texts, since whatever a widget syncs stays in a saved notebook.  A callback runs while its own grid
is locked, so a choice acts on grids further down only.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa

from docframes.errors import ColumnError, ConfigError
from docframes.files import FileRef, NamedFile
from docframes.widgets import messages
from docframes.widgets.blocks import BlockRows, Positions
from docframes.widgets.matching import Block
from docframes.widgets.preview import Files
from docframes.widgets.rows import FrameRows

if TYPE_CHECKING:
    from docframes.widgets.grid import Grid

NOTHING: Positions = np.zeros(0, np.int64)
#: Pixels of the rows in sight of a grid that stands among others: about eight rows.
HEIGHT = 260

FilesAt = Callable[[int], Sequence[NamedFile]]


# --- a part of the rows -----------------------------------------------------------------------------------------------


class PartRows(BlockRows):
    """The rows of *whole* at these places; the columns are those of the whole, whichever part it is.

    places : positions in the whole, ascending.
    """

    def __init__(self, whole: BlockRows, places: Positions) -> None:
        super().__init__(len(places), whole._infos, whole._shapes, len(whole.columns))
        self._whole, self._places = whole, places.astype(np.int64)

    def _blocks(self, columns: Sequence[int]) -> Iterator[tuple[int, Block]]:
        begin = 0
        for rows, block in self._whole._blocks(columns):
            first, last = np.searchsorted(self._places, [begin, begin + rows])
            inside = pa.array(self._places[first:last] - begin)
            yield int(last - first), {column: array.take(inside) for column, array in block.items()}
            begin += rows

    def _take(self, columns: Sequence[int], positions: Positions) -> list[pa.Array]:
        # Other parts ask the same whole, perhaps from another thread.
        with self._whole._lock:
            return self._whole._take(columns, self._places[positions.astype(np.int64)])

    def _frame(self, positions: Positions | None) -> pd.DataFrame:
        places = self._places if positions is None else self._places[positions.astype(np.int64)]
        with self._whole._lock:
            return self._whole._frame(places)


class Part:
    """A grid of a part of *whole*, at first of nothing.  files : of a row of the whole, by its position there."""

    def __init__(
        self, whole: BlockRows, caption: str, height: int, *, files: FilesAt | None = None, client: Any = None
    ) -> None:
        from docframes.widgets.grid import Grid

        self._whole, self._files, self._client = whole, files, client
        self.grid = Grid(PartRows(whole, NOTHING), files=self._of(NOTHING), height=height, caption=caption)

    def show(self, places: Positions) -> None:
        """Put the rows at these places of the whole, ascending, into the grid."""
        self.grid.show(PartRows(self._whole, places), files=self._of(places))

    def _of(self, places: Positions) -> Files | None:
        of_whole = self._files
        return None if of_whole is None else Files.many(lambda at: of_whole(int(places[at])), self._client)


def follow(grid: Grid, work: Callable[[pd.DataFrame], None], clear: Callable[[], None]) -> None:
    """Do *work* with the chosen rows whenever they change.

    Where it fails the grid shows a sentence, and *clear* takes away what belongs to the choice before.
    """

    @grid.on_select
    def chosen(rows: pd.DataFrame) -> None:
        try:
            work(rows)
        except Exception as error:
            clear()
            grid.send({"type": "notice", "text": messages.sentence(error)})


# --- frames -----------------------------------------------------------------------------------------------------------


def rows_with(frame: pd.DataFrame, columns: Sequence[str], words: Mapping[str, tuple[str, str]]) -> FrameRows:
    """The rows of a frame, with those of *columns* that it has.  words : meaning and unit of columns of our own."""
    rows = FrameRows(frame, [name for name in columns if name in frame.columns])
    for infos in (rows._infos, rows.columns):
        for place, info in enumerate(infos):
            if info.name in words:
                meaning, unit = words[info.name]
                infos[place] = dataclasses.replace(info, meaning=meaning, unit=unit)
    return rows


def owners(rows: pd.DataFrame, of: pd.DataFrame, keys: Sequence[str]) -> Positions:
    """For each of *rows* the place of the first row of *of* with the same keys, -1 for none; missing keys are alike."""
    names = list(keys)
    places = of[names].reset_index(drop=True).drop_duplicates()
    places["place of owner"] = places.index.to_numpy()
    found = rows[names].merge(places, on=names, how="left")["place of owner"]
    return found.fillna(-1).to_numpy(np.int64)


def belonging(rows: pd.DataFrame, to: pd.DataFrame, keys: Sequence[str]) -> Positions:
    """The places of the rows whose keys are those of some row of *to*."""
    return np.flatnonzero(owners(rows, to, keys) >= 0)


def named(frame: pd.DataFrame, vendor: str, kind: str, columns: tuple[str, str, str]) -> FilesAt:
    """The file of a row by its position, if it has one.  columns : of the file's id, its name, its size in bytes."""
    ids, names, sizes = (frame[name].tolist() for name in columns)

    def at(position: int) -> list[NamedFile]:
        file_id, name, size = ids[position], names[position], sizes[position]
        if not isinstance(file_id, str) or not file_id:
            return []
        label = name if isinstance(name, str) and name else f"{kind} {file_id}"
        return [NamedFile(FileRef(vendor, kind, file_id), label, None if pd.isna(size) else int(size))]

    return at


def check_kind(value: Any, kind: type, wanted: str) -> None:
    """Refuse what is of another kind.  Raises ConfigError."""
    if not isinstance(value, kind):
        raise ConfigError(f"{wanted} was wanted; {type(value).__name__} came.")


def check_frame(frame: Any, columns: Sequence[str], caller: str, hint: str) -> None:
    """Refuse what is no frame, or lacks one of *columns*.  Raises ConfigError, ColumnError."""
    if not isinstance(frame, pd.DataFrame):
        raise ConfigError(f"{caller} wants a frame; {type(frame).__name__} came. {hint}")
    missing = [name for name in columns if name not in frame.columns]
    if missing:
        raise ColumnError(f"{caller} needs the columns {missing}; this frame has {list(frame.columns)}. {hint}")


def height_of(height: int | None) -> int:
    """In pixels.  Raises ConfigError."""
    if height is None:
        return HEIGHT
    if type(height) is not int or not 80 <= height <= 10_000:
        raise ConfigError(f"height is a whole number of pixels from 80 to 10,000; {height!r} came.")
    return height


# --- how they stand together ------------------------------------------------------------------------------------------


@dataclass(frozen=True, repr=False, eq=False)
class Helper:
    """Grids that belong together, as one output of a notebook.

    title : a fixed text.  widget : the whole, to be put among other widgets of ipywidgets.
    """

    title: str
    widget: Any

    @property
    def grids(self) -> list[Grid]:
        """All of them, from the top down."""
        from docframes.widgets.grid import Grid

        return [part for part in vars(self).values() if isinstance(part, Grid)]

    def __repr__(self) -> str:
        return f"{self.title}: {self.grids[0]!r}"

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        live, first = self.widget._repr_mimebundle_(**kwargs), self.grids[0]._repr_mimebundle_(**kwargs)
        if live is None or first is None:
            return live
        table = f"<p><strong>{escape(self.title)}</strong></p>{first[0]['text/html']}"
        return {**live, "text/plain": repr(self), "text/html": table}


def stacked(title: str, *parts: Any) -> Any:
    """A heading, and the parts below each other."""
    from ipywidgets import HTML, Layout, VBox

    heading = HTML(f'<h2 style="margin:0;font-size:16px;line-height:1.4">{escape(title)}</h2>')
    return VBox([heading, *parts], layout=Layout(grid_gap="10px", overflow="visible", min_width="0"))


def beside(*grids: tuple[Grid, int, int]) -> Any:
    """Grids beside each other, where they fit: each with the pixels that it needs, and its share of what is left."""
    from ipywidgets import HBox, Layout

    for grid, pixels, share in grids:
        grid.layout = Layout(flex=f"{share} 1 {pixels}px", min_width="0")
    layout = Layout(flex_flow="row wrap", grid_gap="10px", overflow="visible", align_items="flex-start")
    return HBox([grid for grid, *_ in grids], layout=layout)
