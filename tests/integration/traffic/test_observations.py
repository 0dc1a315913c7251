"""Observations of a rollout: what is observed, and that the sample is what it is without."""

import shutil
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, select, update

from monitor.scheduling.complete_traffic import LATE_RECORDS, complete_until
from monitor.settings import Settings
from monitor.store.engine import make_engine, transaction
from monitor.store.model_history import carry_over
from monitor.store.tables import (
    DeadLetter,
    Exchange,
    Leadership,
    Rollout,
    UnlistedExchanges,
    WithheldExchanges,
)
from monitor.store.traffic.exchanges import load_window
from monitor.store.training.versions.version_labels import version_labels
from monitor.traffic.ingest.observation_plans import ObservationPlans
from monitor.traffic.ingest.sweeper import Sweeper
from monitor.traffic.sampling.sampler import Sampler
from monitor.windows.reading.final_sample import final_sample
from retrain.rollout.gateways.cluster_names import cluster_name
from retrain.rollout.rows.observations import unknown_labels
from tests.support.present import utc_now
from tests.support.traffic.observed_traffic import (
    MODEL,
    TOPIC,
    ingest,
    messages,
    observations,
    open_rollout,
    read_plan,
)

NOW = utc_now().replace(microsecond=0)
START = NOW - timedelta(hours=12)


@pytest.fixture
def plain_engine(tmp_path: Path, sqlite_template: Path) -> Iterator[Engine]:
    """Return a second database, without a rollout."""
    path = shutil.copyfile(sqlite_template, tmp_path / "plain.db")
    created = make_engine(f"sqlite:///{path}")
    yield created
    created.dispose()


def rows(engine: Engine, table: type) -> list[tuple]:
    """Return the rows of a table without its generated ids."""
    columns = [c for c in table.__table__.c if c.name not in {"id", "block_id", "block_row"}]
    with transaction(engine) as connection:
        return sorted(map(repr, connection.execute(select(*columns))))


@pytest.mark.parametrize(
    "traffic",
    [
        {},
        {"version_header": "version"},
        {"version_header": "version", "user_header": "user"},
        {"sample_by": "exchange"},
        {"min_samples_per_task_type": 20, "task_type_search_rate": 0.4},
        {"rates": [{"task_type": "rare", "rate": 0.5}], "min_samples_per_task_type": 5},
    ],
)
def test_the_sample_is_the_same_with_and_without_a_rollout(
    traffic: dict, engine: Engine, plain_engine: Engine
) -> None:
    settings = Settings(traffic={"batch_size": 16, **traffic})
    sent = messages(2000, START, seconds=20, users=80, headers=["version", "user"])
    open_rollout(engine, START)
    plan = read_plan(engine, settings)
    assert plan is not None

    ingest(engine, settings, sent, NOW, plan)
    ingest(plain_engine, settings, sent, NOW)

    assert len(observations(engine)) > 5 * 2000 * 0.04 > len(observations(plain_engine))
    for table in (Exchange, WithheldExchanges, UnlistedExchanges, DeadLetter):
        assert rows(engine, table) == rows(plain_engine, table)
    windows = []
    day = START.replace(hour=0, minute=0, second=0)
    bounds = (day, day + timedelta(days=2))
    for database in (engine, plain_engine):
        with transaction(database) as connection:
            loaded = load_window(connection, MODEL, *bounds)
        windows.append(final_sample(loaded, bounds).rows.digest())
    assert windows[0] == windows[1]


def test_a_half_that_is_only_observed_delays_no_window(engine: Engine) -> None:
    settings = Settings(traffic={"join": {"enabled": True}})
    open_rollout(engine, START)
    key = next(key for n in range(100) if not Sampler(0.05).keeps(key := b"k%d" % n))
    sent = [(key, (), b'{"id": "r", "prompt": "question"}')]
    ingest(engine, settings, sent, NOW - timedelta(hours=2), read_plan(engine, settings))
    of_window, of_rollout = (
        complete_until(engine, TOPIC, NOW, NOW, observed=observed) for observed in (False, True)
    )
    assert (NOW - LATE_RECORDS, NOW - timedelta(hours=2)) == (of_window, of_rollout)


