"""`driftwarden retrain` and `driftwarden models` on a real database."""

import json
import os
import re
import shutil
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
from monitor.cli.shared.access import account_name
from monitor.errors import DriftwardenError, SchemaError
from monitor.store.audit_log import actors_on
from monitor.store.engine import make_engine, transaction
from monitor.store.training.registry import stage_changes, version_by_number
from monitor.store.training.runs import RunRow, finish_run, list_runs, mark_running
from retrain.jobs.process_identity import start_ticks
from retrain.registry.stages import move_stage, register_version, store_scores
from tests.services.warm_interpreter import warm_children  # noqa: F401 - a fixture
from tests.support.encoders.word_encoder import word_encoder  # noqa: F401 - a fixture
from tests.support.migrated_copy import migrate
from tests.support.retrain.recipes import write_recipe
from tests.support.retrain.templates import MARKED
from tests.support.retrain.tiny_model import NEW, OLD, examples, tiny_base  # noqa: F401
from tests.support.retrain.weights import record_without_files

COMMAND = [sys.executable, "-c", "from monitor.cli import main; main()"]
NOW = datetime(2026, 11, 2, 9, 30, tzinfo=UTC)
WHY = "The two lost items have wrong reference answers."


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
        migrate(self.engine)

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
            "base": self.base, "method": "lora", "epochs": 1.0, "max_length": 64, "batch_size": 8,
            "learning_rate": 0.01, "rank": 4, "alpha": 8, **(recipe or {}),
        }  # fmt: skip
        requested = {key: value for key, value in requested.items() if value is not None}
        write_recipe(self.folder / "recipe.toml", **requested)
        lines = ["[models.desk]", "[database]", f'url = "{self.url}"', "[retrain]"]
        lines += [f"{name} = {json.dumps(value)}" for name, value in values.items()]
        self.config.write_text("\n".join(lines), encoding="utf-8")

    def reject(self, run: int) -> None:
        """Register a version of a run, and reject it."""
        now = datetime(2026, 11, 2, tzinfo=UTC)
        with transaction(self.engine) as connection:
            mark_running(connection, run, {"number": 1}, now)
            finish_run(connection, run, "succeeded", finished_at=now, result={})
            version = register_version(
                connection, model="desk", adapter_path=f"runs/{run}", adapter_digest="sha256:0",
                lineage={}, now=now, training_run_id=run,
            )  # fmt: skip
            move_stage(connection, version, "rejected", changed_by="lea", reason="worse", now=now)

    def write(self, name: str, rows: list[dict[str, Any]]) -> Path:
        path = self.folder / name
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        return path

    def call(self, *arguments: str | Path) -> Result:
        return CliRunner().invoke(app, [*map(str, arguments), "-c", str(self.config)])

    def ok(self, *arguments: str | Path) -> str:
        done = self.call(*arguments)
        assert done.exit_code == 0, (done.output, done.exception)
        return done.output

    def refusal(self, *arguments: str | Path) -> DriftwardenError:
        done = self.call(*arguments)
        assert isinstance(done.exception, DriftwardenError), done.output
        return done.exception

    def process(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*COMMAND, *map(str, arguments), "-c", str(self.config)],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
            timeout=120,
        )

    def runs(self) -> list[RunRow]:
        with transaction(self.engine) as connection:
            return list_runs(connection)

    def register(self, n: int = 1) -> None:
        for _ in range(n):
            with transaction(self.engine) as connection:
                register_version(
                    connection, model="desk", adapter_path="runs/1/adapter",
                    adapter_digest="sha256:1", lineage={"method": "lora"}, now=NOW,
                    identity=record_without_files(NOW),
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
    assert "43 examples (30 gold, 13 replayed)" in output
    assert "6 steps of lora" in output
    assert "driftwarden retrain start 1\n" in output
    assert "planned" in trained.ok("retrain", "list")
    card = trained.ok("retrain", "data", "1")
    headings = re.findall(r"^## Example \d of 5: (\w+), (\w+); \d+ tokens", card, re.MULTILINE)
    assert set(headings) == {("gold", "crypto"), ("replay", "cards")}
    assert card.count("<|im_start|>assistant") == 5
    assert "## Example" not in trained.ok("retrain", "data", "1", "--examples", "0")
    assert "43 examples: 30 gold, 13 replayed (30%)" in card
    assert json.loads(trained.ok("retrain", "data", "1", "--json"))["n_examples"] == 43
    assert re.search(
        r"^run 1: planned, model desk$", trained.ok("retrain", "show", "1"), re.MULTILINE
    )

    # As a process: the daemon's own way of finding the child's module, and the exit status.
    done = trained.process("retrain", "start", "1")
    assert done.returncode == 0, done.stderr
    assert "run-00001/adapter" in done.stdout.replace("\n", "")

    listing = trained.ok("retrain", "show", "1")
    assert "run 1: succeeded, model desk" in listing
    assert "  rank = 4" in listing
    assert "`driftwarden models list`" in listing
    assert "loss" in trained.ok("retrain", "logs", "1", "-n", "100")
    assert re.search(
        r"^ +1 +succeeded +desk +lora .* by hand$", trained.ok("retrain", "list"), re.MULTILINE
    )

    assert re.search(r"^desk +1 +candidate .* run 1$", trained.ok("models", "list"), re.MULTILINE)
    version = trained.ok("models", "show", "1", "--model", "desk")
    assert re.search(r"^digest: +sha256:", version, re.MULTILINE)
    trained.ok("models", "promote", "1", "--model", "desk", "--reason", "looks good")

    # The next plan goes on from what serves now.
    output = trained.ok("retrain", "plan", trained.folder / "gold.jsonl")
    assert re.search(r"^starts from: the adapter of version 1,", output, re.MULTILINE)
    assert re.search(r"start_adapter = '.*run-00001/adapter'", trained.ok("retrain", "show", "2"))


@pytest.mark.language_model
def test_a_started_run_is_cancelled_from_another_process(
    trained: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    trained.ok("retrain", "plan", trained.folder / "gold.jsonl")
    started = trained.process("retrain", "start", "1", "--no-wait")
    assert started.returncode == 0
    assert "`driftwarden retrain show 1`" in started.stdout
    with transaction(trained.engine) as connection:
        starters = actors_on(connection, ["training_runs/1"], ["run.start_requested"])
        assert starters == [account_name()]
        pid = (list_runs(connection)[0].handle or {})["pid"]
    assert start_ticks(pid) is not None
    trained.ok("retrain", "cancel", "1")
    assert start_ticks(pid) is None
    assert "run 1: cancelled" in trained.ok("retrain", "show", "1")
    assert re.search(r"^error: cancelled by \S+$", trained.ok("retrain", "show", "1"), re.MULTILINE)
    assert trained.refusal("retrain", "cancel", "1").code == "ended"
    again = trained.refusal("retrain", "start", "1")
    assert (again.code, "`driftwarden retrain resume 1`" in str(again)) == ("not_planned", True)


@pytest.mark.language_model
@pytest.mark.usefixtures("word_encoder")
def test_plan_lists_fitting_methods_in_order(trained: Shell) -> None:
    gold, base = trained.folder / "gold.jsonl", trained.base
    output = trained.ok("retrain", "plan", gold, "--dry-run")
    assert re.search(r"^starts from: .* no version is in production$", output, re.MULTILINE)
    for method in ("qlora", "lora", "full"):
        assert re.search(rf"^possible: {method} on {base}: 0\.00 billion ", output, re.MULTILINE)
    (order,) = re.findall(r"^order to try: (.+)$", output, re.MULTILINE)
    assert re.findall(rf"(\w+) on {base}", order) == ["qlora", "lora", "full"]
    outcomes = dict(re.findall(r"^(\w+): (ok|note|refused): ", output, re.MULTILINE))
    assert {outcomes[name] for name in ("serving", "examples", "memory")} == {"ok"}
    assert re.search(r"^memory: ok: about \d\.\d GiB;", output, re.MULTILINE)
    assert re.findall(r"^chosen: (\w+) on .*by --method", output, re.MULTILINE) == ["lora"]
    # What is left out is known before a run is planned.
    assert re.search(r"^\d+ examples \(\d+ gold, \d+ replayed\)", output, re.MULTILINE)
    assert trained.runs() == []

    trained.configure(recipe={"rank": 64, "serving": {"max_lora_rank": 32}})
    refused = trained.call("retrain", "plan", gold)
    assert "serving.max_lora_rank = 32" in str(refused.exception)
    assert re.search(r"^\d+ examples \(\d+ gold, ", refused.output, re.MULTILINE)
    trained.configure(recipe={"serving": {"memory_gib": 1e-6}})
    assert "(serving.memory_gib)" in str(trained.refusal("retrain", "plan", gold))
    assert trained.runs() == []


@pytest.mark.language_model
@pytest.mark.usefixtures("word_encoder")
def test_recipe_brings_its_own_chat_template(trained: Shell) -> None:
    """The base has none; a recipe's other mistakes are refused by the plan, too."""
    gold, bare = trained.folder / "gold.jsonl", trained.folder / "bare"
    shutil.copytree(trained.base, bare)
    (bare / "chat_template.jinja").unlink()
    file = trained.folder / "own.jinja"
    recipe = {"base": str(bare), "chat_template": str(file)}
    trained.configure(recipe={"base": str(bare)})
    assert trained.refusal("retrain", "plan", gold).code == "no_chat_template"
    file.write_text(MARKED.replace("{{ eos_token }}", ""), encoding="utf-8")
    trained.configure(recipe=recipe)
    assert trained.refusal("retrain", "plan", gold).code == "wrong_generation_marks"
    file.write_text(MARKED, encoding="utf-8")
    for tracker in ("nosuch", "swanlab"):
        trained.configure(recipe={**recipe, "report_to": [tracker]})
        refused = trained.refusal("retrain", "plan", gold)
        assert (refused.code, tracker in str(refused).lower()) == ("checks", True)
    assert trained.runs() == []
    trained.configure(recipe=recipe)
    output = trained.ok("retrain", "plan", gold)
    (note,) = re.findall(r"^chat template: note: (.+)$", output, re.MULTILINE)
    assert "--chat-template" in note
    assert trained.runs()[0].recipe["chat_template"] == MARKED
    assert f"chat_template = {len(MARKED)} characters" in trained.ok("retrain", "show", "1")
    assert trained.ok("retrain", "data", "1").count("\nA:\n") == 5
    trained.ok("models", "register", bare, "--base", bare, "--chat-template", file)
    version = trained.ok("models", "show", "1")
    assert len(re.findall(r"^  chat_template = \{%.*characters\)$", version, re.MULTILINE)) == 2


@pytest.mark.language_model
@pytest.mark.usefixtures("word_encoder")
def test_recipe_without_a_method_follows_the_printed_order(trained: Shell) -> None:
    """Each plan takes the first method that was not rejected since the production version."""
    plan = ["retrain", "plan", str(trained.folder / "gold.jsonl")]
    trained.configure(recipe={"method": None})
    methods = []
    for _ in range(3):
        output = trained.ok(*plan, "--confirm", "desk")
        (order,) = re.findall(r"^order to try: (\w+) on", output, re.MULTILINE)
        (chosen,) = re.findall(r"^chosen: (\w+) on", output, re.MULTILINE)
        run = trained.runs()[0]
        assert (order, chosen) == ("qlora", run.recipe["method"])
        methods.append(chosen)
        trained.reject(run.id)
    assert methods == ["qlora", "lora", "full"]
    assert trained.refusal(*plan).code == "all_rejected"
    trained.ok(*plan, "--method", "lora")
    assert trained.runs()[0].recipe["method"] == "lora"


@pytest.mark.language_model
@pytest.mark.usefixtures("word_encoder")
def test_full_fine_tuning_is_confirmed_by_the_model_s_name(trained: Shell) -> None:
    arguments = ["retrain", "plan", str(trained.folder / "gold.jsonl"), "--method", "full"]
    refusal = trained.refusal(*arguments, "--confirm", "desks")
    assert (refusal.code, str(refusal).endswith("--confirm desk")) == ("not_confirmed", True)
    assert trained.call(*arguments).exit_code != 0  # nobody there to type
    typed = CliRunner().invoke(app, [*arguments, "-c", str(trained.config)], input="desk\n")
    assert typed.exit_code == 0, (typed.output, typed.exception)
    trained.ok(*arguments, "--confirm", "desk")
    assert [run.recipe["method"] for run in trained.runs()] == ["full", "full"]


@pytest.mark.language_model
@pytest.mark.usefixtures("warm_children")
@pytest.mark.timeout(600)
def test_a_cancelled_run_is_taken_up_from_the_shell(
    trained: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    trained.ok("retrain", "plan", trained.folder / "gold.jsonl")
    trained.ok("retrain", "cancel", "1")
    assert "step 0" in trained.ok("retrain", "resume", "1")
    assert [run.status for run in trained.runs()] == ["succeeded"]
    assert trained.refusal("retrain", "resume", "1").code == "not_failed"
    assert "loss" in trained.ok("retrain", "logs", "1", "--follow", "-n", "100")
    listing = trained.ok("retrain", "show", "1")
    memory = re.search(r"^memory: (.+)$", listing, re.MULTILINE)
    assert memory is not None
    assert len(re.findall(r"\d\.\d\d GiB", memory[1])) == 2  # measured, estimated


def test_empty_lists_name_the_next_step(shell: Shell) -> None:
    assert "`driftwarden retrain plan GOLD`" in shell.ok("retrain", "list")
    assert len(shell.ok("models", "list").splitlines()) == 1


@pytest.mark.parametrize("command", ["show", "start", "resume", "cancel", "logs"])
def test_an_unknown_run_is_refused(shell: Shell, command: str) -> None:
    refusal = shell.refusal("retrain", command, "7")
    assert (refusal.code, " 7;" in str(refusal)) == ("unknown_run", True)


@pytest.mark.parametrize(
    "arguments",
    [
        ["retrain", "show", "one"],
        ["models", "show", "x", "--model", "desk"],
        ["retrain", "data"],
        ["retrain", "logs", "1", "-n", "0"],
    ],
)
def test_arguments_of_the_wrong_kind_are_usage_errors(shell: Shell, arguments: list[str]) -> None:
    done = shell.call(*arguments)
    assert done.exit_code == 2
    assert "Usage:" in done.output


def spoil_gold(shell: Shell) -> Path:
    return shell.write("bad.jsonl", [{"prompt": "x"}])


def few_gold(shell: Shell) -> Path:
    return shell.write("few.jsonl", examples(NEW, 3))


def no_original(shell: Shell) -> Path:
    shell.configure(training_data="")
    return shell.folder / "gold.jsonl"


@pytest.mark.parametrize(
    ("spoil", "code", "value"),
    [
        (lambda shell: shell.folder / "none.jsonl", "no_file", "none.jsonl: "),
        (lambda shell: shell.folder, "several_splits", "gold"),
        (spoil_gold, "", 'bad.jsonl: line 1: no "messages"'),
        (few_gold, "min_gold", "3 different gold examples, 20 "),
        (no_original, "no_originals", "retrain.training_data"),
        (lambda shell: shell.folder / "gold.jsonl", "no_folder", "no-base"),
    ],
    ids=["missing", "folder", "no-messages", "too-few", "no-replay", "no-base"],
)
def test_a_refused_plan_leaves_no_run(
    shell: Shell, spoil: Callable[[Shell], Path], code: str, value: str
) -> None:
    refusal = shell.refusal("retrain", "plan", spoil(shell))
    assert (refusal.code, value in str(refusal)) == (code, True), str(refusal)
    assert shell.runs() == []


def test_an_error_is_one_line_and_an_exit_status(shell: Shell) -> None:
    done = shell.process("retrain", "plan", shell.folder / "none.jsonl")
    assert done.returncode == 2
    assert done.stderr.startswith(f"driftwarden: {shell.folder / 'none.jsonl'}: ")
    assert (done.stderr.count("\n"), done.stdout) == (1, "")


def test_without_a_file_the_gold_of_the_queue_is_planned(shell: Shell) -> None:
    refusal = shell.refusal("retrain", "plan")
    assert (refusal.code, str(refusal)[:2]) == ("min_gold", "0 ")


def test_run_without_a_data_card_is_refused(shell: Shell) -> None:
    from retrain.recipes.recipe import Recipe
    from retrain.training.runs import plan_run

    with transaction(shell.engine) as connection:
        plan_run(connection, model="desk", recipe=Recipe(base="b"), work_dir=shell.folder, now=NOW)
    assert shell.refusal("retrain", "data", "1").code == "no_data_card"


def test_a_failed_run_shows_its_error(shell: Shell) -> None:
    from retrain.recipes.recipe import Recipe
    from retrain.training.runs import plan_run

    with transaction(shell.engine) as connection:
        run = plan_run(
            connection, model="desk", recipe=Recipe(base="b"), work_dir=shell.folder, now=NOW
        )
        finish_run(connection, run, "failed", finished_at=NOW, error="out of memory")
    assert "error: out of memory\n" in shell.ok("retrain", "show", str(run))
    assert shell.ok("retrain", "logs", str(run)) == ""


def test_cancelled_run_with_a_live_process_is_reported(
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
        raise TrainingError("EPERM")

    with monkeypatch.context() as patch:
        patch.setattr(SubprocessLauncher, "cancel", refuse)
        for _ in range(2):
            refusal = shell.refusal("retrain", "cancel", "1")
            assert (refusal.code, refusal.exit_status) == ("child_running", 75)
            assert ": EPERM;" in str(refusal)
    assert ": EPERM\n" in shell.ok("retrain", "show", "1")
    refusal = shell.refusal("retrain", "resume", "1")
    assert (refusal.code, "retrain cancel 1`" in str(refusal)) == ("child_running", True)
    shell.ok("retrain", "cancel", "1")
    assert "EPERM" not in shell.ok("retrain", "show", "1")
    assert [run.termination_error for run in shell.runs()] == [None]


def test_promote_and_go_back(shell: Shell) -> None:
    shell.register(3)
    shell.ok("models", "promote", "1", "--model", "desk", "--reason", "reason 1")
    promote = ["models", "promote", "2", "--model", "desk", "--reason", WHY]
    assert shell.refusal(*promote).code == "no_training_run"
    without_reason = shell.refusal(*promote[:-2], "--without-gate")
    assert without_reason.code == "no_sentence", "the default is none"
    shell.ok(*promote, "--without-gate")
    assert "version 1 " in shell.ok(
        "models", "rollback", "--model", "desk", "--reason", "complaints"
    )
    stages = re.findall(
        r"^desk +(\d) +(\w+)", shell.ok("models", "list", "--model", "desk"), re.MULTILINE
    )
    assert stages == [("3", "candidate"), ("2", "archived"), ("1", "production")]
    listing = shell.ok("models", "show", "1", "--model", "desk")
    assert "desk version 1: production" in listing
    assert "digest:  sha256:1" in listing
    assert "  method = lora" in listing
    assert re.search(r"candidate -> production by \S+: reason 1$", listing, re.MULTILINE)
    assert re.search(r"archived -> production by \S+: complaints$", listing, re.MULTILINE)
    # It has served before: nothing is asked.
    shell.ok("models", "promote", "2", "--model", "desk")
    with transaction(shell.engine) as connection:
        moves = stage_changes(connection, version_by_number(connection, "desk", 2).id)
    reason = moves[0].reason.removesuffix(WHY)
    assert (moves[0].to_stage, "gate" in reason) == ("production", True)


def test_scores_are_shown_with_their_intervals(shell: Shell) -> None:
    from monitor.store.training.candidate_results import StratumScore

    shell.register()
    with transaction(shell.engine) as connection:
        score = StratumScore("split=new", "exact_match", 0.75, 0.5, 0.9, 40)
        store_scores(connection, 1, "support", [score], NOW)
    assert re.search(
        r"support +split=new +exact_match +0\.750 \[0\.500, 0\.900\] +n = 40",
        shell.ok("models", "show", "1", "--model", "desk"),
    )


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["show", "9", "--model", "desk"], "unknown_version"),
        (["promote", "9", "--model", "desk"], "unknown_version"),
        (["promote", "1", "--model", "tax"], "unknown_model"),
        (["rollback", "--model", "desk"], "no_earlier_version"),
    ],
)
def test_the_registry_refuses_unknown_versions(
    shell: Shell, arguments: list[str], code: str
) -> None:
    shell.register()
    shell.ok("models", "promote", "1", "--model", "desk")
    refusal = shell.refusal("models", *arguments)
    assert (refusal.code, arguments[-1] in str(refusal)) == (code, True)


def test_database_without_a_schema_names_the_command(shell: Shell) -> None:
    (shell.folder / "d.db").rename(shell.folder / "old.db")
    refusal = shell.refusal("models", "list")
    assert isinstance(refusal, SchemaError)
    assert "`driftwarden db upgrade`" in str(refusal)
