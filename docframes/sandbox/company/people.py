"""The people: staff of the company, and customers of its projects."""

from __future__ import annotations

import random
import unicodedata
from dataclasses import dataclass

from docframes.sandbox.company.seeds import new_id, stream

STAFF = 12  #: at scale 1

# fmt: off
FIRST_NAMES = (
    "Amara", "Bethan", "Callum", "Danuta", "Efua", "Fergus", "Gwen", "Hamza",
    "Imogen", "Jarek", "Kavita", "Lorcan", "Mairead", "Nadia", "Owen", "Priya",
    "Rhys", "Siân", "Tomasz", "Una", "Vikram", "Wanda", "Yusuf", "Zoë",
)
LAST_NAMES = (
    "Ashdown", "Brannock", "Carrow", "Dunmore", "Eastlake", "Fenwright", "Garstang",
    "Hollinrake", "Ibbotson", "Jessop", "Kershaw", "Lisle", "Marchetti", "Nowak",
    "O'Dowd", "Pennock", "Quayle", "Rostron", "Sørensen", "Thackeray", "Umar",
    "Vasquez", "Whitaker", "Łoś",
)
# fmt: on
#: Role and team of the staff, in turn; the ledger is posted by the finance team.
POSTS = (
    ("retrofit coordinator", "Coordination"),
    ("site surveyor", "Survey"),
    ("installer", "Installation"),
    ("accounts assistant", "Finance"),
    ("retrofit assessor", "Survey"),
    ("installer", "Installation"),
    ("finance manager", "Finance"),
    ("quality inspector", "Quality"),
    ("installer", "Installation"),
    ("ledger clerk", "Finance"),
    ("site surveyor", "Survey"),
    ("director", "Board"),
)


@dataclass(frozen=True)
class Person:
    """A member of staff."""

    id: str
    name: str
    email: str
    username: str
    employee_number: str
    role: str
    team: str

    @property
    def short_name(self) -> str:
        """Initial and surname, such as ``D. Nowak``."""
        first, last = self.name.split(" ", 1)
        return f"{first[0]}. {last}"


def hire(seed: int, count: int) -> list[Person]:
    """The staff: *count* people whose names differ."""
    rng = stream(seed, "staff")
    names = [f"{first} {last}" for first in FIRST_NAMES for last in LAST_NAMES]
    rng.shuffle(names)
    return [_person(rng, number, names[number % len(names)]) for number in range(count)]


def _person(rng: random.Random, number: int, name: str) -> Person:
    role, team = POSTS[number % len(POSTS)]
    again = number // (len(FIRST_NAMES) * len(LAST_NAMES))
    username = plain(name.lower().replace(" ", ".").replace("'", "")) + (str(again) if again else "")
    return Person(
        id=new_id(rng),
        name=name,
        email=f"{username}@northmoor.example.org",
        username=username,
        employee_number=f"{number + 17:05d}",
        role=role,
        team=team,
    )


def plain(text: str) -> str:
    """ASCII letters only, as mail systems like them."""
    # ł and ø are letters of their own: no decomposition turns them into l and o.
    letters = unicodedata.normalize("NFKD", text.replace("ł", "l").replace("ø", "o"))
    return letters.encode("ascii", "ignore").decode()


def customer(rng: random.Random) -> dict[str, str | None]:
    """Customer fields of a project; e-mail and phone are often missing."""
    first, last = rng.choice(FIRST_NAMES), rng.choice(LAST_NAMES)
    mail = f"{plain(first[0].lower())}.{plain(last.lower().replace(chr(39), ''))}@example.org"
    # 01632 960xxx is the range kept free for drama.
    phone = f"+44 1632 960 {rng.randrange(1000):03d}"
    return {
        "customer_name": f"{first[0]}. {last}" if rng.random() < 0.95 else None,
        "customer_email": mail if rng.random() < 0.7 else None,
        "customer_phone": phone if rng.random() < 0.6 else None,
    }
