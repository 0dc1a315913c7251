"""Example order: determined by seed and epoch alone."""

import pytest

pytestmark = pytest.mark.language_model

LENGTHS = [n % 7 + 3 for n in range(40)]


def order(seed: int, epoch: int) -> list[int]:
    from retrain.training.example_order import EpochOrder

    sampler = EpochOrder(8, lengths=LENGTHS, seed=seed)
    sampler.set_epoch(epoch)
    return list(sampler)


def test_order_of_an_epoch_does_not_depend_on_earlier_draws() -> None:
    import torch

    torch.manual_seed(1)
    first = order(7, 3)
    torch.rand(100)
    assert order(7, 3) == first
    assert sorted(first) == list(range(40))


def test_epochs_and_seeds_differ() -> None:
    assert len({tuple(order(seed, epoch)) for seed in (7, 8) for epoch in range(5)}) == 10


def test_order_leaves_the_shared_generator_unchanged() -> None:
    import torch

    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    order(7, 0)
    assert torch.equal(torch.rand(3), expected)
