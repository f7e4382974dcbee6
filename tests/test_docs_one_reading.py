"""The walk names only files and functions that are there, and every picture of the docs is a file."""

import importlib
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

ROOT = Path(__file__).parent.parent
WALK = (ROOT / "docs" / "one-reading.md").read_text(encoding="utf-8")
STEPS = re.findall(r"`([\w/]+\.py)` · `([\w.]+)`", WALK)


def test_the_walk_goes_through_every_stage() -> None:
    folders = {file.split("/")[1] for file, _ in STEPS if file.startswith("engine/")}
    assert {"intake", "log", "detect", "store", "duty"} <= folders
    assert len(STEPS) > 30


@pytest.mark.parametrize(("file", "name"), STEPS, ids=[f"{file} {name}" for file, name in STEPS])
def test_what_the_walk_names_is_there(file: str, name: str) -> None:
    assert (ROOT / file).exists()
    found = importlib.import_module(file.removesuffix(".py").replace("/", "."))
    for part in name.split("."):
        found = getattr(found, part)


@pytest.mark.parametrize("page", sorted((ROOT / "docs").glob("*.md")), ids=lambda page: page.name)
def test_pictures_and_pages_that_the_docs_link_to_are_there(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:|#)([^)#\s]+)", page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_the_drawn_picture_says_what_it_shows_and_has_a_dark_side() -> None:
    text = (ROOT / "docs" / "img" / "shape.svg").read_text(encoding="utf-8")
    root = ElementTree.fromstring(text)
    assert [root.find(f"{{http://www.w3.org/2000/svg}}{tag}") is not None for tag in ("title", "desc")] == [True, True]
    assert "prefers-color-scheme: dark" in text
