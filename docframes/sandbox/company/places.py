"""The places: invented towns and streets, with postcodes that no post office knows."""

from __future__ import annotations

import random
from dataclasses import dataclass

# Postcodes that start with Q, V or X do not exist, so no real address can be met by chance.
#: town, outward postcode, latitude, longitude
TOWNS = (
    ("Northmoor", "QN1", 53.4109, -2.1575),
    ("Harrowbeck", "QN4", 53.4586, -2.0412),
    ("Saltersby", "QN7", 53.3391, -2.2210),
    ("Eastwell Green", "XE2", 53.5204, -1.9833),
    ("Millthorpe Vale", "XE5", 53.2877, -2.1349),
    ("Carrick Cross", "VC3", 53.3718, -1.9021),
)
STREETS = (
    "Larch Close",
    "Mill Row",
    "Station Parade",
    "Orchard Bank",
    "Kiln Lane",
    "Weavers' Yard",
    "Chapel Brow",
    "Tanner Street",
    "Beacon Rise",
    "Quarry Terrace",
    "Old Dairy Court",
    "Ferry Road",
    "Hawthorn Crescent",
    "St Brannoc's Way",
)
SECOND_LINES = ("Flat 2", "Upper Kiln", "The Old Smithy", "Flat 11B", "Beckside")


@dataclass(frozen=True)
class Place:
    """A property's address and where it stands."""

    line_1: str
    line_2: str | None
    city: str
    postcode: str
    latitude: float
    longitude: float


def place(rng: random.Random, number: int) -> Place:
    """An address; *number* keeps two properties from sharing one."""
    town, outward, latitude, longitude = TOWNS[number % len(TOWNS)]
    street = STREETS[number // len(TOWNS) % len(STREETS)]
    house = 1 + rng.randrange(3) + 3 * (number // (len(TOWNS) * len(STREETS)))
    letters = "ABDEFGHJLNPQRSTUWXYZ"
    return Place(
        line_1=f"{house} {street}",
        line_2=rng.choice(SECOND_LINES) if rng.random() < 0.2 else None,
        city=town,
        postcode=f"{outward} {rng.randrange(10)}{rng.choice(letters)}{rng.choice(letters)}",
        latitude=round(latitude + rng.uniform(-0.02, 0.02), 5),
        longitude=round(longitude + rng.uniform(-0.02, 0.02), 5),
    )
