"""The checklist of a request: what is done, when, and the command of what is not."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from monitor.plurals import pluralize
from monitor.privacy.requests.requests import Sentence, open_steps
from monitor.store.privacy.requests import RequestRow


@dataclass(frozen=True)
class Step:
    """A step of the response to a request."""

    text: str
    #: ``None``: it is to be done.
    done_at: datetime | None
    #: What does it; empty where it is done.
    command: str


def checklist(request: RequestRow, sentences: Sequence[Sentence]) -> Iterator[Step]:
    """Yield the steps of a request in their order; the id is not stored, and stands as ``ID``."""
    kind, number = request.kind, request.id
    yield Step("request opened", request.opened_at, "")
    yield _step(
        "sentences of staff searched for",
        request.searched_at,
        f"driftwarden requests open --kind {kind} --subject ID --name NAME",
    )
    erasing = _step(
        "erased, and nothing found", request.answered_at, "driftwarden forget --subject ID"
    )
    if kind == "erasure":
        yield erasing
    waiting = [sentence for sentence in sentences if sentence.is_waiting]
    choice = "--include or --exclude" if kind == "access" else "--erase or --keep"
    decided = [sentence.row.decided_at for sentence in sentences if sentence.row.decided_at]
    n_decided = len(sentences) - len(waiting)
    yield Step(
        f"{n_decided} of {pluralize(len(sentences), 'sentence')} of staff decided",
        None if waiting else max(decided, default=request.searched_at),
        f"driftwarden requests decide {number} SENTENCE {choice} --reason WHY --as NAME"
        if waiting
        else "",
    )
    missing = open_steps(request, sentences)
    if kind == "access":
        yield _step(
            "export written after the decisions",
            None if missing else request.answered_at,
            "driftwarden subject export ID --output FOLDER",
        )
    else:
        yield _step(
            "verified: nothing found",
            request.verified_at,
            "driftwarden forget --subject ID --verify",
        )
    close = f"driftwarden requests close {number} --as NAME"
    yield _step("request closed", request.closed_at, close)


def _step(text: str, done_at: datetime | None, command: str) -> Step:
    return Step(text, done_at, "" if done_at else command)
