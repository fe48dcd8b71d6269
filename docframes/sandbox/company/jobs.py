"""Projects and jobs: cheap facts, made at once; what stands in a job's form is made when asked for."""

from __future__ import annotations

import random
from typing import Any

from docframes.sandbox.company.measures import MEASURES
from docframes.sandbox.company.people import Person, customer
from docframes.sandbox.company.places import Place, place
from docframes.sandbox.company.seeds import (
    DAY,
    HOUR,
    MINUTE,
    SECOND,
    moment,
    new_id,
    on_weekday,
    stamp,
    stream,
    working_hour,
)

JOBS = 120  #: at scale 1
JOBS_PER_PROJECT = 3
YEAR_START = moment("2025-04-01")
#: status: how often, of 100
STATUSES = {"completed": 58, "in_progress": 18, "not_started": 12, "submitted": 8, "rejected": 4}

Row = dict[str, Any]


def template_ids(seed: int) -> list[str]:
    """The id of each measure's template."""
    rng = stream(seed, "templates")
    return [new_id(rng) for _ in MEASURES]


def invent(seed: int, count: int, organization: str, staff: list[Person]) -> tuple[list[Row], list[Place], list[Row]]:
    """*count* jobs with their projects: projects, where each stands, and jobs, as the API sends them."""
    rng = stream(seed, "jobs")
    owners = _owners(rng, count)
    places: list[Place] = []
    projects: list[Row] = []
    for number in range(max(owners, default=-1) + 1):
        places.append(place(rng, number))
        projects.append(_project(rng, number, organization, places[-1]))
    jobs = _jobs(rng, owners, projects, template_ids(seed), staff)
    _settle(projects, jobs)
    return projects, places, jobs


def _owners(rng: random.Random, count: int) -> list[int]:
    """The project of each job: every project has one, and the rest are spread by chance."""
    projects = -(-count // JOBS_PER_PROJECT)
    return [number if number < projects else rng.randrange(projects) for number in range(count)]


def _project(rng: random.Random, number: int, organization: str, where: Place) -> Row:
    created = working_hour(rng, YEAR_START + rng.randrange(6, 285) * DAY)
    return {
        "id": new_id(rng),
        "organization_id": organization,
        "name": f"{where.line_1}, {where.city}",
        "reference": f"HUG2-{number + 101:04d}" if rng.random() < 0.9 else None,
        "status": "archived" if rng.random() < 0.05 else "active",
        **customer(rng),
        "address_line_1": where.line_1,
        "address_line_2": where.line_2,
        "city": where.city,
        "postcode": where.postcode,
        "job_count": 0,
        "created_at": stamp(created),
        "updated_at": stamp(created),
    }


def _jobs(
    rng: random.Random, owners: list[int], projects: list[Row], templates: list[str], staff: list[Person]
) -> list[Row]:
    order = [rng.sample(range(len(MEASURES)), len(MEASURES)) for _ in projects]
    seen = [0] * len(projects)
    jobs = []
    for number, owner in enumerate(owners):
        kind = order[owner][seen[owner] % len(MEASURES)]
        again = seen[owner] // len(MEASURES)
        seen[owner] += 1
        # The first jobs take each status once, so that even a tiny company shows them all.
        few = tuple(STATUSES)
        status = few[number] if number < len(few) else rng.choices(few, tuple(STATUSES.values()))[0]
        job = _job(rng, number, projects[owner], status, staff)
        job["job_template_id"] = templates[kind]
        job["job_template_name"] = MEASURES[kind].name
        if job["reference"] is not None:
            job["reference"] += MEASURES[kind].code + (f"-{again + 1}" if again else "")
        jobs.append(job)
    return jobs


def _job(rng: random.Random, number: int, project: Row, status: str, staff: list[Person]) -> Row:
    # A tenth of the jobs came in one bulk import: they share their moment to the millisecond.
    bulk = rng.random() < 0.1
    created = moment(project["created_at"][:19])
    created = max(created, YEAR_START + 40 * DAY) if bulk else created + rng.randrange(1, 90) * MINUTE
    planned = on_weekday(created // DAY * DAY + rng.randrange(10, 45) * DAY + 8 * HOUR)
    finished = on_weekday(planned + rng.randrange(1, 9) * DAY) + rng.randrange(6 * 3_600, 9 * 3_600) * SECOND
    changed = {
        "not_started": created + rng.randrange(1, 60) * MINUTE,
        "in_progress": planned + rng.randrange(6, 10) * HOUR + rng.randrange(1_000),
    }.get(status, finished + rng.randrange(1, 90) * MINUTE + rng.choice((0, 120, 7)))
    fitter = rng.choice([person for person in staff if person.team != "Finance"] or staff)
    assigned = status != "not_started" or rng.random() < 0.3
    prefix = project["reference"] or f"JOB-{number:05d}"
    return {
        "id": new_id(rng),
        "project_id": project["id"],
        "job_template_id": "",
        "job_template_name": "",
        "reference": f"{prefix}-" if rng.random() < 0.95 else None,
        "status": status,
        "progress": _progress(rng, status),
        "assigned_to": fitter.id if assigned else None,
        "assigned_to_name": fitter.short_name if assigned else None,
        "scheduled_at": stamp(planned) if status != "not_started" or rng.random() < 0.5 else None,
        "completed_at": stamp(finished) if status == "completed" else None,
        "created_at": stamp(created),
        "updated_at": stamp(changed),
    }


def _progress(rng: random.Random, status: str) -> float:
    if status == "not_started":
        return 0
    if status == "in_progress":
        return rng.choice((round(rng.uniform(20, 90), 1), rng.randrange(20, 90)))
    return 100


def _settle(projects: list[Row], jobs: list[Row]) -> None:
    """Give projects what follows from their jobs: count, status, last change."""
    by_id = {project["id"]: project for project in projects}
    open_projects = set()
    for job in jobs:
        project = by_id[job["project_id"]]
        project["job_count"] += 1
        project["updated_at"] = max(project["updated_at"], job["updated_at"])
        if job["status"] != "completed":
            open_projects.add(project["id"])
    for project in projects:
        if project["status"] == "active" and project["id"] not in open_projects:
            project["status"] = "completed"
