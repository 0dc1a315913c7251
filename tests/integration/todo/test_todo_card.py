"""The to-do list on the first page and on the digest page: entries, buttons, two tabs."""

import html
import re
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import datetime

import pytest
from litestar.testing import TestClient
from sqlalchemy import Engine, delete, event

from monitor.settings import Configuration, Secrets
from monitor.store.engine import transaction
from monitor.store.tables import Leadership
from monitor.web.overview.overview_page import ENTRIES_SHOWN
from tests.support.waiting_world import WaitingWorld
from tests.support.web.apps import create_app
from tests.support.web.hostile_texts import markup_in
from tests.support.web.route_table import Visitor

HOSTILE = "<b>a&b</b> 100%"
MODELS = ("a", "b", HOSTILE, *(f"m{number}" for number in range(17)))


class Desk:
    """Browsers of users on a world."""

    def __init__(self, world: WaitingWorld, stack: ExitStack) -> None:
        self.world = world
        self._stack = stack

    def open(self, name: str, models: tuple[str, ...] = MODELS) -> Visitor:
        configuration = Configuration(models={model: {} for model in models})
        clock = self.world.now
        app = create_app(self.world.engine, configuration, Secrets(), clock=lambda: clock)
        visitor = Visitor(self._stack.enter_context(TestClient(app)))
        assert visitor.sign_in(name).status_code == 200
        return visitor


@pytest.fixture
def desk(engine: Engine, clock: datetime) -> Iterator[Desk]:
    world = WaitingWorld(engine, clock)
    world.user("Lea", "lead")
    world.user("Rex", "reviewer")
    with ExitStack() as stack:
        yield Desk(world, stack)


def card(page: str) -> str:
    """Return the card of what needs the user."""
    (section,) = re.findall(r'<section class="card" id="todo".*?</section>', page, re.DOTALL)
    return str(section)


def buttons(page: str) -> list[tuple[str, str]]:
    """Return label and address of each button, of forms too."""
    matches = re.findall(
        r'<form method="post" action="([^"]+)">.*?<button [^>]*>(.*?)</button>'
        r'|<a class="button" href="([^"]+)">(.*?)</a>',
        card(page),
        re.DOTALL,
    )
    return [(form_label or label, form or link) for form, form_label, link, label in matches]


def test_all_entries_of_a_model_are_shown_with_buttons(desk: Desk) -> None:
    world = desk.world
    incidents = [world.incident("a", cause) for cause in ("drift", "no_traffic")]
    run, decision = world.run("a"), world.decision("a", "retrain", days=2)
    world.batch("b", ["queued"] * 7, days=9)
    page = desk.open("Lea").get("/overview").text
    assert buttons(page) == [
        *(("Acknowledge", f"/incidents/{incident}/acknowledge") for incident in incidents),
        (f"Plan run {run} again", f"/runs/{run}/plan"),
        (f"Confirm decision {decision}", f"/decisions/{decision}"),
        ("See the progress", "/progress?model=b"),
    ]
    assert "for your review" not in page
    assert "and 1 more</a>" in page  # beside the most urgent incident, in the row of the model


def test_a_reviewer_is_shown_own_work_without_findings(desk: Desk) -> None:
    world = desk.world
    world.incident("a", "drift")
    world.decision("a", "retrain", days=2)
    world.batch("a", ["queued"] * 7, days=9)
    page = desk.open("Rex").get("/overview").text
    assert buttons(page) == [("Review 7 items", "/review?model=a")]
    assert not re.search("drift|retrain|decision|%", card(page).lower())
    assert "Your reviews" in card(page)
    assert "Findings of a are shown when its 7 waiting items are done." in page


def test_an_empty_list_names_the_next_evaluation(desk: Desk) -> None:
    for name in ("Lea", "Rex"):
        text = card(desk.open(name).get("/overview").text)
        assert "Nothing needs you." in text
        assert "9 Nov 2026, 00:00 UTC" in text
    assert "no evaluation is due" in card(desk.open("Lea", ()).get("/overview").text)


def test_a_missing_leader_takes_the_place_of_nothing(desk: Desk, engine: Engine) -> None:
    with transaction(engine) as connection:
        connection.execute(delete(Leadership))
    lead = desk.open("Lea")
    for path in ("/overview", "/digest?model=a"):
        page = lead.get(path).text
        ((_, address),) = buttons(page)
        assert "Nothing needs you" not in page
        runbook = lead.get(address).text
        assert f'id="{address.partition("#")[2]}"' in runbook


def test_an_entry_of_another_tab_is_refused_and_not_listed(desk: Desk) -> None:
    incident = desk.world.incident("a", "no_traffic")
    first, second = desk.open("Lea"), desk.open("Lea")
    ((_, action),) = buttons(first.get("/overview").text)
    assert first.post(action).headers["location"] == f"/incidents/{incident}"
    assert buttons(first.get("/overview").text) == []
    assert second.post(action).status_code == 409


def test_the_digest_page_has_the_entries_of_its_model(desk: Desk) -> None:
    run = desk.world.run("a")
    desk.world.run("b")
    desk.world.window("a")
    lead = desk.open("Lea")
    assert buttons(lead.get("/digest?model=a").text) == [
        (f"Plan run {run} again", f"/runs/{run}/plan")
    ]
    assert buttons(desk.open("Rex").get("/digest?model=a").text) == []


def test_a_hostile_name_stays_text_and_address(desk: Desk) -> None:
    desk.world.batch(HOSTILE, ["queued"], days=9)
    lead = desk.open("Lea")
    page = lead.get("/overview").text
    assert not markup_in(card(page))
    ((_, address),) = buttons(page)
    assert lead.get(html.unescape(address)).status_code == 200


def test_many_entries_are_folded_and_then_cut(desk: Desk) -> None:
    models = tuple(f"m{number}" for number in range(103))
    for model in models:
        desk.world.run(model)
    text = card(desk.open("Lea", models).get("/overview").text)
    unfolded, rest = text.split("<details")
    assert len(re.findall("<li", unfolded)) == ENTRIES_SHOWN
    assert f"{len(models) - ENTRIES_SHOWN} more, less urgent" in rest
    assert len(re.findall("<li", rest)) == 100 - ENTRIES_SHOWN
    assert "3 more: <code>driftwarden todo</code>" in rest


@pytest.mark.parametrize("n", [1, 20])
def test_overview_sends_few_statements_for_any_models(desk: Desk, engine: Engine, n: int) -> None:
    for number, model in enumerate(MODELS[:n], start=1):
        desk.world.batch(model, ["queued", "disagreed", "flagged"], days=9 + number)
        desk.world.run(model)
        desk.world.incident(model, "no_traffic")
    lead = desk.open("Lea", MODELS[:n])
    statements: list[str] = []
    event.listen(engine, "before_cursor_execute", lambda *call: statements.append(call[2]))
    assert lead.get("/overview").status_code == 200
    sent = [text for text in statements if not text.startswith(("BEGIN", "PRAGMA"))]
    assert len(sent) == 36
