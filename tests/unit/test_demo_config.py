"""What the demo leaves behind opens with the other commands."""

from pathlib import Path

from monitor.demo.stage import write_config
from monitor.settings import default_settings, load_settings


def test_the_configuration_that_the_demo_leaves_says_what_it_used(tmp_path: Path) -> None:
    settings = default_settings(
        model={"name": "desk"},
        retrain={
            "gates": {"gate": "point"},
            "work_dir": "elsewhere",
            "scoring": {"max_new_tokens": 12},
        },
        review={"queue": "on_drift"},
    )
    write_config(tmp_path, settings)
    assert load_settings(tmp_path / "config.toml") == settings
