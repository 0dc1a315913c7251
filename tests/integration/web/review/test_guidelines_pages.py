"""The guidelines' page: check and preview, publication, a second editor, and who may use it."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from sqlalchemy import Engine, func, select, update

from monitor.review.guidelines import load_taxonomy
from monitor.review.guidelines.versions import store_current_taxonomy, taxonomy_in_force
from monitor.settings import Review, Secrets, Settings
from monitor.store.engine import transaction
from monitor.store.review.assignments import claim_slot
from monitor.store.review.taxonomies import publications_of
from monitor.store.tables import AuditEntry, ReviewItem, TaxonomyPublication, TaxonomyVersion
from tests.support.review.gold_items import TAXONOMY
from tests.support.review.review_world import World, make_world
from tests.support.web.apps import create_app
from tests.support.web.sign_in import sign_in

MODEL = "assistant"
OTHER = TAXONOMY.replace("Blocking comes first.", "Blocking comes second.")
FEES = TAXONOMY.replace("# card_lost: A card is lost", "# fees: Fees")


@pytest.fixture
def world(engine: Engine, clock: datetime) -> World:
    return make_world(engine, clock, n=12)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    path = tmp_path / "taxonomy.md"
    path.write_text(TAXONOMY)
    return Settings(review=Review(taxonomy=str(path)))


@pytest.fixture
def lead(world: World, settings: Settings, clock: datetime) -> Iterator[TestClient[Litestar]]:
    app = create_app(world.engine, settings, Secrets(), clock=lambda: clock)
    with TestClient(app) as client:
        sign_in(client, "Lea")
        yield client


def base_of(page: str) -> str:
    match = re.search(r'name="base" value="([^"]*)"', page)
    assert match is not None
    return match[1]


def send(
    client: TestClient[Litestar], text: str, base: str, step: str = "publish"
) -> tuple[int, str]:
    data = {"text": text.replace("\n", "\r\n"), "base": base, "step": step}
    response = client.post("/guidelines", data=data, follow_redirects=False)
    return response.status_code, response.text


def in_force(engine: Engine, settings: Settings) -> str:
    with transaction(engine) as connection:
        return taxonomy_in_force(connection, settings.review, MODEL).text


def count(engine: Engine, table: type) -> int:
    with transaction(engine) as connection:
        return int(connection.execute(select(func.count()).select_from(table)).scalar_one())


def test_guidelines_page_publishes_a_version(
    lead: TestClient[Litestar], world: World, settings: Settings
) -> None:
    page = lead.get("/guidelines").text
    assert "Blocking comes first." in page
    assert send(lead, OTHER, base_of(page))[0] == 303
    assert in_force(world.engine, settings) == OTHER
    with transaction(world.engine) as connection:
        rows = publications_of(connection, MODEL)
        entry = connection.execute(
            select(AuditEntry.actor).where(AuditEntry.action == "taxonomy_published")
        ).scalar_one()
    assert [(row.number, row.source, row.published_by) for row in rows] == [
        (2, "page", "Lea"), (1, "file", ""),
    ]  # fmt: skip
    assert entry == "Lea"
    version = lead.get("/guidelines/2").text
    assert re.search(r"<del[^>]*>.*Blocking comes first", version)
    assert re.search(r"<ins[^>]*>.*Blocking comes second", version)
    assert lead.get("/guidelines/3").status_code == 404


def test_published_version_yields_to_a_changed_file(
    lead: TestClient[Litestar], world: World, settings: Settings, clock: datetime
) -> None:
    send(lead, OTHER, base_of(lead.get("/guidelines").text))
    path, newest = Path(settings.review.taxonomy), TAXONOMY.replace("stays", "remains")
    with transaction(world.engine) as connection:
        version = store_current_taxonomy(connection, settings.review, MODEL, clock)
    assert version != load_taxonomy(path).version
    path.write_text(newest)
    assert in_force(world.engine, settings) == newest
    with transaction(world.engine) as connection:
        version = store_current_taxonomy(connection, settings.review, MODEL, clock)
    assert version == load_taxonomy(path).version


def test_second_editor_is_refused_with_the_difference(
    lead: TestClient[Litestar], world: World, settings: Settings
) -> None:
    base = base_of(lead.get("/guidelines").text)
    assert send(lead, OTHER, base)[0] == 303
    mine = TAXONOMY.replace("It stays blocked.", "My answer.")
    status, page = send(lead, mine, base)
    assert status == 409
    assert in_force(world.engine, settings) == OTHER
    assert "My answer." in page.split("<textarea")[1].split("</textarea>")[0]
    box = page.split('id="guidelines-form"')[0]
    assert re.search(r"<del[^>]*>.*Blocking comes second", box), "beside the refusal"
    assert re.search(r"<ins[^>]*>.*My answer", box)
    assert page.count('id="changes"') == 1
    assert send(lead, mine, base_of(page))[0] == 303
    assert in_force(world.engine, settings) == mine


def test_replayed_publication_changes_nothing(
    lead: TestClient[Litestar], world: World, settings: Settings
) -> None:
    base = base_of(lead.get("/guidelines").text)
    send(lead, OTHER, base)
    send(lead, TAXONOMY, base_of(lead.get("/guidelines").text))
    assert send(lead, OTHER, base)[0] == 409
    assert in_force(world.engine, settings) == TAXONOMY
    last = base_of(lead.get("/guidelines").text)
    assert send(lead, TAXONOMY, last)[0] == send(lead, TAXONOMY, last)[0] == 303
    assert count(world.engine, TaxonomyPublication) == 3


def test_problem_of_guidelines_names_its_line(
    lead: TestClient[Litestar], world: World, settings: Settings
) -> None:
    broken = TAXONOMY.replace("## Criteria", "## Crtieria")
    for step, expected in (("preview", 200), ("publish", 400)):
        status, page = send(lead, broken, base_of(lead.get("/guidelines").text), step)
        assert status == expected
        assert "<b>Line 15</b>" in page
        assert "## Crtieria" in page.split("<textarea")[1]
    assert in_force(world.engine, settings) == TAXONOMY


def test_preview_names_open_items_of_changed_task_types(
    lead: TestClient[Litestar], world: World, settings: Settings, clock: datetime
) -> None:
    with transaction(world.engine) as connection:
        items = list(connection.execute(select(ReviewItem.id)).scalars())
        for ids, values in (
            (items, {"task_type": "intent"}),
            (items[:4], {"task_type": "card_lost"}),
            (items[4:5], {"task_type": "card_lost", "status": "gold"}),
            (items[5:7], {"task_type": "fees"}),
        ):
            connection.execute(update(ReviewItem).where(ReviewItem.id.in_(ids)).values(values))
        lease = clock + timedelta(minutes=20)
        assert claim_slot(connection, items[0], world.users["Ada"], now=clock, until=lease)
    page = send(lead, FEES, base_of(lead.get("/guidelines").text), "preview")[1]
    rows = re.findall(
        r'<th scope="row">(\w+)</th><td>(\w+)</td><td class="n">(\d+)</td>'
        r'<td class="n">(\d+)</td>',
        page,
    )
    assert rows == [("card_lost", "dropped", "4", "3"), ("fees", "added", "2", "2")]
    assert in_force(world.engine, settings) == TAXONOMY


def test_script_in_guidelines_is_shown_as_text(lead: TestClient[Litestar]) -> None:
    planted = TAXONOMY.replace(
        "It stays blocked.", "<script>alert(1)</script></textarea><img src=x>"
    )
    base = base_of(lead.get("/guidelines").text)
    assert "<img src=x>" not in send(lead, planted, base, "preview")[1]
    assert send(lead, planted, base)[0] == 303
    for path in ("/guidelines", "/guidelines/2"):
        page = lead.get(path).text
        assert "<script>alert(1)" not in page
        assert "<img src=x>" not in page
        assert "&lt;img src=x&gt;" in page


@pytest.mark.parametrize("version", ["v1", "2024-05", "3", "4111111111111111", "491701234567"])
def test_publication_follows_a_version_of_any_name(
    version: str, lead: TestClient[Litestar], world: World, settings: Settings, clock: datetime
) -> None:
    with transaction(world.engine) as connection:
        file = store_current_taxonomy(connection, settings.review, MODEL, clock)
        content = load_taxonomy(Path(settings.review.taxonomy)).canonical()
        connection.execute(
            TaxonomyVersion.__table__.insert().values(version=version, content=content)
        )
        connection.execute(
            TaxonomyPublication.__table__.insert().values(
                model=MODEL, number=2, version=version, file_version=file, text=TAXONOMY,
                source="page", published_by="Lea", published_at=clock,
            )
        )  # fmt: skip
    assert send(lead, OTHER, base_of(lead.get("/guidelines").text))[0] == 303
    assert in_force(world.engine, settings) == OTHER


@pytest.mark.parametrize("name", ["Ada", "Cleo"])
def test_guidelines_page_is_for_leads(
    name: str, world: World, settings: Settings, clock: datetime
) -> None:
    app = create_app(world.engine, settings, Secrets(), clock=lambda: clock)
    with TestClient(app) as client:
        sign_in(client, name)
        assert client.get("/guidelines").status_code == 403
        assert send(client, OTHER, "0:")[0] == 403
    assert count(world.engine, TaxonomyPublication) == 0


def test_first_guidelines_start_from_the_example(world: World, clock: datetime) -> None:
    app = create_app(world.engine, Settings(), Secrets(), clock=lambda: clock)
    with TestClient(app) as client:
        sign_in(client, "Lea")
        page = client.get("/guidelines").text
        assert "# card_lost: A card is lost or stolen" in page
        assert send(client, OTHER, base_of(page))[0] == 303
    assert in_force(world.engine, Settings()) == OTHER
