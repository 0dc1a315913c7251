"""Replay of files and dead letters, and import of baselines."""

import json
import re
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine, select
from typer.testing import CliRunner

from monitor.cli.app import app
from monitor.errors import InputError
from monitor.settings import Settings, Traffic
from monitor.settings.models.names import ModelNames
from monitor.store.engine import make_engine, transaction
from monitor.store.tables import RolloutObservation, metadata
from monitor.store.traffic.baselines import first_baseline_at, latest_baseline, list_baselines
from monitor.store.traffic.dead_letters import DeadLetterRow, count_by_reason, insert_dead_letters
from monitor.store.traffic.exchanges import load_baseline
from monitor.store.traffic.position import Position
from monitor.traffic.baseline_import import import_baseline
from monitor.traffic.dead_letter_replay import replay_dead_letters
from monitor.traffic.file_replay import replay_file
from monitor.traffic.sampling.observation_plan import build_plan
from retrain.rollout.rows.observed_rollout import ObservedRollout
from tests.support.encoders.fake_encoder import FakeEncoder
from tests.support.refusals import refusal
from tests.support.traffic.end_users import make_rules
from tests.support.traffic.ingest import stored_ids
from tests.support.traffic.observed_traffic import MODEL, messages, open_rollout

EVERYTHING = Settings(monitoring={"sample_rate": 1.0}, traffic={"batch_size": 7})


def write(path: Path, n_lines: int) -> Path:
    lines = [
        json.dumps({"id": f"r{n}", "prompt": f"prompt {n}", "response": "yes"})
        for n in range(n_lines)
    ]
    path.write_text("\n".join([*lines, "{oops", ""]))
    return path


def test_a_file_replayed_twice_is_stored_once(engine: Engine, tmp_path: Path) -> None:
    path = write(tmp_path / "traffic.jsonl", 30)

    first = replay_file(engine, EVERYTHING, FakeEncoder(), path)
    second = replay_file(engine, EVERYTHING, FakeEncoder(), path)

    assert (first.n_lines, first.n_exchanges, first.n_dead_letters) == (31, 30, 1)
    assert (second.n_lines, second.n_skipped, second.n_exchanges) == (0, 31, 0)
    assert sorted(f"r{n}" for n in range(30)) == stored_ids(engine)


def test_replay_observes_by_the_rollout_plan(engine: Engine, tmp_path: Path) -> None:
    start = datetime(2026, 11, 2, tzinfo=UTC)
    rollout_id = open_rollout(engine, start)
    settings = Settings(monitoring={"sample_rate": 0.05})
    observed = ObservedRollout(rollout_id, MODEL, 2, 1, 5, start)
    lines = [value for *_, value in messages(300, start, users=80)][1:]
    path = tmp_path / "traffic.jsonl"
    path.write_bytes(b"\n".join(lines))

    plan = build_plan(settings, [observed])
    replay_file(engine, settings, FakeEncoder(), path, plan=plan)
    with transaction(engine) as connection:
        arms = Counter(connection.execute(select(RolloutObservation.arm)).scalars())
    without_plan = make_engine(f"sqlite:///{tmp_path / 'other.db'}")
    metadata.create_all(without_plan)
    replay_file(without_plan, settings, FakeEncoder(), path)

    n_canary = sum(b'"v2"' in line for line in lines)
    assert 0.8 * n_canary <= arms["canary"] <= n_canary
    assert arms["stable"] > 20
    assert 0 < len(stored_ids(engine)) < 50
    assert stored_ids(without_plan) == stored_ids(engine)
    without_plan.dispose()


def test_an_interrupted_replay_goes_on_where_it_was(engine: Engine, tmp_path: Path) -> None:
    class BreakError(Exception):
        pass

    class BreaksAtTheThirdBatch(FakeEncoder):
        calls = 0

        def encode(self, texts):
            self.calls += 1
            if self.calls == 3:
                raise BreakError
            return super().encode(texts)

    path = write(tmp_path / "traffic.jsonl", 30)
    with pytest.raises(BreakError):
        replay_file(engine, EVERYTHING, BreaksAtTheThirdBatch(), path)
    assert len(stored_ids(engine)) == 14

    again = replay_file(engine, EVERYTHING, FakeEncoder(), path)

    assert again.n_skipped == 14
    assert sorted(f"r{n}" for n in range(30)) == stored_ids(engine)


