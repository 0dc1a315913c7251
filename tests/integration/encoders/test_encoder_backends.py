"""Comparisons with both backends of the encoder: the same verdicts, p-values to sampling error."""

import json
import random
from math import sqrt
from pathlib import Path

import pytest

from monitor.embedding.encoder import Encoder, load_encoder
from monitor.settings import Embedding, Settings
from monitor.store.windows.assessment import Assessment
from monitor.windows.file_comparison import compare_files
from monitor.windows.reading.two_files import read_two_files

pytestmark = pytest.mark.language_model
N_PAIRS = 30
#: Least number of permutations of a test.
N_PERMUTATIONS = 250
THINGS = ("card", "order", "phone", "parcel", "ticket", "account", "invoice", "password")
EVENTS = ("was declined", "is late", "got lost", "was blocked", "is wrong", "has expired")
PLACES = ("in Spain", "at the shop", "online", "at the station", "since Monday", "again")
NEW = ("recipe", "cake", "soup", "oven")


@pytest.fixture(scope="module")
def encoders() -> list[Encoder]:
    return [load_encoder(Embedding(backend=name, device="cpu")) for name in ("onnx", "torch")]


def write(path: Path, rng: random.Random, share: float) -> Path:
    lines = []
    for n in range(120):
        things = NEW if rng.random() < share else THINGS
        prompt = f"my {rng.choice(things)} {rng.choice(EVENTS)} {rng.choice(PLACES)}, case {n}"
        lines.append(json.dumps({"prompt": prompt, "user": f"user {n}"}))
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


@pytest.mark.slow
@pytest.mark.parametrize(
    "seed", [4, *(pytest.param(n, marks=pytest.mark.drill) for n in range(N_PAIRS) if n != 4)]
)
def test_backends_agree_on_verdict_and_p_value(
    encoders: list[Encoder], tmp_path: Path, seed: int
) -> None:
    rng = random.Random(seed)
    reference = write(tmp_path / "reference.jsonl", rng, 0)
    current = write(tmp_path / "current.jsonl", rng, (0, 0.05, 0.1, 0.2, 0.5)[seed % 5])
    files = read_two_files(reference, current, Settings())
    onnx, torch = (
        compare_files(files, Settings(), lambda *_: None, encoder=encoder).assessment
        for encoder in encoders
    )

    assert (onnx.basis.encoder_backend, torch.basis.encoder_backend) == ("onnx", "torch")
    assert onnx.basis.encoder == torch.basis.encoder
    assert onnx.verdict == torch.verdict
    for left, right in zip(p_values(onnx), p_values(torch), strict=True):
        middle = (left + right) / 2
        assert abs(left - right) <= 4 * sqrt(middle * (1 - middle) / N_PERMUTATIONS) + 1e-9


def p_values(assessment: Assessment) -> list[float]:
    return [assessment.input.p_value, *(test.p_value for test in assessment.input.tests)]
