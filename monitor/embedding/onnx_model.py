"""Encoder model run by onnxruntime on a CPU, without torch.

The graph of the default encoder is packaged without weights: they are read from its safetensors
file. Other models bring a graph in ``onnx/``. Texts run together only with texts of as many tokens,
so nothing is padded. How many run together changes a coordinate by 2e-7 at most.
"""

import json
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from monitor.embedding.device import count_threads
from monitor.embedding.weights import weights_digest

if TYPE_CHECKING:
    from onnxruntime import InferenceSession
    from tokenizers import Tokenizer

#: The packaged graph, the digest of the weights that it is made for, and the texts with vectors by
#: torch that show that it gives the same ones; scripts/write_encoder_graph.py makes them.
PACKAGED = Path(__file__).with_name("minilm")
GRAPH, TEXTS, VECTORS = (PACKAGED / name for name in ("graph.onnx", "texts.json", "vectors.npy"))
DIGEST = "6fceb34132ad"
#: Least cosine of both vectors of a text; float16 rounds by less than 1e-6.
MIN_COSINE = 0.99999
#: The oldest onnxruntime that reads weights from another file of the model.
OLDEST = (1, 20)
#: Tokens that run together, at most: with more it isn't faster, with 64 a quarter slower.
TOKENS = 256
#: Modules of sentence-transformers that are run here.
MODULES = ("Transformer", "Pooling", "Normalize")


class UnsuitableError(Exception):
    """Raised where onnxruntime can't run a model; the message is the reason."""


