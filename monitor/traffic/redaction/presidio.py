"""Optional detector of names and places: Presidio with a spaCy model, slower by far."""

import logging
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from monitor.errors import ConfigurationError
from monitor.extras import require_extras
from monitor.settings import Redaction
from monitor.traffic.redaction.text_scan import Span

#: Presidio's recognizer of e-mail addresses downloads a list at its first use; the built-in
#: detector replaces it.
EXCLUDED_RECOGNIZERS = {"EMAIL_ADDRESS": "EmailRecognizer"}
#: spaCy's limit; ``traffic.max_text_characters`` may be larger.
MAX_TEXT_CHARACTERS = 1_000_000


class PresidioFinder:
    """Detector of the configured entities."""

    def __init__(self, settings: Redaction) -> None:
        """Load the model.

        Raises:
            ConfigurationError: The package or the model isn't installed, or an entity is unknown.
        """
        require_extras("redaction.presidio = true", "presidio")
        _require_model(settings.presidio_model)
        self._settings = settings
        self._analyzer = _analyzer(settings)
        known = set(self._analyzer.get_supported_entities(settings.presidio_language))
        unknown = [name for name in settings.presidio_entities if name not in known]
        if unknown:
            raise ConfigurationError(
                f"redaction.presidio_entities = {unknown[0]!r}: unknown for the language "
                f"{settings.presidio_language!r}; use any of {', '.join(sorted(known))}"
            )

    def find(self, text: str) -> Iterator[Span]:
        """Yield the spans of entities."""
        for first in range(0, len(text), MAX_TEXT_CHARACTERS):
            part = text[first : first + MAX_TEXT_CHARACTERS]
            if not part.strip():
                continue
            for entity in self._analyzer.analyze(
                part,
                language=self._settings.presidio_language,
                entities=list(self._settings.presidio_entities),
                score_threshold=self._settings.presidio_score_threshold,
            ):
                yield Span(first + entity.start, first + entity.end, entity.entity_type)


def _analyzer(settings: Redaction) -> Any:
    presidio = import_module("presidio_analyzer")
    engines = import_module("presidio_analyzer.nlp_engine")
    logging.getLogger("presidio-analyzer").setLevel(logging.ERROR)
    provider = engines.NlpEngineProvider(
        nlp_configuration={
            "nlp_engine_name": "spacy",
            "models": [
                {"lang_code": settings.presidio_language, "model_name": settings.presidio_model}
            ],
        }
    )
    registry = presidio.RecognizerRegistry(supported_languages=[settings.presidio_language])
    engine = provider.create_engine()
    registry.load_predefined_recognizers(languages=[settings.presidio_language], nlp_engine=engine)
    for recognizer in EXCLUDED_RECOGNIZERS.values():
        registry.remove_recognizer(recognizer)
    return presidio.AnalyzerEngine(
        nlp_engine=engine,
        registry=registry,
        supported_languages=[settings.presidio_language],
    )


def _require_model(model: str) -> None:
    """Check that the model is installed: Presidio would download a missing one."""
    if Path(model).is_dir() or (model.isidentifier() and find_spec(model) is not None):
        return
    raise ConfigurationError(
        f"redaction.presidio_model = {model!r}: neither a folder nor an installed package; install "
        "it (`python -m spacy download` with a network, or its wheel) or name another"
    )
