"""`driftwarden forget`: complete erasure of one end user, and only of this one."""

import hashlib
import json
import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select, update
from syrupy.assertion import SnapshotAssertion
from typer.testing import CliRunner

from monitor.cli.app import app
from monitor.embedding.cached_encoder import open_cache
from monitor.embedding.vector_cache import FILE
from monitor.privacy.end_users.end_user import ErasureRequest
from monitor.privacy.erasure import forget as module
from monitor.privacy.erasure.forget import ErasureReport, forget
from monitor.privacy.erasure.manual_steps import ManualStep
from monitor.rendering.excerpts import excerpt
from monitor.settings import Embedding, ModelSection
from monitor.store.audit_log import check_chain
from monitor.store.engine import transaction
from monitor.store.model_history import carry_over
from monitor.store.tables import (
    Baseline,
    Decision,
    EmbeddingBlock,
    Exchange,
    GoldExample,
    ReviewItem,
    RolloutObservation,
    RolloutScore,
    TrainingRun,
    metadata,
)
from monitor.store.traffic.compaction import merge_blocks
from monitor.store.training.registry import insert_version, version_by_id
from monitor.store.windows.assessment import Example
from monitor.store.windows.drift_evaluations import drift_evaluation_by_id
from monitor.store.windows.sample_scores import sample_scores
from monitor.traffic.redaction import pseudonym_of, pseudonym_of_id
from retrain.run_folder import read_lines, write_lines
from tests.integration.privacy.end_user_world import (
    ANN,
    HERS,
    IN_BASELINE,
    MENTIONS,
    N_TRAFFIC,
    WORD,
    EndUserWorld,
    audit_entries,
    exchange_ids,
    make_end_user_world,
    prompt_of,
)
from tests.support.stamped import stamp
from tests.support.traffic.aging_traffic import ENCODER, encoded, stored_ids, vectors_are_right
from tests.support.windows.assessments import make_examples

GONE = {f"exchange-{n}" for n in (*HERS, IN_BASELINE, MENTIONS)}


@pytest.fixture
def world(any_engine: Engine, tmp_path: Path, clock: datetime) -> EndUserWorld:
    return make_end_user_world(any_engine, tmp_path, clock)


def forget_ann(world: EndUserWorld, clock: datetime, **options: Any) -> ErasureReport:
    return forget(world.engine, world.settings, ErasureRequest(ANN), clock, **options)


def counts(forgotten: ErasureReport) -> dict[str, int]:
    return {count.kind: count.n_found for count in forgotten.counts}


def versions(steps: list[ManualStep]) -> list[str]:
    """Return number and stage of the versions in a report."""
    return [
        " ".join(re.findall(r"version (\d+) (\(\w+\))", step.text)[0])
        for step in steps
        if step.code == "model_version"
    ]


def everything_stored(engine: Engine) -> str:
    """Return every value of every row as text, except compressed pages."""
    with transaction(engine) as connection:
        rows = [
            [value.hex() if isinstance(value, bytes) else value for value in row]
            for table in metadata.sorted_tables
            for row in connection.execute(select(table))
        ]
    return json.dumps(rows, default=str, ensure_ascii=False)


def test_erasure_removes_every_trace_and_counts_zero_left(
    world: EndUserWorld, clock: datetime
) -> None:
    other_ids = {name for name in stored_ids(world.engine) if name not in GONE}

    forgotten = forget_ann(world, clock)

    assert {
        "exchanges": 4,
        "exchanges of baselines": 1,
        "vectors": 5,
        "review items": 3,
        "review draws": 3,
        "review assignments": 6,
        "reviews": 6,
        "review proposals": 3,
        "review messages": 3,
        "review audits": 3,
        "gold examples": 3,
        "scores in evaluations": 4,
        "points on prompt maps": 4 + 1,
        "quotes in evaluations": 5,
        "quotes in messages": counts(forgotten)["quotes in messages"],
        "dead letters": 3,
        "pending requests and responses": 1,
        "words of others": 6,
        "human evaluation items": 0,
        "observations of rollouts": 3,
        "values of feedback": 4,
        "labels of rollouts": 1,
        "labels of models": 0,
        "rows in files": 3 + 1 + 2,
        "words in files": 0,
    } == counts(forgotten)
    assert counts(forgotten)["quotes in messages"] >= 4
    assert forgotten.mentions == [f"exchange exchange-{MENTIONS} of assistant: response"]
    assert forgotten.n_left == 0
    assert other_ids == stored_ids(world.engine)
    assert len(other_ids) == vectors_are_right(world.engine)
    left = everything_stored(world.engine)
    somebody_else = b"joann@example.organic".hex()
    assert somebody_else in left
    left = left.replace(somebody_else, "")
    for trace in (WORD, ANN, pseudonym_of(ANN), WORD.encode().hex(), ANN.encode().hex()):
        assert trace not in left, trace
    with transaction(world.engine) as connection:
        assert check_chain(connection).broken_at is None
        assert connection.execute(select(Baseline.n_exchanges)).scalar_one() == 9
        assert len(connection.execute(select(ReviewItem.id)).all()) == 12
        assert len(connection.execute(select(GoldExample.id)).all()) == 12


