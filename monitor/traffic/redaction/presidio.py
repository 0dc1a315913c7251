"""Names of people and places, found by Presidio and a spaCy model: optional, and slower by far."""

import logging
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from monitor.errors import ConfigurationError
from monitor.settings import Redaction
from monitor.traffic.redaction.span import Span

#: Presidio's recognizer of addresses fetches a list from the internet at its first use, and the
#: patterns find them anyway.
EXCLUDED_RECOGNIZERS = {"EMAIL_ADDRESS": "EmailRecognizer"}
#: spaCy refuses longer texts; ``traffic.max_text_characters`` may be raised above it.
LONGEST_TEXT = 1_000_000


class PresidioFinder:
    """Finds the entities that the settings name."""

    def __init__(self, settings: Redaction) -> None:
        """Load the model.

        Raises:
            ConfigurationError: The package or the model isn't installed, or an entity is unknown.
        """
        _require_package()
        _require_model(settings.presidio_model)
        self._settings = settings
        self._analyzer = _analyzer(settings)
        known = set(self._analyzer.get_supported_entities(settings.presidio_language))
        unknown = [one for one in settings.presidio_entities if one not in known]
        if unknown:
            raise ConfigurationError(
                f"redaction.presidio_entities names {unknown[0]!r}, which is not found in the "
                f"language {settings.presidio_language!r}; known: {', '.join(sorted(known))}"
            )

    def find(self, text: str) -> Iterator[Span]:
        """Yield where entities stand."""
        for first in range(0, len(text), LONGEST_TEXT):
            part = text[first : first + LONGEST_TEXT]
            if not part.strip():
                continue
            for found in self._analyzer.analyze(
                part,
                language=self._settings.presidio_language,
                entities=list(self._settings.presidio_entities),
                score_threshold=self._settings.presidio_score_threshold,
            ):
                yield Span(first + found.start, first + found.end, found.entity_type)


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


def _require_package() -> None:
    if find_spec("presidio_analyzer") is None:
        raise ConfigurationError(
            "redaction.presidio = true needs the package presidio-analyzer, which isn't installed: "
            "pip install 'driftwarden[presidio]', or set it to false"
        )


def _require_model(model: str) -> None:
    """Check that the model is here: Presidio would fetch a missing one from the internet."""
    if Path(model).is_dir() or (model.isidentifier() and find_spec(model) is not None):
        return
    raise ConfigurationError(
        f"redaction.presidio_model = {model!r}: neither a folder nor an installed package; install "
        "it (`python -m spacy download` where there is a network, or its wheel) or name another"
    )
