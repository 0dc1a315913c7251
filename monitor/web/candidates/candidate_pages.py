"""The pages of the verdicts on candidates: every check, three systems side by side, the answers."""

from typing import Any

from litestar import Request, get
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Template
from sqlalchemy import Connection, Engine

from monitor.store.accounts.users import ReviewerRow
from monitor.store.engine import transaction
from monitor.store.human_evaluation.human_evaluations import is_under_study, open_study_item_ids
from monitor.store.training.candidate_evaluations import (
    CandidateEvaluationRow,
    evaluation_by_id,
    list_evaluations,
)
from monitor.web.candidates.evaluation_view import figures_of, pairs_of, systems_of

OUTCOMES = {
    "promote": "Promote",
    "reject": "Rejected",
    "undecided": "Undecided",
    "planned": "Waits for its evaluation",
    "running": "Being evaluated",
    "awaiting_people": "Awaiting human evaluation",
    "failed": "The evaluation failed",
    "cancelled": "The evaluation was cancelled",
}
NAMES = {"candidate": "Candidate", "incumbent": "Incumbent", "base": "Base with prompt"}


@get("/verdicts", sync_to_thread=True)
def verdicts(
    lead: NamedDependency[ReviewerRow],
    engine: NamedDependency[Engine],
) -> Template:
    """List the evaluations of candidates, the newest first."""
    with transaction(engine) as connection:
        rows = list_evaluations(connection)
    return Template("verdicts.html", context={"person": lead, "rows": rows, "outcomes": OUTCOMES})


@get("/verdicts/{verdict_id:int}", sync_to_thread=True)
def verdict(
    verdict_id: FromPath[int],
    lead: NamedDependency[ReviewerRow],
    engine: NamedDependency[Engine],
) -> Template:
    """Show a verdict in full; while its study is open, without figures."""
    with transaction(engine) as connection:
        row = evaluation_by_id(connection, verdict_id)
        blind = _is_blind(connection, row)
    context: dict[str, Any] = {
        "person": lead,
        "row": row,
        "blind": blind,
        "x": None if blind else row.verdict,
        "outcomes": OUTCOMES,
        "names": NAMES,
    }
    if row.verdict is not None and not blind:
        context |= {"systems": systems_of(row.verdict), "benchmarks": figures_of(row.verdict)}
    return Template("verdict_page.html", context=context)


@get("/verdicts/{verdict_id:int}/answers", sync_to_thread=True)
def answers(
    verdict_id: FromPath[int],
    request: Request[Any, Any, Any],
    lead: NamedDependency[ReviewerRow],
    engine: NamedDependency[Engine],
) -> Template:
    """Show the items on which the candidate and another system differ, by one metric."""
    asked = {name: request.query_params.get(name, "") for name in ("benchmark", "metric", "other")}
    show = "better" if request.query_params.get("show") == "better" else "worse"
    with transaction(engine) as connection:
        row = evaluation_by_id(connection, verdict_id)
        blind = _is_blind(connection, row)
        withheld = open_study_item_ids(connection, row.model)
    pairs = None if blind else pairs_of(row, **asked, worse=show == "worse", withheld=withheld)
    context = {"person": lead, "row": row, "pairs": pairs, **asked, "show": show, "names": NAMES}
    return Template("verdict_answers.html", context=context)


def _is_blind(connection: Connection, row: CandidateEvaluationRow) -> bool:
    """Tell whether figures or answers could tell a reviewer which system is which."""
    return row.status == "awaiting_people" or is_under_study(connection, row.version_id)


HANDLERS = (verdicts, verdict, answers)
