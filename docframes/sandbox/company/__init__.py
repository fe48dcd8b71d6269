"""The invented company: one seed gives one company, whose parts all agree with each other."""

from __future__ import annotations

import threading
from typing import Any

from docframes.sandbox.company import evidence, forms, jobs, people, suppliers
from docframes.sandbox.company.forms import Form, Subject
from docframes.sandbox.company.measures import MEASURES, Measure
from docframes.sandbox.company.places import Place
from docframes.sandbox.company.seeds import HOUR, MINUTE, moment, new_id, stamp, stream
from docframes.sandbox.files import File

Row = dict[str, Any]


class Company:
    """The truth behind the sandbox.

    seed : the same seed gives the same company.  scale : multiplies staff and jobs.  count : number of jobs,
    in place of what *scale* gives.  Rows are what the API sends, links left out.  Forms are invented when
    they are asked for, so that a large company starts at once.
    """

    name = "Northmoor Retrofit Partnership CIC"

    def __init__(self, seed: int = 7, scale: float = 1, count: int | None = None) -> None:
        self.seed = seed
        self.id = new_id(stream(seed, "organization"))
        self.staff = people.hire(seed, max(4, round(people.STAFF * scale)))
        self.suppliers = suppliers.trade_with(seed)
        wanted = round(jobs.JOBS * scale) if count is None else count
        self.projects, places, self.jobs = jobs.invent(seed, wanted, self.id, self.staff)
        self._jobs = {job["id"]: job for job in self.jobs}
        self._projects = {project["id"]: project for project in self.projects}
        self._places = {project["id"]: place for project, place in zip(self.projects, places, strict=True)}
        self._measures = dict(zip(jobs.template_ids(seed), MEASURES, strict=True))
        self._installers = {supplier.code: supplier for supplier in self.suppliers}
        self._answered = {job["id"]: job["progress"] / 100 for job in self.jobs}
        self._touches: dict[str, int] = {}
        self._files: dict[tuple[str, str], File] = {}
        self._rows: dict[str, list[Row]] = {}
        self._searched = False
        self.version = 0  #: grows with every change
        self._lock = threading.RLock()
        self.planted = evidence.plant(self)
        self.remember(evidence.certificates(self))

    def job(self, job_id: str) -> Row | None:
        """The job's row, or None."""
        return self._jobs.get(job_id)

    def project(self, project_id: str) -> Row | None:
        """The project's row, or None."""
        return self._projects.get(project_id)

    def form(self, job_id: str) -> Form:
        """Steps, questions, answers and papers of a job; changes made by :meth:`touch` are in it."""
        form = forms.fill(self._subject(self._jobs[job_id]))
        for turn in range(self._touches.get(job_id, 0)):
            forms.amend(form, turn)
        self.remember(form.files)
        return form

    def detail(self, job_id: str) -> Row:
        """What job full detail tells of a job, without links."""
        job, form = self._jobs[job_id], self.form(job_id)
        project = self._projects[job["project_id"]]
        return {"job": job, "project": project, "steps": form.steps, "documents": form.documents}

    def rows(self, resource: str) -> list[Row]:
        """Rows of ``projects``, ``jobs``, ``question-responses``, ``documents``, ``images``, in no set order.

        The last three cover completed jobs only.
        """
        if resource == "projects":
            return self.projects
        if resource == "jobs":
            return self.jobs
        with self._lock:
            if not self._rows:
                self._rows = evidence.gather(self)
            return self._rows[resource]

    @property
    def answers(self) -> list[Row]:
        """Answers of completed jobs."""
        return self.rows("question-responses")

    @property
    def documents(self) -> list[Row]:
        """Papers of completed jobs and of their projects."""
        return self.rows("documents")

    @property
    def images(self) -> list[Row]:
        """Photos and signatures of completed jobs."""
        return self.rows("images")

    @property
    def installer_certs(self) -> list[Row]:
        """The installers' certificates: supplier's code and name, and the file's id."""
        firms = [firm for firm in self.suppliers if firm.trade == "installer"]
        return [{"id": firm.certificate_id, "code": firm.code, "name": firm.name} for firm in firms]

    def file(self, resource: str, file_id: str) -> File | None:
        """The file of that kind and id, or None."""
        found = self._files.get((resource, file_id))
        if found is None and resource in ("documents", "images"):
            self._find_all_files()
            found = self._files.get((resource, file_id))
        return found

    def touch(self, job_id: str) -> str:
        """Move the job's ``updated_at`` past every other and change one answer; gives the new moment."""
        with self._lock:
            job = self._jobs[job_id]
            job["updated_at"] = self._next_moment()
            if job["status"] == "not_started":
                job["status"] = "in_progress"
            project = self._projects[job["project_id"]]
            project["updated_at"] = max(project["updated_at"], job["updated_at"])
            self._touches[job_id] = self._touches.get(job_id, 0) + 1
            self._changed()
            return str(job["updated_at"])

    def add_job(self, when: str | None = None) -> str:
        """A new job, not begun, in the project and of the measure of the first one; gives its id."""
        with self._lock:
            first, when = self.jobs[0], when or self._next_moment()
            job_id = new_id(stream(self.seed, "added job", self.version))
            unknown = ("assigned_to", "assigned_to_name", "scheduled_at", "completed_at", "reference")
            begun = {"status": "not_started", "progress": 0, "created_at": when, "updated_at": when}
            job = {**first, **dict.fromkeys(unknown), **begun, "id": job_id}
            self.jobs.append(job)
            self._jobs[job_id], self._answered[job_id] = job, 0.0
            self._count(job, 1)
            return job_id

    def remove_job(self, job_id: str) -> None:
        """Take a job away, with all that belongs to it."""
        with self._lock:
            job = self._jobs.pop(job_id)
            self.jobs.remove(job)
            self._count(job, -1)

    def _next_moment(self) -> str:
        """A minute past every change so far."""
        latest = max(row["updated_at"] for row in self.jobs)
        return stamp(moment(latest[:19]) + MINUTE)

    def _count(self, job: Row, more: int) -> None:
        project = self._projects[job["project_id"]]
        project["job_count"] += more
        project["updated_at"] = max(project["updated_at"], job["updated_at"])
        self._changed()

    def _changed(self) -> None:
        """Lists are made anew when they are asked for."""
        self._rows = {}
        self.version += 1

    def touches(self, job_id: str) -> int:
        """How often a job was touched: what was made of an older count is stale."""
        return self._touches.get(job_id, 0)

    def truth(self) -> list[Row]:
        """The faults planted in the evidence: fault, where, ids, reason."""
        return [dict(fault) for fault in self.planted.faults]

    def measure(self, job: Row) -> Measure:
        """The measure a job installs."""
        return self._measures[job["job_template_id"]]

    def place(self, project_id: str) -> Place:
        """Where a project's property stands."""
        return self._places[project_id]

    def remember(self, files: list[File]) -> None:
        """Keep *files* for the storage host."""
        self._files.update({(file.resource, file.id): file for file in files})

    def _find_all_files(self) -> None:
        """Invent every form once, so that an id not handed out yet is found too."""
        with self._lock:
            if not self._searched:
                self._searched = True
                for job in self.jobs:
                    self.form(job["id"])
                self.rows("documents")

    def _subject(self, job: Row) -> Subject:
        measure = self._measures[job["job_template_id"]]
        end = moment((job["completed_at"] or job["updated_at"])[:19])
        planned = moment(job["scheduled_at"][:19]) if job["scheduled_at"] else end - HOUR
        return Subject(
            seed=self.seed,
            job=job,
            measure=measure,
            place=self._places[job["project_id"]],
            certificate_id=self._installers[measure.installer].certificate_id,
            answered=self._answered[job["id"]],
            start=min(planned, end - HOUR),
            end=end,
            first_photo=self.planted.first_photos.get(job["id"]),
            away=job["id"] in self.planted.away,
        )
