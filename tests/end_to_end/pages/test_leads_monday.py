"""A lead's Monday, by buttons alone: from what needs her to a rollout at 5%.

With ``MONDAY_PICTURES=DIR`` it takes the pictures of docs/how-to/a-leads-monday.md.
"""

import os
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import Engine, update

from monitor.daemon.retraining import Retraining
from monitor.daemon.web_app import create_app
from monitor.settings import Secrets, Settings
from monitor.store.engine import transaction
from monitor.store.review.decisions import save_preview
from monitor.store.tables import CandidateEvaluation
from monitor.store.training.candidate_evaluations import candidate_evaluation_by_id
from monitor.store.training.candidate_results import GateCheck, StratumScore, SystemScores
from monitor.web.server import BackgroundServer
from retrain.identity.record import take_identity
from retrain.models.source import Source
from retrain.planning.checks.finding import PlanFinding
from retrain.planning.preview import Preview
from retrain.recipes.recipe import Recipe
from retrain.run_folder import RunFolder, write_json, write_lines
from retrain.training.runs import plan_run
from tests.support.present import utc_now
from tests.support.retrain.candidates import make_results, write_plan, write_results
from tests.support.retrain.fake_launcher import FakeLauncher, success
from tests.support.retrain.rollout_desk import RolloutDesk, settings_of
from tests.support.retrain.weights import adapter_on_base
from tests.support.review.review_world import World, make_world
from tests.support.review.settled_items import settle_to_retrain
from tests.support.web.pictures import reduce_colours
from tests.support.web.rollout_world import make_desk
from tests.support.web.site import Site

pytestmark = pytest.mark.browser
MODEL = "assistant"
WIDTH = 1280
#: Of 200 benchmark items: mean and its Wilson interval.
SCORES = {
    "candidate": (0.9, 0.851, 0.934),
    "incumbent": (0.8, 0.739, 0.850),
    "base": (0.7, 0.633, 0.759),
}
RESULTS = make_results(
    checks=(
        GateCheck(
            "better than the incumbent", "passed",
            "support, exact match: 0.800 -> 0.900 on 200 items",
            "better by at least one metric and worse by none, p <= 0.05 after Holm",
        ),
        GateCheck(
            "nothing forgotten: support, exact match", "passed",
            "0.820 -> 0.860 on 100 old items (+4.0 points, at least -1.2 at 95% confidence)",
            "a loss of at most 2 points, on at least 30 items",
        ),
    ),
    scores=tuple(
        SystemScores(system, "support", (StratumScore("", "exact_match", *figures, 200),))
        for system, figures in SCORES.items()
    ),
    remarks=(),
)  # fmt: skip


class Monday:
    """A model whose reviews recommend a retraining, and the leader's jobs with a fake training."""

    def __init__(self, engine: Engine, folder: Path) -> None:
        self.engine, self.folder = engine, folder
        self.now = utc_now().replace(microsecond=0) - timedelta(hours=3)
        self.settings = Settings(
            model={"name": MODEL}, retrain={"evaluation": str(write_plan(folder))}
        )
        self.desk: RolloutDesk = make_desk(
            engine, self.now - timedelta(weeks=3), settings_of(MODEL)
        )
        self.desk.now = self.now
        self.world: World = make_world(engine, self.now, versions=("1",))
        self.launcher = FakeLauncher()
        self.leader = Retraining(engine, self.settings, lambda _: self.launcher)

    def decide(self) -> int:
        """Settle the batch, check the retraining that it recommends; return the decision."""
        preview = Preview(
            checked_at=self.now, n_gold=36, n_replay=16, n_validation=4,
            method="lora", base="models/llama-3-8b", needed_gib=14.2, steps=80, n_tokens=12_345,
            by_task_type={
                "card_lost": 14, "instant_transfer": 13, "fees": 13, "crypto_withdrawal": 12,
            },
            findings=(
                PlanFinding("chat template", "ok", "it marks the assistant's turns"),
                PlanFinding("examples", "ok", "52 examples; the longest has 980 tokens"),
                PlanFinding("memory", "ok", "about 14.2 GiB; a card has 80.0 GiB"),
            ),
        )  # fmt: skip
        with transaction(self.engine) as connection:
            decision = settle_to_retrain(connection, self.world, self.now).id
            save_preview(connection, decision, preview.as_json())
        return decision

    def train(self, decision: int) -> None:
        """Plan and start the run as the leader does; its child has done half of the steps."""
        started = utc_now() - timedelta(minutes=9)
        with transaction(self.engine) as connection:
            plan_run(
                connection, model=MODEL, recipe=Recipe(base="models/llama-3-8b"),
                work_dir=self.folder, now=started, decision_id=decision,
            )  # fmt: skip
        files = RunFolder(self.folder / "run-00001")
        files.root.mkdir()
        write_json(files.recipe, {})
        files.training_data.write_text("{}\n")
        self.leader.advance(started)
        losses = [{"step": step, "loss": 0.4 + 1.6 * 0.95**step} for step in range(1, 41)]
        write_lines(files.progress, losses)
        last = losses[-1] | {"steps": 80, "tokens_per_second": 2_310, "seconds_left": 540}
        write_json(files.heartbeat, last)
        self.leader.advance(utc_now())

    def finish(self) -> None:
        """End the training, then the evaluation, whose gates pass."""
        (files,) = self.launcher.submitted
        source = adapter_on_base(files.root, seed=1)
        identity = take_identity(Source(base=source.base, adapter=source.adapter), utc_now())
        result = success(files, adapter=source.adapter, adapter_digest=identity.tensors)
        self.launcher.end(1, result | {"identity": msgspec.to_builtins(identity)})
        self.leader.advance(utc_now())
        self.leader.advance(utc_now())
        assert self.launcher.tasks == ["train", "evaluate"]
        write_results(files, RESULTS)
        self.launcher.end(2, {"status": "succeeded"})
        self.leader.advance(utc_now())
        with transaction(self.engine) as connection:  # no path of this machine on a picture
            request = candidate_evaluation_by_id(connection, 1).request
            request |= {"origin": "evaluation.yaml"}
            connection.execute(update(CandidateEvaluation).values(request=request))
        self.desk.gateway.define(MODEL, 2, lambda _prompt: "version 2")


