"""A recipe's own chat template: a base without any is trained, evaluated and served with it."""

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import Engine

from monitor.errors import ModelError
from monitor.settings import Settings
from monitor.store.engine import make_engine, transaction
from monitor.store.tables import metadata
from monitor.store.training.registry import production_version, version_by_id
from retrain.evaluation.earlier_responses import EarlierResponses
from retrain.evaluation.request import request_for
from retrain.evaluation.weights import LoadedWeights
from retrain.models.base_model import base_of, prepare_base
from retrain.models.generation import Responder
from retrain.planning.checks.example_sizes import measure_examples
from retrain.planning.checks.template import check_template, n_other_prompts
from retrain.planning.starting_point import recipe_from, serving_source
from retrain.recipes.recipe import Recipe, Training
from retrain.registry.stages import promote, register_version
from retrain.run_folder import RunFolder
from retrain.training.runs import plan_run
from tests.support.refusals import refusal
from tests.support.retrain.templates import MARKED
from tests.support.retrain.tiny_model import NEW, OLD, examples, tiny_base  # noqa: F401

# TRL 1.16 and peft 0.21 still use the name that transformers 5.24 deprecates.
pytestmark = [
    pytest.mark.language_model,
    pytest.mark.filterwarnings("ignore:.*gradient_checkpointing.*:FutureWarning"),
]
NOW = datetime(2026, 11, 2, tzinfo=UTC)
ROWS = [*examples(OLD, 24), *examples(NEW, 24)]
PROMPTS = [
    ([{"role": "user", "content": kind[0].format(number)}], kind[1])
    for kind in (OLD, NEW)
    for number in (50, 51, 52)
]


def change(file: Path, **values: Any) -> None:
    file.write_text(json.dumps(json.loads(file.read_text()) | values))


@pytest.fixture(scope="module")
def bare_base(tmp_path_factory: pytest.TempPathFactory, tiny_base: Path) -> Path:  # noqa: F811
    """Return the tiny base without a chat template."""
    folder = tmp_path_factory.mktemp("bare") / "base"
    shutil.copytree(tiny_base, folder)
    (folder / "chat_template.jinja").unlink()
    return folder


