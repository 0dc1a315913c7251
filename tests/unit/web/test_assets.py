"""Template and static file names, which share one flat namespace."""

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
