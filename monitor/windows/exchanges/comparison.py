"""Comparison of exchanges from Python, by the rule of the command and the daemon."""

import warnings
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from monitor.drift.options import Randomness
from monitor.embedding.callable_encoder import CallableEncoder, EncodeTexts
from monitor.errors import InputError
from monitor.extras import using_extras
from monitor.input_files import InputSource, source_of_bytes
from monitor.plurals import pluralize
from monitor.traffic.files.bad_lines import BadLine, summarize_bad_lines
from monitor.windows.exchanges.configuration import (
    Config,
    resolve_settings,
    with_cache,
    with_encoder,
    with_rules,
    with_seed,
    with_weekdays,
)
from monitor.windows.exchanges.containers import encode_object, is_table, iter_objects
from monitor.windows.exchanges.own_descriptors import OwnDescriptor, with_descriptors
from monitor.windows.exchanges.result import Assessment
from monitor.windows.file_comparison import compare_files
from monitor.windows.reading.two_files import read_two_files

#: A path, or exchanges in a container; see :func:`compare_exchanges`.
ExchangesInput = str | Path | Iterable[Mapping[str, Any]] | Any
#: Unreadable rows that a warning lists.
ROWS_LISTED = 5


def compare_exchanges(
    reference: ExchangesInput,
    current: ExchangesInput,
    *,
    encoder: str | Path | EncodeTexts | None = None,
    config: Config = None,
    rng: Randomness = None,
    cache: str | Path | None = None,
    match_weekdays: bool | None = None,
    by: str | None = None,
    rules: Sequence[str] = (),
    descriptors: Sequence[OwnDescriptor] = (),
) -> Assessment:
    """Test whether prompts drifted, and whether responses drifted given the prompts.

    The rule is that of ``driftwarden compare`` and of the daemon. Rows that can't be read are left
    out, with a warning and a remark.

    Args:
        reference: The exchanges that take the place of the baseline: a path; dicts such as
            ``{"prompt": ..., "response": ..., "user": ..., "timestamp": ...}`` in a list or
            iterator; a pandas or polars frame, an Arrow table or a Hugging Face data set with
            such columns. Only the prompt is required.
        current: The exchanges that are tested.
        encoder: A folder, a package (``"package:NAME"``) or a hub id; or a function that returns
            an array ``[n, d]`` for a list of n texts, or an object with such a method ``encode``.
            ``None``: that of the configuration.
        config: A configuration file, settings, or a dict of sections with the keys that differ from
            the defaults. ``None``: the defaults; ``config.toml`` is read only where it is named.
            Variables of the environment (``DRIFTWARDEN_SECTION__KEY``) apply to all but settings.
        rng: A seed, or a generator that draws one. ``None``: ``drift.seed``. Equal seeds give equal
            results.
        cache: A folder of vectors of texts that were embedded before; not of an own function.
            ``None``: that of the configuration, none by default.
        match_weekdays: Whether exchanges of some days of the week are compared with these days of a
            reference of a week or more. ``None``: ``drift.match_weekdays``, true by default.
        by: A column whose values are compared, too: ``segmentation`` of the result.
        rules: Rules such as ``"empty < 1%"``, which join ``drift.rules``: ``rules`` of the result.
        descriptors: Own descriptors, each computed of every exchange and compared as a metric: one
            with a direction alarms as metrics do.

    Raises:
        InputError: A side can't be read or has no exchange, or most of its prompts are one text; a
            descriptor fails, or its name is taken; or the cache is no folder.
        ConfigurationError: A key of the configuration is unknown, or a value isn't allowed.
        ValueError: A rule is none.
        ModelError: The encoder can't be loaded, or returns no usable vectors.
        MissingExtraError: A package of ``driftwarden[text]`` is not installed.

    Example:
        >>> from driftwarden import compare_exchanges
        >>> week = [{"prompt": f"Where is parcel {n}?", "user": f"u{n}"} for n in range(30)]
        >>> result = compare_exchanges(week, week)  # fewer than drift.min_samples
        >>> result.verdict, result.input.p_value
        ('not_enough_data', nan)
    """
    settings = with_cache(with_seed(resolve_settings(config), rng), cache)
    settings = with_rules(with_weekdays(settings, match_weekdays), rules)
    settings = with_descriptors(settings, descriptors)
    own_encoder: CallableEncoder | None = None
    if isinstance(encoder, str | Path):
        settings = with_encoder(settings, encoder)
    elif encoder is not None:
        own_encoder = CallableEncoder(_encode_function(encoder))
    sources = _open(reference, "reference"), _open(current, "current")
    with using_extras("driftwarden.compare_exchanges", "text"):
        comparison = compare_files(
            read_two_files(*sources, settings),
            settings,
            lambda *_: None,
            encoder=own_encoder,
            by=by,
            descriptors=descriptors,
        )
    _warn_of_unreadable("reference", reference, comparison.reference_bad_lines)
    _warn_of_unreadable("current", current, comparison.current_bad_lines)
    return Assessment.of(comparison.assessment, comparison.prompt_map)


def _encode_function(encoder: Any) -> EncodeTexts:
    # A SentenceTransformer can be called too, but not with texts.
    encode = getattr(encoder, "encode", encoder)
    if not callable(encode):
        raise InputError(
            f"encoder is a {type(encoder).__name__}; pass a name, a folder, or a function that "
            "returns an array [n, d] for a list of n texts",
            code="no_encoder",
        )
    function: EncodeTexts = encode
    return function


def _open(exchanges: ExchangesInput, name: str) -> Path | InputSource:
    if isinstance(exchanges, str | Path):
        return Path(exchanges)
    lines = [encode_object(row, n, name) for n, row in enumerate(iter_objects(exchanges, name))]
    if not lines:
        raise InputError(
            f"{name} has no exchanges; pass at least one with a 'prompt'", code="empty_file"
        )
    return source_of_bytes(b"\n".join(lines) + b"\n", name, has_rows=is_table(exchanges))


def _warn_of_unreadable(name: str, exchanges: ExchangesInput, bad_lines: Sequence[BadLine]) -> None:
    """Warn of rows that were left out: by their numbers in a file, else by their index."""
    if not bad_lines:
        return
    if isinstance(exchanges, str | Path):
        listed = "; ".join(summarize_bad_lines(bad_lines, ROWS_LISTED))
    else:
        rows = bad_lines[:ROWS_LISTED]
        listed = "; ".join(f"row {line.number - 1}: {line.reason}" for line in rows)
        left = len(bad_lines) - ROWS_LISTED
        listed += f"; and {left:,} more" if left > 0 else ""
    verb = "is" if len(bad_lines) == 1 else "are"
    warnings.warn(
        f"{name}: {pluralize(len(bad_lines), 'exchange')} can't be read and {verb} left out: "
        f"{listed}",
        UserWarning,
        stacklevel=3,
    )
