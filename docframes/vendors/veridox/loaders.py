"""What a user calls, but for signing.  Each loader reads as the sentence it carries out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd

from docframes.errors import ColumnError, ConfigError, ShapeError
from docframes.loading import Options, Plan, load_each, load_list
from docframes.tables.loads import shown
from docframes.tables.schema import Level, Table
from docframes.transport.answers import Call
from docframes.vendors.veridox import tables
from docframes.vendors.veridox.analyses import analysis
from docframes.vendors.veridox.api import LONGEST_QUERY, SETTLED, SHORTEST_QUERY, SORT_FIELDS, SORT_ORDERS
from docframes.vendors.veridox.client import Client, default_client
from docframes.vendors.veridox.signing import asset, file_links, sign_files

__all__ = [
    "Analyses",
    "CaseDetails",
    "asset",
    "default_client",
    "file_links",
    "load_analyses",
    "load_case_details",
    "load_cases",
    "load_files",
    "search_files",
    "sign_files",
]


@dataclass(frozen=True)
class CaseDetails:
    """Cases with their files: two frames."""

    cases: pd.DataFrame
    files: pd.DataFrame

    def __repr__(self) -> str:
        return f"CaseDetails({_sizes(vars(self))})"

    def _repr_html_(self) -> str:
        return shown("CaseDetails", vars(self))


@dataclass(frozen=True)
class Analyses:
    """Analyses in full.

    files : one row per file that was asked for.  module_findings, search_results : with the module they belong to.
    skipped : files that were given and not asked for, since they are not settled yet; file_id, label, analysis_status.
    """

    files: pd.DataFrame
    findings: pd.DataFrame
    module_findings: pd.DataFrame
    observations: pd.DataFrame
    risk_assessments: pd.DataFrame
    suggested_actions: pd.DataFrame
    search_results: pd.DataFrame
    modules: pd.DataFrame
    skipped: pd.DataFrame

    def __repr__(self) -> str:
        return f"Analyses({_sizes(vars(self))})"

    def _repr_html_(self) -> str:
        return shown("Analyses", vars(self))


def _sizes(frames: Mapping[str, pd.DataFrame]) -> str:
    return ", ".join(f"{len(frame):,} {name}" for name, frame in frames.items())


def load_cases(
    *,
    label: str | None = None,
    limit: int | None = None,
    page_size: int | None = None,
    refresh: bool = False,
    progress: bool | None = None,
    allow_partial: bool = False,
    max_calls: int | None = None,
    trace: bool = False,
    client: Client | None = None,
) -> pd.DataFrame:
    """One row per case, newest first; columns of ``describe(frame)``.

    label : only the case of exactly this label, in this case of letters.  None loads all that the key's user sees.
    limit : rows in total.  page_size : rows a page, at most 100.  refresh : go past the cache.
    progress : None shows a bar after a second.  allow_partial : accept a load with gaps.
    max_calls : refuse, before it is sent, what would cost more calls.  trace : with a column by which
    ``docframes.trace`` finds where a row came from.
    client : None is the account of the environment.
    At most 30 calls a minute are made.
    Raises MissingKey, AuthError, BadRequest, RateLimited, ServerError, NoAnswer, ShapeError, IncompleteLoad.
    Source: docs.veridox.ai, cases-list.
    """
    options = Options(
        limit=limit, page_size=page_size, refresh=refresh, progress=progress, allow_partial=allow_partial,
        max_calls=max_calls, trace=trace,
    )  # fmt: skip
    return _load("load_cases", "cases", tables.CASES, {"label": label}, options, client)


def load_files(
    *,
    sort_by: Literal["date_created", "risk_score"] = "date_created",
    sort_order: Literal["asc", "desc"] = "asc",
    limit: int | None = None,
    page_size: int | None = None,
    refresh: bool = False,
    progress: bool | None = None,
    allow_partial: bool = False,
    max_calls: int | None = None,
    trace: bool = False,
    client: Client | None = None,
) -> pd.DataFrame:
    """One row per file, of all cases; ``current_risk_score`` is ordered from Informational to High.

    sort_by, sort_order : oldest first is the one order in which files that arrive meanwhile shift no row; with
    ``limit``, ``sort_order="desc"`` gives the newest, or with ``sort_by="risk_score"`` the riskiest.
    Other arguments, errors: as :func:`load_cases`.  At most 10 calls a minute are made.
    Source: docs.veridox.ai, files-list.
    """
    _one_of("sort_by", sort_by, SORT_FIELDS)
    _one_of("sort_order", sort_order, SORT_ORDERS)
    options = Options(
        limit=limit, page_size=page_size, refresh=refresh, progress=progress, allow_partial=allow_partial,
        max_calls=max_calls, trace=trace,
    )  # fmt: skip
    params = {"sort_by": sort_by, "sort_order": sort_order}
    return _load("load_files", "files", tables.FILES, params, options, client)


def search_files(
    query: str,
    *,
    limit: int | None = None,
    page_size: int | None = None,
    refresh: bool = False,
    progress: bool | None = None,
    allow_partial: bool = False,
    max_calls: int | None = None,
    trace: bool = False,
    client: Client | None = None,
) -> pd.DataFrame:
    """One row per file whose name, or whose case's label, has words that begin with *query*; columns of load_files.

    query : 1 to 100 characters.
    Other arguments, errors: as :func:`load_cases`.  At most 10 calls a minute are made.
    Source: docs.veridox.ai, search.
    """
    if not isinstance(query, str) or not len(query.strip()) >= SHORTEST_QUERY or len(query) > LONGEST_QUERY:
        raise ConfigError(f"query is {query!r:.120}; it must have {SHORTEST_QUERY} to {LONGEST_QUERY} characters.")
    options = Options(
        limit=limit, page_size=page_size, refresh=refresh, progress=progress, allow_partial=allow_partial,
        max_calls=max_calls, trace=trace,
    )  # fmt: skip
    return _load("search_files", "search", tables.FOUND_FILES, {"query": query}, options, client)


def load_case_details(
    cases: pd.DataFrame | Sequence[str],
    *,
    limit: int | None = None,
    refresh: bool = False,
    progress: bool | None = None,
    allow_partial: bool = False,
    max_calls: int | None = None,
    trace: bool = False,
    client: Client | None = None,
) -> CaseDetails:
    """Cases with the state of each of their files, one call a case, at most 60 a minute.

    cases : a frame of :func:`load_cases`, or case ids.  Only a case's owner may read it.
    limit : cases in total.  Other arguments, errors: as :func:`load_cases`; NotFound where none is there.
    Source: docs.veridox.ai, cases-get.
    """
    client = client or default_client()
    options = Options(
        limit=limit, refresh=refresh, progress=progress, allow_partial=allow_partial,
        max_calls=max_calls, trace=trace,
    )  # fmt: skip
    ids = _ids(cases, "case_id", "load_case_details", "load_cases")[:limit]
    calls = [Call(client.api.endpoint("case"), {"case_id": case_id}) for case_id in ids]
    plan = Plan(client, "load_case_details", tables.CASE_DETAIL, {"cases": len(ids)}, options)
    details = load_each(plan, calls, ids, "case_id", CaseDetails)
    _check_ids(client, details.cases, "case_id", "case_object")
    return details


def load_analyses(
    files: pd.DataFrame | Sequence[str],
    *,
    settled_only: bool = True,
    limit: int | None = None,
    refresh: bool = False,
    progress: bool | None = None,
    allow_partial: bool = False,
    max_calls: int | None = None,
    trace: bool = False,
    client: Client | None = None,
) -> Analyses:
    """Analyses in full: scores, findings, observations, risks, actions, and what the modules found; one call a file.

    files : a frame of :func:`load_files` or :func:`search_files`, or file ids.
    settled_only : of a frame, ask only for files whose analysis is settled; the others are rows of ``.skipped``, and
    the Load record counts them.  Of plain ids nobody knows, so all are asked for: one that is not settled has a row
    in ``.files`` without results.
    A settled file of a frame is kept for 30 days and asked for again only when its outcome or score has moved; any
    other answer is kept five minutes.
    limit : files in total.  allow_partial : give the analyses that came where some did not.
    Other arguments, errors: as :func:`load_cases`; NotFound where no file is there.
    At most 10 calls a minute are made: a thousand files take 100 minutes.  Source: docs.veridox.ai, files-analysis-get.
    """
    client = client or default_client()
    options = Options(
        limit=limit, refresh=refresh, progress=progress, allow_partial=allow_partial,
        max_calls=max_calls, trace=trace,
    )  # fmt: skip
    given = _with_state(files)
    skipped = given[given["known"] & (given["analysis_status"].str.casefold() != SETTLED) & settled_only]
    wanted = given.drop(skipped.index)[:limit]
    calls = [_analysis_call(client, *row) for row in wanted[["file_id", "version"]].itertuples(index=False)]
    arguments = {"files": len(wanted), "skipped": len(skipped), "settled_only": settled_only}
    level = analysis(client.api.value("highlights_places"))
    plan = Plan(client, "load_analyses", level, arguments, options)
    told = skipped[["file_id", "label", "analysis_status"]].reset_index(drop=True)

    def shape(**frames: pd.DataFrame) -> Analyses:
        return Analyses(**frames, skipped=told)

    analyses = load_each(plan, calls, list(wanted["file_id"]), "file_id", shape)
    _check_ids(client, analyses.files, "file_id", "analysis_object")
    return analyses


# --- how they do it -----------------------------------------------------------------------------------------------


def _load(
    loader: str, endpoint: str, table: Table, params: dict[str, Any], options: Options, client: Client | None
) -> pd.DataFrame:
    client = client or default_client()
    given = {name: value for name, value in params.items() if value is not None}
    plan = Plan(client, loader, Level(table), {**given, "limit": options.limit}, options)
    frame = load_list(plan, Call(client.api.endpoint(endpoint), params=given))
    _check_ids(client, frame, table.key[0], f"{endpoint}_items")
    return frame


def _check_ids(client: Client, frame: pd.DataFrame, key: str, place: str) -> None:
    """Rows of which none has its id are rows of something else: an error, and no frame of missing values."""
    if len(frame) and bool(frame[key].isna().all()):
        came = [str(name) for name in frame.columns if bool(frame[name].notna().any())]
        table = "cases" if key == "case_id" else "files"
        msg = f"{client.vendor}: wanted objects with a {key}, got objects with {came}. If the id bears another name, "
        msg += f'say so: Client(assumptions={{"columns": {{"{table}": {{"{key}": "..."}}}}}}); if the objects stand '
        msg += f'elsewhere in the answer: Client(assumptions={{"{place}": "..."}}).'
        raise ShapeError(msg, vendor=client.vendor, excerpt=str(came)[:200])


def _one_of(name: str, value: str, known: Sequence[str]) -> None:
    if value not in known:
        raise ConfigError(f"{name} is {value!r}; it must be one of {', '.join(known)}.")


def _ids(given: pd.DataFrame | Sequence[str], column: str, caller: str, source: str) -> list[str]:
    """Each id once, in order."""
    if isinstance(given, pd.DataFrame):
        if column not in given.columns:
            msg = f"{caller} needs the column {column!r}; this frame has {list(given.columns)}. "
            raise ColumnError(msg + f"Rename yours first: frame.rename(columns={{'id': '{column}'}}).")
        return list(dict.fromkeys(given[column].dropna().astype(str)))
    if isinstance(given, str):
        raise ConfigError(f"{caller} got one text; give a list of ids, or a frame of {source}().")
    return list(dict.fromkeys(str(value) for value in given))


def _with_state(files: pd.DataFrame | Sequence[str]) -> pd.DataFrame:
    """Each file once: file_id, label, analysis_status, whether that is known, and the version to ask for.

    The version is what can still move in a settled analysis; empty where the file is not settled or nobody knows.
    """
    ids = _ids(files, "file_id", "load_analyses", "load_files")
    state = pd.DataFrame({"file_id": pd.Series(ids, dtype="str")})
    names = ("label", "analysis_status", "analysis_outcome", "current_risk_score")
    if isinstance(files, pd.DataFrame):
        named = files[files["file_id"].notna()].assign(file_id=lambda frame: frame["file_id"].astype("str"))
        first = named.drop_duplicates("file_id").set_index("file_id").reindex(ids)
        state = state.assign(**{name: first[name].astype("str").to_numpy() for name in names if name in first.columns})
    for name in names:
        state[name] = state[name].astype("str") if name in state.columns else pd.Series(pd.NA, state.index, dtype="str")
    state["known"] = isinstance(files, pd.DataFrame) and "analysis_status" in files.columns
    version = "settled " + state["analysis_outcome"].fillna("") + " " + state["current_risk_score"].fillna("")
    state["version"] = version.where(state["analysis_status"].str.casefold() == SETTLED, "")
    return state


def _analysis_call(client: Client, file_id: str, version: str) -> Call:
    endpoint = client.api.endpoint("analysis" if version else "analysis_now")
    return Call(endpoint, {"file_id": file_id}, version=version)
