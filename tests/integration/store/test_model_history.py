"""History of a model that was renamed: its old name is an alias."""

import threading
from datetime import datetime, timedelta

import pytest
from sqlalchemy import Connection, Engine, func, select

from monitor.alerts.drift_incidents import handle_evaluation
from monitor.alerts.incidents import report
from monitor.daemon.cycle import Cycle
from monitor.errors import LostOwnershipError
from monitor.settings import Alerts, Configuration, Drift, Secrets
from monitor.store.accounts.grants import Grant, grants_of
from monitor.store.accounts.users import insert_user
from monitor.store.alerts.incidents import list_incidents
from monitor.store.audit_log import check_chain
from monitor.store.engine import transaction
from monitor.store.model_history import carry_over, earlier_names, models_with_history
from monitor.store.tables import (
    AuditEntry,
    Base,
    DriftEvaluation,
    Exchange,
    Look,
    WithheldExchanges,
)
from monitor.store.traffic.daily_counts import ModelDay, SampledCount
from monitor.store.traffic.unlisted import add_unlisted, unlisted_models
from monitor.store.traffic.withheld import add_withheld
from monitor.store.training.registry_mirrors import due_mirrors, mark_mirrored
from monitor.store.windows.claims import (
    claim_drift_evaluation,
    fail_drift_evaluation,
    window_states,
)
from monitor.store.windows.looks import save_look
from monitor.windows import evaluation
from retrain.registry.stages import register_version
from tests.support.review.roles import give_role
from tests.support.traffic.stored_traffic import store_traffic
from tests.support.windows.assessments import make_assessment, store_evaluation

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
        assert models_with_history(connection) == {"new", "other"}
        models = set(connection.execute(select(Exchange.model)).scalars())
        assert models == {"new", "other"}
        assert not unlisted_models(connection, clock, clock + WEEK, [])
        actions = list(connection.execute(select(AuditEntry.action)).scalars())
        assert actions == ["renamed"]
        assert check_chain(connection, None).broken_at is None


def test_two_histories_stay_apart(any_engine: Engine, clock: datetime) -> None:
    for seed, model in enumerate(("old", "new")):
        store_traffic(any_engine, clock, 10, seed=seed, model=model)
        evaluate(any_engine, model, clock)
    with transaction(any_engine) as connection:
        assert carry_over(connection, "old", "new", clock) == 0
        assert models_with_history(connection) == {"old", "new"}


def test_traffic_under_the_new_name_keeps_no_history_back(
    any_engine: Engine, clock: datetime
) -> None:
    """Ingest starts with the daemon, and other replicas of it sooner or later."""
    store_traffic(any_engine, clock, 10, seed=1, model="old")
    evaluate(any_engine, "old", clock)
    store_traffic(any_engine, clock + WEEK, 5, seed=2, model="new")
    with transaction(any_engine) as connection:
        for model, n in (("old", 3), ("new", 4)):
            add_withheld(connection, {ModelDay("t", model, clock): SampledCount(n, 20.0 * n)})
            look(connection, model, clock)
        assert carry_over(connection, "old", "new", clock) > 0
        assert models_with_history(connection) == {"new"}
        withheld = connection.execute(
            select(WithheldExchanges.count, WithheldExchanges.estimated_total)
        ).one()
        assert tuple(withheld) == (7, 140.0)
        assert connection.execute(select(func.count()).select_from(Look)).scalar_one() == 1
    # A replica that still knows the old name writes after that.
    store_traffic(any_engine, clock + WEEK, 2, seed=3, model="old")
    with transaction(any_engine) as connection:
        look(connection, "old", clock)
        assert carry_over(connection, "old", "new", clock) == 2
        assert models_with_history(connection) == {"new"}


def test_running_evaluation_of_the_old_name_loses_its_claim(
    any_engine: Engine, clock: datetime
) -> None:
    """It reads rows that have another name by then, and would store an empty window."""
    now = clock + WEEK
    with transaction(any_engine) as connection:
        first = claim_drift_evaluation(connection, "old", clock, now, seed=1, now=now)
        carry_over(connection, "old", "new", now)
    with pytest.raises(LostOwnershipError), transaction(any_engine) as connection:
        fail_drift_evaluation(connection, first, "too late", now)
    with transaction(any_engine) as connection:
        later = now + timedelta(seconds=1)
        second = claim_drift_evaluation(connection, "new", clock, now, seed=1, now=later)
        assert second.evaluation_id == first.evaluation_id
        assert window_states(connection, "new", later).failed_at is None


def test_rename_of_a_rename_follows_each_name(engine: Engine, clock: datetime) -> None:
    store_traffic(engine, clock, 10, seed=1, model="a")
    evaluate(engine, "a", clock)
    names = [("a", "b"), ("b", "c"), ("c", "a")]
    with transaction(engine) as connection:
        for old, new in names:
            assert carry_over(connection, old, new, clock) == 11
        assert earlier_names(connection, ["a"]) == {"a", "b", "c"}
        assert earlier_names(connection, ["other"]) == {"other"}
        assert check_chain(connection, None).broken_at is None


