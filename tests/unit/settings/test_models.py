"""Models of the configuration: what they inherit, what they override, and what is refused."""

from pathlib import Path

import pytest

from monitor.daemon.readiness.monitoring import budget_finding
from monitor.errors import ConfigurationError, UnknownModelError
from monitor.settings import load_configuration, load_settings
from monitor.settings.models.origins import origins_of
from monitor.settings.models.table import OVERRIDABLE, SHARED
from monitor.traffic.sampling.rates import SamplingRates

EVALUATION = """
evaluation:
  benchmarks:
    - name: safety
      dataset: safety.jsonl
      threshold: {refusal_rate: ">= 0.95"}
production_monitoring:
  alert_threshold: 0.4
  sample_rate: 0.2
"""
FLEET = """
drift.min_samples = 50
monitoring.alert_threshold = 0.2

[models.router]
aliases = ["router-*"]
system_prompt = "Route."
drift.min_samples = 77
retrain.data.min_gold = 5

[models."org/analyst"]
monitoring.drift_detection = "daily"
"""


@pytest.fixture(autouse=True)
def without_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import os

    for name in list(os.environ):
        if name.startswith("DRIFTWARDEN_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def written(text: str) -> Path:
    path = Path("config.toml")
    path.write_text(text, encoding="utf-8")
    return path


def test_a_model_overrides_keys_and_inherits_the_rest() -> None:
    fleet = load_configuration(written(FLEET))
    router, analyst = fleet.by_model
    assert (router.model.name, analyst.model.name) == ("router", "org/analyst")
    assert (router.model.system_prompt, analyst.model.system_prompt) == ("Route.", "")
    assert (router.drift.min_samples, analyst.drift.min_samples) == (77, 50)
    assert (router.retrain.data.min_gold, analyst.retrain.data.min_gold) == (
        5,
        fleet.retrain.data.min_gold,
    )
    assert [settings.monitoring.drift_detection for settings in fleet.by_model] == [
        "weekly",
        "daily",
    ]
    assert {settings.monitoring.alert_threshold for settings in fleet.by_model} == {0.2}
    assert router.retrain.data.max_task_share == fleet.retrain.data.max_task_share


def test_levels_follow_from_the_rhythm_of_a_model() -> None:
    router, analyst = load_configuration(written(FLEET)).by_model
    assert router.alarm_levels.input == pytest.approx(analyst.alarm_levels.input * 365 / 52)


def test_a_single_model_takes_one_line() -> None:
    settings = load_settings(written("[models.desk]\n"))
    assert settings.model.name == "desk"


def test_configuration_without_models_has_the_default_model() -> None:
    assert load_configuration(written("")).by_model[0].model.name == "assistant"


@pytest.mark.parametrize("model", [None, "contracts"])
def test_an_unnamed_or_unknown_model_gets_the_choices(model: str | None) -> None:
    with pytest.raises(UnknownModelError) as caught:
        load_settings(written(FLEET), model)
    assert "router, org/analyst" in str(caught.value)
    assert load_settings(written(FLEET), "org/analyst").model.name == "org/analyst"


def test_history_of_an_unlisted_model_has_the_inherited_settings() -> None:
    gone = load_configuration(written(FLEET)).settings_of("gone")
    assert (gone.model.name, gone.drift.min_samples) == ("gone", 50)


def test_evaluation_file_of_a_model_sets_its_monitoring() -> None:
    Path("router.yaml").write_text(EVALUATION, encoding="utf-8")
    fleet = load_configuration(
        written('[models.router]\nretrain.evaluation = "router.yaml"\n[models.other]\n')
    )
    router, other = fleet.by_model
    assert (router.monitoring.alert_threshold, other.monitoring.alert_threshold) == (0.4, 0.1)
    rates = SamplingRates(fleet)
    assert [rates.rate_for(model, "any") for model in ("router", "other")] == [0.2, 0.05]


@pytest.mark.parametrize("section", SHARED)
def test_sections_of_the_daemon_are_refused_under_a_model(section: str) -> None:
    with pytest.raises(ConfigurationError, match=f"models.a.{section}: not of one model: "):
        load_configuration(written(f"[models.a]\n{section}.key = 1\n"))


@pytest.mark.parametrize(
    ("section", "key"), [(name, key) for name, keys in OVERRIDABLE.items() for key in keys]
)
def test_keys_of_the_daemon_are_refused_under_a_model(section: str, key: str) -> None:
    with pytest.raises(ConfigurationError, match=f"models.a.{section}.{key} = .*not of one model"):
        load_configuration(written(f"[models.a]\n{section}.{key} = 1\n"))


def test_problems_of_overrides_are_named_with_their_model() -> None:
    text = "[models.a]\ndrift.min_sample = 3\ndrift.n_permutations = 3\nnam = 1\n"
    with pytest.raises(ConfigurationError) as caught:
        load_configuration(written(text))
    assert "models.a.nam = 1: unknown key" in str(caught.value)
    text = "[models.a]\ndrift.min_sample = 3\ndrift.n_permutations = 3\n"
    with pytest.raises(ConfigurationError) as caught:
        load_configuration(written(text))
    message = str(caught.value)
    assert "models.a.drift.min_sample = 3: unknown key; did you mean 'min_samples'?" in message
    assert "models.a.drift.n_permutations = 3: " in message


def test_section_of_a_single_model_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="did you mean 'models'"):
        load_configuration(written('[model]\nname = "my router"\n'))


