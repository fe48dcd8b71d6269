"""Nested records into tables: every record is a row, every key a column, every child knows its parent."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docframes.errors import ShapeError
from docframes.tables.flatten import Flattener, flatten
from docframes.tables.frames import to_frame
from docframes.tables.schema import Column, Level, Table

ORDERS = Table(
    "orders",
    "one row per order",
    ("order_id",),
    (
        Column("order_id", "str", "id", source="id"),
        Column("placed_at", "timestamp", "when"),
        Column("pieces", "Int64", "how many"),
        Column("city", "str", "where to", source="ship_to.city", optional=True),
        Column("note", "mixed", "what is said", optional=True),
    ),
    "invented",
    secret=("link",),
)
LINES = Table(
    "lines",
    "one row per line of an order",
    ("order_id", "line_id"),
    (
        Column("order_id", "str", "id of the order", inherited=True),
        Column("line_id", "str", "id", source="id"),
        Column("price", "float64", "price"),
    ),
    "invented",
)
PARTS = Table(
    "parts",
    "one row per part of a line",
    ("order_id", "line_id", "part_id"),
    (
        Column("order_id", "str", "id of the order", inherited=True),
        Column("line_id", "str", "id of the line", inherited=True),
        Column("part_id", "str", "id", source="id"),
    ),
    "invented",
)
NESTED = Level(ORDERS, children=(Level(LINES, items="lines", children=(Level(PARTS, items="parts"),)),))
FLAT = Level(ORDERS)


def frames(records, level=NESTED, batch=None):
    flattener = Flattener(level, batch)
    flattener.add(records)
    return {name: to_frame(flat.arrow()) for name, flat in flattener.finish().items()}


def rows(frame):
    return frame.astype(object).where(frame.notna(), None).values.tolist()


TWO = [
    {
        "id": 1,
        "placed_at": "2026-03-02T09:14:05Z",
        "pieces": 3,
        "ship_to": {"city": "Stockport"},
        "note": 12,
        "lines": [
            {"id": "a", "price": 1.5, "parts": [{"id": "x"}, {"id": "y"}]},
            {"id": "b", "price": 2, "parts": []},
        ],
    },
    {"id": 2, "placed_at": None, "pieces": None, "ship_to": None, "note": None, "lines": []},
]


def test_every_level_is_a_table_with_the_ids_above():
    """Orders, their lines, the lines' parts: each row names all its parents."""
    found = frames(TWO)

    assert found["orders"]["order_id"].tolist() == ["1", "2"]
    assert found["orders"]["city"].tolist()[0] == "Stockport"
    assert rows(found["lines"]) == [["1", "a", 1.5], ["1", "b", 2.0]]
    assert rows(found["parts"]) == [["1", "a", "x"], ["1", "a", "y"]]


def test_an_empty_load_has_the_columns_and_dtypes_of_a_full_one():
    """Strictly: also where no order has a line."""
    full, none, no_lines = frames(TWO), frames([]), frames(TWO[1:])

    for name, frame in full.items():
        for other in (none[name], no_lines[name]):
            assert list(other.columns) == list(frame.columns)
            assert other.dtypes.equals(frame.dtypes)
    assert len(none["orders"]) == len(no_lines["lines"]) == 0


@pytest.mark.parametrize("batch", [1, 2, 3, 1000])
def test_the_size_of_a_batch_changes_nothing(batch):
    """Seven orders in batches of one, two, three or all at once."""
    orders = [{**TWO[0], "id": number, "extra": number if number % 2 else None} for number in range(7)]

    for name, frame in frames(orders, batch=batch).items():
        assert frame.equals(frames(orders)[name])


def test_unknown_keys_become_columns_after_the_known_ones():
    """Under the vendor's own name, as text; nested ones as JSON; counted."""
    orders = [{**TWO[1], "risk": "B", "batch": {"no": 12}}, {**TWO[1], "risk": None, "batch": None}]
    flat = flatten(orders, FLAT)["orders"]
    frame = to_frame(flat.arrow())

    assert list(frame.columns[:-3]) == list(ORDERS.dtypes())
    assert list(frame.columns[-3:]) == ["batch", "lines", "risk"]
    assert rows(frame[["batch", "risk"]]) == [['{"no":12}', "B"], [None, None]]
    assert flat.drift.unknown == {"batch": 1, "lines": 2, "risk": 1}


