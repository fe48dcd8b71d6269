"""The chart of accounts, with the balances the year opens with."""

from __future__ import annotations

from dataclasses import dataclass

DEBTORS, BANK, CREDITORS, INPUT_VAT = "1100", "1200", "2100", "2201"
PAYE, WAGES_DUE, DEPRECIATED, GRANTS = "2210", "2220", "0031", "4000"
WAGES, EMPLOYER_NI, BANK_CHARGES, DEPRECIATION = "7000", "7006", "7901", "8000"


@dataclass(frozen=True)
class Account:
    """An account.  opening : pence, debit positive; nought for income and costs."""

    code: str
    name: str
    category: str
    tag: str
    opening: int = 0


CHART = (
    Account("0030", "Office Equipment", "Fixed Assets", "Cost", 4_812_550),
    Account("0031", "Office Equipment, Depreciation", "Fixed Assets", "Depreciation", -1_604_183),
    Account("0050", "Motor Vehicles", "Fixed Assets", "Cost", 11_240_000),
    Account("1100", "Debtors Control Account", "Current Assets", "Trade debtors", 23_175_420),
    Account("1200", "Bank Current Account", "Current Assets", "Cash", 61_980_037),
    Account("2100", "Creditors Control Account", "Current Liabilities", "Trade creditors", -18_266_891),
    Account("2201", "Purchase Tax Control Account", "Current Liabilities", "Taxes", 2_310_448),
    Account("2210", "P.A.Y.E.", "Current Liabilities", "Taxes", -1_988_102),
    Account("2220", "Net Wages", "Current Liabilities", "Wages", 0),
    Account("3000", "Members' Guarantee", "Equity", "Capital", -12_000_000),
    Account("3200", "Reserves Brought Forward", "Equity", "Reserves", -69_659_279),
    Account("4000", "Grant Income", "Income", "Grants"),
    Account("5000", "Insulation Works", "Direct Costs", "Installers"),
    Account("5001", "Heat Pumps and Solar", "Direct Costs", "Installers"),
    Account("5002", "Ventilation", "Direct Costs", "Installers"),
    Account("5100", "Materials Purchased", "Direct Costs", "Materials"),
    Account("7000", "Gross Wages", "Overheads", "Staff"),
    Account("7006", "Employer's N.I.", "Overheads", "Staff"),
    Account("7300", "Fuel and Oil", "Overheads", "Vehicles"),
    Account("7302", "Vehicle Hire", "Overheads", "Vehicles"),
    Account("7502", "Telephone", "Overheads", "Office"),
    Account("7504", 'Sundries ("petty")', "Overheads", "Office"),
    Account("7601", "Audit & Accountancy Fees", "Overheads", "Professional"),
    Account("7901", "Bank Charges", "Overheads", "Finance"),
    Account("8000", "Depreciation", "Overheads", "Depreciation"),
    Account("8204", "Insurance", "Overheads", "Insurance"),
)

#: What is bought from which trade.
EXPENSE = {
    "materials": "5100",
    "fuel": "7300",
    "hire": "7302",
    "insurance": "8204",
    "sundries": "7504",
    "professional": "7601",
    "telephone": "7502",
}
#: Which account an installer's bill goes to; insulation where none is named.
WORKS = {"S0003": "5001", "S0004": "5001", "S0005": "5002"}
INSULATION = "5000"
