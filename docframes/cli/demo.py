"""``docframes demo``: the way from five APIs and a ledger to frames, a chart and files, on an invented company."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pandas as pd

from docframes import __version__, files, plot, sandbox
from docframes.cli import vendors
from docframes.cli.folder import Folder
from docframes.cli.ledger import show_ledger
from docframes.cli.screen import Screen
from docframes.cli.vendors import Clients, Loaded, file_name
from docframes.errors import ConfigError
from docframes.ledger import GeneralLedger, read_ledger
from docframes.tables.loads import Load, load_record
from docframes.transport.download import digest
from docframes.words import count

FOLDER = Path("docframes-demo")
CHART, ANSWERS, PARQUET, LEDGER = "chart.png", "answers.csv", "parquet", "validis_gl_transactions"
DOCUMENT, PHOTO, SCAN, EXAMINED = "files/document.pdf", "files/photo.jpg", "files/scan.pdf", "files/examined.pdf"
LICENCE = "files/personnel.pdf"
#: The frames of each loader where it gives several.
_SEVERAL = {
    "load_job_details": ("jobs", "steps", "questions", "answers", "images", "documents"),
    "load_analyses": (
        "files", "findings", "module_findings", "observations", "risk_assessments", "suggested_actions",
        "search_results", "modules",
    ),
}  # fmt: skip
_LOADERS = {
    "validocx": ("load_projects", "load_jobs", "load_job_details"),
    "docdigitizer": ("load_documents", "load_annotation_fields", "load_line_items", "load_reviews"),
    "veridox": ("load_cases", "load_files", "load_analyses"),
    "validis": ("load_engagements", "load_accounts", "load_journals", "load_payable_items"),
    "papershift": ("load_users", "load_teams", "load_documents"),
}
_FRAMES = (
    *(
        file_name(vendor, loader, name)
        for vendor, loaders in _LOADERS.items()
        for loader in loaders
        for name in _SEVERAL.get(loader, ("",))
    ),
    LEDGER,
)
CONTENTS = {
    CHART: "required questions left unanswered, by measure",
    ANSWERS: "answers as they were sent; import the columns as text, or a spreadsheet makes a formula of '=1+1'",
    DOCUMENT: "a document of a job (ValiDocX), fetched through a signed link",
    PHOTO: "a photo of the job, likewise",
    SCAN: "a scanned bill (DocDigitizer)",
    EXAMINED: "an examined file (Veridox), through a signed link",
    LICENCE: "a paper of a personnel file (Papershift), likewise",
    **{f"{PARQUET}/{name}.parquet": "a frame with its dtypes" for name in _FRAMES},
}
_HEAD = ("frame", "rows", "cols", "calls", "time", "calls\nagain", "time\nagain", "certificate")
#: Waits and windows of the stand-in last this part of what the vendors' do: ten calls a minute are ten in 0.6 seconds.
TIME_SCALE = 0.01


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
        "An invented company answers on this machine, over HTTP as five vendors would; their waits are shortened. "
        "Nothing leaves the machine, and no key is needed."
    )
    with (
        sandbox.running(environment=False, time_scale=TIME_SCALE) as box,
        _only(box),
        vendors.clients(box.environment()) as at,
    ):
        place.claim()
        loaded = _show_loads(screen, box, at)
        _show_files(screen, place, loaded, at)
        ledger = _show_ledger(screen, at, real)
    _write(place, loaded, None if real else ledger)
    _show_folder(screen, place, loaded, with_ledger=real is None)
    _show_next(screen, time.perf_counter() - began)


@contextmanager
def _only(box: sandbox.Box) -> Iterator[None]:
    """The sandbox's environment in place of the user's: none of their keys, caches, settings or proxies counts."""
    former = {name: text for name, text in os.environ.items() if name.startswith("DOCFRAMES_")}
    former |= {name: os.environ[name] for name in ("no_proxy", "NO_PROXY") if name in os.environ}
    ours = {**box.environment(), "no_proxy": "127.0.0.1", "NO_PROXY": "127.0.0.1"}
    for name in former:
        del os.environ[name]
    os.environ.update(ours)
    try:
        yield
    finally:
        for name in ours:
            os.environ.pop(name, None)
        os.environ.update(former)


# --- loading ------------------------------------------------------------------------------------------------------


def _show_loads(screen: Screen, box: sandbox.Box, at: Clients) -> Loaded:
    screen.heading("Frames of five vendors (their stand-ins), loaded twice")
    first = vendors.load(at)
    counted = box.count()
    again = vendors.load(at)
    counted_again = box.count() - counted
    screen.say()
    screen.table(_HEAD, _rows(first, again), "<>>>>>><")
    screen.say()
    screen.paragraph(
        f"The servers counted {count(counted, 'call')} the first time, sign-ins and refusals among them, and "
        f"{counted_again:,} the second. Times are seconds."
    )
    for key, record in first.records().items():
        if record.certificate.verdict != "PASS":
            screen.paragraph(f"{'.'.join(key)}: {_sentence(record)}")
    for note in first.notes:
        screen.paragraph(f"Note: {note}")
    return first


def _sentence(record: Load) -> str:
    """Why a certificate is no PASS; whom it concerns stands in the record."""
    reason, colon, _ = record.certificate.reason.partition("this credential: ")
    told = f"{reason}this credential" if colon else reason
    return f"{told}."


def _rows(first: Loaded, again: Loaded) -> list[tuple[str, ...]]:
    """A line for each vendor, one for each loader of it, and below that one for each frame where it gives several."""
    rows: list[tuple[str, ...]] = []
    seconds = again.records()
    for (vendor, loader), record in first.records().items():
        if loader == _LOADERS[vendor][0]:
            rows.append((vendor, *[""] * (len(_HEAD) - 1)))
        frames, second = first.frames[vendor, loader], seconds[vendor, loader]
        shape = _shape(frames[""]) if "" in frames else ("", "")
        rows.append((f"  {loader}", *shape, *_cost(record), *_cost(second), record.certificate.verdict))
        for name, frame in frames.items():
            if name:
                verdict = load_record(frame).certificate.verdict
                rows.append((f"    .{name}", *_shape(frame), "", "", "", "", verdict))
    return rows


def _cost(record: Load) -> tuple[str, str]:
    return f"{record.calls:,}", f"{record.seconds:.2f}"


def _shape(frame: pd.DataFrame) -> tuple[str, str]:
    return f"{len(frame):,}", f"{frame.shape[1]:,}"


# --- files and ledger ---------------------------------------------------------------------------------------------


def _show_files(screen: Screen, place: Folder, loaded: Loaded, at: Clients) -> None:
    screen.heading("Files of four vendors, each asked for when it is wanted")
    rows = []
    for target, frame in _chosen(loaded, at).items():
        (ref,) = files.refs(frame)
        path = place.write(target, partial(ref.save, client=getattr(at, ref.vendor)))
        rows.append((ref.vendor, ref.kind, f"{path.stat().st_size:,}", digest(path)[:10], target))
    screen.say()
    screen.table(("vendor", "kind", "bytes", "sha256\nbegins", "saved as"), rows, "<<><<")


def _chosen(loaded: Loaded, at: Clients) -> dict[str, pd.DataFrame]:
    """A frame of one row for each file that is saved, by where it is saved."""
    frames = loaded.by_file()
    bills = frames["docdigitizer_documents"]
    bills = bills[(bills["state"] == "success") & (bills["document_class"] == "financial-document")]
    papers = frames["papershift_documents"]
    return {
        DOCUMENT: frames["validocx_job_details_documents"].head(1),
        PHOTO: frames["validocx_job_details_images"].head(1),
        SCAN: vendors.assets(bills.head(1), at.docdigitizer),
        EXAMINED: frames["veridox_analyses_files"].head(1),
        LICENCE: papers[(papers["extension"] == "pdf") & (papers["upload_status"] == "success")].head(1),
    }


def _show_ledger(screen: Screen, at: Clients, real: Path | None) -> GeneralLedger:
    notes: list[str] = []
    began = time.perf_counter()
    if real is None:
        ledger = vendors.load_ledger(at.validis, notes)
    else:
        with vendors.told(notes):
            ledger = read_ledger(real)
    seconds = time.perf_counter() - began
    title = "The company's general ledger, through the API of Validis (its stand-in)"
    screen.heading(f"The ledger {real.name}" if real else title)
    show_ledger(screen, ledger, real, seconds=seconds, notes=notes)
    if real is None:
        verdict = load_record(ledger.transactions).certificate.verdict
        screen.paragraph(f"Certificate: {verdict}; an extract declares no total. What is out of balance was planted.")
    return ledger


# --- what is written ----------------------------------------------------------------------------------------------


def _write(place: Folder, loaded: Loaded, ledger: GeneralLedger | None) -> None:
    frames = loaded.by_file()
    answers = frames["validocx_job_details_answers"]
    if ledger is not None:
        frames[LEDGER] = ledger.transactions
    for name, frame in frames.items():
        place.write(f"{PARQUET}/{name}.parquet", frame.to_parquet)
    # The mark at the beginning tells spreadsheets that it is UTF-8.
    place.write(ANSWERS, lambda path: answers.to_csv(path, index=False, encoding="utf-8-sig"))
    place.write(CHART, lambda path: draw(frames, path))


def draw(frames: Mapping[str, pd.DataFrame], path: Path) -> None:
    """Write the chart as PNG to *path*; no window, and pyplot's state is left alone."""
    from matplotlib.figure import Figure

    jobs, questions, answers, images = (
        frames[f"validocx_job_details_{name}"] for name in ("jobs", "questions", "answers", "images")
    )
    figure = Figure(figsize=(8, 4.5), dpi=160, layout="constrained")
    plot.plot_unanswered(plot.unanswered(jobs, questions, answers, images), ax=figure.subplots())
    figure.supxlabel(
        "Source: the invented company of the docframes sandbox", x=0.01, ha="left", fontsize=8, color="#6b6b6b"
    )
    figure.savefig(path, format="png")


def _show_folder(screen: Screen, place: Folder, loaded: Loaded, *, with_ledger: bool) -> None:
    frames = loaded.by_file()
    rows = [
        (CHART, CONTENTS[CHART]),
        (ANSWERS, f"{count(len(frames['validocx_job_details_answers']), 'answer')}, one row each"),
        (f"{PARQUET}/", f"{count(len(frames) + with_ledger, 'frame')} with their dtypes, one file each"),
        ("files/", "the five files"),
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
        ("read on", "the notebooks, 01 to 05, beside the README"),
        ("your ledger", "docframes demo --real PATH"),
        ("your key", f"{word} DOCFRAMES_VALIDOCX_API_KEY=..."),
        ("", "then: from docframes import validocx; validocx.load_jobs()"),
    ):
        screen.say(f"  {what:<13}{where}")
    screen.say(f"\nDone in {seconds:.1f} s.")
