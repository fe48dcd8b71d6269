"""How every loader works, once: pages or single answers, through the client, into frames with their record.

Between the rooms above and transport and tables below, which do not know each other.
"""

from __future__ import annotations

from docframes.loading.each import load_each
from docframes.loading.explaining import Explanation, explain
from docframes.loading.incremental import LAST, load_since_last
from docframes.loading.lists import load_list
from docframes.loading.many import load_lists
from docframes.loading.plan import Options, Plan
from docframes.loading.progress import PATIENCE, Bar
from docframes.loading.records import frame_of

__all__ = [
    "LAST",
    "PATIENCE",
    "Bar",
    "Explanation",
    "Options",
    "Plan",
    "explain",
    "frame_of",
    "load_each",
    "load_list",
    "load_lists",
    "load_since_last",
]