def test_two_daemons_carry_a_history_over_once(postgres_engine: Engine, clock: datetime) -> None:
    store_traffic(postgres_engine, clock, 300, seed=1, model="old")
    evaluate(postgres_engine, "old", clock)
    start, renamed = threading.Barrier(2), []

    def rename() -> None:
        start.wait()
        with transaction(postgres_engine) as connection:
            renamed.append(carry_over(connection, "old", "new", clock))

    threads = [threading.Thread(target=rename) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(renamed) == [0, 301]
    with transaction(postgres_engine) as connection:
        assert models_with_history(connection) == {"new"}
        actions = list(connection.execute(select(AuditEntry.action)).scalars())
    assert actions == ["renamed"]


def test_swapped_names_are_refused() -> None:
    swapped = Configuration(models={"a": {"aliases": ["b"]}, "b": {"aliases": ["a"]}})
    with pytest.raises(ValueError, match="may be one name"):
        _ = swapped.names


def test_registry_is_mirrored_again_under_the_new_name(engine: Engine, clock: datetime) -> None:
    with transaction(engine) as connection:
        register_version(
            connection, model="old", adapter_path="a", adapter_digest="d", lineage={}, now=clock
        )
        (mirror,) = due_mirrors(connection, clock)
        mark_mirrored(connection, mirror, clock)
        carry_over(connection, "old", "new", clock)
        assert [row.model for row in due_mirrors(connection, clock)] == ["new"]


def test_every_row_belongs_to_one_model_or_none() -> None:
    """Rows of the daemon itself have no column of a model; the outbox has an empty one."""
    own = {
        "source_offsets", "offset_gaps", "pending_halves", "dead_letters", "embedding_blocks",
        "record_counts",
        "signal_progress", "search_progress",
        "audit_log", "users", "invitations", "sign_in_attempts", "erasures", "suppressions",
        "erasure_proofs", "erasure_checks", "proof_keys", "privacy_requests", "staff_sentences",
        "user_id_keys", "access_log_chain",
        "leadership", "slack_actions", "web_sessions", "taxonomy_versions", "review_draws",
    }  # fmt: skip
    tables = Base.metadata.tables
    owned = {name for name, table in tables.items() if "model" in table.c}
    while further := {
        name
        for name, table in tables.items()
        if name not in owned | own
        and any(key.column.table.name in owned for key in table.foreign_keys)
    }:
        owned |= further
    assert owned | own == set(tables)
    assert not owned & own
    with_model = {name for name in owned if "model" in tables[name].c}
    assert not {name for name in with_model if tables[name].c["model"].nullable}


def evaluate(engine: Engine, model: str, start: datetime) -> None:
    with transaction(engine) as connection:
        store_evaluation(connection, make_assessment(model=model), start)


def look(connection: Connection, model: str, end: datetime) -> None:
    save_look(
        connection, model=model, looked_until=end, n_exchanges=1, n_end_users=1, findings=None,
        provenance={}, now=end,
    )  # fmt: skip


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
        assert "old" not in models_with_history(connection)
    assert set(grants[users["Ada"]].by_model) == {"new"}
    assert grants[users["Ben"]].role_on("new") == "lead"
    assert grants[users["Cleo"]].by_model == {
        "new": Grant("new", "reviewer", frozenset({"fees"})),
        "other": Grant("other", "lead"),
    }


def test_roles_stay_where_two_histories_do(any_engine: Engine, clock: datetime) -> None:
    for seed, model in enumerate(("old", "new")):
        store_traffic(any_engine, clock, 5, seed=seed, model=model)
        evaluate(any_engine, model, clock)
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


def test_incidents_of_both_names_become_those_of_the_model(
    any_engine: Engine, clock: datetime
) -> None:
    """A condition may hold for a new name before the history is carried over."""
    with transaction(any_engine) as connection:
        evaluation = store_evaluation(connection, make_assessment(0.3, model="old"), clock)
        handle_evaluation(connection, evaluation, clock + WEEK, alerts=Alerts())
        for model in ("old", "new"):
            report(connection, "no_traffic", model, clock, text=model, alerts=Alerts())
        report(connection, "training_failed", "new", clock, text="new", alerts=Alerts())
        assert carry_over(connection, "old", "new", clock + WEEK)
        rows = list_incidents(connection)
    assert {row.model for row in rows} == {"new"}
    states = sorted((row.cause, row.status, row.summary) for row in rows if row.cause != "drift")
    assert states == [
        ("no_traffic", "closed", "new"),
        ("no_traffic", "open", "old"),
        ("training_failed", "open", "new"),
    ]
