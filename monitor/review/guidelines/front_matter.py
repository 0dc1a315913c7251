"""Template keys in YAML, from front matter and from the part "Template"."""

from collections.abc import Mapping
from dataclasses import dataclass

import yaml

from monitor.review.guidelines.problems import Problems, suggestion
from monitor.review.guidelines.prompt_template import (
    DEFAULT_RESPONSE,
    PROMPT_PLACEHOLDERS,
    RESPONSE_PLACEHOLDERS,
    Style,
    Template,
    placeholders,
)

KEYS = ("system_prompt", "style", "response")
#: Keys of the front matter: those of the template, and whether reviews have scores.
FILE_KEYS = (*KEYS, "scores")
#: Values of ``scores``.
SWITCH = {"on": True, "true": True, "off": False, "false": False}


@dataclass(frozen=True)
class LocatedValue:
    """A key's value with its line."""

    text: str
    line: int


Keys = Mapping[str, LocatedValue]


def parse_keys(
    source: str, first_line: int, problems: Problems, *, known: tuple[str, ...] = KEYS
) -> dict[str, LocatedValue]:
    """Parse YAML with known keys and text values.

    ``first_line`` is the number of its first line in the file.
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
    except RecursionError:
        problems.add(first_line, "nested too deeply; write `key: value`")
        return {}
    if node is None:
        return {}
    if not isinstance(node, yaml.MappingNode):
        problems.add(first_line, f"no keys; write `key: value` with {', '.join(known)}")
        return {}
    return _read(node, first_line, problems, known)


def _read(
    node: yaml.MappingNode, first_line: int, problems: Problems, known: tuple[str, ...]
) -> dict[str, LocatedValue]:
    values: dict[str, LocatedValue] = {}
    for key_node, value_node in node.value:
        line = first_line + key_node.start_mark.line
        key = str(key_node.value)
        if key not in known:
            hint = "; write response instead" if key == "answer" else suggestion(key, known)
            problems.add(line, f"unknown key: {key!r}{hint}")
        elif key in values:
            problems.add(line, f"duplicate key: {key!r}; the first is on line {values[key].line}")
        elif not isinstance(value_node, yaml.ScalarNode):
            problems.add(line, f"{key!r} is no text; write one")
        else:
            values[key] = LocatedValue(value_node.value.strip("\n"), line)
    return values


def read_switch(value: LocatedValue, problems: Problems) -> bool:
    """Return whether a value is "on", and add a problem where it is neither "on" nor "off"."""
    word = value.text.strip().casefold()
    if word not in SWITCH:
        problems.add(value.line, f"scores are neither on nor off: {value.text!r}; write on or off")
    return SWITCH.get(word, True)


def make_template(keys: Keys, problems: Problems) -> Template:
    """Return the template that the keys describe, and add its problems."""
    style = _style_of(keys, problems)
    response = keys["response"].text if "response" in keys else DEFAULT_RESPONSE[style]
    if "system_prompt" in keys:
        _check_names(keys["system_prompt"], PROMPT_PLACEHOLDERS, problems)
    if "response" in keys:
        _check_names(keys["response"], RESPONSE_PLACEHOLDERS[style], problems)
        for name in RESPONSE_PLACEHOLDERS[style]:
            if placeholders(response).count(name) != 1:
                problems.add(
                    keys["response"].line,
                    f"the response of style {style!r} needs {{{name}}} exactly once",
                )
    system_prompt = keys["system_prompt"].text if "system_prompt" in keys else ""
    return Template(system_prompt=system_prompt, style=style, response=response)


def _style_of(keys: Keys, problems: Problems) -> Style:
    if "style" not in keys:
        return "direct"
    value = keys["style"]
    for style in RESPONSE_PLACEHOLDERS:
        if style == value.text.strip():
            return style
    problems.add(
        value.line, f"unknown style: {value.text!r}{suggestion(value.text, RESPONSE_PLACEHOLDERS)}"
    )
    return "direct"


def _check_names(value: LocatedValue, known: tuple[str, ...], problems: Problems) -> None:
    for name in dict.fromkeys(placeholders(value.text)):
        if name not in known:
            problems.add(
                value.line,
                f"unknown placeholder: {{{name}}}{suggestion(name, known)}; "
                f"write {{{{{name}}}}} for the literal {{{name}}}",
            )