def test_dead_letters_are_read_once_the_settings_allow_it(engine: Engine, tmp_path: Path) -> None:
    path = tmp_path / "traffic.jsonl"
    path.write_text(
        json.dumps({"id": "long", "prompt": "x" * 2000, "response": "yes"}) + "\n{oops\n"
    )
    strict = Settings(monitoring={"sample_rate": 1.0}, traffic={"max_record_bytes": 1024})
    replay_file(engine, strict, FakeEncoder(), path)
    assert stored_ids(engine) == []

    first = replay_dead_letters(engine, EVERYTHING, FakeEncoder())
    second = replay_dead_letters(engine, EVERYTHING, FakeEncoder())

    assert (first.n_exchanges, first.still_unreadable) == (1, {"invalid_json": 1})
    assert (second.n_exchanges, second.still_unreadable) == (0, {"invalid_json": 1})
    assert stored_ids(engine) == ["long"]
    with transaction(engine) as connection:
        assert count_by_reason(connection) == {"invalid_json": 1}


def test_replayed_dead_letters_of_unlisted_models_are_counted(
    engine: Engine, tmp_path: Path
) -> None:
    path = tmp_path / "traffic.jsonl"
    path.write_text(
        json.dumps({"id": "long", "model": "stranger", "prompt": "x" * 2000, "response": "yes"})
    )
    strict = Settings(monitoring={"sample_rate": 1.0}, traffic={"max_record_bytes": 1024})
    replay_file(engine, strict, FakeEncoder(), path)
    done = replay_dead_letters(engine, EVERYTHING, FakeEncoder())
    assert (done.n_exchanges, done.n_unlisted, done.still_unreadable) == (0, 1, {})
    assert stored_ids(engine) == []


@pytest.mark.slow
def test_dead_letters_command_lists_reasons_without_texts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"sqlite:///{tmp_path / 'letters.db'}"
    monkeypatch.setenv("DRIFTWARDEN_DATABASE__URL", url)
    monkeypatch.chdir(tmp_path)
    runner = CliRunner()
    assert runner.invoke(app, ["db", "upgrade"]).exit_code == 0
    assert "no dead letters" in runner.invoke(app, ["dead-letters"]).output
    path = tmp_path / "traffic.jsonl"
    path.write_text('{oops secret\n{"prompt": 7}\n{"prompt": "x"}\n{oops\n')
    engine = make_engine(url)
    replay_file(engine, EVERYTHING, FakeEncoder(), path)
    engine.dispose()

    output = runner.invoke(app, ["dead-letters"]).output

    assert re.search(r"2  invalid_json  since .* UTC\n +file:[0-9a-f]+/0@3: \S", output)
    assert re.search(r"1  wrong_type  since .* UTC\n +file:[0-9a-f]+/0@1: ", output)
    assert output.index("invalid_json") < output.index("wrong_type")
    assert "secret" not in output


def test_dead_letters_without_bytes_keep_their_reason(engine: Engine, clock: datetime) -> None:
    dead_letter = DeadLetterRow(
        position=Position("topic", 0, 3),
        key=None,
        value=None,
        reason="corrupt_batch",
        detail="",
        inclusion_probability=1.0,
        received_at=clock,
        last_offset=9,
    )
    with transaction(engine) as connection:
        insert_dead_letters(connection, [dead_letter])

    assert (replay_dead_letters(engine, EVERYTHING, FakeEncoder()).still_unreadable) == {
        "corrupt_batch": 1
    }


