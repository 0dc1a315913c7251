"""Template and static file names, which share one flat namespace."""

import re
from collections import Counter
from pathlib import Path

import pytest

from monitor.web.templates import page_folders
from monitor.windows.report.page import STYLES


@pytest.mark.parametrize("kind", ["templates", "static"])
def test_file_names_are_unique_over_features(kind: str) -> None:
    names = Counter(path.name for folder in page_folders(kind) for path in folder.iterdir())
    if kind == "static":
        names += Counter(path.name for path in Path(STYLES).iterdir())
    assert names
    assert [name for name, n in names.items() if n > 1] == []


def test_a_colour_scheme_changes_colours_only() -> None:
    """By `light-dark()`, which takes nothing but colours; the browser tests rely on it."""
    folders = [*page_folders("static"), Path(STYLES), *page_folders("templates")]
    assets = [path for folder in folders for path in folder.iterdir()]
    texts = {path.name: path.read_text() for path in assets if path.suffix != ".woff2"}
    assert "light-dark(" in texts["palette.css"]
    assert [name for name, text in texts.items() if "prefers-color-scheme" in text] == []


#: Spacing and type of a declaration, and the words that its value may have beside the scale's.
SIZED = re.compile(
    r"(?<![\w-])((?:margin|padding)[a-z-]*|(?:row-|column-)?gap|font-size|font):([^;}]+)"
)
OUTSIDE_THE_SCALE = re.compile(r"(?<![\w-])\d*\.?\d+(?:rem|em|px|pt|%)")


def test_spacing_and_type_are_from_one_scale() -> None:
    folders = [*page_folders("static"), Path(STYLES)]
    styles = [path for folder in folders for path in folder.iterdir() if path.suffix == ".css"]
    texts = {path.name: path.read_text() for path in styles}
    names = set(re.findall(r"(--(?:space|type|drawn)-\w+):", texts["palette.css"]))
    assert len(names) > 20
    outside, used = [], set()
    for name, text in texts.items():
        used |= set(re.findall(r"var\((--(?:space|type|drawn)-\w+)", text))
        for prop, value in SIZED.findall(text):
            is_root = prop == "font" and "16px/1.55" in value
            if OUTSIDE_THE_SCALE.search(value) and not is_root:
                outside.append(f"{name}: {prop}:{value}")
    assert outside == []
    assert used == names


def test_pages_with_a_live_part_load_htmx_once() -> None:
    """By the frame of all pages: a live part is in a page of the frame, or in a part of one."""
    folders = page_folders("templates")
    texts = {path.name: path.read_text() for folder in folders for path in folder.iterdir()}
    loading = [name for name, text in texts.items() if "/vendor/htmx/" in text]
    assert (loading, texts["base.html"].count("/vendor/htmx/")) == (["base.html"], 1)
    assert texts["base.html"].count("htmx-config") == 1
    live = {name for name, text in texts.items() if 'hx-trigger="every' in text}
    assert {"progress.html", "run_state.html", "rollout_state.html"} <= live

    def is_in_frame(name: str) -> bool:
        users = [page for page, text in texts.items() if f'include "{name}"' in text]
        return 'extends "base.html"' in texts[name] or (
            bool(users) and all(map(is_in_frame, users))
        )

    assert [name for name in live if not is_in_frame(name)] == []


def test_each_page_with_keys_lists_them() -> None:
    """The hint of a key without an action names the key that lists them."""
    scripts = [path for folder in page_folders("static") for path in folder.glob("*.js")]
    listening = {path.stem: text for path in scripts if "\nlisten({" in (text := path.read_text())}
    assert len(listening) >= 5
    assert [name for name, text in listening.items() if '"?": ()' not in text] == []
