"""Pages of rollouts: what a user on call sees, what a lead may do, and attacks on both."""

import html
import math
import re
import shlex
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from litestar.testing import TestClient
from sqlalchemy import Engine, insert, select, update

from monitor.accounts.registration import create_user
from monitor.settings import Configuration, Secrets, Settings
from monitor.settings.drift import Drift
from monitor.store.engine import transaction
from monitor.store.tables import Rollout, RolloutObservation, TrafficWeights
from monitor.store.training.registry import save_identity
from retrain.identity.record import take_identity
from retrain.rollout.checks.check import SHARES
from retrain.rollout.rows.comparisons import save_comparison
from retrain.rollout.rows.events import list_events
from retrain.rollout.rows.rollouts import rollout_by_id
from retrain.rollout.transitions import stages
from retrain.rollout.transitions.revert import revert_rollout
from tests.integration.web.test_pages_snapshot import main_text
from tests.support.retrain.rollout_desk import MODEL, RolloutDesk, settings_of
from tests.support.retrain.weights import adapter_on_base, write_adapter
from tests.support.review.human_evaluation import make_human_evaluation
from tests.support.review.review_world import PASSWORD, make_world
from tests.support.web.apps import create_app
from tests.support.web.hostile_texts import ALL, CANARY, markup_in
from tests.support.web.rollout_world import add_rollout, check_figures, make_desk
from tests.support.web.route_table import Visitor

HOUR = timedelta(hours=1)
Visit = Callable[..., Visitor]


@pytest.fixture
def desk(engine: Engine, clock: datetime) -> RolloutDesk:
    """Return a desk with a started rollout, a lead and a reviewer."""
    desk = make_desk(engine, clock, settings_of(min_dwell="48h", max_hold="48h"))
    desk.start()
    desk.tick()
    with transaction(engine) as connection:
        create_user(connection, "Lea", PASSWORD, "lead", clock)
        create_user(connection, "Max", PASSWORD, "lead", clock)
        create_user(connection, "Ada", PASSWORD, "reviewer", clock)
    return desk


@pytest.fixture
def visit(desk: RolloutDesk) -> Iterator[Visit]:
    """Return a function that signs a user in, at a time of the desk."""
    with ExitStack() as stack:

        def sign_in(name: str = "Lea") -> Visitor:
            app = create_app(desk.engine, desk.settings, Secrets(), clock=lambda: desk.now)
            visitor = Visitor(stack.enter_context(TestClient(app)))  # type: ignore[arg-type]
            assert visitor.sign_in(name).status_code == 200
            return visitor

        yield sign_in


def events(desk: RolloutDesk) -> list[tuple[str, str]]:
    rollout = desk.rollout()
    with transaction(desk.engine) as connection:
        return [
            (row.event, row.by)
            for row in list_events(connection, rollout.id)
            if row.event != "confirmed"
        ]


def seen(page: str) -> str:
    """Return the newest event that the forms of a page name."""
    match = re.search(r'name="seen" value="(\d+)"', page)
    assert match is not None
    return match[1]


def badge(page: str) -> str:
    match = re.search(r'class="state"><span class="badge[^"]*">([^<]+)<', page)
    assert match is not None
    return match[1]


def test_page_shows_state_figures_and_history(desk: RolloutDesk, visit: Visit) -> None:
    desk.run_hours(6)
    page = visit("Ada").get("/rollouts/1").text
    assert badge(page) == "Running at 5%"
    assert page.count('<svg class="plot ') == len(SHARES) + 7
    assert "360 samples of the canary, 1,440 of stable, 6 looks" in page
    assert 'aria-current="step"' in page
    assert "/rollouts/1/revert" not in page
    assert 'href="/rollouts/1"' in visit("Ada").get("/rollouts").text


