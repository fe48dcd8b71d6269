"""Which side an amount is on: debit and credit columns, indicators, and signs that are there already."""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa
import pyarrow.compute as pc

from docframes.errors import RoleError, ValueFormatError

_DEBIT = {"S", "D", "DR", "DEBIT", "SOLL", "DEBET"}
CREDIT = {"H", "C", "CR", "CREDIT", "HABEN", "K", "KREDIT"}


def difference(columns: Mapping[str, pa.Array]) -> pa.Array:
    """Debit minus credit; an empty side is nothing, and two empty sides are missing."""
    debit, credit = columns["debit"], columns["credit"]
    both = pc.and_(pc.is_null(debit), pc.is_null(credit))
    net = pc.subtract(pc.fill_null(debit, 0), pc.fill_null(credit, 0))
    return pc.if_else(both, pa.scalar(None, net.type), net)


def is_credit(indicators: pa.Array, *, where: str = "") -> pa.Array:
    """Whether each indicator says credit; missing where it is empty.  Raises : RoleError for unknown ones."""
    encoded = indicators.dictionary_encode()
    words = encoded.dictionary.to_pylist()
    sides = [_side(word) for word in words]
    unknown = [word for word, side in zip(words, sides, strict=True) if side is None]
    if unknown:
        msg = f"{where} says {unknown[:10]}; known are {sorted(_DEBIT)} for debit and {sorted(CREDIT)} for credit. "
        raise RoleError(msg + "If the amounts carry their own sign: read_ledger(..., roles={'indicator': None}).")
    return pa.array(sides, pa.bool_()).take(encoded.indices)


def _side(word: str) -> bool | None:
    word = word.strip().rstrip(".").upper()
    return True if word in CREDIT else False if word in _DEBIT else None


class Signs:
    """Whether amounts beside an indicator carry their own sign.

    The Audit Data Standard lets the indicator say the side, so amounts are taken as unsigned and credits are turned.
    Where every credit comes negative and no debit does, the sign is there already, and nothing is turned.  In an
    unsigned file a negative debit takes back a debit.  Credits of both signs fit both readings, and so do negative
    debits beside negative credits, or debits that are all negative: these have to be declared.
    """

    def __init__(self, member: str, declared: bool | None) -> None:
        self._member = member
        self._declared = declared
        self._seen: dict[tuple[bool, bool], str] = {}

    def carried(self, amounts: pa.Array, credit: pa.Array) -> bool:
        """Whether these amounts, and all after them, are signed."""
        if self._declared is not None:
            return self._declared
        zero = pa.scalar(0).cast(amounts.type)
        for negative, compared in ((True, pc.less), (False, pc.greater)):
            hit = pc.fill_null(compared(amounts, zero), False)
            for side in (True, False):
                both = pc.and_(hit, credit if side else pc.invert(credit))
                if (side, negative) not in self._seen and pc.any(both, min_count=0).as_py():
                    self._seen[(side, negative)] = str(amounts.filter(both)[0].as_py())
        if (True, True) in self._seen and (True, False) in self._seen:
            self._refuse()
        return (True, True) in self._seen

    def finish(self) -> None:
        """Refuse what the rows, all of them, leave open."""
        credit_negative, credit_positive = (True, True) in self._seen, (True, False) in self._seen
        debit_negative, debit_positive = (False, True) in self._seen, (False, False) in self._seen
        if debit_negative and (credit_negative or (credit_positive and not debit_positive)):
            self._refuse()

    def _refuse(self) -> None:
        sides = {
            f"{'negative' if negative else 'positive'} {'credit' if side else 'debit'}": value
            for (side, negative), value in sorted(self._seen.items())
        }
        msg = f"{self._member!r}: the signs of the amounts and their debit/credit indicator do not say one thing: "
        msg += f"{sides}. Declare read_ledger(..., signed=True) if debits are positive and credits negative already, "
        raise ValueFormatError(msg + "signed=False if the indicator alone says the side.")