@pytest.fixture(scope="module")
def trained(bare_base: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[RunFolder, Any]:
    from retrain.training.fine_tuning import train

    run = RunFolder(tmp_path_factory.mktemp("own") / "run-00001")
    run.root.mkdir()
    recipe = Recipe(
        base=str(bare_base), chat_template=MARKED, epochs=4.0, batch_size=8, max_length=64,
        learning_rate=1e-2,
    )  # fmt: skip
    return run, train(run, recipe, ROWS, {})


def test_base_without_template_is_trained_and_responds(
    trained: tuple[RunFolder, Any], bare_base: Path
) -> None:
    run, result = trained
    assert (run.adapter / "chat_template.jinja").read_text() == MARKED
    assert result["lineage"]["chat_template"] == MARKED
    card = (run.adapter / "README.md").read_text(encoding="utf-8")
    stored = result["lineage"]["training"]
    assert (stored["n_examples"], stored["loss"]) == (len(ROWS), result["training_loss"])
    assert (stored["dtype"], stored["stored_dtype"]) == ("float32", "float32")
    assert f"{stored['loss']:.4f} on average over {result['steps']} steps" in card
    outcomes = {check["name"]: check["outcome"] for check in result["checks"]}
    assert outcomes["chat template"] == "note"
    responder = Responder(bare_base, run.adapter, chat_template=MARKED, max_new_tokens=16)
    generated = responder.generate([prompt for prompt, _ in PROMPTS])
    assert generated == [(response, True) for _, response in PROMPTS]


def test_loss_counts_the_responses_and_their_ends(bare_base: Path) -> None:
    from retrain.models.base_model import load_tokenizer
    from retrain.models.chat_template import encode

    tokenizer = load_tokenizer(base_of(Recipe(base=str(bare_base), chat_template=MARKED)))
    rows = ROWS[::8]
    conversations = [row["messages"] for row in rows]
    encoded = encode(tokenizer, conversations, return_assistant_tokens_mask=True)
    trained_texts = [
        tokenizer.decode([token for token, own in zip(ids, mask, strict=True) if own])
        for ids, mask in zip(encoded["input_ids"], encoded["assistant_masks"], strict=True)
    ]
    assert trained_texts == [turns[1]["content"] + tokenizer.eos_token for turns in conversations]
    assert [size.n_response for size in measure_examples(tokenizer, rows).sizes] == [
        sum(mask) for mask in encoded["assistant_masks"]
    ]


def test_own_template_without_generation_marks_is_refused(bare_base: Path, tmp_path: Path) -> None:
    unmarked = MARKED.replace("{% generation %}", "").replace("{% endgeneration %}", "")
    with refusal("no_generation_marks", ModelError):
        prepare_base(str(bare_base), tmp_path, chat_template=unmarked)


def test_prompt_with_changed_tokens_is_refused(bare_base: Path, tmp_path: Path) -> None:
    """After a space, a response's first token is another one than after production's prompt."""
    from retrain.models.base_model import load_tokenizer

    for template, n in ((MARKED, 0), (MARKED.replace("A:\n", "A: "), 3)):
        base = prepare_base(str(bare_base), tmp_path, chat_template=template)
        assert n_other_prompts(load_tokenizer(base), ROWS[:3]) == n
        finding = check_template(base, load_tokenizer(base), ROWS[:3])
        assert finding.outcome == ("refused" if n else "note")


def test_all_systems_of_an_evaluation_have_their_templates(
    trained: tuple[RunFolder, Any], tmp_path: Path, bare_base: Path
) -> None:
    run, result = trained
    engine = make_engine(f"sqlite:///{tmp_path / 'd.db'}")
    metadata.create_all(engine)
    file = tmp_path / "evaluation.yaml"
    file.write_text(
        "evaluation:\n  benchmarks: [{name: desk, dataset: d.jsonl, metrics: [exact_match]}]\n"
    )
    first = register(engine, tmp_path, result, MARKED)
    other = MARKED.replace("A:", "B:")
    second = register(engine, tmp_path, result, other)
    with transaction(engine) as connection:
        promote(connection, first, changed_by="lea", reason="first", now=NOW)
        request = request_for(connection, version_by_id(connection, second), Settings(), file)
        serving = production_version(connection, "desk")
    assert request.incumbent is not None
    assert [
        source.chat_template for source in (request.candidate, request.incumbent, request.base)
    ] == [other, MARKED, other]
    # Responses of another template are not read.
    weights = LoadedWeights(request, NOW)
    digests = EarlierResponses(run, request, weights, "cpu").generators
    plain = msgspec.structs.replace(
        request, base=msgspec.structs.replace(request.base, chat_template=MARKED)
    )
    assert digests["base"] != EarlierResponses(run, plain, weights, "cpu").generators["base"]
    # A run continues from an adapter of its own template only, and replays by the adapter's.
    for template, continues in ((MARKED, True), (other, False), ("", False)):
        base = base_of(Recipe(base=str(bare_base), chat_template=template))
        recipe = recipe_from(Training(), base, serving)
        assert (bool(recipe.start_adapter), recipe.chat_template) == (continues, template)
        assert serving_source(base, serving).chat_template == MARKED


def register(engine: Engine, folder: Path, result: dict[str, Any], template: str) -> int:
    recipe = Recipe(base=result["lineage"]["base"], chat_template=template)
    with transaction(engine) as connection:
        run = plan_run(connection, model="desk", recipe=recipe, work_dir=folder, now=NOW)
        return register_version(
            connection, model="desk", adapter_path=result["adapter"],
            adapter_digest=f"sha256:{run}", now=NOW, training_run_id=run,
            lineage={**result["lineage"], "chat_template": template},
        )  # fmt: skip


def test_responses_end_where_the_generation_config_says(
    tiny_base: Path,  # noqa: F811
    tmp_path: Path,
) -> None:
    """Gemma's tokenizer, for one, has another end of text than its turns have."""
    from retrain.models.base_model import load_tokenizer

    folder = tmp_path / "base"
    shutil.copytree(tiny_base, folder)
    tokenizer = load_tokenizer(prepare_base(str(tiny_base), tmp_path))
    change(folder / "tokenizer_config.json", eos_token="<|endoftext|>")
    change(folder / "generation_config.json", eos_token_id=[tokenizer.eos_token_id])
    prompts = [prompt for prompt, _ in PROMPTS]
    as_before, now = (
        Responder(base, max_new_tokens=16).generate(prompts) for base in (tiny_base, folder)
    )
    assert now == as_before
    assert any(is_complete for _, is_complete in now)
    assert prepare_base(str(folder), tmp_path).location == str(folder)
