"""Management of users: permissions and one-time links."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from threading import Barrier, Thread
from typing import Any

import pytest
from sqlalchemy import Engine, select

from monitor.accounts import users
from monitor.accounts.authentication import authenticate
from monitor.accounts.invitations import PATH, OneTimeLink, accept_link, check_link
from monitor.accounts.registration import create_user
from monitor.accounts.users import Actor
from monitor.errors import InputError, LinkError, NotFoundError, WorkflowError
from monitor.store.accounts.grants import ALL_MODELS, Grant, Grants
from monitor.store.accounts.roles import PERMISSIONS, ROLES, may_grant, may_manage
from monitor.store.accounts.users import user_by_name, user_by_slack_id
from monitor.store.audit_log import SYSTEM, check_chain
from monitor.store.engine import transaction
from monitor.store.tables import AuditEntry, Invitation
from tests.support.refusals import refusal
from tests.support.review.review_world import PASSWORD

GOOD = "lamps over quiet harbours"


@pytest.fixture
def staff(any_engine: Engine, clock: datetime) -> dict[str, Actor]:
    """Return a user of each role."""
    actors = {}
    for role in ROLES:
        with transaction(any_engine) as connection:
            user_id = create_user(connection, f"the {role}", PASSWORD, role, clock)
        actors[role] = Actor(f"the {role}", Grants.of([Grant(ALL_MODELS, role)]), user_id)
    return actors


def call(engine: Engine, function: Any, *arguments: Any, **options: Any) -> Any:
    with transaction(engine) as connection:
        return function(connection, *arguments, **options)


def token_of(link: OneTimeLink | None) -> str:
    assert link is not None
    return link.path.removeprefix(PATH)


OPERATOR = Actor(SYSTEM)


def invite(engine: Engine, clock: datetime, actor: Actor = OPERATOR, **options: Any) -> str:
    values = {"name": "Ada", "now": clock, "link_lifetime": timedelta(days=7), **options}
    return token_of(call(engine, users.invite, actor, **values))


def id_of(engine: Engine, name: str) -> int:
    user = call(engine, user_by_name, name)
    assert user is not None
    return int(user.id)


def entries(engine: Engine) -> Iterator[tuple[str, str, str]]:
    with transaction(engine) as connection:
        columns = (AuditEntry.actor, AuditEntry.action, AuditEntry.subject)
        yield from (tuple(row) for row in connection.execute(select(*columns)).all())


def test_a_link_sets_a_password_once(any_engine: Engine, clock: datetime) -> None:
    token = invite(any_engine, clock, task_types=["fees", " ", "fees"])
    assert None is authenticate(any_engine, "Ada", "")
    with pytest.raises(InputError, match="at least 12"):
        accept_link(any_engine, token, "short", clock)
    user = accept_link(any_engine, token, GOOD, clock)
    checked = authenticate(any_engine, "Ada", GOOD)
    assert checked is not None
    assert (user.id, user.session_epoch) == (checked.id, checked.session_epoch)
    assert Grant(ALL_MODELS, "reviewer", frozenset({"fees"})) == user.grants.on("any")
    with pytest.raises(LinkError, match="already been used"):
        accept_link(any_engine, token, "another password of mine", clock)
    assert None is not authenticate(any_engine, "Ada", GOOD)
    assert [
        ("driftwarden", "invited", "user:Ada"),
        ("Ada", "password_set", "user:Ada"),
    ] == [*entries(any_engine)]
    assert None is call(any_engine, check_chain).broken_at


def test_a_token_is_long_and_not_stored(any_engine: Engine, clock: datetime) -> None:
    token = invite(any_engine, clock)
    assert len(token) * 6 >= 128
    with transaction(any_engine) as connection:
        stored = [*connection.execute(select(Invitation)), *connection.execute(select(AuditEntry))]
    assert token not in str(stored)


def test_a_link_expires_is_replaced_and_revoked(any_engine: Engine, clock: datetime) -> None:
    first = invite(any_engine, clock)
    with pytest.raises(LinkError, match="has expired"):
        call(any_engine, check_link, first, clock + timedelta(days=7))
    ada = id_of(any_engine, "Ada")
    second = token_of(
        call(
            any_engine,
            users.reset_password,
            OPERATOR,
            ada,
            now=clock,
            link_lifetime=timedelta(days=7),
        )
    )
    with pytest.raises(LinkError, match="replaced by a newer one"):
        call(any_engine, check_link, first, clock)
    call(any_engine, users.deactivate, OPERATOR, ada, clock)
    with pytest.raises(LinkError, match="has expired"):
        call(any_engine, check_link, second, clock)
    with pytest.raises(LinkError, match="to its last character"):
        call(any_engine, check_link, second[:-1], clock)


def test_a_link_used_concurrently_works_once(any_engine: Engine, clock: datetime) -> None:
    token = invite(any_engine, clock)
    ready, results = Barrier(4), []

    def accept(password: str) -> None:
        ready.wait()
        try:
            accept_link(any_engine, token, password, clock)
            results.append(password)
        except LinkError:
            results.append("")

    threads = [Thread(target=accept, args=(f"{GOOD} {number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (winner,) = filter(None, results)
    assert None is not authenticate(any_engine, "Ada", winner)


@pytest.mark.parametrize("role", ROLES)
def test_no_role_above_the_own_is_granted(
    any_engine: Engine, clock: datetime, staff: dict[str, Actor], role: str
) -> None:
    for number, granted in enumerate(ROLES):
        allowed = role in {"lead", "admin"} and number <= ROLES.index(role)
        assert allowed == may_grant(role, granted)
        options = {"name": f"new {granted}", "role": granted}
        if allowed:
            invite(any_engine, clock, staff[role], **options)
        else:
            with pytest.raises(WorkflowError, match="can't grant"):
                invite(any_engine, clock, staff[role], **options)
            assert None is call(any_engine, user_by_name, f"new {granted}")


@pytest.mark.parametrize("role", ROLES)
def test_leads_manage_lower_roles_and_admins_all(
    any_engine: Engine, clock: datetime, staff: dict[str, Actor], role: str
) -> None:
    call(any_engine, create_user, "spare admin", PASSWORD, "admin", clock)
    for number, other in enumerate(ROLES):
        target = staff[other].id if other != role else None
        if target is None:
            name = f"another {other}"
            target = call(any_engine, create_user, name, PASSWORD, other, clock)
        allowed = role == "admin" or (role == "lead" and number < ROLES.index(role))
        assert allowed == may_manage(role, other)
        for function, arguments in (
            (users.assign_task_types, (["fees"], clock)),
            (users.link_slack, (f"U00{number}", clock)),
            (users.deactivate, (clock,)),
            (users.reactivate, (clock,)),
            (users.change_role, ("reviewer", clock)),
        ):
            if allowed:
                call(any_engine, function, staff[role], target, *arguments)
            else:
                with pytest.raises(WorkflowError, match="can't manage"):
                    call(any_engine, function, staff[role], target, *arguments)
        if not allowed:
            with pytest.raises(WorkflowError, match="can't manage"):
                call(
                    any_engine,
                    users.reset_password,
                    staff[role],
                    target,
                    now=clock,
                    link_lifetime=timedelta(days=1),
                )


def test_slack_id_belongs_to_one_user(
    any_engine: Engine, clock: datetime, staff: dict[str, Actor]
) -> None:
    lead, reviewer = staff["lead"].id, staff["reviewer"].id
    call(any_engine, users.link_slack, OPERATOR, lead, " U0LEAD ", clock)
    linked = call(any_engine, user_by_slack_id, "U0LEAD")
    assert linked is not None
    assert (linked.id, linked.slack_user_id) == (lead, "U0LEAD")
    with refusal("slack_id_taken", InputError):
        call(any_engine, users.link_slack, OPERATOR, reviewer, "U0LEAD", clock)
    for text in ("lea", "u0lead", "U0LEAD\x00", "<@U0LEAD>", "U" + "0" * 40):
        with refusal("no_slack_id", InputError):
            call(any_engine, users.link_slack, OPERATOR, reviewer, text, clock)
    call(any_engine, users.link_slack, OPERATOR, lead, "", clock)
    assert None is call(any_engine, user_by_slack_id, "U0LEAD")
    call(any_engine, users.link_slack, OPERATOR, reviewer, "U0LEAD", clock)
    actions = [action for _, action, _ in entries(any_engine)]
    assert actions.count("slack_linked") == 3


def test_own_and_unknown_accounts_are_not_changed(
    any_engine: Engine, clock: datetime, staff: dict[str, Actor]
) -> None:
    admin = staff["admin"]
    with pytest.raises(WorkflowError, match="your own account"):
        call(any_engine, users.change_role, admin, admin.id, "reviewer", clock)
    with pytest.raises(NotFoundError):
        call(any_engine, users.change_role, admin, 999, "reviewer", clock)
    with pytest.raises(InputError, match="use one of"):
        call(any_engine, users.change_role, admin, staff["lead"].id, "owner", clock)


def test_the_last_usable_admin_is_kept(
    any_engine: Engine, clock: datetime, staff: dict[str, Actor]
) -> None:
    admin = staff["admin"].id
    token = invite(any_engine, clock, name="Bea", role="admin")
    for function, arguments in (
        (users.change_role, ("lead", clock)),
        (users.deactivate, (clock,)),
    ):
        with pytest.raises(WorkflowError, match="last admin"):
            call(any_engine, function, OPERATOR, admin, *arguments)
    accept_link(any_engine, token, GOOD, clock)
    call(any_engine, users.deactivate, OPERATOR, admin, clock)
    with pytest.raises(WorkflowError, match="last admin"):
        call(any_engine, users.deactivate, OPERATOR, id_of(any_engine, "Bea"), clock)


def test_two_admins_demoting_each_other_leave_one(any_engine: Engine, clock: datetime) -> None:
    ids = {
        name: call(any_engine, create_user, name, PASSWORD, "admin", clock)
        for name in ("Ada", "Bea")
    }
    ready, done = Barrier(2), []

    def demote(by: str, whom: str) -> None:
        ready.wait()
        try:
            actor = Actor(by, id=ids[by])
            call(any_engine, users.change_role, actor, ids[whom], "reviewer", clock)
            done.append(whom)
        except WorkflowError:
            pass

    threads = [Thread(target=demote, args=pair) for pair in (("Ada", "Bea"), ("Bea", "Ada"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 1 == len(done)


def test_names_and_addresses_are_unique(any_engine: Engine, clock: datetime) -> None:
    invite(any_engine, clock, email="ada@bank.example")
    with pytest.raises(InputError, match="already exists"):
        invite(any_engine, clock, name="ADA")
    with pytest.raises(InputError, match="already exists"):
        invite(any_engine, clock, name="Eve", email="ADA@bank.example")
    for name, email in (("", ""), ("a\nb", ""), ("x" * 81, ""), ("Eve", "no address")):
        with pytest.raises(InputError):
            invite(any_engine, clock, name=name, email=email)


def test_every_role_is_in_the_table() -> None:
    assert list(ROLES) == list(PERMISSIONS)
    for lower, higher in pairwise(ROLES):
        assert PERMISSIONS[lower] < PERMISSIONS[higher]
