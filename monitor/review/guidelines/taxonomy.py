"""Task taxonomy: the task types, with what a correct response is for each."""

from collections.abc import Iterable, Mapping
from functools import cached_property
from hashlib import sha256

import msgspec

from monitor.review.guidelines.output_formats import Code, FreeText, OutputFormat
from monitor.review.guidelines.problems import suggestion
from monitor.review.guidelines.prompt_template import Template

#: Task types named in the message on those without guidelines; further ones are counted.
MAX_NAMED = 10


class Example(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A request with its correct response."""

    input: str
    output: str


class EdgeCase(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A case on which reviewers may reasonably differ, with its resolution."""

    title: str
    #: Instructions in Markdown.
    guidance: str
    examples: tuple[Example, ...]


class TaskType(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A kind of task of the model."""

    #: As in the traffic.
    name: str
    title: str
    #: In Markdown; may be empty.
    description: str = ""
    input_types: tuple[str, ...]
    #: What a correct output looks like, in Markdown.
    correct_output: str
    #: Criteria of the verdict.
    criteria: tuple[str, ...]
    edge_cases: tuple[EdgeCase, ...]
    output_format: OutputFormat = FreeText()
    template: Template = Template()
    #: ``False``: reviews have no scores. Unset otherwise, so that digests stay what they were.
    scores: bool | msgspec.UnsetType = msgspec.UNSET

    @property
    def has_scores(self) -> bool:
        """Whether reviewers score responses from 1 to 5."""
        return self.scores is not False

    @property
    def has_fixed_format(self) -> bool:
        """Whether responses have a fixed format, so that two different ones can't both be right."""
        return not isinstance(self.output_format, FreeText | Code)


class Taxonomy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, dict=True):
    """The task types, versioned by the digest of their content."""

    #: By name.
    task_types: Mapping[str, TaskType]
    #: For conversations of other task types.
    default_template: Template = Template()

    @cached_property
    def version(self) -> str:
        """The SHA-256 of the content in hex, whatever the file's layout and order."""
        return sha256(self.canonical().encode()).hexdigest()

    def canonical(self) -> str:
        """Return the canonical JSON of the content."""
        return msgspec.json.encode(self, order="sorted").decode()

    def system_prompt_of(self, task_type: str) -> str:
        """Return the system prompt that production uses for a task type."""
        declared = self.task_types.get(task_type)
        if declared is None:
            return self.default_template.fill({"task_type": task_type})
        return declared.template.fill(
            {
                "task_type": declared.name,
                "title": declared.title,
                "correct_output": declared.correct_output,
                "criteria": "\n".join(f"- {criterion}" for criterion in declared.criteria),
                "output_format": declared.output_format.describe(),
            }
        )

    def template_of(self, task_type: str) -> Template:
        """Return the template of a task type; the default one for unknown task types."""
        declared = self.task_types.get(task_type)
        return self.default_template if declared is None else declared.template


def from_canonical(content: str) -> Taxonomy:
    """Return the taxonomy that :meth:`Taxonomy.canonical` wrote."""
    return msgspec.json.decode(content, type=Taxonomy)


def missing_task_types(taxonomy: Taxonomy, seen: Iterable[str]) -> str:
    """Return a message on the traffic's task types that a taxonomy lacks; empty if it has all."""
    missing = [name for name in seen if name not in taxonomy.task_types]
    if not missing:
        return ""
    named = ", ".join(missing[:MAX_NAMED])
    more = f" and {len(missing) - MAX_NAMED} more" if len(missing) > MAX_NAMED else ""
    hint = suggestion(missing[0], taxonomy.task_types) if len(missing) == 1 else ""
    return f"task types of the traffic without guidelines: {named}{more}{hint}"