def test_actions_are_in_the_live_part(desk: RolloutDesk, visit: Visit) -> None:
    lead, steps = visit(), ("revert", "pause", "resume")

    def part_of(visitor: Visitor) -> list[bool]:
        text = visitor.send("GET", "/rollouts/1", headers={"hx-request": "true"}).text
        assert text.count('id="state"') == 1
        return [f'="/rollouts/1/{step}"' in text for step in steps]

    assert part_of(visit("Ada")) == [False, False, False]
    assert part_of(lead) == [True, True, False]
    data = {"seen": seen(lead.get("/rollouts/1").text), "reason": "wait"}
    assert visit("Max").post("/rollouts/1/pause", data).is_redirect
    assert part_of(lead) == [True, False, True]
    page = lead.get("/rollouts/1").text
    assert page.count('action="/rollouts/1/resume"') == 1


def test_page_names_metrics_that_are_not_compared(desk: RolloutDesk, visit: Visit) -> None:
    document = {"not_compared": {"csat": "<b>none</b>"}}
    with transaction(desk.engine) as connection:
        connection.execute(update(Rollout).values(measurement=document))
    visitor = visit("Ada")
    for address in ("/rollouts/1", "/rollouts"):
        page = visitor.get(address).text
        assert "csat: not compared, because &lt;b&gt;none" in page


def test_snapshot_of_states(desk: RolloutDesk, visit: Visit, snapshot: Any) -> None:
    lea = visit()
    states = {"no look yet": lambda: None, "running": lambda: desk.run_hours(5)}

    def unconfirmed() -> None:
        desk.gateway.available = False
        desk.run_hours(1)

    def paused() -> None:
        desk.gateway.available = True
        with transaction(desk.engine) as connection:
            stages.pause(connection, 1, desk.now, by="Lea", reason="the app is released today")
        desk.tick()

    def reverted() -> None:
        with transaction(desk.engine) as connection:
            revert_rollout(connection, 1, desk.now, by="Lea", reason="wrong prompt template")

    states |= {"unconfirmed": unconfirmed, "paused": paused, "reverted": reverted}
    states |= {"reverted and confirmed": lambda: desk.tick(timedelta(seconds=4))}
    for name, step in states.items():
        step()
        text = main_text(lea.get("/rollouts/1").text)
        end = "\nTraffic\n" if name == "running" else "\nStages\n"
        assert text.split(end)[0] == snapshot(name=name)


def test_held_and_asked_rollouts_name_what_is_missing(engine: Engine, clock: datetime) -> None:
    missing = frozenset({"resolved"})
    settings = settings_of(min_dwell="4h", max_hold="4h")
    desk = make_desk(engine, clock, settings, n_canary=200, missing=missing)
    desk.start()
    desk.tick()
    with transaction(engine) as connection:
        create_user(connection, "Lea", PASSWORD, "lead", clock)
    app = create_app(engine, settings, Secrets(), clock=lambda: desk.now)
    with TestClient(app) as client:
        lea = Visitor(client)  # type: ignore[arg-type]
        lea.sign_in("Lea")
        for hours, title, status in (
            (5, "Held at 5%", "HELD"),
            (5, "Asks for a decision at 5%", ""),
        ):
            desk.run_hours(hours)
            page = lea.get("/rollouts/1").text
            assert badge(page) == title
            assert "<li>resolved: " in page
            document = lea.get("/api/rollouts/1").json()
            assert document["status"] == "holding"
            assert document["asks"] == (not status)
            assert any(item.startswith("resolved: ") for item in document["missing"])


def missing_of(engine: Engine, rollout: int, clock: datetime) -> list[str]:
    """Return what a rollout lacks, as a lead reads it an hour later."""
    with transaction(engine) as connection:
        create_user(connection, "Lea", PASSWORD, "lead", clock)
    app = create_app(engine, Settings(), Secrets(), clock=lambda: clock + HOUR)
    with TestClient(app) as client:
        lea = Visitor(client)  # type: ignore[arg-type]
        lea.sign_in("Lea")
        missing: list[str] = lea.get(f"/api/rollouts/{rollout}").json()["missing"]
    return missing


def test_page_names_checks_that_take_longer_than_the_stage(engine: Engine, clock: datetime) -> None:
    slow = {"code": "slow", "check": "errors", "text": "errors: may not be shown in 48 h"}
    looks = [{"checks": [check_figures()], "reasons": [slow]}]
    rollout = add_rollout(engine, clock, looks=looks)
    (line,) = missing_of(engine, rollout, clock)
    assert line.startswith("errors: not shown yet")
    assert line.endswith("; may not be shown in 48 h")


