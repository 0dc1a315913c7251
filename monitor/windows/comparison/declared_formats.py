"""The forms of answers that the task taxonomy declares."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from monitor.descriptors import OutputFormat
from monitor.errors import TaxonomyError
from monitor.review.guidelines import TaskType, load_taxonomy
from monitor.review.guidelines.output_formats import FreeText
from monitor.windows.comparison.format_conformance import Forms

log = structlog.get_logger()


@dataclass(frozen=True)
class DeclaredForms:
    """What is declared, and by which version of the taxonomy; nothing where there is none."""

    version: str = ""
    forms: Forms = field(default_factory=dict)


@dataclass(frozen=True)
class _OfAnswer:
    """The form of the answer alone, where the model reasons before it."""

    task_type: TaskType

    def admits(self, answer: str) -> bool:
        """Tell whether the answer in a text has the form."""
        alone = self.task_type.template.final_answer_in(answer)
        return self.task_type.output_format.admits(alone)


def declared_forms(taxonomy: str) -> DeclaredForms:
    """Return the forms that a taxonomy declares; ``None`` for task types without one.

    One that doesn't hold together declares nothing: forms are learned then, and the log says it.

    Args:
        taxonomy: Its path; empty where none is configured.
    """
    if not taxonomy:
        return DeclaredForms()
    try:
        loaded = load_taxonomy(Path(taxonomy))
    except TaxonomyError as error:
        log.error("taxonomy_broken", path=taxonomy, problems=str(error))  # noqa: TRY400
        return DeclaredForms()
    forms: Mapping[str, OutputFormat | None] = {
        name: None if isinstance(told.output_format, FreeText) else _OfAnswer(told)
        for name, told in loaded.task_types.items()
    }
    return DeclaredForms(loaded.version, forms)
