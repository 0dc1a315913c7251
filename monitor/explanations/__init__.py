"""Explanations: changes of texts that a rule recognises, and the texts without them.

Pure functions of texts, end users and times: no settings, no database.
"""

from monitor.explanations.detection import MIN_DIFFERENCE, find_explanations
from monitor.explanations.found_explanation import SLOT, FoundExplanation
from monitor.explanations.ordering import importance
from monitor.explanations.taking_out import RestTexts, take_out
from monitor.explanations.text_side import TextSide

__all__ = [
    "MIN_DIFFERENCE",
    "SLOT",
    "FoundExplanation",
    "RestTexts",
    "TextSide",
    "find_explanations",
    "importance",
    "take_out",
]
