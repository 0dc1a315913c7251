"""The keys that say how production queries the model: front matter, and the part "Template"."""

from collections.abc import Mapping
from dataclasses import dataclass

import yaml

from monitor.review.guidelines.problems import Problems, suggestion
from monitor.review.guidelines.prompt_template import (
    ANSWER_PLACEHOLDERS,
    DEFAULT_ANSWER,
    PROMPT_PLACEHOLDERS,
    Style,
    Template,
    placeholders,
)

KEYS = ("system_prompt", "style", "answer")


@dataclass(frozen=True)
class LocatedValue:
    """What a key says, and where."""

    text: str
    line: int


#: Key -> what it says.
Keys = Mapping[str, LocatedValue]


def parse_keys(source: str, first_line: int, problems: Problems) -> dict[str, LocatedValue]:
    """Read YAML of known keys with texts.

    Args:
        source: The YAML.
        first_line: Number of its first line in the file.
        problems: Takes what is wrong.
    """
    try:
        node = yaml.compose(source, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = first_line + (mark.line if mark else 0)
        problems.add(line, f"not valid YAML: {error.problem or error.context}")
        return {}
    except yaml.YAMLError as error:  # a character that YAML doesn't allow
        problems.add(first_line, f"not valid YAML: {str(error).splitlines()[0]}")
        return {}
    if node is None:
        return {}
    if not isinstance(node, yaml.MappingNode):
        problems.add(first_line, f"write `key: value`; known keys: {', '.join(KEYS)}")
        return {}
    return _read(node, first_line, problems)


def _read(node: yaml.MappingNode, first_line: int, problems: Problems) -> dict[str, LocatedValue]:
    found: dict[str, LocatedValue] = {}
    for key_node, value_node in node.value:
        line = first_line + key_node.start_mark.line
        key = str(key_node.value)
        if key not in KEYS:
            problems.add(line, f"unknown key {key!r}{suggestion(key, KEYS)}")
        elif key in found:
            problems.add(line, f"{key!r} is there twice; the first is on line {found[key].line}")
        elif not isinstance(value_node, yaml.ScalarNode):
            problems.add(line, f"{key!r} must be a text")
        else:
            found[key] = LocatedValue(value_node.value.strip("\n"), line)
    return found


def make_template(keys: Keys, problems: Problems) -> Template:
    """Return the template that the keys describe, and say what is wrong with it."""
    style = _style_of(keys, problems)
    answer = keys["answer"].text if "answer" in keys else DEFAULT_ANSWER[style]
    if "system_prompt" in keys:
        _check_names(keys["system_prompt"], PROMPT_PLACEHOLDERS, problems)
    if "answer" in keys:
        _check_names(keys["answer"], ANSWER_PLACEHOLDERS[style], problems)
        for name in ANSWER_PLACEHOLDERS[style]:
            if placeholders(answer).count(name) != 1:
                problems.add(
                    keys["answer"].line,
                    f"the answer of the style {style!r} must hold {{{name}}} exactly once",
                )
    system_prompt = keys["system_prompt"].text if "system_prompt" in keys else ""
    return Template(system_prompt=system_prompt, style=style, answer=answer)


def _style_of(keys: Keys, problems: Problems) -> Style:
    if "style" not in keys:
        return "direct"
    told = keys["style"]
    for style in ANSWER_PLACEHOLDERS:
        if style == told.text.strip():
            return style
    problems.add(
        told.line, f"unknown style {told.text!r}{suggestion(told.text, ANSWER_PLACEHOLDERS)}"
    )
    return "direct"


def _check_names(value: LocatedValue, known: tuple[str, ...], problems: Problems) -> None:
    for name in dict.fromkeys(placeholders(value.text)):
        if name not in known:
            problems.add(
                value.line,
                f"unknown placeholder {{{name}}}{suggestion(name, known)}; "
                f"{{{{{name}}}}} stands for the word in braces itself",
            )
