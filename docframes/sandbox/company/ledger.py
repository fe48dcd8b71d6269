"""The general ledger as a zip of CSV files, written line by line."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from docframes.errors import ConfigError
from docframes.sandbox.company.accounts import CHART
from docframes.sandbox.company.invoices import pounds
from docframes.sandbox.company.journals import YEAR_END, YEAR_START, year
from docframes.sandbox.company.ledger_faults import (
    EXTRA_LINES,
    Numbered,
    Planter,
    journal_id,
    numbered,
    tx_id,
)
from docframes.sandbox.company.seeds import new_id, stream

if TYPE_CHECKING:
    from docframes.sandbox.company import Company

UPLOADED = "2026-04-07T06:12:44Z"
ZIP_TIME = (2026, 4, 7, 6, 12, 44)
FEWEST, FEWEST_WITH_FAULTS = 2, 1_000  #: lines; each fault waits for a purchase, which a short ledger lacks
BLOCK = 2_000  #: journals that are written at a time
MANY = 5_000_000  #: lines from which a member may pass what a plain zip can hold

TRANSACTIONS = (
    "UPLOAD_ID,COMPANY_NAME,UPLOAD_DATE,GL_TX_ID,GL_TX_LINE_ID,GL_TX_DATE,ENTRY_TIMESTAMP,ENTRY_USER,PERIOD_ID,"
    "FINANCIAL_YEAR,ACCOUNT_CODE,ACCOUNT_NAME,PRIMARY_CATEGORY,JOURNAL_ID,TX_TYPE,REFERENCE,DESCRIPTION,"
    "CURRENCY_ISO,BASE_VALUE"
)
BALANCES = (
    "UPLOAD_ID,COMPANY_NAME,UPLOAD_DATE,ACCOUNT_CODE,ACCOUNT_NAME,PRIMARY_CATEGORY,TAG,PERIOD_ID,PERIOD_START_DATE,"
    "PERIOD_END_DATE,FINANCIAL_YEAR,OPENING_BALANCE,MOVEMENT,CLOSING_BALANCE,CURRENCY_ISO"
)
SUMMARISED = (
    "UPLOAD_ID,COMPANY_NAME,UPLOAD_DATE,PRIMARY_CATEGORY,TAG,PERIOD_ID,PERIOD_START_DATE,PERIOD_END_DATE,"
    "FINANCIAL_YEAR,OPENING_BALANCE,MOVEMENT,CLOSING_BALANCE,CURRENCY_ISO"
)
DETAILS = (
    "UPLOAD_ID,COMPANY_NAME,UPLOAD_DATE,REGISTRATION_NUMBER,TAX_NUMBER,ADDRESS,COUNTRY,BASE_CURRENCY,"
    "ACCOUNTING_PACKAGE,PACKAGE_VERSION,FINANCIAL_YEAR_START,FINANCIAL_YEAR_END"
)
FINANCIAL_YEAR = "2026"
FIRST_DAYS = [date(2025 + month // 12, month % 12 + 1, 1) for month in range(3, 16)]


def _periods() -> dict[str, tuple[str, str, str]]:
    """Month of a date to its period, first day and last day; period 01 is April."""
    return {
        first.isoformat()[:7]: (f"{number:02d}", first.isoformat(), (following - timedelta(1)).isoformat())
        for number, (first, following) in enumerate(pairwise(FIRST_DAYS), start=1)
    }


PERIODS = _periods()

Movements = Counter[tuple[str, str]]  # account and period to pence


def write_ledger(company: Company, path: str | os.PathLike[str], *, lines: int, faults: bool) -> Path:
    """Write the ledger zip; the same company and arguments give the same bytes.  Gives its path.

    Raises : ConfigError for fewer lines than 2, or than 1,000 with faults.
    """
    _check(lines, FEWEST_WITH_FAULTS if faults else FEWEST)
    planter = Planter() if faults else None
    head = upload(company)
    movements: Movements = Counter()
    target = Path(path)
    with ZipFile(target, "w") as archive:
        info = _member("GL_Transactions.csv")
        with archive.open(info, "w", force_zip64=lines > MANY) as member:
            _write(member, TRANSACTIONS, _transactions(head, _journals(company, lines, planter), movements))
        balances = list(_balances(movements, planter))
        _add(archive, "GL_Period_Balances.csv", BALANCES, (_balance_line(head, row) for row in balances))
        _add(archive, "GL_Period_Balances_Summarised.csv", SUMMARISED, _summary(head, balances))
        _add(archive, "Company_Details.csv", DETAILS, [details(head)])
    return target


def ledger_truth(company: Company, lines: int) -> list[dict[str, Any]]:
    """The faults of the ledger of that many lines, as ``faults=True`` writes it."""
    _check(lines, FEWEST_WITH_FAULTS)
    planter = Planter()
    for _ in _journals(company, lines, planter):
        pass
    planter.misstate()
    return planter.truth


def _check(lines: int, fewest: int) -> None:
    if lines < fewest:
        msg = f"A ledger of {lines} lines is too short for what is asked of it; ask for {fewest:,} or more."
        raise ConfigError(msg)


def _journals(company: Company, lines: int, planter: Planter | None) -> Iterator[Numbered]:
    if planter is None:
        return numbered(year(company, lines))
    return planter.plant(year(company, lines - EXTRA_LINES))


def upload(company: Company) -> str:
    """The columns that every row of every file begins with."""
    return f"{new_id(stream(company.seed, 'upload'))},{quoted(company.name)},{UPLOADED}"


def quoted(text: str) -> str:
    """*text* as a CSV field, quoted only where it must be."""
    if "," in text or '"' in text or "\n" in text:
        return '"' + text.replace('"', '""') + '"'
    return text


def _transactions(head: str, journals: Iterator[Numbered], movements: Movements) -> Iterator[str]:
    """The lines of the ledger; *movements* is added up on the way, from the very lines that are written."""
    account = {a.code: f"{a.code},{quoted(a.name)},{a.category}" for a in CHART}
    line = 0
    for item in journals:
        journal = item.journal
        period = PERIODS[journal.day[:7]][0]
        tail = f"{journal_id(item.number)},{journal.kind},{journal.reference},{quoted(journal.description)},GBP"
        when = f"{journal.day},{journal.entered},{journal.user},{period},{FINANCIAL_YEAR}"
        start = f"{head},{tx_id(item.number)}"
        for code, pence in journal.postings:
            line += 1
            movements[code, period] += pence
            yield f"{start},{line:09d},{when},{account[code]},{tail},{pounds(pence)}\n"


def _balances(movements: Movements, planter: Planter | None) -> Iterator[dict[str, Any]]:
    """Opening, movement and closing of each account in each period, in pence."""
    wrong = planter.misstate() if planter is not None else None
    for account in CHART:
        opening = account.opening
        for period, first, last in PERIODS.values():
            movement = movements[account.code, period]
            closing = opening + movement
            if wrong is not None and wrong[:2] == (account.code, period):
                movement += wrong[2]
            shown = opening + movement
            span = {"period": period, "first": first, "last": last}
            yield {"account": account, **span, "opening": opening, "movement": movement, "closing": shown}
            opening = closing


def _balance_line(head: str, row: dict[str, Any]) -> str:
    account = row["account"]
    who = f"{account.code},{quoted(account.name)},{account.category},{account.tag}"
    return f"{head},{who},{_span(row)},{_amounts(row)},GBP\n"


def _summary(head: str, balances: list[dict[str, Any]]) -> Iterator[str]:
    """The same balances, added up by category and tag."""
    sums: dict[tuple[str, ...], Counter[str]] = {}
    for row in balances:
        key = (row["account"].category, row["account"].tag, _span(row))
        sums.setdefault(key, Counter()).update({name: row[name] for name in ("opening", "movement", "closing")})
    for (category, tag, span), amounts in sums.items():
        yield f"{head},{category},{tag},{span},{_amounts(amounts)},GBP\n"


def _span(row: dict[str, Any]) -> str:
    return f"{row['period']},{row['first']},{row['last']},{FINANCIAL_YEAR}"


def _amounts(row: Any) -> str:
    return ",".join(pounds(row[name]) for name in ("opening", "movement", "closing"))


def details(head: str) -> str:
    """The one line of Company Details."""
    address = quoted("Unit 4, Kiln Lane, Northmoor, QN1 2AB")
    return f"{head},07654321,GB012345678,{address},GB,GBP,Sandbox Accounts 50,29.1,{YEAR_START},{YEAR_END}\n"


def _member(name: str) -> ZipInfo:
    info = ZipInfo(name, ZIP_TIME)
    info.compress_type = ZIP_DEFLATED
    return info


def _add(archive: ZipFile, name: str, header: str, lines: Iterable[str]) -> None:
    with archive.open(_member(name), "w") as member:
        _write(member, header, lines)


def _write(member: IO[bytes], header: str, lines: Iterable[str]) -> None:
    block = [header + "\n"]
    for line in lines:
        block.append(line)
        if len(block) >= BLOCK:
            member.write("".join(block).encode())
            block.clear()
    member.write("".join(block).encode())
