"""Supervised fine-tuning with TRL and PEFT."""

import re
import time
from datetime import UTC, datetime
from pathlib import Path
from statistics import fmean
from typing import Any

import msgspec
import torch
from datasets import Dataset
from peft import PeftModel
from transformers import (
    AutoModelForCausalLM,
    BitsAndBytesConfig,
    EarlyStoppingCallback,
    TrainerCallback,
    TrainerState,
)
from trl import SFTConfig

from monitor.store.training.weights_identity import WeightsIdentity
from retrain.data.data_card import lineage_of
from retrain.identity.digests import acting_digest
from retrain.identity.record import take_identity
from retrain.jobs.progress import losses
from retrain.models.adapter_config import lower_layers, peft_config, start_config
from retrain.models.adapter_folder import complete_adapter, describe_adapter, package_versions
from retrain.models.base_model import base_of, load_tokenizer
from retrain.models.source import Source, source_of_weights
from retrain.models.template_date import date_lineage
from retrain.planning.checks.finding import raise_refusals
from retrain.planning.checks.run_checks import RunChecks, check_run
from retrain.planning.checks.trackers import tracker_callbacks
from retrain.planning.memory.device import this_device
from retrain.recipes.recipe import Recipe
from retrain.run_folder import RunFolder, read_json, read_lines, write_json
from retrain.training.example_order import RepeatableTrainer
from retrain.training.memory_errors import memory_errors
from retrain.training.peak_memory import PeakMemory
from retrain.training.progress_callback import ProgressWriter
from retrain.training.response_loss import ResponseTrainer

#: Checkpoints per run if the recipe sets no interval.
CHECKPOINTS = 10


def train(
    folder: RunFolder, recipe: Recipe, rows: list[dict[str, Any]], card: dict[str, Any]
) -> dict[str, Any]:
    """Train by the recipe and write the adapter; return the content of ``result.json``.

    Training continues from the last checkpoint in the folder, if there is one.

    Raises:
        TrainingError: A check refused the recipe or its examples, training diverged, or the device
            ran out of memory.
        ModelError: The base can't be loaded or trained on.
    """
    validation = list(read_lines(folder.validation_data))
    checked = check_run(recipe, rows, this_device(), validation)
    for finding in checked.findings:
        print(f"{finding.name}: {finding.outcome}: {finding.text}", flush=True)  # noqa: T201
    raise_refusals(checked.findings)
    _restore_thread_count(folder)
    tokenizer = load_tokenizer(base_of(recipe))
    peak = PeakMemory()
    trainer = _trainer(folder, recipe, (rows, validation), tokenizer, checked)
    began = time.monotonic()
    checkpoint = folder.last_checkpoint()
    with memory_errors(recipe):
        trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    best = _best(trainer.state)
    seconds = time.monotonic() - began
    trainer.model.save_pretrained(folder.adapter)
    complete_adapter(folder.adapter, tokenizer)
    identity = _identity(folder, recipe)
    # Of all steps: the trainer's own figure leaves out those before a resumption.
    training_loss = fmean(loss for _, loss in losses(folder))
    validation_loss = best["loss"] if best else _last_validation_loss(folder)
    lineage = {
        "base": recipe.base,
        "base_revision": recipe.base_revision or _base_digest(recipe, identity),
        "method": recipe.method,
        "seed": recipe.seed,
        **lineage_of(rows, validation, card),
        "parent_adapter": recipe.start_adapter,
        "versions": package_versions(),
        "training": {
            "n_examples": len(rows),
            "n_validation": len(validation),
            "steps": trainer.state.global_step,
            "loss": training_loss,
            "validation_loss": validation_loss,
            **_dtypes(trainer.model),
        },
        **date_lineage(tokenizer),
        **({"chat_template": recipe.chat_template} if recipe.chat_template else {}),
    }
    describe_adapter(folder, recipe, lineage)
    return {
        "status": "succeeded",
        "adapter": str(folder.adapter),
        "adapter_digest": identity.tensors,
        "identity": msgspec.to_builtins(identity),
        "lineage": lineage,
        "n_examples": len(rows),
        "n_tokens": checked.examples.n_tokens,
        "n_response_tokens": checked.examples.n_response_tokens,
        "steps": trainer.state.global_step,
        "training_loss": training_loss,
        "training_seconds": round(seconds, 3),
        "tokens_per_second": round(_tokens_per_second(folder), 1),
        "validation_loss": validation_loss,
        "best_checkpoint": best,
        "resumed_from": str(checkpoint or ""),
        "device": str(trainer.args.device),
        "checks": [finding.as_json() for finding in checked.findings],
        "memory": {
            "estimated_gib": checked.estimate.as_gib() if checked.estimate else {},
            "measured_gib": peak.gib(),
        },
    }


