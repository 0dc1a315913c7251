"""Verdicts of reviewers: their fields, their checks, and the differences between two of them."""

import re
import unicodedata
from typing import Annotated, Literal, TypeVar

import msgspec

from monitor.errors import WorkflowError
from monitor.store.review.reviews import ReviewRow

Verdict = Literal["accept", "correct", "reject"]
ErrorKind = Literal["", "knowledge", "format", "tone", "judgement", "unsafe", "other"]
#: Whether an expert, given only what the model was given, could have produced the right response:
#: ``yes`` points to the prompt or to retrieval, ``facts_missing`` to retrieval, and
#: ``needs_judgement`` to fine-tuning.
Answerable = Literal["", "yes", "facts_missing", "needs_judgement"]
Score = Annotated[int, msgspec.Meta(ge=1, le=5)]
LongText = Annotated[str, msgspec.Meta(max_length=200_000)]
Comment = Annotated[str, msgspec.Meta(max_length=10_000)]

#: What redaction puts in the place of personal data.
REDACTED = re.compile(r"\[[A-Z][A-Z0-9_]{1,31}\]")

SCORES = ("accuracy", "completeness", "tone", "compliance")
#: The least difference of a score at which two reviewers disagree.
SCORE_GAP = 2


class Judgement(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A verdict on a response, with the corrected response."""

    verdict: Verdict
    error_kind: ErrorKind = ""
    answerable: Answerable = ""
    corrected_response: LongText = ""
    comment: Comment = ""


class ReviewInput(Judgement, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A judgement with the four scores, as a reviewer submits it.

    Guidelines may switch the scores off.
    """

    accuracy: Score | None = None
    completeness: Score | None = None
    tone: Score | None = None
    compliance: Score | None = None


JudgementT = TypeVar("JudgementT", bound=Judgement)


def check_judgement(judgement: JudgementT, response: str) -> JudgementT:
    """Check a judgement against the model's response.

    Return the judgement to store: with the correct response's text, and without the fields that its
    verdict doesn't use.

    Raises:
        WorkflowError: Fields are missing or contradict each other; the message names them.
    """
    comment = judgement.comment.strip()
    corrected = judgement.corrected_response.strip()
    if judgement.verdict == "accept":
        if corrected and not _is_unchanged(corrected, response):
            raise WorkflowError(
                "you changed the response; choose Correct instead of Accept, or undo the change",
                code="changed_response",
            )
        return msgspec.structs.replace(
            judgement, error_kind="", answerable="", corrected_response=response, comment=comment
        )
    if not judgement.error_kind:
        raise WorkflowError("choose the kind of error", code="no_error_kind")
    if not judgement.answerable:
        raise WorkflowError(
            "choose whether an expert, given only what the model was given, could have produced "
            "the right response",
            code="no_answerable",
        )
    if judgement.verdict == "correct":
        if not corrected:
            raise WorkflowError(
                "the corrected response is empty; write it, or choose Reject", code="no_correction"
            )
        if normalise(corrected) == normalise(response):
            raise WorkflowError(
                "the corrected response equals the model's; change it, or choose Accept",
                code="unchanged_response",
            )
    elif _is_unchanged(corrected, response):
        corrected = ""  # the editor was never touched
    return msgspec.structs.replace(judgement, corrected_response=corrected, comment=comment)


def check_scores(review: ReviewInput, *, has_scores: bool) -> ReviewInput:
    """Return a review with all four scores, or with none where the guidelines switch them off.

    Raises:
        WorkflowError: A score is missing; the message names it.
    """
    if not has_scores:
        return msgspec.structs.replace(review, **dict.fromkeys(SCORES))
    for name in SCORES:
        if getattr(review, name) is None:
            raise WorkflowError(f"score the {name}: 1 to 5", code="no_score")
    return review


def reasons_to_disagree(first: ReviewRow, second: ReviewRow) -> list[str]:
    """Return the reasons why two reviews disagree; empty if they agree."""
    reasons = differences(
        (first.verdict, first.error_kind, first.corrected_response),
        (second.verdict, second.error_kind, second.corrected_response),
    )
    return reasons + [name for name in SCORES if _gap(first, second, name) >= SCORE_GAP]


def _gap(first: ReviewRow, second: ReviewRow, name: str) -> int:
    """Return the difference of a score; 0 where a review has none."""
    score, other = getattr(first, name), getattr(second, name)
    return 0 if score is None or other is None else abs(score - other)


def differences(first: tuple[str, str, str], second: tuple[str, str, str]) -> list[str]:
    """Return the relevant differences between two judgements.

    Judgements are verdict, kind of error and corrected response.
    """
    reasons = []
    if first[0] != second[0]:
        reasons.append("verdict")
    if (first[1] == "unsafe") != (second[1] == "unsafe"):
        reasons.append("unsafe")
    if normalise(first[2]) != normalise(second[2]):
        reasons.append("corrected response")
    return reasons


def _is_unchanged(text: str, response: str) -> bool:
    """Return whether a text is the response, or what redaction makes of it.

    A response that was stored before a pattern was configured is redacted when it is sent back.
    """
    first, *parts = REDACTED.split(normalise(text))
    whole = normalise(response)
    if not parts:
        return first == whole
    if not whole.startswith(first):
        return False
    place = len(first)
    for part in parts:
        place = whole.find(part, place)
        if place < 0:
            return False
        place += len(part)
    return whole.endswith(parts[-1])


def normalise(text: str) -> str:
    """Return a text in Unicode NFC with single spaces."""
    return " ".join(unicodedata.normalize("NFC", text).split())
