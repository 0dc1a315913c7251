"""BERTScore with a local encoder."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from monitor.errors import ModelError
from monitor.settings.model_location import locate_model
from retrain.data.benchmarks.item import BenchmarkItem

#: Maximum tokens; the encoders have no positions beyond it.
MAX_TOKENS = 512
#: Maximum share of unknown tokens; above it, scores are meaningless.
MAX_UNKNOWN_SHARE = 0.2


class BertScore:
    """F-measure of greedily matched token embeddings, in [0, 1].

    It doesn't apply to items whose expected response is empty or in a script without tokens in the
    encoder: to an English encoder, two Japanese texts are the same unknown token. The encoder is
    loaded on first use. ``model`` is a folder or ``package:NAME``; ``num_layers`` the layer that is
    compared, from 1.

    Reference: Zhang et al. (2020), BERTScore: evaluating text generation with BERT.
    """

    name = "bertscore"
    direction: Literal["higher"] = "higher"
    kind: Literal["graded"] = "graded"
    lowest = 0.0
    highest = 1.0

    def __init__(self, model: str, num_layers: int, *, batch_size: int = 64) -> None:
        self._model = model
        self._num_layers = num_layers
        self._batch_size = batch_size
        self._scorer: Any = None

    def score(
        self, items: Sequence[BenchmarkItem], responses: Sequence[str]
    ) -> NDArray[np.float64]:
        """Return a score for each response, ``[n]``; 0 for an empty response."""
        scorer = self._loaded()
        scores = np.full(len(items), np.nan)
        pairs: dict[tuple[str, str], list[int]] = {}
        known: dict[str, bool] = {}
        for row, (item, response) in enumerate(zip(items, responses, strict=True)):
            expected = (item.expected or "").strip()
            if expected not in known:
                known[expected] = bool(expected) and self._knows(expected)
            if not known[expected]:
                continue
            if response.strip():
                pairs.setdefault((response.strip(), expected), []).append(row)
            else:
                scores[row] = 0.0
        if pairs:
            values, wanted = zip(*pairs, strict=True)
            _, _, f_measure = scorer.score(list(values), list(wanted), batch_size=self._batch_size)
            for rows, value in zip(pairs.values(), f_measure.tolist(), strict=True):
                scores[rows] = min(1.0, max(0.0, value))
        return scores

    def _knows(self, text: str) -> bool:
        tokenizer = self._scorer._tokenizer  # noqa: SLF001 - the package has no other way to it
        ids = tokenizer(text, add_special_tokens=False, truncation=True, max_length=MAX_TOKENS)
        matches: list[int] = ids["input_ids"]
        return bool(matches) and matches.count(tokenizer.unk_token_id) <= MAX_UNKNOWN_SHARE * len(
            matches
        )

    def _loaded(self) -> Any:
        if self._scorer is None:
            self._scorer = _load(self._model, self._num_layers)
        return self._scorer


def _load(model: str, num_layers: int) -> Any:
    location = locate_model(model)
    if not Path(location).is_dir():
        raise ModelError(f"bertscore: no such folder: {model!r}; use a folder or package:NAME")
    from bert_score import BERTScorer  # noqa: PLC0415 - heavy

    try:
        scorer = BERTScorer(model_type=location, num_layers=num_layers, use_fast_tokenizer=True)
    except (AssertionError, OSError, ValueError, KeyError, AttributeError) as error:
        raise ModelError(
            f"bertscore: {model!r} with num_layers = {num_layers} can't be loaded: {error}"
        ) from error
    tokenizer = scorer._tokenizer  # noqa: SLF001 - the package has no other way to cap it
    positions = getattr(scorer._model.config, "max_position_embeddings", MAX_TOKENS)  # noqa: SLF001
    tokenizer.model_max_length = min(MAX_TOKENS, positions, tokenizer.model_max_length)
    return scorer
