"""What a user calls.  Each loader reads as the sentence it carries out."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from docframes.errors import DocframesError
from docframes.loading import Options, Plan, load_each, load_list
from docframes.settings import Settings
from docframes.tables.schema import Level, Table, check_sources
from docframes.transport import client as transport
from docframes.transport import credentials
from docframes.transport.answers import Answer, Call
from docframes.transport.api import Api
from docframes.transport.auth import ApiKey
from docframes.transport.download import ApiFile, SignedLink
from docframes.transport.planning import as_a_whole
from docframes.vendors.docdigitizer import belongings, reading, submission, tables
from docframes.vendors.docdigitizer.api import API
from docframes.vendors.docdigitizer.documents import Maker, Wanted, complete_only_of, tell_left_out, wanted
from docframes.vendors.docdigitizer.fields import Record
from docframes.vendors.docdigitizer.submission import Submission
from docframes.vendors.docdigitizer.values import Reading

Documents = pd.DataFrame | Sequence[str] | None


class Client(transport.Client):
    """One organisation's account at DocDigitizer; see :class:`docframes.transport.client.Client`.

    The key comes from ``DOCFRAMES_DOCDIGITIZER_API_KEY`` unless it is given.  It is sent as ``Authorization: API_KEY
    <key>``; public pages disagree, so the assumptions ``auth_header`` and ``auth_scheme`` say otherwise where needed.
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
        known = api.with_assumptions(assumptions or {})
        auth = ApiKey(str(known.value("auth_header")), str(known.value("auth_scheme")))
        super().__init__(
            dataclasses.replace(api, auth=auth),
            api_key=api_key, base_url=base_url, assumptions=assumptions, cached=cached, settings=settings,
        )  # fmt: skip
        check_sources(self.assumptions["columns"], tables.ALL)