class OnnxModel:
    """A sentence encoder by onnxruntime."""

    backend = "onnx"
    onnx_failure = ""

    def __init__(self, folder: Path, graph: Path) -> None:
        """Load the model of a folder of sentence-transformers, by its :func:`find_graph`.

        Raises:
            UnsuitableError: It can't run here, or gives other vectors than torch.
        """
        self._pooling = "graph" if graph == GRAPH else _pooling(folder)
        self.max_tokens = _max_tokens(folder)
        try:
            self._tokenizer = _load_tokenizer(folder, self.max_tokens)
            self._session = _open_session(graph, folder)
            self._inputs = {item.name for item in self._session.get_inputs()}
            self.dimension = int(self._session.get_outputs()[0].shape[-1])
            if graph == GRAPH:
                self._check()
            else:
                self.encode(["ready"])
        except UnsuitableError:
            raise
        except Exception as error:  # onnxruntime and tokenizers raise no narrower one
            raise UnsuitableError(f"{type(error).__name__}: {error}") from error

    def encode(self, texts: list[str]) -> NDArray[np.float32]:
        """Return the vectors of texts, ``[n, d]``."""
        encodings = self._tokenizer.encode_batch(texts)
        vectors = np.empty((len(texts), self.dimension), np.float32)
        for rows in _batches([len(encoding.ids) for encoding in encodings]):
            ids = np.array([encodings[row].ids for row in rows], np.int64)
            vectors[rows] = self._run(ids)
        return vectors

    def _run(self, ids: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the vectors of token ids ``[n, tokens]``."""
        arrays = {
            "input_ids": ids,
            "attention_mask": np.ones_like(ids),
            "token_type_ids": np.zeros_like(ids),
        }
        output = self._session.run(
            None, {name: array for name, array in arrays.items() if name in self._inputs}
        )[0]
        if self._pooling == "graph":
            vectors: NDArray[np.float32] = output
            return vectors
        states: NDArray[np.float32] = output
        return states[:, 0] if self._pooling == "cls" else states.mean(axis=1)

    def _check(self) -> None:
        """Compare the vectors of some texts with those by torch."""
        expected = np.load(VECTORS).astype(np.float32)
        vectors = self.encode(json.loads(TEXTS.read_text(encoding="utf-8")))
        lengths = np.linalg.norm(vectors, axis=1) * np.linalg.norm(expected, axis=1)
        cosine = float(((vectors * expected).sum(axis=1) / lengths).min())
        if not cosine >= MIN_COSINE:  # NaN too
            raise UnsuitableError(
                f"onnxruntime gives other vectors than torch: cosine {cosine:.6f}"
            )


def find_graph(folder: Path) -> Path:
    """Return the graph of a model: in its folder ``onnx/``, or the packaged one.

    Raises:
        UnsuitableError: There is none, or the model has parts that a graph doesn't have.
    """
    if weights_digest(folder) == DIGEST:
        return GRAPH
    file = folder / "onnx" / "model.onnx"
    if not file.is_file():
        raise UnsuitableError("it is not the default encoder and has no file onnx/model.onnx")
    _pooling(folder)
    return file


def _pooling(folder: Path) -> str:
    """Return how the states of tokens become a vector: ``"mean"`` or ``"cls"``."""
    kinds = {module["type"].rpartition(".")[2] for module in _read(folder / "modules.json", [])}
    if not {"Transformer", "Pooling"} <= kinds or not kinds <= set(MODULES):
        raise UnsuitableError(
            f"its modules are {', '.join(sorted(kinds)) or 'unknown'}, not {', '.join(MODULES)}"
        )
    if _read(folder / "config_sentence_transformers.json", {}).get("default_prompt_name"):
        raise UnsuitableError("it puts a prompt before each text")
    if _read(folder / "sentence_bert_config.json", {}).get("do_lower_case"):
        raise UnsuitableError("it makes texts lower-case before its tokenizer does")
    config = _read(folder / "1_Pooling" / "config.json", {})
    modes = {name.removeprefix("pooling_mode_") for name, value in config.items() if value is True}
    modes -= {"include_prompt"}
    names = {"mean_tokens": "mean", "cls_token": "cls"}
    mode = config.get("pooling_mode") or ",".join(names.get(mode, mode) for mode in sorted(modes))
    if mode not in names.values():
        raise UnsuitableError(f"its pooling is {mode or 'unknown'}, not mean or cls")
    return str(mode)


def _max_tokens(folder: Path) -> int:
    """Return after how many tokens a text is cut off."""
    length = _read(folder / "sentence_bert_config.json", {}).get("max_seq_length")
    if not length:
        raise UnsuitableError("sentence_bert_config.json names no max_seq_length")
    return int(length)


def _read(file: Path, default: Any) -> Any:
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return default
    except ValueError as error:
        raise UnsuitableError(f"{file.name} is no JSON: {error}") from None


def _load_tokenizer(folder: Path, max_tokens: int) -> "Tokenizer":
    from tokenizers import Tokenizer  # noqa: PLC0415 - only where texts are encoded

    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(max_tokens)
    return tokenizer


def _open_session(graph: Path, folder: Path) -> "InferenceSession":
    import onnxruntime  # noqa: PLC0415 - only where texts are encoded

    version = tuple(int(part) for part in onnxruntime.__version__.split(".")[:2])
    if version < OLDEST:
        raise UnsuitableError(
            f"onnxruntime {onnxruntime.__version__} is too old; "
            f"`pip install 'onnxruntime>={'.'.join(map(str, OLDEST))}'`"
        )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = count_threads()
    options.inter_op_num_threads = 1
    options.log_severity_level = 3  # errors
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    source: str | bytes = str(graph)
    if graph == GRAPH:  # given as bytes, its weights lie in the model's folder
        source = graph.read_bytes()
        options.add_session_config_entry(
            "session.model_external_initializers_file_folder_path", str(folder)
        )
    return onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])


def _batches(lengths: list[int]) -> Iterator[list[int]]:
    """Yield the rows of texts of one length, at most :data:`TOKENS` tokens at once."""
    ordered = sorted(range(len(lengths)), key=lengths.__getitem__)
    for length, group in groupby(ordered, key=lengths.__getitem__):
        rows = list(group)
        size = max(1, TOKENS // max(1, length))
        for start in range(0, len(rows), size):
            yield rows[start : start + size]
