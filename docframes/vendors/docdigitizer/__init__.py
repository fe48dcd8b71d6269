"""DocDigitizer: documents, the fields that were read from them, their line items, reviews and files.

from docframes import docdigitizer

documents = docdigitizer.load_documents()
fields = docdigitizer.load_annotation_fields(documents)
wide = docdigitizer.annotations_wide(fields)
"""

from __future__ import annotations

from docframes.vendors.docdigitizer.loaders import (
    Client,
    annotations_wide,
    load_annotation_fields,
    load_assets,
    load_documents,
    load_line_items,
    load_reviews,
    load_tasks,
    read_extractions,
    submit_document,
)
from docframes.vendors.docdigitizer.submission import Submission

__all__ = [
    "Client",
    "Submission",
    "annotations_wide",
    "load_annotation_fields",
    "load_assets",
    "load_documents",
    "load_line_items",
    "load_reviews",
    "load_tasks",
    "read_extractions",
    "submit_document",
]
