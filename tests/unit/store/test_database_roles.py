"""Least privileges: a row for each table, and no more than the code of a part needs."""

from pathlib import Path

import pytest

from monitor.errors import InputError
from monitor.store.database_roles import (
    PRIVILEGES,
    grant_statements,
    grants,
    parse_roles,
)
from monitor.store.tables import metadata
from monitor.store.tables.facts import facts_of, table_names
from monitor.table_types.contents import Access, Part
from tests.support.refusals import refusal
from tests.support.table_access import reached

ROOT = Path(__file__).resolve().parents[3]
#: Where the code of each part begins.
ENTRIES: dict[Part, list[str]] = {
    "ingest": ["monitor/traffic/ingest"],
    "schedule": ["monitor/daemon", "retrain/rollout/jobs"],
    "web": ["monitor/daemon/web_app", "monitor/web", "retrain/rollout/pages"],
}
#: The composition root, the application of the pages, and what `driftwarden check` alone runs.
NOT_OF_THE_SCHEDULE = ["monitor/daemon/app", "monitor/daemon/readiness", "monitor/daemon/web_app"]
#: What ingest, which parses what production sends, must not see.
OF_USERS = {
    *("users", "user_grants", "invitations", "web_sessions", "sign_in_attempts", "audit_log"),
    *(name for name in metadata.tables if name.startswith(("review", "human_evaluation", "gold"))),
}

ACCESS: dict[str, Access] = {name: facts_of(name).access for name in table_names()}


@pytest.mark.slow
@pytest.mark.parametrize("part", ENTRIES)
def test_grants_of_a_part_are_what_its_code_uses(part: Part) -> None:
    excluded = NOT_OF_THE_SCHEDULE if part == "schedule" else []
    matches = reached(ENTRIES[part], excluded=excluded)
    needed = {table: set(codes) for table, codes in matches.items()}
    granted = {table: set(access.of(part)) for table, access in ACCESS.items() if access.of(part)}
    where = {table: matches.get(table) for table in needed | granted
             if needed.get(table) != granted.get(table)}  # fmt: skip
    assert granted == needed, where


def test_ingest_sees_nothing_of_users_and_reviews() -> None:
    assert len(OF_USERS) > 15
    assert {table for table in OF_USERS if ACCESS[table].ingest} == set()
    for table in ("exchanges", "embedding_blocks", "feedback", "rollout_observations"):
        assert ACCESS[table].columns["ingest"] == ("id",)
    # A dead code holds a record, unredacted: ingest finds it and can't read it.
    assert "value" not in ACCESS["dead_letters"].columns["ingest"]


def test_only_the_page_changes_accounts_and_sessions() -> None:
    for table in ("users", "invitations", "web_sessions", "sign_in_attempts"):
        assert set(ACCESS[table].schedule) <= {"r"}
        assert "w" in ACCESS[table].web
    assert "" == ACCESS["web_sessions"].schedule == ACCESS["invitations"].schedule


def test_no_part_may_change_the_audit_log() -> None:
    access = ACCESS["audit_log"]
    assert set(access.schedule) | set(access.web) == {"r", "a"}


def test_limited_columns_exist() -> None:
    for table, access in ACCESS.items():
        for part, columns in access.columns.items():
            assert "r" in access.of(part)
            assert set(columns) <= set(metadata.tables[table].columns.keys())


def test_role_of_two_parts_has_the_privileges_of_both() -> None:
    roles = parse_roles(["ingest=one", "schedule=one", "web=other"])
    matches = {(grant.table, grant.role): grant for grant in grants(roles)}
    exchanges = matches["exchanges", "one"]
    assert set(exchanges.codes) == set(PRIVILEGES)
    assert exchanges.columns == ()
    # All columns for the schedule outweigh the few of ingest.
    assert matches["dead_letters", "one"].columns == ()
    assert matches["embedding_blocks", "one"].columns == ()
    assert grant_statements(roles).count('CREATE ROLE "one"') == 1


def test_names_of_roles_are_quoted() -> None:
    statements = grant_statements(parse_roles(["ingest=a\"; DROP TABLE users; --'"]))
    assert '"a""; DROP TABLE users; --\'"' in statements
    assert "rolname = 'a\"; DROP TABLE users; --'''" in statements


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("ingest", "unknown_part"),
        ("ingest=", "unknown_part"),
        ("training=x", "unknown_part"),
        ("=x", "unknown_part"),
        ("web=$create$", "role_name"),
        ("web=a\nb", "role_name"),
        (f"web={'ü' * 32}", "role_name"),
    ],
)
def test_unusable_role_is_refused(text: str, code: str) -> None:
    with refusal(code, InputError):
        parse_roles([text])
