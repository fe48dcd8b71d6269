"""``docframes demo``: the way from an API and a ledger to frames, a chart and files, on an invented company."""

from __future__ import annotations

import os
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from docframes import __version__, plot, sandbox
from docframes.cli.folder import Folder
from docframes.cli.ledger import show_ledger
from docframes.cli.screen import Screen
from docframes.errors import ConfigError, DocframesWarning
from docframes.ledger import GeneralLedger, read_ledger
from docframes.settings import Settings
from docframes.tables.loads import Load, load_record
from docframes.transport.download import SignedLink, digest
from docframes.vendors import validocx
from docframes.words import count

FOLDER = Path("docframes-demo")
CHART, ANSWERS, PARQUET, LEDGER = "chart.png", "answers.csv", "parquet", "ledger_transactions"
DOCUMENT, PHOTO = "files/document.pdf", "files/photo.jpg"
_DETAILS = ("jobs", "steps", "questions", "answers", "images", "documents")
_FRAMES = ("projects", "jobs", *(f"details_{name}" for name in _DETAILS), LEDGER)
CONTENTS = {
    CHART: "required questions left unanswered, by measure",
    ANSWERS: "answers as they were sent; import the columns as text, or a spreadsheet makes a formula of '=1+1'",
    DOCUMENT: "a document, fetched through a signed link",
    PHOTO: "a photo, likewise",
    **{f"{PARQUET}/{name}.parquet": "a frame with its dtypes" for name in _FRAMES},
}
_HEAD = ("frame", "rows", "columns", "calls", "seconds", "calls\nagain", "seconds\nagain", "certificate")


@dataclass(frozen=True)
class Loaded:
    """What the loaders gave."""

    projects: pd.DataFrame
    jobs: pd.DataFrame
    details: validocx.JobDetails

    def frames(self) -> dict[str, pd.DataFrame]:
        """Every frame, by the name it is written under."""
        details = {f"details_{name}": getattr(self.details, name) for name in _DETAILS}
        return {"projects": self.projects, "jobs": self.jobs, **details}

    def records(self) -> tuple[Load, Load, Load]:
        """The record of each load."""
        return load_record(self.projects), load_record(self.jobs), load_record(self.details.jobs)


def run(screen: Screen, *, real: Path | None = None, folder: Path = FOLDER) -> None:
    """Show docframes at work, and write what it made into *folder*.

    real : a ledger of the user's, read in place of the company's.
    Raises ConfigError without Flask, for a path that is not there, and where the folder holds files of others.
    """
    began = time.perf_counter()
    if real is not None and not real.exists():
        raise ConfigError(f"There is no file {real} to read a ledger from.")
    place = Folder(folder, CONTENTS)
    screen.say(f"docframes {__version__}")
    screen.paragraph(
        "An invented company answers on this machine, over HTTP as a vendor would. Nothing leaves the machine, and "
        "no key is needed."
    )
    with sandbox.running(environment=False) as box, _direct_to_loopback(), closing(_client(box)) as client:
        place.claim()
        loaded = _show_loads(screen, box, client)
        _show_files(screen, place, client, loaded.details)
        ledger = _show_ledger(screen, box, real)
    _write(place, loaded, None if real else ledger)
    _show_folder(screen, place, loaded, with_ledger=real is None)
    _show_next(screen, time.perf_counter() - began)


def _client(box: sandbox.Box) -> validocx.Client:
    """The sandbox's account, with the sandbox's cache: neither the user's settings nor the user's cache play a part."""
    settings = Settings(cache_dir=Path(box.environment()["DOCFRAMES_CACHE_DIR"]))
    return validocx.Client(api_key=box.key("validocx"), base_url=box.url("validocx"), settings=settings)


@contextmanager
def _direct_to_loopback() -> Iterator[None]:
    """No proxy between this machine and itself, whatever the environment says of proxies."""
    former = {name: os.environ.get(name) for name in ("no_proxy", "NO_PROXY")}
    os.environ.update(dict.fromkeys(former, "127.0.0.1"))
    try:
        yield
    finally:
        for name, value in former.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


# --- loading ------------------------------------------------------------------------------------------------------


def load(client: validocx.Client) -> Loaded:
    """Projects, jobs, and all that stands in each job."""
    projects = validocx.load_projects(client=client, progress=False)
    jobs = validocx.load_jobs(client=client, progress=False)
    return Loaded(projects, jobs, validocx.load_job_details(jobs, client=client, progress=False))


def _show_loads(screen: Screen, box: sandbox.Box, client: validocx.Client) -> Loaded:
    screen.heading("Jobs from ValiDocX (its stand-in), loaded twice")
    first = load(client)
    counted = box.count("validocx")
    again = load(client)
    counted_again = box.count("validocx") - counted
    screen.say()
    screen.table(_HEAD, _rows(first, again), "<>>>>>><")
    screen.say()
    screen.paragraph(f"The server counted {count(counted, 'call')} the first time, and {counted_again:,} the second.")
    verdicts = [f"{record.loader}: {record.certificate.reason}" for record in first.records()]
    screen.paragraph(f"Certificates: {'; '.join(verdicts)}.")
    return first


