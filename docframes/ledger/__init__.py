"""Ledgers: zipped CSV -> roles -> exact amounts and control totals -> frames.  Knows no vendor.

``archive`` opens the files, ``text`` and ``rows`` read a CSV as text, ``members`` and ``roles`` say what is what,
``values``, ``signs`` and ``columns`` make amounts and dates of it, ``controls`` adds up, ``frames`` gives pandas, and
``read`` tells the story.
"""

from __future__ import annotations

from docframes.ledger.archive import LIMITS, Limits
from docframes.ledger.controls import ControlTotals
from docframes.ledger.general_ledger import GeneralLedger
from docframes.ledger.read import read_ledger
from docframes.ledger.roles import ROLES, Role

__all__ = ["LIMITS", "ROLES", "ControlTotals", "GeneralLedger", "Limits", "Role", "read_ledger"]
