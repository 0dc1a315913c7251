"""Search for the changes of texts that a rule recognises, before embeddings are compared."""

from monitor.explanations.found import FoundExplanation
from monitor.explanations.text_side import TextSide

#: Least difference of the shares of an explanation.
MIN_DIFFERENCE = 0.01


def find_explanations(
    reference: TextSide, current: TextSide, *, min_difference: float = MIN_DIFFERENCE
) -> tuple[FoundExplanation, ...]:
    """Return what explains a change of the texts, the most important first.

    One change has one explanation: what a kind covers is taken out before the next is searched.
    Where nothing changed, the chance of any explanation is at most :data:`LEVEL`.

    Args:
        reference: The prompts, or the responses, of the baseline.
        current: Those of the window. Give all rows: thinned large end users would hide a burst.
        min_difference: Least difference of the shares of both sides.
    """
    raise NotImplementedError
