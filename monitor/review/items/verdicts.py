"""What a reviewer says, and whether two of them agree."""

import unicodedata
from typing import Annotated, Literal, TypeVar

import msgspec

from monitor.errors import WorkflowError
from monitor.store.review.reviews import ReviewRow

Verdict = Literal["accept", "correct", "reject"]
ErrorKind = Literal["", "knowledge", "format", "tone", "judgement", "unsafe", "other"]
#: Whether an expert, given only what the model was given, could have produced the right answer:
#: ``yes`` points to the prompt or to retrieval, ``facts_missing`` to retrieval, and
#: ``needs_judgement`` to fine-tuning.
Answerable = Literal["", "yes", "facts_missing", "needs_judgement"]
Score = Annotated[int, msgspec.Meta(ge=1, le=5)]
LongText = Annotated[str, msgspec.Meta(max_length=200_000)]
Comment = Annotated[str, msgspec.Meta(max_length=10_000)]

SCORES = ("accuracy", "completeness", "tone", "compliance")
#: A difference of a score from which two reviewers disagree.
SCORE_GAP = 2


class Judgement(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A verdict on a response, with what the response should have been."""

    verdict: Verdict
    error_kind: ErrorKind = ""
    answerable: Answerable = ""
    corrected_response: LongText = ""
    comment: Comment = ""


class ReviewInput(Judgement, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a reviewer submits."""

    accuracy: Score
    completeness: Score
    tone: Score
    compliance: Score


JudgementT = TypeVar("JudgementT", bound=Judgement)


def check_judgement(judgement: JudgementT, response: str) -> JudgementT:
    """Check a judgement against the model's response.

    Returns:
        The judgement as it is to be stored: with the text of the right response, and without
        answers that its verdict doesn't ask for.

    Raises:
        WorkflowError: It doesn't hold together; the message says what is missing.
    """
    comment = judgement.comment.strip()
    corrected = judgement.corrected_response.strip()
    if judgement.verdict == "accept":
        if corrected and normalise(corrected) != normalise(response):
            raise WorkflowError("you changed the response: the verdict is Correct, not Accept")
        return msgspec.structs.replace(
            judgement, error_kind="", answerable="", corrected_response=response, comment=comment
        )
    if not judgement.error_kind:
        raise WorkflowError("say which kind of error it is")
    if not judgement.answerable:
        raise WorkflowError(
            "say whether an expert, given only what the model was given, could have produced the "
            "right answer"
        )
    if judgement.verdict == "correct":
        if not corrected:
            raise WorkflowError("write the response as it should have been, or reject it")
        if normalise(corrected) == normalise(response):
            raise WorkflowError("the corrected response equals the model's: change it or accept it")
    elif normalise(corrected) == normalise(response):
        corrected = ""  # the editor was never touched
    return msgspec.structs.replace(judgement, corrected_response=corrected, comment=comment)


def reasons_to_disagree(first: ReviewRow, second: ReviewRow) -> list[str]:
    """Return why two reviews don't agree; nothing where they do."""
    reasons = differences(
        (first.verdict, first.error_kind, first.corrected_response),
        (second.verdict, second.error_kind, second.corrected_response),
    )
    return reasons + [
        name for name in SCORES if abs(getattr(first, name) - getattr(second, name)) >= SCORE_GAP
    ]


def differences(first: tuple[str, str, str], second: tuple[str, str, str]) -> list[str]:
    """Return in what two judgements differ that matters.

    Args:
        first: Verdict, kind of error and text of the right response.
        second: The other's.
    """
    reasons = []
    if first[0] != second[0]:
        reasons.append("verdict")
    if (first[1] == "unsafe") != (second[1] == "unsafe"):
        reasons.append("unsafe")
    if normalise(first[2]) != normalise(second[2]):
        reasons.append("corrected response")
    return reasons


def normalise(text: str) -> str:
    """Return a text without differences that no reader sees."""
    return " ".join(unicodedata.normalize("NFC", text).split())
