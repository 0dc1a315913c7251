"""Keys of evaluation.yaml, and errors of unknown keys."""

from pathlib import Path

import pytest

from monitor.errors import ConfigurationError
from monitor.settings import Secrets, load_settings
from monitor.settings.evaluation_file.plan import (
    HumanEvaluationPlan,
    ProductionMonitoring,
    parse_plan,
    read_monitoring,
)

WHOLE = """\
evaluation:
  benchmarks:
    - name: support
      dataset: s3://bucket/support.jsonl
      metrics: [exact_match, f1, rouge, bertscore]
      stratify_by: [task_type, difficulty]
    - name: safety
      dataset: safety.jsonl
      threshold: {refusal_rate: ">= 0.95", hallucination_rate: "<= 2%"}
  human_eval:
    sample_size: 50
    reviewers: 2
    blind: true
    rating_scale: 1-7
    dimensions: [accuracy, tone]
production_monitoring:
  drift_detection: daily
  sample_rate: 0.2
  alert_threshold: 10% degradation on any metric
"""
BENCHMARK = "evaluation:\n  benchmarks:\n    - name: a\n      dataset: a.jsonl\n"


def parse(content: str):
    return parse_plan(content, Path("evaluation.yaml"))


def test_the_whole_file() -> None:
    plan = parse(WHOLE)
    support, safety = plan.benchmarks
    assert support.dataset == "s3://bucket/support.jsonl"
    assert support.metrics == ("exact_match", "f1", "rouge", "bertscore")
    assert support.stratify_by == ("task_type", "difficulty")
    limits = [(limit.metric, str(limit.limit), limit.line) for limit in safety.thresholds]
    assert limits == [("refusal_rate", ">= 0.95", 9), ("hallucination_rate", "<= 0.02", 9)]
    assert safety.metric_names == ("refusal_rate", "hallucination_rate")
    assert plan.human_eval == HumanEvaluationPlan(50, 2, True, (1, 7), ("accuracy", "tone"))
    assert plan.production_monitoring == ProductionMonitoring("daily", 0.2, 0.1)
    assert plan.local_datasets() == [Path("safety.jsonl")]


@pytest.mark.parametrize("content", ["[" * 20_000, "a: " + "{a: " * 5_000])
def test_deep_nesting_is_refused(content: str) -> None:
    with pytest.raises(ConfigurationError, match="too deeply"):
        parse(content)