def test_labels_are_numbers_and_names_at_gateways() -> None:
    assert ("3", "v3", cluster_name("support bot", 3)) == version_labels("support bot", 3)


@pytest.mark.parametrize("headers", [[], ["version"], ["version", "user"]])
def test_the_whole_canary_and_a_share_of_stable_is_observed(
    headers: list[str], engine: Engine
) -> None:
    named = {f"{name}_header": name for name in headers}
    settings = Settings(traffic=named)
    sent = messages(4000, START, seconds=10, users=400, headers=headers)
    rollout_id = open_rollout(engine, START + timedelta(hours=1))
    plan = read_plan(engine, settings)

    ingest(engine, settings, sent, NOW, plan)

    observed = observations(engine)
    canary = [row for row in observed if row.arm == "canary"]
    stable = [row for row in observed if row.arm == "stable"]
    readable = [n for n in range(360, 4000) if n % 101]
    versions = {n: b"v2" in sent[n][2] for n in readable}
    assert [row.offset for row in canary] == [n for n in readable if versions[n]]
    assert {1.0} == {row.inclusion_probability for row in canary}
    (probability,) = {row.inclusion_probability for row in stable}
    assert probability == pytest.approx(4 * 5 / 95)
    # All requests of an observed user are observed, and none of the others'.
    users = {row.end_user for row in stable}
    assert 40 < len(users) < 140
    of_users = [n for n in readable if not versions[n] and _user(sent[n][2]) in users]
    assert [row.offset for row in stable] == of_users
    assert {rollout_id} == {row.rollout_id for row in observed}
    assert not any("ann@example.org" in row.prompt for row in observed)
    measures = next(row.measures for row in canary if row.offset % 97)
    assert {"latency", "errors", "length", "empty", "refusals", "truncation"} <= set(measures)


def _user(line: bytes) -> str:
    return line.split(b'"user": "')[1].split(b'"')[0].decode()


def test_records_of_a_stable_header_are_not_decoded(engine: Engine) -> None:
    settings = Settings(traffic={"version_header": "version", "user_header": "user"})
    open_rollout(engine, START)
    plan = read_plan(engine, settings)
    assert plan is not None
    of_users = [plan.wants((("version", b"v1"), ("user", b"%d" % n))) for n in range(2000)]
    assert 0.15 < sum(of_users) / 2000 < 0.27
    assert plan.wants((("version", b"v2"), ("user", b"ann")))
    assert not plan.wants((("version", b"v9"), ("user", b"ann")))
    assert plan.wants((("user", b"ann"),))


def test_unknown_labels_are_counted_and_in_no_arm(engine: Engine) -> None:
    settings = Settings()
    rollout_id = open_rollout(engine, START)
    sent = messages(600, START, seconds=60)
    sent[10:20] = [(key, h, value.replace(b'"v1"', b'"v7"')) for key, h, value in sent[10:20]]
    sent[20:30] = [(k, h, v.replace(b"model_version", b"something")) for k, h, v in sent[20:30]]
    sent[30:33] = [(k, h, v.replace(b'"v1"', b'"ann@example.org"')) for k, h, v in sent[30:33]]

    ingest(engine, settings, sent, NOW, read_plan(engine, settings))

    with transaction(engine) as connection:
        counted = unknown_labels(connection, rollout_id)
    n_others = sum(b'"v7"' in value for _, _, value in sent)
    n_named = sum(b'"ann@example.org"' in value for _, _, value in sent)
    assert {
        "": (10, 10.0),
        "v7": (n_others, float(n_others)),
        "[EMAIL]": (n_named, float(n_named)),
    } == {label: (count.n, count.estimated_total) for label, count in counted.items()}
    assert not {10, *range(20, 30)} & {row.offset for row in observations(engine)}


