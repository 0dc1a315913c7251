"""The version page while a rollout is open: what each press does, and what it refuses."""

import html
from collections.abc import Iterator
from datetime import datetime

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from sqlalchemy import Engine

from monitor.accounts.registration import create_user
from monitor.settings import Secrets
from monitor.store.engine import transaction
from monitor.store.training.registry import production_version, version_by_id
from retrain.rollout.transitions.promotion import promote_version
from retrain.rollout.transitions.revert import revert_rollout
from tests.support.retrain.rollout_desk import RolloutDesk
from tests.support.review.review_world import PASSWORD
from tests.support.web.apps import create_app
from tests.support.web.sign_in import sign_in

WHY = "complaints of customers"


@pytest.fixture
def desk(engine: Engine, clock: datetime) -> RolloutDesk:
    """Return a desk with version 1 in production and a lead."""
    desk = RolloutDesk(engine, clock)
    with transaction(engine) as connection:
        create_user(connection, "Lea", PASSWORD, "lead", clock)
    return desk


@pytest.fixture
def lead(desk: RolloutDesk) -> Iterator[TestClient[Litestar]]:
    app = create_app(desk.engine, desk.settings, Secrets(), clock=lambda: desk.now)
    with TestClient(app) as client:
        sign_in(client, "Lea")
        yield client


def read(client: TestClient[Litestar], version: int) -> str:
    return html.unescape(client.get(f"/models/versions/{version}").text)


def roll_back(
    client: TestClient[Litestar], version: int, rollout: int | str | None = None
) -> tuple[int, str]:
    """Press the button as the page has it, and return the status and the address that follows."""
    data = {"reason": WHY} if rollout is None else {"reason": WHY, "rollout": str(rollout)}
    reply = client.post(f"/models/versions/{version}/rollback", data=data, follow_redirects=False)
    return reply.status_code, reply.headers.get("location", "")


def promote(desk: RolloutDesk, version: int) -> None:
    with transaction(desk.engine) as connection:
        row = version_by_id(connection, version)
        promote_version(connection, row, desk.now, by="lea", reason="better")


def serving(desk: RolloutDesk) -> int:
    with transaction(desk.engine) as connection:
        row = production_version(connection, desk.model)
    assert row is not None
    return row.id


def test_the_first_version_has_no_button_to_roll_back(
    desk: RolloutDesk, lead: TestClient[Litestar]
) -> None:
    assert "/rollback" not in read(lead, desk.serving)
    assert roll_back(lead, desk.serving)[0] == 409


def test_the_button_names_the_rollout_that_it_reverts(
    desk: RolloutDesk, lead: TestClient[Litestar]
) -> None:
    second = desk.register()
    promote(desk, second)
    rollout = desk.start()
    page = read(lead, second)
    assert f"Revert rollout {rollout.id}" in page
    assert f'name="rollout" value="{rollout.id}"' in page
    assert f'href="/rollouts/{rollout.id}"' in page
    assert (303, f"/rollouts/{rollout.id}") == roll_back(lead, second, rollout.id)
    assert ("reverted", second) == (desk.rollout().status, serving(desk))
    assert "Revert rollout" not in read(lead, second)
    assert "Roll back to version 1" in read(lead, second)
    assert (303, f"/models/versions/{desk.serving}") == roll_back(lead, second)
    assert desk.serving == serving(desk)


def test_a_second_press_does_not_leave_the_version(
    desk: RolloutDesk, lead: TestClient[Litestar]
) -> None:
    second = desk.register()
    promote(desk, second)
    rollout = desk.start()
    statuses = [roll_back(lead, second, rollout.id)[0] for _ in range(2)]
    assert ([303, 409], second) == (statuses, serving(desk))


def test_a_page_that_is_older_than_the_rollout_does_nothing(
    desk: RolloutDesk, lead: TestClient[Litestar]
) -> None:
    second = desk.register()
    promote(desk, second)
    rollout = desk.start()
    for stale in (None, "", rollout.id + 1, "x" * 50, f"{rollout.id}\0"):
        assert roll_back(lead, second, stale)[0] in {400, 409}, stale
    assert rollout.id == desk.rollout().id
    assert desk.rollout().is_open


