"""`driftwarden accounts` on a real database."""

import re
from pathlib import Path

import pytest
from sqlalchemy import Engine
from typer.testing import CliRunner, Result

from monitor.accounts.authentication import authenticate
from monitor.accounts.invitations import PATH, accept_link
from monitor.cli.app import app
from monitor.errors import InputError, WorkflowError
from monitor.store.engine import make_engine
from monitor.web.clock import utc_now
from tests.support.migrated_copy import migrate
from tests.support.refusals import refusal

PASSWORD = "lamps over quiet harbours"


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "config.toml"
    path.write_text(
        f"""
        [database]
        url = "sqlite:///{tmp_path / "users.db"}"
        [alerts]
        public_url = "https://drift.example.com/"
        """
    )
    return path


@pytest.fixture
def engine(config: Path) -> Engine:
    created = make_engine(f"sqlite:///{config.parent / 'users.db'}")
    migrate(created)
    return created


def run(config: Path, *arguments: str) -> Result:
    done = CliRunner().invoke(app, ["accounts", *arguments, "--config", str(config)])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == 0, done.output
    return done


def test_the_life_of_an_account(config: Path, engine: Engine) -> None:
    assert "no users yet" in run(config, "list").output
    invited = run(config, "invite", "Lea", "--role", "admin", "--email", "lea@example.com")
    link = re.search(rf"^https://drift\.example\.com{PATH}(\S+)$", invited.output, re.MULTILINE)
    assert link is not None, invited.output
    assert re.search(r"Lea +admin +invited, link until", run(config, "list").output)
    accept_link(engine, link[1], PASSWORD, utc_now())

    run(config, "invite", "Ada", "--task-type", "fees", "--task-type", "card_lost")
    run(config, "set-role", "Ada", "adjudicator")
    assert "Ada: fees" in run(config, "assign", "Ada", "fees").output
    listed = run(config, "list").output
    assert re.search(r"Ada +adjudicator +invited, .* fees\n", listed)
    assert re.search(r"Lea +admin +active +all\n", listed)
    assert "all task types" in run(config, "assign", "Ada").output
    run(config, "slack", "Ada", "U0ADA")
    assert re.search(r"Ada +adjudicator .*, Slack U0ADA\n", run(config, "list").output)
    assert "unlinked" in run(config, "slack", "Ada").output
    assert "Slack" not in run(config, "list").output

    run(config, "deactivate", "Ada")
    assert re.search(r"Ada +adjudicator +inactive", run(config, "list").output)
    run(config, "reactivate", "Ada")
    assert re.search(r"Ada +adjudicator +no password yet", run(config, "list").output)
    reset = run(config, "reset-password", "Lea").output
    assert "signed out everywhere" in reset
    assert f"https://drift.example.com{PATH}" in reset
    assert None is authenticate(engine, "Lea", PASSWORD)


def test_roles_on_models(config: Path, engine: Engine) -> None:
    models = '[models.router]\naliases = ["sr-*"]\n[models."org/Contract.v1 50%"]\n'
    config.write_text(f"{config.read_text()}\n{models}")
    run(config, "invite", "Ada", "--model", "router", "--task-type", "fees")
    run(config, "set-role", "Ada", "lead", "--model", "org/Contract.v1 50%")
    assert (
        "Ada: adjudicator of router"
        in run(config, "set-role", "Ada", "adjudicator", "--model", "sr-7").output
    )
    listed = run(config, "list").output
    assert re.search(r"Ada +lead +invited, .* all of org/Contract.v1 50%\n", listed)
    assert re.search(r"\n +adjudicator +fees of router\n", listed)
    run(config, "assign", "Ada", "--model", "router")
    run(config, "revoke-role", "Ada", "--model", "org/Contract.v1 50%")
    assert re.search(r"Ada +adjudicator +invited, .* all of router\n", run(config, "list").output)
    run(config, "revoke-role", "Ada", "--model", "router")
    assert re.search(r"Ada +no role", run(config, "list").output)
    with refusal("unknown_model", InputError):
        run(config, "set-role", "Ada", "lead", "--model", "contract")
    with pytest.raises(InputError, match="of the daemon"):
        run(config, "set-role", "Ada", "admin", "--model", "router")


def test_refused_changes(config: Path, engine: Engine) -> None:
    run(config, "add", "Lea", "--role", "admin")
    with pytest.raises(WorkflowError, match="last admin"):
        run(config, "deactivate", "Lea")
    with pytest.raises(WorkflowError, match="last admin"):
        run(config, "set-role", "Lea", "lead")
    with pytest.raises(WorkflowError, match="last admin"):
        run(config, "revoke-role", "Lea")
    with refusal("unknown_user", InputError, match="'Ada'"):
        run(config, "deactivate", "Ada")
    with pytest.raises(InputError, match="use one of"):
        run(config, "invite", "Ada", "--role", "owner")