def test_renamed_and_removed_model_is_erased_too(world: EndUserWorld, clock: datetime) -> None:
    """Training data and exports carry the name that the model had when they were written."""
    with transaction(world.engine) as connection:
        assert carry_over(connection, "assistant", "desk", clock)
    settings = world.settings.model_copy(update={"model": ModelSection(name="other")})
    forgotten = forget(world.engine, settings, ErasureRequest(ANN), clock)
    assert counts(forgotten)["exchanges"] == 4
    assert counts(forgotten)["rows in files"] == 6
    assert forgotten.n_left == 0
    assert WORD not in everything_stored(world.engine)
    files = [path for path in world.folder.rglob("*.jsonl") if WORD in path.read_text("utf-8")]
    assert files == []


def test_data_of_other_end_users_stays(world: EndUserWorld, clock: datetime) -> None:
    forget_ann(world, clock)

    with transaction(world.engine) as connection:
        assessment = drift_evaluation_by_id(connection, world.evaluation_id).assessment
        scores = sample_scores(connection, world.evaluation_id)
    assert assessment is not None
    assert make_examples(prompt_of(4)) == assessment.input.topics[0].examples
    assert make_examples(prompt_of(5)) == assessment.input.outliers
    # What stands beside another's answer was hers; the other's stays.
    assert (Example(prompt=prompt_of(6), response="Nothing."),) == assessment.output.outliers
    assert tuple(topic.name for topic in assessment.input.topics) == (
        "crypto, wallet, transfer",
        "(removed)",
    )
    assert (
        assessment.headline
        == "People ask about new things: “crypto, wallet, transfer” and “(removed)”."
    )
    assert assessment.remarks[0] == "One user (removed) sent 30% of the window."
    ids = exchange_ids(world.engine)
    assert [ids[n] for n in range(N_TRAFFIC) if n in ids] == scores.ids.tolist()
    assert len(scores.novelty) == N_TRAFFIC - 4
    messages = everything_stored(world.engine)
    assert prompt_of(4) in messages


def test_erased_texts_and_vectors_leave_the_database_files(
    engine: Engine, tmp_path: Path, clock: datetime
) -> None:
    """SQLite keeps deleted rows in pages and write-ahead log unless they are overwritten."""
    world = make_end_user_world(engine, tmp_path, clock)
    hers = [
        WORD.encode(),
        ANN.encode(),
        *(encoded([prompt_of(n)]).tobytes() for n in (*HERS, IN_BASELINE)),
        *(encoded([f"response {n}"]).tobytes() for n in HERS),
    ]
    files = [Path(f"{engine.url.database}{suffix}") for suffix in ("", "-wal")]
    before = b"".join(path.read_bytes() for path in files if path.exists())
    assert all(trace in before for trace in hers)

    forget_ann(world, clock)

    after = b"".join(path.read_bytes() for path in files if path.exists())
    after = after.replace(b"joann@example.organic", b"")  # somebody else
    assert not [trace for trace in hers if trace in after]
    assert encoded([prompt_of(4)]).tobytes() in after


