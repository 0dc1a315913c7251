"""Starting point of a run: base model and the serving version's adapter."""

from os.path import realpath
from pathlib import Path

import msgspec
from sqlalchemy import Connection

from monitor.store.training.registry import VersionRow, version_by_adapter_path
from monitor.store.training.runs import RunRow
from retrain.models.base_model import BaseModel, prepare_base
from retrain.models.source import Source, source_of, template_of
from retrain.recipes.recipe import Recipe, Training, recipe_for
from retrain.recipes.recipe_file import RecipeFile, split_base
from retrain.run_folder import read_json


def prepare_bases(recipe: RecipeFile, work_dir: Path) -> list[BaseModel]:
    """Prepare the bases of a recipe for training.

    Raises:
        ModelError: A base is missing, or no marks of its chat template locate the responses.
    """
    cache = work_dir / "bases"
    matches = []
    for named in recipe.bases:
        model, revision = split_base(named)
        matches.append(
            prepare_base(model, cache, revision=revision, chat_template=recipe.template_text)
        )
    return matches


def recipe_from(training: Training, base: BaseModel, serving: VersionRow | None) -> Recipe:
    """Apply a recipe to a base, continuing from the serving version's adapter of that base.

    A fully fine-tuned version is a base itself. If the recipe has another rank, scale, targets or
    chat template than the adapter, the run starts with a new adapter.
    """
    template = base.chat_template
    if serving is None:
        return recipe_for(
            training, base=base.location, base_revision=base.revision, chat_template=template
        )
    if serving.lineage.get("method") == "full":
        return recipe_for(
            training,
            base=serving.adapter_path,
            base_revision=serving.adapter_digest,
            chat_template=template,
        )
    adapter = adapter_on(base, serving)
    return recipe_for(
        training,
        base=base.location,
        base_revision=base.revision,
        start_adapter=adapter if adapter and _is_as_asked(Path(adapter), training) else "",
        chat_template=template,
    )


def adapter_on(base: BaseModel, serving: VersionRow | None) -> str:
    """Return the serving version's adapter of a base; empty if there is none."""
    if serving is None or serving.lineage.get("method") == "full" or not _is_of(serving, base):
        return ""
    return serving.adapter_path


def version_started_from(connection: Connection, run: RunRow) -> VersionRow | None:
    """Return the version that a run continues from; ``None``: a base model.

    The recipe is fixed when the run is planned, so the current serving version is irrelevant.
    """
    start = run.recipe.get("start_adapter") or run.recipe["base"]
    return version_by_adapter_path(connection, run.model, str(start))


def starts_from_serving(recipe: Recipe, serving: VersionRow | None) -> bool:
    """Return whether a run starts from the serving version."""
    return serving is None or serving.adapter_path in {recipe.start_adapter, recipe.base}


def serving_source(base: BaseModel, serving: VersionRow | None) -> Source:
    """Return the source of current responses: the serving version, or the base if none serves."""
    alone = Source(base=base.location, revision=base.revision, chat_template=base.chat_template)
    if serving is None:
        return alone
    adapter = adapter_on(base, serving)
    if adapter:
        return msgspec.structs.replace(alone, adapter=adapter)
    return source_of(serving, alone)


def _is_as_asked(adapter: Path, training: Training) -> bool:
    """Return whether an adapter has the recipe's shape; a missing adapter counts as matching."""
    config = read_json(adapter / "adapter_config.json")
    if config is None:
        return True
    shape = (
        config.get("r"),
        config.get("lora_alpha"),
        bool(config.get("use_dora")),
        bool(config.get("use_rslora")),
    )
    wanted = (training.rank, training.alpha, training.dora, training.rank_stabilised)
    saved = set(config.get("modules_to_save") or ())
    targets = training.targets
    return (
        shape == wanted
        and saved == set(training.modules_to_save)
        # PEFT replaces all-linear by a list of module names.
        and (isinstance(targets, str) or set(config.get("target_modules") or ()) == set(targets))
    )


def _is_of(version: VersionRow, base: BaseModel) -> bool:
    """Return whether a version's adapter belongs to a base, regardless of the base's path."""
    if template_of(version) != base.chat_template:
        return False  # it learned responses after other tokens
    trained_on = version.lineage.get("base")
    # Recipes name one folder by relative and by absolute paths.
    if trained_on is None or realpath(trained_on) == realpath(base.location):
        return True
    return bool(base.revision) and version.lineage.get("base_revision") == base.revision