@pytest.mark.parametrize("with_parts", [True, False])
def test_held_check_has_one_line(engine: Engine, clock: datetime, with_parts: bool) -> None:
    held = "errors: worse by at most 3 points"
    parts = [{"code": "not_shown", "text": f"{held} so far", "check": "errors"}]
    newest = {"reason": f"{held} so far", "reasons": parts if with_parts else None}
    looks = [{"checks": [check_figures()], **newest}]
    rollout = add_rollout(engine, clock, status="holding", reason=held, looks=looks)
    (line,) = missing_of(engine, rollout, clock)
    assert line.startswith("errors: not shown yet")


@pytest.mark.parametrize("with_parts", [True, False])
def test_reason_is_shown_on_one_line(engine: Engine, clock: datetime, with_parts: bool) -> None:
    idle = "the canary is idle; check gateway; and labels"
    parts = [{"code": "canary_idle", "text": idle, "check": ""}] if with_parts else None
    looks = [{"action": "hold", "reason": idle, "reasons": parts}]
    rollout = add_rollout(engine, clock, status="holding", reason=idle, looks=looks)
    assert missing_of(engine, rollout, clock)[0] == idle


def test_a_refused_weight_is_not_called_running(desk: RolloutDesk, visit: Visit) -> None:
    lea = visit()
    with transaction(desk.engine) as connection:
        refused = {"confirmed_at": None, "error": "status 503", "attempts": 3}
        connection.execute(update(TrafficWeights).values(**refused))
    page = lea.get("/rollouts/1").text
    assert badge(page) == "5% not confirmed"
    assert '<span class="badge bad">5% not confirmed' in page
    assert "/runbooks/rollout-not-applied" in page
    assert "/rollouts/1/revert" in page
    assert "/rollouts/1/advance" not in page


def test_asking_holdback_is_shown(engine: Engine, clock: datetime) -> None:
    reason = "the canary is idle"
    looks = [{"action": "ask", "reason": reason}]
    rollout = add_rollout(engine, clock, status="holdback", reason=reason, looks=looks)
    with transaction(engine) as connection:
        create_user(connection, "Lea", PASSWORD, "lead", clock)
        connection.execute(update(TrafficWeights).values(error=None))
    app = create_app(engine, Settings(), Secrets(), clock=lambda: clock + HOUR)
    with TestClient(app) as client:
        lea = Visitor(client)  # type: ignore[arg-type]
        lea.sign_in("Lea")
        assert badge(lea.get(f"/rollouts/{rollout}").text) == "Asks for a decision at 5%"
        assert lea.get(f"/api/rollouts/{rollout}").json()["asks"]


def test_an_ended_rollout_waits_for_no_check(desk: RolloutDesk, visit: Visit) -> None:
    desk.run_hours(5)
    lea = visit()
    assert "at this pace" in lea.get("/rollouts/1").text
    with transaction(desk.engine) as connection:
        revert_rollout(connection, 1, desk.now, by="Lea", reason="complaints")
    page = lea.get("/rollouts/1").text
    assert "at this pace" not in page
    assert "not shown yet" not in page


@pytest.mark.parametrize("kind", ["rollout", "experiment"])
def test_the_command_of_the_end_has_model_and_reason(
    engine: Engine, clock: datetime, kind: str
) -> None:
    rollout = add_rollout(engine, clock, model="support bot")
    with transaction(engine) as connection:
        connection.execute(update(Rollout).values(kind=kind))
        create_user(connection, "Lea", PASSWORD, "lead", clock)
    app = create_app(engine, Settings(), Secrets(), clock=lambda: clock)
    with TestClient(app) as client:
        lea = Visitor(client)  # type: ignore[arg-type]
        lea.sign_in("Lea")
        page = html.unescape(lea.get(f"/rollouts/{rollout}").text)
    match = re.search(r"From a terminal: <code>driftwarden (.*?)</code>", page)
    assert match is not None
    step = {"rollout": "revert", "experiment": "stop"}[kind]
    assert shlex.split(match[1]) == [kind, step, "--model", "support bot", "--reason", "WHY"]


