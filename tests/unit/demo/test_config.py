"""Consistency of the demo's config.toml with its settings."""

from pathlib import Path

from monitor.demo.workspace import write_config
from monitor.settings import default_configuration, load_configuration


def test_sections_in_sections_come_back_as_they_were(tmp_path: Path) -> None:
    retrain = {
        "work_dir": "runs",
        "data": {"min_duplicate_similarity": 1.0, "group_by": ["user"]},
    }
    configuration = default_configuration(
        models={"desk": {"retrain": retrain}, "desk.v2": {"system_prompt": "Route."}},
        retrain={"work_dir": "elsewhere"},
    )
    write_config(tmp_path, configuration)

    read = load_configuration(tmp_path / "config.toml")
    assert configuration.model_dump() == read.model_dump()
