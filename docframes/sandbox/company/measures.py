"""The measures: what the company has installed, and the form that proves each one."""

from __future__ import annotations

from dataclasses import dataclass

from docframes.sandbox.company.questions import (
    Question,
    Step,
    day,
    number,
    photo,
    select,
    several,
    signature,
    words,
    yes_no,
)

CERTIFICATE = "Installer certificate (file id)"  #: its answer is the id to sign as ``installer-certs``
BATCH = "Batch or serial number"  #: its answers start with zeros


@dataclass(frozen=True)
class Measure:
    """A retrofit measure: its form's steps, who installs it and what it costs, in whole pounds."""

    name: str
    code: str
    installer: str
    price: tuple[int, int]
    steps: tuple[Step, ...]


REMARKS = (
    "All fine.",
    "Customer asked for the gate to be closed – dog in the garden.",
    "Access through no. 16; neighbour's key needed.\nRing twice.",
    'Scaffold tag says "do not alter".',
    "Left side finished before rain, right side next morning;\ntwo coats, 4 mm each.",
    "=1+1",
    "+44 1632 960 000 is the number of the site phone",
    "-",
    "007",
    "Façade slightly out of plumb; Zoë has agreed a 12 mm packer.",
    "Temperature 4 °C at 08:30, 11 °C at noon.",
    "n/a",
    "NULL",
    "Damp smell in the under-stairs cupboard, see photo 2.",
    'Tenant\'s comment: "much warmer already", 5★',
)

ARRIVAL = (
    day("Date of arrival on site"),
    yes_no("Risk assessment read and signed", 0.98),
    select("Weather", "dry", "light rain", "heavy rain", "frost", "wind above 20 mph"),
    number("Outside air temperature (°C)", -3, 24, 1),
    photo("Photo of the front of the property"),
    words("Access notes", *REMARKS),
)
SURVEY = (
    number("Wall moisture reading (%)", 8, 22, 1),
    select("Property type", "detached", "semi-detached", "mid-terrace", "end-terrace", "flat"),
    number("Year built", 1890, 1998),
    several("Existing defects", "cracked render", "blocked gutter", "rising damp", "loose tiles", "none"),
    yes_no("Asbestos suspected", 0.05),
    photo("Photo before works"),
)
QUALITY = (
    select("Result of the inspection", "pass", "pass with snags", "fail"),
    number("Snags found", 0, 6),
    several("Areas inspected", "north elevation", "south elevation", "loft", "plant space", "ground floor"),
    yes_no("Ventilation strategy followed", 0.95),
    photo("Photo of the finished work"),
    words("Inspector's remarks", *REMARKS),
)
HANDOVER = (
    day("Date of handover"),
    yes_no("Customer shown how to use the installation", 0.97),
    yes_no("Waste removed from site"),
    select("Customer satisfaction", "very satisfied", "satisfied", "neutral", "dissatisfied"),
    words(CERTIFICATE, required=True),
    signature("Customer's signature"),
    signature("Installer's signature"),
    words("Remarks", *REMARKS),
)
MATERIALS = (
    words(BATCH, required=True),
    number("Pallets delivered", 1, 9),
    yes_no("Materials match the design", 0.96),
    photo("Photo of the delivery note", required=False),
)


def _form(
    survey: tuple[Question, ...], work: tuple[Question, ...], *more: Step, arrival: bool = True
) -> tuple[Step, ...]:
    first = (
        (Step("Arrival on site", ARRIVAL), Step("Pre-installation survey", SURVEY + survey))
        if arrival
        else (Step("Pre-installation survey", ARRIVAL[:4] + SURVEY + survey),)
    )
    last = (Step("Quality check", QUALITY), Step("Handover", HANDOVER))
    return (*first, Step("Installation", work), *more, *last)


_MATERIALS = Step("Materials", MATERIALS)