def test_a_lead_takes_each_step(desk: RolloutDesk, visit: Visit) -> None:
    lea = visit()
    for path, form, status in (
        ("pause", {"reason": "wait <b>please</b>"}, "paused"),
        ("resume", {}, "running"),
        ("advance", {"reason": "tested by hand"}, "running"),
        ("revert", {"reason": "complaints"}, "reverted"),
    ):
        newest = {"seen": seen(lea.get("/rollouts/1").text)}
        assert lea.post(f"/rollouts/1/{path}", newest | form).status_code == 303, path
        assert desk.rollout().status == status
        desk.tick()
    assert desk.in_force() == (1, None, 0)
    names = ("paused", "resumed", "advanced", "reverted")
    assert events(desk) == [("started", "lea"), *((name, "Lea") for name in names)]
    page = lea.get("/rollouts/1").text
    assert "wait &lt;b&gt;please&lt;/b&gt;" in page
    assert "/rollouts/1/revert" not in page


def test_a_candidate_starts_on_the_page_of_models(desk: RolloutDesk, visit: Visit) -> None:
    drift = Drift(lower_is_better=("cost",))
    desk.settings = desk.settings.model_copy(update={"drift": drift})
    lea = visit()
    assert "/rollouts/start/" not in lea.get("/models").text
    lea.post("/rollouts/1/revert", {"reason": "wrong one"})
    version = desk.register()
    assert f"/rollouts/start/{version}" in lea.get("/models").text
    assert f"/rollouts/start/{version}" not in visit("Ada").get("/models").text
    assert "cost: not compared, because" in lea.get(f"/rollouts/start/{version}").text
    started = lea.post(f"/rollouts/start/{version}", {"reason": ""})
    assert (started.status_code, started.headers["location"]) == (303, "/rollouts/2")
    again = lea.post(f"/rollouts/start/{version}", {})
    assert again.status_code == 409
    assert "rollout of version 3 is running" in again.text


def add_comparison(engine: Engine, rollout_id: int, now: datetime, text: str) -> None:
    """Store a comparison whose one example has a text in prompts and responses."""
    with transaction(engine) as connection:
        ids = [
            connection.execute(
                insert(RolloutObservation)
                .values(
                    rollout_id=rollout_id, source="topic", partition=0, offset=place,
                    exchange_id=str(place), occurred_at=now, received_at=now, model=MODEL, arm=arm,
                    inclusion_probability=1.0, prompt=text, response=text, measures={},
                )
                .returning(RolloutObservation.id)
            ).scalar_one()
            for place, arm in enumerate(("canary", "stable"))
        ]  # fmt: skip
        figures = {"verdict": "drift", "p_value": 0.001, "drifted_share": 0.12}
        examples = [{"canary": ids[0], "stable": ids[1], "novelty": 3.0, "prompt_similarity": 0.9}]
        interval = {"drifted_share_interval": [0.06, 0.19], "examples": examples}
        save_comparison(
            connection, rollout_id, hour=now, n_canary=400, n_stable=800,
            result=figures | interval, now=now,
        )  # fmt: skip


def test_differing_responses_are_escaped_and_for_leads(desk: RolloutDesk, visit: Visit) -> None:
    add_comparison(desk.engine, 1, desk.now, ALL)
    lea, ada = visit().get("/rollouts/1").text, visit("Ada").get("/rollouts/1").text
    for page in (lea, ada):
        assert "about 12% of version 2" in page
        assert markup_in(page) == []
    assert f"{CANARY}()" in lea
    assert f"{CANARY}()" not in ada


