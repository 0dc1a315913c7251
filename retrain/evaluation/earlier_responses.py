"""Responses of incumbent and base from earlier evaluations by the same weights.

Decoding is greedy, so the same weights give the same conversation the same response. Each stored
response names a digest of what it depends on besides the conversation. Where a later evaluation
has a reference system with the same digest, its response is read and not generated again. The
candidate's own responses are always generated. Only files are read whose digest the database has:
who can write to the folders of runs must not decide what a candidate is compared with.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from monitor.settings import Scoring
from monitor.store.training.candidate_results import BASE, CANDIDATE, INCUMBENT, SYSTEM_NAMES
from retrain.data.benchmarks.item import BenchmarkItem
from retrain.evaluation.request import EvaluationRequest
from retrain.evaluation.weights import LoadedWeights
from retrain.identity.digests import acting_digest
from retrain.models.adapter_folder import package_versions
from retrain.models.response import Response
from retrain.models.source import Source
from retrain.models.template_date import RECORDED
from retrain.run_folder import RunFolder, canonical

#: Increased when prompts are rendered or decoded in another way.
GENERATION = 2
#: Systems whose earlier responses are read.
REFERENCES = (INCUMBENT, BASE)


class _Row(msgspec.Struct):
    """A stored response, as far as it is needed."""

    messages: list[dict[str, str]]
    response: str
    generator: str = ""
    log_probability: float | None = None


_ROWS = msgspec.json.Decoder(_Row)


class EarlierResponses:
    """The stored responses of all runs beside a run, to the systems of its evaluation.

    The folders of other runs are next to the run's. Devices of another type round otherwise.
    """

    def __init__(
        self, folder: RunFolder, request: EvaluationRequest, weights: LoadedWeights, device: str
    ) -> None:
        digests = {
            known.path: known.acting
            for identity in weights.identities.values()
            for known in identity.folders
        }
        #: System -> digest of what its responses depend on; empty: they can't be reused.
        self.generators = {
            CANDIDATE: _generator(request, digests, request.candidate, "", device),
            INCUMBENT: _generator(request, digests, request.incumbent, "", device),
            BASE: _generator(request, digests, request.base, request.base_prompt, device),
        }
        wanted = {self.generators[name] for name in REFERENCES} - {""}
        scoring: Scoring = request.answering
        is_reused = wanted and scoring.reuse_responses
        self._known = _read(_known_files(folder, request), wanted) if is_reused else {}
        self._n_read: Counter[str] = Counter()

    def known(self, system: str, items: Iterable[BenchmarkItem]) -> dict[str, str]:
        """Return a system's earlier responses to items: id -> response."""
        if system not in REFERENCES:
            return {}
        of_system = self._known.get(self.generators[system], {})
        matches = {
            item.id: of_system[key] for item in items if (key := _key(item.messages)) in of_system
        }
        self._n_read[system] += len(matches)
        return matches

    def remarks(self) -> list[str]:
        """Return a remark that says how many responses were not generated again."""
        counts = ", ".join(
            f"{n} of the {SYSTEM_NAMES[system]}" for system, n in self._n_read.items() if n
        )
        if not counts:
            return []
        return [
            f"responses from earlier evaluations by the same weights, prompt and settings: {counts}"
        ]


def _generator(
    request: EvaluationRequest,
    digests: Mapping[str, str],
    source: Source | None,
    prompt: str,
    device: str,
) -> str:
    """Return a digest of all that a greedy response depends on besides its conversation.

    ``digests`` are of folders whose content is known. The result is empty for a hub model without a
    commit, whose weights may change.
    """
    if source is None:
        return ""
    base = Path(source.base)
    weights = _digest_of(base, digests) if base.is_dir() else source.revision
    if not weights:
        return ""
    content = {
        "base": source.base if not base.is_dir() else "",
        "weights": weights,
        "adapter": _digest_of(Path(source.adapter), digests, source.base) if source.adapter else "",
        "prompt": prompt,
        "chat_template": source.chat_template,
        "max_new_tokens": request.answering.max_new_tokens,
        "dtype": request.answering.dtype,
        "device": device,
        "packages": package_versions(),
        "template_date": RECORDED,
        "generation": GENERATION,
    }
    return f"sha256:{hashlib.sha256(canonical(content).encode()).hexdigest()}"


def _digest_of(folder: Path, digests: Mapping[str, str], base: str = "") -> str:
    return digests.get(str(folder.absolute())) or acting_digest(folder, base)


def _known_files(folder: RunFolder, request: EvaluationRequest) -> Iterator[bytes]:
    """Yield the content of the files that are as their evaluations wrote them."""
    for root in sorted(folder.root.parent.iterdir()):
        for path in RunFolder(root).all_evaluation_responses:
            try:
                content = path.read_bytes()
            except FileNotFoundError:
                continue  # it was deleted meanwhile
            if hashlib.sha256(content).hexdigest() in request.known_responses:
                yield content


def _read(files: Iterable[bytes], generators: set[str]) -> dict[str, dict[str, str]]:
    """Return the responses by generators: digest -> key of a conversation -> response."""
    known: dict[str, dict[str, str]] = {generator: {} for generator in generators}
    for row in _rows(files, [generator.encode() for generator in generators]):
        if row.generator in known:
            response = Response(row.response, row.log_probability)
            known[row.generator].setdefault(_key(row.messages), response)
    return known


def _rows(files: Iterable[bytes], generators: list[bytes]) -> Iterator[_Row]:
    for content in files:
        for line in content.splitlines():
            if any(generator in line for generator in generators):
                yield _ROWS.decode(line)


def _key(messages: Iterable[Mapping[str, Any]]) -> str:
    return canonical({"messages": list(messages)})
