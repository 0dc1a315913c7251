"""Renamed keys: refused with the new name and value."""

from pathlib import Path

import pytest

from monitor.errors import ConfigurationError
from monitor.settings import all_sections, load_settings
from monitor.settings.problems.renamed_keys import REMOVED_KEYS, RENAMED_KEYS


def refusal(path: Path, key: str, value: str) -> str:
    section, _, name = key.rpartition(".")
    path.write_text(f"[{section}]\n{name} = {value}\n", encoding="utf-8")
    with pytest.raises(ConfigurationError) as caught:
        load_settings(path)
    return str(caught.value)


@pytest.fixture
def renamed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let `review.lease` have had another name, and a key of `[rollout]` be gone."""
    monkeypatch.setitem(RENAMED_KEYS, "review.hold", "review.lease")
    monkeypatch.setitem(RENAMED_KEYS, "web.oidc.create_people", "web.oidc.create_users")
    monkeypatch.setitem(REMOVED_KEYS, "rollout.min_samples", "each check is waited for")


def test_present_names_are_settings_and_old_ones_are_not() -> None:
    sections = all_sections()
    known = {f"{name}.{key}" for name in sections for key in sections[name].model_fields}
    assert set(RENAMED_KEYS.values()) <= known
    assert not known & (RENAMED_KEYS.keys() | REMOVED_KEYS.keys())


@pytest.mark.usefixtures("renamed")
def test_an_old_key_is_refused_with_its_new_name(tmp_path: Path) -> None:
    assert 'write review.lease = "20m"' in refusal(tmp_path / "c.toml", "review.hold", '"20m"')


@pytest.mark.usefixtures("renamed")
def test_an_old_key_of_a_model_keeps_its_table(tmp_path: Path) -> None:
    message = refusal(tmp_path / "c.toml", "models.a.review.hold", '"20m"')
    assert 'write models.a.review.lease = "20m"' in message


@pytest.mark.usefixtures("renamed")
def test_a_removed_key_is_refused_with_the_reason(tmp_path: Path) -> None:
    message = refusal(tmp_path / "c.toml", "rollout.min_samples", "30")
    assert "no longer a setting: each check is waited for" in message


@pytest.mark.usefixtures("renamed")
def test_an_old_key_in_the_environment_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DRIFTWARDEN_WEB__OIDC__CREATE_PEOPLE", "true")
    with pytest.raises(ConfigurationError, match=r"write web\.oidc\.create_users = "):
        load_settings()


def test_a_section_in_two_forms_is_explained(tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    path.write_text('kafka.topic = "x"\n[kafka]\ngroup_id = "g"\n', encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"either a \[table\] or dotted keys"):
        load_settings(path)
