"""The public surface: a short list, sorted, resolved when used, and nothing heavy before that."""

from __future__ import annotations

import subprocess
import sys

import pytest

import docframes

HEAVY = ("matplotlib", "ipywidgets", "flask", "pyarrow.dataset", "IPython", "pandas", "pyarrow", "requests", "numpy")
ROOMY = ("matplotlib", "ipywidgets", "flask", "IPython", "docframes.sandbox")


def imported_by(statement):
    """Every module that *statement* imports in a fresh interpreter."""
    command = [sys.executable, "-c", f"{statement}\nimport sys\nprint(*sys.modules)"]
    return set(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split())


def test_the_list_is_sorted_and_names_each_once():
    """__all__ is what a reader sees first."""
    assert docframes.__all__ == sorted(set(docframes.__all__))


@pytest.mark.parametrize("name", docframes.__all__)
def test_every_public_name_is_there(name):
    """It resolves, is no secret, and stays the same object."""
    value = getattr(docframes, name)

    assert value is getattr(docframes, name)
    assert not name.startswith("_")
    assert value.__doc__


def test_dir_lists_what_is_public():
    """And the version."""
    assert set(docframes.__all__) < set(dir(docframes))
    assert "__version__" in dir(docframes)


def test_an_unknown_name_is_refused_with_the_list():
    """As an AttributeError, so that hasattr and copy work."""
    with pytest.raises(AttributeError, match="load_record"):
        docframes.load_recrod  # noqa: B018


def test_importing_docframes_imports_nothing_heavy():
    """No pandas, no Arrow, no plots, no widgets, no server."""
    found = imported_by("import docframes")

    assert "docframes" in found
    assert [name for name in HEAVY if name in found] == []


def test_a_room_imports_neither_plots_nor_widgets_nor_the_sandbox():
    """pandas and requests are its work; the rest is not."""
    found = imported_by("from docframes import validocx")

    assert "docframes.vendors.validocx" in found
    assert [name for name in ROOMY if name in found] == []


def test_importing_reads_no_environment_and_opens_nothing(tmp_path):
    """Settings that cannot work are met when a client is made, and not before; no file is written."""
    statement = "from docframes import validocx, cache, errors"
    environ = {
        "DOCFRAMES_WORKERS": "many",
        "DOCFRAMES_CACHE_DIR": str(tmp_path / "none"),
        "PATH": "",
        "HOME": str(tmp_path),
    }
    subprocess.run([sys.executable, "-B", "-c", statement], env=environ, cwd=tmp_path, check=True)

    assert list(tmp_path.iterdir()) == []


def test_every_room_lists_its_names():
    """Sorted, and each is there."""
    from docframes import validocx

    assert validocx.__all__ == sorted(validocx.__all__)
    assert all(hasattr(validocx, name) for name in validocx.__all__)
