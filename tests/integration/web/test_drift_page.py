"""The drift evaluation page over HTTP: contents, fragments and refusals."""

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from litestar.testing import TestClient
from sqlalchemy import Engine, delete, insert, select, update

from monitor.settings import Secrets, Settings
from monitor.store.engine import transaction
from monitor.store.privacy.deletion import delete_exchanges
from monitor.store.review.draws import count_reused
from monitor.store.review.items import batch_of_evaluation, items_of_batches
from monitor.store.rows import update_row
from monitor.store.tables import (
    AuditEntry,
    DriftEvaluation,
    Exchange,
    Incident,
    ReviewBatch,
    ReviewDraw,
    ReviewItem,
    StoredExchanges,
)
from monitor.store.traffic.stored_counts import add_stored_counts
from monitor.store.windows.claims import claim_drift_evaluation, fail_drift_evaluation
from monitor.store.windows.drift_evaluations import drift_evaluation_by_id
from monitor.store.windows.prompt_maps import prompt_map, save_prompt_map
from monitor.store.windows.repetitions import record_repetition
from monitor.web.server import BackgroundServer
from monitor.web.withheld_texts import withhold_texts
from tests.support.review.review_world import CASES, PASSWORD, World, make_world
from tests.support.web.apps import create_app
from tests.support.web.sign_in import sign_in
from tests.support.windows.assessed_year import WEEKS, store_year
from tests.support.windows.assessments import not_enough_data, store_evaluation
from tests.support.windows.mapped_window import change_responses, make_mapped_world

HOSTILE_PROMPT = "<img src=x onerror=alert(1)> how do I sell bitcoin?"


@pytest.fixture
def world(any_engine: Engine, clock: datetime) -> World:
    return make_mapped_world(any_engine, clock)


@pytest.fixture
def reader(any_engine: Engine, world: World) -> Iterator[Callable[[str], httpx.Client]]:
    """Return a function that signs a user in."""
    app = create_app(any_engine, Settings(), Secrets())
    with BackgroundServer(app) as server, ExitStack() as stack:

        def sign_in(name: str) -> httpx.Client:
            client = stack.enter_context(httpx.Client(base_url=server.url))
            token = re.search(r'csrf-token" content="([^"]+)"', client.get("/login").text)
            assert token is not None
            body = {"name": name, "password": PASSWORD}
            client.headers["x-csrftoken"] = token[1]
            client.post("/api/login", json=body)
            return client

        yield sign_in


@pytest.fixture
def read(reader) -> Callable[[str], httpx.Response]:
    """Return a function that reads a page as the lead Lea."""
    return reader("Lea").get


def path(world: World, rest: str = "") -> str:
    return f"/drift-evaluations/{world.evaluation_id}{rest}"


def test_the_page_has_the_map_without_texts(world: World, read) -> None:
    page = read(path(world))
    assert page.status_code == 200
    assert 'class="dotted"' in page.text
    assert "bitcoin, wallet, sold" in page.text
    assert "Can I move my bitcoin" not in page.text
    assert "What does a card cost?" not in page.text
    assert page.text.count("h0") == 40 + 12
    assert "style=" not in page.text
    assert "onclick" not in page.text


def test_a_topic_shows_its_examples(world: World, read) -> None:
    part = read(path(world, "/topics/0"))
    assert part.status_code == 200
    assert "Can I move my bitcoin to my own wallet?" in part.text
    assert "<script>" not in part.text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in part.text
    more = part.text.split("More prompts on this topic")[1]
    quotes = re.findall(r"<li>(.*?)</li>", more)
    assert 9 == len(quotes) == len(set(quotes)), "ten are on the topic, one is quoted"
    assert all("bitcoin I sold" in quote for quote in quotes)


def test_the_page_shows_examples_without_a_script(world: World, read) -> None:
    page = read(path(world, "?topic=0"))
    assert "Can I move my bitcoin to my own wallet?" in page.text
    assert 'data-topic="0" aria-current="true"' in page.text


def test_a_dot_shows_its_exchange_and_neighbours(any_engine, world: World, read) -> None:
    with transaction(any_engine) as connection:
        placed = prompt_map(connection, world.evaluation_id)
        assert placed is not None
        connection.execute(
            update(Exchange)
            .where(Exchange.id == int(placed.current_ids[0]))
            .values(prompt=HOSTILE_PROMPT)
        )
    part = read(path(world, "/points/0")).text
    assert "&lt;img src=x onerror=alert(1)&gt; how do I sell bitcoin?" in part
    assert "<img" not in part
    assert "Prompt of the window, on “bitcoin, wallet, sold”" in part
    assert "We do not offer cryptocurrency products." in part
    assert len(re.findall(r"<li>", part.split("Nearest on the map")[1])) == 5
    baseline = read(path(world, "/points/40")).text
    assert "Prompt of the baseline" in baseline
    assert "What does a card cost? (0)" in baseline


