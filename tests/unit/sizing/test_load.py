"""The load of a configuration and options."""

from pathlib import Path

import pytest

from monitor.errors import InputError
from monitor.settings import load_configuration
from monitor.sizing.load import load_of, parse_number
from tests.support.refusals import refusal


@pytest.mark.parametrize(
    ("text", "number"),
    [
        *(("1", 1.0), ("250000", 250e3), ("1e6", 1e6), ("1.5M", 1.5e6), (" 100 M ", 1e8)),
        *(("10G", 1e10), ("2T", 2e12), ("3k", 3e3), ("1_000", 1e3), ("0.5", 0.5)),
    ],
)
def test_numbers_are_read_with_suffixes(text: str, number: float) -> None:
    assert parse_number(text, "--n") == pytest.approx(number)


@pytest.mark.parametrize(
    "text", ["", "many", "nan", "inf", "10g", "10 GB", "1,000", "1M2", "_", "e6", "--", "1e", "٣x"]
)
def test_invalid_number_is_refused(text: str) -> None:
    with refusal("not_a_number", InputError):
        parse_number(text, "--requests-per-day")


@pytest.mark.parametrize("text", ["0", "-5", "1e19", "2000000T", "1e400", "-1M"])
def test_numbers_out_of_range_are_refused(text: str) -> None:
    with refusal("out_of_range", InputError):
        parse_number(text, "--requests-per-day")


CONFIGURATION = """\
models.router.aliases = []
models.router.review = {weekly_budget = 40}
models.writer.aliases = []
monitoring.sample_rate = 0.02
monitoring.drift_detection = "daily"
monitoring.large_changes = "daily"
monitoring.max_evaluation_time = "2h"
retention.exchanges = "60d"
retention.dead_letters = "10d"
retention.observations = ""
rollout.canary_rate = 0.5
rollout.min_dwell = "24h"
database.url = "postgresql+psycopg2://db/driftwarden"
"""


def test_settings_of_the_site_are_read_and_options_win(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(CONFIGURATION)
    configuration = load_configuration(path)

    load = load_of(configuration, {"requests_per_day": 1e6})
    assert (0.02, 2, "daily", 1.0) == (
        load.sample_rate,
        load.n_models,
        load.window,
        load.looks_per_day,
    )
    assert (60.0, 10.0, None) == (load.exchange_days, load.dead_letter_days, load.observation_days)
    assert ("postgresql", 7200.0, 140.0) == (
        load.database,
        load.max_evaluation_seconds,
        load.review_items,
    )
    assert load.stages[0].share == pytest.approx(0.05 * 0.5 + 0.95 * (0.5 * 4 * 0.05 / 0.95))
    assert load.stages[0].days == 1.0

    options = {"sample_rate": 0.5, "n_models": 4, "window": "weekly", "exchange_days": None}
    other = load_of(configuration, {"requests_per_day": 1e6, **options})
    assert (0.5, 4, "weekly", None) == (
        other.sample_rate,
        other.n_models,
        other.window,
        other.exchange_days,
    )
    assert other.review_items == 280.0
    assert other.level > load.level  # a week spends more of the budget than a day


def test_settings_that_the_model_leaves_out_are_named(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(
        "models.a.monitoring = {drift_detection = 'daily'}\nmodels.b.aliases = []\n"
        "redaction.presidio = true\nembedding.model = '/srv/encoder'\ntraffic.join.enabled = true\n"
        "traffic.version_header = 'x-version'\ntraffic.min_samples_per_task_type = 50\n"
        "traffic.rates = [{task_type = 'legal', rate = 1.0}]\n"
    )
    load = load_of(load_configuration(path), {"requests_per_day": 1e6})
    names = [remark.partition(":")[0] for remark in load.left_out]
    assert names == [
        "traffic.rates",
        "traffic.min_samples_per_task_type",
        "traffic.join",
        "redaction.presidio",
        "embedding.model",
        "monitoring of single models",
    ]
    assert not load.has_version_header  # halves don't both carry it
    assert load_of(load_configuration(), {"requests_per_day": 1e6}).left_out == ()


def test_more_models_than_requests_are_refused() -> None:
    with refusal("bad_combination", InputError):
        load_of(load_configuration(), {"requests_per_day": 3.0, "n_models": 5})
