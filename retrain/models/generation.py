"""Batched generation with a base model and an adapter."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from monitor.errors import ModelError
from monitor.model_hub import reads_locally
from retrain.models.base_model import BaseModel, load_tokenizer
from retrain.models.response import Response
from retrain.models.response_marks import end_tokens
from retrain.models.shared_prefix import batch_alike, common_prefix, compute_prefix

Conversation = Sequence[dict[str, str]]

BATCH_SIZE = 64


class Responder:
    """A base model with an optional adapter and greedy decoding.

    The same conversation gets the same response. Conversations of similar length share a batch,
    padded on the left. What all prompts of a batch begin with, such as a system prompt or examples,
    is computed once.
    """

    def __init__(
        self,
        base: Path | str,
        adapter: Path | str | None = None,
        *,
        revision: str = "",
        chat_template: str = "",
        max_new_tokens: int = 64,
        batch_size: int = BATCH_SIZE,
        four_bit: bool = False,
        dtype: str = "auto",
    ) -> None:
        """Load the model.

        ``base`` is a folder or a hub id; ``chat_template`` replaces the tokenizer's. With
        ``four_bit`` the base is quantised to NF4, as in QLoRA training. The dtype ``auto`` is
        bfloat16 on a GPU and float32 on a CPU.
        """
        from transformers import AutoModelForCausalLM  # noqa: PLC0415

        self._max_new_tokens = max_new_tokens
        self._batch_size = batch_size
        self._device = device_type()
        self._tokenizer = load_tokenizer(BaseModel(str(base), revision, chat_template))
        self._tokenizer.padding_side = "left"
        if self._tokenizer.pad_token is None:
            self._tokenizer.pad_token = self._tokenizer.eos_token
        torch_dtype = _torch_dtype(dtype, self._device)
        arguments = _four_bit(torch_dtype, self._device) if four_bit else {}
        try:
            model: Any = AutoModelForCausalLM.from_pretrained(
                str(base),
                dtype=torch_dtype,
                revision=revision or "main",
                local_files_only=reads_locally(str(base)),
                **arguments,
            )
        except (OSError, ValueError) as error:
            raise ModelError(f"{base}: the model can't be loaded: {error}") from error
        if adapter is not None:
            model = _with_adapter(model, Path(adapter), merge=not four_bit)
        self._model = (model if four_bit else model.to(self._device)).eval()
        self._ends = end_tokens(self._tokenizer, model.generation_config)

    @property
    def max_prompt_tokens(self) -> int:
        """Tokens of a prompt that leave room for the longest response; 0: no limit is known."""
        config = self._model.config.get_text_config()
        context = int(getattr(config, "max_position_embeddings", None) or 0)
        return max(1, context - self._max_new_tokens) if context else 0

    def n_tokens(self, conversation: Conversation) -> int:
        """Return the number of tokens of a conversation in the chat template."""
        text = self._tokenizer.apply_chat_template(list(conversation), tokenize=False)
        return len(self._tokenizer(text, add_special_tokens=False)["input_ids"])

    def respond(
        self,
        conversations: Sequence[Conversation],
        progress: Callable[[int], None] | None = None,
    ) -> list[str]:
        """Return a :class:`Response` to each conversation in turn, with its probability.

        Conversations end with the user's turn. ``progress`` is called after each batch with the
        number of responses it added.
        """
        return [text for text, _ in self.generate(conversations, progress)]

    def generate(
        self,
        conversations: Sequence[Conversation],
        progress: Callable[[int], None] | None = None,
    ) -> list[tuple[str, bool]]:
        """Return a response to each conversation, and whether the model completed it.

        An incomplete response was cut off at ``max_new_tokens``. See :meth:`respond`.
        """
        texts = [
            self._tokenizer.apply_chat_template(
                list(conversation), tokenize=False, add_generation_prompt=True
            )
            for conversation in conversations
        ]
        encoded = (
            list(self._tokenizer(texts, add_special_tokens=False)["input_ids"]) if texts else []
        )
        responses: list[tuple[str, bool]] = [("", False)] * len(texts)
        for batch in batch_alike(conversations, encoded, self._batch_size):
            for index, response in zip(
                batch, self._generate_batch([encoded[i] for i in batch]), strict=True
            ):
                responses[index] = response
            if progress is not None:
                progress(len(batch))
        return responses

    def _generate_batch(self, encoded: list[list[int]]) -> list[tuple[Response, bool]]:
        import torch  # noqa: PLC0415

        greedy = GreedyProbabilities()
        with torch.inference_mode():
            input_ids, attention_mask, computed = self._prepare(encoded)
            output = self._model.generate(
                input_ids=input_ids,
                attention_mask=attention_mask,
                **computed,
                max_new_tokens=self._max_new_tokens,
                do_sample=False,
                pad_token_id=self._tokenizer.pad_token_id,
                eos_token_id=self._ends or None,
                logits_processor=[greedy],
            )
        responses = output[:, input_ids.shape[1] :]
        ends = torch.isin(responses, torch.tensor(self._ends, device=responses.device))
        logs = greedy.log_probabilities(ends).tolist()
        decoded = self._tokenizer.batch_decode(responses, skip_special_tokens=True)
        return [
            (Response(text.strip(), log), end)
            for text, log, end in zip(decoded, logs, ends.any(dim=1).tolist(), strict=True)
        ]

    def _prepare(self, encoded: list[list[int]]) -> tuple[Any, Any, dict[str, Any]]:
        """Return tokens and attention mask, ``[batch, tokens]``, and what is computed already.

        The prompts' common tokens are computed once. Padding follows them.
        """
        import torch  # noqa: PLC0415

        prefix = common_prefix(encoded)
        cache = compute_prefix(self._model, prefix, len(encoded)) if prefix else None
        if cache is None:
            prefix = []
        padded = self._tokenizer.pad(
            {"input_ids": [tokens[len(prefix) :] for tokens in encoded]}, return_tensors="pt"
        ).to(self._device)
        if cache is None:
            return padded["input_ids"], padded["attention_mask"], {}
        begin = torch.tensor([prefix], device=self._device).expand(len(encoded), -1)
        return (
            torch.cat([begin, padded["input_ids"]], dim=1),
            torch.cat([torch.ones_like(begin), padded["attention_mask"]], dim=1),
            {"cache": cache},
        )


def device_type() -> str:
    """Return the type of the device that generates: ``cuda`` or ``cpu``."""
    import torch  # noqa: PLC0415 - heavy

    return "cuda" if torch.cuda.is_available() else "cpu"


def _torch_dtype(name: str, device: str) -> Any:
    """Return the number format of a name; see :class:`Responder`."""
    import torch  # noqa: PLC0415 - heavy

    if name == "auto":
        name = "bfloat16" if device == "cuda" else "float32"
    return {"float32": torch.float32, "bfloat16": torch.bfloat16}[name]


class GreedyProbabilities:
    """A logits processor that records the probability of each greedy token."""

    def __init__(self) -> None:
        self._steps: list[Any] = []

    def __call__(self, _input_ids: Any, scores: Any) -> Any:
        """Record the log-probability of the largest logit of each row of ``[batch, tokens]``."""
        logits = scores.float()
        self._steps.append(logits.amax(dim=-1) - logits.logsumexp(dim=-1))
        return scores

    def log_probabilities(self, ends: Any) -> Any:
        """Return the log-probability of each response, ``[batch]``.

        ``ends``, ``[batch, steps]``, is true where the token ends the response; the first one
        counts, what follows is padding.
        """
        import torch  # noqa: PLC0415

        steps = torch.stack(self._steps, dim=1)
        return (steps * (ends.cumsum(dim=1) - ends.long() == 0)).sum(dim=1)


def _four_bit(dtype: Any, device: str) -> dict[str, Any]:
    from transformers import BitsAndBytesConfig  # noqa: PLC0415 - heavy

    quantisation = BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=dtype,
    )
    return {"quantization_config": quantisation, "device_map": {"": device}}


def _with_adapter(model: Any, adapter: Path, *, merge: bool) -> Any:
    """Add an adapter to the model, merged for speed.

    A 4-bit base keeps the adapter separate: merging would round it away.
    """
    if not (adapter / "adapter_config.json").is_file():
        raise ModelError(f"{adapter}: no adapter here (adapter_config.json is missing)")
    from peft import PeftModel  # noqa: PLC0415 - heavy

    adapted = PeftModel.from_pretrained(model, str(adapter))
    return adapted.merge_and_unload() if merge else adapted
