"""The plan of a training run, in a browser: changed, checked while the page is open, started."""

import os
from datetime import datetime

import pytest
from playwright.sync_api import Page, expect

from monitor.store.engine import transaction
from monitor.store.review.decisions import decision_by_id
from monitor.store.review.gold_export import gold_state
from monitor.store.training.plan_requests import plan_draft, read_plan_request, refuse_draft
from monitor.store.training.runs import list_runs
from retrain.planning.checks.finding import PlanFinding
from retrain.planning.preview import Preview
from tests.support.review.settled_items import settle_to_retrain
from tests.support.web.site import Site

pytestmark = pytest.mark.browser
LEAKED = "40 items of a benchmark: item 9 (q3 of support), item 12 (q4 of support) and 38 more"


def check(site: Site, decision: int, now: datetime, refusal: str = "") -> None:
    """Check the newest draft as the leader does."""
    preview = Preview(
        checked_at=now, refusal=refusal, n_gold=81, n_replay=35, n_validation=10,
        method="qlora", base="models/llama-3", needed_gib=14.2, steps=16, n_tokens=12_345,
        by_task_type={"cards: block card": 70, "cash deposit": 46}, longest=980,
        longest_example="item 71", longest_left_out=1_204, left_out=(LEAKED,),
        findings=(PlanFinding("examples", "ok", "116 examples; the longest has 980 tokens"),),
    ).as_json()  # fmt: skip
    with transaction(site.engine) as connection:
        run = list_runs(connection)[0]
        request = read_plan_request(run)
        assert request is not None
        batches = decision_by_id(connection, decision).inputs["batches"]
        preview |= {"gold": gold_state(connection, run.model, batches)}
        if refusal:
            refuse_draft(connection, run.id, request, preview)
            return
        recipe = run.recipe | {"base": "models/llama-3", "method": "qlora"}
        plan = {"options": [], "request": request.as_json()} | preview
        assert plan_draft(
            connection, run.id, now, by="Lea", recipe=recipe, plan=plan, launcher="subprocess"
        )


def shoot(page: Page, name: str) -> None:
    folder = os.environ.get("SHOTS")
    if folder:
        for width in (1280, 390):
            for scheme in ("light", "dark"):
                page.set_viewport_size({"width": width, "height": 900})
                page.emulate_media(color_scheme=scheme)
                page.screenshot(path=f"{folder}/{name}-{width}-{scheme}.png", full_page=True)
        page.set_viewport_size({"width": 390, "height": 900})


def test_a_plan_is_changed_checked_and_started_on_the_page(site: Site) -> None:
    with transaction(site.engine) as connection:
        now = site.world.rows["Lea"].created_at
        decision = settle_to_retrain(connection, site.world, now).id
    page = site.open("Lea", f"/decisions/{decision}", viewport={"width": 390, "height": 900})
    page.get_by_role("link", name="Plan it with other settings").click()
    epochs = page.get_by_role("textbox", name="Epochs", exact=True)
    epochs.fill("many")
    page.get_by_role("button", name="Check this plan").click()
    expect(page.get_by_role("alert")).to_contain_text("Epochs")
    expect(epochs).to_be_focused()
    assert epochs.input_value() == "many"
    shoot(page, "form")
    epochs.fill("3")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    page.get_by_role("button", name="Check this plan").click()
    expect(page.get_by_text("Lea requested the plan")).to_be_visible()
    check(site, decision, now, "40 of 121 gold examples can't be trained on")
    # Without a reload: the page is live.
    expect(page.get_by_text("It can't be planned")).to_be_visible(timeout=10_000)
    shoot(page, "refused")
    page.get_by_role("link", name="Change the plan").click()
    page.get_by_label("Leave out all benchmark items").check()
    page.get_by_role("button", name="Check this plan").click()
    expect(page.get_by_text("Lea requested the plan")).to_be_visible()
    check(site, decision, now)
    page.reload()
    page.get_by_role("link", name="See the plan and start it").click()
    expect(page.get_by_text("12,345 in an epoch; 16 steps in all")).to_be_visible()
    shoot(page, "start")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    page.get_by_role("button", name="Start", exact=True).click()
    expect(page.get_by_text("Lea requested the start")).to_be_visible()
    assert site.problems == []