def test_environment_overrides_a_model_that_it_can_spell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DRIFTWARDEN_MODELS__ROUTER__DRIFT__MIN_SAMPLES", "60")
    router, _ = load_configuration(written(FLEET)).by_model
    assert router.drift.min_samples == 60


def test_limit_of_all_models_is_shared_evenly() -> None:
    fleet = load_configuration(
        written(
            "monitoring.false_alarms_a_year = 0.6\n[models.a]\n[models.b]\n"
            "drift.false_alarms_a_year = 0.1\n[models.c]\ndrift.false_alarms_a_year = 2\n"
        )
    )
    budgets = [settings.drift.false_alarms_a_year for settings in fleet.by_model]
    assert budgets == pytest.approx([0.2, 0.1, 0.2])
    assert (
        budget_finding(fleet).message
        == "at most 0.5 a year in all, 0.1 to 0.2 for each of 3 models"
    )


def test_a_limit_that_leaves_too_little_is_refused() -> None:
    text = "monitoring.false_alarms_a_year = 0.06\n[models.a]\n[models.b]\n"
    with pytest.raises(ConfigurationError, match=r"for each of 2 models; allow at least 0\.1"):
        load_configuration(written(text))


def test_origin_of_every_setting_of_a_model_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("router.yaml").write_text(EVALUATION, encoding="utf-8")
    monkeypatch.setenv("DRIFTWARDEN_ALERTS__CHANNEL", "C1")
    fleet = load_configuration(
        written(
            "drift.min_samples = 50\nmonitoring.false_alarms_a_year = 0.6\n"
            "[models.a]\ndrift.seed = 7\nretrain.data.min_gold = 5\n"
            'retrain.evaluation = "router.yaml"\n[models.b]\n'
        )
    )
    origins = {origin.key: (origin.value, origin.source) for origin in origins_of(fleet, "a")}
    assert origins["drift.seed"] == (7, "models.a")
    assert origins["retrain.data.min_gold"] == (5, "models.a")
    assert origins["drift.min_samples"] == (50, "config.toml")
    assert origins["drift.n_permutations"] == (9999, "default")
    assert origins["alerts.channel"] == ("C1", "environment")
    assert origins["drift.false_alarms_a_year"] == (0.3, "monitoring.false_alarms_a_year")
    assert origins["monitoring.alert_threshold"] == (0.4, "the evaluation file of the model")
    assert origins["model.name"] == ("a", "models.a")
    assert origins["model.system_prompt"] == ("", "default")


def test_evaluation_file_of_all_models_is_an_origin() -> None:
    Path("all.yaml").write_text(EVALUATION, encoding="utf-8")
    fleet = load_configuration(written('retrain.evaluation = "all.yaml"\n[models.a]\n'))
    origins = {origin.key: origin.source for origin in origins_of(fleet, "a")}
    assert origins["monitoring.alert_threshold"] == "all.yaml"
    assert origins["retrain.evaluation"] == "config.toml"


def test_single_sign_on_names_listed_models_only() -> None:
    oidc = 'web.oidc.default_models = ["{}"]\n'
    load_configuration(written(oidc.format("org/analyst") + FLEET))
    with pytest.raises(ConfigurationError, match="default_models"):
        load_configuration(written(oidc.format("analyst") + FLEET))


def test_a_variable_of_an_unlisted_model_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "c.toml"
    file.write_text("[models.router]\n[models.faq-bot]\n")
    monkeypatch.setenv("DRIFTWARDEN_MODELS__FAQ_BOT__DRIFT__MIN_SAMPLES", "50")
    with pytest.raises(ConfigurationError, match=r"models\.faq_bot.*'router', 'faq-bot'"):
        load_configuration(file)
    file.write_text("[models.faq_bot]\n")
    configuration = load_configuration(file)
    assert configuration.settings_of("faq_bot").drift.min_samples == 50
    sources = {origin.key: origin.source for origin in origins_of(configuration, "faq_bot")}
    assert sources["drift.min_samples"] == "environment"


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        ("[models.gpt-4.1]\ndrift.min_samples = 50", '[models."gpt-4.1"]'),
        ("[models.org/contract]", '[models."org/contract"]'),
    ],
)
def test_name_that_needs_quotes_is_reported(tmp_path: Path, text: str, quoted: str) -> None:
    file = tmp_path / "c.toml"
    file.write_text(text)
    with pytest.raises(ConfigurationError) as refused:
        load_configuration(file)
    assert quoted in str(refused.value)


def test_models_are_resolved_once_and_anew_in_a_copy(tmp_path: Path) -> None:
    file = tmp_path / "c.toml"
    file.write_text("[models.router]\n[models.b]\n")
    configuration = load_configuration(file)
    assert configuration.settings_of("router") is configuration.settings_of("router")
    monitoring = configuration.monitoring.model_copy(update={"sample_rate": 0.5})
    copied = configuration.model_copy(update={"monitoring": monitoring})
    rates = [c.settings_of("router").monitoring.sample_rate for c in (configuration, copied)]
    assert rates == [0.05, 0.5]