def test_files_are_rewritten_and_the_data_card_updated(
    world: EndUserWorld, clock: datetime
) -> None:
    card = json.loads(world.run.card.read_text())
    lines = world.run.training_data.read_bytes().splitlines(keepends=True)

    forget_ann(world, clock)

    lines_left = [line for line in lines if WORD.encode() not in line]
    assert len(lines) - len(lines_left) == 3
    assert lines_left == world.run.training_data.read_bytes().splitlines(keepends=True)
    responses = world.run.evaluation_responses(1).read_text().splitlines()
    assert [json.loads(x)["id"] for x in responses] == ["exchange-4", "exchange-4"]
    noted = json.loads(world.run.card.read_text())
    (note,) = noted.pop("removed")
    assert card.pop("removed") == []
    assert card == noted
    assert (3, f"sha256:{hashlib.sha256(b''.join(lines_left)).hexdigest()}") == (
        note["n_rows"],
        note["digest"],
    )
    assert "digest refers to the earlier rows" in note["why"]
    with transaction(world.engine) as connection:
        lineage = version_by_id(connection, world.version_id).lineage
    assert card["digest"] == lineage["data_digest"]
    assert lineage["removed"][0]["n_rows"] == 3
    assert len((world.folder / "original.jsonl").read_text().splitlines()) == 30
    assert not [path for path in world.folder.rglob(".*") if path.is_file()]


def test_every_file_of_a_run_is_searched(world: EndUserWorld, clock: datetime) -> None:
    """Validation data, replay prompts and replay responses are searched like the training data."""
    rows = [
        {
            "messages": [{"role": "user", "content": prompt_of(n)}],
            "metadata": {"exchange_id": f"exchange-{n}", "model": "assistant"},
        }
        for n in (HERS[0], 4, IN_BASELINE)
    ]
    other_ids = (world.run.validation_data, world.run.replay_prompts, world.run.replay_responses)
    for path in other_ids:
        write_lines(path, rows)

    forget_ann(world, clock)

    for path in other_ids:
        (lines_left,) = read_lines(path)
        assert lines_left["metadata"]["exchange_id"] == "exchange-4"
    (note,) = json.loads(world.run.card.read_text())["removed"]
    assert note["n_rows"] == 3 + 2


def test_planned_run_trains_on_the_remaining_rows(world: EndUserWorld, clock: datetime) -> None:
    with transaction(world.engine) as connection:
        connection.execute(TrainingRun.__table__.update().values(status="planned"))

    forget_ann(world, clock)

    card = json.loads(world.run.card.read_text())
    content = world.run.training_data.read_bytes()
    assert f"sha256:{hashlib.sha256(content).hexdigest()}" == card["digest"]
    assert card["n_examples"] == 12


def test_report_names_each_manual_step_snapshot(
    world: EndUserWorld, clock: datetime, snapshot: SnapshotAssertion
) -> None:
    steps = forget_ann(world, clock).manual_steps

    assert versions(steps) == ["1 (production)", "2 (candidate)"]  # 2 was trained on top of 1
    assert "channel C1 at 17.1" in next(step.text for step in steps if step.code == "slack_message")
    assert {"model_version", "slack_message", "audit_log", "baseline", "outside"} <= {
        step.code for step in steps
    }
    texts = "\n".join(f"{step.code}: {step.text}" for step in steps if step.code != "file")
    assert texts.replace(str(world.folder), "") == snapshot


@pytest.mark.parametrize(
    "link", [{"decision_id": 1}, {"plan": {"request": {"decision_id": 1}}}], ids=["first", "again"]
)
def test_versions_are_named_without_the_folder_of_their_run(
    world: EndUserWorld, clock: datetime, link: dict[str, Any]
) -> None:
    with transaction(world.engine) as connection:
        batch = connection.execute(select(ReviewItem.batch_id).limit(1)).scalar_one()
        connection.execute(
            Decision.__table__.insert().values(
                id=1, batch_id=batch, model="assistant", recommendation="retrain",
                inputs={"batches": [batch]}, decided_at=clock,
            )
        )  # fmt: skip
        connection.execute(TrainingRun.__table__.update().where(TrainingRun.id == 1).values(**link))
    world.run.training_data.unlink()

    assert "1 (production)" in versions(forget_ann(world, clock).manual_steps)


