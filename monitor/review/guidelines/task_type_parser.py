"""Parser of a task type's section: its parts and their problems."""

from collections.abc import Callable, Mapping

import msgspec

from monitor.review.guidelines.format_parser import parse_format
from monitor.review.guidelines.front_matter import (
    LocatedValue,
    make_template,
    parse_keys,
    read_switch,
)
from monitor.review.guidelines.output_formats import FreeText, OutputFormat
from monitor.review.guidelines.problems import Problems, suggestion
from monitor.review.guidelines.prompt_template import Template
from monitor.review.guidelines.sections import Fence, GuidelineSection
from monitor.review.guidelines.taxonomy import EdgeCase, Example, TaskType

#: Part -> whether it is required.
PARTS = {
    "input types": True,
    "correct output": True,
    "criteria": True,
    "edge cases": True,
    "output format": False,
    "template": False,
    "scores": False,
}


def read_task_type(
    section: GuidelineSection, defaults: Mapping[str, LocatedValue], problems: Problems
) -> TaskType | None:
    """Parse a task type.

    The section is a heading ``name: Title`` of the first level with its content; the defaults are
    template keys of the front matter. ``None``: a required part is missing, which is a problem.
    """
    name, _, title = section.heading.partition(": ")
    name = name.strip().strip("`").strip()
    if not name:
        problems.add(
            section.line,
            "the task type has no name; use that of the traffic: `# card_lost: A card is lost`",
        )
    parts = _parts(section, name, problems)
    template = _template(parts.get("template"), defaults, problems)
    output_format = _output_format(parts.get("output format"), problems)
    edge_cases = _edge_cases(parts.get("edge cases"), output_format, template, problems)
    input_types = _items(parts.get("input types"), problems)
    criteria = _items(parts.get("criteria"), problems)
    correct_output = _prose(parts.get("correct output"), problems)
    scores = _has_scores(parts.get("scores"), defaults, problems)
    if not (name and input_types and criteria and correct_output and edge_cases):
        return None
    return TaskType(
        name=name,
        title=title.strip() or name,
        description=section.markdown,
        input_types=input_types,
        correct_output=correct_output,
        criteria=criteria,
        edge_cases=edge_cases,
        output_format=output_format,
        template=template,
        scores=msgspec.UNSET if scores else False,
    )


def _parts(section: GuidelineSection, name: str, problems: Problems) -> dict[str, GuidelineSection]:
    parts: dict[str, GuidelineSection] = {}
    for child in section.children:
        part = " ".join(child.heading.split()).casefold()
        if child.level != 2:
            problems.add(child.line, f"{child.heading!r} is outside of a part; use `##` for parts")
        elif part not in PARTS:
            problems.add(child.line, f"unknown part: {child.heading!r}{suggestion(part, PARTS)}")
        elif part in parts:
            first = parts[part].line
            problems.add(
                child.line, f"duplicate part: {child.heading!r}; the first is on line {first}"
            )
        else:
            parts[part] = child
            _check_headings(child, part, problems)
    for part, needed in PARTS.items():
        if needed and part not in parts:
            heading = part.capitalize()
            problems.add(
                section.line, f"{name or 'the task type'} lacks the part `## {heading}`; add it"
            )
    return parts


def _check_headings(section: GuidelineSection, part: str, problems: Problems) -> None:
    if part != "edge cases":
        for child in section.children:
            problems.add(
                child.line, f"a heading ### outside of edge cases; use #### in {section.heading!r}"
            )


def _items(section: GuidelineSection | None, problems: Problems) -> tuple[str, ...]:
    if section is None:
        return ()
    items = tuple(item for item in section.items if item)
    if items and (section.has_loose_text or section.fences):
        problems.add(
            section.line, f"{section.heading!r} has content outside of its list; make it an item"
        )
    if not items:
        problems.add(section.line, f"{section.heading!r} is empty; write a list of `- ` items")
    return items


def _prose(section: GuidelineSection | None, problems: Problems) -> str:
    if section is None:
        return ""
    if not section.markdown:
        problems.add(section.line, f"{section.heading!r} is empty; describe the correct output")
    return section.markdown


