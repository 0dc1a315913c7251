"""Findings of `driftwarden check`: their order, and those about many models."""

from dataclasses import replace

from monitor.daemon.readiness.checks import MAX_NAMED, merge_findings, note_repeated
from monitor.daemon.readiness.finding import Finding, worst_first
from monitor.daemon.readiness.running import Check

READY = Finding("ok", "300 exchanges", "baseline")
LACKING = Finding("fail", "no baseline", "baseline")


def messages(models: list[str], findings: list[Finding]) -> list[str]:
    results = [
        replace(finding, model=model) for model, finding in zip(models, findings, strict=True)
    ]
    return [finding.message for finding in merge_findings(models, results)]


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


def test_a_problem_of_the_database_is_noted_by_its_readers() -> None:
    apart = {"broker", "alerts"}
    names = ("leader", "database", "incidents", "broker", "alerts")
    checks = [Check(name, list, reads_database=name not in apart) for name in names]
    results = [[Finding("fail", "no", name)] for name in names]
    results[0] = [Finding("ok", "leads", "leader")]

    statuses = [finding.status for (finding,) in note_repeated(checks, results)]

    assert dict(zip(names, statuses, strict=True)) == {
        "leader": "ok",
        "database": "fail",
        "incidents": "note",
        "broker": "fail",
        "alerts": "fail",
    }


def test_worst_findings_come_first() -> None:
    findings = [
        Finding("ok", "a"),
        Finding("note", "b", rank=0),
        Finding("fail", "c", rank=1),
        Finding("fail", "d", rank=0),
    ]
    assert [finding.message for finding in sorted(findings, key=worst_first)] == [*"dcba"]