def _rows(first: Loaded, again: Loaded) -> list[tuple[str, ...]]:
    """One row per loader, and below the last one row per frame of it: all six come from the same calls."""
    shapes = (_shape(first.projects), _shape(first.jobs), ("", ""))
    rows: list[tuple[str, ...]] = [
        (record.loader, *shape, *_cost(record), *_cost(second), record.certificate.verdict)
        for record, second, shape in zip(first.records(), again.records(), shapes, strict=True)
    ]
    for name in _DETAILS:
        frame = getattr(first.details, name)
        rows.append((f"  .{name}", *_shape(frame), "", "", "", "", load_record(frame).certificate.verdict))
    return rows


def _cost(record: Load) -> tuple[str, str]:
    return f"{record.calls:,}", f"{record.seconds:.3f}"


def _shape(frame: pd.DataFrame) -> tuple[str, str]:
    return f"{len(frame):,}", f"{frame.shape[1]:,}"


# --- files and ledger ---------------------------------------------------------------------------------------------


def _show_files(screen: Screen, place: Folder, client: validocx.Client, details: validocx.JobDetails) -> None:
    screen.heading("Two files, each through a signed link that is asked for when it is wanted")
    document, photo = details.documents.iloc[0], details.images.iloc[0]
    signed = validocx.sign_file("documents", document["document_id"], client=client)
    rows = [_fetch(place, DOCUMENT, signed, document["name"], document["file_size"])]
    signed = validocx.sign_file("images", photo["image_id"], client=client)
    rows.append(_fetch(place, PHOTO, signed, photo["file_name"], photo["file_size"]))
    screen.say()
    screen.table(("file", "bytes", "bytes\ndeclared", "sha256\nbegins", "saved as"), rows, "<>><<")


def _fetch(place: Folder, target: str, link: SignedLink, name: str, declared: Any) -> tuple[str, ...]:
    path = place.write(target, link.save)
    told = "" if pd.isna(declared) else f"{declared:,}"
    return name, f"{path.stat().st_size:,}", told, digest(path)[:10], target


def _show_ledger(screen: Screen, box: sandbox.Box, real: Path | None) -> GeneralLedger:
    with tempfile.TemporaryDirectory(prefix="docframes-demo-") as scratch:
        path = real or box.write_ledger(Path(scratch) / "ledger.zip")
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", DocframesWarning)
            began = time.perf_counter()
            ledger = read_ledger(path)
            seconds = time.perf_counter() - began
    notes = [str(one.message) for one in caught if issubclass(one.category, DocframesWarning)]
    screen.heading(f"The ledger {path.name}" if real else "The company's general ledger, from a zip")
    show_ledger(screen, ledger, path, seconds=seconds, notes=notes)
    return ledger


# --- what is written ----------------------------------------------------------------------------------------------


def _write(place: Folder, loaded: Loaded, ledger: GeneralLedger | None) -> None:
    details, frames = loaded.details, loaded.frames()
    if ledger is not None:
        frames[LEDGER] = ledger.transactions
    for name, frame in frames.items():
        place.write(f"{PARQUET}/{name}.parquet", frame.to_parquet)
    # The mark at the beginning tells spreadsheets that it is UTF-8.
    place.write(ANSWERS, lambda path: details.answers.to_csv(path, index=False, encoding="utf-8-sig"))
    place.write(CHART, lambda path: draw(details, path))


def draw(details: validocx.JobDetails, path: Path) -> None:
    """Write the chart as PNG to *path*; no window, and pyplot's state is left alone."""
    from matplotlib.figure import Figure

    figures = plot.unanswered(details.jobs, details.questions, details.answers, details.images)
    figure = Figure(figsize=(8, 4.5), dpi=160, layout="constrained")
    plot.plot_unanswered(figures, ax=figure.subplots())
    figure.supxlabel(
        "Source: the invented company of the docframes sandbox", x=0.01, ha="left", fontsize=8, color="#6b6b6b"
    )
    figure.savefig(path, format="png")


def _show_folder(screen: Screen, place: Folder, loaded: Loaded, *, with_ledger: bool) -> None:
    frames = len(loaded.frames()) + with_ledger
    rows = [
        (CHART, CONTENTS[CHART]),
        (ANSWERS, f"{count(len(loaded.details.answers), 'answer')}, one row each"),
        (f"{PARQUET}/", f"{count(frames, 'frame')} with their dtypes, one file each"),
        ("files/", "the document and the photo"),
    ]
    screen.heading(f"Written to {place.path}{os.sep}")
    screen.say()
    for name, what in rows:
        screen.say(f"  {name:<13}{what}")
    if not with_ledger:
        screen.say()
        screen.paragraph("Your ledger was only read: nothing of it is in there.")


def _show_next(screen: Screen, seconds: float) -> None:
    word = "set" if os.name == "nt" else "export"
    screen.heading("Next")
    screen.say()
    for what, where in (
        ("look at", f"{FOLDER}{os.sep}{CHART}"),
        ("read on", "notebooks/01-jobs-and-answers.ipynb, beside the README"),
        ("your ledger", "docframes demo --real PATH"),
        ("your key", f"{word} DOCFRAMES_VALIDOCX_API_KEY=..."),
        ("", "then: from docframes import validocx; validocx.load_jobs()"),
    ):
        screen.say(f"  {what:<13}{where}")
    screen.say(f"\nDone in {seconds:.1f} s.")