def _dtypes(model: Any) -> dict[str, str]:
    """Return the number formats of the computation, and of the trained weights as stored."""
    stored = {str(weight.dtype) for weight in model.parameters() if weight.requires_grad}
    named = {"dtype": str(model.config.dtype), "stored_dtype": ", ".join(sorted(stored))}
    return {name: value.replace("torch.", "") for name, value in named.items()}


def _trainer(
    folder: RunFolder,
    recipe: Recipe,
    data: tuple[list[dict[str, Any]], list[dict[str, Any]]],
    tokenizer: Any,
    checked: RunChecks,
) -> RepeatableTrainer:
    rows, validation = data
    # Before the model is loaded, as a tracker may be missing.
    callbacks = _callbacks(folder, recipe, checked, validates=bool(validation))
    model = _load_model(recipe)
    trainer_class = RepeatableTrainer if torch.cuda.is_available() else ResponseTrainer
    return trainer_class(
        model=model,
        args=_arguments(
            folder, recipe, checked.examples.n_rows(recipe), validates=bool(validation)
        ),
        train_dataset=_conversations(rows),
        eval_dataset=_conversations(validation) if validation else None,
        processing_class=tokenizer,
        peft_config=peft_config(recipe, model),
        callbacks=callbacks,
    )


def _callbacks(
    folder: RunFolder, recipe: Recipe, checked: RunChecks, *, validates: bool
) -> list[TrainerCallback]:
    callbacks: list[TrainerCallback] = [ProgressWriter(folder, checked.examples.n_tokens)]
    if validates and recipe.early_stopping:
        callbacks.append(EarlyStoppingCallback(recipe.early_stopping))
    return [*callbacks, *tracker_callbacks(recipe.report_to)]


def _best(state: TrainerState) -> dict[str, Any] | None:
    """Return step and validation loss of the best checkpoint, where one was loaded."""
    if state.best_model_checkpoint is None:
        return None
    return {"step": state.best_global_step, "loss": float(state.best_metric)}


def _conversations(rows: list[dict[str, Any]]) -> Dataset:
    return Dataset.from_list([{"messages": row["messages"]} for row in rows])


def _tokens_per_second(folder: RunFolder) -> float:
    """Return the last reported rate; 0 if no step was left."""
    return next(
        (
            float(line["tokens_per_second"])
            for line in reversed(list(read_lines(folder.progress)))
            if "tokens_per_second" in line
        ),
        0.0,
    )


def _last_validation_loss(folder: RunFolder) -> float | None:
    matches = [
        line["validation_loss"] for line in read_lines(folder.progress) if "validation_loss" in line
    ]
    return float(matches[-1]) if matches else None


def _identity(folder: RunFolder, recipe: Recipe) -> WeightsIdentity:
    base = Source(
        base=recipe.base, revision=recipe.base_revision, chat_template=recipe.chat_template
    )
    trained = source_of_weights(str(folder.adapter), recipe.method, base)
    return take_identity(trained, datetime.now(UTC))


def _base_digest(recipe: Recipe, identity: WeightsIdentity) -> str:
    path = Path(recipe.base)
    of_base = {folder.path: folder.acting for folder in identity.folders}.get(str(path.absolute()))
    return of_base or (acting_digest(path) if path.is_dir() else "")


