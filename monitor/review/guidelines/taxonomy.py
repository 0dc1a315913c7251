"""What a taxonomy says: the kinds of task, and for each what a right answer is."""

from collections.abc import Mapping
from functools import cached_property
from hashlib import sha256

import msgspec

from monitor.review.guidelines.output_formats import Code, FreeText, OutputFormat
from monitor.review.guidelines.prompt_template import Template


class Example(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A request and the right answer to it."""

    input: str
    output: str


class EdgeCase(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A case on which reasonable people would differ, and what is right there."""

    title: str
    #: What to do, in Markdown.
    guidance: str
    examples: tuple[Example, ...]


class TaskType(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A kind of task that the model is given."""

    #: As the traffic names it.
    name: str
    title: str
    #: What it is about, in Markdown; may be empty.
    description: str = ""
    input_types: tuple[str, ...]
    #: What a correct output looks like, in Markdown.
    correct_output: str
    #: By which a reviewer decides.
    criteria: tuple[str, ...]
    edge_cases: tuple[EdgeCase, ...]
    output_format: OutputFormat = FreeText()
    template: Template = Template()

    @property
    def has_fixed_format(self) -> bool:
        """Whether the answers have a form, so that any two that differ can't both be right."""
        return not isinstance(self.output_format, FreeText | Code)


class Taxonomy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, dict=True):
    """The kinds of task, named by the digest of what is said of them."""

    #: By name.
    task_types: Mapping[str, TaskType]
    #: For conversations of any other task type.
    default_template: Template = Template()

    @cached_property
    def version(self) -> str:
        """The SHA-256 of the content, in hex: neither layout nor order of the file counts."""
        return sha256(self.canonical().encode()).hexdigest()

    def canonical(self) -> str:
        """Return the content's one spelling, as JSON."""
        return msgspec.json.encode(self, order="sorted").decode()

    def system_prompt_of(self, task_type: str) -> str:
        """Return the system prompt under which production asks a task of this type."""
        told = self.task_types.get(task_type)
        if told is None:
            return self.default_template.fill({"task_type": task_type})
        return told.template.fill(
            {
                "task_type": told.name,
                "title": told.title,
                "correct_output": told.correct_output,
                "criteria": "\n".join(f"- {one}" for one in told.criteria),
                "output_format": told.output_format.describe(),
            }
        )

    def template_of(self, task_type: str) -> Template:
        """Return the template of a task type; the default one where the taxonomy has no such."""
        told = self.task_types.get(task_type)
        return self.default_template if told is None else told.template


def from_canonical(content: str) -> Taxonomy:
    """Return the taxonomy that :meth:`Taxonomy.canonical` wrote."""
    return msgspec.json.decode(content, type=Taxonomy)
