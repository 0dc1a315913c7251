"""Snapshots of what the main commands print: each command, its output and its exit status."""

import re
import shlex
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion
from typer.testing import CliRunner

from monitor.cli.app import app
from monitor.cli.shared.access import account_name
from monitor.errors import DriftwardenError
from monitor.store.engine import transaction
from monitor.store.training.runs import finish_run, list_runs, mark_running
from monitor.store.windows.claims import claim_drift_evaluation, fail_drift_evaluation
from monitor.windows.schedule import LENGTH
from retrain.recipes.recipe import Recipe
from retrain.training.runs import plan_run
from tests.support.present import utc_now
from tests.support.retrain.launched_runs import NOW
from tests.support.retrain.version_shell import VersionShell
from tests.support.review.gold_items import TAXONOMY
from tests.support.review.human_evaluation import make_human_evaluation, rate_all
from tests.support.review.review_world import make_world
from tests.support.traffic.stored_traffic import store_traffic
from tests.support.windows.assessments import make_assessment, store_evaluation

#: Long past on any clock.
MONDAY = datetime(2024, 1, 8, tzinfo=UTC)
WEEK = LENGTH["weekly"]
DIMENSIONS = ("accuracy", "completeness", "tone", "compliance")
SCORES = {
    system: dict.fromkeys(DIMENSIONS, value)
    for system, value in (("candidate", 5), ("incumbent", 4), ("base", 2))
}


class Session(VersionShell):
    """A shell that records each command with what it prints."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.lines: list[str] = []

    def run(self, *commands: str) -> None:
        for command in commands:
            arguments = shlex.split(command.format(folder=self.folder))
            # `init` writes a file and reads no configuration.
            config = [] if "init" in arguments else ["--config", str(self.config)]
            done = CliRunner().invoke(app, [*arguments, *config])
            status, output = done.exit_code, done.output
            if isinstance(done.exception, DriftwardenError):
                status = done.exception.exit_status
                output += f"driftwarden: {done.exception}\n"
            elif done.exception is not None and not isinstance(done.exception, SystemExit):
                raise done.exception
            self.lines += [
                f"$ driftwarden {command}",
                output.rstrip(),
                f"[exit status {status}]",
                "",
            ]

    @property
    def transcript(self) -> str:
        text = (
            "\n".join(self.lines).replace(str(self.folder), "FOLDER").replace("{folder}", "FOLDER")
        )
        text = re.sub(rf"\bby {re.escape(account_name())}\b", "by USER", text)
        text = re.sub(r"\b[0-9a-f]{64}\b", "DIGEST", text)
        text = re.sub(r"failed at [-0-9]+ [:0-9]+", "failed at TIME", text)
        return re.sub(r" +$", "", text, flags=re.MULTILINE)


@pytest.fixture
def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(tmp_path)
    made = Session(tmp_path)
    yield made
    made.engine.dispose()


def test_empty_database_snapshot(session: Session, snapshot: SnapshotAssertion) -> None:
    session.run(
        "dead-letters", "evaluate --from 2024-01-08", "review queue", "accounts list",
        "retrain list", "retrain human-evaluation list", "models list",
    )  # fmt: skip
    assert session.transcript == snapshot


def test_model_versions_snapshot(session: Session, snapshot: SnapshotAssertion) -> None:
    first = session.version(20)
    session.score(first, 0.8)
    session.promote(first)
    second = session.version(24, parent=first, rank=4)
    session.score(second, 0.9)
    session.score(second, 0.7, "split=new")
    session.promote(second)
    session.run(
        "models list",
        "models show 1 --model desk",
        "models show 2 --model desk",
        "models diff 1 2 --model desk",
    )
    assert session.transcript == snapshot


def test_training_runs_snapshot(session: Session, snapshot: SnapshotAssertion) -> None:
    session.version(20)
    with transaction(session.engine) as connection:
        for _ in range(2):
            plan_run(
                connection, model="desk", recipe=Recipe(base="base", method="qlora"),
                work_dir=session.folder / "runs", now=NOW,
            )  # fmt: skip
        planned, failed, cancelled = sorted(run.id for run in list_runs(connection))
        mark_running(connection, failed, {"pid": 1, "start_ticks": 0, "boot_id": ""}, NOW)
        finish_run(connection, failed, "failed", finished_at=NOW, error="no memory")
        finish_run(connection, cancelled, "cancelled", finished_at=NOW, error="cancelled by lea")
    session.run(
        "retrain list", f"retrain show {failed}", f"retrain show {cancelled}",
        f"retrain data {planned}", f"retrain resume {planned}", f"retrain start {failed}",
    )  # fmt: skip
    assert session.transcript == snapshot


def test_refusals_snapshot(session: Session, snapshot: SnapshotAssertion) -> None:
    session.promote(session.version(20))
    session.version(20)
    session.run(
        "retrain show 7", "retrain evaluate 1", "retrain approve 1 --reason WHY",
        "retrain plan {folder}/none.jsonl", "models show 9 --model desk",
        "models promote 2 --model desk",
        "models rollback --model desk", "accounts deactivate Ada", "review export --queue",
        "review export --out desk.db", "taxonomy show", "compare none.jsonl none.jsonl",
        "compare desk.db desk.db --html desk.db", "compare a.jsonl b.jsonl --html none/page.html",
    )  # fmt: skip
    assert session.transcript == snapshot


def test_drift_evaluation_snapshot(session: Session, snapshot: SnapshotAssertion) -> None:
    store_traffic(session.engine, MONDAY - WEEK, 5, seed=1, model="helper")
    session.run("evaluate --from 2024-01-01")
    with transaction(session.engine) as connection:
        store_evaluation(connection, make_assessment(0.3), MONDAY)
        start = MONDAY + WEEK
        now = utc_now()  # an earlier failure would be evaluated again
        claim = claim_drift_evaluation(
            connection, "assistant", start, start + WEEK, seed=1, now=now
        )
        assert claim is not None
        fail_drift_evaluation(connection, claim, "ValueError: broken on purpose", now)
    session.run(
        "evaluate --from 2024-01-08", "evaluate --from 2024-01-15", "evaluate --from 2999-01-07",
        "evaluate --from 2024-01-08 --to 2024-01-01",
    )  # fmt: skip
    assert session.transcript == snapshot


def test_human_evaluation_snapshot(session: Session, snapshot: SnapshotAssertion) -> None:
    world = make_world(session.engine, NOW, n=4)
    human_evaluation = make_human_evaluation(session.engine, NOW, n=12)
    rate_all(session.engine, human_evaluation, world.users["Ada"], NOW, SCORES)
    command = f"retrain human-evaluation lock {human_evaluation} --as"
    session.run(
        f"retrain human-evaluation show {human_evaluation}", f"{command} Ada", f"{command} Lea",
        f"{command} Lea --allow-missing", "retrain human-evaluation list",
        f"retrain human-evaluation export {human_evaluation} --output ratings.jsonl",
    )  # fmt: skip
    assert session.transcript == snapshot


def test_taxonomy_snapshot(session: Session, snapshot: SnapshotAssertion) -> None:
    (session.folder / "good.md").write_text(TAXONOMY)
    (session.folder / "bad.md").write_text(TAXONOMY.replace("## Criteria", "## Crtieria"))
    session.run(
        "taxonomy init", "taxonomy init", "taxonomy check good.md", "taxonomy check bad.md",
        "taxonomy check none.md", "taxonomy show --version nothing",
    )  # fmt: skip
    assert session.transcript == snapshot
