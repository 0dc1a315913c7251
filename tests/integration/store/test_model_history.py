"""History of a model that was renamed: its old name is an alias."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import Connection, Engine, select

from monitor.daemon.cycle import Cycle
from monitor.settings import Configuration, Drift, Secrets
from monitor.store.accounts.grants import Grant, grants_of
from monitor.store.accounts.users import insert_user
from monitor.store.audit_log import check_chain
from monitor.store.engine import transaction
from monitor.store.model_history import carry_over, has_history
from monitor.store.tables import AuditEntry, DriftEvaluation, Exchange
from monitor.store.traffic.daily_counts import ModelDay, SampledCount
from monitor.store.traffic.unlisted import add_unlisted, unlisted_models
from monitor.windows import evaluation
from tests.support.review.roles import give_role
from tests.support.traffic.stored_traffic import store_traffic

WEEK = timedelta(days=7)


@pytest.fixture(autouse=True)
def _no_evidently(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluation, "render_evidently", lambda *_, **__: "<p>report</p>")


def test_history_is_carried_over_once(any_engine: Engine, clock: datetime) -> None:
    store_traffic(any_engine, clock, 30, seed=1, model="old", baseline=True)
    store_traffic(any_engine, clock, 40, seed=2, model="old")
    store_traffic(any_engine, clock, 5, seed=3, model="other")
    with transaction(any_engine) as connection:
        add_unlisted(connection, {ModelDay("t", "old", clock): SampledCount(3, 60.0)})
        assert carry_over(connection, "old", "new", clock) == 30 + 40 + 1
        assert carry_over(connection, "old", "new", clock) == 0
        assert not has_history(connection, "old")
        models = set(connection.execute(select(Exchange.model)).scalars())
        assert models == {"new", "other"}
        assert not unlisted_models(connection, clock, clock + WEEK, [])
        actions = list(connection.execute(select(AuditEntry.action)).scalars())
        assert actions == ["renamed"]
        assert check_chain(connection, None).broken_at is None


def test_two_histories_stay_apart(any_engine: Engine, clock: datetime) -> None:
    for seed, model in enumerate(("old", "new")):
        store_traffic(any_engine, clock, 10, seed=seed, model=model)
    with transaction(any_engine) as connection:
        assert carry_over(connection, "old", "new", clock) == 0
        assert has_history(connection, "old")


def give_roles(connection: Connection, clock: datetime) -> dict[str, int]:
    users = {name: insert_user(connection, name, "", clock) for name in ("Ada", "Ben", "Cleo")}
    give_role(connection, users["Ada"], "lead", model="old")
    give_role(connection, users["Ben"], "reviewer", model="old")
    give_role(connection, users["Ben"], "lead", model="new")
    give_role(connection, users["Cleo"], "reviewer", model="old", task_types=["fees"])
    give_role(connection, users["Cleo"], "lead", model="other")
    return users


@pytest.mark.parametrize("n_stored", [5, 0])
def test_users_keep_their_roles_on_a_renamed_model(
    any_engine: Engine, clock: datetime, n_stored: int
) -> None:
    if n_stored:
        store_traffic(any_engine, clock, n_stored, seed=1, model="old")
    with transaction(any_engine) as connection:
        users = give_roles(connection, clock)
        assert carry_over(connection, "old", "new", clock) == n_stored
        assert carry_over(connection, "old", "new", clock) == 0
        grants = grants_of(connection, users.values())
        assert not has_history(connection, "old")
    assert set(grants[users["Ada"]].by_model) == {"new"}
    assert grants[users["Ben"]].role_on("new") == "lead"
    assert grants[users["Cleo"]].by_model == {
        "new": Grant("new", "reviewer", frozenset({"fees"})),
        "other": Grant("other", "lead"),
    }


def test_roles_stay_where_two_histories_do(any_engine: Engine, clock: datetime) -> None:
    for seed, model in enumerate(("old", "new")):
        store_traffic(any_engine, clock, 5, seed=seed, model=model)
    with transaction(any_engine) as connection:
        users = give_roles(connection, clock)
        assert carry_over(connection, "old", "new", clock) == 0
        assert grants_of(connection, users.values())[users["Ada"]].role_on("old") == "lead"


def test_windows_of_a_renamed_model_continue(engine: Engine, clock: datetime) -> None:
    drift = Drift(n_permutations=1999)
    store_traffic(engine, clock, 500, seed=1, model="old", baseline=True)
    for week in range(2):
        store_traffic(engine, clock + week * WEEK, 200, seed=2 + week, model="old")
    before = Configuration(models={"old": {}}, drift=drift)
    first = clock + WEEK + timedelta(hours=1)
    Cycle.build(engine, before, Secrets(), first).evaluate(first)
    after = Configuration(models={"new": {"aliases": ["old"]}}, drift=drift)
    second = first + WEEK
    Cycle.build(engine, after, Secrets(), second).evaluate(second)
    with transaction(engine) as connection:
        rows = connection.execute(
            select(DriftEvaluation.model, DriftEvaluation.status).order_by(
                DriftEvaluation.window_start
            )
        ).all()
    assert [tuple(row) for row in rows] == [("new", "done"), ("new", "done")]
