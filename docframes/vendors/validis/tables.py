"""The frames of Validis.  Ids are text; what only the register of assumptions names may be missing."""

from __future__ import annotations

from docframes.tables.schema import Column, FileColumns, Level, Table

PORTAL = "developer.validis.com"


def _guess(name: str, kind: str, meaning: str, source: str = "", *aliases: str) -> Column:
    """A column whose key is assumed: its absence is no news."""
    return Column(name, kind, meaning, source=source, aliases=aliases, optional=True)  # type: ignore[arg-type]


def _owner(name: str, source: str, meaning: str) -> Column:
    # The portal prints the key with a dot in it, which may be an object or the key itself.
    flat = source.replace(".", "")
    return Column(name, "str", meaning, source=source, elsewhere=(flat,), optional=True)


ENGAGEMENTS = Table(
    "engagements",
    "one row per engagement: the container of one customer's data, which keeps the latest successful upload",
    ("engagement_id",),
    (
        Column("engagement_id", "str", "id of the engagement", source="id", aliases=("engagementId",)),
        Column("external_engagement_id", "str", "own reference"),
        Column("client_id", "str", "id of the DataShare system"),
        Column("relationship_manager", "str", "the manager assigned"),
        _owner("owner_first_name", "owner.firstName", "first name of the owner"),
        _owner("owner_last_name", "owner.lastName", "last name of the owner"),
        _owner("owner_email", "owner.email", "mail address of the owner"),
        _owner("company_id", "sme.id", "id of the company"),
        _owner("company_name", "sme.name", "name of the company"),
        _guess("last_upload_at", "timestamp", "when data came last; missing where none ever did", "lastUploadDate"),
    ),
    f"{PORTAL}, metadata",
    file=FileColumns("general-ledger", "engagement_id", "company_name"),
)

ACCOUNTS = Table(
    "accounts",
    "one row per account of the company's own chart, mapped to the Validis chart",
    ("account_id",),
    (
        Column("account_id", "str", "DataShare's id of the account"),
        Column("remote_pk", "str", "reference in the accounting package"),
        Column("code", "str", "account code, kept as text: '0400' is not 400"),
        Column("name", "str", "name of the account"),
        Column("primary_category", "str", "Validis category; missing where the account is not assigned"),
        Column("tag", "str", "Validis tag; missing where the account is not assigned"),
        Column("currency_iso", "str", "currency, as a code of three letters"),
        Column("created_at", "timestamp", "when the account was made", source="createdTimestamp"),
        Column("modified_at", "timestamp", "when the account was last changed", source="modifiedTimestamp"),
        Column("status", "str", "status of the account; an open set"),
    ),
    f"{PORTAL}, general ledger",
)

PERIODS = Table(
    "periods",
    "one row per financial period; order them by their dates, since ids need not grow with time",
    ("period_id",),
    (
        Column("period_id", "str", "id of the period, which filters take", source="id", aliases=("periodId",)),
        _guess("number", "Int64", "number of the period in its year", "number", "periodNumber"),
        _guess("start_date", "date", "first day", "startDate", "periodStartDate", "start"),
        _guess("end_date", "date", "last day", "endDate", "periodEndDate", "end"),
        _guess("financial_year", "str", "financial year, as sent", "financialYear", "year"),
        _guess("status", "str", "status of the period; an open set"),
    ),
    f"{PORTAL}, FAQ (Get Periods); fields assumed, A48",
)

JOURNALS = Table(
    "journals",
    "one row per line of a journal; a journal without lines has one row, whose line is missing",
    ("journal_id", "line"),
    (
        Column("journal_id", "str", "id of the journal", source="^journal.id", aliases=("journalId",)),
        _guess("journal_date", "date", "day from which the journal counts", "^journal.date", "journalDate"),
        _guess("journal_description", "str", "what the journal is for", "^journal.description"),
        _guess("journal_type", "str", "kind of journal; an open set", "^journal.type", "journalType"),
        _guess("journal_period_id", "str", "id of the period", "^journal.periodId", "period"),
        Column("line", "Int64", "place of the line in its journal, from 1", source="^line_number"),
        _guess("line_id", "str", "id of the line", "id", "lineId"),
        _guess("account_id", "str", "DataShare's id of the account", "accountId"),
        _guess("description", "str", "what the line is for"),
        _guess("value", "float64", "signed amount; debit positive is assumed, A58", "value", "amount", "baseValue"),
        _guess("debit", "float64", "debit side, where the vendor sends a pair"),
        _guess("credit", "float64", "credit side, where the vendor sends a pair"),
    ),
    f"{PORTAL}, general ledger (journals); fields assumed, A47",
)