def test_a_comparison_without_a_test_claims_nothing(desk: RolloutDesk, visit: Visit) -> None:
    figures = {"verdict": "not_enough_data", "p_value": math.nan, "drifted_share": 0.0}
    interval = {"drifted_share_interval": [0.0, 1.0], "examples": []}
    with transaction(desk.engine) as connection:
        save_comparison(
            connection, 1, hour=desk.now, n_canary=40, n_stable=80,
            result=figures | interval, now=desk.now,
        )  # fmt: skip
    page = visit().get("/rollouts/1").text
    assert "Too few responses to comparable prompts" in page
    assert "no significant difference" not in page
    assert "nan" not in page.split("How the responses differ")[1].split("</section>")[0]


def test_an_experiment_shows_its_verdict_and_ends_only(engine: Engine, clock: datetime) -> None:
    goal = {
        "name": "resolved", "kind": "goal", "is_guard": False, "difference": 0.031,
        "lower": 0.004, "upper": 0.058, "margin": 0.08, "n_pairs": 900, "verdict": "better",
        "worse": False,
    }  # fmt: skip
    looks = [{"checks": [goal], "reason": "better: resolved better by 0.031"}] * 3
    add_rollout(engine, clock, looks=looks)
    with transaction(engine) as connection:
        connection.execute(update(Rollout).values(kind="experiment"))
        create_user(connection, "Lea", PASSWORD, "lead", clock)
    app = create_app(engine, Settings(), Secrets(), clock=lambda: clock + 3 * HOUR)
    with TestClient(app) as client:
        lea = Visitor(client)  # type: ignore[arg-type]
        lea.sign_in("Lea")
        page = lea.get("/rollouts/1").text
        assert badge(page) == "Experiment at 5%"
        assert "goal: better" in page
        assert "0.004 to +0.058" in page
        assert "/advance" not in page
        assert "/pause" not in page
        for step in ("advance", "pause", "resume"):
            form = {"reason": "x", "seen": "1"}
            assert lea.post(f"/rollouts/1/{step}", form).status_code == 409
        assert lea.post("/rollouts/1/revert", {"reason": "enough"}).status_code == 303


# --- attacks


@pytest.mark.parametrize("step", ["advance", "pause"])
def test_a_step_from_an_outdated_page_is_refused(
    desk: RolloutDesk, visit: Visit, step: str
) -> None:
    lea, maxi = visit(), visit("Max")
    old = seen(lea.get("/rollouts/1").text)
    form = {"reason": "x", "seen": seen(maxi.get("/rollouts/1").text)}
    assert maxi.post("/rollouts/1/advance", form).status_code == 303
    before = events(desk)
    response = lea.post(f"/rollouts/1/{step}", {"reason": "y", "seen": old})
    assert response.status_code == 409
    assert "advanced by Max" in response.text
    assert events(desk) == before
    assert lea.post(f"/rollouts/1/{step}", {"reason": "y"}).status_code == 409


def test_a_revert_is_never_outdated_and_happens_once(desk: RolloutDesk, visit: Visit) -> None:
    lea, maxi = visit(), visit("Max")
    form = {"reason": "complaints", "seen": "0"}
    assert lea.post("/rollouts/1/revert", form).status_code == 303
    assert [maxi.post("/rollouts/1/revert", form).status_code for _ in range(2)] == [409, 409]
    assert events(desk) == [("started", "lea"), ("reverted", "Lea")]
    assert maxi.get("/rollouts/1/revert").status_code == 200


def test_an_advance_pressed_twice_moves_one_stage(desk: RolloutDesk, visit: Visit) -> None:
    lea = visit()
    form = {"reason": "x", "seen": seen(lea.get("/rollouts/1").text)}
    assert [lea.post("/rollouts/1/advance", form).status_code for _ in range(2)] == [303, 409]
    assert desk.rollout().weight_percent == 25


def test_an_advance_refused_for_changed_weights_reverts(
    desk: RolloutDesk, visit: Visit, tmp_path: Path
) -> None:
    lea, rollout = visit(), desk.rollout()
    form = {"reason": "enough was seen", "seen": seen(lea.get("/rollouts/1").text)}
    source = adapter_on_base(tmp_path)
    with transaction(desk.engine) as connection:
        save_identity(connection, rollout.version_id, take_identity(source, desk.now))
    write_adapter(Path(source.adapter), seed=1, base_model_name_or_path=source.base)
    response = lea.post("/rollouts/1/advance", form)
    assert (response.status_code, "adapter_model.safetensors" in response.text) == (409, True)
    assert events(desk) == [("started", "lea"), ("reverted", "driftwarden")]
    response = lea.post(f"/rollouts/start/{rollout.version_id}", {"reason": "again"})
    assert (response.status_code, "adapter_model.safetensors" in response.text) == (409, True)


