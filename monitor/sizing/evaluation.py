"""Cost of drift evaluations and looks, the labels of a week, and what the windows show."""

from monitor.drift import expected_shares
from monitor.drift.power.table import DriftKind
from monitor.sizing.constants import Constants
from monitor.sizing.load import WEEK_DAYS, Load
from monitor.sizing.storage import NUMBER_BYTES, VECTORS, baseline_exchanges
from monitor.sizing.traffic import text_bytes

#: A larger window or baseline is kept in temporary files while it is evaluated.
MAX_IN_MEMORY = 50_000.0
REVIEWERS = 2.0


def evaluation_seconds(load: Load, constants: Constants) -> float:
    """Return the CPU seconds of one evaluation of one model."""
    return (
        constants.evaluation_cpu_seconds
        + constants.evaluation_cpu_seconds_per_exchange * _compared(load)
    )


def evaluations_of_a_week(load: Load, constants: Constants) -> float:
    """Return the leader's CPU seconds for the evaluations of all models in a week."""
    number = load.n_models * WEEK_DAYS / load.window_days
    return number * evaluation_seconds(load, constants)


def looks_of_a_week(load: Load, constants: Constants) -> float:
    """Return the leader's CPU seconds for the looks of all models in a week, at most."""
    return load.n_models * load.looks_per_day * WEEK_DAYS * constants.look_cpu_seconds


def evaluation_memory(load: Load, constants: Constants) -> float:
    """Return the memory of the child process of evaluations."""
    of_exchanges = constants.evaluation_bytes_per_exchange * _compared(load)
    return constants.evaluation_bytes + of_exchanges


def evaluation_disk(load: Load, constants: Constants) -> float:
    """Return the temporary files of an evaluation."""
    of_vectors = VECTORS * constants.encoder_dimension * NUMBER_BYTES
    each = of_vectors + text_bytes(load, constants)
    sides = (load.window_exchanges, baseline_exchanges(load))
    return sum(side * each for side in sides if side > MAX_IN_MEMORY)


def items_of_a_week(load: Load) -> float:
    """Return the review items of a week, of all models: as many as are sampled at most."""
    items = min(load.review_items, load.window_exchanges * load.n_models)
    return items * WEEK_DAYS / load.window_days


def labels_of_a_week(load: Load) -> float:
    """Return the reviews of a week, with those of adjudicators."""
    agreed = 1.0 - load.disagreement_share
    adjudicated = load.disagreement_share + agreed * load.audit_share
    return items_of_a_week(load) * (REVIEWERS + adjudicated)


def detectable_share(load: Load, kind: DriftKind) -> float | None:
    """Return the smallest drifted share that alarms in 80% of windows.

    It is by the stored table that ``compare`` uses, for independent exchanges; ``None`` where there
    are too few, or not even the largest share that was tried alarms.
    """
    sizes = (baseline_exchanges(load), load.window_exchanges)
    if min(sizes) < load.min_samples:
        return None
    shares = expected_shares(*sizes, alpha=load.level, min_drifted_share=load.min_drifted_share)
    return next(share.share for share in shares if share.kind == kind)


def _compared(load: Load) -> float:
    return load.window_exchanges + baseline_exchanges(load)