def test_a_deleted_exchange_leaves_its_dot(any_engine, world: World, read) -> None:
    with transaction(any_engine) as connection:
        placed = prompt_map(connection, world.evaluation_id)
        assert placed is not None
        gone = int(placed.reference_ids[3])
        connection.execute(delete(Exchange).where(Exchange.id == gone))
    part = read(path(world, "/points/43"))
    assert part.status_code == 200
    assert "Exchange deleted" in part.text
    with transaction(any_engine) as connection:
        save_prompt_map(connection, world.evaluation_id, placed.anonymize())
    assert "Exchange deleted" in read(path(world, "/points/0")).text
    topic = read(path(world, "/topics/0")).text
    assert "More prompts on this topic" not in topic


def test_a_map_reads_its_own_window_and_baseline_only(
    any_engine: Engine, world: World, read, clock: datetime
) -> None:
    """Ids of deleted exchanges are reused, so a dot must not show another exchange's text."""
    with transaction(any_engine) as connection:
        placed = prompt_map(connection, world.evaluation_id)
        assert placed is not None
        own, of_baseline = int(placed.current_ids[0]), int(placed.reference_ids[0])
        later = {"occurred_at": clock + timedelta(days=1)}
        connection.execute(update(Exchange).where(Exchange.id == own).values(**later))
        connection.execute(
            update(DriftEvaluation)
            .where(DriftEvaluation.id == world.evaluation_id)
            .values(baseline_id=None)
        )
        assert own != of_baseline
    for point in (0, 40):
        part = read(path(world, f"/points/{point}")).text
        assert "Exchange deleted" in part, point
        assert "card cost" not in part


@pytest.mark.parametrize(
    "rest", ["/topics/2", "/topics/-1", "/points/52", "/points/-1", "/topics/x", "?topic=77"]
)
def test_unknown_points_and_topics_are_not_found(world: World, read, rest: str) -> None:
    assert read(path(world, rest)).status_code == 404


def test_a_drift_evaluation_without_a_map_has_no_fragments(
    any_engine: Engine, world: World, read, clock: datetime
) -> None:
    other = make_world(any_engine, clock, weeks_ago=1, users=False).evaluation_id
    for rest in ("/topics/0", "/points/0"):
        assert read(f"/drift-evaluations/{other}{rest}").status_code == 404
        assert read(f"/drift-evaluations/999{rest}").status_code == 404
    page = read(f"/drift-evaluations/{other}")
    assert page.status_code == 200
    assert "Can I move my bitcoin" in page.text, "without a map the topics are listed"


def test_texts_require_sign_in(any_engine: Engine, world: World) -> None:
    with (
        BackgroundServer(create_app(any_engine, Settings(), Secrets())) as server,
        httpx.Client(base_url=server.url) as client,
    ):
        for rest in ("", "/topics/0", "/points/0", "/report"):
            response = client.get(path(world, rest), headers={"accept": "application/json"})
            assert response.status_code in {302, 303, 401}, rest
            assert "bitcoin" not in response.text


def test_the_report_file_has_the_map(world: World, read) -> None:
    report = read(path(world, "/report"))
    assert 'class="dotted"' in report.text
    assert "?topic=" not in report.text
    assert "Can I move my bitcoin" in report.text


def test_windows_of_a_year_link_to_each_other(
    any_engine: Engine, world: World, read, clock: datetime
) -> None:
    ids = store_year(any_engine, clock - timedelta(weeks=1))
    page = read(f"/drift-evaluations/{ids[20]}").text
    assert f'rel="prev" href="/drift-evaluations/{ids[19]}"' in page
    assert f'rel="next" href="/drift-evaluations/{ids[21]}"' in page
    chart = page.split('class="windows"')[1].split("</svg>")[0]
    links = re.findall(r'<a href="/drift-evaluations/(\d+)" aria-label="\d', chart)
    assert len(links) == WEEKS, "a year: the oldest of 53 is omitted"
    assert chart.count('aria-current="page"') == 1
    oldest = read(f"/drift-evaluations/{ids[0]}").text
    assert oldest.count('class="here"') == 1, "an older window is shown with its predecessors"
    assert "This is the first window" in oldest


def test_first_failed_and_empty_windows_are_named(
    any_engine: Engine, world: World, read, clock: datetime
) -> None:
    assert "This is the first window" in read(path(world)).text
    with transaction(any_engine) as connection:
        silent = store_evaluation(connection, not_enough_data(), clock)
        claim = claim_drift_evaluation(
            connection, "assistant", clock + timedelta(weeks=1), clock + timedelta(weeks=2),
            seed=1, now=clock,
        )  # fmt: skip
        assert claim is not None
        fail_drift_evaluation(connection, claim, "the encoder <b>broke</b>", clock)
    page = read(f"/drift-evaluations/{silent}").text
    assert "Not enough data" in page
    assert "no items queued for review" in page
    failed = read(f"/drift-evaluations/{claim.evaluation_id}").text
    assert "<h1>This drift evaluation failed</h1>" in failed
    assert "&lt;b&gt;broke&lt;/b&gt;" in failed
    assert "<code>driftwarden evaluate" in failed, "the way to evaluate it again"


