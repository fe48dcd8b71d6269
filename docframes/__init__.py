"""docframes: document and accounting APIs as typed pandas DataFrames.

    from docframes import validocx

    jobs = validocx.load_jobs(updated_after="2026-01-01")
    details = validocx.load_job_details(jobs)

Names are resolved when they are first used: importing docframes opens nothing and reads nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from docframes import capsule as capsule
    from docframes import errors as errors
    from docframes import files as files
    from docframes import plot as plot
    from docframes import sandbox as sandbox
    from docframes.comparison import diff as diff
    from docframes.ledger import GeneralLedger as GeneralLedger
    from docframes.ledger import account_activity as account_activity
    from docframes.ledger import by_period as by_period
    from docframes.ledger import consolidate as consolidate
    from docframes.ledger import open_ledger as open_ledger
    from docframes.ledger import read_ledger as read_ledger
    from docframes.ledger import trial_balance as trial_balance
    from docframes.ledger import unbalanced_transactions as unbalanced_transactions
    from docframes.loading.explaining import explain as explain
    from docframes.settings import Settings as Settings
    from docframes.tables.loads import describe as describe
    from docframes.tables.loads import load_record as load_record
    from docframes.tables.loads import trace as trace
    from docframes.transport import cache as cache
    from docframes.transport.cache import offline as offline
    from docframes.vendors import docdigitizer as docdigitizer
    from docframes.vendors import papershift as papershift
    from docframes.vendors import validis as validis
    from docframes.vendors import validocx as validocx
    from docframes.vendors import veridox as veridox
    from docframes.widgets import browse as browse
    from docframes.widgets.documents import document_browser as document_browser
    from docframes.widgets.jobs import job_browser as job_browser
    from docframes.widgets.ledgers import ledger_browser as ledger_browser

__version__ = "0.1.0"

#: Public name to the module it lives in; an empty second part is the module itself.
_WHERE = {
    "GeneralLedger": ("docframes.ledger", "GeneralLedger"),
    "Settings": ("docframes.settings", "Settings"),
    "account_activity": ("docframes.ledger", "account_activity"),
    "browse": ("docframes.widgets", "browse"),
    "by_period": ("docframes.ledger", "by_period"),
    "cache": ("docframes.transport.cache", ""),
    "capsule": ("docframes.capsule", ""),
    "consolidate": ("docframes.ledger", "consolidate"),
    "describe": ("docframes.tables.loads", "describe"),
    "diff": ("docframes.comparison", "diff"),
    "docdigitizer": ("docframes.vendors.docdigitizer", ""),
    "document_browser": ("docframes.widgets.documents", "document_browser"),
    "errors": ("docframes.errors", ""),
    "explain": ("docframes.loading.explaining", "explain"),
    "files": ("docframes.files", ""),
    "job_browser": ("docframes.widgets.jobs", "job_browser"),
    "ledger_browser": ("docframes.widgets.ledgers", "ledger_browser"),
    "load_record": ("docframes.tables.loads", "load_record"),
    "offline": ("docframes.transport.cache", "offline"),
    "open_ledger": ("docframes.ledger", "open_ledger"),
    "papershift": ("docframes.vendors.papershift", ""),
    "plot": ("docframes.plot", ""),
    "read_ledger": ("docframes.ledger", "read_ledger"),
    "sandbox": ("docframes.sandbox", ""),
    "trace": ("docframes.tables.loads", "trace"),
    "trial_balance": ("docframes.ledger", "trial_balance"),
    "unbalanced_transactions": ("docframes.ledger", "unbalanced_transactions"),
    "validis": ("docframes.vendors.validis", ""),
    "validocx": ("docframes.vendors.validocx", ""),
    "veridox": ("docframes.vendors.veridox", ""),
}

__all__ = [
    "GeneralLedger",
    "Settings",
    "account_activity",
    "browse",
    "by_period",
    "cache",
    "capsule",
    "consolidate",
    "describe",
    "diff",
    "docdigitizer",
    "document_browser",
    "errors",
    "explain",
    "files",
    "job_browser",
    "ledger_browser",
    "load_record",
    "offline",
    "open_ledger",
    "papershift",
    "plot",
    "read_ledger",
    "sandbox",
    "trace",
    "trial_balance",
    "unbalanced_transactions",
    "validis",
    "validocx",
    "veridox",
]


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"docframes has no {name!r}; it has {', '.join(__all__)}.")
    module_name, attribute = _WHERE[name]
    module = importlib.import_module(module_name)
    value = getattr(module, attribute) if attribute else module
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