def _template(
    section: GuidelineSection | None, defaults: Mapping[str, LocatedValue], problems: Problems
) -> Template:
    own: dict[str, LocatedValue] = {}
    if section is not None:
        if [fence.info for fence in section.fences] != ["yaml"]:
            problems.add(
                section.line,
                "'Template' holds one block ```yaml with system_prompt, style, response",
            )
        else:
            (fence,) = section.fences
            own = parse_keys(fence.content, fence.line + 1, problems)
    inherited = dict(defaults)
    if "style" in own:
        inherited.pop("response", None)  # it has the form of the other style
    return make_template({**inherited, **own}, problems)


def _has_scores(
    section: GuidelineSection | None, defaults: Mapping[str, LocatedValue], problems: Problems
) -> bool:
    if section is not None:
        return read_switch(LocatedValue(section.markdown, section.line), problems)
    return read_switch(defaults["scores"], problems) if "scores" in defaults else True


def _output_format(section: GuidelineSection | None, problems: Problems) -> OutputFormat:
    if section is None:
        return FreeText()
    if len(section.fences) != 1:
        problems.add(
            section.line,
            "'Output format' holds one block: ```json schema, ```regex, ```labels, ```code or "
            "```text; omit the part for free text",
        )
        return FreeText()
    if section.has_loose_text:
        problems.add(
            section.line, "'Output format' has text besides its block; move it to another part"
        )
    (fence,) = section.fences
    declared, wrong = parse_format(fence.info, fence.content)
    for line, message in wrong:
        problems.add(fence.line + 1 + line, message)
    return declared or FreeText()


def _edge_cases(
    section: GuidelineSection | None, form: OutputFormat, template: Template, problems: Problems
) -> tuple[EdgeCase, ...]:
    if section is None:
        return ()
    if not section.children:
        problems.add(section.line, "'Edge cases' is empty; give each a heading `###`")
    if section.text:
        problems.add(section.line, "text outside of an edge case; move it under a heading `###`")
    for fence in section.fences:
        problems.add(
            fence.line, "an example outside of an edge case; move it under a heading `###`"
        )
    seen: dict[str, int] = {}
    cases = []
    for child in section.children:
        title = " ".join(child.heading.split())
        if not title:
            problems.add(child.line, "an edge case has no title; write one after `###`")
        if title in seen:
            problems.add(
                child.line,
                f"duplicate edge case: {title!r}; the first is on line {seen[title]}",
            )
        seen.setdefault(title, child.line)

        def violation(output: str) -> str:
            return form.violation(template.final_answer_in(output))

        examples = _examples(child, violation, problems)
        cases.append(EdgeCase(title=title, guidance=child.text, examples=examples))
    return tuple(cases)


def _examples(
    section: GuidelineSection, violation: Callable[[str], str], problems: Problems
) -> tuple[Example, ...]:
    examples: list[Example] = []
    pending: Fence | None = None
    complete = True
    for fence in section.fences:
        if fence.info not in {"input", "output"}:
            problems.add(
                fence.line,
                f"unknown block: {fence.info!r}; write pairs of ```input and ```output",
            )
            complete = False
        elif not fence.content.strip():
            problems.add(fence.line, f"the {fence.info} is empty; write one")
            complete = False
        elif fence.info == "input":
            if pending is not None:
                problems.add(pending.line, "an input without an output; add ```output")
            pending = fence
        elif pending is None:
            problems.add(fence.line, "an output without an input; add ```input before it")
            complete = False
        else:
            if reason := violation(fence.content):
                problems.add(
                    fence.line, f"the example violates the task type's output format: {reason}"
                )
            examples.append(Example(pending.content, fence.content))
            pending = None
    if pending is not None:
        problems.add(pending.line, "an input without an output; add ```output")
    elif not examples and complete:
        problems.add(
            section.line,
            f"the edge case {section.heading!r} has no example; add ```input and ```output",
        )
    return tuple(examples)
