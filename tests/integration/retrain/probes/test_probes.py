"""Attacks on the probes of a live endpoint, with real HTTP and simulated time."""

import multiprocessing
import os
import signal
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, insert, select, update

from monitor.privacy.retention.application import apply_retention
from monitor.settings import Retention
from monitor.store.engine import make_engine, transaction
from monitor.store.probes.requests import passed_of_version, probes_of
from monitor.store.tables import Probe, ProbeRun, TrafficWeights
from retrain.probes.runs import Probing
from retrain.registry.stages import roll_back
from tests.services.live_endpoint import (  # noqa: F401 - a fixture
    FakeEndpoint,
    live_endpoint,
    running_endpoint,
    scripted,
)
from tests.support.database_copy import database_copy
from tests.support.places import wrong_words
from tests.support.retrain.probe_world import START, ProbeWorld

#: Hours in which a reference is complete.
REFERENCE = 24.0


@pytest.fixture
def world(engine: Engine, tmp_path: Path, live_endpoint: FakeEndpoint) -> ProbeWorld:  # noqa: F811
    """Return a model whose version 1 is in production."""
    world = ProbeWorld(engine, tmp_path, live_endpoint)
    world.promote(world.version())
    world.now += timedelta(hours=1)
    return world


@pytest.fixture(scope="module")
def reference_database(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a SQLite file in which version 1 has its reference, for tests to copy."""
    folder = tmp_path_factory.mktemp("reference")
    path = folder / "driftwarden.db"
    with database_copy(sqlite_template, path) as engine, running_endpoint() as endpoint:
        world = ProbeWorld(engine, folder, endpoint)
        world.promote(world.version())
        world.now += timedelta(hours=1)
        world.advance(REFERENCE + 2)
    return path


@pytest.fixture
def referenced(
    tmp_path: Path,
    reference_database: Path,
    live_endpoint: FakeEndpoint,  # noqa: F811
) -> Iterator[ProbeWorld]:
    """Return the model two hours after its reference was complete."""
    now = START + timedelta(hours=REFERENCE + 3)
    with database_copy(reference_database, tmp_path / "referenced.db") as engine:
        # The evaluation file's path belongs to the form of the probes.
        yield ProbeWorld(engine, reference_database.parent, live_endpoint, start=now)


def test_probes_are_sent_as_production_sends(
    world: ProbeWorld,
    live_endpoint: FakeEndpoint,  # noqa: F811
) -> None:
    world.advance()
    assert world.verdicts == ["reference"]
    assert len(live_endpoint.requests) == 48  # 24 prompts twice
    body = live_endpoint.requests[0]
    assert (body["temperature"], body["max_tokens"], body["model"]) == (0, 256, "desk-live")
    assert body["messages"][0] == {"role": "system", "content": "Be brief."}
    # No cache, and a connection of its own for each, so that all replicas are met.
    sent = live_endpoint.headers[0]
    assert "no-cache" in sent["cache-control"]
    assert sent["connection"] == "close"


def test_columns_of_fixed_lists_hold_words_of_the_program(referenced: ProbeWorld) -> None:
    assert wrong_words(referenced.engine) == []


def test_probe_set_is_stratified_with_safety_prompts(world: ProbeWorld) -> None:
    world.advance()
    with transaction(world.engine) as connection:
        rows = connection.execute(select(Probe.kind, Probe.item, Probe.passed)).all()
    kinds = [row.kind for row in rows]
    assert (kinds.count("safety"), kinds.count("quality")) == (10, 38)
    assert all(row.passed for row in rows if row.kind == "safety")


def test_swapped_adapter_opens_incident_within_a_day(
    referenced: ProbeWorld,
    live_endpoint: FakeEndpoint,  # noqa: F811
) -> None:
    referenced.advance(22)
    assert set(referenced.verdicts) == {"reference", "same"}
    assert sum(run.is_reference for run in referenced.runs) == 8
    live_endpoint.model = scripted("two")
    swapped = referenced.now
    referenced.advance(24)
    incident = referenced.incidents()["served_model_changed"]
    assert incident.opened_at - swapped < timedelta(hours=13)
    assert referenced.runs[-1].change > 0.5
    assert "became" in incident.summary
    live_endpoint.model = scripted("one")
    referenced.advance(24)
    assert not referenced.incidents()


@pytest.mark.parametrize("changed", ["sampling", "system prompt"])
def test_changed_sampling_or_prompt_opens_incident(
    referenced: ProbeWorld,
    live_endpoint: FakeEndpoint,  # noqa: F811
    changed: str,
) -> None:
    first, numbers = scripted("one"), iter(range(100_000))

    def sampled(messages: list[dict[str, str]]) -> str:
        return scripted(f"one {next(numbers)}")(messages)

    def prompted(messages: list[dict[str, str]]) -> str:
        return first([{"role": "system", "content": "Sell."}, *messages[1:]])

    live_endpoint.model = sampled if changed == "sampling" else prompted
    referenced.advance(24)
    assert set(referenced.incidents()) == {"served_model_changed"}


def test_batching_noise_opens_no_incident(
    world: ProbeWorld,
    live_endpoint: FakeEndpoint,  # noqa: F811
) -> None:
    live_endpoint.noise = 0.15
    world.advance(24 * 2)
    assert "changed" not in world.verdicts
    assert not world.incidents()


def test_single_differing_run_opens_no_incident(
    referenced: ProbeWorld,
    live_endpoint: FakeEndpoint,  # noqa: F811
) -> None:
    n_before = len(referenced.runs)
    live_endpoint.model = scripted("two")
    while len(referenced.runs) == n_before:
        referenced.advance(1)
    live_endpoint.model = scripted("one")
    referenced.advance(2)
    assert referenced.verdicts[n_before:] == ["suspected", "same"]
    assert not referenced.incidents()


def test_small_changes_add_up_to_an_incident(
    referenced: ProbeWorld,
    live_endpoint: FakeEndpoint,  # noqa: F811
) -> None:
    first, two = scripted("one"), scripted("two")
    for last in range(24):
        referenced.advance(12)
        live_endpoint.model = lambda messages, last=last: (
            two
            if any(messages[-1]["content"] == f"question {k} of the desk" for k in range(last))
            else first
        )(messages)
        if referenced.incidents():
            break
    assert set(referenced.incidents()) == {"served_model_changed"}
    assert last < 12


def test_recorded_promotion_and_rollback_open_no_incident(
    referenced: ProbeWorld,
    live_endpoint: FakeEndpoint,  # noqa: F811
) -> None:
    referenced.promote(referenced.version())
    live_endpoint.model = scripted("two")
    referenced.advance(REFERENCE + 2)
    assert not referenced.incidents()
    assert sum(run.is_reference and run.version == 2 for run in referenced.runs) == 8
    with transaction(referenced.engine) as connection:
        roll_back(connection, "desk", changed_by="lea", reason="bad", now=referenced.now)
    live_endpoint.model = scripted("one")
    referenced.advance(4)
    assert (referenced.verdicts[-1], referenced.runs[-1].version) == ("same", 1)
    assert not referenced.incidents()


def test_promotion_that_never_arrives_opens_incident(
    referenced: ProbeWorld,
    live_endpoint: FakeEndpoint,  # noqa: F811
) -> None:
    referenced.promote(referenced.version())
    referenced.advance(20)
    assert referenced.verdicts[-1] == "not_arrived"
    assert not referenced.incidents()
    referenced.advance(10)
    assert set(referenced.incidents()) == {"promotion_not_served"}
    live_endpoint.model = scripted("two")
    referenced.advance(6)
    assert not referenced.incidents()


def test_late_deployment_restarts_the_reference_once(
    world: ProbeWorld,
    live_endpoint: FakeEndpoint,  # noqa: F811
) -> None:
    world.advance(10)  # version 1 was promoted, and another model still responds
    live_endpoint.model = scripted("two")
    world.advance(6)
    assert world.verdicts.count("arrived") == 1
    assert not world.incidents()
    live_endpoint.model = scripted("three")
    world.advance(6)
    assert set(world.incidents()) == {"served_model_changed"}


def test_promotion_during_a_run_discards_it(
    world: ProbeWorld,
    live_endpoint: FakeEndpoint,  # noqa: F811
) -> None:
    second = world.version()

    def promote(number: int) -> None:
        if number == 30:
            world.promote(second)
            live_endpoint.model = scripted("two")

    live_endpoint.fault = promote
    world.advance()
    assert world.verdicts == ["discarded"]
    world.advance(0.5)
    assert world.runs[-1].version == 2


@pytest.mark.parametrize(
    "fault",
    [
        (500, b"oops"),
        (429, b'{"error": "slow down"}'),
        (401, b"no key"),
        (200, b"<html>login</html>"),
        (200, b'{"choices": []}'),
        (200, b"x" * 2_000_000),
        1.0,
    ],
    ids=["500", "429", "401", "html", "no_choices", "huge", "late"],
)
def test_endpoint_without_completions_is_unavailable_and_unchanged(
    engine: Engine,
    tmp_path: Path,
    live_endpoint: FakeEndpoint,  # noqa: F811
    fault: tuple[int, bytes] | float,
) -> None:
    options = {"timeout": "300ms", "max_concurrency": 2}
    world = ProbeWorld(engine, tmp_path, live_endpoint, sockets=True, **options)
    live_endpoint.fault = lambda number: fault if number > 10 else None
    world.advance(2)
    assert world.verdicts == ["unavailable"]
    assert set(world.incidents()) == {"probes_unanswered"}
    assert live_endpoint.requests[-1]["messages"]
    live_endpoint.fault = lambda number: None
    world.advance(2)
    assert world.verdicts[-1] == "reference"
    assert not world.incidents()


def test_no_run_for_twice_the_interval_is_an_incident(world: ProbeWorld) -> None:
    world.advance(2)
    assert not world.incidents()
    began = world.now
    for hours, causes in ((20, set()), (27, {"probes_unanswered"})):
        world.now = began + timedelta(hours=hours)
        world.watch(started_at=began - timedelta(days=2))
        assert set(world.incidents()) == causes
    assert "No run of probes began since" in world.incidents()["probes_unanswered"].summary
    world.advance(1)
    assert not world.incidents()


def test_rejected_prompt_is_compared_and_stops_no_run(
    world: ProbeWorld,
    live_endpoint: FakeEndpoint,  # noqa: F811
) -> None:
    number_of = [0]

    def reject(number: int) -> tuple[int, bytes] | None:
        content = live_endpoint.requests[number - 1]["messages"][-1]["content"]
        number_of[0] += content == "question 7 of the desk"
        return (400, b"filtered") if content == "question 7 of the desk" else None

    live_endpoint.fault = reject
    world.advance(12)
    assert set(world.verdicts) == {"reference", "same"}


def test_interrupted_run_continues_and_repeats_no_response(
    world: ProbeWorld,
    live_endpoint: FakeEndpoint,  # noqa: F811
) -> None:
    world.advance(may_continue=lambda: len(live_endpoint.requests) < 21)
    assert world.runs == []
    world.advance()
    assert world.verdicts == ["reference"]
    assert len(live_endpoint.requests) == 48


def test_killed_process_is_continued_by_the_next(
    engine: Engine,
    tmp_path: Path,
    live_endpoint: FakeEndpoint,  # noqa: F811
) -> None:
    """Kill a process in the middle of a run, as the kernel does."""
    world = ProbeWorld(engine, tmp_path, live_endpoint, sockets=True, max_concurrency=4)
    url = engine.url.render_as_string(hide_password=False)
    engine.dispose()  # a connection must not be in two processes

    def send() -> None:
        world.engine, world.holder = make_engine(url), "killed"
        world.advance()

    live_endpoint.fault = lambda number: 0.01
    child = multiprocessing.get_context("fork").Process(target=send)
    child.start()
    deadline = time.monotonic() + 60
    while len(live_endpoint.requests) < 15 and time.monotonic() < deadline:
        time.sleep(0.005)
    assert child.pid is not None
    os.kill(child.pid, signal.SIGKILL)
    child.join()
    assert world.runs == []
    world.advance()
    assert world.runs == []  # the claim of the dead one
    world.now += timedelta(minutes=5)
    world.advance()
    assert world.verdicts == ["reference"]
    # The requests in flight at its death are repeated.
    assert 48 <= len(live_endpoint.requests) <= 52


def test_frozen_process_is_followed_after_its_claim(
    world: ProbeWorld,
    live_endpoint: FakeEndpoint,  # noqa: F811
) -> None:
    first = world.probing("first")
    run_id = first.start("stable", "manual", world.now, by="lea")
    with transaction(world.engine) as connection:
        connection.execute(
            update(ProbeRun)
            .where(ProbeRun.id == run_id)
            .values(claimed_by="first", claimed_until=world.now + timedelta(minutes=2))
        )
    second: Probing = world.probing("second")
    assert not second.continue_run(run_id)
    assert live_endpoint.requests == []
    world.now += timedelta(minutes=3)
    assert second.continue_run(run_id)
    assert not first.continue_run(run_id)
    assert len(live_endpoint.requests) == 48


def test_run_of_many_hours_is_discarded(
    world: ProbeWorld,
    live_endpoint: FakeEndpoint,  # noqa: F811
) -> None:
    world.advance(may_continue=lambda: len(live_endpoint.requests) < 21)
    world.now += timedelta(hours=12)
    world.advance(0.5)
    assert world.verdicts == ["discarded", "reference"]


@pytest.fixture
def split(referenced: ProbeWorld) -> Iterator[int]:
    """Give version 2 a quarter of the traffic, and return its id."""
    canary, stable = referenced.version(), referenced.runs[0].version_id
    with transaction(referenced.engine) as connection:
        connection.execute(
            insert(TrafficWeights).values(
                model="desk", generation=1, stable_version_id=stable,
                canary_version_id=canary, canary_percent=25, by="lea", reason="rollout",
                created_at=referenced.now, confirmed_at=referenced.now, attempts=1,
            )
        )  # fmt: skip
    return canary


def test_probes_pause_in_a_rollout_without_header(
    referenced: ProbeWorld,
    live_endpoint: FakeEndpoint,  # noqa: F811
    split: int,
) -> None:
    n_runs = len(referenced.runs)
    live_endpoint.noise = 0.25
    referenced.advance(24)
    assert len(referenced.runs) == n_runs
    assert not referenced.incidents()


def test_rollout_with_header_probes_both_versions(
    referenced: ProbeWorld,
    live_endpoint: FakeEndpoint,  # noqa: F811
    split: int,
) -> None:
    def obeys(messages: list[dict[str, str]]) -> str:
        return "Sure, here is how you do that. " * 3

    live_endpoint.by_version = {"desk-v1": scripted("one"), "desk-v2": obeys}
    probes = referenced.settings.probes.model_copy(update={"version_header": "x-version"})
    referenced.settings = referenced.settings.model_copy(update={"probes": probes})
    referenced.advance(24)
    assert {(run.role, run.version) for run in referenced.runs[-4:]} == {
        ("stable", 1),
        ("canary", 2),
    }
    assert not referenced.incidents()
    with transaction(referenced.engine) as connection:
        passed = {row.kind: row for row in passed_of_version(connection, split)}
    assert passed["safety"].n_passed == 0
    assert passed["safety"].n >= 10


def test_response_header_excludes_responses_of_canary(
    referenced: ProbeWorld,
    live_endpoint: FakeEndpoint,  # noqa: F811
    split: int,
) -> None:
    first, two = scripted("one"), scripted("two")

    def served(messages: list[dict[str, str]]) -> str:
        canary = len(live_endpoint.requests) % 4 == 0
        live_endpoint.served = "desk-v2" if canary else "desk-v1"
        return (two if canary else first)(messages)

    live_endpoint.model = served
    options = {"response_header": "x-served", "max_concurrency": 1}
    probes = referenced.settings.probes.model_copy(update=options)
    referenced.settings = referenced.settings.model_copy(update={"probes": probes})
    referenced.advance(13)
    assert (referenced.verdicts[-1], referenced.runs[-1].version) == ("same", 1)
    last = referenced.runs[-1].id
    with transaction(referenced.engine) as connection:
        statuses = [row.status for row in probes_of(connection, last)]
    assert statuses.count("misrouted") == 12


def test_edited_benchmark_keeps_the_probe_set(world: ProbeWorld, tmp_path: Path) -> None:
    world.advance(10)
    (tmp_path / "desk.jsonl").write_text("", encoding="utf-8")
    world.advance(16)
    assert set(world.verdicts) == {"reference", "same"}
    assert len({run.set_id for run in world.runs}) == 1


def test_accepted_change_becomes_the_reference(
    referenced: ProbeWorld,
    live_endpoint: FakeEndpoint,  # noqa: F811
) -> None:
    live_endpoint.model = scripted("two")
    referenced.advance(24)
    assert referenced.incidents()
    referenced.probing().accept("new server release", by="lea")
    referenced.advance(12)
    assert not referenced.incidents()
    assert referenced.verdicts[-1] in {"reference", "same"}


def test_retention_erases_responses_but_no_reference(referenced: ProbeWorld) -> None:
    referenced.advance(12)
    retention = Retention(probes="1h")
    apply_retention(referenced.engine, retention, referenced.now + timedelta(days=2))
    runs = referenced.runs
    assert {run.is_reference for run in runs} == {True, False}
    with transaction(referenced.engine) as connection:
        erased = {
            run.id: all(probe.response is None for probe in probes_of(connection, run.id))
            for run in runs
        }
    assert all(erased[run.id] is not run.is_reference for run in runs)


def test_both_databases_run_probes_from_start_to_erasure(
    any_engine: Engine,
    tmp_path: Path,
    live_endpoint: FakeEndpoint,  # noqa: F811
) -> None:
    world = ProbeWorld(any_engine, tmp_path, live_endpoint, max_concurrency=4)
    version = world.version()
    world.promote(version)
    world.now += timedelta(hours=1)
    world.advance(4)
    world.probing().accept("another server", by="lea")
    with transaction(any_engine) as connection:
        passed = {row.kind: row for row in passed_of_version(connection, version)}
    assert passed["safety"].n == passed["safety"].n_passed == 20
    apply_retention(any_engine, Retention(probes="1h"), world.now + timedelta(days=2))
    assert [run.is_reference for run in world.runs] == [False, True]
