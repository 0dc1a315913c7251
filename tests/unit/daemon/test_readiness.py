"""Findings of `driftwarden check` about many models."""

from monitor.daemon.readiness.checks import MAX_NAMED, merge_findings, note_repeated
from monitor.daemon.readiness.finding import Finding

READY = Finding("ok", "300 exchanges", "baseline")
LACKING = Finding("fail", "no baseline", "baseline")


def messages(models: list[str], findings: list[Finding]) -> list[str]:
    return [finding.message for finding in merge_findings(models, findings)]


def test_single_model_is_not_named() -> None:
    assert messages(["desk"], [READY]) == ["300 exchanges"]


def test_models_with_the_same_finding_share_a_line() -> None:
    assert messages(["a", "b", "c"], [READY] * 3) == ["all models: 300 exchanges"]
    assert messages(["a", "b", "c"], [READY, LACKING, READY]) == [
        "a, c: 300 exchanges",
        "b: no baseline",
    ]


def test_a_line_of_many_models_names_ten() -> None:
    names = [f"m{number}" for number in range(MAX_NAMED + 3)]
    first, _ = messages([*names, "ready"], [LACKING] * len(names) + [READY])
    assert first == f"{', '.join(names[:MAX_NAMED])} and 3 more: no baseline"


def test_a_problem_of_the_database_is_note_repeated() -> None:
    problem = "outdated database schema"
    findings = [
        Finding("fail", problem, "database"),
        Finding("fail", problem, "leader"),
        Finding("fail", f"slack: {problem}", "alerts"),
        Finding("fail", "no broker listens", "broker"),
    ]
    statuses = [(finding.name, finding.status) for finding in note_repeated(findings)]
    assert statuses == [
        ("database", "fail"),
        ("leader", "note"),
        ("alerts", "note"),
        ("broker", "fail"),
    ]
