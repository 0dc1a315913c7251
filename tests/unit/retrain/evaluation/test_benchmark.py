"""Loading of benchmarks, their refusals and remarks."""

import json
import re
from pathlib import Path

import fsspec
import pytest

from monitor.errors import ConfigurationError, InputError
from monitor.settings.evaluation_file.plan import parse_plan
from retrain.data.benchmarks.dataset_file import read_dataset
from retrain.data.benchmarks.item import parse_items
from retrain.evaluation.benchmark import Benchmark, load_benchmarks
from tests.support.refusals import refusal
from tests.support.retrain.scored_benchmarks import spelled


def lines(n: int, **fields: object) -> bytes:
    rows = [
        {
            "id": str(i),
            "messages": [{"role": "user", "content": f"q {spelled(i)}"}],
            "expected": "a",
        }
        | fields
        for i in range(n)
    ]
    return "\n".join(json.dumps(row) for row in rows).encode()


def load(folder: Path, content: bytes, rest: str) -> Benchmark:
    (folder / "a.jsonl").write_bytes(content)
    plan = (
        "evaluation:\n  benchmarks:\n    - name: suite\n      dataset: a.jsonl\n"
        + "".join(f"      {line}\n" for line in rest.splitlines())
    )  # fmt: skip
    (benchmark,) = load_benchmarks(parse_plan(plan, folder / "evaluation.yaml"))
    return benchmark


def test_a_path_is_relative_to_the_file(tmp_path: Path) -> None:
    benchmark = load(
        tmp_path, lines(200, task_type="cards"), "metrics: [f1]\nstratify_by: [task_type]"
    )
    assert len(benchmark.items) == 200
    assert [metric.name for metric in benchmark.metrics] == ["token_f1"]
    assert benchmark.remarks() == []


def test_addresses(tmp_path: Path) -> None:
    (tmp_path / "b.jsonl").write_bytes(b"content")
    assert read_dataset(f"file://{tmp_path}/b.jsonl", Path("elsewhere")) == b"content"
    with fsspec.open("memory://sets/b.jsonl", "wb") as file:
        file.write(b"in memory")
    assert read_dataset("memory://sets/b.jsonl", tmp_path) == b"in memory"


@pytest.mark.parametrize(
    ("place", "code", "value"),
    [
        ("absent.jsonl", "no_file", r"absent\.jsonl"),
        ("memory://sets/absent.jsonl", "no_file", r"memory://sets/absent\.jsonl: "),
        ("nowhere://sets/b.jsonl", "unknown_protocol", "nowhere://.*s3://"),
    ],
)
def test_missing_data_sets_are_refused(tmp_path: Path, place: str, code: str, value: str) -> None:
    with refusal(code, InputError, match=value):
        read_dataset(place, tmp_path)


def test_few_items_are_remarked_loudly(tmp_path: Path) -> None:
    benchmark = load(tmp_path, lines(199), "metrics: [f1]")
    assert re.search(r"WARNING: .*\b199 .*\b200\b", benchmark.remarks()[0])


@pytest.mark.slow
@pytest.mark.parametrize(("n", "remarked"), [(499, True), (500, False)])
def test_a_safety_suite_wants_500_prompts(tmp_path: Path, n: int, remarked: bool) -> None:
    benchmark = load(tmp_path, lines(n, harmful=True), 'threshold: {refusal_rate: ">= 0.95"}')
    assert [" 500 " in remark for remark in benchmark.remarks()] == [True] * remarked


def test_small_safety_suite_gets_both_remarks(tmp_path: Path) -> None:
    benchmark = load(tmp_path, lines(199, harmful=True), 'threshold: {refusal_rate: ">= 0.95"}')
    loud, more = benchmark.remarks()
    assert re.search(r"WARNING: .*\b199 .*\b200\b", loud)
    assert " 500 " in more


def test_a_metric_without_its_judge_is_remarked(tmp_path: Path) -> None:
    content = lines(500, context="The fee is 5 EUR.")
    benchmark = load(tmp_path, content, 'threshold: {hallucination_rate: "<= 2%"}')
    (remark,) = benchmark.remarks()
    assert "hallucination_rate" in remark
    assert "retrain.judge.url" in remark


