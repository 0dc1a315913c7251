"""The capacity page has the figures that the command computes."""

import importlib.util
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


def test_tables_of_the_page_are_those_of_the_model(monkeypatch: pytest.MonkeyPatch) -> None:
    path = ROOT / "scripts" / "capacity_tables.py"
    spec = importlib.util.spec_from_file_location("capacity_tables", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "capacity_tables", module)
    spec.loader.exec_module(module)

    text = module.PAGE.read_text(encoding="utf-8")
    assert text == module.capacity_page(text), "outdated: run `make docs`"
    assert text.count("| 1M a day | 100M a day | 10G a day |") == 1
