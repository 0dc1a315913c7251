"""JSON API from the first claim to a reopened item, as used by a program."""

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime
from typing import Any

import httpx
import pytest
from sqlalchemy import Connection, Engine

from monitor.errors import DatabaseUnavailableError
from monitor.review.items.blind_review import ReviewQueue
from monitor.settings import Configuration, Secrets
from monitor.web.server import BackgroundServer
from tests.support.review.review_world import PASSWORD, make_world
from tests.support.web.apps import create_app

FIVE = {"accuracy": 5, "completeness": 5, "tone": 5, "compliance": 5}
ACCEPT = {"verdict": "accept", **FIVE}
RIGHT = {
    "verdict": "correct",
    "error_kind": "knowledge",
    "answerable": "facts_missing",
    "corrected_response": "Right.",
}


class Caller:
    """A signed-in user who sends JSON."""

    def __init__(self, client: httpx.Client, name: str) -> None:
        self.client = client
        token = re.search(r'csrf-token" content="([^"]+)"', client.get("/login").text)
        assert token is not None
        self.headers = {"x-csrftoken": token[1]}
        self("POST", "/login", {"name": name, "password": PASSWORD})

    def __call__(self, method: str, path: str, body: Any = None, *, status: int = 200) -> Any:
        reply = self.client.request(
            method, f"/api{path}", json={} if body is None else body, headers=self.headers
        )
        assert reply.status_code == status, (method, path, reply.status_code, reply.text)
        return reply.json()

    def review(self, review: dict[str, Any]) -> int:
        item = self("POST", "/items/claim")["item"]
        assert self("POST", f"/items/{item}/review", review) == {"status": "submitted"}
        return int(item)


@pytest.fixture
def call(engine: Engine, clock: datetime) -> Iterator[Callable[[str], Caller]]:
    make_world(engine, clock)
    settings = Configuration(models={"assistant": {"review": {"audit_share": 1.0}}, "other": {}})
    app = create_app(engine, settings, Secrets(), clock=lambda: clock)
    with BackgroundServer(app) as server, ExitStack() as stack:
        yield lambda name: Caller(stack.enter_context(httpx.Client(base_url=server.url)), name)


def test_a_review_is_withdrawn_and_resubmitted(call: Callable[[str], Caller]) -> None:
    ada = call("Ada")
    item = ada.review({**RIGHT, **FIVE})
    assert ada("GET", f"/items/{item}")["state"] == "submitted"
    assert ada("DELETE", f"/items/{item}/review")["status"] == "open"
    seen = ada("GET", f"/items/{item}")
    assert (seen["state"], seen["draft"]["answerable"]) == ("open", "facts_missing")
    assert item == ada("GET", "/work")["at_work"]
    ada("DELETE", f"/items/{item}/review", status=404)
    ada.review(ACCEPT)
    call("Ben").review(ACCEPT)
    reply = ada("DELETE", f"/items/{item}/review", status=409)
    assert "undone" in reply["detail"]


def test_submission_claims_the_next_item_of_the_model(call: Callable[[str], Caller]) -> None:
    ada = call("Ada")
    item = ada("POST", "/items/claim")["item"]
    for query in ("claims=true", "claims=true&model=assistant"):
        reply = ada("POST", f"/items/{item}/review?{query}", ACCEPT)
        item = reply.pop("next")
        assert reply == {"status": "submitted"}
        assert item == ada("GET", "/work")["at_work"]
    reply = ada("POST", f"/items/{item}/review?claims=true&model=other", ACCEPT)
    assert reply == {"status": "submitted"}
    assert ada("GET", "/work")["at_work"] is None
    left = ada("POST", "/items/claim")["item"]
    while left:
        left = ada("POST", f"/items/{left}/review?claims=true", ACCEPT)["next"]
    assert ada("POST", "/items/claim")["item"] is None


