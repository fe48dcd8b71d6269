"""A vendor whose files are what a test puts in, for what stands behind the rows of a grid."""

from __future__ import annotations

import contextlib
import io
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pandas as pd
import requests
from conftest import Says
from PIL import Image

from docframes import files
from docframes.settings import Settings
from docframes.transport.download import ApiFile, SignedLink

#: Stands in the query of every link of the vault; put together, so that no line of this file shows it in a traceback.
SIGNATURE = "v4ult" + "s1gn4ture"


class Vault:
    """A room and a storage host in one.  ``hold(name=bytes)`` gives the frame of these files.

    status : what the storage host answers.  told : whether it tells the size before the bytes.  url : what links begin
    with.  links : False makes the vendor send the bytes itself.
    """

    def __init__(self, scripted, monkeypatch):
        self.held: dict[str, bytes] = {}
        self.status, self.told, self.links = 200, True, True
        self.server = scripted(self._says)
        self.url = self.server.url
        self.signed = 0
        room = SimpleNamespace(
            default_client=lambda: SimpleNamespace(account="one", cached=False), file_links=self._links_to
        )
        usual = files._room
        monkeypatch.setattr(files, "_room", lambda vendor: room if vendor == "vault" else usual(vendor))
        monkeypatch.setattr(files, "_links", {})

    def hold(self, named: dict[str, bytes]) -> pd.DataFrame:
        """One row for each file; its id is its place."""
        ids = [f"f{len(self.held) + place}" for place in range(len(named))]
        self.held |= dict(zip(ids, named.values(), strict=True))
        return pd.DataFrame({"vendor": "vault", "kind": "papers", "file_id": ids, "label": list(named)})

    @property
    def fetched(self) -> int:
        """How many times the storage host was asked."""
        return len(self.server.asked)

    def _says(self, asked):
        if self.status != 200:
            return Says(b"<Error>no</Error>", self.status)
        data = self.held.get(asked.path.strip("/"))
        if data is None:  # a browser asks for an icon too
            return Says(b"", 404)
        unknown = {} if self.told else {"Content-Length": "", "Connection": "close"}
        # Of this type a browser shows anything in its tab, and saves nothing.
        return Says(data, headers={"Content-Type": "text/plain", **unknown})

    def _links_to(self, kind, file_ids, *, client):
        self.signed += len(file_ids)
        return {file_id: self._link(file_id) for file_id in file_ids}

    def _link(self, file_id):
        settings = Settings(tries=1, time_scale=0)
        url = f"{self.url}/{file_id}?X-Amz-Signature={SIGNATURE}{self.signed}"
        link = SignedLink(f"papers/{file_id}", url, datetime.now(UTC) + timedelta(hours=1), settings)
        return link if self.links else ApiFile(link.name, lambda: _served(self.server.url, file_id))


@contextlib.contextmanager
def _served(url, file_id):
    """What a client's stream gives: an answer in a ``with`` block."""
    with requests.get(f"{url}/{file_id}", stream=True, timeout=10) as answer:
        yield answer


def picture(kind: str, size=(40, 30), colour="red", pages: int = 1) -> bytes:
    """A picture of one colour; further pages are black."""
    out = io.BytesIO()
    more = {"save_all": True, "append_images": [Image.new("RGB", size, "black")] * (pages - 1)} if pages > 1 else {}
    Image.new("RGB", size, colour).save(out, kind, **more)
    return out.getvalue()


def paper(text: str = "hello") -> bytes:
    """A PDF of one page."""
    from docframes.sandbox.files import pdf

    return pdf(text, (text,))
