"""ValiDocX: retrofit installation jobs with their steps, questions, answers, photos and documents.

from docframes import validocx

jobs = validocx.load_jobs(updated_after="2026-01-01")
details = validocx.load_job_details(jobs)
wide = validocx.answers_wide(details.answers)
"""

from __future__ import annotations

from docframes.vendors.validocx.loaders import (
    Client,
    JobDetails,
    answers_wide,
    load_answers,
    load_documents,
    load_images,
    load_job_details,
    load_jobs,
    load_projects,
    sign_file,
)

__all__ = [
    "Client",
    "JobDetails",
    "answers_wide",
    "load_answers",
    "load_documents",
    "load_images",
    "load_job_details",
    "load_jobs",
    "load_projects",
    "sign_file",
]
