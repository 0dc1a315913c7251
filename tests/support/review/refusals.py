"""Refusals of a workflow, by code."""

import pytest

from monitor.errors import WorkflowError


def refusal(code: str) -> "pytest.RaisesExc[WorkflowError]":
    """Expect a WorkflowError with a code."""
    return pytest.raises(WorkflowError, check=lambda error: error.code == code)
