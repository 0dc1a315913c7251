"""Refusals, by the error's code."""

from typing import Any

import pytest

from monitor.errors import DriftwardenError, WorkflowError


def refusal(
    code: str, kind: type[DriftwardenError] = WorkflowError, *, match: str | None = None
) -> "pytest.RaisesExc[Any]":
    """Expect an error of a kind with a code; ``match`` is for a value in the message."""
    return pytest.raises(kind, match=match, check=lambda error: error.code == code)