def test_a_header_outranks_the_label_of_the_content(engine: Engine) -> None:
    settings = Settings(traffic={"version_header": "version"})
    open_rollout(engine, START)
    sent = [
        (key, (("version", b"v2"),), value) for key, _, value in messages(50, START, seconds=600)
    ]
    ingest(engine, settings, sent, NOW, read_plan(engine, settings))
    assert {"canary"} == {row.arm for row in observations(engine)}
    assert len(observations(engine)) == 49


def test_halves_are_observed_and_leave_the_sample(engine: Engine, plain_engine: Engine) -> None:
    settings = Settings(traffic={"join": {"enabled": True}, "batch_size": 16})
    sent = []
    for number in range(600):
        version = "v2" if number % 10 == 0 else "v1"
        key = b"k%d" % number
        request = b'{"id": "r%d", "prompt": "question", "user": "u%d"}' % (number, number % 90)
        response = b'{"id": "r%d", "response": "yes", "metadata": {"model_version": "%s"}}'
        sent.append((key, (), request))
        if number % 7:
            sent.append((key, (), response % (number, version.encode())))
    open_rollout(engine, START, weight_percent=10)

    for database, plan in ((engine, read_plan(engine, settings)), (plain_engine, None)):
        preparer = ingest(database, settings, sent, NOW, plan)
        sweeper = Sweeper(database, preparer, settings.traffic.join)
        sweeper.finish(TOPIC, threading.Event())

    # A half that was read to be observed only, and has no partner, is no dead letter.
    for table in (Exchange, DeadLetter):
        assert rows(engine, table) == rows(plain_engine, table) != []
    canary = [row.exchange_id for row in observations(engine) if row.arm == "canary"]
    assert [f"r{n}" for n in range(0, 600, 10) if n % 7] == canary


def test_a_renamed_model_keeps_rollout_and_observations(engine: Engine) -> None:
    rollout_id = open_rollout(engine, START, model="old")
    settings = Settings(model={"name": "new", "aliases": ["old"]})
    sent = messages(300, START)
    # Ingest knows the new name before the rows have it.
    ingest(engine, settings, sent, NOW, read_plan(engine, settings))
    with transaction(engine) as connection:
        assert carry_over(connection, "old", "new", NOW) > 0
        assert list(connection.execute(select(Rollout.model)).scalars()) == ["new"]
    ingest(engine, settings, messages(300, START, seed=2), NOW, read_plan(engine, settings))
    assert {("new", rollout_id)} == {(row.model, row.rollout_id) for row in observations(engine)}


@pytest.mark.parametrize(
    ("ended_before", "led_before", "expected"),
    [(None, 30, True), (None, 90, False), (5, 0, False)],
)
def test_rates_fall_back_after_the_rollout_or_without_a_leader(
    ended_before: int | None, led_before: int, expected: bool, engine: Engine
) -> None:
    rollout_id = open_rollout(engine, START)
    now = utc_now()  # a run of all tests may have begun an hour ago
    expired = now - timedelta(minutes=led_before)
    with transaction(engine) as connection:
        connection.execute(update(Leadership).values(expires_at=expired))
        if ended_before is not None:
            ended = now - timedelta(minutes=ended_before)
            connection.execute(
                update(Rollout).where(Rollout.id == rollout_id).values(finished_at=ended)
            )
    plans = ObservationPlans(engine, Settings())
    plans.read()
    assert expected == (plans.present() is not None)


def test_the_last_plan_stays_where_the_database_is_unavailable(
    engine: Engine, tmp_path: Path
) -> None:
    open_rollout(engine, NOW)
    plans = ObservationPlans(engine, Settings())
    plans.read()
    plan = plans.present()
    plans.read()
    assert plan is plans.present()
    gone = make_engine("postgresql+psycopg2://nobody@127.0.0.1:9/none")
    plans._engine = gone
    plans.read()
    assert plan is plans.present() is not None
    gone.dispose()
