"""Records of the traffic generator of deploy/compose, decoded by the daemon."""

import importlib.util
import itertools
import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from monitor.demo.topics import CHANGED_TOPIC, KNOWN_TOPICS

ROOT = Path(__file__).resolve().parents[3]
SCRIPT = ROOT / "deploy" / "compose" / "traffic" / "generate.py"
TUESDAY = datetime(2026, 11, 24, 16, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def generate() -> ModuleType:
    spec = importlib.util.spec_from_file_location("traffic_generator", SCRIPT)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def weeks(generate: ModuleType) -> list[dict[str, Any]]:
    return list(generate.history(4, 1200, TUESDAY, seed=1, model="assistant"))


def test_history_is_whole_weeks_up_to_last_monday(weeks: list[dict[str, Any]]) -> None:
    monday = datetime(2026, 11, 23, tzinfo=UTC)
    moments = [datetime.fromisoformat(exchange["timestamp"]) for exchange in weeks]
    assert sorted(moments) == moments
    assert moments[0] == monday - timedelta(weeks=4)
    assert moments[-1] < monday
    per_week = [
        sum(
            monday - timedelta(weeks=back) <= m < monday - timedelta(weeks=back - 1)
            for m in moments
        )
        for back in (4, 3, 2, 1)
    ]
    assert per_week == [1200] * 4


def test_ids_are_unique_even_across_runs(generate: ModuleType, weeks: list[dict[str, Any]]) -> None:
    live = list(itertools.islice(generate.live(seed=1, model="assistant"), 600))
    ids = [exchange["id"] for exchange in [*weeks, *live]]
    assert len(ids) == len(set(ids))


def test_the_same_seed_writes_the_same(generate: ModuleType) -> None:
    first = list(generate.baseline(600, seed=3, model="assistant"))
    assert first == list(generate.baseline(600, seed=3, model="assistant"))
    assert first != list(generate.baseline(600, seed=4, model="assistant"))


def test_only_the_last_week_has_unknown_topics(
    weeks: list[dict[str, Any]],
) -> None:
    def asks_to_lower(exchange: dict[str, Any]) -> bool:
        prompt = exchange["prompt"][-1]["content"].lower()
        return exchange["task_type"] == CHANGED_TOPIC.menu and any(
            word in prompt for word in ("lower", "smaller", "reduce", "cut it", "decrease")
        )

    assert not any(asks_to_lower(exchange) for exchange in weeks[:3600])
    assert any(asks_to_lower(exchange) for exchange in weeks[3600:])


def test_router_responds_by_the_menu_alone(weeks: list[dict[str, Any]]) -> None:
    responses = {topic.menu: topic.route for topic in KNOWN_TOPICS}
    assert all(responses[exchange["task_type"]] == exchange["response"] for exchange in weeks)


def test_a_file_with_a_bad_line_names_the_line(generate: ModuleType, tmp_path: Path) -> None:
    path = tmp_path / "own.jsonl"
    path.write_text('{"prompt": "a"}\n\nnot json\n', encoding="utf-8")
    with pytest.raises(SystemExit, match=r"own\.jsonl:3: not JSON"):
        list(generate.file_lines(path))


def test_the_baseline_goes_to_standard_output() -> None:
    done = subprocess.run(
        [sys.executable, SCRIPT, "baseline", "--n", "20"],
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT), "PATH": ""},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(lines) == 20
    assert all({"id", "timestamp", "prompt", "response"} <= line.keys() for line in lines)
