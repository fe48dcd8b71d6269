"""Pictures that a browser cannot show, as PNG; pages of a PDF as PNG, where pypdfium2 is installed."""

from __future__ import annotations

import importlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from PIL.Image import Image

#: Pixels of the longer side of a converted picture; a larger one is shown smaller.
LONGEST_SIDE = 5_000
#: Pages of a PDF that are drawn, and the pixels of the longer side of one.
MOST_PAGES = 10
PAGE_SIDE = 1_600

_AS_THEY_ARE = ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "I;16")

# PDFium is not made for two threads, and answers of a widget may come from several.
_pdfium = threading.Lock()


@dataclass(frozen=True)
class Picture:
    """A picture to show.  data : None where there is none, and the note says why.  note : may be empty."""

    data: bytes | None
    note: str = ""


def checked(data: bytes, words: str) -> Picture:
    """*data* as it is, where its head says that it is a picture of a bearable size."""
    try:
        with _opened(data, words) as image:
            return _too_many_pixels(image) or Picture(data)
    except Exception as error:
        return _damaged(error, words)


def converted(data: bytes, words: str) -> Picture:
    """The first page of a picture as PNG."""
    try:
        with _opened(data, words) as image:
            return _too_many_pixels(image) or _as_png(image)
    except Exception as error:
        return _damaged(error, words)


def pages_of(data: bytes) -> tuple[list[bytes], int]:
    """The first pages of a PDF as PNG, and how many it has; none and 0 without pypdfium2, or where it is damaged."""
    try:
        pdfium = importlib.import_module("pypdfium2")
    except ModuleNotFoundError:
        return [], 0
    try:
        with _pdfium:
            document = pdfium.PdfDocument(data)
            try:
                return list(_drawn(document)), len(document)
            finally:
                document.close()
    except pdfium.PdfiumError:
        return [], 0


def _opened(data: bytes, words: str) -> Image:
    from PIL import Image

    # Of Pillow's many formats only the one that the bytes show: some of the others start other programs.
    return Image.open(BytesIO(data), formats=(words.split()[0].upper(),))


def _too_many_pixels(image: Image) -> Picture | None:
    from PIL import Image

    limit = Image.MAX_IMAGE_PIXELS
    if limit is None or image.width * image.height <= limit:
        return None
    return Picture(
        None, f"A picture of {image.width:,} × {image.height:,} pixels is too large to preview; download it."
    )


def _as_png(image: Image) -> Picture:
    from PIL import ImageOps

    pages, size = getattr(image, "n_frames", 1), f"{image.width:,} × {image.height:,}"
    notes = [f"Page 1 of {pages}."] if pages > 1 else []
    image.seek(0)
    shown = ImageOps.exif_transpose(image)
    if max(shown.size) > LONGEST_SIDE:
        shown = shown.convert("RGB") if shown.mode not in ("L", "RGB", "RGBA") else shown
        shown.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
        notes.append(f"Shown smaller than its {size} pixels.")
    out = BytesIO()
    (shown if shown.mode in _AS_THEY_ARE else shown.convert("RGB")).save(out, "PNG")
    return Picture(out.getvalue(), " ".join(notes))


def _damaged(error: Exception, words: str) -> Picture:
    from PIL import Image

    if isinstance(error, Image.DecompressionBombError):
        return Picture(None, f"This {words} unpacks to far more pixels than can be shown; download it.")
    return Picture(None, f"This {words} is damaged or of a kind that cannot be shown; download it.")


def _drawn(document: Any) -> Iterator[bytes]:
    for number in range(min(len(document), MOST_PAGES)):
        page = document[number]
        image = page.render(scale=min(2.0, PAGE_SIDE / max(*page.get_size(), 1.0))).to_pil()
        out = BytesIO()
        image.save(out, "PNG")
        page.close()
        yield out.getvalue()
