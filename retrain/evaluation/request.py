"""The request of a candidate evaluation, complete for its child."""

import hashlib
from pathlib import Path
from typing import Any

import msgspec

from monitor.errors import TrainingError
from monitor.settings import Gates, Judge, Scoring, TrainingData
from monitor.settings.evaluation_file.plan import EvaluationPlan, parse_plan
from retrain.models.source import Source
from retrain.run_folder import RunFolder, read_json, write_json


class EvaluationRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The systems, benchmarks and rules of an evaluation.

    Secrets are not in it: a child takes them from its environment.
    """

    candidate: Source
    #: What serves the traffic; ``None``: nothing does yet.
    incumbent: Source | None
    #: The base model; it is told ``base_prompt``.
    base: Source
    base_prompt: str
    #: Where evaluation.yaml lay: paths of data sets are relative to its folder.
    origin: str
    #: What it said.
    content: str
    gates: dict[str, Any]
    scoring: dict[str, Any]
    judge: dict[str, Any]
    seed: int
    #: How training data is held against benchmarks, ``[retrain.data]``.
    data: dict[str, Any] = {}

    @property
    def plan(self) -> EvaluationPlan:
        """The benchmarks and thresholds, as evaluation.yaml names them."""
        return parse_plan(self.content, Path(self.origin))

    @property
    def policy(self) -> Gates:
        """What the candidate must show."""
        return Gates.model_validate(self.gates)

    @property
    def answering(self) -> Scoring:
        """How responses are made and scored."""
        return Scoring.model_validate(self.scoring)

    @property
    def data_rules(self) -> TrainingData:
        """How training data is held against benchmarks."""
        return TrainingData.model_validate(self.data)

    @property
    def judging(self) -> Judge:
        """The judge's endpoint."""
        return Judge.model_validate(self.judge)

    @property
    def file_digest(self) -> str:
        """``sha256:...`` of evaluation.yaml."""
        return f"sha256:{hashlib.sha256(self.content.encode()).hexdigest()}"


def write_request(
    folder: RunFolder, evaluation_id: int, attempt: int, request: EvaluationRequest
) -> None:
    """Write what an evaluation's child is to do, and clear what an earlier child left.

    Responses that an earlier attempt at the same evaluation generated stay, so that the next one
    needn't ask for them again.

    Repeating it for the same attempt changes nothing, so that a child which a dead process has
    started is found.
    """
    named = {"evaluation_id": evaluation_id, "attempt": attempt}
    known = read_json(folder.evaluation_request) or {}
    if {key: known.get(key) for key in named} == named:
        return
    files = folder.task("evaluate")
    for path in (files.result, files.heartbeat, files.child):
        path.unlink(missing_ok=True)
    if known.get("evaluation_id") != evaluation_id:
        folder.unscored_responses.unlink(missing_ok=True)
    write_json(folder.evaluation_request, {**named, "request": msgspec.to_builtins(request)})


def read_request(folder: RunFolder) -> tuple[int, EvaluationRequest]:
    """Read the evaluation's id and what it is to do.

    Raises:
        TrainingError: There is no request, or it is malformed.
    """
    content = read_json(folder.evaluation_request)
    if content is None:
        raise TrainingError(f"{folder.evaluation_request}: there is no such file")
    try:
        return int(content["evaluation_id"]), as_request(content["request"])
    except (KeyError, ValueError, msgspec.ValidationError) as error:
        raise TrainingError(f"{folder.evaluation_request}: malformed: {error}") from None


def as_request(content: Any) -> EvaluationRequest:
    """Read a request from plain values."""
    return msgspec.convert(content, EvaluationRequest)
