"""The frames of DocDigitizer.  Most key names are assumed (contract, sections 5 to 8)."""

from __future__ import annotations

from docframes.tables.schema import Column, FileColumns, Level, Table

DOCS = "developers.docdigitizer.com, PowerCapture API"


def _links(*names: str) -> tuple[Column, ...]:
    """Links are paths below the vendor's own host."""
    return tuple(
        Column(f"link_{name}", "str", f"path of the {name} link", source=f"links.{name}", optional=True)
        for name in names
    )


_STATE = Column(
    "state",
    "str",
    "how far the annotation is, as sent: success, rejected and others; an open set",
    source="annotation_status",
    aliases=("state", "status", "state_text"),
)

DOCUMENTS = Table(
    "documents",
    "one row per document",
    ("document_id",),
    (
        Column("document_id", "str", "id of the document", source="id", aliases=("document_id", "doc_id", "docid")),
        Column("document_class", "str", "class, which fixes the fields; an open set", aliases=("class", "doc_type")),
        _STATE,
        Column("reviewed", "boolean", "whether people have checked the machine's data", aliases=("is_reviewed",)),
        Column("file_name", "str", "name of the file", source="filename", aliases=("file_name", "name")),
        Column("tags", "json", "tags given with the submission"),
        Column("reject_reason", "str", "why it was rejected", aliases=("rejection_reason",), optional=True),
        Column("created", "timestamp", "when it came", aliases=("created_at",)),
        Column("updated", "timestamp", "when it last changed", aliases=("updated_at", "modified", "modified_at")),
        *_links("self", "annotations", "assets", "reviews", "collection"),
    ),
    f"{DOCS}, documents",
)

TASKS = Table(
    "tasks",
    "one row per task: one submission under way or done",
    ("task_id",),
    (
        Column("task_id", "str", "id of the task; not the document's", source="id", aliases=("task_id",)),
        Column("document_id", "str", "id of the document it makes, where the vendor says", optional=True,
               elsewhere=("document.id",)),
        Column("status", "str", "PENDING right after submission; others are not documented"),
        Column("created", "timestamp", "when it was submitted", aliases=("created_at",)),
        Column("sla_moment", "timestamp", "latest expected completion", aliases=("sla",), optional=True),
        *_links("self", "collection"),
    ),
    f"{DOCS}, tasks",
)  # fmt: skip

# --- one document with its fields ---------------------------------------------------------------------------------


def _above(name: str, kind: str, meaning: str) -> Column:
    return Column(name, kind, meaning, inherited=True)  # type: ignore[arg-type]


_ENTRY_COLUMNS = (
    Column("document_id", "str", "id of the document"),
    Column("trace_id", "str", "v3: id of the run; seven characters, which may repeat"),
    Column("api_version", "str", "v1 or v3: decides how dates are written"),
    Column("entry_index", "Int64", "v3: place of the document in its file, from 0; v1: always 0"),
    Column("document_class", "str", "class of the document"),
    Column("class_confidence", "float64", "v3: how sure the class is, 0 to 1; not the confidence of a field"),
    Column("pages", "json", "pages it stands on, from 1, both ends included"),
    Column("reviewed", "boolean", "whether people have checked the machine's data"),
    Column("state", "str", "how far the annotation is, as sent"),
    Column("source", "str", "v3: the file it was read from"),
    Column("beside", "json", "whatever else came with the document's fields, as JSON"),
)
ENTRIES = Table("entries", "one row per document", ("document_id", "entry_index"), _ENTRY_COLUMNS, f"{DOCS}, documents")

_FIELD_ENTRY = tuple(
    _above(column.name, column.kind, column.meaning) for column in _ENTRY_COLUMNS if column.name != "beside"
)

