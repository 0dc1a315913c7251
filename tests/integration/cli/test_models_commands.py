"""`driftwarden models`: details of a version, and differences between two."""

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from monitor.store.engine import transaction
from monitor.store.training.baseline_plans import close_baseline_plan, pending_baseline_plan
from monitor.store.training.candidate_evaluations import (
    candidate_evaluation_by_id,
    insert_candidate_evaluation,
    mark_running,
)
from monitor.store.training.candidate_results import WeakerRules
from monitor.store.training.registry import version_by_id
from retrain.evaluation.gate_result import conclude, record_scores
from retrain.models import base_model
from retrain.models.base_model import BaseModel
from retrain.models.source import Source
from retrain.registry.stages import register_version
from tests.support.retrain.candidates import evaluated, make_request, make_results
from tests.support.retrain.launched_runs import NOW
from tests.support.retrain.tiny_model import NEW, examples
from tests.support.retrain.version_shell import VersionShell
from tests.support.retrain.weights import write_adapter
from tests.support.traffic.stored_traffic import store_traffic


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[VersionShell]:
    made = VersionShell(tmp_path)
    yield made
    made.engine.dispose()


def test_promote_prints_weaker_rules_with_their_reason(shell: VersionShell) -> None:
    version = shell.version(20)
    rules = WeakerRules(evaluation=7, rules=("no judge",), reason="it is slow", by="lea")
    with transaction(shell.engine) as connection:
        evaluated(connection, version, NOW, weaker_rules=(rules,))
    done = shell.call("models", "promote", "1", "--model", "desk")
    assert done.exit_code == 0
    assert str(rules) in done.stderr


def test_show_prints_lineage_scores_baseline_and_stages(shell: VersionShell) -> None:
    first = shell.version(20)
    shell.score(first, 0.8)
    shell.promote(first)
    second = shell.version(24, parent=first, rank=4)
    shell.promote(second)
    output = shell.models("show", "1", "--model", "desk")
    assert output.startswith("desk version 1: archived\n")
    assert "by training run 1\n" in output
    assert "parent:  none\n" in output
    assert "digest:  sha256:1\n" in output
    assert re.search(r"^baseline: none .*2026-11-02$", output, re.MULTILINE)
    assert "  versions.trl = 1.16\n" in output
    assert "  rank = 16\n" in output
    assert "  n_gold = 20\n" in output
    assert "0.800 [0.750, 0.850]  n = 120\n" in output
    stages = output.partition("\nstages:\n")[2].splitlines()
    assert [re.findall(r"(\w+) -> (\w+) by lea: ", line) for line in stages] == [
        [("candidate", "production")], [("production", "archived")],
    ]  # fmt: skip
    assert stages[0].endswith(": better")
    assert stages[1].endswith(" version 2")
    output = shell.models("show", "2", "--model", "desk")
    assert "parent:  version 1\n" in output
    assert re.search(r"^baseline: .*since 2026-11-02", output, re.MULTILINE)
    assert re.search(r"^scores: \D+$", output, re.MULTILINE)
    made = store_traffic(shell.engine, NOW, 20, seed=1, baseline=True, model="desk", version="2")
    with transaction(shell.engine) as connection:
        plan = pending_baseline_plan(connection, "desk")
        assert plan is not None
        assert made is not None
        close_baseline_plan(connection, plan.id, made, NOW + timedelta(days=14))
    assert f"baseline: baseline {made}\n" in shell.models("show", "2", "--model", "desk")


def test_show_of_a_version_registered_by_hand(shell: VersionShell) -> None:
    with transaction(shell.engine) as connection:
        register_version(
            connection, model="desk", adapter_path="a", adapter_digest="d", lineage={}, now=NOW
        )
    output = shell.models("show", "1", "--model", "desk")
    assert "by hand\n" in output
    assert "baseline: none" in output
    *_, scores, stages = output.splitlines()
    assert (scores[:8], stages[:8]) == ("scores: ", "stages: ")  # one line each: there are none


