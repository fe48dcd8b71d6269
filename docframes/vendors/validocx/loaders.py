"""What a user calls.  Each loader reads as the sentence it carries out."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pandas as pd

from docframes.errors import ColumnError, ConfigError, DocframesError, IncompleteLoad, ShapeError
from docframes.loading import LAST, Options, Plan, load_each, load_list, load_since_last
from docframes.settings import Settings
from docframes.tables.columns import read_moment
from docframes.tables.loads import shown
from docframes.tables.schema import Level, Table, check_sources
from docframes.tables.wide import spread
from docframes.transport import client as transport
from docframes.transport import credentials
from docframes.transport.answers import Answer, Call, object_of
from docframes.transport.api import Api
from docframes.transport.download import ApiFile, SignedLink
from docframes.transport.paging import dig, whole
from docframes.transport.planning import as_a_whole
from docframes.vendors.validocx import tables
from docframes.vendors.validocx.api import (
    API,
    DEFAULT_EXPIRY,
    EXPIRY_MARGIN,
    FILE_KINDS,
    LONGEST_EXPIRY,
    SHORTEST_EXPIRY,
)

Moment = str | datetime | pd.Timestamp


class Client(transport.Client):
    """One organization's account at ValiDocX; see :class:`docframes.transport.client.Client`.

    The key comes from ``DOCFRAMES_VALIDOCX_API_KEY`` unless it is given.
    """

    def __init__(
        self,
        *,
        api_key: str | None = None,
        base_url: str | None = None,
        assumptions: Mapping[str, Any] | None = None,
        api: Api = API,
        cached: bool = True,
        settings: Settings | None = None,
    ) -> None:
        super().__init__(
            api, api_key=api_key, base_url=base_url, assumptions=assumptions, cached=cached, settings=settings
        )
        check_sources(self.assumptions["columns"], tables.ALL)


@dataclass(frozen=True)
class JobDetails:
    """Jobs in full: six frames, each with the ids of all levels above its own."""

    jobs: pd.DataFrame
    steps: pd.DataFrame
    questions: pd.DataFrame
    answers: pd.DataFrame
    images: pd.DataFrame
    documents: pd.DataFrame

    def __repr__(self) -> str:
        sizes = ", ".join(f"{len(frame):,} {name}" for name, frame in vars(self).items())
        return f"JobDetails({sizes})"

    def _repr_html_(self) -> str:
        return shown("JobDetails", vars(self))


def load_projects(
    *,
    updated_after: Moment | None = None,
    limit: int | None = None,
    page_size: int | None = None,
    refresh: bool = False,
    progress: bool | None = None,
    allow_partial: bool = False,
    max_calls: int | None = None,
    trace: bool = False,
    client: Client | None = None,
) -> pd.DataFrame:
    """One row per project: a property with its customer; columns of ``describe(frame)``.

    updated_after : moment (UTC unless it says otherwise); only projects changed since.  None loads all.  ``"last"``
    gives all, and asks only for those that changed since the last load like this: see :func:`load_jobs`.
    limit : rows in total.  page_size : rows a page, at most 100.  refresh : go past the cache.
    progress : None shows a bar after a second.  allow_partial : accept a load with gaps.
    max_calls : refuse, before it is sent, what would cost more calls.  trace : with a column by which
    ``docframes.trace`` finds where a row came from.
    client : None is the account of the environment.
    Raises MissingKey, AuthError, BadRequest, RateLimited, ServerError, NoAnswer, ShapeError, IncompleteLoad.
    Source: validocx.com/docs/api, Projects.
    """
    options = Options(
        limit=limit, page_size=page_size, refresh=refresh, progress=progress, allow_partial=allow_partial,
        max_calls=max_calls, trace=trace,
    )  # fmt: skip
    filters = {"updated_after": updated_after}
    return _load("load_projects", "projects", tables.PROJECTS, filters, options, client)


def load_jobs(
    *,
    project_id: str | None = None,
    job_template_id: str | None = None,
    updated_after: Moment | None = None,
    limit: int | None = None,
    page_size: int | None = None,
    refresh: bool = False,
    progress: bool | None = None,
    allow_partial: bool = False,
    max_calls: int | None = None,
    trace: bool = False,
    client: Client | None = None,
) -> pd.DataFrame:
    """One row per job: one measure installed, or to be installed, at one property.

    project_id, job_template_id : only the jobs of that project, of that template (measure).
    updated_after : moment (UTC unless it says otherwise); only jobs changed since.  None loads all.
    ``"last"`` gives all jobs, and asks only for those that changed since the last load like this, from somewhat before,
    and for their number: a changed row takes the place of its older copy, a new one stands after all others, and
    ``load_record(frame).changes`` tells which they are.  The first such load is full, and so is one with
    ``refresh=True``, which also tells what is gone; a load that fails leaves the last one as it is.  Not with
    ``limit`` or ``trace``, nor for a client without a cache: ConfigError.
    Other arguments, errors: as :func:`load_projects`.  Source: validocx.com/docs/api, Jobs.
    """
    options = Options(
        limit=limit, page_size=page_size, refresh=refresh, progress=progress, allow_partial=allow_partial,
        max_calls=max_calls, trace=trace,
    )  # fmt: skip
    filters = {"project_id": project_id, "job_template_id": job_template_id, "updated_after": updated_after}
    return _load("load_jobs", "jobs", tables.JOBS, filters, options, client)


def load_answers(
    *,
    project_id: str | None = None,
    job_id: str | None = None,
    updated_after: Moment | None = None,
    limit: int | None = None,
    page_size: int | None = None,
    refresh: bool = False,
    progress: bool | None = None,
    allow_partial: bool = False,
    max_calls: int | None = None,
    trace: bool = False,
    client: Client | None = None,
) -> pd.DataFrame:
    """One row per answer of a **completed** job; for other jobs see :func:`load_job_details`.

    ``value`` is the answer as sent, as text (a list as JSON); ``value_number``, ``value_boolean`` and ``value_date``
    are filled where it was sent as that.
    project_id, job_id : only the answers of that project, of that job.  updated_after : as for :func:`load_jobs`.
    Other arguments, errors: as :func:`load_projects`.  Source: validocx.com/docs/api, Question responses.
    """
    options = Options(
        limit=limit, page_size=page_size, refresh=refresh, progress=progress, allow_partial=allow_partial,
        max_calls=max_calls, trace=trace,
    )  # fmt: skip
    filters = {"project_id": project_id, "job_id": job_id, "updated_after": updated_after}
    return _load("load_answers", "answers", tables.ANSWERS, filters, options, client)


def load_documents(
    *,
    project_id: str | None = None,
    job_id: str | None = None,
    updated_after: Moment | None = None,
    limit: int | None = None,
    page_size: int | None = None,
    refresh: bool = False,
    progress: bool | None = None,
    allow_partial: bool = False,
    max_calls: int | None = None,
    trace: bool = False,
    client: Client | None = None,
) -> pd.DataFrame:
    """One row per document of a **completed** job: what it is, not its bytes, for which see :func:`sign_file`.

    Arguments, errors: as :func:`load_answers`.  Source: validocx.com/docs/api, Documents.
    """
    options = Options(
        limit=limit, page_size=page_size, refresh=refresh, progress=progress, allow_partial=allow_partial,
        max_calls=max_calls, trace=trace,
    )  # fmt: skip
    filters = {"project_id": project_id, "job_id": job_id, "updated_after": updated_after}
    return _load("load_documents", "documents", tables.DOCUMENTS, filters, options, client)


def load_images(
    *,
    project_id: str | None = None,
    job_id: str | None = None,
    updated_after: Moment | None = None,
    limit: int | None = None,
    page_size: int | None = None,
    refresh: bool = False,
    progress: bool | None = None,
    allow_partial: bool = False,
    max_calls: int | None = None,
    trace: bool = False,
    client: Client | None = None,
) -> pd.DataFrame:
    """One row per photo of a **completed** job: where and when it was taken, not its bytes.

    Arguments, errors: as :func:`load_answers`.  Source: validocx.com/docs/api, Images.
    """
    options = Options(
        limit=limit, page_size=page_size, refresh=refresh, progress=progress, allow_partial=allow_partial,
        max_calls=max_calls, trace=trace,
    )  # fmt: skip
    filters = {"project_id": project_id, "job_id": job_id, "updated_after": updated_after}
    return _load("load_images", "images", tables.IMAGES, filters, options, client)


@as_a_whole
def load_job_details(
    jobs: pd.DataFrame | Sequence[str] | None = None,
    *,
    project_id: str | None = None,
    job_template_id: str | None = None,
    updated_after: Moment | None = None,
    limit: int | None = None,
    refresh: bool = False,
    progress: bool | None = None,
    allow_partial: bool = False,
    max_calls: int | None = None,
    trace: bool = False,
    client: Client | None = None,
) -> JobDetails:
    """Jobs in full: steps, questions, answers, photos and documents, one call a job, in parallel.

    jobs : a frame of :func:`load_jobs`, or job ids; None loads the list of jobs first, with the filters given.
    A job of a frame is fetched again only when its ``updated_at`` has moved; of a plain id nobody knows whether it
    has, so its detail is kept five minutes.
    updated_after : as for :func:`load_jobs`; ``"last"`` gives all jobs in full, at the cost of those that changed.
    allow_partial : give the jobs that came where some did not; the Load record says which failed.
    Other arguments, errors: as :func:`load_jobs`; NotFound where a job is not there.
    Source: validocx.com/docs/api, Job full detail.
    """
    client = client or default_client()
    options = Options(
        limit=limit, refresh=refresh, progress=progress, allow_partial=allow_partial,
        max_calls=max_calls, trace=trace,
    )  # fmt: skip
    if jobs is None:
        filters = {"project_id": project_id, "job_template_id": job_template_id, "updated_after": updated_after}
        jobs = _jobs_for_details(filters, options, client)
    elif any(value is not None for value in (project_id, job_template_id, updated_after)):
        raise ConfigError("Filters choose the jobs to load; with jobs given, choose rows of it instead.")
    versions = _versions(jobs)
    ids = list(versions)[:limit]
    calls = [_detail_call(client, job_id, versions[job_id]) for job_id in ids]
    plan = Plan(client, "load_job_details", tables.JOB_DETAIL, {"jobs": len(ids)}, options)
    return load_each(plan, calls, ids, "job_id", JobDetails)


def sign_file(kind: str, file_id: str, expires_in: int = DEFAULT_EXPIRY, *, client: Client | None = None) -> SignedLink:
    """A fresh link to the bytes of a file; ``.save(path)`` and ``.bytes()`` fetch them.

    kind : documents, images or installer-certs.  expires_in : seconds the link shall live; the vendor holds it
    within 60 to 3600.  The link is a secret: it has no place in a repr, and is never kept.
    Raises NotFound where there is no such file.  Source: validocx.com/docs/api, Signed files.
    """
    client = client or default_client()
    asked_at = datetime.now(UTC)
    answer = client.call(_sign_call(client, kind, file_id, expires_in))
    return _signed(client, answer, f"{kind}/{file_id}", asked_at, expires_in)


def file_links(
    kind: str, file_ids: Sequence[str], *, client: Client | None = None
) -> dict[str, SignedLink | ApiFile | DocframesError]:
    """A fresh link for each id, one call each since the vendor signs one at a time; an error where one failed."""
    client = client or default_client()
    calls = [_sign_call(client, kind, file_id, DEFAULT_EXPIRY) for file_id in file_ids]
    asked_at = datetime.now(UTC)
    links: dict[str, SignedLink | ApiFile | DocframesError] = {}
    for file_id, outcome in zip(file_ids, client.outcomes(calls), strict=True):
        try:
            links[file_id] = _signed(client, _answered(outcome), f"{kind}/{file_id}", asked_at, DEFAULT_EXPIRY)
        except DocframesError as error:
            links[file_id] = error
    return links


def answers_wide(answers: pd.DataFrame) -> pd.DataFrame:
    """One row per job, one column per question, from ``details.answers`` or :func:`load_answers`.

    A question is told by its text, and by its step too where two steps ask the same.  Numbers, booleans and dates
    have their own dtype where every answer to the question is one; any other column is text.  A second answer to
    the same question of a job stands in a column of its own, ``question (2)``.
    Raises ColumnError where a column is missing.
    """
    return spread(
        answers,
        rows=["project_id", "job_id"],
        label="question_text",
        group="step_name",
        value="value",
        caller="answers_wide",
    )


# --- how they do it -----------------------------------------------------------------------------------------------


def default_client() -> Client:
    """The account of the environment."""
    return credentials.default_client("validocx", Client)


def _load(
    loader: str, endpoint: str, table: Table, filters: dict[str, Any], options: Options, client: Client | None
) -> pd.DataFrame:
    client = client or default_client()
    given = {name: value for name, value in filters.items() if value is not None}
    plan = Plan(client, loader, Level(table), {**given, "limit": options.limit}, options)
    call = partial(_list_call, client, endpoint)
    after = given.get("updated_after")
    if not isinstance(after, str) or after != LAST:
        return load_list(plan, call(given))
    others = {name: value for name, value in given.items() if name != "updated_after"}
    return load_since_last(plan, call(others), lambda moment: call({**others, "updated_after": moment}))


def _list_call(client: Client, endpoint: str, given: dict[str, Any]) -> Call:
    return Call(client.api.endpoint(endpoint), params={**given, **_order(client, given)})


def _order(client: Client, given: dict[str, Any]) -> dict[str, Any]:
    """Full loads ascend by created_at, so that rows which arrive meanwhile shift nothing; incremental ones by
    updated_at, from a moment before, since the bound is taken to be exclusive."""
    if "updated_after" not in given:
        return {"sort_by": "created_at", "sort_order": "asc"}
    overlap = timedelta(seconds=float(client.api.value("updated_after_overlap")))
    since = _moment(given["updated_after"]) - overlap
    return {
        "sort_by": "updated_at",
        "sort_order": "asc",
        "updated_after": since.isoformat(timespec="milliseconds"),
    }


def _moment(value: Moment) -> datetime:
    moment = read_moment(value) if isinstance(value, str) else pd.Timestamp(value).to_pydatetime()
    if moment is None:
        near = difflib.get_close_matches(str(value).strip().lower(), [LAST], n=1)
        msg = f"updated_after is {value!r}. {f'Did you mean {LAST!r}? ' if near else ''}"
        msg += f"Give an ISO date or date-time such as 2026-01-31T08:00:00Z, or {LAST!r} to go on from the last load."
        raise ConfigError(msg)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _versions(jobs: pd.DataFrame | Sequence[str]) -> dict[str, str]:
    """Each job once, with the version that is known of it; empty where none is."""
    if not isinstance(jobs, pd.DataFrame):
        if isinstance(jobs, str):
            raise ConfigError("jobs is one text; give a list of job ids, or a frame of load_jobs().")
        return {str(job_id): "" for job_id in jobs if not pd.isna(job_id)}
    if "job_id" not in jobs.columns:
        msg = f"load_job_details needs the column 'job_id'; this frame has {list(jobs.columns)}. "
        raise ColumnError(msg + "Rename yours first: frame.rename(columns={'id': 'job_id'}).")
    ids = jobs["job_id"].dropna().astype(str)
    if "updated_at" not in jobs.columns:
        return dict.fromkeys(ids, "")
    moments = jobs.loc[ids.index, "updated_at"]
    if isinstance(moments.dtype, pd.DatetimeTZDtype):
        moments = moments.dt.strftime("%Y-%m-%dT%H:%M:%S.%f")
    # As text, whatever its form: it only has to change when the job does.
    texts = moments.astype("str").fillna("")
    return dict(zip(ids, texts, strict=True))


def _jobs_for_details(filters: dict[str, Any], options: Options, client: Client) -> pd.DataFrame:
    """The list of jobs; where it is incomplete, going on from there gives details, as was asked."""
    told = vars(options) | filters
    del told["page_size"], told["trace"]
    try:
        return load_jobs(**told, client=client)
    except IncompleteLoad as error:
        if error.resume is not None:
            error.resume = partial(_details_later, error.resume, options, client)
        raise


def _details_later(jobs: Callable[[], pd.DataFrame], options: Options, client: Client) -> JobDetails:
    """Details of the jobs that a list gives which broke off; it may break off again."""
    try:
        came = jobs()
    except IncompleteLoad as error:
        if error.resume is not None:
            error.resume = partial(_details_later, error.resume, options, client)
        raise
    told = {name: value for name, value in vars(options).items() if name not in ("page_size", "refresh")}
    return load_job_details(came, **told, client=client)


def _detail_call(client: Client, job_id: str, version: str) -> Call:
    endpoint = client.api.endpoint("job_detail" if version else "job_detail_now")
    return Call(endpoint, {"job_id": job_id}, version=version)


def _sign_call(client: Client, kind: str, file_id: str, expires_in: int) -> Call:
    if kind not in FILE_KINDS:
        raise ConfigError(f"kind is {kind!r}; ValiDocX signs files of the kinds {', '.join(FILE_KINDS)}.")
    parameter = client.api.value("sign_expiry_parameter")
    return Call(client.api.endpoint("sign"), {"kind": kind, "file_id": file_id}, {parameter: int(expires_in)})


def _answered(outcome: Answer | DocframesError) -> Answer:
    if isinstance(outcome, DocframesError):
        raise outcome
    return outcome


def _signed(client: Client, answer: Answer, name: str, asked_at: datetime, expires_in: int) -> SignedLink:
    signed = object_of(answer.json(), answer, client.api)
    url = dig(signed, client.api.value("sign_url"))
    if not isinstance(url, str):
        raise ShapeError(_no_link(client.api.value("sign_url"), signed), vendor=client.vendor, url=answer.url)
    expires_at = read_moment(dig(signed, client.api.value("sign_expires_at")))
    if expires_at is None:
        wished = min(max(int(expires_in), SHORTEST_EXPIRY), LONGEST_EXPIRY)
        seconds = whole(dig(signed, client.api.value("sign_expires_in")))
        expires_at = asked_at + timedelta(seconds=(wished if seconds is None else seconds) - EXPIRY_MARGIN)
    return SignedLink(name, url, expires_at, client.settings)


def _no_link(url: str, signed: dict[str, Any]) -> str:
    came = f"an object with the keys {sorted(signed)}"
    return f'The signing answer has no link at {url!r}; it is {came}. Say where: assumptions={{"sign_url": "..."}}.'