@pytest.fixture
def monday(engine: Engine, tmp_path: Path) -> Monday:
    return Monday(engine, tmp_path)


@pytest.fixture
def site_of_monday(monday: Monday, browser: Browser) -> Iterator[Site]:
    app = create_app(monday.engine, monday.settings, Secrets())
    with BackgroundServer(app) as server, ExitStack() as stack:
        site = Site(server.url, monday.world, browser, stack)
        yield site
        assert site.problems == []


def shoot(page: Page, name: str, height: int) -> None:
    """Take a picture of the documentation, where it is asked for."""
    folder = os.environ.get("MONDAY_PICTURES")
    if folder:
        page.set_viewport_size({"width": WIDTH, "height": height})
        page.wait_for_timeout(400)
        path = Path(folder) / f"monday-{name}.png"
        page.screenshot(path=path)
        reduce_colours(path, 128)


def test_a_lead_comes_from_the_list_to_a_rollout(monday: Monday, site_of_monday: Site) -> None:
    decision = monday.decide()
    page = site_of_monday.open(
        "Lea", "/overview", viewport={"width": WIDTH, "height": 800}, reduced_motion="reduce"
    )
    shoot(page, "list", 465)
    page.locator("#todo .button").first.click()
    expect(page).to_have_url(f"{site_of_monday.url}/decisions/{decision}")
    shoot(page, "decision", 700)
    page.get_by_role("link", name="Start retraining").click()
    shoot(page, "plan", 1010)
    page.get_by_role("button", name="Start", exact=True).click()
    expect(page.get_by_text("Confirmed by Lea")).to_be_visible()

    monday.train(decision)
    page.reload()
    page.get_by_role("link", name="Training run 1").click()
    expect(page.get_by_text("40 of 80")).to_be_visible()
    shoot(page, "run", 920)
    monday.finish()
    # What asks again every 5 seconds asks now.
    page.evaluate("htmx.ajax('GET', '/runs/1', {target: '#state', swap: 'outerHTML'})")
    page.get_by_role("link", name="version 2").click()
    gates = page.locator("#gates")
    expect(gates.locator(".badge")).to_have_text("promote")
    gates.get_by_role("link").click()
    shoot(page, "evaluation", 920)
    page.get_by_role("link", name="Start a rollout").click()
    shoot(page, "start", 730)
    page.get_by_role("button", name="Start at 5%").click()
    state = page.locator("#state")
    expect(state.locator(".badge").first).to_have_text("Running at 5%")

    monday.desk.tick(utc_now() - monday.desk.now)
    assert monday.desk.in_force() == (1, 2, 5)
    page.reload()
    expect(state).to_contain_text("confirmed")
    shoot(page, "rollout", 1020)
