"""An adapter's folder: lineage, recipe, scores and model card."""

from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import msgspec

from monitor.store.training.candidate_results import StratumScore
from retrain.recipes.recipe import Recipe, read_recipe
from retrain.run_folder import RunFolder, read_json, write_json

#: Packages whose version can change the weights.
PACKAGES = (
    *("torch", "transformers", "peft", "trl", "accelerate", "bitsandbytes", "tokenizers"),
    "driftwarden",
)
#: Key of PEFT's configuration that names the base.
BASE_KEY = "base_model_name_or_path"

#: Scores of the model card: benchmark -> rows of stratum, metric, value, bounds and n.
Scores = Mapping[str, Sequence[Mapping[str, Any]]]


def package_versions() -> dict[str, str]:
    """Return the versions of the packages that training depends on."""
    matches = {}
    for name in PACKAGES:
        try:
            matches[name] = version(name)
        except PackageNotFoundError:
            continue
    return matches


def complete_adapter(adapter: Path, tokenizer: Any) -> None:
    """Write the tokenizer, and name a local base absolutely: all that acts is there then."""
    _name_base_absolutely(adapter / "adapter_config.json")
    tokenizer.save_pretrained(adapter)


def describe_adapter(folder: RunFolder, recipe: Recipe, lineage: dict[str, Any]) -> None:
    """Write ``README.md``, ``recipe.json`` and ``lineage.json``."""
    write_json(folder.adapter / "recipe.json", msgspec.to_builtins(recipe))
    write_json(folder.adapter / "lineage.json", lineage)
    (folder.adapter / "README.md").write_text(model_card(recipe, lineage), encoding="utf-8")


def _name_base_absolutely(config: Path) -> None:
    """Let PEFT load an adapter from any working directory, where its base is a folder."""
    content = read_json(config)
    base = Path(str((content or {}).get(BASE_KEY) or ""))
    if content is not None and content.get(BASE_KEY) and base.is_dir():
        write_json(config, {**content, BASE_KEY: str(base.resolve())})


def add_scores(adapter: Path, benchmark: str, scores: Sequence[StratumScore]) -> None:
    """Write an adapter's scores to ``scores.json`` and to its model card.

    Scores of a benchmark replace its earlier scores. Weights and digest don't change.
    """
    lineage = read_json(adapter / "lineage.json")
    if lineage is None:
        return  # a folder that driftwarden did not write
    rows = [msgspec.to_builtins(score) for score in scores]
    by_benchmark = {**(read_json(adapter / "scores.json") or {}), benchmark: rows}
    write_json(adapter / "scores.json", by_benchmark)
    recipe_file = adapter / "recipe.json"
    recipe = read_recipe(recipe_file.read_bytes(), str(recipe_file))
    draft = adapter / ".README.md"
    draft.write_text(model_card(recipe, lineage, by_benchmark), encoding="utf-8")
    draft.replace(adapter / "README.md")


def model_card(recipe: Recipe, lineage: Mapping[str, Any], scores: Scores | None = None) -> str:
    """Render the model card."""
    adapter = (
        "the whole model, fully fine-tuned"
        if recipe.method == "full"
        else f"a {'QLoRA' if recipe.method == 'qlora' else 'LoRA'} adapter of rank {recipe.rank} "
        f"(alpha {recipe.alpha}, targets {recipe.targets})"
    )
    library = "transformers" if recipe.method == "full" else "peft"
    versions = ", ".join(f"{name} {number}" for name, number in lineage["versions"].items())
    origin = (
        f"- Continues from the adapter in `{recipe.start_adapter}`.\n"
        if recipe.start_adapter
        else ""
    )
    training = lineage["training"]
    held_out = f", {training['n_validation']} for validation" if training["n_validation"] else ""
    validation = training["validation_loss"]
    held_out_loss = "" if validation is None else f"; {validation:.4f} on the validation examples"
    return (
        f"---\nbase_model: {recipe.base}\nlibrary_name: {library}\npipeline_tag: text-generation\n"
        f"tags: [driftwarden, {recipe.method}]\n---\n\n"
        "# Adapter trained by driftwarden\n\n"
        f"This is {adapter}.\n\n"
        f"- Base model: `{recipe.base}`, revision `{lineage['base_revision'] or 'not pinned'}`.\n"
        f"{origin}"
        f"- Training data: {training['n_examples']} examples{held_out}; "
        f"digest `{lineage['data_digest'] or 'unknown'}`.\n"
        f"- {recipe.epochs:g} epochs, learning rate {recipe.learning_rate:g}, batch "
        f"{recipe.batch_size}, at most {recipe.max_length} tokens per example, "
        f"seed {recipe.seed}.\n"
        f"- Loss on the assistant's turns only: {training['loss']:.4f} on average over "
        f"{training['steps']} steps{held_out_loss}.\n"
        f"- Computed in {training['dtype']}, weights stored in {training['stored_dtype']}.\n"
        f"- Made with {versions}.\n\n"
        "Expect responses in the form and on the topics of the training examples.\n\n"
        f"## Scores\n\n{_score_table(scores or {})}"
    )


def _score_table(scores: Scores) -> str:
    if not any(scores.values()):
        return "No scores yet. `driftwarden models show` lists scores measured later.\n"
    lines = [
        "| benchmark | stratum | metric | value | interval | n |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    lines += [
        f"| {_cell(name)} | {_cell(row['stratum'] or 'all')} | {_cell(row['metric'])} | "
        f"{_figure(row['value'])} | {_figure(row['lower'])} to {_figure(row['upper'])} | "
        f"{row['n']} |"
        for name, rows in scores.items()
        for row in rows
    ]
    return "\n".join(lines) + "\n"


def _cell(text: object) -> str:
    return str(text).replace("|", "\\|").replace("\n", " ")


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
