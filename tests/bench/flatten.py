"""Job details from bytes to six frames."""

from __future__ import annotations

import hashlib
import json
import random
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

JOBS, STEPS, QUESTIONS = 5_000, 5, 6


@contextmanager
def prepared(folder: Path, quick: bool) -> Iterator[dict[str, Any]]:
    """A file with one answer a line, as the API would send it."""
    path = folder / "details.jsonl"
    generator = random.Random(1)
    with path.open("w", encoding="utf-8") as file:
        for number in range(JOBS // 25 if quick else JOBS):
            file.write(
                json.dumps({"request_id": "r", "data": _detail(number, generator)}, separators=(",", ":")) + "\n"
            )
    yield {"path": str(path)}


def _detail(number: int, generator: random.Random) -> dict[str, Any]:
    moment = "2026-03-02T11:00:00.120+00:00"
    job = {
        "id": _id(generator), "project_id": f"p{number % 50}", "job_template_id": f"t{number % 7}",
        "job_template_name": "External Wall Insulation", "reference": f"R-{number:05d}", "status": "completed",
        "progress": 100, "assigned_to": None, "assigned_to_name": "D. Nowak", "scheduled_at": None,
        "completed_at": moment, "created_at": moment, "updated_at": moment,
    }  # fmt: skip
    steps = [_step(generator, position, moment) for position in range(1, STEPS + 1)]
    documents = [
        {
            "id": _id(generator), "project_id": job["project_id"], "job_id": job["id"], "name": f"paper {n}.pdf",
            "document_type": "warranty", "mime_type": "application/pdf", "file_size": 1000 + n, "uploaded_by": None,
            "created_at": moment, "updated_at": moment,
        }
        for n in range(2)
    ]  # fmt: skip
    return {"job": job, "steps": steps, "documents": documents}


def _step(generator: random.Random, position: int, moment: str) -> dict[str, Any]:
    questions = [_question(generator, number, moment) for number in range(1, QUESTIONS + 1)]
    return {
        "id": _id(generator),
        "name": f"Step {position}",
        "position": position,
        "status": "completed",
        "questions": questions,
    }


def _question(generator: random.Random, position: int, moment: str) -> dict[str, Any]:
    images = [
        {
            "id": _id(generator), "file_name": "north.jpg", "mime_type": "image/jpeg", "file_size": 123_456,
            "captured_at": moment, "latitude": 53.4, "longitude": -2.2,
        }
        for _ in range(generator.choice([0, 0, 0, 1]))
    ]  # fmt: skip
    answer = {
        "id": _id(generator), "value": generator.choice(["yes", "no", 3.2, None, True, ["a", "b"]]),
        "answered_by": "u1", "answered_at": moment, "images": images,
    }  # fmt: skip
    kind = generator.choice(["text", "number", "boolean", "photo"])
    return {
        "id": _id(generator),
        "text": f"Question {position}",
        "type": kind,
        "required": True,
        "position": position,
        "answers": [answer],
    }


def _id(generator: random.Random) -> str:
    return str(uuid.UUID(int=generator.getrandbits(128), version=4))


def ours(facts: dict[str, Any]) -> Callable[[], Any]:
    """What ``load_job_details`` does with the bodies once they are there."""
    import orjson

    from docframes.tables.flatten import Flattener
    from docframes.tables.frames import to_frame
    from docframes.transport.answers import paused_collector
    from docframes.vendors.validocx.tables import JOB_DETAIL

    bodies = _bodies(facts)

    def work() -> Any:
        with paused_collector():
            flattener = Flattener(JOB_DETAIL)
            for body in bodies:
                flattener.add([orjson.loads(body)["data"]])
            frames = {name: to_frame(flat.arrow()) for name, flat in flattener.finish().items()}
        return partial(_digest, frames, "answer_id", "job_id")

    return work


def peer(facts: dict[str, Any]) -> Callable[[], Any]:
    """``response.json()`` and one ``pandas.json_normalize`` a frame."""
    import pandas as pd

    bodies = _bodies(facts)

    def work() -> Any:
        data = [json.loads(body)["data"] for body in bodies]
        # json_normalize finds ["job", "id"] wrongly below the first level (it gives the step's id), so the job's id
        # is put where it finds it.
        for record in data:
            record["job_id"] = record["job"]["id"]
        job, step, question, answer = (
            "job_id",
            ["steps", "id"],
            ["steps", "questions", "id"],
            ["steps", "questions", "answers", "id"],
        )
        deep = ["steps", "questions", "answers"]
        frames = {
            "jobs": pd.json_normalize([record["job"] for record in data]),
            "steps": pd.json_normalize(data, ["steps"], [job], record_prefix="s."),
            "questions": pd.json_normalize(data, ["steps", "questions"], [job, step], record_prefix="q."),
            "answers": pd.json_normalize(data, deep, [job, step, question], record_prefix="a."),
            "images": pd.json_normalize(data, [*deep, "images"], [job, step, question, answer], record_prefix="i."),
            "documents": pd.json_normalize(data, ["documents"], [job], record_prefix="d."),
        }
        return partial(_digest, frames, "a.id", "job_id")

    return work


def bare(facts: dict[str, Any]) -> Callable[[], Any]:
    """orjson and nothing else, the garbage collector paused: what no flattening can be faster than."""
    import gc

    import orjson

    bodies = _bodies(facts)

    def work() -> None:
        gc.disable()
        records = [orjson.loads(body) for body in bodies]
        assert len(records) == len(bodies)
        gc.enable()

    return work


def _bodies(facts: dict[str, Any]) -> list[bytes]:
    return Path(facts["path"]).read_bytes().splitlines()


def _digest(frames: dict[str, Any], answer: str, job: str) -> dict[str, Any]:
    """Rows of every frame, and which answer belongs to which job."""
    answers = frames["answers"]
    pairs = sorted(f"{a} {j}" for a, j in zip(answers[answer], answers[job], strict=True))
    sizes = {name: len(frame) for name, frame in sorted(frames.items())}
    return {"sizes": sizes, "pairs": hashlib.sha256("\n".join(pairs).encode()).hexdigest()}