def test_the_error_rate_counts_decided_items(
    any_engine: Engine, world: World, read, clock: datetime
) -> None:
    assert re.search(r"none of \d+ decided yet", read(path(world)).text)
    with transaction(any_engine) as connection:
        statement = update(ReviewItem).where(ReviewItem.batch_id == world.batch_id)
        connection.execute(statement.values(status="excluded", excluded_reason="all out"))
    page = read(path(world)).text
    assert "decided yet" in page
    assert ", all settled" in page


def test_batch_without_a_control_slice_has_no_error_rate(
    any_engine: Engine, world: World, read
) -> None:
    assert " items queued" in read(path(world)).text
    with transaction(any_engine) as connection:
        connection.execute(update(ReviewDraw).values(control_points=0))
    page = read(path(world)).text
    assert "none of 0" not in page
    assert "no control slice" in page


#: A topic's name, its prompts, and the error rate.
ANCHORS = ("bitcoin", "Error rate of the control slice", "At launch")
PARTS = ("/topics/0", "/points/0", "/report", "/assessment.json")


def test_reviewers_read_no_finding_until_all_is_reviewed(any_engine, world: World, reader) -> None:
    ada, lea = reader("Ada").get, reader("Lea").get
    for page in (
        path(world),
        path(world, "?topic=0"),
        "/drift-evaluations",
        "/digest",
        "/incidents",
    ):
        text = ada(page).text
        assert not [anchor for anchor in ANCHORS if anchor in text], page
    for anchor in ANCHORS:
        assert anchor in lea(path(world)).text
    assert [ada(path(world, part)).status_code for part in PARTS] == [403] * 4
    with transaction(any_engine) as connection:
        connection.execute(update(ReviewItem).values(status="gold"))
    assert "bitcoin" in ada(path(world)).text
    assert ada(path(world, "/topics/0")).status_code == 200


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("open", "acknowledge it"),
        ("acknowledged", "acknowledged; follow"),
        ("resolved", "resolved"),
    ],
)
def test_recommended_action_follows_the_incident(
    any_engine, world: World, reader, status: str, expected: str
) -> None:
    with transaction(any_engine) as connection:
        connection.execute(
            insert(Incident).values(
                model=connection.execute(select(DriftEvaluation.model)).scalars().first(),
                status=status,
                fingerprint="input",
                severity=0.2,
                opening_evaluation_id=world.evaluation_id,
                opened_at=datetime(2026, 11, 9, tzinfo=UTC),
            )
        )
    page = reader("Lea").get(path(world)).text
    assert f"</a>: {expected}" in page


def test_a_lead_queues_a_batch_once(any_engine, world: World, reader) -> None:
    lea, ada = reader("Lea"), reader("Ada")
    page = lea.get(path(world)).text
    assert f'href="/progress?batch={world.batch_id}"' in page
    assert 'name="choice"' not in page, "it has a batch"
    assert lea.post(path(world, "/batch")).status_code == 409
    with transaction(any_engine) as connection:
        for table in (ReviewDraw, ReviewItem, ReviewBatch):
            connection.execute(delete(table))
    assert f'action="{path(world, "/batch")}"' in lea.get(path(world)).text
    assert f'action="{path(world, "/batch")}"' not in ada.get(path(world)).text
    assert ada.post(path(world, "/batch")).status_code == 403
    assert [lea.post(path(world, "/batch")).status_code for _ in range(2)] == [303, 409]
    with transaction(any_engine) as connection:
        batch = batch_of_evaluation(connection, world.evaluation_id)
        assert batch is not None
        assert items_of_batches(connection, [batch])
        by = connection.execute(
            select(AuditEntry.actor).where(AuditEntry.action == "batch_queued")
        ).scalars()
        assert list(by) == ["Lea"]
    assert f'href="/progress?batch={batch}"' in lea.get(path(world)).text


