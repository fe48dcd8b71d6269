"""What the demo loads: every vendor's frames, by the loaders that a user calls."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from docframes.errors import AccessWarning, DocframesWarning
from docframes.ledger import GeneralLedger
from docframes.tables.loads import Load, load_record
from docframes.vendors import docdigitizer, papershift, validis, validocx, veridox

#: The company's engagement at Validis; the others of the stand-in have no upload.
ENGAGEMENT = "4711"


@dataclass(frozen=True)
class Clients:
    """An account at each vendor."""

    docdigitizer: docdigitizer.Client
    papershift: papershift.Client
    validis: validis.Client
    validocx: validocx.Client
    veridox: veridox.Client


@contextmanager
def clients(environment: Mapping[str, str]) -> Iterator[Clients]:
    """The sandbox's accounts, closed in the end.  What is given in full is looked for in no keyring."""
    key, email, password = (
        environment[f"DOCFRAMES_{name}"] for name in ("VALIDIS_API_KEY", "PAPERSHIFT_EMAIL", "PAPERSHIFT_PASSWORD")
    )
    with ExitStack() as stack:
        yield Clients(
            docdigitizer=stack.enter_context(closing(docdigitizer.Client())),
            papershift=stack.enter_context(closing(papershift.Client(email=email, password=password))),
            validis=stack.enter_context(closing(validis.Client(api_key=key, secondary_api_key=key))),
            validocx=stack.enter_context(closing(validocx.Client())),
            veridox=stack.enter_context(closing(veridox.Client())),
        )


@dataclass
class Loaded:
    """What the loaders gave, in order: vendor and loader to the frames by name; one frame alone has the name ``""``."""

    frames: dict[tuple[str, str], dict[str, pd.DataFrame]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def take(self, loader: str, came: Any) -> Any:
        """Keep what a loader gave, and give it back."""
        alone = isinstance(came, pd.DataFrame)
        frames = {"": came} if alone else {one.name: getattr(came, one.name) for one in dataclasses.fields(came)}
        loaded = {name: frame for name, frame in frames.items() if _is_loaded(frame)}
        self.frames[load_record(next(iter(loaded.values()))).vendor, loader] = loaded
        return came

    def records(self) -> dict[tuple[str, str], Load]:
        """The record of each load."""
        return {key: load_record(next(iter(frames.values()))) for key, frames in self.frames.items()}

    def by_file(self) -> dict[str, pd.DataFrame]:
        """Every frame, by the name it is written under."""
        return {
            file_name(vendor, loader, name): frame
            for (vendor, loader), frames in self.frames.items()
            for name, frame in frames.items()
        }


def file_name(vendor: str, loader: str, name: str) -> str:
    """Such as ``validocx_jobs``, and ``validocx_job_details_answers`` for one of several frames."""
    return "_".join(filter(None, (vendor, loader.removeprefix("load_"), name)))


def _is_loaded(frame: Any) -> bool:
    """Not a frame that tells what was left out, which has no record."""
    return isinstance(frame, pd.DataFrame) and bool(frame.attrs)


def load(at: Clients) -> Loaded:
    """Every vendor's frames; warnings become notes."""
    loaded = Loaded()
    with told(loaded.notes):
        _load_validocx(loaded, at.validocx)
        _load_docdigitizer(loaded, at.docdigitizer)
        _load_veridox(loaded, at.veridox)
        _load_validis(loaded, at.validis)
        _load_papershift(loaded, at.papershift)
    return loaded


@contextmanager
def told(notes: list[str]) -> Iterator[None]:
    """Put the messages of our warnings into *notes* rather than on the screen; certificates tell what was refused."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", DocframesWarning)
        yield
    ours = [one for one in caught if issubclass(one.category, DocframesWarning)]
    notes += [str(one.message) for one in ours if not issubclass(one.category, AccessWarning)]


def _load_validocx(loaded: Loaded, client: validocx.Client) -> None:
    loaded.take("load_projects", validocx.load_projects(client=client, progress=False))
    jobs = loaded.take("load_jobs", validocx.load_jobs(client=client, progress=False))
    loaded.take("load_job_details", validocx.load_job_details(jobs, client=client, progress=False))


def _load_docdigitizer(loaded: Loaded, client: docdigitizer.Client) -> None:
    documents = loaded.take("load_documents", docdigitizer.load_documents(client=client, progress=False))
    fields = docdigitizer.load_annotation_fields(documents, client=client, progress=False)
    loaded.take("load_annotation_fields", fields)
    loaded.take("load_line_items", docdigitizer.load_line_items(documents, client=client, progress=False))
    loaded.take("load_reviews", docdigitizer.load_reviews(documents, client=client, progress=False))


def _load_veridox(loaded: Loaded, client: veridox.Client) -> None:
    loaded.take("load_cases", veridox.load_cases(client=client, progress=False))
    files = loaded.take("load_files", veridox.load_files(client=client, progress=False))
    risky = files[files["current_risk_score"] >= "High"]
    loaded.take("load_analyses", veridox.load_analyses(risky, client=client, progress=False))


def _load_validis(loaded: Loaded, client: validis.Client) -> None:
    loaded.take("load_engagements", validis.load_engagements(client=client, progress=False))
    loaded.take("load_accounts", validis.load_accounts(ENGAGEMENT, client=client, progress=False))
    loaded.take("load_journals", validis.load_journals(ENGAGEMENT, client=client, progress=False))
    loaded.take("load_payable_items", validis.load_payable_items(ENGAGEMENT, client=client, progress=False))


def _load_papershift(loaded: Loaded, client: papershift.Client) -> None:
    users = loaded.take("load_users", papershift.load_users(client=client, progress=False))
    loaded.take("load_teams", papershift.load_teams(client=client, progress=False))
    loaded.take("load_documents", papershift.load_documents(users, client=client, progress=False))


def load_ledger(client: validis.Client, notes: list[str]) -> GeneralLedger:
    """The company's general ledger, as its extract has it."""
    with told(notes):
        return validis.load_gl_extract(ENGAGEMENT, client=client, progress=False)


def assets(documents: pd.DataFrame, client: docdigitizer.Client) -> pd.DataFrame:
    """The original files of *documents*."""
    return docdigitizer.load_assets(documents, client=client, progress=False)
