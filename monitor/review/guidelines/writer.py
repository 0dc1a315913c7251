"""Writer of a taxonomy, and of a task type's guidelines, in Markdown."""

import json
import re
from collections.abc import Iterable, Iterator

import yaml

from monitor.review.guidelines.output_formats import (
    Code,
    FreeText,
    JsonSchema,
    Labels,
    OutputFormat,
    Regex,
)
from monitor.review.guidelines.prompt_template import Template
from monitor.review.guidelines.taxonomy import EdgeCase, TaskType, Taxonomy


class _Dumper(yaml.SafeDumper):
    """YAML dumper that writes multi-line texts as YAML blocks."""


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _represent_text)


def as_markdown(taxonomy: Taxonomy) -> str:
    """Return a taxonomy as one file that loads with the same version."""
    parts = [f"---\n{_keys(taxonomy.default_template)}---"]
    for task_type in taxonomy.task_types.values():
        parts.extend(_task_type(task_type, taxonomy.default_template))
    return "\n\n".join(parts) + "\n"


def guidelines_as_markdown(task_type: TaskType) -> str:
    """Return a task type's guidelines, without its template."""
    return "\n\n".join(_guidelines(task_type)) + "\n"


def _task_type(task_type: TaskType, default: Template) -> Iterator[str]:
    yield from _guidelines(task_type)
    if task_type.template != default:
        yield "## Template"
        yield _fence("yaml", _keys(task_type.template).removesuffix("\n"))


def _guidelines(task_type: TaskType) -> Iterator[str]:
    yield f"# {task_type.name}: {task_type.title}"
    if task_type.description:
        yield task_type.description
    yield "## Input types"
    yield _list(task_type.input_types)
    yield "## Correct output"
    yield task_type.correct_output
    yield "## Criteria"
    yield _list(task_type.criteria)
    yield "## Edge cases"
    for case in task_type.edge_cases:
        yield from _edge_case(case)
    if not isinstance(task_type.output_format, FreeText):
        yield "## Output format"
        yield _fence(*_format(task_type.output_format))
    if not task_type.has_scores:
        yield "## Scores"
        yield "off"


def _edge_case(case: EdgeCase) -> Iterator[str]:
    yield f"### {case.title}"
    if case.guidance:
        yield case.guidance
    for example in case.examples:
        yield _fence("input", example.input)
        yield _fence("output", example.output)


def _format(output_format: OutputFormat) -> tuple[str, str]:
    match output_format:
        case JsonSchema():
            return "json schema", json.dumps(output_format.schema, ensure_ascii=False, indent=2)
        case Regex():
            return "regex", output_format.pattern
        case Labels():
            return "labels", "\n".join(output_format.labels)
        case Code():
            return "code", ""
        case FreeText():
            return "text", ""


def _keys(template: Template) -> str:
    keys = {
        "system_prompt": template.system_prompt,
        "style": template.style,
        "response": template.response,
    }
    return yaml.dump(keys, Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=100)


def _list(items: Iterable[str]) -> str:
    return "\n".join("- " + item.replace("\n", "\n  ") for item in items)


def _fence(info: str, content: str) -> str:
    longest = max((len(ticks) for ticks in re.findall(r"`+", content)), default=0)
    marks = "`" * max(3, longest + 1)
    return f"{marks}{info}\n{content}\n{marks}"
