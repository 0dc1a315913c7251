"""Texts that the default encoder doesn't read: never "no drift" about them."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from monitor.embedding.encoder import Encoder, load_encoder
from monitor.errors import InputError
from monitor.settings import Drift, Embedding, Settings
from monitor.settings.models.names import ModelNames
from monitor.store.engine import transaction
from monitor.store.traffic.baselines import create_baseline
from monitor.store.traffic.exchange_columns import Exchanges
from monitor.store.traffic.exchanges import insert_exchanges
from monitor.store.windows.assessment import Assessment
from monitor.store.windows.drift_evaluations import drift_evaluation_by_id
from monitor.traffic.baseline_import import import_baseline
from monitor.windows import evaluation
from monitor.windows import file_comparison as comparing
from monitor.windows.evaluation import evaluate_window
from monitor.windows.file_comparison import compare_files
from monitor.windows.reading.two_files import read_two_files
from tests.support.encoders.fake_encoder import FakeEncoder
from tests.support.refusals import refusal
from tests.support.traffic.end_users import make_rules
from tests.support.traffic.exchange_rows import exchange_row
from tests.support.traffic.unread_languages import LANGUAGES, sentences

pytestmark = pytest.mark.language_model
SETTINGS = Settings(drift=Drift(n_permutations=999), embedding=Embedding(device="cpu"))
WEEK = timedelta(days=7)
PLACES = ("corner", "garden", "holiday", "office", "river", "school", "station", "summer")
ENGLISH = [f"my card was declined at the {a} {b}" for a in PLACES for b in PLACES]


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return load_encoder(SETTINGS.embedding)


@pytest.fixture(autouse=True)
def _one_encoder(monkeypatch: pytest.MonkeyPatch, encoder: Encoder) -> None:
    monkeypatch.setattr(comparing, "open_encoder", lambda _: encoder)


def write(path: Path, prompts: Sequence[str], **values: object) -> Path:
    lines = [
        json.dumps({"prompt": prompt, "user": f"user {row}"} | values)
        for row, prompt in enumerate(prompts)
    ]
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def compared(
    folder: Path, reference: Sequence[str], current: Sequence[str], settings: Settings = SETTINGS
) -> Assessment:
    files = write(folder / "reference.jsonl", reference), write(folder / "now.jsonl", current)
    return compare_files(read_two_files(*files, settings), settings, lambda *_: None).assessment


@pytest.mark.parametrize("language", LANGUAGES)
def test_opposite_topics_in_unread_scripts_are_not_enough_data(
    tmp_path: Path, language: str
) -> None:
    result = compared(tmp_path, sentences(language, "bank") * 4, sentences(language, "travel") * 4)
    assert (result.verdict, result.alarm) == ("not_enough_data", False)
    assert result.input.untested_reason == "unread_texts"
    assert result.input.unread_reference == result.input.unread_current == 1.0
    assert any("intfloat/multilingual-e5-small" in remark for remark in result.remarks)


@pytest.mark.parametrize(("n_unread", "verdict"), [(8, "no_drift"), (60, "not_enough_data")])
def test_a_window_in_two_scripts_is_open_above_the_limit(
    tmp_path: Path, n_unread: int, verdict: str
) -> None:
    thai = (sentences("thai", "bank") * 2)[:n_unread]
    mixed = [*ENGLISH, *ENGLISH, *thai]
    result = compared(tmp_path, mixed[1:], mixed[::-1])
    assert result.verdict == verdict
    assert f"cannot read {n_unread / (128 + n_unread):.0%} of" in result.headline
    assert result.input.unread_current == pytest.approx(n_unread / (128 + n_unread), abs=0.001)
    accepted = Settings(drift=Drift(n_permutations=999, max_unread_share=0.5))
    assert compared(tmp_path, mixed, mixed[::-1], accepted).verdict == "no_drift"


def test_a_window_that_becomes_unreadable_alarms(tmp_path: Path) -> None:
    result = compared(tmp_path, ENGLISH * 2, sentences("khmer", "bank") * 4)
    assert (result.verdict, result.input.alarm) == ("drift", True)
    assert (result.input.unread_reference, result.input.unread_current) == (0.0, 1.0)


def test_prompts_that_differ_after_the_last_token_are_untested(tmp_path: Path) -> None:
    system = "You are a helpful assistant of a bank and you answer in a polite manner. " * 30
    few = Settings(drift=Drift(n_permutations=999, min_samples=20))
    prompts = [f"{system}{text}" for text in ENGLISH[:24]]
    result = compared(tmp_path, prompts, [f"{system}{row}" for row in range(24)], few)
    assert result.input.untested_reason == "unread_texts"


def test_prompts_that_are_one_text_are_refused_before_encoding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, engine: Engine, clock: datetime
) -> None:
    def refuse(_: object = None) -> Encoder:
        raise AssertionError("the encoder was loaded")

    monkeypatch.setattr(comparing, "open_encoder", refuse)
    with refusal("same_prompt", InputError):
        compared(tmp_path, ENGLISH * 2, ["[text]"] * 150)
    file = tmp_path / "now.jsonl"
    prompts_only = SETTINGS.traffic.model_copy(update={"prompts_only": True})
    import_file = {"names": ModelNames({"m": ()}), "redactor": None, "now": clock}
    import_file["rules"] = make_rules(engine)
    with refusal("same_prompt", InputError):
        import_baseline(
            engine, prompts_only, refuse, file, **import_file, max_same_prompt_share=0.5
        )
    imported = import_baseline(
        engine, prompts_only, FakeEncoder, file, **import_file, max_same_prompt_share=1.0
    )
    assert imported.n_exchanges == 150


def test_small_files_are_reported_without_the_encoder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(comparing, "open_encoder", None)
    result = compared(tmp_path, ENGLISH * 2, ENGLISH[:5])
    assert (result.verdict, result.n_current) == ("not_enough_data", 5)
    assert result.basis is not None
    assert result.basis.encoder == ""
    few = write(tmp_path / "few.jsonl", ENGLISH * 2, user=None)
    lines = few.read_text("utf-8").splitlines()
    few.write_text(
        "\n".join(line.replace("null", f'"user {row % 10}"') for row, line in enumerate(lines)),
        encoding="utf-8",
    )
    files = read_two_files(few, few, SETTINGS)
    result = compare_files(files, SETTINGS, lambda *_: None).assessment
    assert result.verdict == "not_enough_data"
    assert "10 end users" in result.headline


def test_comparing_a_file_with_itself_is_remarked(tmp_path: Path) -> None:
    result = compared(tmp_path, ENGLISH * 2, (ENGLISH * 2)[::-1])
    assert result.verdict == "no_drift"
    assert "hold the same exchanges" in result.headline
    other = compared(tmp_path, ENGLISH * 2, ENGLISH * 2 + ["where is my card"])
    assert "hold the same exchanges" not in other.headline


def test_no_end_users_are_counted_where_none_is_named(tmp_path: Path) -> None:
    lines = "\n".join(json.dumps({"prompt": text}) for text in ENGLISH * 2)
    files = tmp_path / "a.jsonl", tmp_path / "b.jsonl"
    for file in files:
        file.write_text(lines, encoding="utf-8")
    read = read_two_files(*files, SETTINGS)
    result = compare_files(read, SETTINGS, lambda *_: None).assessment
    assert result.basis is not None
    assert (result.basis.reference.n_end_users, result.basis.current.n_end_users) == (None, None)


def stored(
    engine: Engine, encoder: Encoder, start: datetime, prompts: Sequence[str], *, baseline: bool
) -> None:
    rows = [
        exchange_row(
            f"test-{baseline}",
            row,
            exchange_id=f"{baseline}-{row}",
            occurred_at=start + row * timedelta(hours=1),
            received_at=start,
            model="assistant",
            end_user=f"user {row}",
            messages=[{"role": "user", "content": prompt}],
            prompt=prompt,
            response="",
            inclusion_probability=0.05,
        )
        for row, prompt in enumerate(prompts)
    ]
    exchanges = Exchanges.from_rows(rows, encoder=encoder.identity)
    exchanges = replace(
        exchanges,
        prompt_vectors=encoder.encode(exchanges.prompts),
        response_vectors=encoder.encode(exchanges.responses),
    )
    with transaction(engine) as connection:
        baseline_id = None
        if baseline:
            baseline_id = create_baseline(
                connection,
                "assistant",
                "digest",
                n_exchanges=len(rows),
                encoder=encoder.identity,
                created_at=start,
            )
        insert_exchanges(connection, exchanges, created_at=start, baseline_id=baseline_id)


@pytest.mark.parametrize(
    ("reference", "current", "reason"),
    [
        (sentences("amharic", "bank") * 4, sentences("amharic", "travel") * 4, "unread_texts"),
        ([*ENGLISH, *ENGLISH], ["[text]"] * 144, None),
        (["[text]"] * 144, ["[text]"] * 144, "same_prompt"),
    ],
    ids=["unread", "window of one text", "both of one text"],
)
def test_a_stored_window_that_cannot_be_read_is_open(
    engine: Engine,
    clock: datetime,
    encoder: Encoder,
    monkeypatch: pytest.MonkeyPatch,
    reference: list[str],
    current: list[str],
    reason: str | None,
) -> None:
    monkeypatch.setattr(evaluation, "render_evidently", lambda *_, **__: "<p>report</p>")
    stored(engine, encoder, clock - 4 * WEEK, reference, baseline=True)
    stored(engine, encoder, clock, current, baseline=False)
    evaluation_id = evaluate_window(engine, SETTINGS, clock, clock + WEEK, clock + WEEK)
    assert evaluation_id is not None
    with transaction(engine) as connection:
        assessment = drift_evaluation_by_id(connection, evaluation_id).assessment
    assert assessment.input.untested_reason == reason
    assert assessment.verdict == ("drift" if reason is None else "not_enough_data")
    if reason != "unread_texts":
        assert any("144 of 144 prompts" in remark for remark in assessment.remarks)
        assert any("[text]" in remark for remark in assessment.remarks)
