"""Renamed keys: refused with the new name and value."""

from pathlib import Path

import pytest

from monitor.errors import ConfigurationError
from monitor.settings import all_sections, load_settings
from monitor.settings.problems.renamed_keys import RENAMED_KEYS


def refusal(path: Path, key: str, value: str) -> str:
    section, _, name = key.rpartition(".")
    path.write_text(f"[{section}]\n{name} = {value}\n", encoding="utf-8")
    with pytest.raises(ConfigurationError) as caught:
        load_settings(path)
    return str(caught.value)


@pytest.mark.parametrize("key", RENAMED_KEYS)
def test_an_old_key_is_refused_with_its_new_name(tmp_path: Path, key: str) -> None:
    new = RENAMED_KEYS[key].name
    section, _, name = new.rpartition(".")
    assert name in all_sections()[section].model_fields
    assert f"write {new} = " in refusal(tmp_path / "c.toml", key, "1")


@pytest.mark.parametrize(
    ("key", "value", "written"),
    [
        ("review.lease_minutes", "20.0", 'review.lease = "20m"'),
        ("review.lease_minutes", "0.5", 'review.lease = "30s"'),
        ("rollout.dwell_hours", "48", 'rollout.min_dwell = "48h"'),
        ("kafka.session_timeout_seconds", "0.25", 'kafka.session_timeout = "250ms"'),
        ("retention.exchanges_days", "0", 'retention.exchanges = ""'),
        ("retention.exchanges_days", "90", 'retention.exchanges = "90d"'),
        ("review.window_weeks", "4", 'review.decision_window = "4w"'),
        ("rollout.steps", "[5, 100]", "rollout.stages = [5, 100]"),
        ("rollout.gateway_routes", '"/r.json"', 'rollout.envoy.routes = "/r.json"'),
        ("kafka.start_at", '"latest"', 'kafka.auto_offset_reset = "latest"'),
        ("drift.minimum_mass", "0.02", "drift.min_drifted_share = 0.02"),
        ("review.lease_minutes", '"long"', "a duration such as"),
        ("drift.alpha", "0.005", "drift.false_alarms_a_year = 0.5"),
        ("drift.alpha", "0.01", "drift.false_alarms_a_year = 1"),
        ("drift.alpha", '"low"', "drift.false_alarms_a_year = 0.5"),
        ("drift.slow_alpha", "0.05", "drift.false_alarms_a_year = 0.5"),
    ],
)
def test_the_refusal_converts_the_value(tmp_path: Path, key: str, value: str, written: str) -> None:
    assert written in refusal(tmp_path / "c.toml", key, value)


def test_an_old_key_in_the_environment_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DRIFTWARDEN_WEB__OIDC__CREATE_PEOPLE", "true")
    with pytest.raises(ConfigurationError, match=r"write web\.oidc\.create_users = "):
        load_settings()


def test_a_section_in_two_forms_is_explained(tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    path.write_text('kafka.topic = "x"\n[kafka]\ngroup_id = "g"\n', encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"either a \[table\] or dotted keys"):
        load_settings(path)