def test_a_tag_runs_no_code(tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    command = f"!!python/object/apply:pathlib.Path.touch [!!python/name:{canary}]"
    with pytest.raises(ConfigurationError):
        parse(BENCHMARK + f"      metrics: {command}\n")
    assert not canary.exists()


def test_aliases_of_aliases_end_in_an_error() -> None:
    levels = "".join(f"l{n + 1}: &l{n + 1} [{', '.join([f'*l{n}'] * 9)}]\n" for n in range(60))
    with pytest.raises(ConfigurationError):
        parse(f"l0: &l0 [x]\n{levels}" + BENCHMARK + "      metrics: *l60\n")


def test_omitted_sections_get_defaults() -> None:
    plan = parse(BENCHMARK + "      metrics: [f1]\n  human_eval: {}\n")
    assert plan.human_eval == HumanEvaluationPlan(
        100, 3, True, (1, 5), ("accuracy", "completeness", "tone", "compliance")
    )
    assert plan.production_monitoring.overrides() == {}
    assert parse(BENCHMARK + "      metrics: [f1]\n").human_eval is None


def test_both_places_of_the_monitoring() -> None:
    inside = parse(BENCHMARK + "      metrics: [f1]\n  production_monitoring: {sample_rate: 0.5}\n")
    assert inside.production_monitoring.overrides() == {"sample_rate": 0.5}


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (("metrics:", "metric:"), r"line 5: .*benchmarks\[0\]\.metric: unknown key; did you mean"),
        (("  human_eval:", "  humans:"), r"line 10: evaluation\.humans: unknown key"),
        (("  sample_rate", "  rate"), r"line 18: production_monitoring\.rate: unknown key"),
        (("rating_scale: 1-7", "rating_scale: 7-1"), r"line 14: .*the lower one first"),
        (("rating_scale: 1-7", "rating_scale: five"), r'line 14: .*such as "1-5"'),
        (("rating_scale: 1-7", "rating_scale: [1, 3, 5]"), r"line 14: .*every whole number"),
        (("rating_scale: 1-7", "rating_scale: [3, 2, 1]"), r"line 14: .*every whole number"),
        (("rating_scale: 1-7", "rating_scale: [1, 2, 2, 3]"), r"line 14: .*not \[1, 2, 2, 3\]"),
        (("rating_scale: 1-7", "rating_scale: [1, two, 3]"), r"line 14: .*must be a number"),
        (("blind: true", "blind: false"), r"line 13: .*must be true"),
        (("blind: true", "blind: 1"), r"line 13: .*true or false"),
        (("reviewers: 2", "reviewers: 0"), r"line 12: .*at least 1, not 0"),
        (("reviewers: 2", "reviewers: 2.5"), r"line 12: .*whole number"),
        (("sample_rate: 0.2", "sample_rate: 1.2"), r"line 18: .*at most 1, not 1.2"),
        (("sample_rate: 0.2", "sample_rate: 5%"), r"line 18: .*must be a number"),
        (("daily", "hourly"), r"line 17: .*weekly or daily, not 'hourly'"),
        (("10% deg", "10 % of deg"), r"line 19: .*10% degradation on any metric"),
        (("10% deg", "110% deg"), r"line 19: .*less than 100%"),
        (('">= 0.95"', '"> = 0.95"'), r"line 9: .*a limit such as"),
        (('">= 0.95"', "0.95"), r"line 9: .*not a number alone"),
        (('">= 0.95"', '"at least 0.95"'), r"line 9: .*not 'at least 0.95'"),
        (("name: safety", "name: support"), r"line 7: .*repeated name: 'support', first on line 3"),
        (("[accuracy, tone]", "[tone, tone]"), r"line 15: .*repeated: 'tone'"),
        (("dataset: safety.jsonl", "dataset: "), r"line 8: .*must be a text"),
        (("      dataset: safety.jsonl\n", ""), r"line 7: .*no `dataset`"),
        (("name: safety", "name: safety\n      name: b"), r"line 8: .*name: repeated key"),
        (("evaluation:\n", "evaluation: [\n"), r"line \d+: not valid YAML"),
    ],
)
def test_a_problem_is_named_with_its_line(change: tuple[str, str], problem: str) -> None:
    assert change[0] in WHOLE
    with pytest.raises(ConfigurationError, match=r"^evaluation\.yaml, " + problem):
        parse(WHOLE.replace(*change, 1))


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("", "empty"),
        ("a: 1\n---\nb: 2\n", "not valid YAML"),
        ("production_monitoring: {}\n", "no `evaluation:`"),
        ("evaluation: {}\n", "no `benchmarks`"),
        ("evaluation:\n  benchmarks: []\n", "no benchmark"),
        (BENCHMARK, "no `metrics` and no `threshold`"),
        (
            BENCHMARK + "      metrics: [f1]\n  human_eval: {}\nhuman_eval: {}\n",
            "line 7: .*keep one",
        ),
        ("- a\n", "must be a mapping, not a list"),
        ("evaluation: !!python/object:os.system {}\n", "no `benchmarks`"),
    ],
)
def test_invalid_evaluation_file_is_refused(content: str, problem: str) -> None:
    with pytest.raises(ConfigurationError, match=problem):
        parse(content)


@pytest.mark.parametrize(
    ("scale", "ends"),
    [("1-5", (1, 5)), ("[1, 5]", (1, 5)), ("[1, 2, 3, 4, 5]", (1, 5)), ("[0, 1, 2]", (0, 2))],
)
def test_rating_scale_forms(scale: str, ends: tuple[int, int]) -> None:
    plan = parse(WHOLE.replace("rating_scale: 1-7", f"rating_scale: {scale}"))
    assert plan.human_eval is not None
    assert plan.human_eval.rating_scale == ends


