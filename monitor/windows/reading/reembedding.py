"""New embeddings of stored texts after a change of the encoder."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from monitor.store.traffic.exchange_columns import Exchanges
from monitor.traffic.embedding import TextEncoder

#: Returns the configured encoder, loaded on first use; may raise a ModelError.
EncoderSource = Callable[[], TextEncoder]

#: Texts encoded in one call.
CHUNK = 256


def reembed(rows: Exchanges, encoder: TextEncoder) -> Exchanges:
    """Return exchanges with the vectors of another encoder.

    The vector of a text does not depend on other texts in its batch, so these are the vectors that
    ingest would have stored.
    """
    return replace(
        rows,
        prompt_vectors=encode(rows.prompts, encoder),
        response_vectors=encode(rows.responses, encoder),
        encoder=encoder.identity,
    )


def encode(texts: Sequence[str], encoder: TextEncoder) -> NDArray[np.float16]:
    """Return the unit-norm vectors of texts, ``[n, d]``; each distinct text is encoded once."""
    if not texts:
        return np.empty((0, 0), dtype=np.float16)
    # Texts of similar length together: less padding.
    distinct = sorted(set(texts), key=lambda text: (-len(text), text))
    vectors = np.concatenate(
        [encoder.encode(distinct[at : at + CHUNK]) for at in range(0, len(distinct), CHUNK)]
    )
    row = {text: number for number, text in enumerate(distinct)}
    return vectors[[row[text] for text in texts]]