def _load_model(recipe: Recipe) -> Any:
    on_gpu = torch.cuda.is_available()
    arguments: dict[str, Any] = {"dtype": torch.bfloat16 if on_gpu else torch.float32}
    if not Path(recipe.base).is_dir() and recipe.base_revision:
        arguments["revision"] = recipe.base_revision
    if recipe.method == "qlora":
        arguments["quantization_config"] = BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=torch.bfloat16 if on_gpu else torch.float32,
        )
        arguments["device_map"] = {"": 0} if on_gpu else {"": "cpu"}
    model = AutoModelForCausalLM.from_pretrained(recipe.base, **arguments)
    model.config.use_cache = False
    if recipe.method == "qlora" and not on_gpu:
        disable_weight_packing(model)
    if not recipe.start_adapter:
        return model
    lower = lower_layers(recipe, model)
    # TRL casts any adapter over a quantised base, and enables its gradients.
    model = PeftModel.from_pretrained(
        model, recipe.start_adapter, is_trainable=True, config=start_config(recipe)
    )
    if lower is not None:
        for name, parameter in model.named_parameters():
            if re.fullmatch(lower, name):
                parameter.requires_grad_(False)
    return model


def _arguments(folder: RunFolder, recipe: Recipe, n_rows: int, *, validates: bool) -> SFTConfig:
    on_gpu = torch.cuda.is_available()
    finds_best = validates and recipe.best_checkpoint
    save_steps = recipe.checkpoint_steps or -(-recipe.steps(n_rows) // CHECKPOINTS)
    return SFTConfig(
        output_dir=str(folder.checkpoints),
        num_train_epochs=recipe.epochs,
        learning_rate=recipe.learning_rate,
        lr_scheduler_type="linear",
        warmup_steps=recipe.warmup_share,  # below 1: share of all steps
        per_device_train_batch_size=recipe.examples_at_once,
        per_device_eval_batch_size=recipe.examples_at_once,
        gradient_accumulation_steps=recipe.accumulation_steps,
        optim="paged_adamw_8bit" if recipe.method == "qlora" and on_gpu else "adamw_torch",
        weight_decay=0.0,
        max_length=recipe.max_length,
        packing=recipe.packing,
        assistant_only_loss=True,
        bf16=on_gpu,
        use_cpu=not on_gpu,
        gradient_checkpointing=on_gpu,
        dataloader_pin_memory=on_gpu,
        logging_steps=1,
        logging_first_step=True,
        logging_nan_inf_filter=False,  # it reports a loss that is not a number as 0
        eval_strategy="steps" if finds_best else "epoch" if validates else "no",
        eval_steps=save_steps if finds_best else None,
        load_best_model_at_end=finds_best,
        metric_for_best_model="eval_loss" if finds_best else None,
        greater_is_better=False if finds_best else None,
        # Otherwise a resumed run would wait longer before it stops.
        restore_callback_states_from_checkpoint=finds_best,
        prediction_loss_only=True,
        save_strategy="steps",
        save_steps=save_steps,
        save_total_limit=1,
        report_to=[],
        run_name=folder.root.name,
        disable_tqdm=True,
        seed=recipe.seed,
        data_seed=recipe.seed,
    )


def disable_weight_packing(model: torch.nn.Module) -> None:
    """Keep a CPU from packing the base's weights during evaluation between steps.

    On processors with AVX512-BF16, bitsandbytes packs the weights for inference at the first
    evaluation. Packed weights pass no gradients, so training would fail.
    """
    from bitsandbytes.nn import Linear4bit  # noqa: PLC0415 - heavy, and for QLoRA only

    for module in model.modules():
        if isinstance(module, Linear4bit):
            module.support_avx512bf16_for_cpu = False


def _restore_thread_count(folder: RunFolder) -> None:
    """Use the same number of threads as at the start of the run.

    The number of threads changes the order of sums. A child resumed in another environment, such as
    a shell, would otherwise compute results that differ in the last bits.
    """
    began = read_json(folder.threads)
    if began is None:
        write_json(folder.threads, {"threads": torch.get_num_threads()})
    else:
        torch.set_num_threads(int(began["threads"]))
