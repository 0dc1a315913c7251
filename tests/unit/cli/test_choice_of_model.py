"""Option --model: needed only where several models are listed, and the refusal names them."""

from pathlib import Path

import pytest

from monitor.store.engine import make_engine
from tests.support.command import Run, run_command  # noqa: F401
from tests.support.migrated_copy import migrate

#: Commands about one model, with what else they need.
ABOUT_ONE_MODEL = (
    "baseline import FILE",
    "evaluate",
    "digest",
    "taxonomy check",
    "taxonomy publish FILE",
    "taxonomy show",
    "review export --out gold.jsonl",
    "retrain plan FILE --dry-run",
    "models show 1",
    "models diff 1 2",
    "models promote 1",
    "models rollback",
)


@pytest.mark.parametrize("command", ["models show 1", "models promote 1", "digest"])
def test_an_unknown_model_is_refused(
    tmp_path: Path,
    run_command: Run,  # noqa: F811
    command: str,
) -> None:
    (tmp_path / "config.toml").write_text("[models.router]\n")
    migrate(make_engine("sqlite:///driftwarden.db"))
    done = run_command(*command.split(), "--model", "ruter")
    assert (done.returncode, "router" in done.stderr) == (2, True)


@pytest.mark.parametrize("command", ABOUT_ONE_MODEL)
def test_without_a_model_the_refusal_names_the_choices(
    tmp_path: Path,
    run_command: Run,  # noqa: F811
    command: str,
) -> None:
    (tmp_path / "exchanges.jsonl").write_text('{"prompt": "x"}\n')
    (tmp_path / "config.toml").write_text('[models.router]\n[models."org/analyst"]\n')
    migrate(make_engine("sqlite:///driftwarden.db"))
    done = run_command(*command.replace("FILE", "exchanges.jsonl").split())
    assert done.returncode == 2
    assert "--model of: router, org/analyst" in done.stderr


def test_an_alias_names_its_model(
    tmp_path: Path,
    run_command: Run,  # noqa: F811
) -> None:
    (tmp_path / "config.toml").write_text('[models.router]\naliases = ["r-*"]\n[models.b]\n')
    migrate(make_engine("sqlite:///driftwarden.db"))
    assert "router" in run_command("digest", "--model", "r-7").stdout
    refused = run_command("digest", "--model", "Router")
    assert (refused.returncode, "did you mean 'router'" in refused.stderr) == (2, True)
