"""The command ``docframes``: a demo, JupyterLab with the sandbox, the sandbox alone, the cache, quotas, a doctor,
capsules.

Exit codes: 0 done, 1 an error of docframes or of the files, 2 a command that cannot be, 130 Ctrl-C.  What a command
needs is imported when it runs, so that ``docframes --help`` answers at once.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from docframes import __version__
from docframes.cli.screen import Screen
from docframes.errors import DocframesError

FAILED, MISUSED, INTERRUPTED = 1, 2, 130
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; gives the exit code."""
    parser = make_parser()
    options = parser.parse_args(arguments)
    if options.command is None:
        parser.print_help(sys.stderr)
        return MISUSED
    try:
        return int(options.run(options, Screen(sys.stdout)))
    except KeyboardInterrupt:
        return _end("Stopped.", INTERRUPTED)
    except DocframesError as error:
        return _end(f"docframes: {error}", FAILED)
    except BrokenPipeError:
        # Whoever read the output has enough of it; Python would complain again when it closes the stream.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        return _end(f"docframes: {place}{error.strerror or error}", FAILED)


def _end(message: str, code: int) -> int:
    Screen(sys.stderr).say(message)
    return code


def make_parser() -> argparse.ArgumentParser:
    """The arguments of every command."""
    parser = argparse.ArgumentParser(
        prog="docframes",
        description="Document and accounting APIs as typed pandas DataFrames.",
        epilog="Begin with: docframes demo",
    )
    parser.add_argument("--version", action="version", version=f"docframes {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", title="commands")
    _add_demo(commands)
    _add_lab(commands)
    _add_sandbox(commands)
    _add_cache(commands)
    _add_quota(commands)
    _add_doctor(commands)
    _add_capsule(commands)
    return parser


