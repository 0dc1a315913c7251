"""Where a run begins: the bases that a recipe names, and what the serving version adds to one."""

from pathlib import Path

from sqlalchemy import Connection

from monitor.store.registry import VersionRow, version_at
from monitor.store.runs import RunRow
from retrain.models.base_model import BaseModel, prepare_base
from retrain.recipes.recipe import Recipe, Training, recipe_for
from retrain.recipes.recipe_file import RecipeFile, split_base


def prepare_bases(recipe: RecipeFile, work_dir: Path) -> list[BaseModel]:
    """Return the bases that a recipe names, ready to be trained on.

    Raises:
        ModelError: One is missing, or its chat template can't be trained on.
    """
    cache = work_dir / "bases"
    found = []
    for named in recipe.bases:
        model, revision = split_base(named)
        found.append(prepare_base(model, cache, revision=revision))
    return found


def recipe_from(training: Training, base: BaseModel, serving: VersionRow | None) -> Recipe:
    """Apply a recipe to a base, going on from what serves where that is an adapter of this base.

    A version that was fully fine-tuned is a base itself.
    """
    if serving is None:
        return recipe_for(training, base=base.location, base_revision=base.revision)
    if serving.lineage.get("method") == "full":
        return recipe_for(training, base=serving.adapter_path, base_revision=serving.adapter_digest)
    return recipe_for(
        training,
        base=base.location,
        base_revision=base.revision,
        start_adapter=adapter_on(base, serving),
    )


def adapter_on(base: BaseModel, serving: VersionRow | None) -> str:
    """Return the adapter that makes a base what serves; empty where none does."""
    if serving is None or serving.lineage.get("method") == "full" or not _is_of(serving, base):
        return ""
    return serving.adapter_path


def version_started_from(connection: Connection, run: RunRow) -> VersionRow | None:
    """Return the version that a run goes on from; ``None`` where it starts from a raw base.

    Its recipe was fixed when it was planned: what serves by now doesn't matter.
    """
    start = run.recipe.get("start_adapter") or run.recipe["base"]
    return version_at(connection, run.model, str(start))


def _is_of(version: VersionRow, base: BaseModel) -> bool:
    """Tell whether a version's adapter belongs to a base, wherever that lies by now."""
    trained_on = version.lineage.get("base")
    if trained_on is None or trained_on == base.location:
        return True
    return bool(base.revision) and version.lineage.get("base_revision") == base.revision
