"""Reads and exports by commands: who of the operating system, and the list of all accesses."""

import json
import os
import pwd
import socket
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import typer
from sqlalchemy import text

from monitor.cli.app import app
from monitor.cli.shared.access import account_name
from monitor.errors import DatabaseUnavailableError
from monitor.store.access_log import Access, AccessFilter, append_access, list_accesses
from monitor.store.engine import make_engine, transaction
from tests.support.command import Run, run_command  # noqa: F401 - a fixture
from tests.support.every_command import leaves
from tests.support.migrated_copy import migrate
from tests.support.review.gold_items import ACCEPT, correct, make_reviewed_world
from tests.support.review.review_world import World

#: Commands that print or write texts of end users -> what the entry says.
READS = {
    "dead-letters": ("read", "dead_letter"),
    "db backup": ("exported", "database"),
    "db copy": ("exported", "database"),
    "digest": ("read", "drift_evaluation"),
    "evaluate": ("read", "drift_evaluation"),
    "incidents list": ("read", "incident"),
    "incidents show": ("read", "incident"),
    "review export": ("exported", "gold"),
    "retrain data": ("read", "run"),
    "retrain human-evaluation export": ("exported", "human_evaluation"),
    "retrain logs": ("read", "run"),
    "requests show": ("read", "request"),
    "retrain show": ("read", "run"),
    "subject export": ("exported", "end_user"),
}
#: Commands that change something, show numbers, names and states, or read the caller's own files.
OTHERS = {
    "access-log", "baseline import", "bench drift", "check", "compare", "demo", "forget", "init",
    "replay", "retention", "run", "sizing", "todo",
    *(f"accounts {name}" for name in (
        "add", "assign", "deactivate", "invite", "list", "reactivate", "reset-password",
        "revoke-role", "set-role", "slack",
    )),
    *(f"db {name}" for name in ("check", "downgrade", "grants", "restore", "upgrade")),
    *(f"experiment {name}" for name in ("start", "status", "stop")),
    *(f"incidents {name}" for name in ("ack", "note", "resolve", "snooze")),
    *(f"models {name}" for name in ("diff", "list", "promote", "register")),
    *(f"models {name}" for name in ("reject", "rollback", "show")),
    *(f"probes {name}" for name in ("accept", "run", "status")),
    *(f"requests {name}" for name in ("close", "decide", "list", "open")),
    *(f"retrain {name}" for name in (
        "approve", "cancel", "evaluate", "human-evaluation list", "human-evaluation lock",
        "human-evaluation show", "list", "manifest", "plan", "resume", "start",
    )),
    *(f"review {name}" for name in (
        "batch", "confirm", "decide", "give", "import", "queue", "verify-audit",
    )),
    *(f"rollout {name}" for name in (
        "advance", "history", "pause", "resume", "revert", "start", "status", "watch",
    )),
    "encoder fetch",
    "privacy inventory",
    *(f"suppress {name}" for name in ("add", "export", "import", "list", "remove")),
    *(f"taxonomy {name}" for name in ("check", "init", "publish", "show")),
    *(f"user-ids {name}" for name in ("rekey", "status")),
}  # fmt: skip


@pytest.fixture
def world(tmp_path: Path, clock: datetime) -> World:
    engine = make_engine(f"sqlite:///{tmp_path / 'driftwarden.db'}")
    migrate(engine)
    return make_reviewed_world(engine, tmp_path, clock, [ACCEPT, correct("Call us.")], n=4)


def entries(world: World) -> list[Any]:
    with transaction(world.engine) as connection:
        return list_accesses(connection, AccessFilter(), 100)


def test_every_command_has_a_decision() -> None:
    """A new command fails here: say whether it prints texts of end users, and record it then."""
    rows = {" ".join(path) for path, _ in leaves(typer.main.get_command(app))}
    assert rows == READS.keys() | OTHERS
    assert not READS.keys() & OTHERS


@pytest.mark.parametrize(
    "command",
    ["dead-letters", "db backup", "digest", "incidents list", "review export"],
)
def test_a_command_that_prints_texts_is_recorded(
    world: World,
    run_command: Run,  # noqa: F811
    command: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LOGNAME", "mallory")
    monkeypatch.setenv("USER", "mallory")
    monkeypatch.delenv("SUDO_USER", raising=False)
    rest = ["backup.tar"] if command == "db backup" else []
    done = run_command(*command.split(" "), *rest)
    assert done.returncode == 0, done.stderr
    *finished, row = entries(world)
    assert [entry.kind for entry in finished] == ["archive"] * (command == "db backup")
    assert (row.action, row.kind) == READS[command]
    assert (row.source, row.place) == ("command", f"driftwarden {command}")
    assert row.actor == pwd.getpwuid(os.getuid()).pw_name
    assert row.address == socket.gethostname()


def test_backup_that_fails_is_no_archive(
    world: World,
    run_command: Run,  # noqa: F811
    tmp_path: Path,
) -> None:
    (tmp_path / "backup.tar").touch()
    assert run_command("db", "backup", "backup.tar").returncode
    assert [row.kind for row in entries(world)] == ["database"]


def test_no_export_without_an_audit_entry(
    world: World,
    run_command: Run,  # noqa: F811
    tmp_path: Path,
) -> None:
    with transaction(world.engine) as connection:
        connection.execute(
            text(
                "CREATE TRIGGER full BEFORE INSERT ON access_log "
                "BEGIN SELECT RAISE(ABORT, 'disk is full'); END"
            )
        )
    with pytest.raises(Exception, match="disk is full"):
        run_command("review", "export", "--out", "gold.jsonl")
    assert not (tmp_path / "gold.jsonl").exists()


def test_a_database_that_takes_no_entry_is_backed_up(
    world: World,
    run_command: Run,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise DatabaseUnavailableError("read-only")

    monkeypatch.setattr("monitor.store.access_log.append_access", refuse)
    done = run_command("db", "backup", "backup.tar")
    assert done.returncode == 0, done.stderr
    assert "access log" in done.stderr
    assert (tmp_path / "backup.tar").is_file()


def test_root_by_sudo_is_named_with_the_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUDO_USER", "lea")
    monkeypatch.setattr(os, "getuid", lambda: 0)
    assert account_name() == "root (sudo: lea)"
    monkeypatch.setattr(os, "getuid", lambda: 4_000_000)
    assert account_name() == "uid 4000000"


def test_entries_are_listed_by_account_item_and_time(
    world: World,
    run_command: Run,  # noqa: F811
    clock: datetime,
) -> None:
    with transaction(world.engine) as connection:
        for n, actor in enumerate(("Ada", "Ben", "Ada")):
            append_access(
                connection,
                Access(
                    occurred_at=clock.replace(day=2 + n), source="web", actor=actor, action="read",
                    kind="item", object_id=str(n), model="assistant", place=f"/review/{n}",
                ),
            )  # fmt: skip

    def numbers(*options: str) -> list[str]:
        done = run_command("access-log", "--json", *options)
        assert done.returncode == 0, done.stderr
        return [json.loads(line)["object_id"] for line in done.stdout.splitlines()]

    assert numbers() == ["2", "1", "0"]
    assert numbers("--user", "Ada") == ["2", "0"]
    assert numbers("--item", "item 1") == ["1"]
    assert numbers("--item", "item") == ["2", "1", "0"]
    assert numbers("--from", "2026-11-03", "--to", "2026-11-04") == ["1"]
    assert numbers("--model", "other") == []
    assert numbers("--limit", "1") == ["2"]
    assert run_command("access-log", "--action", "nonsense").returncode == 2
    assert "Ada" in run_command("access-log").stdout