def test_reject_needs_a_reason_and_a_candidate(shell: VersionShell) -> None:
    shell.version(20)
    reject = ("models", "reject", "1", "--model", "desk")
    assert shell.call(*reject).exit_code == 2
    assert "retrain evaluate 1 --reason" in shell.ok(*reject, "--reason", "more errors")
    listed = shell.models("list")
    assert (listed.split()[2], listed.count("more errors")) == ("rejected", 1)
    output = shell.models("show", "1", "--model", "desk")
    assert "candidate -> rejected by " in output
    assert re.match(r"rejected: \S+ \S+ by .*: more errors$", output.splitlines()[1])
    again = shell.call(*reject, "--reason", "again")
    assert (again.exit_code, "more errors" in str(again.exception)) == (1, True)
    assert shell.call("models", "reject", "9", "--model", "desk", "--reason", "x").exit_code == 1


def test_diff_prints_changes_and_both_scores(shell: VersionShell) -> None:
    first = shell.version(20)
    second = shell.version(24, parent=first, rank=4, learning_rate=1e-3)
    shell.score(first, 0.8)
    shell.score(second, 0.9)
    shell.score(second, 0.7, "split=new")
    output = shell.models("diff", "1", "2", "--model", "desk")
    assert "recipe:\n" in output
    assert "  rank: 16 -> 4\n" in output
    assert "  learning_rate: 0.0002 -> 0.001\n" in output
    assert "data:\n" in output
    assert "  n_gold: 20 -> 24\n" in output
    assert "  parent: - -> version 1\n" in output
    assert "  training_run: 1 -> 2\n" in output
    assert "  seed" not in output  # the same
    assert "0.800 [0.750, 0.850] -> 0.900 [0.850, 0.950]\n" in output
    assert "not measured -> 0.700 [0.650, 0.750]\n" in output


def evaluate_against(shell: VersionShell, version: int, incumbent: int) -> int:
    """Store the results of an evaluation of a version against another one; return its id."""
    with transaction(shell.engine) as connection:
        place = version_by_id(connection, incumbent).adapter_path
        request = make_request(shell.folder, incumbent=Source(base="base", adapter=place))
        evaluation = insert_candidate_evaluation(
            connection, version, launcher="fake", work_dir="nowhere",
            request=msgspec.to_builtins(request), file_digest="sha256:0", planned_by="lea", now=NOW,
        )  # fmt: skip
        mark_running(connection, evaluation, {"number": 1}, NOW)
        results = make_results()
        record_scores(connection, version, results, NOW)
        conclude(connection, candidate_evaluation_by_id(connection, evaluation), results, NOW)
    return evaluation


def test_diff_has_the_scores_of_the_incumbent(shell: VersionShell) -> None:
    incumbent = shell.version(20)
    candidate = shell.version(24, parent=incumbent, rank=4)
    other = shell.version(24, parent=incumbent, rank=8)
    evaluation = evaluate_against(shell, candidate, incumbent)
    shell.score(incumbent, 0.4)  # of another benchmark, by itself
    pairs = json.loads(shell.models("diff", "1", "2", "--model", "desk", "--json"))["scores"]
    figures = {
        (pair["benchmark"], pair["stratum"]): [
            side and side["value"] for side in (pair["first"], pair["second"])
        ]
        for pair in pairs
    }
    assert figures == {
        ("support", ""): [0.8, 0.9],
        ("support", "task_type=cards"): [0.8, 0.9],
        ("acceptance", ""): [0.4, None],
    }
    assert {pair["evaluation"] for pair in pairs} == {evaluation, None}
    output = shell.models("diff", "2", "1", "--model", "desk")
    assert (
        f"0.900 [0.500, 0.990] -> 0.800 [0.500, 0.990]  (-0.100, evaluation {evaluation})" in output
    )
    assert other == 3
    pairs = json.loads(shell.models("diff", "3", "2", "--model", "desk", "--json"))["scores"]
    assert [pair["first"] for pair in pairs] == [None, None]  # no evaluation measured both


