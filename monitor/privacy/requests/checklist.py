"""The checklist of a request: what is done, when, and the command of what is not."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from monitor.privacy.requests.requests import Sentence, count_waiting, open_steps
from monitor.store.privacy.requests import RequestRow


@dataclass(frozen=True)
class Step:
    """A step of the response to a request."""

    text: str
    #: ``None``: it is to be done.
    done_at: datetime | None
    #: What does it; empty where it is done, or the request is closed.
    command: str


def checklist(request: RequestRow, sentences: Sequence[Sentence]) -> Iterator[Step]:
    """Yield the steps of a request in their order; the id is not stored, and stands as ``ID``."""

    def step(text: str, done_at: datetime | None, command: str) -> Step:
        return Step(text, done_at, "" if done_at or request.closed_at else command)

    kind, number = request.kind, request.id
    yield step("request opened", request.opened_at, "")
    yield step(
        "sentences of staff searched for",
        request.searched_at,
        f"driftwarden requests open --kind {kind} --subject ID --name NAME",
    )
    erasing = step(
        "erased, and nothing found", request.answered_at, "driftwarden forget --subject ID"
    )
    if kind == "erasure":
        yield erasing
    n_waiting = count_waiting(sentences)
    n_all = len({sentence.row.number for sentence in sentences})
    choice = "--include or --exclude" if kind == "access" else "--erase or --keep"
    decided = [sentence.row.decided_at for sentence in sentences if sentence.row.decided_at]
    yield step(
        f"decisions on sentences of staff ({n_all - n_waiting} of {n_all})",
        None if n_waiting else max(decided, default=request.searched_at),
        f"driftwarden requests decide {number} SENTENCE {choice} --reason WHY --as NAME",
    )
    missing = open_steps(request, sentences)
    if kind == "access":
        yield step(
            "export written after the decisions",
            None if missing else request.answered_at,
            "driftwarden subject export ID --output FOLDER",
        )
    else:
        yield step(
            "verified: nothing found",
            request.verified_at,
            "driftwarden forget --subject ID --verify",
        )
    close = f"driftwarden requests close {number} --as NAME"
    yield step("request closed", request.closed_at, close)