def test_a_baseline_is_imported_once(engine: Engine, tmp_path: Path, clock: datetime) -> None:
    path = write(tmp_path / "baseline.jsonl", 5)

    def import_() -> object:
        return import_baseline(
            engine,
            Traffic(),
            FakeEncoder,
            path,
            names=ModelNames({"assistant": ()}),
            redactor=None,
            rules=make_rules(engine),
            now=clock,
        )

    first, second = import_(), import_()

    assert (first.n_exchanges, first.is_new, len(first.bad_lines)) == (5, True, 1)
    assert (first.baseline_id, False) == (second.baseline_id, second.is_new)
    with transaction(engine) as connection:
        latest = latest_baseline(connection, "assistant")
        assert latest is not None
        rows = load_baseline(connection, latest.id)
    assert [f"prompt {n}" for n in range(5)] == rows.prompts
    assert (FakeEncoder().encode(rows.prompts) == rows.prompt_vectors).all()


def test_a_version_has_a_baseline_of_its_own(
    engine: Engine, tmp_path: Path, clock: datetime
) -> None:
    path = write(tmp_path / "baseline.jsonl", 5)

    def import_(version: str) -> int:
        return import_baseline(
            engine,
            Traffic(),
            FakeEncoder,
            path,
            names=ModelNames({"assistant": ()}),
            model_version=version,
            redactor=None,
            rules=make_rules(engine),
            now=clock,
        ).baseline_id

    ids = [import_(version) for version in ("", "v1", "v2")]

    with transaction(engine) as connection:
        result = list_baselines(connection, "assistant")
        assert clock == first_baseline_at(connection, "assistant")
    assert [(ids[2], "v2"), (ids[1], "v1"), (ids[0], "")] == [
        (entry.id, entry.model_version) for entry in result
    ]
    assert len({entry.digest for entry in result}) == 3


def test_a_baseline_without_a_usable_line_is_refused(
    engine: Engine, tmp_path: Path, clock: datetime
) -> None:
    path = tmp_path / "baseline.jsonl"
    for content, message in [
        (
            '{"prompt": "x", "response": "", "model": "other"}',
            r"no exchange of the model 'assistant'.*'other' \(1\)",
        ),
        ("{oops", "none of 1 lines is an exchange; line 1: invalid_json"),
        ("", "the file is empty"),
    ]:
        path.write_text(content)
        with pytest.raises(InputError, match=message):
            import_baseline(
                engine,
                Traffic(),
                FakeEncoder,
                path,
                names=ModelNames({"assistant": ()}),
                redactor=None,
                rules=make_rules(engine),
                now=clock,
            )


def test_conversations_are_replayed_turn_by_turn(engine: Engine, tmp_path: Path) -> None:
    turns = [{"from": name, "value": f"{name} {n}"} for n in (1, 2) for name in ("human", "gpt")]
    lines = [{"id": f"c{n}", "conversations": turns} for n in range(9)]
    lines[4] = {"id": "c4", "conversations": turns[:1]}
    path = tmp_path / "chats.jsonl"
    path.write_text("\n".join([*map(json.dumps, lines), '{"odd": 1}']))

    done = replay_file(engine, EVERYTHING, FakeEncoder(), path, announce=[].append)
    again = replay_file(engine, EVERYTHING, FakeEncoder(), path, announce=[].append)

    assert (done.n_lines, done.n_exchanges, done.n_dead_letters) == (10, 16, 2)
    assert (again.n_lines, again.n_skipped) == (0, 10)
    ids = [f"c{n}{end}" for n in range(9) if n != 4 for end in ("", "/1")]
    assert ids == sorted(stored_ids(engine))
    with transaction(engine) as connection:
        assert count_by_reason(connection) == {"missing_response": 1, "unknown_format": 1}
    prompts_only = Settings(monitoring={"sample_rate": 1.0}, traffic={"prompts_only": True})
    replayed = replay_dead_letters(engine, prompts_only, FakeEncoder())
    assert (replayed.n_exchanges, replayed.still_unreadable) == (1, {"unknown_format": 1})


def test_file_of_two_shapes_is_refused_and_stores_nothing(engine: Engine, tmp_path: Path) -> None:
    path = tmp_path / "mixed.jsonl"
    path.write_text(
        '{"instruction": "q", "output": "a"}\n' * 3 + '{"prompt": "q", "completion": "a"}\n' * 3
    )

    with refusal("two_shapes", InputError):
        replay_file(engine, EVERYTHING, FakeEncoder(), path)

    assert stored_ids(engine) == []
