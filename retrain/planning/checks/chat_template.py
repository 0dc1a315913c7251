"""Check of the chat template's generation marks."""

from typing import Any

from monitor.errors import ModelError
from retrain.models.chat_template import has_generation_marks, require_generation_marks
from retrain.planning.checks.finding import Finding


def check_template(tokenizer: Any, origin: str) -> Finding:
    """Check that the chat template marks the assistant's turns."""
    try:
        require_generation_marks(tokenizer, origin)
    except ModelError as error:
        return Finding("chat template", "refused", str(error))
    own = has_generation_marks(tokenizer.chat_template)
    how = "marks the assistant's turns" if own else "is marked by TRL"
    return Finding("chat template", "ok", f"it {how}")