@pytest.mark.parametrize(("base", "named"), [("x", True), ("the/raw-base", False)])
def test_version_trained_on_top_of_a_full_model_is_named(
    world: EndUserWorld, clock: datetime, base: str, named: bool
) -> None:
    """A full model has no start adapter, and a base model contains none of her data."""
    with transaction(world.engine) as connection:
        insert_version(
            connection, model="assistant", stage="candidate", parent_id=world.version_id,
            training_run_id=None, adapter_path="z", adapter_digest="z", created_at=clock,
            lineage={"method": "full", "base": base, "parent_adapter": ""},
        )  # fmt: skip
    assert ("3 (candidate)" in versions(forget_ann(world, clock).manual_steps)) == named


def test_audit_entry_does_not_contain_the_id(world: EndUserWorld, clock: datetime) -> None:
    forget_ann(world, clock)

    action, subject, details = audit_entries(world.engine)[-1]
    assert action == "end_user.erased"
    assert subject.startswith("end_user:")
    assert details["found"]["exchanges"] == 4
    assert details["versions"] == ["assistant 1", "assistant 2"]
    for trace in ("ann@", "example.org", pseudonym_of(ANN)[5:]):
        assert trace not in subject + json.dumps(details)


def test_dry_run_changes_nothing(world: EndUserWorld, clock: datetime) -> None:
    before = everything_stored(world.engine)
    files = {path: path.read_bytes() for path in world.folder.rglob("*.json*") if path.is_file()}

    forgotten = forget_ann(world, clock, dry_run=True)

    assert counts(forgotten)["exchanges"] == 4
    assert before == everything_stored(world.engine)
    assert files == {
        path: path.read_bytes() for path in world.folder.rglob("*.json*") if path.is_file()
    }


def test_second_erasure_finds_nothing(world: EndUserWorld, clock: datetime) -> None:
    forget_ann(world, clock)
    again = forget_ann(world, clock + timedelta(days=1))

    assert not any(counts(again).values())
    assert again.n_left == 0