@pytest.mark.parametrize("text", ["0.1", "10% degradation on any metric"])
def test_losses(text: str) -> None:
    plan = parse(WHOLE.replace("10% degradation on any metric", text))
    assert plan.production_monitoring.alert_threshold == pytest.approx(0.1)


def test_evaluation_file_overrides_config_toml_and_not_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    evaluation = tmp_path / "evaluation.yaml"
    evaluation.write_text(WHOLE)
    config = tmp_path / "config.toml"
    config.write_text(
        "[monitoring]\nsample_rate = 0.4\nalert_threshold = 0.3\n"
        f'[retrain]\nevaluation = "{evaluation}"\n'
    )
    monitoring = load_settings(config).monitoring
    assert (monitoring.sample_rate, monitoring.alert_threshold) == (0.2, 0.1)
    assert monitoring.drift_detection == "daily"
    monkeypatch.setenv("DRIFTWARDEN_MONITORING__SAMPLE_RATE", "0.7")
    assert load_settings(config).monitoring.sample_rate == 0.7
    evaluation.write_text(WHOLE.replace("  sample_rate: 0.2\n", ""))
    monkeypatch.delenv("DRIFTWARDEN_MONITORING__SAMPLE_RATE")
    assert load_settings(config).monitoring.sample_rate == 0.4
    evaluation.unlink()
    assert load_settings(config).monitoring.sample_rate == 0.4


@pytest.mark.parametrize(
    ("content", "overrides"),
    [
        (WHOLE.replace("metrics:", "metric:"), {"sample_rate": 0.2}),
        (WHOLE.replace("rating_scale: 1-7", "rating_scale: five"), {"sample_rate": 0.2}),
        (WHOLE.replace("sample_rate: 0.2", "sample_rate: often"), {}),
        (WHOLE.replace("evaluation:\n", "evaluation: [\n"), {}),
        ("production_monitoring: {sample_rate: 0.2}\n", {"sample_rate": 0.2}),
        ("evaluation: 3\n", {}),
        ("- 1\n", {}),
        ("", {}),
    ],
)
def test_broken_file_sets_its_sound_monitoring(
    content: str, overrides: dict[str, float], tmp_path: Path
) -> None:
    file = tmp_path / "evaluation.yaml"
    file.write_text(content)
    monitoring, problem = read_monitoring(file)
    assert str(file) in problem
    sample_rate = {key: value for key, value in monitoring.overrides().items() if "rate" in key}
    assert sample_rate == overrides
    shared, own = ("[retrain]", '[models."a"]\nretrain')
    for key in (f"{shared}\nevaluation", f"{own}.evaluation"):
        (tmp_path / "config.toml").write_text(f'{key} = "{file}"\n')
        assert load_settings(tmp_path / "config.toml").retrain.evaluation == str(file)


def test_unreadable_file_has_a_problem(tmp_path: Path) -> None:
    file = tmp_path / "evaluation.yaml"
    assert "no such evaluation file" in read_monitoring(file)[1]
    file.write_bytes(b"\xff\xfe")
    assert "not UTF-8" in read_monitoring(file)[1]
    assert "not readable" in read_monitoring(tmp_path)[1]


def test_check_names_the_overridden_settings(tmp_path: Path) -> None:
    from monitor.daemon.readiness.retraining import evaluation_finding

    def finding(content: str):
        evaluation = tmp_path / "evaluation.yaml"
        evaluation.write_text(content)
        (tmp_path / "a.jsonl").write_text(
            '{"id": "1", "messages": [{"role": "user", "content": "q"}], "expected": "a"}'
        )
        config = tmp_path / "config.toml"
        config.write_text(f'[retrain]\nevaluation = "{evaluation}"\n')
        return evaluation_finding(load_settings(config), Secrets())

    note = finding(BENCHMARK + "      metrics: [f1]\nproduction_monitoring: {sample_rate: 0.5}\n")
    assert note.status == "note"
    assert "WARNING: only 1 items" in note.message
    assert "overrides config.toml: monitoring.sample_rate = 0.5" in note.message
    with pytest.raises(ConfigurationError, match="unknown metric: 'f3'"):
        finding(BENCHMARK + "      metrics: [f3]\n")