def test_unknown_keys_inside_a_nested_object_are_kept_with_their_path():
    """What stands beside a declared nested key is not lost either."""
    orders = [{**TWO[1], "lines": None, "ship_to": {"city": "Bollington", "gate": 4}}]

    assert frames(orders, FLAT)["orders"]["ship_to.gate"].tolist() == ["4"]


def test_secret_keys_are_left_out_on_purpose():
    """A signed link is no column and no drift."""
    flat = flatten([{**TWO[1], "link": "https://f.test/?token=1"}], NESTED)["orders"]

    assert "link" not in flat.columns
    assert flat.drift.unknown == {}


def test_a_missing_key_is_a_missing_value_and_is_counted():
    """Only where no record has it; an optional one is not worth a word."""
    orders = [{"id": 1, "pieces": 2}, {"id": 2, "pieces": 3}]
    flat = flatten(orders, NESTED)["orders"]

    assert flat.columns["placed_at"].null_count == 2
    assert flat.drift.missing == {"placed_at": 2}


def test_a_key_that_some_records_lack_is_no_drift():
    """One order without pieces is an order without pieces."""
    flat = flatten([{"id": 1, "placed_at": None, "pieces": 2}, {"id": 2, "placed_at": None}], NESTED)["orders"]

    assert flat.columns["pieces"].to_pylist() == [2, None]
    assert flat.drift.missing == {}


def test_a_key_missing_from_one_batch_is_not_missing():
    """Only a key that no batch had is told."""
    flattener = Flattener(FLAT, batch=1)
    flattener.add([{"id": 1, "placed_at": None}, {"id": 2, "placed_at": None, "pieces": 5}])
    flat = flattener.finish()["orders"]

    assert flat.columns["pieces"].to_pylist() == [None, 5]
    assert flat.drift.missing == {}


def test_camel_case_is_the_same_key():
    """placedAt fills placed_at, and the record says so."""
    flat = flatten([{"id": 1, "placedAt": "2026-03-02", "Pieces": 2, "shipTo": {"City": "Leeds"}}], NESTED)["orders"]
    frame = to_frame(flat.arrow())

    assert frame["placed_at"].dt.day.tolist() == [2]
    assert frame["city"].tolist() == ["Leeds"]
    assert list(frame.columns) == list(ORDERS.dtypes())
    assert flat.drift.renamed["placed_at"] == "placedAt"


def test_unreadable_values_are_kept_beside_the_column():
    """As text in ..._as_sent, counted; the readable ones are read."""
    orders = [{**TWO[1], "pieces": "a dozen"}, {**TWO[1], "pieces": "12"}]
    flat = flatten(orders, NESTED)["orders"]
    frame = to_frame(flat.arrow())

    assert rows(frame[["pieces", "pieces_as_sent"]]) == [[None, "a dozen"], [12, None]]
    assert flat.drift.unreadable == {"pieces": 1}


def test_a_text_where_an_object_was_due_is_kept_as_sent():
    """ship_to is a text: the city is missing, the text is not lost."""
    flat = flatten([{**TWO[1], "ship_to": "the back door"}], NESTED)["orders"]

    assert flat.columns["city"].to_pylist() == [None]
    assert flat.columns["ship_to_as_sent"].to_pylist() == ["the back door"]


def test_a_null_in_place_of_a_row_is_counted_and_passed_over():
    """The rows around it stay with their parents."""
    order = {**TWO[0], "lines": [None, {"id": "b", "price": 1, "parts": [None, {"id": "z"}]}]}
    found = flatten([TWO[1], None, order], NESTED)

    assert found["orders"].rows == 2
    assert found["orders"].drift.empty_records == 1
    assert rows(to_frame(found["parts"].arrow())) == [["1", "b", "z"]]


@pytest.mark.parametrize("lines", [None, "absent"])
def test_no_list_is_an_empty_list(lines):
    """null and a missing key alike."""
    order = {**TWO[0], "lines": lines}
    if lines == "absent":
        del order["lines"]

    assert len(frames([order])["lines"]) == 0


def test_a_lone_object_is_a_list_of_one():
    """A vendor may leave the brackets out."""
    order = {**TWO[0], "lines": {"id": "only", "price": 1, "parts": []}}

    assert rows(frames([order])["lines"]) == [["1", "only", 1.0]]


@pytest.mark.parametrize("odd", ["text", 3, ["list"]])
def test_a_row_that_is_no_object_is_refused(odd):
    """The message says what was wanted and shows what came."""
    with pytest.raises(ShapeError, match="orders: wanted an object"):
        flatten([TWO[0], odd], NESTED)


