"""Registration of weights that were trained elsewhere."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from monitor.errors import ModelError, TrainingError
from monitor.store.training import runs
from monitor.store.training.registry import VersionRow, version_by_id
from monitor.store.training.weights_identity import WeightsIdentity
from retrain.data import TrainingSet
from retrain.data.data_card import Card, counts_of
from retrain.data.example import make_examples
from retrain.data.rows import Row
from retrain.models.base_model import BaseModel
from retrain.models.source import Source, source_of_weights
from retrain.recipes.recipe import Method, Training
from retrain.registry.copies import require_new_weights
from retrain.registry.stages import register_version
from retrain.run_folder import RunFolder, read_json, write_json


@dataclass(frozen=True)
class ExternalWeights:
    """An adapter, or a whole model, that driftwarden did not train."""

    folder: Path
    method: Method
    #: Base that an adapter names; empty: none.
    base: str
    #: What is known of the training: the adapter's shape.
    shape: dict[str, Any]

    def source_on(self, base: BaseModel) -> Source:
        """Return the location of the weights, on a base."""
        trained_on = Source(
            base=base.location, revision=base.revision, chat_template=base.chat_template
        )
        return source_of_weights(str(self.folder), self.method, trained_on)


def read_weights(folder: Path) -> ExternalWeights:
    """Read what a folder of weights says about itself.

    Raises:
        ModelError: The folder holds neither a LoRA adapter nor a model, as safetensors.
    """
    folder = folder.expanduser().resolve()
    if not any(folder.glob("*.safetensors")):
        raise ModelError(f"{folder}: no weights (*.safetensors)", code="no_weights")
    try:
        adapter = read_json(folder / "adapter_config.json")
    except TrainingError as error:
        raise ModelError(str(error), code="no_weights") from error
    if adapter is None:
        if not (folder / "config.json").is_file():
            raise ModelError(
                f"{folder}: neither adapter_config.json nor config.json", code="no_weights"
            )
        return ExternalWeights(folder, "full", "", {})
    if adapter.get("peft_type") != "LORA":
        raise ModelError(
            f"{folder}: not a LoRA adapter, but {adapter.get('peft_type')}",
            code="not_lora",
        )
    rank, alpha = adapter.get("r"), adapter.get("lora_alpha")
    if not isinstance(rank, int) or not isinstance(alpha, int | float):
        raise ModelError(
            f"{folder / 'adapter_config.json'}: no r or no lora_alpha", code="no_weights"
        )
    targets = adapter.get("target_modules")
    shape = {
        "rank": rank,
        "alpha": int(alpha),
        "dropout": float(adapter.get("lora_dropout") or 0.0),
        "rank_stabilised": bool(adapter.get("use_rslora")),
        "dora": bool(adapter.get("use_dora")),
        "modules_to_save": list(adapter.get("modules_to_save") or ()),
    } | ({"targets": sorted(targets)} if isinstance(targets, list) else {})
    base = str(adapter.get("base_model_name_or_path") or "")
    return ExternalWeights(folder, "lora", base, shape)


def register_weights(
    connection: Connection,
    weights: ExternalWeights,
    base: BaseModel,
    *,
    identity: WeightsIdentity,
    model: str,
    work_dir: Path,
    launcher: str,
    rows: Sequence[Row],
    now: datetime,
    by: str,
) -> VersionRow:
    """Register weights as a candidate, with a succeeded run that holds what is known of them.

    The weights stay where they are. The run's folder is that of the version's evaluations.
    ``identity`` is theirs on the base.

    ``launcher`` is that of the version's evaluations. Without ``rows``, the examples that it was
    trained on are unknown.

    Raises:
        WorkflowError: The model has a version of the same weights.
        TrainingError: The run's folder can't be written.
    """
    require_new_weights(connection, model, identity)
    digest = identity.tensors
    recipe = {
        "method": weights.method,
        "base": base.location,
        "base_revision": base.revision,
        "start_adapter": "",
        "chat_template": base.chat_template,
        "seed": Training().seed,  # of evaluations
        **weights.shape,
    }
    examples = [example.as_row() for example in make_examples(rows, "original", ())]
    lineage = {
        "base": base.location,
        "base_revision": base.revision,
        "method": weights.method,
        "trained_by": "another program",
        "data_digest": "",
    }
    if base.chat_template:
        lineage["chat_template"] = base.chat_template
    card = Card(**counts_of(examples)) if examples else None
    if card is not None:
        lineage["data_digest"] = card.digest
    run_id = runs.insert_external_run(
        connection,
        model=model,
        launcher=launcher,
        recipe=recipe,
        result={"status": "succeeded", "adapter": str(weights.folder), "adapter_digest": digest},
        now=now,
    )
    folder = RunFolder(work_dir.resolve() / f"run-{run_id:05d}")
    runs.set_work_dir(connection, run_id, str(folder.root))
    try:
        folder.root.mkdir(parents=True, exist_ok=True)
        write_json(folder.recipe, recipe)
        if card is not None:
            TrainingSet(examples, card).write(folder)
    except OSError as error:
        raise TrainingError(
            f"{folder.root}: can't be written: {error}", code="not_writable"
        ) from error
    version_id = register_version(
        connection,
        model=model,
        adapter_path=str(weights.folder),
        adapter_digest=digest,
        lineage=lineage,
        now=now,
        training_run_id=run_id,
        identity=identity,
        by=by,
    )
    return version_by_id(connection, version_id)
