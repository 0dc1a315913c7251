"""Request of a candidate evaluation, the input of its child."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import Connection

from monitor.errors import TrainingError, WorkflowError
from monitor.settings import Gates, Judge, PreviousSystem, Prompted, Scoring, Settings, TrainingData
from monitor.settings.evaluation_file import EvaluationPlan, read_plan
from monitor.settings.evaluation_file.plan import parse_plan
from monitor.store.training.candidate_results import ItemPlace, WeakerRules
from monitor.store.training.registry import VersionRow, production_version
from monitor.store.training.runs import run_by_id
from monitor.store.training.weights_identity import WeightsIdentity
from retrain.models.source import Source, source_of
from retrain.run_folder import RunFolder, read_json, write_json


class EarlierItems(msgspec.Struct, frozen=True, kw_only=True):
    """The items of an earlier evaluation, by benchmark."""

    evaluation: int
    #: SHA-256 of the data set.
    dataset_digests: dict[str, str]
    #: Id of each item -> its digest.
    item_digests: dict[str, dict[str, str]]
    #: Where the items counted; empty: an older release evaluated them.
    places: tuple[ItemPlace, ...] = ()


class TrainingRecord(msgspec.Struct, frozen=True, kw_only=True):
    """Recorded digests of a candidate's training data; ``None``: not recorded."""

    #: ``sha256:...`` of the rows; empty: there were none, or nobody said which.
    training: str | None = None
    validation: str | None = None
    #: ``sha256:...`` of each data set that was searched for in these rows when they were built.
    benchmarks: tuple[str, ...] = ()

    @classmethod
    def of_lineage(cls, lineage: Mapping[str, Any]) -> "TrainingRecord":
        """Return what a version's lineage says."""
        return cls(
            training=lineage.get("data_digest"),
            validation=lineage.get("validation_digest"),
            benchmarks=tuple(lineage.get("checked_benchmarks", ())),
        )


class EvaluationRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The systems, benchmarks and rules of an evaluation.

    It contains no secrets; a child reads them from its environment.
    """

    candidate: Source
    #: The incumbent; ``None``: no version serves yet.
    incumbent: Source | None
    #: The base model, which gets ``base_prompt``.
    base: Source
    base_prompt: str
    #: Path of evaluation.yaml; paths of data sets are relative to its folder.
    origin: str
    #: Content of evaluation.yaml.
    content: str
    gates: dict[str, Any]
    scoring: dict[str, Any]
    judge: dict[str, Any]
    seed: int
    #: Leakage rules, from ``[retrain.data]``.
    data: dict[str, Any] = {}
    #: Task types of the taxonomy, which the benchmarks must cover; empty: no taxonomy.
    task_types: tuple[str, ...] = ()
    #: Why a version is evaluated again; a rejected one needs a reason.
    reason: str = ""
    #: The version's evaluation before this one; 0: none.
    evaluation_before: int = 0
    #: Of that evaluation: benchmark -> SHA-256 of the data set, and digests of its items.
    digests_before: dict[str, str] = {}
    items_before: dict[str, dict[str, str]] = {}
    #: The model's evaluation before this one, of whichever version; 0: none.
    model_evaluation_before: int = 0
    #: Its items; read from the database when the child starts.
    earlier: EarlierItems | None = None
    #: Why it may ask for less than that one, and why items may move; empty: they may not.
    weaker_because: str = ""
    move_because: str = ""
    #: Who says so.
    accepted_by: str = ""
    #: The rules of file and settings that are weaker than in earlier evaluations.
    weaker_rules: tuple[WeakerRules, ...] = ()
    #: Another system beside the candidate, from ``[retrain.previous]``.
    previous: dict[str, Any] = {}
    #: SHA-256 of the files of earlier responses that the database vouches for; others aren't read.
    known_responses: tuple[str, ...] = ()
    #: What the candidate was trained on; read from the database when the child starts.
    trained_on: TrainingRecord = TrainingRecord()
    #: What candidate and incumbent were recorded as when the child starts.
    identities: dict[str, WeightsIdentity] = {}
    #: Examples in the base model's prompt, from ``[retrain.prompted]``; older requests have none.
    prompted: dict[str, Any] = msgspec.field(default_factory=lambda: {"examples": 0})

    @property
    def plan(self) -> EvaluationPlan:
        """The benchmarks and thresholds of evaluation.yaml."""
        return parse_plan(self.content, Path(self.origin))

    @property
    def counted(self) -> frozenset[str]:
        """Content digests of the items that counted in the model's last evaluation."""
        places = self.earlier.places if self.earlier else ()
        return frozenset(digest for place in places for digest in place.items.values())

    @property
    def policy(self) -> Gates:
        """The policy of the gates."""
        return Gates.model_validate(self.gates)

    @property
    def answering(self) -> Scoring:
        """Settings of generation and scoring."""
        return Scoring.model_validate(self.scoring)

    @property
    def data_rules(self) -> TrainingData:
        """Leakage rules, those of an older release without the keys that are gone."""
        known = {key: self.data[key] for key in self.data if key in TrainingData.model_fields}
        return TrainingData.model_validate(known)

    @property
    def judging(self) -> Judge:
        """Settings of the judge."""
        return Judge.model_validate(self.judge)

    @property
    def few_shot(self) -> Prompted:
        """Settings of the base model's few-shot form."""
        return Prompted.model_validate(self.prompted)

    @property
    def previous_system(self) -> PreviousSystem:
        """Settings of another system."""
        return PreviousSystem.model_validate(self.previous)

    @property
    def file_digest(self) -> str:
        """``sha256:...`` of evaluation.yaml."""
        return f"sha256:{hashlib.sha256(self.content.encode()).hexdigest()}"


