"""Supervised fine-tuning by TRL and PEFT, with the checks that must come before it."""

import re
import time
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from peft import LoraConfig, PeftModel, prepare_model_for_kbit_training
from transformers import AutoModelForCausalLM, BitsAndBytesConfig
from trl import SFTConfig, SFTTrainer

from monitor.errors import ModelError, TrainingError
from retrain.adapter_folder import describe_adapter, package_versions
from retrain.answer_loss import AnswerTrainer
from retrain.base_model import BaseModel, folder_digest, load_tokenizer
from retrain.chat_template import require_generation_marks
from retrain.progress import ProgressWriter
from retrain.recipe import Recipe
from retrain.run_folder import RunFolder

#: How many of the examples that are too long the error names.
NAMED_EXAMPLES = 10


def train(
    folder: RunFolder, recipe: Recipe, rows: list[dict[str, Any]], card: dict[str, Any]
) -> dict[str, Any]:
    """Train by the recipe and write the adapter; return the content of ``result.json``.

    A folder that holds checkpoints of the same run is gone on with from the last one.

    Raises:
        TrainingError: There is nothing to train on, or an example is too long.
        ModelError: The base can't be loaded or trained on.
    """
    base = BaseModel(recipe.base, recipe.base_revision)
    tokenizer = load_tokenizer(base)
    require_generation_marks(tokenizer, recipe.base)
    n_tokens = check_lengths(tokenizer, rows, recipe.max_length)
    dataset = Dataset.from_list([{"messages": row["messages"]} for row in rows])
    model = _load_model(recipe)
    trainer_class = SFTTrainer if torch.cuda.is_available() else AnswerTrainer
    trainer = trainer_class(
        model=model,
        args=_arguments(folder, recipe),
        train_dataset=dataset,
        processing_class=tokenizer,
        peft_config=_peft_config(recipe, model),
        callbacks=[ProgressWriter(folder, n_tokens)],
    )
    began = time.monotonic()
    checkpoint = _last_checkpoint(folder)
    outcome = trainer.train(resume_from_checkpoint=checkpoint)
    seconds = time.monotonic() - began
    trainer.model.save_pretrained(folder.adapter)
    lineage = {
        "base": recipe.base,
        "base_revision": recipe.base_revision or _base_digest(recipe),
        "method": recipe.method,
        "seed": recipe.seed,
        "data_digest": card.get("digest", ""),
        "parent_adapter": recipe.start_adapter,
        "versions": package_versions(),
    }
    describe_adapter(folder, recipe, lineage, tokenizer)
    return {
        "status": "succeeded",
        "adapter": str(folder.adapter),
        "adapter_digest": folder_digest_of_weights(folder.adapter),
        "lineage": lineage,
        "n_examples": len(rows),
        "n_tokens": n_tokens,
        "steps": trainer.state.global_step,
        "training_loss": float(outcome.training_loss),
        "training_seconds": round(seconds, 3),
        "resumed_from": checkpoint or "",
        "device": str(trainer.args.device),
    }


def check_lengths(tokenizer: Any, rows: list[dict[str, Any]], max_length: int) -> int:
    """Count the tokens of one epoch; refuse rather than cut.

    Raises:
        TrainingError: There are no examples, or some are longer than ``max_length`` tokens.
    """
    if not rows:
        raise TrainingError("train.jsonl holds no examples")
    lengths = [
        len(ids)
        for ids in tokenizer.apply_chat_template(
            [row["messages"] for row in rows], tokenize=True, return_dict=True
        )["input_ids"]
    ]
    too_long = [index for index, length in enumerate(lengths) if length > max_length]
    if too_long:
        named = ", ".join(f"line {i + 1} ({lengths[i]})" for i in too_long[:NAMED_EXAMPLES])
        more = (
            "" if len(too_long) <= NAMED_EXAMPLES else f" and {len(too_long) - NAMED_EXAMPLES} more"
        )
        raise TrainingError(
            f"{len(too_long)} of {len(rows)} examples are longer than max_length = {max_length} "
            f"tokens: {named}{more}; raise the recipe's max_length to {max(lengths)}, "
            "or shorten them"
        )
    return sum(lengths)


