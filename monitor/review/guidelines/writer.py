"""A taxonomy as the Markdown that it could have been read from."""

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
    """Writes texts of several lines as people do."""


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _represent_text)


def as_markdown(taxonomy: Taxonomy) -> str:
    """Return one file that reads back as the same taxonomy, of the same version."""
    parts = [f"---\n{_keys(taxonomy.default_template)}---"]
    for task_type in taxonomy.task_types.values():
        parts.extend(_task_type(task_type, taxonomy.default_template))
    return "\n\n".join(parts) + "\n"


def guidelines_as_markdown(told: TaskType) -> str:
    """Return what a reviewer needs to know of a task type, without how production asks."""
    return "\n\n".join(_guidelines(told)) + "\n"


def _task_type(told: TaskType, default: Template) -> Iterator[str]:
    yield from _guidelines(told)
    if told.template != default:
        yield "## Template"
        yield _fence("yaml", _keys(told.template).removesuffix("\n"))


def _guidelines(told: TaskType) -> Iterator[str]:
    yield f"# {told.name}: {told.title}"
    if told.description:
        yield told.description
    yield "## Input types"
    yield _list(told.input_types)
    yield "## Correct output"
    yield told.correct_output
    yield "## Criteria"
    yield _list(told.criteria)
    yield "## Edge cases"
    for case in told.edge_cases:
        yield from _edge_case(case)
    if not isinstance(told.output_format, FreeText):
        yield "## Output format"
        yield _fence(*_format(told.output_format))


def _edge_case(case: EdgeCase) -> Iterator[str]:
    yield f"### {case.title}"
    if case.guidance:
        yield case.guidance
    for example in case.examples:
        yield _fence("input", example.input)
        yield _fence("output", example.output)


def _format(told: OutputFormat) -> tuple[str, str]:
    match told:
        case JsonSchema():
            return "json schema", json.dumps(told.schema, ensure_ascii=False, indent=2)
        case Regex():
            return "regex", told.pattern
        case Labels():
            return "labels", "\n".join(told.labels)
        case Code():
            return "code", ""
        case FreeText():
            return "text", ""


def _keys(template: Template) -> str:
    keys = {
        "system_prompt": template.system_prompt,
        "style": template.style,
        "answer": template.answer,
    }
    return yaml.dump(keys, Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=100)


def _list(items: Iterable[str]) -> str:
    return "\n".join("- " + item.replace("\n", "\n  ") for item in items)


def _fence(info: str, content: str) -> str:
    longest = max((len(found) for found in re.findall(r"`+", content)), default=0)
    marks = "`" * max(3, longest + 1)
    return f"{marks}{info}\n{content}\n{marks}"
