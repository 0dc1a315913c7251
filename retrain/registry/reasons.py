"""Reasons of approvals and of promotions without a gate result."""

import re
import unicodedata

from monitor.errors import WorkflowError

#: Least different words, and characters of words.
MIN_WORDS, MIN_CHARACTERS = 4, 20
#: Least different characters of a script that is written without spaces.
MIN_UNSPACED = 8
_UNSPACED = ("CJK", "HIRAGANA", "KATAKANA", "THAI", "LAO", "KHMER", "MYANMAR")


def require_sentence(reason: str, subject: str) -> str:
    """Return a reason that has the form of a sentence; errors name the subject that needs it.

    The rule keeps out "." and "ok ok ok ok". It can't tell whether a reason is a good one.

    Raises:
        WorkflowError: It has fewer than four different words, or fewer than 20 characters from
            A to Z or of other alphabets.

    Example:
        >>> require_sentence(" The two lost items have wrong reference answers. ", "an approval")
        'The two lost items have wrong reference answers.'
    """
    reason = reason.strip()
    characters = [character for character in reason if character.isalpha()]
    words = {word.casefold() for word in re.findall(r"\w+", reason) if not word.isdigit()}
    unspaced = {
        character
        for character in characters
        if unicodedata.name(character, "").startswith(_UNSPACED)
    }
    is_sentence = len(words) >= MIN_WORDS and len(characters) >= MIN_CHARACTERS
    if not is_sentence and len(unspaced) < MIN_UNSPACED:
        raise WorkflowError(
            f"{subject} needs at least a sentence as reason, with {MIN_WORDS} different words and "
            f"{MIN_CHARACTERS} letters: {reason!r}; say what you looked at and why it is enough",
            code="no_sentence",
        )
    return reason
