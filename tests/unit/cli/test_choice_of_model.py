"""Option --model: needed only where several models are listed, and the refusal names them."""

from pathlib import Path

import pytest

from tests.support.command import Run, run_command  # noqa: F401

#: Commands about one model, with what else they need.
ABOUT_ONE_MODEL = (
    "baseline import FILE",
    "evaluate",
    "digest",
    "taxonomy check",
    "taxonomy show",
    "review export --out gold.jsonl",
    "retrain plan FILE --dry-run",
    "models show 1",
    "models diff 1 2",
    "models promote 1",
    "models rollback",
)


@pytest.mark.parametrize("command", ABOUT_ONE_MODEL)
def test_without_a_model_the_refusal_names_the_choices(
    tmp_path: Path,
    run_command: Run,  # noqa: F811
    command: str,
) -> None:
    (tmp_path / "exchanges.jsonl").write_text('{"prompt": "x"}\n')
    (tmp_path / "config.toml").write_text('[models.router]\n[models."org/analyst"]\n')
    run_command("db", "upgrade")
    done = run_command(*command.replace("FILE", "exchanges.jsonl").split())
    assert done.returncode == 2
    assert "--model of: router, org/analyst" in done.stderr