ANNOTATION_FIELDS = Table(
    "annotation_fields",
    "one row per field of a document; a field within a table has a row for each of the table's",
    ("document_id", "entry_index", "raw_key", "table", "row_index", "field"),
    (
        *_FIELD_ENTRY,
        Column("table", "str", "the table the field stands in; missing for fields of the document itself"),
        Column("row_index", "Int64", "row of that table, from 0"),
        Column("field", "str", "name of the field, without prefix and table"),
        Column("raw_key", "str", "key as the vendor sent it; v3: path"),
        Column("key_class", "str", "v1: class that the key itself names"),
        Column("value", "str", "value as sent, as text; null is missing, empty is an empty text"),
        Column("value_number", "float64", "the value as a number, where it was sent as one or its field holds numbers"),
        Column("value_boolean", "boolean", "the value, where it was sent as true or false"),
        Column("value_date", "date", "the value as a day: v1 day first, v3 ISO; never guessed"),
        Column("is_empty", "boolean", "whether it came as null, as empty text or as an empty list"),
        Column("sent_as", "str", "null, text, number, boolean, list or object"),
        Column("field_confidence", "float64", "how sure the value is, where the vendor says"),
        Column("field_page", "str", "page the value stands on, where the vendor says"),
        Column("bounding_box", "json", "place of the value on the page, where the vendor says"),
        Column("field_beside", "json", "whatever else came with the value, as JSON"),
        Column("document_beside", "json", "whatever else came with the document's fields, as JSON", source="beside",
               inherited=True),
    ),
    f"{DOCS}, annotations",
)  # fmt: skip
FIELDS = Level(ENTRIES, children=(Level(ANNOTATION_FIELDS, items="fields"),))


def _item(name: str, kind: str, meaning: str, *aliases: str) -> Column:
    return Column(name, kind, meaning, aliases=aliases, optional=True)  # type: ignore[arg-type]


#: Keys of items are not public: those of others than these become columns of their own.
ITEM_COLUMNS = (
    _item("item_description", "str", "first line of the item's text", "description"),
    _item("item_quantity", "float64", "quantity", "quantity"),
    _item("item_unit_price", "float64", "price of one, in the document's currency", "unit_price"),
    _item("item_rate", "float64", "rate of tax, in percent", "tax_rate"),
    _item("item_tax", "float64", "tax, in the document's currency"),
    _item("item_total", "float64", "total, in the document's currency", "total"),
)
LINE_ITEMS = Table(
    "line_items",
    "one row per item of a table in a document",
    ("document_id", "entry_index", "table", "row_index"),
    (
        *(column for column in _FIELD_ENTRY if column.name not in ("trace_id", "class_confidence", "source", "pages")),
        Column("table", "str", "the table the item stands in", source="^table"),
        Column("row_index", "Int64", "place of the item in its table, from 0", source="^row_index"),
        *ITEM_COLUMNS,
    ),
    f"{DOCS}, annotations",
    open=True,
)
ITEMS = Level(ENTRIES, children=(Level(LINE_ITEMS, items="items", fields="cells"),))

# --- reviews and assets of documents ------------------------------------------------------------------------------

ASKED = Table("asked", "one row per document asked for", ("document_id",), _ENTRY_COLUMNS[:1], DOCS)

REVIEWS = Table(
    "reviews",
    "one row per review of a document",
    ("document_id", "review_id"),
    (
        _above("document_id", "str", "id of the document"),
        Column("review_id", "str", "id of the review", source="id", aliases=("review_id",), optional=True),
        Column("status", "str", "outcome of the review, as sent", optional=True),
        Column("created", "timestamp", "when it was made", aliases=("created_at",), optional=True),
        Column("changes", "json", "what was changed: field, previous value, value", optional=True),
        Column("own_document_id", "str", "document the review itself names", source="document_id", optional=True),
        *_links("self", "collection"),
    ),
    f"{DOCS}, reviews",
    open=True,
)
OF_REVIEWS = Level(ASKED, children=(Level(REVIEWS, items="reviews", plain="review"),))

ASSETS = Table(
    "assets",
    "one row per original file of a document",
    ("asset_id",),
    (
        _above("document_id", "str", "id of the document"),
        Column("asset_id", "str", "the document's id and the asset's own, or its place from 1", source="file_id"),
        Column("name", "str", "name of the file", aliases=("filename", "file_name"), optional=True),
        Column("media_type", "str", "media type of the file", aliases=("mime_type", "content_type"), optional=True),
    ),
    f"{DOCS}, assets",
    file=FileColumns("assets", "asset_id", "name"),
)
OF_ASSETS = Level(ASKED, children=(Level(ASSETS, items="assets"),))

#: Every table whose keys a user may correct.
ALL = (DOCUMENTS, TASKS, ANNOTATION_FIELDS, LINE_ITEMS, REVIEWS, ASSETS)
