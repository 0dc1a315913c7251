"""Evidence as JSON, the form in which it is stored."""

import json
from dataclasses import asdict, fields
from typing import Any

import numpy as np

from retrain.rollout.checks.check import RolloutCheck
from retrain.rollout.checks.evidence import RolloutEvidence, Tolerances
from retrain.rollout.checks.sample_ratio import SampleRatio
from retrain.rollout.checks.user_history import HistorySums

#: Raised when stored evidence can't be continued by newer code.
VERSION = 1

#: Of arrays that are no floats.
_TYPES = {"last_pair": np.int64, "hours": np.int64, "worse": np.bool_, "not_worse": np.bool_}
_BY_HOUR = {"hourly_thresholds", "means"}


def to_json(evidence: RolloutEvidence) -> str:
    """Return the evidence as JSON; :func:`from_json` continues it without any loss."""
    document: dict[str, Any] = {"version": VERSION}
    for item in fields(evidence):
        document[item.name] = _plain(getattr(evidence, item.name))
    return json.dumps(document, allow_nan=False)


def from_json(text: str) -> RolloutEvidence:
    """Return stored evidence; ``ValueError`` where another version wrote it."""
    document = json.loads(text)
    if document.pop("version", None) != VERSION:
        raise ValueError(f"evidence of another version than {VERSION}; start the rollout again")
    m = len(document["checks"])
    document["checks"] = tuple(RolloutCheck(**check) for check in document["checks"])
    document["tolerances"] = Tolerances(**document["tolerances"])
    document["onset_shares"] = tuple(document["onset_shares"])
    document["history"] = HistorySums(**_arrays(document["history"], m))
    document["sample_ratio"] = SampleRatio(**_arrays(document["sample_ratio"], m))
    return RolloutEvidence(**_arrays(document, m))


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        if value.dtype != np.float64:
            return value.tolist()
        # JSON has neither NaN, a level that is unknown, nor minus infinity, an empty account.
        finite = value.astype(object)
        finite[np.isnan(value)] = None
        finite[np.isneginf(value)] = "-inf"
        return finite.tolist()
    if isinstance(value, Tolerances):
        return asdict(value)
    if isinstance(value, SampleRatio | HistorySums):
        return {item.name: _plain(getattr(value, item.name)) for item in fields(value)}
    if isinstance(value, tuple):
        return [asdict(entry) if isinstance(entry, RolloutCheck) else entry for entry in value]
    return value


def _arrays(document: dict[str, Any], n_checks: int) -> dict[str, Any]:
    """Return the document with its lists as arrays; those of no hours have a column per check."""
    arrays = {}
    for name, value in document.items():
        array = value
        if isinstance(value, list):
            kind = _TYPES.get(name, np.float64)
            array = np.array(value, dtype=kind)
            if name in _BY_HOUR:
                array = array.reshape(-1, n_checks)
        arrays[name] = array
    return arrays
