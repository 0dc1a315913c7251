"""What lies beside an adapter's weights: where it comes from, in words and as JSON."""

from importlib.metadata import PackageNotFoundError, version
from typing import Any

import msgspec

from retrain.recipe import Recipe
from retrain.run_folder import RunFolder, write_json

#: Packages whose version can change the weights.
PACKAGES = ("torch", "transformers", "peft", "trl", "accelerate", "bitsandbytes", "tokenizers")


def package_versions() -> dict[str, str]:
    """Return the versions of the packages that training depends on."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def describe_adapter(
    folder: RunFolder, recipe: Recipe, lineage: dict[str, Any], tokenizer: Any
) -> None:
    """Write ``README.md``, ``recipe.json`` and ``lineage.json``, and the tokenizer it goes with."""
    write_json(folder.adapter / "recipe.json", msgspec.to_builtins(recipe))
    write_json(folder.adapter / "lineage.json", lineage)
    (folder.adapter / "README.md").write_text(model_card(recipe, lineage), encoding="utf-8")
    tokenizer.save_pretrained(folder.adapter)


def model_card(recipe: Recipe, lineage: dict[str, Any]) -> str:
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
        f"- Goes on from the adapter in `{recipe.start_adapter}`.\n" if recipe.start_adapter else ""
    )
    return (
        f"---\nbase_model: {recipe.base}\nlibrary_name: {library}\npipeline_tag: text-generation\n"
        f"tags: [driftwarden, {recipe.method}]\n---\n\n"
        "# Adapter trained by driftwarden\n\n"
        f"This is {adapter}.\n\n"
        f"- Base model: `{recipe.base}`, revision `{lineage['base_revision'] or 'not pinned'}`.\n"
        f"{origin}"
        f"- Training data: digest `{lineage['data_digest'] or 'unknown'}`.\n"
        f"- {recipe.epochs:g} epochs, learning rate {recipe.learning_rate:g}, batch "
        f"{recipe.batch_size}, at most {recipe.max_length} tokens an example, seed {recipe.seed}.\n"
        f"- Loss on the assistant's turns only.\n- Made with {versions}.\n\n"
        "It answers in the form and on the topics of its training examples. Its scores are kept in "
        "driftwarden's registry: `driftwarden models show`.\n"
    )
