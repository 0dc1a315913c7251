"""WCAG 2.2 AA on every page, in light and dark, checked by axe-core; no overflow."""

import re
from datetime import datetime, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from litestar import Litestar
from playwright.sync_api import Page
from sqlalchemy import Engine, select, update

from monitor.alerts.steps import take_step
from monitor.daemon.web_app import create_app
from monitor.privacy.requests.sentences import digest_of
from monitor.review import guidelines as guidelines_package
from monitor.review.decision.decisions import decide
from monitor.review.guidelines import load_taxonomy
from monitor.review.guidelines.versions import publish_taxonomy
from monitor.settings import Review, Secrets, Settings
from monitor.store.audit_log import SYSTEM
from monitor.store.engine import transaction
from monitor.store.privacy.requests import insert_request, insert_sentence
from monitor.store.tables import Decision
from monitor.store.tables import Review as ReviewOfItem
from monitor.store.training.registry import ScoreRow, list_versions, save_scores
from monitor.store.training.runs import finish_run, save_progress
from retrain.recipes.recipe import Recipe
from retrain.run_folder import RunFolder
from retrain.training.runs import plan_run
from tests.support.present import utc_now
from tests.support.retrain.candidates import (
    evaluated,
    make_candidate,
    make_results,
    make_serving,
    write_results,
)
from tests.support.review.human_evaluation import make_locked_human_evaluation
from tests.support.review.item_states import make_states
from tests.support.web.reviewer_actions import choose
from tests.support.web.rollout_world import add_rollout, check_figures
from tests.support.web.site import Site

pytestmark = pytest.mark.browser

STARTER = Path(str(guidelines_package.__file__)).with_name("starter.md")
AXE = files("axe_playwright_python") / "axe.min.js"
WCAG = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa")
#: A scheme changes colours and nothing else (tests/unit/web/test_assets.py): the other rules are
#: checked in one scheme.
RULES = {
    "light": {"type": "tag", "values": [*WCAG, "best-practice"]},
    "dark": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]},
}
#: What depends on the width, for a phone, and for 1280 px at 200% zoom: half of them.
NARROW = {"type": "rule", "values": ["target-size", "scrollable-region-focusable"]}
WIDE, PHONE, ZOOMED = (1280, 800), (390, 844), (640, 400)
#: Parts that are folded are read, too; the list of models would lie over the page.
UNFOLD = "document.querySelectorAll('main details').forEach((part) => (part.open = true))"
#: Answers in other media than HTML, and a route that only redirects.
NOT_PAGES = {
    "/healthz",
    "/readyz",
    "/metrics",
    "/drift-evaluations/{evaluation_id:int}/assessment.json",
    "/",
}

STATES_OF_ROLLOUTS = ("holding", "paused", "holdback", "reverted")
#: Pages of leads that say that there is nothing yet, of a model without windows.
EMPTY_OF_MODELS = (
    "/digest", "/progress", "/drift-evaluations", "/decisions", "/incidents", "/runs",
    "/candidate-evaluations", "/human-evaluations",
)  # fmt: skip
#: Of a run that failed.
PROGRESS = {
    "last": {"step": 40, "steps": 80, "loss": 0.25, "tokens_per_second": 9.5, "seconds_left": 6.0},
    "losses": [[1, 2.0], [20, 1.0], [40, 0.25]],
    "validation": [[20, 1.1], [40, 0.5]],
    "log": ["loading " * 40],
    "pending_reason": "",
}

#: Queries that a page can't do without.
QUERIES = {"/models/versions/{version_id:int}/compare": "?other=2"}

NOT_HERE = re.compile(r"/(points|topics|login|welcome)/|\.(json|txt)$")
SIZES = [(1440, 900), (1024, 768), (768, 1024), (390, 844), (320, 640)]


