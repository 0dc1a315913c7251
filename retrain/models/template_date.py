"""The date that chat templates render: a constant, so that a run doesn't depend on its day.

Templates such as Llama 3.2's and gpt-oss's write the current date into each conversation. By it the
same seed would give another adapter on another day, a run that is resumed after midnight would mix
two, and systems of one evaluation could see different prompts.
"""

from collections.abc import Iterator
from datetime import date, datetime, tzinfo
from typing import Any, Self

#: The date that Llama 3.1's own template has where it is told none.
TEMPLATE_DATE = date(2024, 7, 26)
#: As a training run and a version record it.
RECORDED = TEMPLATE_DATE.isoformat()


class FixedDate(datetime):
    """A clock for templates that has stopped at :data:`TEMPLATE_DATE`."""

    #: Whether a template of this process has rendered it.
    is_rendered = False

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Self:
        """Return the constant."""
        cls.is_rendered = True
        return cls(TEMPLATE_DATE.year, TEMPLATE_DATE.month, TEMPLATE_DATE.day, tzinfo=tz)


def fix_template_date() -> None:
    """Let all templates of this process render the constant instead of the current date.

    An argument of ``apply_chat_template`` can't: templates get no functions from it. The template
    itself stays as it is, since it is saved with a model that then serves.
    """
    from transformers.utils import chat_template_utils as rendering  # noqa: PLC0415 - heavy

    rendering.datetime = FixedDate


def renders_date(tokenizer: Any) -> bool:
    """Return whether a tokenizer's template asks for the current date."""
    return "strftime_now" in str(tokenizer.chat_template)


def date_lineage(tokenizer: Any) -> dict[str, str]:
    """Return what a version's lineage records of the date: nothing where none is rendered."""
    return {"template_date": RECORDED} if renders_date(tokenizer) else {}


def date_remarks() -> Iterator[str]:
    """Yield a remark for an evaluation whose templates have rendered the date."""
    if FixedDate.is_rendered:
        yield (
            f"the chat template renders the current date: all systems responded on {RECORDED}, as "
            "in training"
        )
