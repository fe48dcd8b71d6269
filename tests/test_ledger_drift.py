"""Cents that floats cannot hold: ten million lines of 0.10, 0.20 and -0.30 are nothing, to the last digit."""

from __future__ import annotations

import zipfile
from decimal import Decimal
from itertools import accumulate

import pytest

from docframes.ledger import read_ledger, trial_balance
from docframes.ledger.sums import ENGINES

THREES = 3_333_333
LINES = b"1,2025-01-05,4000,0.10\n1,2025-01-05,4000,0.20\n1,2025-01-05,1200,-0.30\n"


@pytest.fixture(scope="module")
def drifting(tmp_path_factory):
    """The ledger, 9,999,999 lines."""
    folder = tmp_path_factory.mktemp("drift")
    with (
        zipfile.ZipFile(folder / "gl.zip", "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open("GL_Transactions.csv", "w") as member,
    ):
        member.write(b"GL_TX_ID,GL_TX_DATE,ACCOUNT_CODE,BASE_VALUE\n")
        for _ in range(THREES // 3333):
            member.write(LINES * 3333)
        member.write(LINES * (THREES % 3333))
    return read_ledger(folder / "gl.zip", cache_dir=folder / "cache")


def test_the_difference_is_nothing(drifting):
    """Where floats, added up one after the other, end elsewhere."""
    *_, in_floats = accumulate([0.1, 0.2, -0.3] * THREES)

    assert drifting.totals.lines == 3 * THREES
    assert drifting.totals.difference == 0
    assert drifting.totals.debit == drifting.totals.credit == Decimal("999999.9")
    assert repr(drifting).split(", ")[-2] == "balanced to 0.00"
    assert in_floats != 0


@pytest.mark.parametrize("engine", ENGINES)
def test_every_engine_agrees(engine, drifting):
    """Account by account, by hand: 3,333,333 times 0.30 on each side."""
    balances = trial_balance(drifting, engine=engine).set_index("account")

    assert balances["balance"].to_dict() == {"1200": Decimal("-999999.9"), "4000": Decimal("999999.9")}
    assert balances["lines"].to_dict() == {"1200": THREES, "4000": 2 * THREES}