def load_documents(
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
    """One row per document of the organisation, complete or not; columns of ``describe(frame)``.

    The API has no filter; choose rows of the frame.  ``state`` is as sent; ``created`` and ``updated`` are UTC.
    limit : rows in total.  page_size : rows a page, usually 100.  refresh : go past the cache.
    progress : None shows a bar after a second.  allow_partial : accept a load with gaps.
    max_calls : refuse, before it is sent, what would cost more calls.  trace : with a column by which
    ``docframes.trace`` finds where a row came from.
    client : None is the account of the environment.
    Raises MissingKey, AuthError, BadRequest, RateLimited, ServerError, NoAnswer, ShapeError, IncompleteLoad;
    BrokenCursor where the vendor loses the place in the list again after the load began anew.
    Source: PowerCapture API, documents.
    """
    options = Options(
        limit=limit, page_size=page_size, refresh=refresh, progress=progress, allow_partial=allow_partial,
        max_calls=max_calls, trace=trace,
    )  # fmt: skip
    return _list("load_documents", "documents", tables.DOCUMENTS, options, client)


def load_tasks(
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
    """One row per task: a submission under way or done.  Its id is not the document's.

    Arguments, errors: as :func:`load_documents`.  Source: PowerCapture API, tasks.
    """
    options = Options(
        limit=limit, page_size=page_size, refresh=refresh, progress=progress, allow_partial=allow_partial,
        max_calls=max_calls, trace=trace,
    )  # fmt: skip
    return _list("load_tasks", "tasks", tables.TASKS, options, client)


@as_a_whole
def load_annotation_fields(
    documents: Documents = None,
    *,
    complete_only: bool = True,
    limit: int | None = None,
    page_size: int | None = None,
    refresh: bool = False,
    progress: bool | None = None,
    allow_partial: bool = False,
    max_calls: int | None = None,
    trace: bool = False,
    client: Client | None = None,
) -> pd.DataFrame:
    """One row per field of each document; a field within a table has a row for each of the table's.

    ``value`` is as sent, as text: null is missing, empty is an empty text, and a field that did not come has no row.
    ``value_number``, ``value_boolean`` and ``value_date`` are filled where the value is one for sure; texts are
    numbers only in fields whose name says so, and days only day first.  Amounts of credit notes are positive.
    documents : a frame of :func:`load_documents`, or document ids; None loads that list first.  One call each, in
    parallel; a document of a frame is fetched again only when its ``updated`` has moved.
    complete_only : leave out what is rejected or unfinished, whose data are partial; a document asked for by its id
    and left out is told with a warning.
    limit : rows in total; documents are asked for until there are as many.
    Other arguments, errors: as :func:`load_documents`; NotFound where a document is not there.
    Source: PowerCapture API, annotations.
    """
    options = Options(
        limit=limit, page_size=page_size, refresh=refresh, progress=progress, allow_partial=allow_partial,
        max_calls=max_calls, trace=trace,
    )  # fmt: skip
    client = client or default_client()
    frame = _fields("load_annotation_fields", tables.FIELDS, documents, complete_only, None, options, client)
    reading.tell_unread(frame, "load_annotation_fields", Reading.of(client.assumptions))
    return frame


@as_a_whole
def load_line_items(
    documents: Documents = None,
    *,
    table: str | None = None,
    complete_only: bool = True,
    limit: int | None = None,
    page_size: int | None = None,
    refresh: bool = False,
    progress: bool | None = None,
    allow_partial: bool = False,
    max_calls: int | None = None,
    trace: bool = False,
    client: Client | None = None,
) -> pd.DataFrame:
    """One row per item of each table in each document, one column per field of an item.

    Keys of items are not public: those not declared become text columns under their own names.  Amounts are in the
    document's currency, ``item_rate`` in percent; a number that cannot be read stands in ``<column>_as_sent``.
    table : only the items of this table, such as ``line_items``; None gives all, told apart by ``table``.
    Other arguments, errors: as :func:`load_annotation_fields`, whose answers serve this load too.
    Source: PowerCapture API, annotations.
    """
    options = Options(
        limit=limit, page_size=page_size, refresh=refresh, progress=progress, allow_partial=allow_partial,
        max_calls=max_calls, trace=trace,
    )  # fmt: skip
    client = client or default_client()
    return _fields("load_line_items", tables.ITEMS, documents, complete_only, table, options, client)


@as_a_whole
def load_reviews(
    documents: Documents = None,
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
    """One row per review of each document.  What a review holds is not public: unknown keys become columns.

    documents : a frame of :func:`load_documents`, or document ids; None loads that list first.  One call each.
    limit : rows in total.  Other arguments, errors: as :func:`load_documents`; NotFound where a document is not there.
    Source: PowerCapture API, reviews.
    """
    options = Options(
        limit=limit, page_size=page_size, refresh=refresh, progress=progress, allow_partial=allow_partial,
        max_calls=max_calls, trace=trace,
    )  # fmt: skip
    client = client or default_client()
    record = belongings.reviews_record(client)
    return _belonging("load_reviews", "reviews", tables.OF_REVIEWS, record, documents, options, client)


@as_a_whole
def load_assets(
    documents: Documents = None,
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
    """One row per original file of each document: what it is, not its bytes, for which see :mod:`docframes.files`.

    The answers hold links, which may be signed, so none is kept: every load asks again, one call each document.
    Arguments, errors: as :func:`load_reviews`.  Source: PowerCapture API, assets.
    """
    options = Options(
        limit=limit, page_size=page_size, refresh=refresh, progress=progress, allow_partial=allow_partial,
        max_calls=max_calls, trace=trace,
    )  # fmt: skip
    client = client or default_client()
    record = belongings.assets_record(client)
    return _belonging("load_assets", "assets", tables.OF_ASSETS, record, documents, options, client)


def file_links(
    kind: str, file_ids: Sequence[str], *, client: Client | None = None
) -> dict[str, SignedLink | ApiFile | DocframesError]:
    """A way to the bytes of each file, one call for each document; an error in place of one that failed.

    kind : assets.  file_ids : ``asset_id`` of :func:`load_assets`.
    """
    return belongings.file_links(kind, file_ids, client=client or default_client())


def submit_document(
    path: str | os.PathLike[str],
    *,
    document_class: str | None = None,
    media_type: str | None = None,
    tags: Sequence[str] = (),
    callback_url: str | None = None,
    callback_method: str = "GET",
    callback_headers: Mapping[str, str] | None = None,
    client: Client | None = None,
) -> Submission:
    """Hand in one file for annotation; gives the ids of the task and of the document it makes.

    document_class : such as ``financial-document``; None lets the service detect it.  media_type : None goes by the
    file's extension.  callback_headers : sent with a POST callback only; secrets, they are in no repr or log.
    Raises ConfigError before anything is sent where the file is empty, above 25 MB or no PDF, JPEG, PNG or TIFF;
    AuthError, BadRequest, RateLimited, ServerError, NoAnswer, ShapeError.  It is sent once: after NoAnswer or
    ServerError look at :func:`load_tasks` before sending again.  Source: PowerCapture API, submission.
    """
    callback = submission.Callback(callback_url, callback_method, dict(callback_headers or {}))
    return submission.submit(client or default_client(), path, document_class, media_type, tags, callback)


def read_extractions(
    paths: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
    *,
    complete_only: bool = True,
    assumptions: Mapping[str, Any] | None = None,
) -> pd.DataFrame:
    """One row per field, as :func:`load_annotation_fields`, from saved JSON answers of v3; nothing is asked for.

    All published spellings are read, with or without a byte-order mark.  One file may hold several documents, told
    apart by ``entry_index``.  What stands beside the fields is in ``document_beside``.
    paths : a file, several, or a folder whose ``*.json`` are read.  complete_only : leave out files whose state is
    not complete, with a warning that names them.  assumptions : as for :class:`Client`.
    Raises ShapeError where a file is no such answer; ConfigError where there is none.  Source: Sync API, extract.
    """
    return reading.read_extractions(paths, complete_only, API.with_assumptions(assumptions or {}))


def annotations_wide(fields: pd.DataFrame) -> pd.DataFrame:
    """One row per document, one column per field of the document itself, from :func:`load_annotation_fields`.

    Numbers, days and booleans have their own dtype where every value of the field that is not empty is one; any other
    column is text.  Fields of tables are left out: see :func:`load_line_items`.
    Raises ColumnError where a column is missing.
    """
    return reading.annotations_wide(fields)


# --- how they do it -----------------------------------------------------------------------------------------------


def default_client() -> Client:
    """The account of the environment."""
    return credentials.default_client("docdigitizer", Client)


def _list(loader: str, endpoint: str, table: Table, options: Options, client: Client | None) -> pd.DataFrame:
    client = client or default_client()
    plan = Plan(client, loader, Level(table), {"limit": options.limit}, options)
    return load_list(plan, Call(client.api.endpoint(endpoint)))


def _asked(documents: Documents, options: Options, client: Client, caller: str) -> list[Wanted]:
    if documents is None:
        every = dataclasses.replace(options, limit=None, trace=False)
        documents = _list("load_documents", "documents", tables.DOCUMENTS, every, client)
    return wanted(documents, caller)


def _fields(
    loader: str, level: Level, documents: Documents, complete_only: bool, table: str | None, options: Options,
    client: Client,
) -> pd.DataFrame:  # fmt: skip
    found = _asked(documents, options, client, loader)
    asked = complete_only_of(found, client, loader) if complete_only else found
    own = level.children[0].table.name
    maker = Maker(
        client, Reading.of(client.assumptions), complete_only, {one.document_id: one for one in asked},
        items=own == "line_items", table=table,
    )  # fmt: skip
    arguments = {"documents": len(asked), "left_out": len(found) - len(asked), "complete_only": complete_only}
    plan = Plan(
        client, loader, level, {**arguments, "table": table, "limit": options.limit}, options,
        record=maker, asks=True, variant=f"{complete_only} {table} {sorted(client.assumptions.items())}", counted=own,
    )  # fmt: skip
    calls = [one.call(client, "document") for one in asked]

    def shape(**frames: pd.DataFrame) -> pd.DataFrame:
        if complete_only:
            tell_left_out(frames["entries"], client, loader)
        return frames[own]

    return load_each(plan, calls, [one.document_id for one in asked], "document_id", shape)


def _belonging(
    loader: str, name: str, level: Level, record: Callable[[Answer], Record], documents: Documents, options: Options,
    client: Client,
) -> pd.DataFrame:  # fmt: skip
    asked = _asked(documents, options, client, loader)
    calls = [one.call(client, name) for one in asked]
    first = [dataclasses.replace(c, params=c.endpoint.paging.first(c.params, options.page_size)) for c in calls]
    arguments = {"documents": len(asked), "limit": options.limit}
    plan = Plan(client, loader, level, arguments, options, record=record, asks=True, counted=name)
    return load_each(plan, first, [one.document_id for one in asked], "document_id", _only(name))


def _only(name: str) -> Callable[..., pd.DataFrame]:
    """Of the frames of all levels, one."""

    def only(**frames: pd.DataFrame) -> pd.DataFrame:
        return frames[name]

    return only