def test_a_clash_of_names_loses_neither_value():
    """A key that bears the name of a declared column, which is read from another key."""
    frame = frames([{**TWO[1], "order_id": "theirs"}])["orders"]

    assert frame["order_id"].tolist() == ["2"]
    assert frame["order_id_as_sent"].tolist() == ["theirs"]


def test_the_same_unknown_key_at_two_places_loses_neither_value():
    """Beside the row's own object and inside it: two values, two columns."""
    level = Level(ORDERS, fields="order")
    record = {"order": {"id": 1, "placed_at": None, "pieces": 1, "risk": "inner"}, "risk": "outer"}
    frame = frames([record], level)["orders"]

    assert {"inner", "outer"} <= set(frame.iloc[0].dropna().astype(str))


def test_the_records_own_fields_may_stand_one_level_down():
    """fields= names the object; what stands beside it can be had with ^."""
    beside = Column("batch", "str", "batch", source="^meta.batch")
    table = Table("orders", "one row per order", ("order_id",), (ORDERS.columns[0], beside), "invented")
    found = frames([{"order": {"id": 7}, "meta": {"batch": "b1"}}], Level(table, fields="order"))

    assert rows(found["orders"]) == [["7", "b1"]]


KEYS = st.sampled_from(["id", "placed_at", "pieces", "note", "ship_to", "risk", "placedAt", "city", "Ünïcode"])
SCALARS = (
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8) | st.just("2026-03-02T09:14:05Z")
VALUES = st.recursive(
    SCALARS | TEXTS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["city", "zip"]), inner, max_size=2),
    max_leaves=4,
)
PART = st.fixed_dictionaries({"id": st.text("abc", min_size=1, max_size=3)})
LINE = st.fixed_dictionaries({"id": TEXTS}, optional={"parts": st.none() | st.lists(PART, max_size=3)})
RECORD = st.builds(
    lambda record, lines: {**record, "lines": lines},
    st.dictionaries(KEYS, VALUES, max_size=6),
    st.none() | st.lists(LINE | st.none(), max_size=3),
)


@given(st.lists(RECORD | st.none(), max_size=8), st.integers(1, 9))
def test_any_records_flatten_to_the_declared_columns(records, batch):
    """Declared columns first with their dtypes; a row per record; a row per child; whatever the size of a batch."""
    found = frames(records, batch=batch)
    orders = [record for record in records if record is not None]
    lines = [line for order in orders for line in order["lines"] or [] if line is not None]
    parts = [part for line in lines for part in line.get("parts") or []]

    assert [len(found[name]) for name in ("orders", "lines", "parts")] == [len(orders), len(lines), len(parts)]
    for level in NESTED.walk():
        frame, declared = found[level.table.name], level.table.dtypes()
        assert list(frame.columns[: len(declared)]) == list(declared)
        assert {name: str(frame[name].dtype) for name in declared} == declared
        assert all(str(frame[name].dtype) == "str" for name in frame.columns[len(declared) :])


@given(st.lists(RECORD, min_size=1, max_size=6))
def test_nothing_that_was_sent_is_dropped(records):
    """Every scalar of every record is found somewhere in its row: as itself, as text, or inside JSON."""
    frame = frames(records)["orders"]
    for row, record in enumerate(records):
        cells = [str(value) for value in frame.iloc[row] if value is not None]
        for key, value in record.items():
            if isinstance(value, str) and value.strip() and key != "lines" and value.isalnum():
                assert any(value in cell or _as_number(value) in map(_as_number, cells) for cell in cells)


def _as_number(text):
    try:
        return float(text)
    except ValueError:
        return text


@given(st.lists(st.lists(st.integers(0, 3), max_size=4), max_size=6))
def test_children_go_to_their_own_parents(shape):
    """Each part names the order and line it was nested in."""
    records = [
        {
            "id": f"o{i}",
            "lines": [
                {"id": f"o{i}l{j}", "parts": [{"id": f"o{i}l{j}p{k}"} for k in range(parts)]}
                for j, parts in enumerate(lines)
            ],
        }
        for i, lines in enumerate(shape)
    ]
    for order_id, line_id, part_id in rows(frames(records)["parts"]):
        assert part_id.startswith(line_id + "p")
        assert line_id.startswith(order_id + "l")
