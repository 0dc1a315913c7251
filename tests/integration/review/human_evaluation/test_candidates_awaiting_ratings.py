"""Candidate evaluations that await ratings, with their human evaluation and a judge."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta

import msgspec
import numpy as np
import pytest
from sqlalchemy import Engine

from monitor.daemon.human_evaluations import score_locked_human_evaluations
from monitor.errors import JudgeError
from monitor.review.human_evaluation.locking import lock_human_evaluation
from monitor.review.human_evaluation.rating import RatingQueue, Ratings, view_current_item
from monitor.settings import Gates
from monitor.settings.evaluation_file import read_plan
from monitor.store.engine import transaction
from monitor.store.human_evaluation.human_evaluations import (
    HumanEvaluationRow,
    human_evaluation_of_candidate,
    list_human_evaluations,
)
from monitor.store.training import candidate_evaluations as store
from monitor.store.training import registry as versions
from retrain.evaluation.benchmark import load_benchmarks
from retrain.evaluation.candidate import evaluate_candidate, response_rows, score_systems
from retrain.evaluation.lifecycle import cancel_evaluation, plan_evaluation, poll_running
from retrain.evaluation.request import request_for
from retrain.run_folder import RunFolder, write_json, write_lines
from tests.integration.retrain.test_candidate_evaluations import Desk, desk  # noqa: F401 - a fixture
from tests.support.retrain.candidates import HUMAN, PLAN, make_results, write_plan, write_results
from tests.support.review.human_evaluation import systems_of_texts
from tests.support.review.review_world import World, make_world

DIMENSIONS = ("accuracy", "completeness", "tone", "compliance")
N_ITEMS = 25
#: What the judge, and people, like better; it fails on the last item.
JUDGE = [*3 * ["incumbent"], *9 * ["candidate"], *3 * ["candidate"], *9 * ["incumbent"], "failed"]
USERS = [*12 * ["candidate"], *12 * ["incumbent"], "candidate"]


@pytest.fixture
def world(any_engine: Engine, clock: datetime) -> World:
    return make_world(any_engine, clock, n=4)


def ask_users(desk: Desk, number: int = 1) -> HumanEvaluationRow:  # noqa: F811
    """Promote the candidate by a fake child; return the human evaluation."""
    row = desk.rows()[0]
    write_results(RunFolder(desk.folder / "runs" / "run-00001"), make_results("promote"))
    desk.launcher.end(number, {"status": "succeeded", "evaluation_id": row.id})
    desk.advance()
    return human_evaluation_of(desk, row.id)


def human_evaluation_of(desk: Desk, evaluation_id: int) -> HumanEvaluationRow:  # noqa: F811
    with transaction(desk.engine) as connection:
        human_evaluation = human_evaluation_of_candidate(connection, evaluation_id)
    assert human_evaluation is not None
    return human_evaluation


def rate_and_lock(
    desk: Desk,  # noqa: F811
    world: World,
    human_evaluation: HumanEvaluationRow,
    candidate_is_worth: Callable[[str], int],
) -> None:
    """Let all raters rate the candidate's response by its text, other responses with 3."""
    systems = systems_of_texts(desk.engine, human_evaluation.id)
    for name in list(world.users)[: human_evaluation.raters_per_item]:
        user = world.users[name]
        with transaction(desk.engine) as connection:
            while (
                number := RatingQueue(human_evaluation.id).claim_next(
                    connection, user, desk.now, timedelta(minutes=20)
                )
            ) is not None:
                view = view_current_item(connection, human_evaluation.id, user, desk.now)
                assert view is not None
                worth = [
                    candidate_is_worth(text) if "candidate" in systems[number, text] else 3
                    for text in view.responses
                ]
                ratings = Ratings([dict.fromkeys(DIMENSIONS, entry) for entry in worth])
                RatingQueue(human_evaluation.id).submit(
                    connection, number, user, ratings, now=desk.now
                )
    with transaction(desk.engine) as connection:
        lock_human_evaluation(connection, human_evaluation.id, world.rows["Lea"], desk.now)
    score_locked_human_evaluations(desk.engine, desk.settings, desk.now)


def test_second_candidate_evaluation_has_own_human_evaluation(desk: Desk, world: World) -> None:  # noqa: F811
    """Ratings of one candidate evaluation do not count for the next."""
    write_plan(desk.folder, PLAN + HUMAN)
    desk.advance()
    first = ask_users(desk)
    rate_and_lock(desk, world, first, lambda _text: 4)
    desk.advance()
    (ended,) = desk.rows()
    assert (ended.status, ended.gate_result) == ("succeeded", "undecided")  # on four items

    with transaction(desk.engine) as connection:
        version = versions.version_by_id(connection, desk.version)
        request = request_for(connection, version, desk.settings, desk.file)
        again = plan_evaluation(connection, version, request, by="lea", now=desk.now)
    desk.advance()
    second = ask_users(desk, 2)
    for _ in range(2):
        desk.advance()
    assert [row.status for row in desk.rows()] == ["awaiting_ratings", "succeeded"]
    assert (second.candidate_evaluation_id, second.version_id) == (again, first.version_id)
    assert second.id != first.id
    assert second.is_open
    assert human_evaluation_of(desk, ended.id).is_locked

    rate_and_lock(desk, world, second, lambda _text: 1)
    desk.advance()
    fields = [row.results and row.results.human_evaluation_id for row in desk.rows()]
    assert fields == [second.id, first.id]


