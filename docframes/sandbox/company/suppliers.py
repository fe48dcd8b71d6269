"""The suppliers: installers, merchants and the rest whose bills the ledger holds."""

from __future__ import annotations

import random
from dataclasses import dataclass

from docframes.sandbox.company.seeds import new_id, stream

#: code, name, what they bill
FIRMS = (
    ("S0001", "Brannock & Daughters Insulation Ltd", "installer"),
    ("S0002", "Kiln Lane Cavity Co.", "installer"),
    ("S0003", "Pennine Heat Pumps Ltd", "installer"),
    ("S0004", "Solvej Solar (Northmoor) Ltd", "installer"),
    ("S0005", "Airwell Ventilation Services", "installer"),
    ("S0006", "Rostron Render, Brick and Board", "installer"),
    ("S0104", "Thackeray Builders' Merchants", "materials"),
    ("S0117", 'The "Green" Board Company', "materials"),
    ("S0230", "Fenwright Fuel Cards", "fuel"),
    ("S0241", "Harrowbeck Van Hire", "hire"),
    ("S0305", "Lisle Insurance Brokers", "insurance"),
    ("S0318", "Café Zoë Catering", "sundries"),
    ("S0402", "Umar & Quayle Chartered Accountants", "professional"),
    ("S0455", "Northmoor Telecom", "telephone"),
)


@dataclass(frozen=True)
class Supplier:
    """A firm that bills the company; installers also hold a certificate, which is a file."""

    code: str
    name: str
    trade: str
    vat_number: str
    certificate_id: str


def trade_with(seed: int) -> list[Supplier]:
    """Every supplier of the company."""
    rng = stream(seed, "suppliers")
    return [Supplier(code, name, trade, _vat_number(rng), new_id(rng)) for code, name, trade in FIRMS]


def _vat_number(rng: random.Random) -> str:
    return f"GB{rng.randrange(10**9):09d}"
