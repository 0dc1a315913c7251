"""Chat templates of one's own, and tokenizers of single characters."""

from pathlib import Path
from typing import Any

#: Marks each response and its end; production's rendering of a prompt ends with ``A:`` and a line
#: break.
MARKED = (
    "{% for message in messages %}{% if message.role == 'assistant' %}A:\n{% generation %}"
    "{{ message.content }}{{ eos_token }}{% endgeneration %}\n{% else %}"
    "{{ message.role }}: {{ message.content }}\n{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}A:\n{% endif %}"
)
RESPONSE = "{% generation %}{{ message.content }}{{ eos_token }}{% endgeneration %}"
PROMPT = "{{ message.role }}: {{ message.content }}\n"


def character_tokenizer(template: str | None, eos: str = "<|im_end|>") -> Any:
    """Return a tokenizer whose tokens are characters, and the end of a turn."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    characters = [chr(code) for code in range(32, 127)] + ["\n", "<unk>"]
    vocabulary = {character: index for index, character in enumerate(characters)}
    core = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    core.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    return PreTrainedTokenizerFast(
        tokenizer_object=core, unk_token="<unk>", eos_token=eos, chat_template=template
    )


def save_tokenizer(folder: Path, template: str | None) -> str:
    """Save such a tokenizer as that of a base model, and return the folder."""
    import json

    character_tokenizer(template).save_pretrained(folder)
    (folder / "config.json").write_text(json.dumps({"model_type": "llama"}))
    return str(folder)
