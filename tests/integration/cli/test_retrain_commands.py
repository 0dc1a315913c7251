"""`driftwarden retrain` and `driftwarden models` on a real database."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine
from typer.testing import CliRunner, Result

from monitor.cli.app import app
from monitor.errors import DriftwardenError
from monitor.store.engine import make_engine, transaction
from monitor.store.migrations import upgrade
from monitor.store.training.runs import finish_run, list_runs
from retrain.jobs.process_identity import start_ticks
from retrain.registry.stages import register_version, store_scores
from tests.support.retrain.recipes import write_recipe
from tests.support.retrain.tiny_model import NEW, OLD, examples, tiny_base  # noqa: F401

COMMAND = [sys.executable, "-c", "from monitor.cli import main; main()"]
NOW = datetime(2026, 11, 2, 9, 30, tzinfo=UTC)


class Shell:
    """A folder with a config.toml and a database, and the command with them."""

    def __init__(self, folder: Path, base: str) -> None:
        self.folder = folder
        self.base = base
        self.config = folder / "config.toml"
        self.write("original.jsonl", examples(OLD, 40))
        self.write("gold.jsonl", examples(NEW, 30))
        self.configure()
        self.engine: Engine = make_engine(self.url)
        upgrade(self.engine)

    @property
    def url(self) -> str:
        return f"sqlite:///{self.folder / 'd.db'}"

    def configure(self, *, recipe: Mapping[str, Any] | None = None, **retrain: Any) -> None:
        values = {
            "training_data": str(self.folder / "original.jsonl"),
            "work_dir": str(self.folder / "runs"), "recipe": str(self.folder / "recipe.toml"),
            **retrain,
        }  # fmt: skip
        requested = {
            "base": self.base, "epochs": 1.0, "max_length": 64, "batch_size": 8,
            "learning_rate": 0.01, "rank": 4, "alpha": 8, **(recipe or {}),
        }  # fmt: skip
        write_recipe(self.folder / "recipe.toml", **requested)
        lines = ["[model]", 'name = "desk"', "[database]", f'url = "{self.url}"', "[retrain]"]
        lines += [f"{name} = {json.dumps(value)}" for name, value in values.items()]
        self.config.write_text("\n".join(lines), encoding="utf-8")

    def write(self, name: str, rows: list[dict[str, Any]]) -> Path:
        path = self.folder / name
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        return path

    def call(self, *arguments: str | Path) -> Result:
        return CliRunner().invoke(app, [*map(str, arguments), "-c", str(self.config)])

    def ok(self, *arguments: str | Path) -> str:
        result = self.call(*arguments)
        assert result.exit_code == 0, (result.output, result.exception)
        return result.output

    def refused(self, *arguments: str | Path) -> str:
        result = self.call(*arguments)
        assert isinstance(result.exception, DriftwardenError), result.output
        return str(result.exception)

    def process(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*COMMAND, *map(str, arguments), "-c", str(self.config)],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
            timeout=120,
        )

    def register(self, n: int = 1) -> None:
        for _ in range(n):
            with transaction(self.engine) as connection:
                register_version(
                    connection, model="desk", adapter_path="runs/1/adapter",
                    adapter_digest="sha256:1", lineage={"method": "lora"}, now=NOW,
                )  # fmt: skip


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path, base=str(tmp_path / "no-base"))


@pytest.fixture
def trained(tmp_path: Path, tiny_base: Path) -> Shell:  # noqa: F811
    return Shell(tmp_path, base=str(tiny_base))


@pytest.mark.language_model
@pytest.mark.timeout(600)
def test_from_gold_to_a_serving_version(trained: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    output = trained.ok("retrain", "plan", trained.folder / "gold.jsonl")
    assert "43 examples (30 gold, 13 replayed); 0 more for validation" in output
    assert "6 steps of lora on" in output
    assert "start: driftwarden retrain start 1" in output
    assert "planned" in trained.ok("retrain", "list")
    card = trained.ok("retrain", "data", "1")
    assert card.startswith("# Training data\n")
    assert "- 43 examples: 30 gold, 13 replayed (30%)." in card
    assert "## Tokens" in card
    assert json.loads(trained.ok("retrain", "data", "1", "--json"))["n_examples"] == 43
    assert re.search(
        r"^run 1: planned, model desk$", trained.ok("retrain", "show", "1"), re.MULTILINE
    )

    # As a process: the daemon's own way of finding the child's module, and the exit status.
    done = trained.process("retrain", "start", "1")
    assert done.returncode == 0, done.stderr
    assert "run 1 succeeded; its adapter: " in done.stdout.replace("\n", " ")

    listing = trained.ok("retrain", "show", "1")
    assert "run 1: succeeded, model desk" in listing
    assert "  rank = 4" in listing
    assert "registered as a version: `driftwarden models list`" in listing
    assert "loss" in trained.ok("retrain", "logs", "1", "-n", "100")
    assert re.search(
        r"^ +1 +succeeded +desk +lora .* by hand$", trained.ok("retrain", "list"), re.MULTILINE
    )

    assert re.search(r"^desk +1 +candidate .* run 1$", trained.ok("models", "list"), re.MULTILINE)
    version = trained.ok("models", "show", "desk", "1")
    assert re.search(r"^digest: +sha256:", version, re.MULTILINE)
    trained.ok("models", "promote", "desk", "1", "--reason", "looks good")

    # The next plan goes on from what serves now.
    trained.ok("retrain", "plan", trained.folder / "gold.jsonl")
    assert re.search(r"start_adapter = '.*run-00001/adapter'", trained.ok("retrain", "show", "2"))


@pytest.mark.language_model
def test_a_started_run_is_cancelled_from_another_process(
    trained: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    trained.ok("retrain", "plan", trained.folder / "gold.jsonl")
    started = trained.process("retrain", "start", "1", "--no-wait")
    assert (started.returncode, started.stdout) == (
        0, "run 1 started; `driftwarden retrain show 1` shows its progress\n",
    )  # fmt: skip
    with transaction(trained.engine) as connection:
        pid = (list_runs(connection)[0].handle or {})["pid"]
    assert start_ticks(pid) is not None
    assert trained.ok("retrain", "cancel", "1") == "run 1 cancelled\n"
    assert start_ticks(pid) is None
    assert "run 1: cancelled" in trained.ok("retrain", "show", "1")
    assert "error: cancelled by " in trained.ok("retrain", "show", "1")
    assert "is cancelled already" in trained.refused("retrain", "cancel", "1")
    assert "is cancelled; run `driftwarden retrain resume" in trained.refused(
        "retrain", "start", "1"
    )


@pytest.mark.language_model
def test_a_plan_says_what_fits_and_in_which_order(trained: Shell) -> None:
    gold, base = trained.folder / "gold.jsonl", trained.base
    output = trained.ok("retrain", "plan", gold, "--dry-run")
    for method in ("qlora", "lora", "full"):
        assert re.search(
            rf"^possible: {method} on {base}: 0\.00 billion parameters, ", output, re.MULTILINE
        )
    assert f"order to try: qlora on {base}, then lora on {base}, then full on {base}" in output
    assert "serving: ok: an adapter of rank 4 can be loaded" in output
    assert "examples: ok: 43 examples with " in output
    assert re.search(r"^memory: ok: about \d\.\d GiB; the processor has ", output, re.MULTILINE)
    assert trained.ok("retrain", "list").startswith("no training runs yet")

    trained.configure(recipe={"rank": 64, "serving": {"max_lora_rank": 32}})
    assert "rank 64 is above serving.max_lora_rank = 32" in trained.refused("retrain", "plan", gold)
    trained.configure(recipe={"serving": {"memory_gib": 1e-6}})
    assert "can't be served (serving.memory_gib)" in trained.refused("retrain", "plan", gold)
    assert trained.ok("retrain", "list").startswith("no training runs yet")


@pytest.mark.language_model
def test_full_fine_tuning_is_confirmed_by_the_model_s_name(trained: Shell) -> None:
    arguments = ["retrain", "plan", str(trained.folder / "gold.jsonl"), "--method", "full"]
    refused = trained.refused(*arguments, "--confirm", "desks")
    assert refused == (
        "full fine-tuning of desk is not confirmed; type the model's name, or pass --confirm desk"
    )
    assert trained.call(*arguments).exit_code != 0  # nobody there to type
    typed = CliRunner().invoke(app, [*arguments, "-c", str(trained.config)], input="desk\n")
    assert typed.exit_code == 0, (typed.output, typed.exception)
    assert "steps of full on" in typed.output
    assert "steps of full on" in trained.ok(*arguments, "--confirm", "desk")


@pytest.mark.language_model
@pytest.mark.timeout(600)
def test_a_cancelled_run_is_taken_up_from_the_shell(
    trained: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    trained.ok("retrain", "plan", trained.folder / "gold.jsonl")
    trained.ok("retrain", "cancel", "1")
    resumed = trained.process("retrain", "resume", "1")
    assert resumed.returncode == 0, resumed.stderr
    assert "run 1 restarts from step 0" in resumed.stdout
    assert "run 1 succeeded" in resumed.stdout
    assert "is succeeded; only a failed or cancelled run" in trained.refused(
        "retrain", "resume", "1"
    )
    assert "loss" in trained.ok("retrain", "logs", "1", "--follow", "-n", "100")
    listing = trained.ok("retrain", "show", "1")
    assert re.search(r"^memory: \d\.\d\d GiB peak, \d\.\d\d GiB estimated", listing, re.MULTILINE)


def test_nothing_is_there_at_first(shell: Shell) -> None:
    assert "no training runs yet; `driftwarden retrain plan GOLD`" in shell.ok("retrain", "list")
    assert "no versions yet" in shell.ok("models", "list")


@pytest.mark.parametrize("command", ["show", "start", "resume", "cancel", "logs"])
def test_a_run_that_does_not_exist_is_said(shell: Shell, command: str) -> None:
    output = shell.refused("retrain", command, "7")
    assert output == "no training run with id 7; see `driftwarden retrain list`"


@pytest.mark.parametrize(
    "arguments",
    [
        ["retrain", "show", "one"],
        ["models", "show", "desk", "x"],
        ["retrain", "data"],
        ["retrain", "logs", "1", "-n", "0"],
    ],
)
def test_arguments_of_the_wrong_kind_are_usage_errors(shell: Shell, arguments: list[str]) -> None:
    result = shell.call(*arguments)
    assert result.exit_code == 2
    assert "Usage:" in result.output


def spoil_gold(shell: Shell) -> Path:
    return shell.write("bad.jsonl", [{"prompt": "x"}])


def few_gold(shell: Shell) -> Path:
    return shell.write("few.jsonl", examples(NEW, 3))


def no_original(shell: Shell) -> Path:
    shell.configure(training_data="")
    return shell.folder / "gold.jsonl"


@pytest.mark.parametrize(
    ("spoil", "output"),
    [
        (lambda shell: shell.folder / "none.jsonl", "none.jsonl: no such file"),
        (lambda shell: shell.folder, "Is a directory"),
        (spoil_gold, 'bad.jsonl: line 1: no "messages"'),
        (few_gold, "3 different gold examples, 20 are needed"),
        (no_original, "name the original training data in retrain.training_data"),
        (lambda shell: shell.folder / "gold.jsonl", "no-base"),
    ],
    ids=["missing", "folder", "no-messages", "too-few", "no-replay", "no-base"],
)
def test_what_cannot_be_planned_leaves_no_run(
    shell: Shell, spoil: Callable[[Shell], Path], output: str
) -> None:
    assert output in shell.refused("retrain", "plan", spoil(shell))
    with transaction(shell.engine) as connection:
        assert list_runs(connection) == []


def test_an_error_is_one_line_and_an_exit_status(shell: Shell) -> None:
    done = shell.process("retrain", "plan", shell.folder / "none.jsonl")
    assert done.returncode == 2
    assert done.stderr == f"driftwarden: {shell.folder / 'none.jsonl'}: no such file\n"
    assert done.stdout == ""


def test_without_a_file_the_gold_of_the_queue_is_planned(shell: Shell) -> None:
    output = shell.refused("retrain", "plan")
    assert output.startswith("0 different gold examples, 20 are needed: 20 more reviews")


def test_a_run_without_a_card_says_so(shell: Shell) -> None:
    from retrain.recipes.recipe import Recipe
    from retrain.training.runs import plan_run

    with transaction(shell.engine) as connection:
        plan_run(connection, model="desk", recipe=Recipe(base="b"), work_dir=shell.folder, now=NOW)
    assert "run 1 has no data card: " in shell.refused("retrain", "data", "1")


def test_a_failed_run_shows_its_error(shell: Shell) -> None:
    from retrain.recipes.recipe import Recipe
    from retrain.training.runs import plan_run

    with transaction(shell.engine) as connection:
        run = plan_run(
            connection, model="desk", recipe=Recipe(base="b"), work_dir=shell.folder, now=NOW
        )
        finish_run(connection, run, "failed", finished_at=NOW, error="out of memory")
    assert "error: out of memory" in shell.ok("retrain", "show", str(run))
    assert shell.ok("retrain", "logs", str(run)) == ""


def test_a_cancelled_run_whose_process_runs_on_says_so(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    from monitor.errors import TrainingError
    from monitor.store.training.runs import mark_running
    from retrain.jobs.local_launcher import SubprocessLauncher
    from retrain.recipes.recipe import Recipe
    from retrain.training.runs import plan_run

    with transaction(shell.engine) as connection:
        run = plan_run(
            connection, model="desk", recipe=Recipe(base="b"), work_dir=shell.folder, now=NOW
        )
        mark_running(connection, run, {"pid": 1, "start_ticks": 0, "boot_id": ""}, NOW)

    def refuse(*_arguments: Any) -> None:
        raise TrainingError("it is another user's")

    with monkeypatch.context() as patch:
        patch.setattr(SubprocessLauncher, "cancel", refuse)
        for _ in range(2):
            output = shell.refused("retrain", "cancel", "1")
            assert output.startswith(
                "run 1 is cancelled, but its process is still running: it is another user's"
            )
    listing = shell.ok("retrain", "show", "1")
    assert "cancelled, but its process is still running: it is another user's\n" in listing
    assert "retrain cancel 1` to terminate" in shell.refused("retrain", "resume", "1")
    assert shell.ok("retrain", "cancel", "1") == "run 1 cancelled\n"
    assert "its child" not in shell.ok("retrain", "show", "1")


def test_promote_and_go_back(shell: Shell) -> None:
    shell.register(3)
    first = shell.ok("models", "promote", "desk", "1", "--reason", "reason 1")
    assert first == "desk: version 1 is in production\n"
    promote = ["models", "promote", "desk", "2", "--reason", "reason 2"]
    assert "desk version 2 has no training run" in shell.refused(*promote)
    assert shell.ok(*promote, "--without-gate") == "desk: version 2 is in production\n"
    assert shell.ok("models", "rollback", "desk", "--reason", "complaints") == (
        "desk: version 1 is in production again\n"
    )
    stages = re.findall(r"^desk +(\d) +(\w+)", shell.ok("models", "list", "desk"), re.MULTILINE)
    assert stages == [("3", "candidate"), ("2", "archived"), ("1", "production")]
    listing = shell.ok("models", "show", "desk", "1")
    assert "desk version 1: production" in listing
    assert "digest:  sha256:1" in listing
    assert "  method = lora" in listing
    assert re.search(r"candidate -> production by \S+: reason 1$", listing, re.MULTILINE)
    assert re.search(r"archived -> production by \S+: complaints$", listing, re.MULTILINE)
    # It has served before: nothing is asked.
    assert shell.ok("models", "promote", "desk", "2") == "desk: version 2 is in production\n"
    other = shell.ok("models", "show", "desk", "2")
    assert re.search(
        r"candidate -> production by \S+: without a gate result: reason 2$", other, re.MULTILINE
    )


def test_scores_are_shown_with_their_intervals(shell: Shell) -> None:
    from monitor.store.training.candidate_results import StratumScore

    shell.register()
    with transaction(shell.engine) as connection:
        score = StratumScore("split=new", "exact_match", 0.75, 0.5, 0.9, 40)
        store_scores(connection, 1, "support", [score], NOW)
    assert re.search(
        r"support +split=new +exact_match +0\.750 \[0\.500, 0\.900\] +n = 40",
        shell.ok("models", "show", "desk", "1"),
    )


@pytest.mark.parametrize(
    ("arguments", "output"),
    [
        (["show", "desk", "9"], "desk has no version 9; see `driftwarden models list`"),
        (["promote", "desk", "9"], "desk has no version 9; see `driftwarden models list`"),
        (["promote", "tax", "1"], "tax has no version 1; see `driftwarden models list`"),
        (
            ["rollback", "desk"],
            "desk: no earlier version served, so there is nothing to roll back to",
        ),
    ],
)
def test_what_the_registry_refuses(shell: Shell, arguments: list[str], output: str) -> None:
    shell.register()
    shell.ok("models", "promote", "desk", "1")
    assert shell.refused("models", *arguments) == output


def test_a_database_without_a_schema_says_what_to_run(shell: Shell) -> None:
    (shell.folder / "d.db").rename(shell.folder / "old.db")
    assert "run `driftwarden db upgrade`" in shell.refused("models", "list")
