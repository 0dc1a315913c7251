"""Taxonomies written as Markdown and read back."""

import tempfile
from importlib.resources import files
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.review.guidelines import TaskType, Taxonomy, Template, load_taxonomy
from monitor.review.guidelines.output_formats import Code, FreeText, JsonSchema, Labels, Regex
from monitor.review.guidelines.prompt_template import DEFAULT_RESPONSE
from monitor.review.guidelines.taxonomy import EdgeCase, Example, from_canonical
from monitor.review.guidelines.writer import as_markdown

STARTER = files("monitor.review.guidelines").joinpath("starter.md").read_text(encoding="utf-8")

words = st.text("abcdefgäöü漢字'\"&%;()", min_size=1, max_size=8)
#: Text that Markdown doesn't read as a heading, list, fence or comment.
prose = st.lists(words, min_size=1, max_size=6).map(lambda fields: "x " + " ".join(fields))
#: What people paste: everything but control characters, which no Markdown file keeps.
pasted = st.text(
    st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp"), include_characters="\n\t"),
    min_size=1,
    max_size=60,
).filter(lambda fields: fields.strip())
blocks = st.sampled_from(["```json\n{}\n```", "- a\n- b", "#### In short", "| a | b |\n| - | - |"])
templates = st.builds(
    lambda prompt, style: Template(
        system_prompt=prompt, style=style, response=DEFAULT_RESPONSE[style]
    ),
    st.one_of(st.just(""), prose, st.lists(prose, min_size=2, max_size=3).map("\n".join)),
    st.sampled_from(["direct", "chain_of_thought", "classification"]),
)
names = st.text("abcdefgh_0123456789-./", min_size=1, max_size=12).filter(
    lambda name: name.strip("-./_") == name
)


@st.composite
def task_types(draw: st.DrawFn, name: str) -> TaskType:
    form = draw(
        st.sampled_from(
            [
                FreeText(),
                Code(),
                Labels(("one", "two")),
                Regex("[a-c]{1,9}"),
                JsonSchema({"type": "object", "properties": {"ä": {"enum": ["x", 1, None]}}}),
            ]
        )
    )
    right = {
        FreeText: draw(pasted),
        Code: "````\ncode\n````",
        Labels: "one",
        Regex: "abc",
        JsonSchema: '{"ä": 1}',
    }[type(form)]
    titles = draw(st.lists(prose, min_size=1, max_size=3, unique=True))
    return TaskType(
        name=name,
        title=draw(prose),
        description=draw(st.one_of(st.just(""), prose)),
        input_types=tuple(draw(st.lists(prose, min_size=1, max_size=3))),
        correct_output="\n\n".join(draw(st.lists(prose | blocks, min_size=1, max_size=3))),
        criteria=tuple(draw(st.lists(prose, min_size=1, max_size=3))),
        edge_cases=tuple(
            EdgeCase(
                title=title,
                guidance=draw(st.one_of(st.just(""), prose)),
                examples=(Example(draw(pasted), right),),
            )
            for title in titles
        ),
        output_format=form,
        template=draw(templates),
    )


@st.composite
def taxonomies(draw: st.DrawFn) -> Taxonomy:
    fields = draw(st.lists(names, min_size=1, max_size=3, unique_by=str.casefold))
    return Taxonomy(
        task_types={name: draw(task_types(name)) for name in sorted(fields)},
        default_template=draw(templates),
    )


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(taxonomies())
def test_markdown_keeps_every_word(taxonomy: Taxonomy) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "taxonomy.md"
        path.write_text(as_markdown(taxonomy), encoding="utf-8", newline="")
        again = load_taxonomy(path)
    assert taxonomy == again
    assert taxonomy.version == again.version
    assert taxonomy == from_canonical(taxonomy.canonical())


def test_starter_taxonomy_is_valid_and_has_every_part(tmp_path: Path) -> None:
    path = tmp_path / "taxonomy.md"
    path.write_text(STARTER, encoding="utf-8")
    taxonomy = load_taxonomy(path)
    assert list(taxonomy.task_types) == ["card_lost", "intent"]
    assert taxonomy.task_types["intent"].output_format.admits(" Card_Lost ")
    assert "card_lost, fees" in taxonomy.system_prompt_of("intent")
    assert "Example Bank" in taxonomy.system_prompt_of("card_lost")


def test_the_example_of_the_documentation_holds_together(tmp_path: Path) -> None:
    page = Path(__file__).parents[3] / "docs" / "how-to" / "write-a-taxonomy.md"
    _, _, rest = page.read_text(encoding="utf-8").partition("````markdown\n")
    path = tmp_path / "taxonomy.md"
    path.write_text(rest.partition("````")[0], encoding="utf-8")
    assert list(load_taxonomy(path).task_types) == ["card_lost"]


@pytest.mark.parametrize(
    ("template", "text", "parts"),
    [
        (Template(), " yes \n", ("", "yes")),
        (Template(response="Answer: {answer}"), "Answer:\n yes", ("", "yes")),
        (Template(response="Answer: {answer}"), "yes", ("", "yes")),
        (
            Template(style="chain_of_thought", response=DEFAULT_RESPONSE["chain_of_thought"]),
            "<think>because</think>yes",
            ("because", "yes"),
        ),
        (
            Template(style="chain_of_thought", response=DEFAULT_RESPONSE["chain_of_thought"]),
            "<think></think>yes",
            None,
        ),
        (
            Template(style="chain_of_thought", response=DEFAULT_RESPONSE["chain_of_thought"]),
            "yes",
            None,
        ),
        (
            Template(style="chain_of_thought", response="{reasoning}\n#### {answer}"),
            "6 times 7\nis 42\n#### 42",
            ("6 times 7\nis 42", "42"),
        ),
    ],
)
def test_reasoning_and_response_are_distinguished(
    template: Template, text: str, parts: tuple[str, str] | None
) -> None:
    assert parts == template.split(text)
    if parts is not None:
        assert parts == template.split(template.write(*parts))


def test_braces_that_are_no_placeholders_stay() -> None:
    template = Template(system_prompt='{"label": {"x": 1}} {{title}} {title}')
    assert template.fill({"title": "Fees"}) == '{"label": {"x": 1}} {title} Fees'


def test_a_schema_fetches_nothing_and_takes_a_fence() -> None:
    form = JsonSchema(
        {"type": "object", "required": ["a"], "properties": {"a": {"type": "number"}}}
    )
    assert form.admits('```json\n{"a": 1}\n```')
    assert form.violation('{"a": "x"}').startswith("$.a: 'x' ")
    assert "not valid JSON" in form.violation("a: 1")
    assert not form.admits('{"a": NaN}')
    assert not form.admits("[" * 100_000)
