"""`driftwarden review export` and `import`: files, messages, audit log, erasure."""

import json
import re
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine, select
from typer.testing import CliRunner

from monitor.cli.app import app
from monitor.errors import DriftwardenError, InputError
from monitor.review.items.verdicts import ReviewInput
from monitor.store.engine import make_engine, transaction
from monitor.store.tables import AuditEntry
from tests.support.migrated_copy import migrate
from tests.support.review.gold_items import ACCEPT, FIVE, correct, make_reviewed_world
from tests.support.review.review_world import World

REJECT = ReviewInput(verdict="reject", error_kind="unsafe", answerable="yes", **FIVE)
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def world(tmp_path: Path, clock: datetime) -> World:
    engine = make_engine(f"sqlite:///{tmp_path / 'driftwarden.db'}")
    migrate(engine)
    case = ("card_lost", "Where is my card?", "No idea.")
    world = make_reviewed_world(
        engine,
        tmp_path,
        clock,
        [ACCEPT, correct("Block it."), correct("Call us."), REJECT],
        n=8,
        cases=[case, ("fees", "Why 1.75%?", "It is our fee.")],
    )
    yield world
    engine.dispose()


@pytest.fixture
def run(world: World, tmp_path: Path) -> Run:
    config = tmp_path / "config.toml"
    config.write_text(f'[database]\nurl = "{world.engine.url}"\n')

    def call(*arguments: str) -> tuple[int, str, str]:
        done = CliRunner().invoke(app, [*arguments, "-c", str(config)])
        if isinstance(done.exception, DriftwardenError):
            return done.exception.exit_status, done.stdout, str(done.exception)
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
        return done.exit_code, done.stdout, done.stderr

    return call


def audited(engine: Engine, action: str) -> list[tuple[str, dict]]:
    with transaction(engine) as connection:
        rows = connection.execute(select(AuditEntry).where(AuditEntry.action == action))
        return [(row.subject, row.details) for row in rows]


def test_equal_gold_gives_equal_files_and_remarks(run: Run, world: World, tmp_path: Path) -> None:
    out = tmp_path / "gold.jsonl"
    status, output, message = run("review", "export", "--out", str(out))
    assert (0, f"{out}: 3 examples\n") == (status, output)
    assert message.count("\n") == 1  # the rejected item
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert all(["messages", "metadata"] == list(row) for row in rows)
    assert {2} == {row["metadata"]["n_reviewers"] for row in rows}
    assert not any(name in out.read_text() for name in ("Ada", "Ben"))
    before = out.read_bytes()
    run("review", "export", "--out", str(out))
    assert before == out.read_bytes()
    assert out.read_text() == run("review", "export")[1]
    assert [tmp_path / "gold.jsonl"] == list(tmp_path.glob("*gold*"))
    assert [str(out), str(out), "-"] == [place for place, _ in audited(world.engine, "exported")]


def test_filters_and_formats(run: Run, tmp_path: Path) -> None:
    def rows(*arguments: str) -> list[dict]:
        return [json.loads(line) for line in run("review", "export", *arguments)[1].splitlines()]

    every = rows()
    kinds = {row["metadata"]["task_type"] for row in every}
    for kind in kinds:
        only = rows("--task-type", kind)
        assert [row for row in every if row["metadata"]["task_type"] == kind] == only
    assert [] == rows("--model", "another")
    assert [] == rows("--since", "2026-11-03")
    assert every == rows("--since", "2026-11-02")
    assert [] == rows("--resolution", "audited")
    assert {"messages"} == {key for row in rows("--bare") for key in row}
    pairs = rows("--format", "preference")
    assert 2 == len(pairs)
    assert all(row["chosen"] != row["rejected"] for row in pairs)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--queue"], "queue_format"),
        (["--format", "argilla"], "no_folder"),
        (["--format", "label-studio", "--bare"], "bare_format"),
        (["--config-out", "x.xml"], "config_format"),
        (["--format", "label-studio", "--queue", "--since", "2026-11-01"], "gold_filter"),
        (["--out", "/dev/null/gold.jsonl"], "not_writable"),
    ],
)
def test_options_that_do_not_fit_are_refused(
    world: World, tmp_path: Path, arguments: list[str], code: str
) -> None:
    config = ["-c", str(tmp_path / "config.toml")]
    (tmp_path / "config.toml").write_text(f'[database]\nurl = "{world.engine.url}"\n')
    error = CliRunner().invoke(app, ["review", "export", *arguments, *config]).exception
    assert isinstance(error, InputError)
    assert error.code == code


def test_exported_queue_is_imported_with_reviews(run: Run, world: World, tmp_path: Path) -> None:
    out, users = tmp_path / "tasks.json", tmp_path / "people.json"
    arguments = ("--queue", "--format", "label-studio", "--out", str(out))
    assert (0, f"{out}: 4 items\n") == run("review", "export", *arguments)[:2]
    tasks = json.loads(out.read_text())
    scores = [{"from_name": name, "type": "rating", "value": {"rating": 5}} for name in FIVE]
    verdict = {"from_name": "verdict", "type": "choices", "value": {"choices": ["accept"]}}
    tasks[0]["annotations"] = [
        {"id": 1, "completed_by": 7, "result": [verdict, *scores]},
        {"id": 2, "completed_by": {"email": "Ben"}, "result": [verdict, *scores]},
    ]
    out.write_text(json.dumps(tasks))
    status, _, message = run("review", "import", str(out))
    assert 2 == status
    assert re.search(r"annotation 1: .*'7'", message)
    assert [] == audited(world.engine, "imported")
    users.write_text('{"7": "Ada"}')
    mapped = ("review", "import", str(out), "--reviewer-map", str(users))
    counts = []
    for _ in range(2):
        assert 0 == run(*mapped)[0]
        place, details = audited(world.engine, "imported")[-1]
        assert str(out) == place
        counts.append((details["written"], details["known"]))
    assert [(2, 0), (0, 2)] == counts
    assert 4 == len(run("review", "export")[1].splitlines())


def test_an_end_user_is_erased_in_every_format(run: Run, world: World, tmp_path: Path) -> None:
    files = {
        "sft": tmp_path / "gold.jsonl",
        "preference": tmp_path / "pairs.jsonl",
        "label-studio": tmp_path / "tasks.json",
        "argilla": tmp_path / "dataset",
    }
    for name, path in files.items():
        run("review", "export", "--format", name, "--out", str(path))
    bare = tmp_path / "bare.jsonl"
    run("review", "export", "--bare", "--out", str(bare))
    paths = [*list(files.values())[:3], files["argilla"] / "records.json", bare]
    (row, *_) = [
        json.loads(line)
        for line in files["sft"].read_text().splitlines()
        if json.loads(line)["metadata"]["verdict"] == "correct"
    ]
    query = json.dumps(row["messages"][-2]["content"])
    assert all(query in path.read_text() for path in paths)
    status, output, message = run("forget", "--exchange", row["metadata"]["exchange_id"])
    assert 0 == status, output + message
    for path in paths:
        assert query not in path.read_text(), path
        if path.suffix == ".json":
            assert json.loads(path.read_text())
        else:
            assert path.read_text()
