"""Bare TRL baseline: ``python -m bench.retrain.bare_trl FOLDER``.

What a training child does besides - its checks, its progress, its checkpoints, its records - isn't
done here, and nothing of ours is used to train.
"""

import sys
import time
from pathlib import Path

from datasets import Dataset
from peft import LoraConfig
from transformers import AutoModelForCausalLM, AutoTokenizer
from trl import SFTConfig, SFTTrainer

from retrain.run_folder import RunFolder, read_json, read_lines, write_json


def main(root: str) -> None:
    """Train, and write how long it took."""
    folder = RunFolder(Path(root))
    recipe = read_json(folder.recipe) or {}
    rows = [{"messages": row["messages"]} for row in read_lines(folder.training_data)]
    tokenizer = AutoTokenizer.from_pretrained(recipe["base"])
    trainer = SFTTrainer(
        model=AutoModelForCausalLM.from_pretrained(recipe["base"], dtype="float32"),
        args=SFTConfig(
            output_dir=str(folder.checkpoints),
            num_train_epochs=recipe["epochs"],
            learning_rate=recipe["learning_rate"],
            per_device_train_batch_size=recipe["batch_size"],
            max_length=recipe["max_length"],
            assistant_only_loss=True,
            train_sampling_strategy="group_by_length",
            use_cpu=True,
            gradient_checkpointing=False,
            dataloader_pin_memory=False,
            bf16=False,
            save_strategy="no",
            report_to=[],
            disable_tqdm=True,
            seed=recipe["seed"],
        ),
        train_dataset=Dataset.from_list(rows),
        processing_class=tokenizer,
        peft_config=LoraConfig(
            r=recipe["rank"],
            lora_alpha=recipe["alpha"],
            target_modules="all-linear",
            task_type="CAUSAL_LM",
        ),
    )
    tokens = tokenizer.apply_chat_template(
        [row["messages"] for row in rows], tokenize=True, return_dict=True
    )
    began = time.monotonic()
    trainer.train()
    seconds = time.monotonic() - began
    n_tokens = sum(map(len, tokens["input_ids"]))
    write_json(
        folder.result,
        {"status": "succeeded", "n_tokens": n_tokens, "training_seconds": seconds},
    )


if __name__ == "__main__":
    main(sys.argv[1])