#: What is out of reach, broken word by word, or drawn without a sentence: controls beyond the
#: window that no scrolling part holds, cells of a table with a line for nearly each word, charts
#: outside of tables without a figure that has a caption, and titles or ticks of axes.
UNREADABLE = """() => {
    const isScrolled = (node) => {
        for (let at = node.parentElement; at; at = at.parentElement) {
            const { overflowX } = getComputedStyle(at);
            if (at.scrollWidth > at.clientWidth && /auto|scroll/.test(overflowX)) return true;
        }
        return false;
    };
    const problems = [];
    const wide = document.documentElement.scrollWidth;
    if (wide > innerWidth) problems.push(`the page needs ${wide} of ${innerWidth} px`);
    const controls = "main :is(button, .button, input, select)";
    for (const control of document.querySelectorAll(controls)) {
        const { left, right, width } = control.getBoundingClientRect();
        if (!width || getComputedStyle(control).opacity === "0") continue;
        const submits = control.matches("button, .button");
        if ((left < 0 || right > innerWidth) && (submits || !isScrolled(control))) {
            problems.push(`out of sight: ${control.outerHTML.slice(0, 100)}`);
        }
    }
    for (const cell of document.querySelectorAll("td, th")) {
        const words = cell.innerText.trim().split(/\\s+/).length;
        const range = document.createRange();
        range.selectNodeContents(cell);
        const lines = new Set([...range.getClientRects()].map((box) => Math.round(box.top))).size;
        if (words < 5 || lines < 0.7 * words) continue;
        problems.push(`${lines} lines of ${words} words: ${cell.innerText.slice(0, 80)}`);
    }
    for (const chart of document.querySelectorAll("main svg:is([role=img], [role=group])")) {
        if (chart.closest("td, .legend") || chart.matches(".status")) continue;
        const figure = chart.closest("figure");
        const sentence = figure?.querySelector("figcaption")?.textContent.trim() ?? "";
        const labels = figure?.querySelectorAll("text, .unit").length ?? 0;
        if (!sentence.includes(".") || labels < 2) {
            problems.push(`no axis or sentence: ${chart.outerHTML.slice(0, 100)}`);
        }
    }
    return problems;
}"""


def violations(page: Page, scheme: str = "light", rules: Any = None) -> list[str]:
    """Return what axe-core finds; in the dark scheme by the rules about colours."""
    page.emulate_media(color_scheme=scheme)
    script = """async (rules) => {
        const report = await axe.run(document, {
            runOnly: rules,
            resultTypes: ["violations"],
        });
        const messages = node => node.any.map(check => check.message).join(" ");
        return report.violations.flatMap(({id, nodes}) =>
            nodes.map(node => `${id}: ${node.html.slice(0, 160)} ${messages(node)}`));
    }"""
    broken = page.evaluate(script, rules or RULES[scheme])
    return [f"{scheme} {page.url}: {violation}" for violation in broken]


def pages_of(app: Litestar, site: Site, folder: Path) -> list[str]:
    """Return the address of each page of the application's own route table."""
    with transaction(site.engine) as connection:
        decision = decide(connection, site.world.batch_id, Review(), utc_now())
        # So that its run can be planned.
        retrain = update(Decision).where(Decision.id == decision.id)
        connection.execute(retrain.values(recommendation="retrain"))
    run = RunFolder(folder / "runs" / "run-00001")
    now = utc_now()
    make_serving(site.engine, now)
    version, _ = make_candidate(site.engine, folder, now)
    write_results(run, make_results("undecided"))
    with transaction(site.engine) as connection:
        evaluated(connection, version, now, "undecided", folder=run.root)
        incident_id = take_step(
            connection, None, "opened", by=SYSTEM, now=now, model="assistant", severity=0.3,
            fingerprint=frozenset({"input"}), evaluation_id=site.world.evaluation_id,
        )  # fmt: skip
    with transaction(site.engine) as connection:
        for number, scored in enumerate(list_versions(connection)):
            rows = [
                ScoreRow("support", stratum, metric, value, value - 0.05, value + 0.05, 100)
                for stratum in ("", "task_type=cards")
                for metric, value in (("exact_match", 0.9 - 0.2 * number), ("token_f1", 0.8))
            ]
            save_scores(connection, scored.id, "support", rows, now)
    add_rollouts(site.engine, now)
    with transaction(site.engine) as connection:
        failed = plan_run(
            connection, model="assistant", recipe=Recipe(base="b", chat_template="x"),
            work_dir=folder, now=now,
        )  # fmt: skip
        save_progress(connection, failed, PROGRESS)
        finish_run(connection, failed, "failed", finished_at=now, error="CUDA out of memory")
        publish_taxonomy(
            connection, Review(), "assistant", load_taxonomy(STARTER), STARTER.read_text("utf-8"),
            source="page", by="Lea", now=now,
        )  # fmt: skip
    ids = {
        "incident_id": incident_id,
        "request_id": add_request(site.engine, now),
        "evaluation_id": site.world.evaluation_id,
        "page": "no-traffic",
        "decision_id": decision.id,
    }
    ids["human_evaluation_id"] = make_locked_human_evaluation(site.engine, site.world, utc_now())
    paths = {
        route.path
        for route in app.routes
        if "GET" in route.methods and not route.path.startswith(("/api", "/static", "/vendor"))
    }
    return [
        re.sub(r"\{(\w+)[^}]*\}", lambda match: str(ids.get(match[1], 1)), path)
        + QUERIES.get(path, "")
        for path in sorted(paths)
        # Topics and points need a map (test_drift_page.py has one); the others one-time links.
        if path not in NOT_PAGES and not NOT_HERE.search(path)
    ]


