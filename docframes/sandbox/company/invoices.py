"""What the installers bill: one invoice for each completed job, the same on paper and in the ledger."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from docframes.sandbox.company.measures import Measure
from docframes.sandbox.company.seeds import DAY, moment, on_weekday, stamp, stream

VAT_PERCENT = 20


@dataclass(frozen=True)
class Invoice:
    """An installer's bill for a job; amounts in pence, dates as ISO text."""

    number: str
    supplier: str
    job: str
    measure: str
    issued: str
    due: str
    net: int
    vat: int

    @property
    def total(self) -> int:
        """Net and VAT, in pence."""
        return self.net + self.vat

    def lines(self) -> tuple[str, ...]:
        """The paper's text."""
        return (
            f"Invoice {self.number}, supplier {self.supplier}",
            f"Issued {self.issued}, due {self.due}",
            f"{self.measure}, job {self.job}",
            f"Net {pounds(self.net)} GBP, VAT {pounds(self.vat)} GBP",
            f"Total {pounds(self.total)} GBP",
        )


def bill(seed: int, job: dict[str, Any], measure: Measure) -> Invoice:
    """The invoice for a completed job; it is dated within a week of the completion, never on a weekend."""
    rng = stream(seed, "invoice", job["id"])
    done = moment((job["completed_at"] or job["updated_at"])[:10])
    issued = on_weekday(done + rng.randrange(1, 6) * DAY)
    low, high = measure.price
    net = rng.randrange(low * 100, high * 100)
    return Invoice(
        number=f"{rng.randrange(10**8):09d}",
        supplier=measure.installer,
        job=job["reference"] or job["id"][:8],
        measure=measure.name,
        issued=stamp(issued)[:10],
        due=stamp(on_weekday(issued + 30 * DAY))[:10],
        net=net,
        vat=round(net * VAT_PERCENT / 100),
    )


def pounds(pence: int) -> str:
    """Pence as pounds with two decimals, exactly."""
    sign, whole, rest = "-" if pence < 0 else "", abs(pence) // 100, abs(pence) % 100
    return f"{sign}{whole}.{rest:02d}"