def test_review_is_stored_before_a_claim_that_fails(
    call: Callable[[str], Caller], monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = call("Ada")
    item = ada("POST", "/items/claim")["item"]

    def fail(_: ReviewQueue, connection: Connection, *__: object) -> None:
        connection.rollback()
        raise DatabaseUnavailableError("gone")

    monkeypatch.setattr(ReviewQueue, "claim_next", fail)
    assert ada("POST", f"/items/{item}/review?claims=true", ACCEPT) == {"status": "submitted"}
    assert ada("GET", f"/items/{item}")["state"] == "submitted"


def test_an_older_page_replaces_no_newer_draft(call: Callable[[str], Caller]) -> None:
    ada = call("Ada")
    path = f"/items/{ada('POST', '/items/claim')['item']}"
    mine = {"comment": "of page a", "edited_at": 5, "tab": "a", "base": 0}
    ada("PUT", f"{path}/draft", mine)
    stored = {"comment": "of page a", "edited_at": 5, "tab": "a"}
    assert stored == ada("GET", path)["draft"], "what a page has seen is not stored"
    other = {"comment": "of page b", "edited_at": 9, "tab": "b", "base": 4}
    reply = ada("PUT", f"{path}/draft", other, status=409)
    assert stored == reply["extra"]["newer_draft"]
    reply = ada("POST", f"{path}/review?tab=b&base=4", ACCEPT, status=409)
    assert stored == reply["extra"]["newer_draft"]
    ada("POST", f"{path}/review?tab=b&base=junk", ACCEPT, status=400)
    assert stored == ada("GET", path)["draft"]
    ada("PUT", f"{path}/draft", other | {"base": 5})
    ada("PUT", f"{path}/draft", {"comment": "of a program"})
    ada("POST", f"{path}/review?tab=b&base=9", ACCEPT)


def submit_from_two_pages(user: Caller, item: int, step: str, body: dict[str, Any]) -> Any:
    """Save a draft of page a; submit from page b, which has not seen it, and then has."""
    draft, submission = f"/items/{item}/draft", f"/items/{item}/{step}"
    user("PUT", draft, {"comment": "of page a", "edited_at": 5, "tab": "a", "base": 0})
    stored = {"comment": "of page a", "edited_at": 5, "tab": "a"}
    for base in (0, 4):
        reply = user("POST", f"{submission}?tab=b&base={base}", body, status=409)
        assert stored == reply["extra"]["newer_draft"]
    user("POST", f"{submission}?tab=b&base=junk", body, status=400)
    assert stored == user("GET", f"/items/{item}")["draft"]
    return user("POST", f"{submission}?tab=b&base=5", body)


def test_proposals_and_rulings_replace_no_newer_draft(call: Callable[[str], Caller]) -> None:
    ada, ben, cleo = (call(name) for name in ("Ada", "Ben", "Cleo"))
    item = ada.review(ACCEPT)
    assert item == ben.review({**RIGHT, **FIVE})
    reply = submit_from_two_pages(ada, item, "resolution", RIGHT)
    assert reply == {"status": "disagreed"}
    assert ada("GET", f"/items/{item}")["draft"] == {}
    other = RIGHT | {"corrected_response": "Another."}
    # A page that opens now has seen that there is no draft; a program says nothing.
    assert ada("POST", f"/items/{item}/resolution?tab=c&base=0", RIGHT) == {"status": "disagreed"}
    ben("PUT", f"/items/{item}/draft", {"comment": "x", "edited_at": 5, "tab": "a", "base": 0})
    assert ben("POST", f"/items/{item}/resolution", other) == {"status": "disagreed"}
    ben("POST", f"/items/{item}/escalation")
    ruling = RIGHT | {"cause": "ambiguous"}
    assert submit_from_two_pages(cleo, item, "adjudication", ruling) == {"status": "gold"}


def test_audits_replace_no_newer_draft(call: Callable[[str], Caller]) -> None:
    item = call("Ada").review(ACCEPT)
    assert item == call("Ben").review(ACCEPT)
    reply = submit_from_two_pages(call("Cleo"), item, "audit", {"verdict": "accept"})
    assert reply == {"differences": []}


def test_a_withdrawn_review_is_newer_than_open_pages(call: Callable[[str], Caller]) -> None:
    ada = call("Ada")
    path = f"/items/{ada('POST', '/items/claim')['item']}"
    ada("PUT", f"{path}/draft", {"comment": "old", "edited_at": 5, "tab": "b", "base": 0})
    ada("POST", f"{path}/review", {**ACCEPT, "comment": "new"})
    assert ada("DELETE", f"{path}/review") == {"status": "open", "released": False}
    old = {"comment": "old", "edited_at": 6, "tab": "b", "base": 5}
    reply = ada("PUT", f"{path}/draft", old, status=409)
    assert reply["extra"]["newer_draft"]["comment"] == "new"


def test_undo_releases_only_own_items_without_draft(call: Callable[[str], Caller]) -> None:
    ada, ben = call("Ada"), call("Ben")
    item = ada.review(ACCEPT)
    begun = ada("POST", "/items/claim")["item"]
    of_ben = ben("POST", "/items/claim")["item"]
    ada("PUT", f"/items/{begun}/draft", {"comment": "begun"})
    for at_work in (of_ben, 999, item, begun):
        reply = ada("DELETE", f"/items/{item}/review?at_work={at_work}")
        assert reply == {"status": "open", "released": False}, at_work
        ada("POST", f"/items/{item}/review", ACCEPT)
    assert of_ben == ben("GET", "/work")["at_work"]
    assert begun == ada("GET", "/work")["at_work"]


def test_a_wrong_response_requires_answerable(call: Callable[[str], Caller]) -> None:
    ada = call("Ada")
    item = ada("POST", "/items/claim")["item"]
    review = {**RIGHT, **FIVE, "answerable": ""}
    reply = ada("POST", f"/items/{item}/review", review, status=409)
    assert "could have produced the right response" in reply["detail"]
    ada("POST", f"/items/{item}/review", {**review, "answerable": "perhaps"}, status=400)


def test_from_disagreement_to_adjudication_and_back(call: Callable[[str], Caller]) -> None:
    ada, ben, cleo, lea = (call(name) for name in ("Ada", "Ben", "Cleo", "Lea"))
    item = ada.review(ACCEPT)
    assert item == ben.review({**RIGHT, **FIVE})
    assert [item] == ada("GET", "/work")["to_discuss"]
    ada("POST", f"/items/{item}/messages", {"text": "Look at the price list."})
    assert [row["text"] for row in ben("GET", f"/items/{item}")["discussion"]] == [
        "Look at the price list."
    ]
    cleo("POST", f"/items/{item}/messages", {"text": "Hello"}, status=404)
    assert ada("POST", f"/items/{item}/resolution", RIGHT) == {"status": "disagreed"}
    assert ben("POST", f"/items/{item}/escalation") == {"status": "adjudication"}
    assert [item] == cleo("GET", "/work")["to_adjudicate"]
    ada("POST", f"/items/{item}/adjudication", {**RIGHT, "cause": "ambiguous"}, status=404)
    seen = cleo("GET", f"/items/{item}")
    for part in ("reviews", "proposals", "discussion"):
        assert {(-1, "First reviewer"), (-2, "Second reviewer")} >= {
            (row["reviewer_id"], row["reviewer"]) for row in seen[part]
        }
        assert seen[part], "whoever decides reads what was said, not by whom"
    ruling = {**RIGHT, "cause": "guidelines_gap", "comment": "Section 3."}
    assert cleo("POST", f"/items/{item}/adjudication", ruling) == {"status": "gold"}
    (decision,) = ada("GET", f"/items/{item}")["decisions"]
    assert tuple(decision[name] for name in ("resolution", "cause", "comment", "decided_by")) == (
        "adjudicated",
        "guidelines_gap",
        "Section 3.",
        "Cleo",
    )

    reason = {"reason": "the price list changed"}
    ada("POST", f"/lead/items/{item}/reopen", reason, status=403)
    reply = lea("POST", f"/lead/items/{item}/reopen", reason)
    assert reply == {"status": "adjudication", "revision": 2}
    lea("POST", f"/lead/items/{item}/reopen", reason, status=409)
    cleo("POST", f"/items/{item}/adjudication", {"verdict": "accept", "cause": "guidelines_gap"})
    revisions = [row["revision"] for row in lea("GET", f"/items/{item}")["decisions"]]
    assert revisions == [1, 2]


def test_an_audit_is_blind_and_counted(call: Callable[[str], Caller]) -> None:
    ada, ben, cleo, lea = (call(name) for name in ("Ada", "Ben", "Cleo", "Lea"))
    item = ada.review(ACCEPT)
    ben.review(ACCEPT)
    assert [item] == cleo("GET", "/work")["to_audit"]
    seen = cleo("GET", f"/items/{item}")
    assert (seen["state"], seen["reviews"], seen["decisions"]) == ("audit", [], [])
    reply = cleo("POST", f"/items/{item}/audit", RIGHT)
    assert reply == {"differences": ["verdict", "corrected response"]}
    counts = {"drawn": 1, "decided": 1, "confirmed": 0, "same_verdict": 0}
    assert counts == lea("GET", "/lead/audits")
    ada("GET", "/lead/audits", status=403)


def test_a_lead_settles_flags(call: Callable[[str], Caller]) -> None:
    ada, lea = call("Ada"), call("Lea")
    first = ada("POST", "/items/claim")["item"]
    ada("POST", f"/items/{first}/flag", {"reason": ""}, status=409)
    assert ada("POST", f"/items/{first}/flag", {"reason": "an address"}) == {"status": "flagged"}
    ada("POST", f"/items/{first}/review", ACCEPT, status=409)
    second = ada("POST", "/items/claim")["item"]
    assert second != first
    ada("POST", f"/items/{second}/flag", {"reason": "spam"})
    flags = [{"item": first, "reason": "an address"}, {"item": second, "reason": "spam"}]
    assert flags == lea("GET", "/lead/flags")
    assert [first, second] == lea("GET", "/work")["flagged_items"]
    ada("POST", f"/lead/items/{first}/confirm-flag", status=403)
    assert lea("POST", f"/lead/items/{first}/confirm-flag") == {"status": "excluded"}
    assert lea("POST", f"/lead/items/{second}/reject-flag") == {"status": "queued"}
    assert lea("GET", "/lead/flags") == []


@pytest.mark.parametrize(
    "body",
    [
        '{"comment": %s}' % ("[" * 200_000),
        '{{"comment": {}{}}}'.format("[" * 200_000, "]" * 200_000),
        '{{"comment": {}{}}}'.format("[" * 900, "]" * 900),
    ],
    ids=["open", "closed", "shallower"],
)
def test_a_deeply_nested_draft_is_no_error_of_the_server(
    call: Callable[[str], Caller], body: str
) -> None:
    ada = call("Ada")
    item = ada("POST", "/items/claim")["item"]
    path = f"/api/items/{item}/draft"
    assert ada.client.put(path, content=body, headers=ada.headers).status_code in {200, 400}
    assert item == ada("GET", f"/items/{item}")["id"]