def test_rollout_of_the_first_version_names_no_earlier_version(
    desk: RolloutDesk, lead: TestClient[Litestar]
) -> None:
    rollout = desk.start()
    page = read(lead, desk.serving)
    assert f"Revert rollout {rollout.id}" in page
    assert "you can roll back" not in page
    assert 303 == roll_back(lead, desk.serving, rollout.id)[0]


def test_promotion_is_not_offered_during_another_rollout(
    desk: RolloutDesk, lead: TestClient[Litestar]
) -> None:
    waiting = desk.register()
    address = f"/models/versions/{waiting}/promote"
    assert f'action="{address}"' in read(lead, waiting)
    rollout = desk.start()
    page = read(lead, waiting)
    assert f'action="{address}"' not in page
    assert f'href="/rollouts/{rollout.id}"' in page
    assert f'action="/models/versions/{rollout.version_id}/promote"' in read(
        lead, rollout.version_id
    )
    refused = lead.post(address, data={"reason": WHY}, follow_redirects=False)
    text = html.unescape(refused.text)
    assert refused.status_code == 409
    assert "driftwarden rollout revert --model desk --reason WHY" in text
    assert "<p>desk: the rollout of version" in text, "a model's name stays as it is"
    assert WHY in text


def test_the_reason_of_a_refused_step_is_text_only(
    desk: RolloutDesk, lead: TestClient[Litestar]
) -> None:
    address = f"/models/versions/{desk.serving}/rollback"
    refused = lead.post(address, data={"reason": "<b>bold</b>"}, follow_redirects=False)
    assert (409, True) == (refused.status_code, "&lt;b&gt;bold&lt;/b&gt;" in refused.text)
    too_long = lead.post(address, data={"reason": "x" * 2001}, follow_redirects=False)
    assert (400, True) == (too_long.status_code, "x" * 2001 in too_long.text)


def test_the_rollout_starts_from_the_page_of_its_version(
    desk: RolloutDesk, lead: TestClient[Litestar]
) -> None:
    waiting = desk.register()
    start = f'href="/rollouts/start/{waiting}"'
    assert start in read(lead, waiting)
    assert start not in read(lead, desk.serving)
    rollout = desk.start()
    for page in (read(lead, waiting), lead.get("/models").text):
        assert start not in page
        assert f'href="/rollouts/{rollout.id}"' in page
    with transaction(desk.engine) as connection:
        revert_rollout(connection, rollout.id, desk.now, by="lea", reason="worse")
    assert start in read(lead, waiting)
    assert f'href="/rollouts/start/{rollout.version_id}"' in read(lead, rollout.version_id)


def test_a_refused_form_links_back_to_its_page(
    desk: RolloutDesk, lead: TestClient[Litestar]
) -> None:
    second = desk.register()
    promote(desk, second)
    desk.start()
    host = str(lead.base_url).rstrip("/")

    def post(referer: str | None) -> str:
        headers = {} if referer is None else {"referer": referer}
        reply = lead.post(
            f"/models/versions/{second}/rollback", data={"reason": WHY}, headers=headers,
            follow_redirects=False,
        )  # fmt: skip
        assert reply.status_code == 409
        return reply.text

    page = f"/models/versions/{second}"
    assert f'class="button primary" href="{page}"' in post(f"{host}{page}")
    assert f'href="{page}?model=desk&amp;x=1"' in post(f"{host}{page}?model=desk&x=1#steps")
    for referer in (
        None, "", "https://evil.example/models", f"{host}//evil.example/", "javascript:alert(1)",
        f"{host}/%2f%2fevil.example", "http://[", f'{host}/"><script>',
    ):  # fmt: skip
        text = post(referer)
        assert 'class="button primary" href="/"' in text, referer
        assert "evil.example" not in text