def request_for(
    connection: Connection,
    version: VersionRow,
    settings: Settings,
    file: Path,
    *,
    task_types: Sequence[str] = (),
    reason: str = "",
    weaker_because: str = "",
    move_because: str = "",
) -> EvaluationRequest:
    """Return the request to evaluate a version, from the current settings and file.

    The incumbent is the serving version, regardless of the candidate's start adapter.

    ``reason`` is why a version is evaluated again, ``weaker_because`` why by weaker rules than the
    model's last evaluation, and ``move_because`` why items may have another split or stratum.

    Raises:
        ConfigurationError: The file is missing or malformed.
        WorkflowError: The version has no training run.
    """
    if version.training_run_id is None:
        raise WorkflowError(
            f"{version.model} version {version.version} has no training run, and so no folder "
            "to evaluate it in"
        )
    read_plan(file)  # validate the file before anything is planned
    recipe = run_by_id(connection, version.training_run_id).recipe
    base = Source(
        base=str(recipe["base"]),
        revision=str(recipe.get("base_revision", "")),
        chat_template=str(recipe.get("chat_template", "")),
    )
    serving = production_version(connection, version.model)
    retrain = settings.retrain
    return EvaluationRequest(
        candidate=source_of(version, base),
        incumbent=source_of(serving, base) if serving and serving.id != version.id else None,
        base=base,
        base_prompt=settings.model.system_prompt,
        origin=str(file.absolute()),
        content=file.read_text(encoding="utf-8"),
        gates=retrain.gates.model_dump(mode="json"),
        scoring=retrain.scoring.model_dump(mode="json"),
        judge=retrain.judge.model_dump(mode="json"),
        seed=int(recipe["seed"]),
        data=retrain.data.model_dump(mode="json"),
        task_types=tuple(task_types),
        reason=reason,
        weaker_because=weaker_because.strip(),
        move_because=move_because.strip(),
        prompted=retrain.prompted.model_dump(mode="json"),
        previous=_absolute(retrain.previous).model_dump(mode="json"),
    )


def _absolute(previous: PreviousSystem) -> PreviousSystem:
    """Return the settings with an absolute path, since a child runs elsewhere."""
    place = previous.responses
    if place and "://" not in place:
        place = str(Path(place).expanduser().absolute())
    return previous.model_copy(update={"responses": place})


def write_request(
    folder: RunFolder, evaluation_id: int, attempt: int, request: EvaluationRequest
) -> None:
    """Write the request of an evaluation's child, and clear the outputs of an earlier child.

    Responses of an earlier attempt at the same evaluation remain for reuse. Repetition for the same
    attempt changes nothing, so that the child of a dead process can be adopted.
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
    """Read the evaluation's id and its request.

    Raises:
        TrainingError: The request is missing or malformed.
    """
    content = read_json(folder.evaluation_request)
    if content is None:
        raise TrainingError(f"{folder.evaluation_request}: no such file")
    try:
        return int(content["evaluation_id"]), as_request(content["request"])
    except (KeyError, ValueError, msgspec.ValidationError) as error:
        raise TrainingError(f"{folder.evaluation_request}: malformed: {error}") from None


def as_request(content: Any) -> EvaluationRequest:
    """Convert plain values to a request."""
    return msgspec.convert(content, EvaluationRequest)
