"""Ledgers: zipped CSV -> roles -> exact amounts and control totals -> frames.  Knows no vendor.

``archive`` opens the files, ``encodings``, ``text`` and ``rows`` read a CSV as text, ``members``, ``roles`` and
``sources`` say what is what, ``values``, ``signs`` and ``columns`` make amounts and dates of it, ``controls`` and
``distinct`` add up, ``parquet`` and ``build`` write the ``store``, and ``read`` tells the story.

From the store, ``frames``, ``where`` and ``engines`` give what is asked for to pandas, DuckDB, Polars and Dask;
``sums`` and ``balances`` add it up; ``consolidation`` puts several ledgers together.
"""

from __future__ import annotations

from docframes.ledger.archive import LIMITS, Limits
from docframes.ledger.balances import account_activity, by_period, trial_balance, unbalanced_transactions
from docframes.ledger.consolidation import consolidate
from docframes.ledger.controls import ControlTotals
from docframes.ledger.general_ledger import GeneralLedger
from docframes.ledger.read import open_ledger, read_ledger
from docframes.ledger.roles import ROLES, Role

__all__ = [
    "LIMITS",
    "ROLES",
    "ControlTotals",
    "GeneralLedger",
    "Limits",
    "Role",
    "account_activity",
    "by_period",
    "consolidate",
    "open_ledger",
    "read_ledger",
    "trial_balance",
    "unbalanced_transactions",
]