def add_request(engine: Engine, now: datetime) -> int:
    """Add a request of an end user with a sentence to decide, and return its id."""
    sentence = digest_of("The price list says otherwise.")
    with transaction(engine) as connection:
        commented = select(ReviewOfItem.id).where(ReviewOfItem.comment != "").limit(1)
        review = connection.execute(commented).scalar_one()
        request = insert_request(
            connection, "erasure", "digest", opened_at=now, opened_by="Lea",
            due_at=now + timedelta(days=5),
        )  # fmt: skip
        insert_sentence(
            connection, request, number=1, table="reviews", key=(review,), column="comment",
            digest=sentence, found_by="name",
        )  # fmt: skip
    return request


def add_rollouts(engine: Engine, now: datetime) -> None:
    """Add a running rollout, and one of each other state that asks for something, as others."""
    checks = [check_figures(), check_figures("csat", worse=True, lower=0.01, is_share=False)]
    looks = [{"checks": checks} for _ in range(3)]
    add_rollout(engine, now, looks=looks)
    for status in STATES_OF_ROLLOUTS:
        add_rollout(engine, now, model=f"of {status}", status=status, reason=status, looks=looks)


def test_no_page_violates_wcag_2_2_aa(site: Site, tmp_path: Path) -> None:
    app = create_app(site.engine, Settings(), Secrets())
    states = make_states(site)
    visits = [("Lea", path) for path in pages_of(app, site, tmp_path)]
    visits += [(name, f"/review/{item}") for (name, _), item in states.items()]
    visits += [
        (
            "Lea",
            "/candidate-evaluations/1/responses?benchmark=support&metric=exact_match&other=base&show=better",
        )
    ]
    visits += [("Ben", "/review"), ("", "/login")]
    visits += [("Ada", path) for path in ("/progress", "/incidents", "/nothing-here")]
    visits += [("Lea", f"/rollouts/{2 + place}") for place in range(len(STATES_OF_ROLLOUTS))]
    visits += [("Lea", f"{path}?model=of+paused") for path in EMPTY_OF_MODELS] + [
        ("Lea", "/runs/2")
    ]
    assert len(visits) > 20
    problems = []
    pages: dict[str, Page] = {}
    for name, path in visits:
        if name not in pages:
            context = site.context(name, reduced_motion="reduce")
            context.add_init_script(path=str(AXE))
            pages[name] = context.new_page()
        page = pages[name]
        response = page.goto(site.url + path)
        if name == "Lea":
            assert response is not None
            assert response.ok, f"{path}: {response.status}; give `pages_of` an id that exists"
        page.evaluate(UNFOLD)
        for width, height in (WIDE, PHONE, ZOOMED):
            page.set_viewport_size({"width": width, "height": height})
            page.evaluate("scrollTo(0, 0)")  # a focused field may have moved a link under the bar
            problems += [f"{width} px {path}: {text}" for text in page.evaluate(UNREADABLE)]
            if (width, height) == WIDE:
                for scheme in RULES:
                    problems += violations(page, scheme)
            else:
                problems += violations(page, rules=NARROW)
    assert problems == [], "\n".join(problems)


def test_the_item_page_in_all_its_dress(site: Site) -> None:
    """Include parts that show only during work: guidelines, editor, changes, dialogs, banners."""
    states = make_states(site)
    context = site.context("Ben", reduced_motion="reduce")
    context.add_init_script(path=str(AXE))
    page = context.new_page()
    page.goto(f"{site.url}/review/{states['Ben', 'open']}")
    page.keyboard.press("e")
    page.keyboard.type(" More.")
    page.keyboard.press("Escape")
    choose(page, "error_kind", "format")
    page.keyboard.press("g")
    page.keyboard.press("Control+Enter")
    page.locator("#saved.good").wait_for()
    problems = []
    for scheme in RULES:
        problems += violations(page, scheme)
    for key in ("?", "f"):
        page.keyboard.press(key)
        problems += violations(page)
        page.keyboard.press("Escape")
    context.clear_cookies()
    page.keyboard.press("3")
    page.locator("#banner").wait_for()
    problems += violations(page)
    assert problems == [], "\n".join(problems)


def test_pages_do_not_overflow_at_any_size(site: Site) -> None:
    states = make_states(site)
    lead, ben = site.open("Lea"), site.open("Ben")
    visits = [(ben, f"/review/{states['Ben', state]}") for state in ("open", "disagreed")]
    visits += [(lead, "/nothing-here")]
    visits += [
        (lead, path)
        for path in (
            "/review",
            "/progress",
            "/guidelines",
            "/drift-evaluations",
            "/exchanges",
            "/digest",
        )
    ]
    for page, path in visits:
        page.goto(site.url + path)
        page.keyboard.press("e")
        for width, height in SIZES:
            page.set_viewport_size({"width": width, "height": height})
            needed = page.evaluate("document.documentElement.scrollWidth")
            assert needed <= width, f"{page.url} needs {needed} px of {width}"