def test_a_batch_of_reused_texts_alone_is_refused(any_engine: Engine, clock: datetime) -> None:
    make_world(any_engine, clock, cases=CASES, weeks_ago=1)
    again = make_world(any_engine, clock, cases=CASES, users=False)
    with TestClient(create_app(any_engine, Settings(), Secrets())) as lea:
        sign_in(lea, "Lea")
        page = lea.get(f"/progress?batch={again.batch_id}").text
        assert "0 of 0" not in page
        assert "40 drawn texts" in page
        assert "0 items queued, and 40 drawn texts" in lea.get(path(again)).text
        _delete_batch(any_engine, again)
        reply = lea.post(path(again, "/batch"), follow_redirects=False)
        assert reply.status_code == 409
        assert "40 drawn texts" in reply.text
        with transaction(any_engine) as connection:
            connection.execute(delete(ReviewDraw))
            connection.execute(delete(ReviewItem))
            ids = list(connection.execute(select(Exchange.id)).scalars())
            delete_exchanges(connection, ids)
        assert lea.post(path(again, "/batch"), follow_redirects=False).status_code == 409
        with transaction(any_engine) as connection:
            assert None is batch_of_evaluation(connection, again.evaluation_id)
            entries = select(AuditEntry.id).where(AuditEntry.action == "batch_queued")
            assert list(connection.execute(entries)) == []
        assert f'action="{path(again, "/batch")}"' in lea.get(path(again)).text


def test_batch_counts_queued_and_reused_items(any_engine: Engine, clock: datetime) -> None:
    make_world(any_engine, clock, cases=CASES, weeks_ago=1)
    again = make_world(any_engine, clock, cases=CASES, n=50, users=False)
    _delete_batch(any_engine, again)
    with TestClient(create_app(any_engine, Settings(), Secrets())) as lea:
        sign_in(lea, "Lea")
        assert lea.post(path(again, "/batch"), follow_redirects=False).status_code == 303
        with transaction(any_engine) as connection:
            batch = batch_of_evaluation(connection, again.evaluation_id)
            assert batch is not None
            assert len(items_of_batches(connection, [batch])) == 10
            n_reused = count_reused(connection, batch)
        assert 0 < n_reused <= 40
        assert f"10 items queued, and {n_reused} drawn texts" in lea.get(path(again)).text
        assert f"{n_reused} drawn texts" in lea.get(f"/progress?batch={batch}").text


def _delete_batch(engine: Engine, world: World) -> None:
    with transaction(engine) as connection:
        connection.execute(delete(ReviewDraw).where(ReviewDraw.batch_id == world.batch_id))
        connection.execute(delete(ReviewItem).where(ReviewItem.batch_id == world.batch_id))
        connection.execute(delete(ReviewBatch).where(ReviewBatch.id == world.batch_id))


@pytest.fixture
def changed(any_engine: Engine, world: World) -> World:
    change_responses(any_engine, world.evaluation_id)
    return world


PAIR = ("Yes, up to 5,000 euros.", "I can&#39;t help with that.")


def test_changed_responses_are_shown_and_withheld(changed: World, reader) -> None:
    """Leads read the pairs; a reviewer of one task type reads figures, and no quote."""
    lead = reader("Lea").get
    for address in (path(changed), path(changed, "/report")):
        text = lead(address).text
        assert "What changed between the responses" in text
        assert all(quote in text for quote in PAIR), address
        assert text.count('class="map changes"') == 1
        assert "Map of the prompts" not in text
    assert len(lead(path(changed, "/assessment.json")).json()["output"]["pairs"]) == 2
    with transaction(changed.engine) as connection:
        row = drift_evaluation_by_id(connection, changed.evaluation_id)
    withheld = withhold_texts(row).assessment
    assert withheld is not None
    assert withheld.output.pairs == ()
    assert row.assessment is not None
    assert row.assessment.output.descriptors == withheld.output.descriptors


def test_a_blind_reviewer_reads_no_changed_response(changed: World, reader) -> None:
    read = reader("Ada").get
    page = read(path(changed))
    assert page.status_code == 403
    assert not any(quote in page.text for quote in PAIR)
    assert read(path(changed, "/report")).status_code == 403


def test_page_counts_late_exchanges_and_names_repetitions(
    any_engine: Engine, world: World, read: Callable[[str], httpx.Response], clock: datetime
) -> None:
    assert "arrived after its evaluation" not in read(path(world)).text
    with transaction(any_engine) as connection:
        row = drift_evaluation_by_id(connection, world.evaluation_id)
        provenance = {**row.provenance, "window": {"n_stored": 0, "n_exchanges": 190}}
        update_row(connection, DriftEvaluation, row.id, provenance=provenance)
        day = row.window_start
        connection.execute(delete(StoredExchanges))
        add_stored_counts(connection, {(row.model, day): 10})
        record_repetition(connection, row, drifted="Prompts", by="<ada>", now=clock)
    page = read(path(world)).text
    assert "10 exchanges of this week arrived after its evaluation" in page
    assert "(5.0% of it)" in page
    assert f"driftwarden evaluate --from {day:%Y-%m-%d} --to" in page
    assert "Evaluated again by &lt;ada&gt;" in page
    assert "Before: drift (Prompts)" in page
