"""The bytes behind the links: small PDFs written by hand, and small JPEGs that differ from each other."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw

PICTURES = 24  #: distinct pictures; each photo is one of them with a comment of its own inside
_drawing = threading.Lock()


@dataclass(frozen=True)
class File:
    """A stored file: its bytes are made when somebody reads them."""

    resource: str
    id: str
    name: str
    mime_type: str
    read: Callable[[], bytes]

    @property
    def extension(self) -> str:
        """Ending of the name, with its dot."""
        return self.name[self.name.rindex(".") :]


def pdf(title: str, lines: tuple[str, ...]) -> bytes:
    """One A4 page with a title and lines of text; letters outside Latin-1 become question marks."""
    text = [f"BT /F1 16 Tf 56 780 Td ({_escaped(title)}) Tj /F1 11 Tf 0 -30 Td 16 TL"]
    text += [f"({_escaped(line)}) Tj T*" for line in lines]
    stream = ("\n".join(text) + "\nET").encode("latin-1", "replace")
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R"
        b" /Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    ]
    return _assembled(objects)


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)")


def _assembled(objects: list[bytes]) -> bytes:
    """Number the objects and add the table of where each one starts."""
    body = b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n"
    table = b"0000000000 65535 f \n"
    for number, content in enumerate(objects, start=1):
        table += b"%010d 00000 n \n" % len(body)
        body += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    size = len(objects) + 1
    tail = b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (size, len(body))
    return body + b"xref\n0 %d\n%s" % (size, table) + tail


def jpeg(number: int, comment: str) -> bytes:
    """Picture *number*, counted round, with *comment* inside, so that no two photos are the same bytes."""
    drawn = _picture(number)
    note = comment.encode()
    # The comment segment stands right after the start-of-image marker.
    return drawn[:2] + b"\xff\xfe" + (len(note) + 2).to_bytes(2, "big") + note + drawn[2:]


def jpeg_size(number: int, comment: str) -> int:
    """How many bytes :func:`jpeg` gives."""
    return len(_picture(number)) + 4 + len(comment.encode())


def autograph(name: str, comment: str) -> bytes:
    """A signature as a JPEG: the same stroke for the same *name*."""
    return jpeg(PICTURES + sum(name.encode()) % 4, comment)


def autograph_size(name: str, comment: str) -> int:
    """How many bytes :func:`autograph` gives."""
    return jpeg_size(PICTURES + sum(name.encode()) % 4, comment)


def _picture(number: int) -> bytes:
    # Two threads that draw the same picture at once would only waste time, but many of them a lot of it.
    with _drawing:
        return _draw(number if PICTURES <= number < PICTURES + 4 else number % PICTURES)


@lru_cache(maxsize=PICTURES + 4)
def _draw(number: int) -> bytes:
    from PIL import Image, ImageDraw

    size = (320, 90) if number >= PICTURES else (320, 240)
    image = Image.new("RGB", size, "white" if number >= PICTURES else (168, 198, 222))
    pen = ImageDraw.Draw(image)
    if number >= PICTURES:
        _sign(pen, number)
    else:
        _build(pen, number)
    out = BytesIO()
    image.save(out, "JPEG", quality=72)
    return out.getvalue()


def _build(pen: ImageDraw, number: int) -> None:
    """A house front: bricks, a window whose place tells the pictures apart, and a number plate."""
    wall = ((158, 84, 62), (201, 190, 168), (122, 128, 134), (188, 142, 90))[number % 4]
    joint = tuple(channel + 24 for channel in wall)
    pen.rectangle((0, 60, 320, 240), fill=wall)
    for row in range(60, 240, 12):
        pen.line((0, row, 320, row), fill=joint)
        for column in range(row // 12 % 2 * 14, 320, 28):
            pen.line((column, row, column, row + 12), fill=joint)
    left = 24 + number * 9
    pen.rectangle((left, 96, left + 62, 172), fill=(74, 92, 108), outline="white", width=4)
    pen.rectangle((8, 206, 96, 232), fill="white", outline="black")
    pen.text((14, 212), f"view {number + 1:02d}", fill="black")


def _sign(pen: ImageDraw, number: int) -> None:
    """A stroke of ink."""
    step = 3 + number % 4
    points = [(20 + 10 * turn, 45 + (turn * 37 * step) % 50 - 25) for turn in range(28)]
    pen.line(points, fill=(24, 32, 96), width=3, joint="curve")
