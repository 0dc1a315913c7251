"""Hot paths do no more work than hot_paths.toml says: counts that noise doesn't reach.

A test that fails shows the table to write. A count that rises needs a reason there.
"""

import sys
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import asdict, fields
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from monitor.traffic.redaction import exchanges
from tests.support.hot_paths.counted_work import Counts, count
from tests.support.hot_paths.paths import HOT_PATHS
from tests.support.hot_paths.scanned_text import ScannedText

FILE = Path(__file__).with_name("hot_paths.toml")
STORED: dict[str, Any] = tomllib.loads(FILE.read_text(encoding="utf-8"))
KINDS = [field.name for field in fields(Counts)]
#: Paths that take less than two seconds; in the others work is planted by `make drills`.
SHORT = ("record outside the sample", "sampled record", "page of review")
#: Largest difference to the stored count, as a share of it; of memory besides, in kilobytes.
BOUND, SLACK_KILOBYTES = 0.1, 64
#: Work that is planted, as a share of the path's.
PLANTED = 5

Counting = Callable[[str, int], Counts]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        f"{sys.version_info.major}.{sys.version_info.minor}" != STORED["python"],
        reason=f"the counts of calls are of Python {STORED['python']}",
    ),
]


@pytest.fixture(scope="module")
def count_of(tmp_path_factory: pytest.TempPathFactory) -> Counting:
    """Count a run of some size; before the first one, a run makes all imports and caches."""

    @cache
    def warm(name: str) -> None:
        path = HOT_PATHS[name]
        with path.prepare(tmp_path_factory.mktemp("warm"), path.warm_up) as work:
            work()

    def count_run(name: str, n: int) -> Counts:
        warm(name)
        path = HOT_PATHS[name]
        prepared = path.prepare(tmp_path_factory.mktemp("counted"), n)
        return count(prepared, with_memory=path.with_memory)

    return count_run


def differences(counts: Counts, stored: Mapping[str, Any]) -> list[str]:
    """Return the counts that are beyond the bound, above or below."""
    beyond = []
    for kind, n in asdict(counts).items():
        limit = BOUND * stored[kind] + SLACK_KILOBYTES * (kind == "peak_kilobytes")
        if abs(n - stored[kind]) > limit:
            beyond.append(f"{kind}: {n} where {stored[kind]} is stored")
    return beyond


def table_of(name: str, counts: Counts) -> str:
    """Return the table to write into the file of counts."""
    lines = "".join(f"{kind} = {n}\n" for kind, n in asdict(counts).items())
    return f'["{name}"]\n{lines}since = DATE\nreason = "WRITE IT"\n'


@pytest.mark.parametrize("name", HOT_PATHS)
def test_hot_path_does_the_stored_work(name: str, count_of: Counting) -> None:
    counts = count_of(name, HOT_PATHS[name].size)
    beyond = differences(counts, STORED[name])
    assert beyond == [], f"find the work, or write into {FILE.name}:\n{table_of(name, counts)}"


@pytest.mark.parametrize("name", SHORT)
def test_fifth_of_the_work_done_twice_is_noticed(name: str, count_of: Counting) -> None:
    again = count_of(name, HOT_PATHS[name].size // PLANTED)
    with_planted = STORED[name] | {"calls": STORED[name]["calls"] + again.calls}
    [line] = differences(Counts(**{kind: with_planted[kind] for kind in KINDS}), STORED[name])
    assert line.startswith("calls")


@pytest.mark.drill
@pytest.mark.parametrize("name", HOT_PATHS)
def test_planted_slowdown_fails_the_guard(name: str, count_of: Counting) -> None:
    size = HOT_PATHS[name].size
    assert differences(count_of(name, size + size // PLANTED), STORED[name])


def test_redaction_scans_the_stored_characters(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, stored = HOT_PATHS["sampled record"], STORED["redaction of sampled records"]
    scanned, once = ScannedText(monkeypatch), exchanges.find_in_turns

    def count_characters(folder: Path) -> int:
        folder.mkdir()
        before = scanned.n_characters
        with path.prepare(folder, path.size) as work:
            work()
        return scanned.n_characters - before

    as_it_is = count_characters(tmp_path / "once")
    monkeypatch.setattr(exchanges, "find_in_turns", lambda *turns: once(*turns) and once(*turns))
    planted = count_characters(tmp_path / "twice")
    assert as_it_is == pytest.approx(stored["characters"], rel=BOUND), f"{as_it_is} characters"
    assert planted > (1 + BOUND) * as_it_is


def test_every_stored_count_has_a_path_and_a_reason() -> None:
    assert {*STORED} - {"python"} == {*HOT_PATHS, "redaction of sampled records"}
    for name in {*STORED} - {"python"}:
        assert isinstance(STORED[name]["since"], date)
        assert len(STORED[name]["reason"]) > 5