def test_diff_prefers_scores_of_the_same_items(shell: VersionShell) -> None:
    incumbent, candidate = shell.version(20), shell.version(24)
    evaluate_against(shell, incumbent, candidate)  # before, with other items: 0.9 and 0.8
    evaluation = evaluate_against(shell, candidate, incumbent)
    for order, values in ((("1", "2"), (0.8, 0.9)), (("2", "1"), (0.9, 0.8))):
        pairs = json.loads(shell.models("diff", *order, "--model", "desk", "--json"))["scores"]
        assert {pair["evaluation"] for pair in pairs} == {evaluation}
        for pair in pairs:
            assert (pair["first"]["value"], pair["second"]["value"]) == values


def test_diff_shortens_lists(shell: VersionShell) -> None:
    shell.version(20, targets=[f"module_{number}" for number in range(40)])
    shell.version(20, targets=["q_proj"])
    line = next(
        row for row in shell.models("diff", "1", "2", "--model", "desk").splitlines()
        if "targets: " in row
    )  # fmt: skip
    assert len(line) < 140
    assert line.endswith('characters) -> ["q_proj"]')
    document = json.loads(shell.models("diff", "1", "2", "--model", "desk", "--json"))
    (change,) = [row for row in document["differences"] if row["name"] == "targets"]
    assert "module_39" in change["first"]


def test_diff_as_json(shell: VersionShell) -> None:
    first = shell.version(20)
    shell.version(20, parent=first, rank=4)
    shell.score(first, 0.8)
    output = json.loads(shell.models("diff", "1", "2", "--model", "desk", "--json"))
    assert {"section": "recipe", "name": "rank", "first": "16", "second": "4"} in output[
        "differences"
    ]
    (score,) = output["scores"]
    assert (score["first"]["value"], score["second"]) == (0.8, None)


def test_diff_of_a_run_without_its_folder(shell: VersionShell) -> None:
    shell.version(20)
    shell.version(20)
    for file in (shell.folder / "runs").rglob("dataset.json"):
        file.unlink()
    output = shell.models("diff", "1", "2", "--model", "desk")
    assert "data: unchanged\n" in output
    assert "recipe: unchanged\n" in output
    assert output.splitlines()[-1].startswith("scores: ")
    assert (
        msgspec.json.decode(shell.models("diff", "1", "1", "--model", "desk", "--json"))[
            "differences"
        ]
        == []
    )


def test_register_makes_a_version_that_can_serve(
    shell: VersionShell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        base_model,
        "prepare_base",
        lambda name, cache, revision, chat_template: BaseModel(name, revision, chat_template),
    )
    shell.config.write_text(
        shell.config.read_text() + f"[retrain]\nwork_dir = '{tmp_path / 'runs'}'\n[models.desk]\n"
    )
    adapter = write_adapter(tmp_path / "adapter", base_model_name_or_path=None)
    data = tmp_path / "desk.jsonl"
    data.write_text("".join(json.dumps(row) + "\n" for row in examples(NEW, 6)))
    refused = shell.call("models", "register", str(adapter)).exception
    assert getattr(refused, "code", "") == "no_base"
    arguments = ("--base", f"org/base@{'a' * 40}", "--training-data", str(data))
    output = shell.models("register", str(adapter), *arguments)
    run = re.findall(r"retrain evaluate (\d+)", output)
    assert re.findall(r"models promote (\d+)", output) == ["1"]
    shell.models("promote", "1", "--reason", "serves")
    output = shell.models("show", "1")
    assert output.startswith("desk version 1: production\n")
    assert f"  base_revision = {'a' * 40}\n" in output
    assert "  n_examples = 6\n" in output
    assert "learning_rate" not in output
    assert "succeeded" in shell.ok("retrain", "show", *run)