def test_cancelled_evaluation_takes_no_more_ratings(desk: Desk, world: World) -> None:  # noqa: F811
    write_plan(desk.folder, PLAN + HUMAN)
    desk.advance()
    human_evaluation = ask_users(desk)
    cancel_evaluation(desk.engine, desk.row().id, desk.launcher, desk.now, cancelled_by="lea")
    desk.advance()
    assert desk.row().status == "cancelled"
    assert human_evaluation_of(desk, desk.row().id).status == "cancelled"
    with transaction(desk.engine) as connection:
        assert [entry.id for entry in list_human_evaluations(connection)] == [human_evaluation.id]


def test_cancelled_candidate_evaluation_gets_no_human_evaluation(
    desk: Desk,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A user cancels after the daemon has read that the evaluation awaits ratings."""
    write_plan(desk.folder, PLAN + HUMAN)
    desk.advance()
    desk.end(make_results("promote"))
    poll_running(desk.engine, lambda _name: desk.launcher, desk.now)
    waiting = store.list_candidate_evaluations

    def read_and_cancelled(connection, **options):
        matches = waiting(connection, **options)
        if options.get("statuses") == ("awaiting_ratings",) and matches:
            store.finish_candidate_evaluation(connection, matches[0].id, "cancelled", now=desk.now)
        return matches

    with monkeypatch.context() as patch:
        patch.setattr(store, "list_candidate_evaluations", read_and_cancelled)
        desk.advance()
    assert desk.row().status == "cancelled"
    with transaction(desk.engine) as connection:
        assert list_human_evaluations(connection) == []


class Judge:
    """A judge with a fixed preference, independent of the order."""

    def ask(self, system: str, question: str) -> str:
        visible = re.findall(r"(candidate|incumbent) (\d+)", question)
        liked = JUDGE[int(visible[0][1])]
        if liked == "failed":
            raise JudgeError("the judge doesn't answer")
        return f"VERDICT: {'A' if visible[0][0] == liked else 'B'}"


def test_judge_is_compared_with_raters_on_same_items(
    desk: Desk,  # noqa: F811
    world: World,
) -> None:
    """Everything except the responses is real: the child, and ratings through the page."""
    plan = PLAN + HUMAN.replace("sample_size: 4, reviewers: 2", "sample_size: 25, reviewers: 1")
    benchmarks = load_benchmarks(read_plan(write_plan(desk.folder, plan, n=N_ITEMS)))
    desk.advance()
    responses = {
        system: {"support": [f"{system} {number}" for number in range(N_ITEMS)]}
        for system in ("candidate", "incumbent", "base", "prompted")
    }
    scores = score_systems(benchmarks, responses)
    rng = np.random.default_rng(1)
    matches = evaluate_candidate(benchmarks, scores, Gates(), rng, judge=Judge())
    assert matches.gate_result == "undecided"
    write_lines(desk.files().evaluation_responses(desk.row().id), response_rows(scores))
    write_json(desk.files().evaluation, msgspec.to_builtins(matches))
    desk.launcher.end(1, {"status": "succeeded", "evaluation_id": desk.row().id})
    desk.advance()

    human_evaluation = human_evaluation_of(desk, desk.row().id)
    likes = {"candidate": 5, "incumbent": 2}
    rate_and_lock(desk, world, human_evaluation, lambda text: likes[USERS[int(text.split()[1])]])
    desk.advance()
    results = desk.row().results
    assert results is not None
    assert results.human_evaluation is not None
    rated = {rating.system for rating in results.human_evaluation.systems}
    assert rated == {"candidate", "incumbent", "base"}  # not the base with examples
    assert len(results.judge_preferences) == results.human_evaluation.n_items == N_ITEMS
    # They agree on 18 of 24, where 12 would be chance: (18 - 12) / (24 - 12).
    assert " 24 items," in results.judge_agreement
    assert " 1 more;" in results.judge_agreement
    assert "Cohen's kappa 0.50 (" in results.judge_agreement
    # Observed 12 of 48 values beside another, expected 24 * 48 / 47.
    assert "Krippendorff's alpha 0.51 (" in results.judge_agreement
    assert results.judge_agreement.endswith(" judge")  # the advice for a low agreement