@pytest.mark.parametrize("step", ["remove_rows", "_remove_derived", "_remove_exchanges"])
def test_interrupted_erasure_is_completed_by_the_next(
    world: EndUserWorld, clock: datetime, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    real = getattr(module, step)

    def die(*arguments: Any) -> Any:
        real(*arguments)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(module, step, die)
        with pytest.raises(KeyboardInterrupt):
            forget_ann(world, clock)

    assert forget_ann(world, clock).n_left == 0
    left = everything_stored(world.engine)
    assert WORD not in left
    assert WORD.encode().hex() not in left
    assert WORD not in world.run.training_data.read_text()


def test_single_exchange_is_erased_by_its_id(world: EndUserWorld, clock: datetime) -> None:
    request = ErasureRequest("", ("exchange-17",))

    forgotten = forget(world.engine, world.settings, request, clock)

    assert (counts(forgotten)["exchanges"], counts(forgotten)["gold examples"]) == (1, 1)
    assert forgotten.n_left == 0
    assert "exchange-17" not in stored_ids(world.engine)
    assert "exchange-33" in stored_ids(world.engine)
    assert counts(forgotten)["observations of rollouts"] == 1
    with transaction(world.engine) as connection:
        left = connection.execute(select(RolloutObservation.exchange_id)).scalars()
        assert {"exchange-700", "exchange-702", "exchange-703"} == set(left)
        assert len(connection.execute(select(RolloutScore.id)).all()) == 3


def test_exchange_with_a_personal_id_is_erased_by_it(world: EndUserWorld, clock: datetime) -> None:
    with transaction(world.engine) as connection:
        connection.execute(
            update(Exchange)
            .where(Exchange.exchange_id == "exchange-17")
            .values(exchange_id=pseudonym_of_id("ann+17@example.org"))
        )

    forgotten = forget(
        world.engine, world.settings, ErasureRequest("", ("ann+17@example.org",)), clock
    )

    assert (counts(forgotten)["exchanges"], forgotten.n_left) == (1, 0)


def test_vectors_in_merged_blocks_are_erased(world: EndUserWorld, clock: datetime) -> None:
    with transaction(world.engine) as connection:
        of_traffic = select(Exchange.block_id).where(Exchange.baseline_id.is_(None)).distinct()
        assert (
            merge_blocks(connection, sorted(connection.execute(of_traffic).scalars())) == N_TRAFFIC
        )
    assert forget_ann(world, clock).n_left == 0
    with transaction(world.engine) as connection:
        raw = b"".join(connection.execute(select(EmbeddingBlock.prompt_vectors)).scalars())
    assert encoded([prompt_of(17)]).tobytes() not in raw
    assert len(stored_ids(world.engine)) == vectors_are_right(world.engine)


def test_command_prints_counts_and_searches_exports(
    engine: Engine, tmp_path: Path, clock: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = make_end_user_world(engine, tmp_path, clock)
    stamp(engine)
    config, out, copy = (tmp_path / name for name in ("c.toml", "gold.jsonl", "copy.jsonl"))
    config.write_text(
        f'[database]\nurl = "{world.settings.database.url}"\n'
        f'[retrain]\ntraining_data = "{world.settings.retrain.training_data}"\n'
    )
    run = CliRunner().invoke
    assert run(app, ["review", "export", "--out", str(out), "-c", str(config)]).exit_code == 0
    assert run(app, ["review", "export", "-c", str(config)]).exit_code == 0
    copy.write_bytes(out.read_bytes())
    assert len(out.read_text().splitlines()) == 15
    arguments = ["forget", "--subject", ANN, "--file", str(copy), "-c", str(config)]

    dry = run(app, [*arguments, "--dry-run"])
    assert dry.exit_code == 0, dry.output
    assert len(out.read_text().splitlines()) == 15

    before = run(app, [*arguments, "--verify"])
    assert before.exit_code == 1
    assert "exchanges.end_user" in before.output
    done = run(app, arguments)
    assert done.exit_code == 0, done.output
    assert ["exchanges", "4", "4", "0"] in [line.split() for line in done.output.splitlines()]
    table = done.output.split("\n\n")[0].splitlines()
    assert len({len(line) for line in table}) == 1, "the columns aren't aligned"
    assert "1 of the exchanges is another end user's" in done.output
    assert "export to standard output" in done.output
    for path in (out, copy):
        assert len(path.read_text().splitlines()) == 12
        assert WORD not in path.read_text()

    after = run(app, [*arguments, "--verify"])
    assert (after.exit_code, "nothing was found" in after.output.splitlines()) == (0, True)
    assert "request 1 is open" in after.output

    monkeypatch.setattr(module, "_remove_exchanges", lambda *_: None)
    broken = run(app, ["forget", "--exchange", "exchange-4", "-c", str(config)])
    assert broken.exit_code == 1
    assert run(app, ["forget", "-c", str(config)]).exit_code == 2


def test_cached_vectors_are_erased_and_the_folder_is_named(
    engine: Engine, tmp_path: Path, clock: datetime
) -> None:
    world = make_end_user_world(engine, tmp_path, clock)
    embedding = Embedding(cache=str(tmp_path / "vectors"))
    settings = world.settings.model_copy(update={"embedding": embedding})
    request = ErasureRequest(ANN)
    absent = forget(engine, settings, request, clock, dry_run=True)
    assert "cached vectors" not in counts(absent)  # nothing was cached yet
    assert not (tmp_path / "vectors").exists()
    cache = open_cache(embedding)
    encoder = cache.add_encoder(b"one", ENCODER.identity, ENCODER.dimension)
    assert encoder is not None
    hers = [text for number in HERS for text in (prompt_of(number), f"response {number}")]
    texts = [*hers, prompt_of(4), "a text of a file"]
    cache.write(encoder, texts, ENCODER.encode(texts))

    counted = forget(engine, settings, request, clock, dry_run=True)
    assert len(cache.read(encoder, texts)) == len(texts)
    forgotten = forget(engine, settings, request, clock)

    assert counts(counted)["cached vectors"] == counts(forgotten)["cached vectors"] >= len(HERS)
    assert forgotten.n_left == 0
    assert not set(hers) & set(cache.read(encoder, texts))
    assert set(cache.read(encoder, texts)) >= {prompt_of(4), "a text of a file"}
    (step,) = [step for step in forgotten.manual_steps if step.code == "vector_cache"]
    assert str(tmp_path / "vectors") in step.text
    vector = ENCODER.encode([prompt_of(HERS[0])])[0].tobytes()
    assert vector not in (tmp_path / "vectors" / FILE).read_bytes()


def test_prompts_of_the_fixture_fit_an_excerpt() -> None:
    assert prompt_of(17) == excerpt(prompt_of(17), 40)
