"""Write the ONNX graph of the default encoder, and with ``--vectors`` the vectors of its check.

The graph has no weights: its initializers name their place in the model's safetensors file. Its
input is the token ids of texts of one length, so that it needs neither padding nor a mask; its
output is the mean of the last hidden states. The attention is onnxruntime's fused operator; fused
layer normalisation and GELU (SkipLayerNormalization, BiasGelu) took 4 to 15% more time.
"""

import json
import struct
import sys
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from monitor.embedding.onnx_model import GRAPH, TEXTS, VECTORS
from monitor.settings import Embedding
from monitor.settings.model_location import locate_model

WEIGHTS = "model.safetensors"
FUSED = "com.microsoft"
PARTS = ("query", "key", "value")


class Graph:
    """Nodes and initializers of the graph, in the order of their making."""

    def __init__(self, weights: Path) -> None:
        with weights.open("rb") as file:
            (size,) = struct.unpack("<Q", file.read(8))
            self._tensors = json.loads(file.read(size))
        self._start = 8 + size
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: dict[str, onnx.TensorProto] = {}

    def weight(self, name: str) -> str:
        """Return the name of a tensor of the safetensors file."""
        if name not in self.initializers:
            tensor = self._tensors[name]
            start, end = tensor["data_offsets"]
            proto = TensorProto(
                name=name,
                data_type=TensorProto.FLOAT,
                dims=tensor["shape"],
                data_location=TensorProto.EXTERNAL,
            )
            place = {"location": WEIGHTS, "offset": self._start + start, "length": end - start}
            for key, value in place.items():
                proto.external_data.add(key=key, value=str(value))
            self.initializers[name] = proto
        return name

    def constant(self, name: str, values: NDArray[np.int64]) -> str:
        """Return the name of a constant."""
        self.initializers[name] = numpy_helper.from_array(values, name)
        return name

    def node(self, operator: str, *inputs: str, domain: str = "", **attributes: object) -> str:
        """Append a node; the name of its output."""
        output = f"{operator}_{len(self.nodes)}"
        self.nodes.append(
            helper.make_node(
                operator, list(inputs), [output], name=output, domain=domain, **attributes
            )
        )
        return output

    def linear(self, rows: str, layer: str) -> str:
        """Append a linear layer of rows ``[texts x tokens, d]``."""
        weights = [self.weight(f"{layer}.{name}") for name in ("weight", "bias")]
        return self.node("Gemm", rows, *weights, transB=1)


def build_graph(folder: Path) -> bytes:
    """Return the graph of the BERT model of a folder."""
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    width, epsilon = config["hidden_size"], config["layer_norm_eps"]
    graph = Graph(folder / WEIGHTS)

    def normalise(rows: str, layer: str) -> str:
        weights = [graph.weight(f"{layer}.LayerNorm.{name}") for name in ("weight", "bias")]
        return graph.node("LayerNormalization", rows, *weights, axis=-1, epsilon=epsilon)

    def add(rows: str, layer: str, residual: str) -> str:
        return normalise(graph.node("Add", graph.linear(rows, f"{layer}.dense"), residual), layer)

    zero = graph.constant("zero", np.array(0, np.int64))
    step = graph.constant("one", np.array(1, np.int64))
    flat = graph.constant("flat", np.array([-1, width], np.int64))
    shape = graph.node("Shape", "input_ids")
    positions = graph.node("Range", zero, graph.node("Gather", shape, step), step)
    batched = graph.node(
        "Concat", shape, graph.constant("width", np.array([width], np.int64)), axis=0
    )
    words, places, kinds = (
        graph.node("Gather", graph.weight(f"embeddings.{name}_embeddings.weight"), index)
        for name, index in (("word", "input_ids"), ("position", positions), ("token_type", zero))
    )
    rows = graph.node("Add", words, graph.node("Add", places, kinds))
    rows = normalise(rows, "embeddings")
    rows = graph.node("Reshape", rows, flat)
    for number in range(config["num_hidden_layers"]):
        layer = f"encoder.layer.{number}"
        parts = [graph.linear(rows, f"{layer}.attention.self.{part}") for part in PARTS]
        attention = graph.node(
            "MultiHeadAttention",
            *(graph.node("Reshape", part, batched) for part in parts),
            domain=FUSED,
            num_heads=config["num_attention_heads"],
        )
        attention = graph.node("Reshape", attention, flat)
        rows = add(attention, f"{layer}.attention.output", rows)
        wide = graph.node("Gelu", graph.linear(rows, f"{layer}.intermediate.dense"))
        rows = add(wide, f"{layer}.output", rows)
    states = graph.node("Reshape", rows, batched)
    axis = graph.constant("tokens", np.array([1], np.int64))
    graph.nodes.append(helper.make_node("ReduceMean", [states, axis], ["vectors"], keepdims=0))
    model = helper.make_model(
        helper.make_graph(
            graph.nodes,
            "minilm",
            [helper.make_tensor_value_info("input_ids", TensorProto.INT64, ["texts", "tokens"])],
            [helper.make_tensor_value_info("vectors", TensorProto.FLOAT, ["texts", width])],
            initializer=list(graph.initializers.values()),
        ),
        opset_imports=[helper.make_opsetid("", 20), helper.make_opsetid(FUSED, 1)],
        producer_name="driftwarden",
        ir_version=9,
    )
    return model.SerializeToString(deterministic=True)


def write_vectors() -> None:
    """Write the vectors of the check's texts, as torch computes them."""
    from monitor.embedding.encoder import load_encoder  # noqa: PLC0415

    texts = json.loads(TEXTS.read_text(encoding="utf-8"))
    np.save(VECTORS, load_encoder(Embedding(backend="torch", device="cpu")).encode(texts))


if __name__ == "__main__":
    GRAPH.write_bytes(build_graph(Path(locate_model(Embedding().model))))
    if "--vectors" in sys.argv:
        write_vectors()
