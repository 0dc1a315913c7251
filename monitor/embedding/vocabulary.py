"""Vocabulary of the encoder: how much of a text its tokenizer knows.

Characters that no token covers become one unknown token, whatever they are: two such texts of one
length have the same vector. Only the tokenizer is loaded, not the model.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import structlog
from numpy.typing import NDArray

from monitor.embedding.encoder import encoder_name
from monitor.errors import ModelError
from monitor.settings import Embedding
from monitor.settings.model_location import locate_model

if TYPE_CHECKING:
    from tokenizers import Tokenizer

log = structlog.get_logger()

#: Unknown tokens of the usual tokenizers: BERT's, and those of SentencePiece.
UNKNOWN_TOKENS = ("[UNK]", "<unk>")
#: Characters of a text that are read.
CHARACTERS_READ = 2000
#: ASCII with shorter words has no unknown token in any vocabulary in use.
ASCII_WORD = 50


class Vocabulary:
    """The tokens that an encoder knows."""

    def __init__(self, tokenizer: "Tokenizer") -> None:
        tokenizer.no_padding()
        tokenizer.no_truncation()
        self._tokenizer = tokenizer
        ids = (tokenizer.token_to_id(token) for token in UNKNOWN_TOKENS)
        self._unknown = {index for index in ids if index is not None}

    def unknown_shares(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Return the share of each text's characters that lie in unknown tokens, ``[n]``.

        Spaces don't count. It is 0 for empty texts, and for tokenizers of bytes, which know all.
        """
        distinct = dict.fromkeys(texts, 0.0)
        tried = [text for text in distinct if self._unknown and not _is_plain(text)]
        shortened = [
            text[:CHARACTERS_READ].encode("utf-8", "replace").decode("utf-8") for text in tried
        ]
        encodings = self._tokenizer.encode_batch(shortened, add_special_tokens=False)
        for text, read, encoding in zip(tried, shortened, encodings, strict=True):
            n_unknown = sum(
                _count(read[slice(*offsets)])
                for token, offsets in zip(encoding.ids, encoding.offsets, strict=True)
                if token in self._unknown
            )
            distinct[text] = n_unknown / max(1, _count(read))
        return np.array([distinct[text] for text in texts], dtype=np.float64)


def load_vocabulary(settings: Embedding, identity: str) -> Vocabulary | None:
    """Return the vocabulary of the configured encoder.

    It is ``None`` where another encoder made the vectors, or its tokenizer isn't on this machine.
    """
    try:
        if not identity.startswith(f"{encoder_name(settings)}@"):
            return None
        file = _tokenizer_file(settings)
    except ModelError:
        return None
    if file is None:
        return None
    from tokenizers import Tokenizer  # noqa: PLC0415 - only where texts are compared

    try:
        return Vocabulary(Tokenizer.from_file(str(file)))
    except Exception as error:  # noqa: BLE001 - tokenizers raises no narrower one
        log.warning("vocabulary_not_loaded", file=str(file), reason=str(error))
        return None


def _tokenizer_file(settings: Embedding) -> Path | None:
    location = locate_model(settings.model, "embedding.model")
    if Path(location).is_dir():
        # That of the model itself lies highest; exports to other formats have copies below.
        files = sorted(Path(location).rglob("tokenizer.json"), key=lambda file: len(file.parts))
        return files[0] if files else None
    from huggingface_hub import try_to_load_from_cache  # noqa: PLC0415 - of a hub id only

    cached = try_to_load_from_cache(location, "tokenizer.json", revision=settings.revision or None)
    return Path(cached) if isinstance(cached, str) else None


def _is_plain(text: str) -> bool:
    return text.isascii() and all(len(word) < ASCII_WORD for word in text.split())


def _count(text: str) -> int:
    return sum(not character.isspace() for character in text)
