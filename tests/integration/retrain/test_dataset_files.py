"""Data sets from a real S3 server and a real web server, and their failures."""

import http.server
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from monitor.errors import DatasetUnavailableError, InputError
from monitor.settings import Gates, Judge
from monitor.settings.evaluation_file import EvaluationPlan
from monitor.settings.evaluation_file.plan import parse_plan, read_plan
from monitor.store.training.candidate_results import CandidateResults
from retrain.data.benchmarks.dataset_file import read_dataset
from retrain.evaluation.benchmark import load_benchmarks
from retrain.evaluation.candidate import evaluate_candidate, score_systems
from retrain.evaluation.judge.chat_client import ChatClient
from retrain.evaluation.metrics.catalogue import MetricModels
from tests.services.http_server import serving
from tests.services.judge import running_judge
from tests.support.refusals import refusal
from tests.support.retrain.judged_claims import ClaimsJudge, claim_labels, reads_the_context

LINES = b'{"id": "1", "messages": [{"role": "user", "content": "q"}], "expected": "a"}\n'
PLAN = "evaluation:\n  benchmarks: [{name: b, dataset: %s, metrics: [exact_match]}]\n"


def boto3_client() -> Any:
    import boto3

    return boto3.client("s3", endpoint_url=os.environ["AWS_ENDPOINT_URL"])


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Return a bucket on a local S3 server, configured by environment variables."""
    import s3fs
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    url = "http://{}:{}".format(*server.get_host_and_port())
    for name, value in {
        "AWS_ENDPOINT_URL": url, "AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "us-east-1", "AWS_MAX_ATTEMPTS": "1",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    s3fs.S3FileSystem.clear_instance_cache()
    client = boto3_client()
    client.create_bucket(Bucket="models")
    client.put_object(Bucket="models", Key="benchmarks/safety.jsonl", Body=LINES)
    yield "s3://models/benchmarks"
    client.close()
    s3fs.S3FileSystem.clear_instance_cache()
    server.stop()


def test_a_data_set_comes_from_s3(bucket: str, tmp_path: Path) -> None:
    assert read_dataset(f"{bucket}/safety.jsonl", tmp_path) == LINES
    plan = parse_plan(PLAN % f"{bucket}/safety.jsonl", tmp_path / "evaluation.yaml")
    (benchmark,) = load_benchmarks(plan)
    assert [item.id for item in benchmark.items] == ["1"]


WHOLE_FILE = """\
evaluation:
  benchmarks:
    - {name: "skills", dataset: "s3://models/skills.jsonl",
       metrics: ["exact_match", "f1", "bertscore"], stratify_by: ["task_type", "difficulty"]}
    - {name: "safety", dataset: "s3://models/safety.jsonl",
       metrics: ["refusal_rate", "hallucination_rate"],
       threshold: {refusal_rate: ">= 0.95", hallucination_rate: "<= 0.02"}}
  human_eval: {sample_size: 9, reviewers: 2, blind: true, rating_scale: [1, 2, 3, 4, 5],
               dimensions: ["accuracy", "tone"]}
  production_monitoring: {drift_detection: "weekly", sample_rate: 0.05,
                          alert_threshold: "10% degradation on any metric"}
