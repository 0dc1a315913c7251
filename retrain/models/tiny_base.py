"""A tiny base model for tests and the fast demo, made in seconds without a download.

It is a real transformers model with a real tokenizer and chat template, pre-trained only on the
texts that the caller provides.
"""

import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from retrain.models.chat_template import chatml

SPECIAL_TOKENS = ("<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|unknown|>")
IGNORED = -100


@dataclass(frozen=True)
class TinyShape:
    """The size and the pre-training of a tiny base."""

    hidden_size: int = 64
    n_layers: int = 2
    n_heads: int = 4
    vocabulary: int = 2000
    max_length: int = 256
    epochs: float = 4.0
    batch_size: int = 32
    learning_rate: float = 3e-3


def make_tiny_base(
    target: Path,
    conversations: Sequence[Sequence[dict[str, str]]],
    *,
    seed: int,
    shape: TinyShape | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Path:
    """Build a tiny base in ``target``, pre-trained on conversations; keep an existing base.

    The folder is created atomically. The conversations are also the source of the tokenizer's
    vocabulary, so they should hold every word that the model must generate later. The seed decides
    the initial weights and the order of the texts. ``progress`` is called with (step, steps).
    """
    if (target / "config.json").is_file():
        return target
    shape = shape or TinyShape()
    tokenizer = _make_tokenizer(conversations, shape)
    model = _make_model(tokenizer, shape, seed)
    if shape.epochs > 0:
        _pretrain(model, tokenizer, conversations, shape, seed=seed, progress=progress)
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    try:
        model.save_pretrained(draft)
        tokenizer.save_pretrained(draft)
        draft.replace(target)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return target


def _make_tokenizer(conversations: Sequence[Sequence[dict[str, str]]], shape: TinyShape) -> Any:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers  # noqa: PLC0415
    from transformers import PreTrainedTokenizerFast  # noqa: PLC0415

    core = Tokenizer(models.BPE())
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    texts = [message["content"] for messages in conversations for message in messages]
    core.train_from_iterator(
        [*texts, "system\n", "user\n", "assistant\n"],
        trainers.BpeTrainer(
            vocab_size=shape.vocabulary,
            special_tokens=list(SPECIAL_TOKENS),
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        ),
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=core,
        eos_token="<|im_end|>",  # noqa: S106 - a token of text, no secret
        pad_token="<|endoftext|>",  # noqa: S106
        chat_template=chatml(),
        model_max_length=shape.max_length,
    )


def _make_model(tokenizer: Any, shape: TinyShape, seed: int) -> Any:
    import torch  # noqa: PLC0415 - heavy
    from transformers import Qwen2Config, Qwen2ForCausalLM  # noqa: PLC0415

    torch.manual_seed(seed)
    return Qwen2ForCausalLM(
        Qwen2Config(
            vocab_size=len(tokenizer),
            hidden_size=shape.hidden_size,
            intermediate_size=shape.hidden_size * 3,
            num_hidden_layers=shape.n_layers,
            num_attention_heads=shape.n_heads,
            num_key_value_heads=shape.n_heads,
            max_position_embeddings=shape.max_length,
            tie_word_embeddings=True,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
            bos_token_id=None,
        )
    )


def _pretrain(
    model: Any,
    tokenizer: Any,
    conversations: Sequence[Sequence[dict[str, str]]],
    shape: TinyShape,
    *,
    seed: int,
    progress: Callable[[int, int], None] | None,
) -> None:
    """Train the model to predict the tokens of the assistant's turns."""
    import torch  # noqa: PLC0415

    encoded = tokenizer.apply_chat_template(
        [list(messages) for messages in conversations],
        tokenize=True,
        return_dict=True,
        return_assistant_tokens_mask=True,
    )
    examples = list(zip(encoded["input_ids"], encoded["assistant_masks"], strict=True))
    steps = max(1, round(len(examples) * shape.epochs / shape.batch_size))
    generator = torch.Generator().manual_seed(seed)
    optimiser = torch.optim.AdamW(model.parameters(), lr=shape.learning_rate, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, max_lr=shape.learning_rate, total_steps=steps, pct_start=0.1
    )
    # Lengths are mixed: batches sorted by length hold few topics, and the demo's base learns less.
    order: list[int] = []
    model.train()
    for step in range(steps):
        if len(order) < shape.batch_size:
            order.extend(torch.randperm(len(examples), generator=generator).tolist())
        batch, order = order[: shape.batch_size], order[shape.batch_size :]
        inputs, attention, labels = _padded([examples[i] for i in batch], tokenizer.pad_token_id)
        # Compute logits, the most expensive part, only from the first response token on.
        first = int((labels != IGNORED).any(dim=0).nonzero()[0])
        loss = model(
            input_ids=inputs,
            attention_mask=attention,
            labels=labels[:, first - 1 :],
            logits_to_keep=labels.shape[1] - first + 1,
        ).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        optimiser.zero_grad(set_to_none=True)
        if progress is not None:
            progress(step + 1, steps)
    model.eval()


def _padded(examples: Sequence[tuple[list[int], list[int]]], pad: int) -> tuple[Any, Any, Any]:
    import torch  # noqa: PLC0415

    width = max(len(ids) for ids, _ in examples)
    inputs = torch.full((len(examples), width), pad)
    attention = torch.zeros((len(examples), width), dtype=torch.long)
    labels = torch.full((len(examples), width), IGNORED)
    for row, (ids, mask) in enumerate(examples):
        inputs[row, : len(ids)] = torch.tensor(ids)
        attention[row, : len(ids)] = 1
        labels[row, : len(ids)] = torch.tensor(
            [token if own else IGNORED for token, own in zip(ids, mask, strict=True)]
        )
    return inputs, attention, labels