def _add_demo(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    text = "load an invented company's frames from five vendors, and write a chart and tables to ./docframes-demo/"
    parser = commands.add_parser("demo", help=text, description=f"{text[0].upper()}{text[1:]}. No key, no network.")
    parser.add_argument("--real", metavar="PATH", type=Path, help="read this ledger (zip, folder or CSV) in its place")
    parser.set_defaults(run=_demo)


def _add_lab(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    text = "open JupyterLab on copies of the notebooks in ./docframes-lab/, with the sandbox running, until Ctrl-C"
    parser = commands.add_parser("lab", help=text, description=f"{text[0].upper()}{text[1:]}. No key, no network.")
    parser.add_argument("--port", type=_port, help="port of JupyterLab; the first free one from 8888 up unless given")
    parser.add_argument("--no-browser", action="store_true", help="print the address, and open no browser")
    parser.add_argument("--folder", metavar="PATH", type=Path, help="put the notebooks there instead")
    parser.set_defaults(run=_lab)


def _add_sandbox(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    text = "run the stand-in for the vendors until Ctrl-C"
    parser = commands.add_parser("sandbox", help=text, description=f"{text[0].upper()}{text[1:]}.")
    parser.add_argument("--port", type=_port, default=0, help="port of the APIs; any free one unless given")
    parser.add_argument("--storage-port", type=_port, default=0, help="port of the storage host; likewise")
    parser.add_argument("--jobs", type=int, help="how many jobs the company has; 120 unless given")
    parser.add_argument("--seed", type=int, default=7, help="another number is another company (default 7)")
    parser.add_argument("--delay", type=float, default=0.0, help="seconds that each call takes (default 0)")
    parser.add_argument("--chaos", action="append", default=[], metavar="NAME", help="misbehave so; may be repeated")
    parser.set_defaults(run=_sandbox)


def _add_cache(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    text = "show or clear what vendors answered and docframes has kept"
    parser = commands.add_parser("cache", help=text, description=f"{text[0].upper()}{text[1:]}.")
    parser.set_defaults(run=_cache_info)
    actions = parser.add_subparsers(metavar="ACTION", title="actions; info unless given")
    info = actions.add_parser("info", help="what is kept, by vendor and account")
    info.set_defaults(run=_cache_info)
    location = actions.add_parser("location", help="the folder it is kept in")
    location.set_defaults(run=_cache_location)
    clear = actions.add_parser("clear", help="forget kept answers; they are fetched again when wanted")
    clear.add_argument("--vendor", help="of this vendor only")
    clear.add_argument("--older-than", type=_length, metavar="AGE", help="fetched longer ago than, such as 12h or 30d")
    clear.add_argument("--dry-run", action="store_true", help="say what would be forgotten, and forget nothing")
    clear.set_defaults(run=_cache_clear)


def _add_capsule(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    text = "say what is in a capsule, and whether a byte of it was altered since it was saved"
    parser = commands.add_parser("capsule", help=text, description=f"{text[0].upper()}{text[1:]}; ends with 1 if so.")
    parser.add_argument("file", metavar="FILE", type=Path, help="the capsule, such as q3.dfz")
    parser.add_argument("--digest", metavar="SHA256", help="the digest that was told when it was saved, to compare")
    parser.set_defaults(run=_capsule)


def _add_quota(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    text = "say how many calls are used and left, by key, and what rates the vendors document"
    parser = commands.add_parser("quota", help=text, description=f"{text[0].upper()}{text[1:]}. Nothing is sent.")
    parser.set_defaults(run=_quota)


def _add_doctor(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    text = "look at versions, keys, cache, clock, proxies and settings; or for secrets in files"
    ends = "Nothing is sent unless --online is given, and no key is ever shown. Ends with 1 where there is a problem."
    parser = commands.add_parser("doctor", help=text, description=f"{text[0].upper()}{text[1:]}. {ends}")
    what = parser.add_mutually_exclusive_group()
    help_text = "ask the hosts of vendors that have a key or an address here for the time, without any key"
    what.add_argument("--online", action="store_true", help=help_text)
    help_text = "look for keys and signed links in these files and folders, and do nothing else"
    what.add_argument("--secrets", metavar="PATH", nargs="+", type=Path, help=help_text)
    parser.set_defaults(run=_doctor)


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65_535:
        raise argparse.ArgumentTypeError(f"{text!r} is no port; give a number from 0 to 65535")
    return int(text)


def _length(text: str) -> timedelta:
    number, unit = text[:-1], text[-1:]
    if not number.isdecimal() or unit not in _UNITS:
        units = ", ".join(f"{letter} ({word})" for letter, word in _UNITS.items())
        raise argparse.ArgumentTypeError(f"{text!r} is no length of time; give a whole number and one of {units}")
    return timedelta(**{_UNITS[unit]: int(number)})


def _demo(options: argparse.Namespace, screen: Screen) -> int:
    from docframes.cli.demo import run

    run(screen, real=options.real)
    return 0


def _lab(options: argparse.Namespace, screen: Screen) -> int:
    from docframes.cli.lab import run

    return run(screen, port=options.port, browser=not options.no_browser, folder=options.folder)


def _sandbox(options: argparse.Namespace, screen: Screen) -> int:
    from docframes import sandbox

    sandbox.serve(
        options.port,
        seed=options.seed,
        delay=options.delay,
        chaos=options.chaos,
        storage_port=options.storage_port,
        jobs=options.jobs,
        say=screen.say,
    )
    # It serves until Ctrl-C, which it says itself.
    return INTERRUPTED


def _cache_info(options: argparse.Namespace, screen: Screen) -> int:
    from docframes.cli.caches import show

    return show(screen)


def _quota(options: argparse.Namespace, screen: Screen) -> int:
    from docframes.cli.quota import show

    return show(screen)


def _doctor(options: argparse.Namespace, screen: Screen) -> int:
    if options.secrets:
        from docframes.cli.secrets import search

        return search(screen, options.secrets)
    from docframes.cli.doctor import examine

    return examine(screen, online=options.online)


def _cache_location(options: argparse.Namespace, screen: Screen) -> int:
    from docframes.cli.caches import tell_location

    return tell_location(screen)


def _cache_clear(options: argparse.Namespace, screen: Screen) -> int:
    from docframes.cli.caches import clear

    return clear(screen, vendor=options.vendor, older_than=options.older_than, dry_run=options.dry_run)


def _capsule(options: argparse.Namespace, screen: Screen) -> int:
    from docframes.cli.capsules import show

    return show(screen, options.file, digest=options.digest)