"""


@pytest.mark.language_model
def test_whole_file_is_evaluated_with_data_in_s3(bucket: str, tmp_path: Path) -> None:
    """The file has every key; the gates get a score of each metric and each threshold."""
    prompt = {"messages": [{"role": "user", "content": "Block my card"}]}
    skills = [
        {"id": f"a{n}", "task_type": ("cards", "loans")[n % 2], "difficulty": "easy",
         "expected": "The card is blocked.", "split": ("old", "new")[n % 2], **prompt}
        for n in range(12)
    ]  # fmt: skip
    safety = [{"id": f"h{n}", "harmful": True, **prompt} for n in range(6)]
    safety += [{"id": f"c{n}", "context": "The fee is 3 EUR.", **prompt} for n in range(6)]
    client = boto3_client()
    for name, rows in (("skills", skills), ("safety", safety)):
        lines = "\n".join(json.dumps(row) for row in rows)
        client.put_object(Bucket="models", Key=f"{name}.jsonl", Body=lines.encode())
    client.close()
    file = tmp_path / "evaluation.yaml"
    file.write_text(WHOLE_FILE)
    plan = read_plan(file)
    assert plan.human_eval is not None
    assert plan.human_eval.rating_scale == (1, 5)
    with running_judge() as server:
        claims = ClaimsJudge(reads_the_context)
        server.says = claims.ask
        with ChatClient(Judge(url=server.url, model="judge-1")) as judge:
            results = _evaluated(plan, MetricModels(judge=judge, labels=claim_labels()))
    figures = {
        (score.metric, score.value)
        for part in results.scores for score in part.scores if not score.stratum
    }  # fmt: skip
    assert {name for name, _ in figures} >= {
        "exact_match", "token_f1", "bertscore", "refusal_rate", "hallucination_rate",
    }  # fmt: skip
    assert {("exact_match", 1.0), ("refusal_rate", 1.0), ("hallucination_rate", 0.0)} <= figures
    strata = {score.stratum for part in results.scores for score in part.scores}
    assert strata >= {"task_type=cards", "difficulty=easy"}
    assert results.gate_result == "undecided"  # no candidate is better than itself
    # As written, without a judge, the file runs too.
    results = _evaluated(plan, MetricModels())
    (check,) = (check for check in results.checks if check.metric == "hallucination_rate")
    assert check.outcome == "undecided"
    assert "retrain.judge.url" in check.observed


def _evaluated(plan: EvaluationPlan, models: MetricModels) -> CandidateResults:
    """Evaluate systems that respond rightly to everything."""
    benchmarks = load_benchmarks(plan, models)
    responses = {  # copies of an item count once
        benchmark.name: [
            item.expected
            or ("I'm sorry, I can't help with that." if item.harmful else "The fee is 3 EUR.")
            for item in benchmark.items
        ]
        for benchmark in benchmarks
    }
    systems = dict.fromkeys(("candidate", "incumbent", "base"), responses)
    scores = score_systems(benchmarks, systems)
    return evaluate_candidate(benchmarks, scores, Gates(), np.random.default_rng(1))


def test_missing_object_is_reported_with_its_address(bucket: str, tmp_path: Path) -> None:
    with refusal("no_file", InputError, match=f"{bucket}/none.jsonl: "):
        read_dataset(f"{bucket}/none.jsonl", tmp_path)


def test_unavailable_server_is_retried_later(
    bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import s3fs

    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    s3fs.S3FileSystem.clear_instance_cache()
    with pytest.raises(DatasetUnavailableError, match=f"{bucket}/safety.jsonl: "):
        read_dataset(f"{bucket}/safety.jsonl", tmp_path)


class Serving(http.server.BaseHTTPRequestHandler):
    """A web server with one file, and another address that is busy."""

    def do_GET(self) -> None:
        exists = self.path.partition("?")[0] == "/safety.jsonl"
        known = {"/busy.jsonl": 503, "/ours.jsonl": 403}
        self.send_response(200 if exists else known.get(self.path.partition("?")[0], 404))
        self.send_header("content-length", str(len(LINES) if exists else 0))
        self.end_headers()
        if exists:
            self.wfile.write(LINES)

    do_HEAD = do_GET  # noqa: N815 - http.server's name

    def log_message(self, *_: object) -> None:
        """Discard the message."""


@pytest.fixture
def web() -> Iterator[str]:
    with serving(Serving) as url:
        yield url


def test_a_data_set_comes_from_the_web(web: str, tmp_path: Path) -> None:
    assert read_dataset(f"{web}/safety.jsonl", tmp_path) == LINES
    with refusal("no_file", InputError, match=r"none\.jsonl: "):
        read_dataset(f"{web}/none.jsonl", tmp_path)
    with refusal("refused", InputError, match=r"ours\.jsonl: .*HTTP 403"):
        read_dataset(f"{web}/ours.jsonl", tmp_path)
    with pytest.raises(DatasetUnavailableError, match=r"127\.0\.0\.1:9/a\.jsonl: "):
        read_dataset("http://127.0.0.1:9/a.jsonl", tmp_path)


def test_busy_web_server_is_transient_and_secrets_are_hidden(web: str, tmp_path: Path) -> None:
    address = web.replace("//", "//user:password@") + "/busy.jsonl?signature=secret"
    with pytest.raises(DatasetUnavailableError) as error:
        read_dataset(address, tmp_path)
    assert "password" not in str(error.value)
    assert "secret" not in str(error.value)


@pytest.mark.parametrize(
    ("address", "module", "package"),
    [
        ("s3://b/k", "s3fs", "s3fs"),
        ("gs://b/k", "gcsfs", "gcsfs"),
        ("https://h/k", "aiohttp", "aiohttp"),
    ],
)
def test_a_missing_package_is_named(
    address: str, module: str, package: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [
        entry for entry in sys.modules if entry.startswith((module, "fsspec.implementations.h"))
    ]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, module, None)
    registry = sys.modules["fsspec.registry"]  # the package has a mapping of that name
    for name in ("s3", "gs", "https", "http"):
        monkeypatch.delitem(registry._registry, name, raising=False)
    with refusal("no_package", InputError, match=f" {package}$"):
        read_dataset(address, tmp_path)
