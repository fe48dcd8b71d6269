"""The box: a running sandbox, its keys, its clock and all that it has seen."""

from __future__ import annotations

import importlib
import os
import shutil
import string
import tempfile
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from docframes.errors import ConfigError
from docframes.sandbox.calls import Call, CallLog
from docframes.sandbox.company import Company
from docframes.sandbox.company.seeds import stream
from docframes.sandbox.files import File
from docframes.sandbox.signing import Clock, Signer

if TYPE_CHECKING:
    from docframes.sandbox.server import Server

#: The vendors' modules; each gives PREFIX, make_key, blueprint and stored_file, and may give State and credentials.
ROOMS = ("docdigitizer", "papershift", "validis", "validocx", "veridox")


class Box:
    """A sandbox that runs until :meth:`stop`; made by :func:`docframes.sandbox.start`.

    company : the truth.  calls : what reached it.  leaks : calls that carried a credential where none
    belongs.  canaries : texts of the secrets it gave out, none of which may turn up in a file, a log or a repr.
    """

    def __init__(
        self,
        *,
        seed: int,
        scale: float,
        delay: float,
        chaos: Iterable[str],
        time_scale: float,
        port: int,
        storage_port: int,
        jobs: int | None,
        environment: bool,
    ) -> None:
        _check(scale=scale, delay=delay, time_scale=time_scale, jobs=jobs)
        # These need Flask, which is only there with the extra.
        from docframes.sandbox.app import create_api
        from docframes.sandbox.chaos import Chaos
        from docframes.sandbox.server import Server
        from docframes.sandbox.storage import create_storage

        self.delay = delay
        self.chaos = Chaos(chaos, time_scale)
        self.clock = Clock(time_scale)
        self.signer = Signer(self.clock)
        self.company = Company(seed, scale, jobs)
        self.log = CallLog()
        self.leaks: list[Call] = []
        self.rooms: dict[str, Any] = {name: importlib.import_module(f"docframes.sandbox.{name}") for name in ROOMS}
        #: What each room keeps between calls, such as tokens it gave out.
        self.state: dict[str, Any] = {
            name: room.State(self) for name, room in self.rooms.items() if hasattr(room, "State")
        }
        self._issued = dict.fromkeys(self.rooms, 0)
        self._keys = {vendor: self._make_key(vendor) for vendor in self.rooms}
        self._valid = dict(self._keys)
        self._given = list(self._keys.values())
        self._stopping = threading.Lock()
        # While a capsule is open nothing may be asked of a vendor, so none is there to ask.
        silent = bool(os.environ.get("DOCFRAMES_CAPSULE"))
        server: Any = _Silent if silent else Server
        self._storage = _serve(server, create_storage(self), storage_port, "storage_port")
        try:
            self._api = _serve(server, create_api(self), port, "port")
        except ConfigError:
            self._storage.stop()
            raise
        self._folder: Path | None = Path(tempfile.mkdtemp(prefix="docframes-sandbox-"))
        self._former: dict[str, str | None] = {}
        self._variables = self._make_environment()
        if environment and not silent:
            self._set_environment()

    def url(self, vendor: str) -> str:
        """The vendor's base URL."""
        return self._api.url + str(self._room(vendor).PREFIX)

    @property
    def storage_url(self) -> str:
        """Scheme, host and port of the storage host."""
        return self._storage.url

    def key(self, vendor: str) -> str:
        """The key that was issued last, whether or not it was revoked."""
        self._room(vendor)
        return self._keys[vendor]

    def revoke_key(self, vendor: str) -> None:
        """Make the present key stop working."""
        self._room(vendor)
        self._valid.pop(vendor, None)

    def issue_key(self, vendor: str) -> str:
        """A new key in place of the present one, which stops working."""
        self._room(vendor)
        self._issued[vendor] += 1
        self._keys[vendor] = self._valid[vendor] = self._make_key(vendor)
        self._given.append(self._keys[vendor])
        return self._keys[vendor]

    def accepts(self, vendor: str, key: str | None) -> bool:
        """Whether *key* opens the vendor's API now."""
        return key is not None and key == self._valid.get(vendor)

    def environment(self) -> dict[str, str]:
        """Variables that make docframes talk to this sandbox, with a cache folder of its own."""
        return dict(self._variables)

    @property
    def calls(self) -> list[Call]:
        """Every call since the start, or since :meth:`clear_calls`, in order."""
        return self.log.all()

    def clear_calls(self) -> None:
        """Forget the calls; leaks are kept."""
        self.log.clear()

    def count(self, vendor: str | None = None, path_prefix: str | None = None, *, host: str | None = None) -> int:
        """How many calls went to *vendor*, to paths that start with *path_prefix*, on *host*; None is any."""
        return sum(
            (vendor is None or call.vendor == vendor)
            and (path_prefix is None or call.path.startswith(path_prefix))
            and (host is None or call.host == host)
            for call in self.calls
        )

    @property
    def jobs(self) -> list[dict[str, Any]]:
        """The company's jobs, as the API sends them."""
        return self.company.jobs

    def touch_job(self, job_id: str) -> str:
        """Move a job's ``updated_at`` past every other and change one answer; gives the new moment."""
        if self.company.job(job_id) is None:
            msg = f"touch_job needs the id of a job of this sandbox; {job_id!r} is none. See box.jobs."
            raise ConfigError(msg)
        return self.company.touch(job_id)

    def add_job(self, moment: str | None = None) -> str:
        """A new job, not begun, beside the first one; gives its id.

        moment : its ``created_at`` and ``updated_at``; None is past every other.  What was invented from the jobs
        before, such as the ledger, does not know it.
        """
        if not self.jobs:
            raise ConfigError(
                "add_job puts a job beside another, and this sandbox has none; start it with jobs=1 or more."
            )
        return self.company.add_job(moment)

    def remove_job(self, job_id: str) -> None:
        """Take a job away, with its answers, photos and papers; nothing tells of it any more."""
        if self.company.job(job_id) is None:
            msg = f"remove_job needs the id of a job of this sandbox; {job_id!r} is none. See box.jobs."
            raise ConfigError(msg)
        self.company.remove_job(job_id)

    def advance(self, seconds: float) -> None:
        """Move the sandbox's clock forward: links expire, and nobody has to wait."""
        self.clock.advance(seconds)

    @property
    def signature_marker(self) -> str:
        """A text that stands in every signed link of this sandbox, and nowhere else."""
        return self.signer.marker

    @property
    def canaries(self) -> tuple[str, ...]:
        """The secret part of each key issued so far, and the mark of the signed links."""
        return (*self.secret_parts(), self.signature_marker)

    def give_secret(self, text: str) -> None:
        """Remember a secret that a room gave out besides its key, such as a token."""
        self._given.append(text)

    def secret_parts(self) -> list[str]:
        """What of each key must never be seen."""
        return [key.rpartition("_")[2] for key in self._given]

    def shows_key(self, call: Call) -> bool:
        """Whether any part of the call holds a key."""
        seen = [call.path, *call.query.values(), *call.headers.values()]
        return any(part in text for part in self.secret_parts() for text in seen)

    def stored_file(self, vendor: str, resource: str, file_id: str) -> File | None:
        """The file that the storage host keeps for *vendor*, or None."""
        room = self.rooms.get(vendor)
        return None if room is None else room.stored_file(self, resource, file_id)

    def link(self, path: str, expires: float) -> str:
        """A signed link to *path* on the storage host that works until *expires*, in seconds since 1970."""
        return f"{self.storage_url}{path}?token={self.signer.token(path, expires)}"

    def write_ledger(self, path: str | os.PathLike[str], *, lines: int | None = None, faults: bool = False) -> Path:
        """Write the company's general ledger as a zip; gives its path.

        lines : exactly so many; None is 5,000, or more where the jobs need more.
        """
        from docframes.sandbox.company.ledger import write_ledger

        return write_ledger(self.company, path, lines=lines or self.usual_lines(), faults=faults)

    def truth(self, *, lines: int | None = None) -> list[dict[str, Any]]:
        """Every planted fault: fault, where, ids, reason.

        Those of the ledger are in the one that ``write_ledger(path, lines=lines, faults=True)`` writes.
        """
        from docframes.sandbox.company.ledger import ledger_truth

        ledger = ledger_truth(self.company, lines or self.usual_lines())
        of_rooms = [fault for state in self.state.values() if hasattr(state, "truth") for fault in state.truth()]
        return [*self.company.truth(), *of_rooms, *ledger]

    def usual_lines(self) -> int:
        """Lines of the ledger where nobody says how many."""
        return max(5_000, 15 * len(self.jobs))

    def stop(self) -> None:
        """Close both ports, remove the temporary folder and put the environment back; again does nothing."""
        with self._stopping:
            if self._folder is None:
                return
            self._restore_environment()
            self._api.stop()
            self._storage.stop()
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    def __repr__(self) -> str:
        state = "stopped" if self._folder is None else f"running at {self._api.url}"
        return f"<docframes sandbox: {len(self.jobs)} jobs, {state}>"

    def _room(self, vendor: str) -> Any:
        if vendor not in self.rooms:
            msg = f"The sandbox has no vendor {vendor!r}; it has {', '.join(self.rooms)}."
            raise ConfigError(msg)
        return self.rooms[vendor]

    def _make_key(self, vendor: str) -> str:
        rng = stream(self.company.seed, "key", vendor, self._issued[vendor])
        alphabet = string.ascii_letters + string.digits
        return str(self.rooms[vendor].make_key(lambda count: "".join(rng.choices(alphabet, k=count))))

    def _make_environment(self) -> dict[str, str]:
        # Offline, the sandbox could not be reached.
        variables = {"DOCFRAMES_CACHE_DIR": str(self._folder), "DOCFRAMES_OFFLINE": "0"}
        variables["DOCFRAMES_TIME_SCALE"] = str(self.clock.scale)
        for vendor, room in self.rooms.items():
            variables[f"DOCFRAMES_{vendor.upper()}_BASE_URL"] = self.url(vendor)
            # A room whose credential is not one key names its own variables.
            credentials = room.credentials(self) if hasattr(room, "credentials") else {"API_KEY": self.key(vendor)}
            variables |= {f"DOCFRAMES_{vendor.upper()}_{name}": value for name, value in credentials.items()}
        return variables

    def _set_environment(self) -> None:
        # The user's own credentials step aside, those too for which the sandbox has no counterpart: none of them is
        # sent here.
        prefixes = tuple(f"DOCFRAMES_{vendor.upper()}_" for vendor in self.rooms)
        theirs = [name for name in os.environ if name.startswith(prefixes)]
        self._former = {name: os.environ.pop(name, None) for name in {*self._variables, *theirs}}
        os.environ.update(self._variables)

    def _restore_environment(self) -> None:
        for name, value in self._former.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        self._former = {}


class _Silent:
    """In place of a server, where none is wanted."""

    def __init__(self, application: Any, port: int, name: str) -> None:
        self.url = "http://127.0.0.1:0"

    def stop(self) -> None:
        """Nothing runs."""


def _serve(server: type[Server], application: Any, port: int, argument: str) -> Server:
    try:
        return server(application, port, f"docframes sandbox {argument}")
    except OSError as error:
        msg = f"The sandbox cannot listen on 127.0.0.1:{port} ({error.strerror}). "
        msg += f"Give another {argument}=, or 0 for any free one."
        raise ConfigError(msg) from error


def _check(*, scale: float, delay: float, time_scale: float, jobs: int | None) -> None:
    for name, value in {"scale": scale, "time_scale": time_scale}.items():
        if value <= 0:
            msg = f"The sandbox needs {name} above 0; it was {value!r}."
            raise ConfigError(msg)
    for name, number in {"delay": delay, "jobs": jobs or 0}.items():
        if number < 0:
            msg = f"The sandbox needs {name} of 0 or more; it was {number!r}."
            raise ConfigError(msg)
