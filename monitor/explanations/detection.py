"""Search for the changes of texts that a rule recognises, before embeddings are compared."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from monitor.explanations.copies import find_copies
from monitor.explanations.encodings import find_encodings
from monitor.explanations.equal_lengths import find_cut_off
from monitor.explanations.found_explanation import FoundExplanation
from monitor.explanations.languages import find_languages
from monitor.explanations.large_users import find_large_users
from monitor.explanations.letter_case import find_letter_case
from monitor.explanations.markup import find_markup
from monitor.explanations.ordering import importance
from monitor.explanations.punctuation import find_punctuation
from monitor.explanations.scripts import find_scripts
from monitor.explanations.share_changes import LEVEL, MIN_CANDIDATE_ROWS, Shares
from monitor.explanations.templates import find_templates
from monitor.explanations.text_side import TextSide

#: Least difference of the shares of an explanation.
MIN_DIFFERENCE = 0.01
#: Form is compared apart from new languages where they leave this part of the window.
MIN_REST = 0.5


def find_explanations(
    reference: TextSide,
    current: TextSide,
    *,
    min_difference: float = MIN_DIFFERENCE,
    level: float = LEVEL,
) -> tuple[FoundExplanation, ...]:
    """Return what explains a change of the texts, the most important first.

    One change has one explanation: what a kind covers is taken out before the next is searched.
    Where nothing changed, the chance of any explanation of a kind is at most ``level``.

    Args:
        reference: The prompts, or the responses, of the baseline.
        current: Those of the window. Give all rows: thinned large end users would hide a burst.
        min_difference: Least difference of the shares of both sides.
        level: Of each kind.
    """
    if min(len(reference), len(current)) < MIN_CANDIDATE_ROWS:
        return ()
    search = _Search(Shares.of(reference, current, min_difference, level))
    search.keep(find_large_users(reference, current, level))
    search.keep(find_encodings(search.shares))
    search.keep(find_cut_off(search.shares))
    search.keep(find_templates(search.shares))
    search.keep(find_copies(search.shares))
    before = search.shares
    search.keep(find_languages(search.shares))
    search.keep(find_scripts(search.shares))
    if search.shares.current_left.sum() < MIN_REST * before.current_left.sum():
        search.shares = before
    for find in (find_letter_case, find_punctuation, find_markup):
        search.keep(find(search.shares))
    return tuple(
        sorted(search.explanations, key=lambda item: importance(item.kind, item.difference.mean))
    )


@dataclass
class _Search:
    """Explanations so far, and the comparison of what they leave."""

    shares: Shares
    explanations: list[FoundExplanation] = field(default_factory=list)

    def keep(self, new: Sequence[FoundExplanation]) -> None:
        self.explanations += new
        for explanation in new:
            self.shares = self.shares.after(explanation)
