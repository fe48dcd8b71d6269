"""Validis DataShare: general ledgers, journals, receivables, payables and reports of a company's accounting package.

from docframes import validis

engagements = validis.load_engagements()
gl = validis.load_gl_extract(4711)
items = validis.load_receivable_items(4711, open_items=True)
"""

from __future__ import annotations

from docframes.vendors.validis.client import Client
from docframes.vendors.validis.lists import (
    load_accounts,
    load_journals,
    load_payable_items,
    load_periods,
    load_receivable_items,
)
from docframes.vendors.validis.loaders import file_links, load_engagements, load_gl_extract, load_report
from docframes.vendors.validis.webhook import UploadEvent, parse_webhook

__all__ = [
    "Client",
    "UploadEvent",
    "file_links",
    "load_accounts",
    "load_engagements",
    "load_gl_extract",
    "load_journals",
    "load_payable_items",
    "load_periods",
    "load_receivable_items",
    "load_report",
    "parse_webhook",
]
