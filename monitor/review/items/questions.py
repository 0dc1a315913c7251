"""Questions of a review for external labeling tools: names, titles and options."""

from collections.abc import Collection
from dataclasses import dataclass

#: By score; see :data:`monitor.review.items.verdicts.SCORES`.
SCORE_TITLES = {
    "accuracy": "Accuracy: 1 wrong, 5 right",
    "completeness": "Completeness: 1 the essential is missing, 5 complete",
    "tone": "Tone: 1 not our tone, 5 our tone",
    "compliance": "Compliance: 1 violates the rules, 5 complies with them",
}

#: The score that a kind of error lowers most.
_LOWERED = {
    "knowledge": "accuracy",
    "judgement": "accuracy",
    "format": "compliance",
    "tone": "tone",
    "unsafe": "compliance",
    "other": "completeness",
}
#: The other scores of a response that was not accepted.
_USUAL = {"correct": 4, "reject": 3}


def proposed_scores() -> dict[str, dict[str, dict[str, int]]]:
    """Return the scores that the page fills in, by verdict and kind of error.

    Two reviewers who leave them as they are never disagree by them: see `verdicts.SCORE_GAP`.
    """
    return {
        verdict: {
            kind: {name: usual - (name == lowered) for name in SCORE_TITLES}
            for kind, lowered in _LOWERED.items()
        }
        for verdict, usual in _USUAL.items()
    }


@dataclass(frozen=True)
class ScoreQuestion:
    """The question of a score."""

    name: str
    title: str
    required: bool


def score_questions(has_scores: Collection[bool]) -> list[ScoreQuestion]:
    """Return the scores to ask for in one form for several items, which have scores or have none.

    None where no item has scores; where some have none, no score is required. The guidelines that
    stand beside an item say which it is.
    """
    if has_scores and not any(has_scores):
        return []
    note = "" if all(has_scores) else " (unless the guidelines say: Scores off)"
    return [ScoreQuestion(name, title + note, not note) for name, title in SCORE_TITLES.items()]


@dataclass(frozen=True)
class Choice:
    """A question with a fixed set of options."""

    name: str
    title: str
    #: Value -> label.
    options: dict[str, str]
    required: bool


CHOICES = (
    Choice(
        "verdict",
        "Verdict",
        {"accept": "Accept", "correct": "Correct", "reject": "Reject"},
        required=True,
    ),
    Choice(
        "error_kind",
        "Kind of error (unless you accept)",
        {
            "knowledge": "Missing knowledge",
            "format": "Wrong format",
            "tone": "Wrong tone",
            "judgement": "Wrong judgement",
            "unsafe": "Unsafe",
            "other": "Other",
        },
        required=False,
    ),
    Choice(
        "answerable",
        "Could an expert, given only what the model was given, have produced the right response? "
        "(unless you accept)",
        {
            "yes": "Yes, the context sufficed",
            "facts_missing": "No, facts were missing",
            "needs_judgement": "No, it requires trained judgement",
        },
        required=False,
    ),
)

CORRECTED = ("corrected_response", "Corrected response")
COMMENT = ("comment", "Comment")
