"""Examples of files in production's template: the three forms, and the parts they lack."""

from pathlib import Path
from typing import Any

import pytest

from monitor.errors import InputError
from monitor.review.export.file_examples import (
    missing_parts,
    missing_system_prompts,
    render_row,
)
from monitor.review.export.training_examples import without_task_types
from monitor.review.guidelines import Taxonomy, load_taxonomy
from tests.support.review.gold_items import TAXONOMY

BARE = without_task_types("Be {brief}.")


@pytest.fixture
def taxonomy_of(tmp_path: Path):
    def load(style: str, response: str = "") -> Taxonomy:
        keys = f"style: {style}\n" + (f'response: "{response}"\n' if response else "")
        path = tmp_path / "taxonomy.md"
        path.write_text(TAXONOMY.replace("---\n\n#", f"{keys}---\n\n#", 1), encoding="utf-8")
        return load_taxonomy(path)

    return load


def row(**values: Any) -> dict[str, Any]:
    return {"input": "Where is my card?", "output": "Block it.", **values}


def response(rendered: dict[str, Any]) -> str:
    return str(rendered["messages"][-1]["content"])


def test_parts_get_productions_template(taxonomy_of) -> None:
    taxonomy = taxonomy_of("chain_of_thought", "{reasoning} => {answer}")
    rendered = render_row(row(reasoning="It is lost.", task_type="card_lost"), taxonomy)
    assert rendered == {
        "messages": [
            {"role": "system", "content": "You answer card_lost for a bank."},
            {"role": "user", "content": "Where is my card?"},
            {"role": "assistant", "content": "It is lost. => Block it."},
        ],
        "metadata": {"task_type": "card_lost"},
    }


def test_classification_states_its_criteria_first(taxonomy_of) -> None:
    taxonomy = taxonomy_of("classification")
    rendered = render_row(row(output="card_lost", criteria=["no card", "no theft"]), taxonomy)
    assert response(rendered) == "Criteria:\n- no card\n- no theft\n\nLabel: card_lost"
    template = taxonomy.template_of("card_lost")
    assert template.split(response(rendered)) == ("- no card\n- no theft", "card_lost")
    assert template.final_answer_in(response(rendered)) == "card_lost"


@pytest.mark.parametrize(
    ("part", "text"),
    [
        ({}, "Block it."),
        ({"reasoning": "It is lost."}, "<think>\nIt is lost.\n</think>\n\nBlock it."),
        ({"criteria": "It is lost."}, "Criteria:\nIt is lost.\n\nLabel: Block it."),
    ],
)
def test_without_a_taxonomy_the_part_gives_the_form(part: dict[str, str], text: str) -> None:
    rendered = render_row(row(**part, metadata={"id": "7"}), BARE)
    assert response(rendered) == text
    assert rendered["messages"][0] == {"role": "system", "content": "Be {brief}."}
    assert rendered["metadata"] == {"id": "7"}


def test_conversations_are_left_as_they_are() -> None:
    whole = {"messages": [{"role": "user", "content": "q"}], "anything": 1}
    assert render_row(whole, BARE) is whole
    turns = [{"role": "system", "content": "mine"}, {"role": "user", "content": "q"}]
    assert render_row(row(input=turns), BARE)["messages"][:-1] == turns


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"answers": "x"}, "unknown key: 'answers'"),
        ({"output": " "}, '"output" must be a text'),
        ({"input": []}, '"input" must be'),
        ({"reasoning": ["a", 1]}, "'reasoning' must be"),
        ({"reasoning": "a", "criteria": "b"}, "can't both"),
        ({"criteria": "b"}, "the template of production has reasoning"),
    ],
)
def test_wrong_part_is_named(taxonomy_of, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        render_row(row(**changes), taxonomy_of("chain_of_thought"))


def test_examples_without_the_required_part_are_counted(taxonomy_of) -> None:
    taxonomy = taxonomy_of("chain_of_thought")
    rows = [
        render_row(row(task_type="card_lost", **part), taxonomy)
        for part in ({"reasoning": "It is lost."}, {}, {"output": "<think> </think> Block it."})
    ]
    (remark,) = missing_parts(rows, taxonomy)
    assert remark.startswith("2 of 3 examples of card_lost have no reasoning")
    assert missing_parts(rows[:1], taxonomy) == missing_parts(rows, BARE) == []
    assert "no criteria" in missing_parts(rows[:1], taxonomy_of("classification"))[0]


def test_conversations_without_productions_system_prompt_are_counted() -> None:
    whole = {"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}
    rows = [{**whole, "metadata": {}}, render_row(row(), without_task_types("Be brief."))]
    (remark,) = missing_system_prompts(rows, without_task_types("Be brief."))
    assert remark.startswith("1 of 2 ")
    assert missing_system_prompts(rows, without_task_types("")) == []