EXTERNAL_WALL = Measure(
    "External Wall Insulation",
    "EWI",
    "S0006",
    (7_500, 14_500),
    _form(
        (
            number("U-value before works (W/m2K)", 1.3, 2.2, 2),
            photo("Photo of the north elevation before work"),
        ),
        (
            number("Board thickness (mm)", 90, 120),
            number("Fixings per m2", 5, 9),
            select("Render finish", "silicone 1.5 mm", "mineral", "brick slip", "pebble dash"),
            number("Area insulated (m2)", 48, 140, 1),
            number("U-value after works (W/m2K)", 0.21, 0.32, 2),
            photo("Photo of the base track"),
        ),
        _MATERIALS,
    ),
)
INTERNAL_WALL = Measure(
    "Internal Wall Insulation",
    "IWI",
    "S0006",
    (4_200, 9_800),
    _form(
        (
            number("U-value before works (W/m2K)", 1.3, 2.2, 2),
            yes_no("Condensation risk analysis done", 0.93),
        ),
        (
            number("Board thickness (mm)", 40, 90),
            select("Vapour control", "foil-faced board", "separate membrane", "smart membrane"),
            number("Area insulated (m2)", 20, 75, 1),
            number("U-value after works (W/m2K)", 0.24, 0.45, 2),
            several("Rooms treated", "living room", "kitchen", "bedroom 1", "bedroom 2", "hall"),
            photo("Photo of the window reveals"),
        ),
        _MATERIALS,
    ),
)
LOFT = Measure(
    "Loft Insulation",
    "LI",
    "S0001",
    (450, 1_400),
    _form(
        (number("Existing insulation depth (mm)", 0, 120), yes_no("Loft boarded", 0.3)),
        (
            number("Depth after works (mm)", 270, 320),
            number("Area insulated (m2)", 24, 70, 1),
            select("Material", "mineral wool", "cellulose", "sheep's wool"),
            yes_no("Hatch insulated and sealed"),
            yes_no("Eaves ventilation kept clear"),
            words(BATCH, required=True),
            photo("Photo of the loft after works"),
        ),
        arrival=False,
    ),
)
CAVITY = Measure(
    "Cavity Wall Insulation",
    "CWI",
    "S0002",
    (900, 2_600),
    _form(
        (number("Cavity width (mm)", 50, 95), yes_no("Cavity clear of debris", 0.9)),
        (
            select("Fill", "bonded bead", "blown mineral wool", "foam"),
            number("Injection holes", 38, 160),
            number("Fill density (kg/m3)", 10, 16, 1),
            number("U-value after works (W/m2K)", 0.28, 0.55, 2),
            words(BATCH, required=True),
            photo("Photo of the drilling pattern"),
        ),
        arrival=True,
    ),
)
HEAT_PUMP = Measure(
    "Air Source Heat Pump",
    "ASHP",
    "S0003",
    (8_900, 15_800),
    _form(
        (number("Design heat loss (kW)", 3.2, 11.5, 1), number("Radiators to be changed", 0, 9)),
        (
            number("Rated output (kW)", 5, 14, 1),
            words("Serial number of the outdoor unit", required=True),
            number("Distance to the boundary (m)", 1, 6, 1),
            photo("Photo of the outdoor unit"),
        ),
        _MATERIALS,
        Step(
            "Commissioning",
            (
                number("Flow temperature (°C)", 35, 55, 1),
                number("System pressure (bar)", 1.0, 2.2, 1),
                number("Seasonal performance factor", 2.6, 4.2, 2),
                yes_no("Legionella cycle set"),
            ),
        ),
        Step("Electrical safety", (number("Earth loop impedance (Ω)", 0.1, 1.2, 2), yes_no("RCD tested", 0.98))),
    ),
)
SOLAR = Measure(
    "Solar PV",
    "PV",
    "S0004",
    (4_800, 9_400),
    _form(
        (
            number("Roof pitch (°)", 18, 48),
            select("Orientation", "south", "south-east", "south-west", "east", "west"),
        ),
        (
            number("Panels fitted", 6, 18),
            number("Peak output (kWp)", 2.4, 7.2, 2),
            words("Serial number of the inverter", required=True),
            photo("Photo of the roof fixings"),
            photo("Photo of the array"),
        ),
        Step(
            "Commissioning",
            (
                number("Open-circuit voltage (V)", 210, 590, 1),
                number("Insulation resistance (MΩ)", 2, 200),
                number("Meter reading at the start (kWh)", 0, 3),
                yes_no("Grid operator notified", 0.94),
            ),
        ),
    ),
)
VENTILATION = Measure(
    "Mechanical Ventilation",
    "MEV",
    "S0005",
    (1_100, 3_400),
    _form(
        (number("Relative humidity (%)", 42, 81, 1), yes_no("Background ventilators present", 0.5)),
        (
            select("System", "continuous extract", "centralised extract", "heat recovery", "positive input"),
            number("Kitchen extract rate (l/s)", 6, 16, 1),
            number("Bathroom extract rate (l/s)", 6, 12, 1),
            number("Door undercut (mm)", 5, 15),
            photo("Photo of the fan unit"),
        ),
        Step(
            "Commissioning",
            (number("Sound level in the bedroom (dB)", 17, 34, 1), yes_no("Air flow certificate issued")),
        ),
        _MATERIALS,
        Step("Electrical safety", (number("Fuse rating (A)", 3, 5), yes_no("Isolator fitted", 0.98))),
    ),
)

MEASURES = (
    EXTERNAL_WALL,
    LOFT,
    CAVITY,
    HEAT_PUMP,
    SOLAR,
    VENTILATION,
    INTERNAL_WALL,
)