def test_advance_before_a_look_names_no_check(engine: Engine, clock: datetime) -> None:
    new = add_rollout(engine, clock, looks=[])
    seen_one = add_rollout(engine, clock, model="b", looks=[{"checks": [check_figures()]}])
    with transaction(engine) as connection:
        create_user(connection, "Lea", PASSWORD, "lead", clock)
    app = create_app(engine, Settings(), Secrets(), clock=lambda: clock + HOUR)
    with TestClient(app) as client:
        lea = Visitor(client)  # type: ignore[arg-type]
        lea.sign_in("Lea")
        pages = [lea.get(f"/rollouts/{number}/advance").text for number in (new, seen_one)]
    assert ["Nothing was measured" in page for page in pages] == [True, False]
    assert ["1 check is not shown" in page for page in pages] == [False, True]


def test_a_late_confirmation_of_a_revert_is_in_days(desk: RolloutDesk, visit: Visit) -> None:
    lea = visit()
    assert lea.post("/rollouts/1/revert", {"reason": "x", "seen": "0"}).status_code == 303
    with transaction(desk.engine) as connection:
        late = {"confirmed_at": desk.now + 96 * HOUR, "error": ""}
        connection.execute(update(TrafficWeights).values(**late))
    assert "confirmed it after 4 days." in lea.get("/rollouts/1").text


def test_an_advance_waits_for_the_gateway(desk: RolloutDesk, visit: Visit) -> None:
    lea = visit()
    with transaction(desk.engine) as connection:
        connection.execute(update(TrafficWeights).values(confirmed_at=None))
    page = lea.get("/rollouts/1/advance").text
    response = lea.post("/rollouts/1/advance", {"reason": "x", "seen": seen(page)})
    assert response.status_code == 409
    assert desk.rollout().weight_percent == 5


@pytest.mark.parametrize("step", ["advance", "revert", "pause", "resume"])
def test_a_completed_rollout_takes_no_step(desk: RolloutDesk, visit: Visit, step: str) -> None:
    with transaction(desk.engine) as connection:
        row = rollout_by_id(connection, 1)
        stages.complete(connection, row, desk.now, by="Lea", reason="done")
    lea = visit()
    newest = {"reason": "x", "seen": "99"}
    assert lea.post(f"/rollouts/1/{step}", newest).status_code == 409
    assert events(desk)[-1] == ("completed", "Lea")
    assert badge(lea.get("/rollouts/1").text) == "Completed"


@pytest.mark.parametrize("step", ["advance", "revert", "pause", "resume"])
def test_a_step_needs_a_lead_a_token_and_a_reason(
    desk: RolloutDesk, visit: Visit, step: str
) -> None:
    ada, lea = visit("Ada"), visit()
    form = {"reason": "x", "seen": seen(lea.get("/rollouts/1").text)}
    assert ada.post(f"/rollouts/1/{step}", form).status_code == 403
    token = lea.headers.pop("x-csrftoken")
    assert lea.post(f"/rollouts/1/{step}", form).status_code == 403
    lea.headers["x-csrftoken"] = token
    if step != "resume":
        assert lea.post(f"/rollouts/1/{step}", form | {"reason": " "}).status_code == 400
    assert events(desk) == [("started", "lea")]


