"""The confirmation of a retraining, in a browser: what is left out, and the way on."""

import pytest
from playwright.sync_api import expect

from monitor.store.engine import transaction
from monitor.store.review.decisions import decision_by_id, save_preview
from retrain.planning.checks.finding import PlanFinding
from retrain.planning.preview import Preview
from tests.support.review.settled_items import settle_to_retrain
from tests.support.web.site import Site

pytestmark = pytest.mark.browser
LEAKED = "40 items of a benchmark: " + ", ".join(
    f"item {number} (q{number} of support)" for number in range(20)
)
MORE = " and 20 more (all: driftwarden retrain plan --dry-run --left-out 40)"
MEND = "raise max_length in the recipe, or shorten the examples"


def preview(site: Site, refusal: str = "") -> Preview:
    outcome = "refused" if refusal else "ok"
    return Preview(
        checked_at=site.world.rows["Lea"].created_at, refusal=refusal, method="qlora",
        base="models/llama-3", needed_gib=14.2, n_gold=81, n_replay=35, n_validation=10,
        left_out=(LEAKED + MORE, "2 longer than the recipe's max_length: item 7 (204 of 128)"),
        findings=(
            PlanFinding("chat template", "ok", "it marks the assistant's turns"),
            PlanFinding("examples", outcome, refusal or "116 examples; the longest has 120 tokens"),
            PlanFinding("memory", "note", "about 14.2 GiB; a card has 16.0 GiB: little margin"),
        ),
    )  # fmt: skip


@pytest.mark.parametrize("width", [1440, 390])
def test_a_refused_confirmation_leads_on(site: Site, width: int) -> None:
    with transaction(site.engine) as connection:
        now = site.world.rows["Lea"].created_at
        decision = settle_to_retrain(connection, site.world, now).id
        save_preview(connection, decision, preview(site, MEND).as_json())
    page = site.open(
        "Lea", f"/decisions/{decision}/start", viewport={"width": width, "height": 900}
    )
    expect(page.get_by_text(f"It can't be started: {MEND}")).to_be_visible()
    expect(page.get_by_role("button", name="Start", exact=True)).to_have_count(0)
    page.get_by_role("button", name="Check again").click()
    expect(page.get_by_text("The daemon checks data, lengths")).to_be_visible()
    with transaction(site.engine) as connection:
        assert decision_by_id(connection, decision).preview is None
        save_preview(connection, decision, preview(site).as_json())
    page.reload()
    expect(page.get_by_text("item 19 (q19 of support)")).to_be_visible()
    expect(page.get_by_text("--left-out 40")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    page.get_by_role("button", name="Start", exact=True).click()
    expect(page.get_by_text("Confirmed by Lea")).to_be_visible()
    assert site.problems == []
