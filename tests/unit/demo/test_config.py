"""Consistency of the demo's config.toml with its settings."""

from pathlib import Path

from monitor.demo.workspace import write_config
from monitor.settings import default_settings, load_settings


def test_sections_in_sections_come_back_as_they_were(tmp_path: Path) -> None:
    settings = default_settings(
        model={"name": "desk"},
        retrain={
            "work_dir": "runs",
            "data": {"min_duplicate_similarity": 1.0, "group_by": ["user"]},
        },
    )
    write_config(tmp_path, settings)

    read = load_settings(tmp_path / "config.toml")
    assert settings.model_dump() == read.model_dump()
