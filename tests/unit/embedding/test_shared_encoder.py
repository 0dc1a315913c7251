"""One encoder shared by ingest and evaluations: loaded once, without long waits."""

import threading

import numpy as np
import pytest

from monitor.embedding import shared_encoder
from monitor.embedding.shared_encoder import SharedEncoder
from monitor.settings import Embedding
from tests.support.encoders.fake_encoder import FakeEncoder


class SlowEncoder(FakeEncoder):
    """An encoder that counts concurrent calls."""

    def __init__(self) -> None:
        self.inside = 0
        self.most = 0
        self.order: list[str] = []
        self.gate = threading.Event()

    def encode(self, texts):
        self.inside += 1
        self.most = max(self.most, self.inside)
        self.order.append(texts[0])
        self.gate.wait(5)
        self.inside -= 1
        return super().encode(texts)


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> SlowEncoder:
    encoder = SlowEncoder()
    loads = iter([encoder])
    monkeypatch.setattr(
        shared_encoder, "load_encoder", lambda _: next(loads)
    )  # a second load would fail
    return encoder


def test_it_is_loaded_once(slow: SlowEncoder) -> None:
    slow.gate.set()
    lender = SharedEncoder(Embedding())
    first, second = lender.load(), lender.load()
    assert first.identity == second.identity == slow.identity
    np.testing.assert_array_equal(first.encode(["a"]), second.encode(["a"]))


def test_who_waits_comes_before_who_has_just_finished(slow: SlowEncoder) -> None:
    encoder = SharedEncoder(Embedding()).load()
    many = threading.Thread(
        target=lambda: [encoder.encode([f"evaluation {call}"]) for call in range(3)]
    )
    many.start()
    while not slow.order:
        pass
    text = threading.Thread(target=lambda: encoder.encode(["ingest"]))
    text.start()
    while not encoder._next.locked():
        pass
    slow.gate.set()
    many.join(5)
    text.join(5)
    assert slow.most == 1
    assert slow.order == ["evaluation 0", "ingest", "evaluation 1", "evaluation 2"]