def folder_digest_of_weights(adapter: Path) -> str:
    """Digest the weights alone: the same training gives the same digest."""
    import hashlib  # noqa: PLC0415

    total = hashlib.sha256()
    for path in sorted(adapter.glob("*.safetensors")):
        with path.open("rb") as file:
            total.update(hashlib.file_digest(file, "sha256").digest())
    return f"sha256:{total.hexdigest()}"


def _base_digest(recipe: Recipe) -> str:
    path = Path(recipe.base)
    return folder_digest(path) if path.is_dir() else ""


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
    if not recipe.start_adapter:
        return model
    if not (Path(recipe.start_adapter) / "adapter_config.json").is_file():
        raise ModelError(
            f"{recipe.start_adapter}: holds no adapter to go on from "
            "(adapter_config.json is missing)"
        )
    if recipe.method == "qlora":
        model = prepare_model_for_kbit_training(model, use_gradient_checkpointing=on_gpu)
    lower = _lower_layers(recipe, model)
    model = PeftModel.from_pretrained(model, recipe.start_adapter, is_trainable=True)
    if lower is not None:
        for name, parameter in model.named_parameters():
            if re.fullmatch(lower, name):
                parameter.requires_grad_(False)
    return model


def _peft_config(recipe: Recipe, model: Any) -> LoraConfig | None:
    if recipe.method == "full" or recipe.start_adapter:
        return None
    targets = recipe.targets
    return LoraConfig(
        r=recipe.rank,
        lora_alpha=recipe.alpha,
        lora_dropout=0.0,
        target_modules=targets if isinstance(targets, str) else list(targets),
        exclude_modules=_lower_layers(recipe, model),
        task_type="CAUSAL_LM",
    )


def _lower_layers(recipe: Recipe, model: Any) -> str | None:
    """Return a pattern of the modules below the last ``top_layers`` layers.

    Raises:
        ModelError: The model's layers can't be told apart by their names.
    """
    n_lower = getattr(model.config, "num_hidden_layers", 0) - recipe.top_layers
    if not recipe.top_layers or n_lower <= 0:
        return None
    numbers = "|".join(str(number) for number in range(n_lower))
    pattern = rf"(?:.*\.)?(?:layers|h|blocks)\.(?:{numbers})\..*"
    if not any(re.fullmatch(pattern, name) for name, _ in model.named_modules()):
        raise ModelError(
            f"{recipe.base}: no module is named layers.0, h.0 or blocks.0, so recipe.top_layers "
            "can't choose among them; set it to 0"
        )
    return pattern


def _arguments(folder: RunFolder, recipe: Recipe) -> SFTConfig:
    on_gpu = torch.cuda.is_available()
    return SFTConfig(
        output_dir=str(folder.checkpoints),
        num_train_epochs=recipe.epochs,
        learning_rate=recipe.learning_rate,
        lr_scheduler_type="linear",
        warmup_steps=recipe.warmup_share,  # below 1: a share of all steps
        per_device_train_batch_size=recipe.batch_size,
        optim="paged_adamw_8bit" if recipe.method == "qlora" and on_gpu else "adamw_torch",
        weight_decay=0.0,
        max_length=recipe.max_length,
        packing=False,
        train_sampling_strategy="group_by_length",
        assistant_only_loss=True,
        bf16=on_gpu,
        use_cpu=not on_gpu,
        gradient_checkpointing=on_gpu,
        dataloader_pin_memory=on_gpu,
        logging_steps=1,
        logging_first_step=True,
        save_strategy="epoch",
        save_total_limit=1,
        report_to=[],
        disable_tqdm=True,
        seed=recipe.seed,
        data_seed=recipe.seed,
    )


def _last_checkpoint(folder: RunFolder) -> str | None:
    """Return the newest whole checkpoint; the trainer's state is what it writes last."""
    found = [
        path
        for path in folder.checkpoints.glob("checkpoint-*")
        if (path / "trainer_state.json").is_file()
    ]
    if not found:
        return None
    return str(max(found, key=lambda path: int(path.name.rpartition("-")[2])))
