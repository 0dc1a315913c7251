"""Tests that every gateway has to pass: docs/how-to/add-a-gateway.md.

A test module of a gateway defines the fixture ``subject`` and inherits the tests::

    class TestAcme(GatewayTests):
        @pytest.fixture
        def subject(self) -> Iterator[Subject]: ...
"""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from monitor.errors import DriftwardenError, GatewayError, StaleWeightsError, TransientError
from retrain.rollout.gateways.protocol import Applied, Gateway, Weights, wait_until_applied
from tests.support.refusals import refusal

#: Longest wait until a gateway has taken the weights.
TAKEN_SECONDS = 5.0


@dataclass
class Subject:
    """A gateway under test, with what surrounds it.

    The versions 1, 2 and 3 of the model ``desk`` and version 1 of ``tax`` respond; version 4 of
    ``desk`` is not defined.
    """

    gateway: Gateway
    #: Lets a version of ``desk`` refuse requests.
    break_version: Callable[[int], None]
    #: Makes the gateway unavailable.
    stop: Callable[[], None]
    #: Keys that no message may hold.
    secrets: tuple[str, ...] = field(default=())

    def apply(self, weights: Weights) -> Applied:
        """Set weights, and return them as they were read back."""
        self.gateway.set(weights)
        applied = wait_until_applied(self.gateway, weights, TAKEN_SECONDS, poll_seconds=0.02)
        assert applied is not None
        assert applied.matches(weights), applied
        return applied


def desk(canary: int | None, percent: int, generation: int, *, stable: int = 1) -> Weights:
    """Return weights of the model ``desk``."""
    return Weights("desk", stable, canary, percent, generation)


class GatewayTests:
    """Tests of the gateway protocol's promises."""

    def test_weights_are_read_back_with_their_generation(self, subject: Subject) -> None:
        assert subject.apply(desk(None, 0, 1)).shares == {1: 100}
        applied = subject.apply(desk(2, 5, 2))
        assert ({1: 95, 2: 5}, 2) == (applied.shares, applied.generation)
        assert subject.apply(desk(2, 100, 3)).shares == {2: 100}
        assert subject.apply(desk(None, 0, 4)).shares == {1: 100}

    def test_stored_weights_are_those_that_were_set(self, subject: Subject) -> None:
        subject.apply(desk(2, 25, 6))
        stored = subject.gateway.stored("desk")
        assert stored is not None
        assert stored.matches(desk(2, 25, 6))
        assert subject.gateway.stored("unheard of") is None

    def test_setting_weights_again_changes_nothing(self, subject: Subject) -> None:
        first = subject.apply(desk(2, 25, 1))
        assert first == subject.apply(desk(2, 25, 1))
        assert first == dataclasses.replace(subject.apply(desk(2, 25, 2)), generation=1)

    def test_lower_generation_is_refused(self, subject: Subject) -> None:
        subject.apply(desk(2, 25, 7))
        subject.apply(desk(None, 0, 8))
        with pytest.raises(StaleWeightsError):
            subject.gateway.set(desk(2, 25, 7))
        applied = subject.gateway.read("desk")
        assert applied is not None
        assert ({1: 100}, 8) == (applied.shares, applied.generation)

    def test_missing_canary_is_refused_and_named(self, subject: Subject) -> None:
        subject.apply(desk(None, 0, 1))
        with refusal("missing_version", GatewayError, match="desk-v4"):
            subject.gateway.set(desk(4, 5, 2))
        applied = subject.gateway.read("desk")
        assert applied is not None
        assert ({1: 100}, 1) == (applied.shares, applied.generation)

    def test_canary_that_fails_its_probe_gets_nothing(self, subject: Subject) -> None:
        subject.apply(desk(None, 0, 1))
        subject.break_version(2)
        with refusal("probe_failed", GatewayError, match="desk-v2") as caught:
            subject.gateway.set(desk(2, 5, 2))
        assert not any(secret in str(caught.value) for secret in subject.secrets)
        applied = subject.gateway.read("desk")
        assert applied is not None
        assert ({1: 100}, 1) == (applied.shares, applied.generation)

    def test_broken_canary_can_be_reverted(self, subject: Subject) -> None:
        subject.apply(desk(2, 25, 1))
        subject.break_version(1)
        subject.break_version(2)
        assert subject.apply(desk(2, 0, 2)).shares == {1: 100}

    def test_reverted_version_can_start_again(self, subject: Subject) -> None:
        subject.apply(desk(2, 25, 1))
        subject.apply(desk(None, 0, 2))
        subject.gateway.remove("desk", 2)
        assert subject.apply(desk(2, 5, 3)).shares == {1: 95, 2: 5}
        assert subject.apply(desk(3, 5, 4)).shares == {1: 95, 3: 5}

    def test_other_models_stay_as_they_are(self, subject: Subject) -> None:
        subject.apply(desk(2, 25, 3))
        subject.apply(Weights("tax", 1, None, 0, 1))
        subject.apply(desk(2, 50, 4))
        assert subject.gateway.read("tax") == Applied("tax", 1, None, 0, 1)
        subject.apply(Weights("tax", 1, None, 0, 2))
        desk_applied = subject.gateway.read("desk")
        assert desk_applied is not None
        assert desk_applied.matches(desk(2, 50, 4))

    def test_unknown_model_has_no_weights(self, subject: Subject) -> None:
        assert subject.gateway.read("unheard of") is None

    def test_probe_tells_a_version_that_responds(self, subject: Subject) -> None:
        subject.apply(desk(2, 5, 1))
        result = subject.gateway.probe("desk", 2)
        assert result.ok, result.detail
        assert "desk-v2" in result.detail
        subject.break_version(2)
        assert not subject.gateway.probe("desk", 2).ok

    def test_version_with_traffic_is_not_removed(self, subject: Subject) -> None:
        subject.apply(desk(2, 5, 1))
        with refusal("in_use", GatewayError):
            subject.gateway.remove("desk", 2)
        subject.apply(desk(None, 0, 2))
        subject.gateway.remove("desk", 2)
        subject.gateway.remove("desk", 2)
        assert subject.gateway.read("desk") == Applied("desk", 1, None, 0, 2)

    def test_unavailable_gateway_is_transient(self, subject: Subject) -> None:
        subject.apply(desk(None, 0, 1))
        subject.stop()
        for call in (
            lambda: subject.gateway.read("desk"),
            lambda: subject.gateway.set(desk(3, 5, 2)),
            lambda: subject.gateway.probe("desk", 1),
        ):
            with pytest.raises(TransientError) as caught:
                call()
            assert isinstance(caught.value, DriftwardenError)
            assert not any(secret in str(caught.value) for secret in subject.secrets)
