"""The front end's source: files of this folder, joined to one ES module when the first grid is made.

The module travels with every grid, so it is packed (deflate, base64): 20 kB in place of 55.  The loader unpacks it in
the browser, as the same text that stands in ``static``.
"""

from __future__ import annotations

import base64
import functools
import json
import zlib
from importlib import resources

#: In the order in which they build on each other.
_PARTS = ("elements.js", "filters.js", "header.js", "details.js", "table.js", "frame.js", "grid.js")

_LOADER = """// The front end of docframes, packed; its source is the folder docframes/widgets/static.
const packed = Uint8Array.from(atob("{packed}"), (letter) => letter.charCodeAt(0));
const unpacked = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
const front = new Response(unpacked).text().then(async (source) => {
  const address = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
  try {
    return (await import(address)).default;
  } finally {
    URL.revokeObjectURL(address);
  }
});
export default { render: async (context) => (await front).render(context) };
"""


@functools.cache
def module(preview: bool) -> str:
    """The front end as an ES module for anywidget.  preview : with the part that shows files."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    packed = packer.compress(source(preview).encode()) + packer.flush()
    return _LOADER.replace("{packed}", base64.b64encode(packed).decode("ascii"))


def source(preview: bool) -> str:
    """The same, readable; its styles are a constant of it, so that they are wherever the grid is."""
    styles = "\n".join(_read(name) for name in ("grid.css", *(["preview.css"] if preview else [])))
    parts = [f"const STYLES = {json.dumps(styles)};"]
    if preview:
        # Names of that part are its own, but for the one that the grid calls.
        parts.append(f"const filePanel = (() => {{\n{_read('preview.js')}\nreturn filePanel;\n}})();")
    return "\n".join([*parts, *(_read(name) for name in _PARTS)])


def _read(name: str) -> str:
    return resources.files("docframes.widgets").joinpath("static", name).read_text("utf-8")
