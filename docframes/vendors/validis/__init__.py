"""Validis DataShare: general ledgers, journals, receivables, payables and reports of a company's accounting package.

from docframes import validis

engagements = validis.load_engagements()
gl = validis.load_gl_extract(4711)
ledgers = validis.load_gl_extract(engagements)  # {"4711": ..., "4712": ...}
receivables = validis.load_ar_extract(4711)  # .items .allocations .parties ...
items = validis.load_receivable_items(4711, open_items=True)
"""

from __future__ import annotations

from docframes.vendors.validis.client import Client
from docframes.vendors.validis.items import ItemsExtract
from docframes.vendors.validis.ledgers import load_ap_extract, load_ar_extract, load_gl_extract
from docframes.vendors.validis.lists import (
    load_accounts,
    load_journals,
    load_payable_items,
    load_periods,
    load_receivable_items,
)
from docframes.vendors.validis.loaders import file_links, load_engagements, load_report
from docframes.vendors.validis.webhook import UploadEvent, parse_webhook

__all__ = [
    "Client",
    "ItemsExtract",
    "UploadEvent",
    "file_links",
    "load_accounts",
    "load_ap_extract",
    "load_ar_extract",
    "load_engagements",
    "load_gl_extract",
    "load_journals",
    "load_payable_items",
    "load_periods",
    "load_receivable_items",
    "load_report",
    "parse_webhook",
]
