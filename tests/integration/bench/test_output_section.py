"""Sections on output drift and new releases, on small windows."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bench.drift.benchmark import load_data
from bench.drift.plan import QUICK, Section
from bench.drift.sections import output, release
from bench.drift.sources import release_comparison
from bench.drift.sources.releases import PROMPTS, Releases, open_releases, read_releases
from bench.drift.sources.synthetic import make_synthetic
from monitor.bench.campaign import Campaign
from monitor.bench.encoding import Encoded
from monitor.bench.texts import LabelledTexts
from monitor.bench.windows import WindowSpec
from monitor.errors import InputError
from monitor.settings import Settings
from tests.integration.bench.test_sections import Serial

PLAN = replace(QUICK, output_trials=2, release_trials=3)


def test_changed_responses_alarm_and_changed_prompts_do_not(tmp_path: Path, monkeypatch) -> None:
    make_synthetic(0, n_in_scope=3_000, n_novel=100).save(tmp_path)
    monkeypatch.setattr(output, "N", 400)
    monkeypatch.setattr(output, "N_TILTED", 300)
    monkeypatch.setattr(output, "N_PERMUTATIONS", 199)
    monkeypatch.setattr(output, "OFF_TOPIC", 0.3)
    monkeypatch.setattr(output, "ONLY_PROMPTS", (WindowSpec("surge", 400, 400, 0.2),))
    campaign = Campaign("synthetic", tmp_path, Serial(), PLAN, seed=0)
    still, moved, tilted, changed = output.output(campaign, PLAN)
    assert still.name == "output alarms at 0.05, nothing moved, n = 400"
    assert (
        moved.name
    ) == "output alarms at 0.05, only the prompts moved: known domain +20 points, n = 400"
    assert (
        tilted.name == "output alarms at 0.05, only the prompts moved: all tilted one way, n = 300"
    )
    assert still.holds
    assert moved.holds
    assert tilted.holds
    assert (changed.value, changed.holds, changed.goal) == (1.0, True, ">= 0.99")


def test_new_release_alarms_and_same_release_does_not(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(release, "N", 150)
    monkeypatch.setattr(release_comparison, "N_PERMUTATIONS", 1_999)
    rng = np.random.default_rng(0)

    def unit(points: np.ndarray) -> np.ndarray:
        return (points / np.linalg.norm(points, axis=1, keepdims=True)).astype(np.float32)

    prompts = unit(rng.standard_normal((300, 12)))
    manner = unit(rng.standard_normal((1, 12)))
    responses = {
        name: unit(prompts + 0.3 * rng.standard_normal((300, 12)) + shift * manner)
        for name, shift in (("0301", 0.0), ("0613", 1.0))
    }
    sources = np.array(["koala", "selfinstruct", "selfinstruct"] * 100)
    descriptors = rng.standard_normal((300, 2))
    texts = {
        name: [f"{name} {' '.join(['word'] * int(n))}." for n in rng.integers(1, 9, 300)]
        for name in (PROMPTS, *responses)
    }
    releases = Releases(prompts, responses, descriptors, sources, texts)
    releases.save(tmp_path / "releases.npz")
    opened = open_releases(tmp_path / "releases.npz")
    assert list(opened.responses) == ["0301", "0613"]
    np.testing.assert_array_equal(opened.descriptors, descriptors)
    figures = list(release.release(releases, tmp_path / "releases.npz", Serial(), PLAN, 0))
    new, same, same_alarms, *_ = figures
    same_prompts, level, alarms, *in_pairs, moved, moved_unseen = figures[-11:]
    assert new.name == "responses alarm, a new release, 0301 to 0613, other prompts"
    assert (new.value, new.holds, new.goal) == (1.0, True, ">= 0.85")
    assert same.name.endswith("the same release twice (0301)")
    assert (same.holds, same_alarms.value) == (True, 0.0)
    assert (same_prompts.value, same_prompts.holds, same_prompts.goal) == (1.0, True, ">= 0.99")
    assert level.name == "output rejects at 0.05, the same prompts in pairs, no change"
    assert (level.holds, alarms.value) == (True, 0.0)
    assert [figure.name.split("prompts ")[1] for figure in in_pairs[2:]] == [
        "in pairs, 5% off topic",
        "by similar prompts, 5% off topic",
        "in pairs, 30% more of the later release",
        "by similar prompts, 30% more of the later release",
    ]
    assert moved.name.endswith(
        "only the prompts moved: selfinstruct from 50% to 75%, with descriptors"
    )
    assert moved.holds
    assert moved_unseen.name.endswith("75%, embeddings alone")


def test_releases_with_different_prompts_are_refused(tmp_path: Path, monkeypatch) -> None:
    folder = tmp_path / "alpaca_eval"
    folder.mkdir()
    embedding = Settings().embedding
    monkeypatch.setattr(
        "bench.drift.sources.releases.encode_cached",
        lambda texts, _: Encoded(np.ones((len(texts), 1), np.float32), texts[0]),
    )
    assert read_releases(tmp_path, embedding) is None
    for name, prompt in (("a.json", "Who?"), ("b.json", "Why?")):
        (folder / name).write_text(json.dumps([{"instruction": prompt, "output": "So."}]))
    with pytest.raises(InputError, match=r"b\.json: its prompts are not those of a\.json"):
        read_releases(tmp_path, embedding)
    (folder / "b.json").write_text("[{}]")
    with pytest.raises(InputError, match="not a file of AlpacaEval"):
        read_releases(tmp_path, embedding)
    (folder / "b.json").write_text((folder / "a.json").read_text())
    releases = read_releases(tmp_path, embedding)
    assert releases is not None
    assert list(releases.responses) == ["a", "b"]
    assert releases.digest.startswith("Who? So. So. ")
    assert releases.sources.tolist() == [""]


def test_releases_are_encoded_for_their_section_only(tmp_path: Path, monkeypatch) -> None:
    calls = []
    monkeypatch.setattr(
        "monitor.bench.benchmark.read_texts",
        lambda *_: LabelledTexts("some", ["a"], np.zeros(1, np.int64), np.zeros(1, np.int64)),
    )
    encoded = Encoded(np.ones((1, 1), np.float32), "d")
    monkeypatch.setattr("monitor.bench.benchmark.encode_cached", lambda *_: encoded)
    monkeypatch.setattr("bench.drift.benchmark.read_releases", lambda *_: calls.append(1))
    load_data(tmp_path, Settings(), [Section.POWER, Section.OUTPUT])
    assert calls == []
    load_data(tmp_path, Settings(), [Section.RELEASE])
    assert calls == [1]
