"""The command: options, exit statuses, JSON, and the table."""

import json
from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion

from monitor.cli.sizing.table import format_bytes, format_count, format_value, render_plan
from monitor.settings import default_configuration
from monitor.sizing.constants import Constants, Measurement
from monitor.sizing.load import load_of
from monitor.sizing.plan import make_plan
from tests.support.command import Run, run_command  # noqa: F401

ROUND = dict.fromkeys(Constants.__dataclass_fields__, 1e-06) | {
    "encoder_max_tokens": 256.0,
    "encoder_dimension": 384.0,
    "bytes_per_token": 4.0,
    "row_bytes": 500.0,
    "evaluation_cpu_seconds": 10.0,
    "evaluation_cpu_seconds_per_exchange": 0.001,
    "evaluation_bytes": 1.5e9,
}


def test_json_has_lines_limits_and_constants(
    run_command: Run,  # noqa: F811
) -> None:
    done = run_command("sizing", "--requests-per-day", "100M", "--json")

    document = json.loads(done.stdout)
    assert done.returncode == 0
    assert document["load"]["requests_per_day"] == 1e8
    assert {"part", "name", "value", "unit", "constants", "note"} == set(document["lines"][0])
    assert document["limits"][0]["is_exceeded"]
    assert document["measurement"]["command"] == "make bench AREA=sizing"


def test_configuration_is_read_and_options_win(
    run_command: Run,  # noqa: F811
    tmp_path: Path,
) -> None:
    (tmp_path / "config.toml").write_text(
        'monitoring.sample_rate = 0.01\nretention.exchanges = "30d"'
    )

    def load(*options: str) -> dict[str, object]:
        done = run_command("sizing", "--requests-per-day", "1M", "--json", *options)
        result: dict[str, object] = json.loads(done.stdout)["load"]
        return result

    assert (load()["sample_rate"], load()["exchange_days"]) == (0.01, 30.0)
    other = load("--sample-rate", "0.5", "--retention", "forever", "--window", "daily")
    assert (other["sample_rate"], other["exchange_days"], other["window"]) == (0.5, None, "daily")
    assert load("--retention", "90d")["exchange_days"] == 90.0


@pytest.mark.parametrize(
    "options",
    [
        ("--requests-per-day", "many"),
        ("--requests-per-day", "0"),
        ("--requests-per-day", "3", "--models", "5"),
        ("--requests-per-day", "1M", "--sample-rate", "0"),
        ("--requests-per-day", "1M", "--sample-rate", "5"),
        ("--requests-per-day", "1M", "--sample-rate", "nan"),
        ("--requests-per-day", "1M", "--models", "0"),
        ("--requests-per-day", "1M", "--peak", "0.5"),
        ("--requests-per-day", "1M", "--peak", "nan"),
        ("--requests-per-day", "1M", "--peak", "inf"),
        ("--requests-per-day", "1M", "--window", "monthly"),
        ("--requests-per-day", "1M", "--retention", "1d"),
        ("--requests-per-day", "1M", "--retention", "long"),
        ("--requests-per-day", "1M", "--prompt-tokens", "-1"),
        ("--requests-per-day", "1M", "--gpu", "0"),
        ("--requests-per-day", "1M", "--database", "mysql"),
        ("--requests-per-day", "1M", "--dead-letter-share", "2"),
        ("--prompt-tokens", "5"),
    ],
    ids=" ".join,
)
def test_bad_options_end_with_status_2(
    run_command: Run,  # noqa: F811
    options: tuple[str, ...],
) -> None:
    done = run_command("sizing", *options)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.strip()
    assert "Traceback" not in done.stderr


def test_broken_configuration_ends_with_status_78(
    run_command: Run,  # noqa: F811
    tmp_path: Path,
) -> None:
    (tmp_path / "config.toml").write_text("monitoring.sample_rate = 3")
    assert run_command("sizing", "--requests-per-day", "1M").returncode == 78


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0.0, "0"),
        (0.00123, "0.0012"),
        (9.99, "10"),
        (999.6, "1,000"),
        (9_999.0, "9,999"),
        (12_345.0, "12.3k"),
        (1.5e9, "1.5G"),
        (1e18, "1E"),
    ],
)
def test_counts_have_three_digits(number: float, text: str) -> None:
    assert format_count(number) == text


def test_values_have_their_units() -> None:
    assert format_bytes(999.0) == "999 B"
    assert format_value(2e9, "bytes/s") == "2 GB/s"
    assert format_value(90.0, "s") == "90 s"
    assert format_value(7200.0, "s") == "2 h"
    assert format_value(0.0123, "share") == "1.2%"
    assert format_value(None, "share") == "not enough data"


def test_table_snapshot(snapshot: SnapshotAssertion) -> None:
    load = load_of(default_configuration(), {"requests_per_day": 1e7, "database": "postgresql"})
    measurement = Measurement("a machine", "2026-11-28", "a command", Constants(**ROUND))
    assert render_plan(make_plan(load, measurement.constants), measurement) == snapshot