def test_an_item_without_a_stratum_is_an_error(tmp_path: Path) -> None:
    content = lines(3, difficulty="hard") + b"\n" + lines(1, id="x")
    with pytest.raises(InputError, match=r"'difficulty'.* 1 of 4 .*\(ids 'x'\)"):
        load(tmp_path, content, "metrics: [f1]\nstratify_by: [difficulty]")
    benchmark = load(
        tmp_path, lines(3, strata={"region": "EU"}), "metrics: [f1]\nstratify_by: [region]"
    )
    assert benchmark.items[0].stratum_of("region") == "EU"


@pytest.mark.parametrize(
    ("rest", "message"),
    [
        ("metrics: [f11]", "line 5: benchmark 'suite': unknown metric: 'f11'"),
        ("metrics:\n  - f1\n  - f11", "line 7: benchmark 'suite': unknown metric: 'f11'"),
        (
            'metrics: [f1]\nthreshold:\n  f1: ">= 0.5"\n  f11: ">= 0.5"',
            "line 8: .*unknown metric: 'f11'",
        ),
        ('threshold: {judged_refusal_rate: ">= 95%"}', "line 5: .*needs a judge"),
        ('threshold: {judged_hallucination_rate: "<= 2%"}', 'line 5: .*items with a "context"'),
        ('threshold: {f1: "<= 0.9"}', 'line 5: "<= 0.9" .*token_f1'),
        ('threshold: {f1: ">= 9"}', "line 5: .*range of token_f1"),
        (
            'threshold: {rouge: ">= 0.9"}',
            "line 5: 'rouge' .*rouge1, rouge2",
        ),
        (
            'threshold: {refusal_rate: ">= 0.9"}',
            'line 5: .*"harmful": true.*a.jsonl',
        ),
        ('threshold: {hallucination_rate: "<= 2%"}', 'line 5: .*items with a "context"'),
    ],
)
def test_unmeasurable_requirement_is_refused(tmp_path: Path, rest: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"evaluation\.yaml, {message}"):
        load(tmp_path, lines(2), rest)


def test_a_benign_item_needs_no_other_requirement() -> None:
    row = {"id": "1", "messages": [{"role": "user", "content": "kill it"}], "harmful": False}
    (item,) = parse_items(json.dumps(row).encode(), "a.jsonl")
    assert item.is_benign


@pytest.mark.parametrize("expected", [" . ", "-", "...", "\u200b!", "\u00ab\u00bb"])
def test_a_reference_answer_without_words_is_refused(tmp_path: Path, expected: str) -> None:
    content = lines(1) + b"\n" + lines(1, id="x", expected=expected)
    with pytest.raises(InputError, match=r'a\.jsonl: line 2: "expected" is empty'):
        load(tmp_path, content, "metrics: [f1]")


@pytest.mark.parametrize(
    ("rest", "fields"),
    [
        ("metrics: [f1]", {"expected": "+"}),
        ("metrics: [f1]", {"expected": "\U0001f44d"}),
        ("metrics: [f1]", {"expected": "5."}),
        ("metrics: [abstention_accuracy, f1]", {"expected": "-", "answerable": False}),
        ("metrics: [abstention_accuracy]", {"expected": "-", "answerable": True}),
    ],
)
def test_a_sign_that_is_compared_or_abstained_from_is_read(
    tmp_path: Path, rest: str, fields: dict[str, object]
) -> None:
    assert len(load(tmp_path, lines(1, **fields), rest).items) == 1


def test_items_of_another_split_count_once_over_benchmarks(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(lines(3, split="new"))
    (tmp_path / "b.jsonl").write_bytes(lines(4, split="old"))
    (tmp_path / "c.jsonl").write_bytes(lines(3, split="old", harmful=False))
    plan = "evaluation:\n  benchmarks:\n" + "".join(
        f"    - {{name: {name}, dataset: {name}.jsonl, metrics: [f1]}}\n" for name in "abc"
    )
    first, second, third = load_benchmarks(parse_plan(plan, tmp_path / "evaluation.yaml"))
    assert [len(benchmark.items) for benchmark in (first, second, third)] == [3, 1, 3]
    assert second.copies == {str(n): f"a/{n}, 'new'" for n in range(3)}
    assert "0 of a/0, 'new'" in second.remarks()[0]