def test_months_of_hourly_looks_stay_fast(engine: Engine, clock: datetime) -> None:
    checks = [check_figures(f"check {number}") for number in range(12)]
    looks = [{"checks": checks, "stage": place // 1200} for place in range(4800)]
    add_rollout(engine, clock - 4800 * HOUR, looks=looks)
    with transaction(engine) as connection:
        create_user(connection, "Lea", PASSWORD, "lead", clock)
    app = create_app(engine, Settings(), Secrets(), clock=lambda: clock)
    with TestClient(app) as client:
        lea = Visitor(client)  # type: ignore[arg-type]
        lea.sign_in("Lea")
        began = time.process_time()
        page = lea.get("/rollouts/1").text
        assert time.process_time() - began < 2.0
    assert len(page) < 400_000
    assert page.count('<line class="stage"') == 3 * 13


@pytest.mark.parametrize("ahead", [-30 * HOUR, -HOUR, timedelta(days=400)])
def test_clocks_that_differ_show_no_negative_times(
    engine: Engine, clock: datetime, ahead: timedelta
) -> None:
    add_rollout(engine, clock, looks=[{"checks": [check_figures()]} for _ in range(3)])
    with transaction(engine) as connection:
        create_user(connection, "Lea", PASSWORD, "lead", clock)
    app = create_app(engine, Settings(), Secrets(), clock=lambda: clock + ahead)
    with TestClient(app) as client:
        lea = Visitor(client)  # type: ignore[arg-type]
        lea.sign_in("Lea")
        text = main_text(lea.get("/rollouts/1").text)
    assert not re.search(r"(?:in|for|after|about) -\d|-\d+ (?:h|s|min|days|hours?)\b", text)


def test_unreadable_figures_hide_no_page(engine: Engine, clock: datetime) -> None:
    add_rollout(engine, clock, looks=[{"checks": [{"name": 7}]}, {"checks": ["x"]}])
    with transaction(engine) as connection:
        create_user(connection, "Lea", PASSWORD, "lead", clock)
    with TestClient(create_app(engine, Settings(), Secrets())) as client:
        lea = Visitor(client)  # type: ignore[arg-type]
        lea.sign_in("Lea")
        for path in ("/rollouts/1", "/rollouts", "/api/rollouts/1", "/overview", "/models"):
            assert lea.get(path).status_code == 200, path


def test_figures_are_hidden_during_a_blind_evaluation(engine: Engine, clock: datetime) -> None:
    make_world(engine, clock)
    make_human_evaluation(engine, clock)
    with transaction(engine) as connection:
        model = connection.execute(select(Rollout.model).limit(1)).scalar() or "assistant"
    add_rollout(engine, clock, model=model, looks=[{"checks": [check_figures()]}] * 3)
    with TestClient(create_app(engine, Settings(), Secrets(), clock=lambda: clock)) as client:
        lea = Visitor(client)  # type: ignore[arg-type]
        lea.sign_in("Lea")
        page = lea.get("/rollouts/1").text
        assert "errors" not in main_text(page)
        assert lea.get("/api/rollouts/1").json()["checks"] == []
        assert "/rollouts/1/revert" in page


def test_overview_and_lists_link_to_the_rollout(engine: Engine, clock: datetime) -> None:
    number = add_rollout(engine, clock, model=MODEL, status="paused")
    with transaction(engine) as connection:
        create_user(connection, "Lea", PASSWORD, "lead", clock)
    configuration = Configuration(models={MODEL: {}, "other": {}})
    with TestClient(create_app(engine, configuration, Secrets(), clock=lambda: clock)) as client:
        lea = Visitor(client)  # type: ignore[arg-type]
        lea.sign_in("Lea")
        for path in ("/overview", "/models", "/rollouts"):
            assert f'href="/rollouts/{number}"' in lea.get(path).text, path
        assert f"/rollouts/{number}" not in lea.get("/rollouts?model=other").text
        assert [row["id"] for row in lea.get("/api/rollouts").json()] == [number]


def test_checks_link_to_exchanges_for_leads(desk: RolloutDesk, visit: Visit) -> None:
    desk.run_hours(1)
    page = html.unescape(visit("Lea").get("/rollouts/1").text)
    links = set(re.findall(r'href="/exchanges\?version=(\d+)&model=([^&]*)&metric=(\w*)', page))
    assert {version for version, _, _ in links} == {"1", "2"}
    assert {model for _, model, _ in links} == {MODEL}
    assert "/exchanges?version" not in visit("Ada").get("/rollouts/1").text
