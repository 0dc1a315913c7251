"""Examples and paths in the documentation of the formats."""

import json
import random
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from monitor.settings import Traffic
from monitor.traffic import formats
from monitor.traffic.dead_letters import REASONS
from monitor.traffic.exchange import LABELS
from monitor.traffic.formats import FORMATS, Format
from monitor.traffic.formats.plain import LABEL_KEYS
from monitor.traffic.parsing.payload import Payload
from tests.support.traffic import fixture_files
from tests.support.traffic.fixture_files import OCCURRED_AT, decode
from tests.support.traffic.hostile_records import WRONG_VALUES, check, mutated, paths, replaced

DOCS = Path(__file__).resolve().parents[4] / "docs"
REFERENCE = (DOCS / "reference" / "traffic-formats.md").read_text(encoding="utf-8")
FIELDS = (DOCS / "reference" / "formats.md").read_text(encoding="utf-8")
HOW_TO = (DOCS / "how-to" / "add-a-format.md").read_text(encoding="utf-8")


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def documented_records() -> Iterator[Any]:
    """Return each example with the format of its heading."""
    for section in re.split(r"^## ", REFERENCE, flags=re.MULTILINE)[1:]:
        name = section.partition("\n")[0].strip("`")
        for record in blocks(section, "json"):
            yield pytest.param(name, record, id=f"{name}-{len(record)}")


def mapped_options() -> dict[str, Any]:
    """Return the settings on the page."""
    (settings,) = blocks(REFERENCE, "toml")
    return dict(tomllib.loads(settings)["traffic"])


@pytest.mark.parametrize(("name", "record"), [*documented_records()])
def test_a_documented_record_is_read_by_its_format(name: str, record: str) -> None:
    own = name if name in FORMATS else "plain"
    options = mapped_options() if own == "mapped" else {}
    settings = Traffic(**options, join={"enabled": True})
    payload = Payload(record.encode(), fields=settings.fields)
    assert own == next(entry for entry, (read, _) in FORMATS.items() if read(payload) is not None)

    options.pop("format", None)
    decoded = decode(json.loads(record), **options, join={"enabled": True})
    assert decoded.unreadable == []
    halves = [half.exchange for half in decoded.halves]
    times = [result.occurred_at for result in decoded.exchanges + halves]
    times += [feedback.given_at for feedback in decoded.feedback]
    assert {OCCURRED_AT.date()} == {moment.date() for moment in times}
    assert (own == name) == bool(decoded.exchanges)


def test_headings_of_formats_follow_the_table() -> None:
    assert list(FORMATS) == re.findall(r"^## `(\w+)`$", REFERENCE, re.MULTILINE)
    assert list(FORMATS) == re.findall(r"^\| \[`(\w+)`\]", REFERENCE, re.MULTILINE)


@pytest.mark.parametrize("label", LABELS)
def test_key_of_every_label_is_documented(label: str) -> None:
    key = LABEL_KEYS.get(label, label)
    assert f"\n| `{key}` | " in FIELDS, f"add `{key}` to the table of docs/reference/formats.md"


def test_every_reason_of_a_dead_letter_is_documented() -> None:
    for reason in REASONS:
        assert f"`{reason}`" in FIELDS, reason


@pytest.fixture
def acme(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ModuleType:
    """Register the how-to's format."""
    module = ModuleType("monitor.traffic.formats.acme")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    source = blocks(HOW_TO, "python")[0]
    exec(compile(source, "acme.py", "exec"), module.__dict__)
    (line,) = re.findall(r'^"acme": Format\(acme.read, (".*")\),$', HOW_TO, re.MULTILINE)
    entered = {"acme": Format(module.read, line.strip('"')), **FORMATS}
    monkeypatch.setattr(formats, "FORMATS", entered)
    (tmp_path / "acme.json").write_text(blocks(HOW_TO, "json")[0])
    monkeypatch.setattr(fixture_files, "FOLDER", tmp_path)
    return module


def test_the_format_of_the_how_to_passes_its_own_tests(acme: ModuleType) -> None:
    names: dict[str, Any] = {"decode": decode, "load": fixture_files.load}
    exec(compile(blocks(HOW_TO, "python")[1], "test_acme.py", "exec"), names)
    tests = [test for name, test in names.items() if name.startswith("test_")]

    assert len(tests) == 2
    for test in tests:
        test()


def test_the_format_of_the_how_to_is_robust(acme: ModuleType) -> None:
    content = fixture_files.load("acme")
    came_of_it = {
        check(json.dumps(replaced(content, path, wrong)).encode())
        for path in paths(content)
        for wrong in WRONG_VALUES
    }
    assert {"exchange", "wrong_type", "bad_timestamp"} <= came_of_it
    whole, rng = json.dumps(content).encode(), random.Random(3)
    for _ in range(300):
        check(mutated(whole, rng, [whole]))
    assert acme.read(Payload(b'{"prompt": "x"}')) is None