def _items(party: str) -> tuple[Column, ...]:
    return (
        Column("item_id", "str", "id of the item", source="id", aliases=("itemId",)),
        _guess(f"{party}_id", "str", f"id of the {party}", f"{party}Id"),
        _guess(f"{party}_name", "str", f"name of the {party}", f"{party}Name"),
        _guess("item_type", "str", "invoice, credit note, payment, refund or journal; an open set", "itemType", "type"),
        _guess("reference", "str", "number of the document", "reference", "documentNumber"),
        _guess("date", "date", "day of the document", "date", "itemDate", "documentDate"),
        _guess("due_date", "date", "day on which it is due", "dueDate"),
        _guess("period_id", "str", "id of the period", "periodId"),
        _guess("currency_iso", "str", "currency, as a code of three letters", "currencyIso", "currency"),
        _guess("amount", "float64", "amount, signed", "amount", "originalAmount"),
        _guess("outstanding_amount", "float64", "what is still open of it, signed", "outstandingAmount", "balance"),
        _guess("base_amount", "float64", "amount in the company's currency, signed", "baseAmount"),
        _guess("links", "json", "general ledger transactions behind it; asked for with links=True"),
        _guess("allocations", "json", "items it is set off against; asked for with allocations=True"),
    )


RECEIVABLE_ITEMS = Table(
    "receivable_items",
    "one row per receivable item; invoices positive, credit notes and receipts negative (assumed, A49)",
    ("item_id",),
    _items("customer"),
    f"{PORTAL}, receivables; fields assumed, A50",
)
PAYABLE_ITEMS = Table(
    "payable_items",
    "one row per payable item, signed as the vendor sends it",
    ("item_id",),
    _items("supplier"),
    f"{PORTAL}, change log of November 2018; path and fields assumed, A52",
)

REPORTS = Table(
    "reports",
    "one row per report, with what it says of itself",
    ("report", "engagement_id"),
    (
        Column("report", "str", "name of the report", source="asked.report"),
        Column("engagement_id", "str", "id of the engagement", source="asked.engagement_id"),
    ),
    f"{PORTAL}, finance data",
)
FIGURES = Table(
    "figures",
    "one row per figure of the report's tree, in its order; a heading without figures has one row",
    ("report", "engagement_id", "row"),
    (
        Column("report", "str", "name of the report", inherited=True),
        Column("engagement_id", "str", "id of the engagement", inherited=True),
        Column("row", "Int64", "place in the report, from 1"),
        Column("path", "str", "labels from the top down to this one, with ' / ' between"),
        Column("label", "str", "label of the row"),
        Column("level", "Int64", "depth in the tree, from 0"),
        _guess("period", "str", "period or column of the figure, as sent; missing where there is one only"),
        _guess("figure", "str", "key under which the figure was sent"),
        _guess("value", "float64", "the figure as sent; shown negated where display_flipped is true"),
        _guess("display_flipped", "boolean", "whether the figure is shown negated; missing where it does not say"),
        _guess("attributes", "json", "what else the row says"),
        _guess("heading", "json", "what the report says of itself"),
    ),
    f"{PORTAL}, finance data; layout assumed, A54",
)
REPORT = Level(REPORTS, children=(Level(FIGURES, items="rows"),))

#: Every table of the room.
ALL = (ENGAGEMENTS, ACCOUNTS, PERIODS, JOURNALS, RECEIVABLE_ITEMS, PAYABLE_ITEMS, REPORTS, FIGURES)
