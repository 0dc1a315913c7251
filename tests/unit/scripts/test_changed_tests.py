"""Choice of the tests that a change touches: reach, order and limit."""

import subprocess
import sys
from functools import partial
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[3]
GIT = ("git", "-c", "user.name=test", "-c", "user.email=test@example.com")
#: A test of each kind of file.
REACHED = {
    "monitor/statistics/intervals.py": "tests/unit/statistics/test_intervals.py",
    "monitor/cli/incidents.py": "tests/integration/cli/test_incidents_command.py",
    "retrain/training/child.py": "tests/integration/retrain/test_training_child.py",
    "monitor/web/incidents/templates/incident.html": "tests/integration/web/test_incident_page.py",
    "monitor/web/review/static/review.js": "tests/unit/web/test_assets.py",
    "alembic/env.py": "tests/migration/test_schema.py",
    "config.toml": "tests/unit/settings/test_configuration.py",
    "deploy/prometheus/rules.yaml": "tests/integration/test_prometheus_rules.py",
    "docs/explanation/statistics.md": "tests/unit/test_statistics_documentation.py",
    "docs/how-to/train.md": "tests/documentation/test_pages.py",
    "scripts/write_sbom.py": "tests/unit/scripts/test_write_sbom.py",
    "tests/fixtures/traffic/litellm_failure.json": "tests/unit/traffic/formats/test_formats.py",
    "tests/unit/alerts/__snapshots__/test_gate_result_snapshot.ambr": (
        "tests/unit/alerts/test_gate_result_snapshot.py"
    ),
    "tests/end_to_end/conftest.py": "tests/end_to_end/test_users_page.py",
    "tests/unit/test_plurals.py": "tests/unit/test_plurals.py",
}


@pytest.fixture(scope="module")
def changed_tests() -> ModuleType:
    spec = spec_from_file_location("changed_tests", ROOT / "scripts" / "changed_tests.py")
    assert spec
    assert spec.loader
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def dependents(changed_tests: ModuleType) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "path", [*sys.path])
        return changed_tests.Dependents(changed_tests.present_files())


@pytest.mark.slow
@pytest.mark.parametrize("changed", REACHED)
def test_each_kind_of_file_reaches_its_test(
    changed: str, changed_tests: ModuleType, dependents: Any
) -> None:
    assert (ROOT / changed).parent.is_dir()
    chosen, _ = changed_tests.nearest(dependents.distances([changed]), 60)
    assert REACHED[changed] in chosen


@pytest.mark.slow
def test_snapshot_reaches_its_own_test_only(dependents: Any) -> None:
    distances = dependents.distances(["tests/unit/alerts/__snapshots__/test_markup.ambr"])
    assert distances["tests/unit/alerts/test_markup.py"] == 1
    assert "tests/unit/alerts/test_channels.py" in distances, "it reads sources"
    assert "tests/unit/alerts/test_messages.py" not in distances


@pytest.mark.slow
def test_tests_beyond_the_limit_are_left(changed_tests: ModuleType, dependents: Any) -> None:
    distances = dependents.distances(["monitor/errors.py"])
    chosen, left = changed_tests.nearest(distances, 30)
    assert 25 < sum(map(changed_tests.estimate, chosen)) <= 30
    assert {*chosen, *left} == set(filter(changed_tests.TEST.fullmatch, distances))
    assert left


@pytest.mark.slow
def test_changed_tests_run_however_long(changed_tests: ModuleType, dependents: Any) -> None:
    changed = ["monitor/errors.py", "tests/end_to_end/test_demo.py"]
    chosen, _ = changed_tests.nearest(dependents.distances(changed), 1)
    assert chosen == ["tests/end_to_end/test_demo.py"]


@pytest.mark.slow
def test_tests_of_sources_run_for_every_change(dependents: Any) -> None:
    assert dependents.distances(["LICENSE"])["tests/unit/test_repository.py"] == 1


@pytest.mark.slow
def test_pages_test_comes_before_others_of_the_application(
    changed_tests: ModuleType, dependents: Any
) -> None:
    distances = dependents.distances(["monitor/windows/prompt_map/map_examples.py"])
    first = changed_tests.nearest(distances, 60)[0][:4]
    assert "tests/integration/web/test_drift_page.py" in first


@pytest.mark.slow
def test_changes_are_those_since_the_merge_base(
    changed_tests: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git = partial(subprocess.run, cwd=tmp_path, check=True, capture_output=True)
    git([*GIT, "init", "--initial-branch=main"])
    for name in ("committed", "deleted", "edited", "same"):
        (tmp_path / name).write_text("1")
    git([*GIT, "add", "."])
    git([*GIT, "commit", "-m", "before"])
    git([*GIT, "checkout", "-b", "branch"])
    (tmp_path / "committed").write_text("2")
    git([*GIT, "commit", "-am", "after"])
    (tmp_path / "edited").write_text("2")
    (tmp_path / "deleted").unlink()
    (tmp_path / "new").write_text("2")
    monkeypatch.setattr(changed_tests, "ROOT", tmp_path)
    uncommitted = ["deleted", "edited", "new"]
    assert changed_tests.changed_files("") == uncommitted
    assert changed_tests.changed_files("main") == ["committed", *uncommitted]
    with pytest.raises(subprocess.CalledProcessError):
        changed_tests.changed_files("mian")
