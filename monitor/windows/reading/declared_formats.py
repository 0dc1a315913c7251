"""Output formats that the task taxonomy declares."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from monitor.descriptors import OutputFormat
from monitor.errors import TaxonomyError
from monitor.review.guidelines import TaskType, Taxonomy, load_taxonomy
from monitor.review.guidelines.output_formats import FreeText
from monitor.windows.comparison.format_conformance import Formats

log = structlog.get_logger()


@dataclass(frozen=True)
class DeclaredFormats:
    """The declared formats, and the version of the taxonomy that declares them."""

    version: str = ""
    formats: Formats = field(default_factory=dict)


@dataclass(frozen=True)
class _FinalAnswerFormat:
    """The format of the final answer, where the model reasons before it."""

    task_type: TaskType

    def admits(self, response: str) -> bool:
        """Return whether the final answer in a response has the format."""
        final_answer = self.task_type.template.final_answer_in(response)
        return self.task_type.output_format.admits(final_answer)


def load_declared_formats(taxonomy: str) -> DeclaredFormats:
    """Return the output formats that the taxonomy of a path declares.

    An invalid taxonomy declares nothing: formats are learned then, and the log has an error.
    """
    if not taxonomy:
        return DeclaredFormats()
    try:
        loaded = load_taxonomy(Path(taxonomy))
    except TaxonomyError as error:
        log.error("taxonomy_broken", path=taxonomy, problems=str(error))  # noqa: TRY400
        return DeclaredFormats()
    return declared_formats(loaded)


def declared_formats(taxonomy: Taxonomy) -> DeclaredFormats:
    """Return the output formats that a taxonomy declares; ``None`` for free text."""
    formats: Mapping[str, OutputFormat | None] = {
        name: None
        if isinstance(task_type.output_format, FreeText)
        else _FinalAnswerFormat(task_type)
        for name, task_type in taxonomy.task_types.items()
    }
    return DeclaredFormats(taxonomy.version, formats)
