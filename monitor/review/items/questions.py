"""The questions of a review, for tools other than the page: names, wording and allowed answers."""

from dataclasses import dataclass

SCORES = {
    "accuracy": "Accuracy: 1 wrong, 5 right",
    "completeness": "Completeness: 1 the main thing is missing, 5 nothing is",
    "tone": "Tone: 1 not ours, 5 as it should be",
    "compliance": "Compliance: 1 against the rules, 5 within them",
}


@dataclass(frozen=True)
class Choice:
    """A question with a closed set of answers."""

    name: str
    title: str
    #: Value -> what people read.
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
        "Unless you accept: which kind of error?",
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
        "Unless you accept: could an expert, given only what the model was given, have produced "
        "the right answer?",
        {
            "yes": "Yes, the model had what it needs",
            "facts_missing": "No, facts were missing",
            "needs_judgement": "No, it takes trained judgement",
        },
        required=False,
    ),
)

CORRECTED = ("corrected_response", "The response as it should have been")
COMMENT = ("comment", "Comment")
