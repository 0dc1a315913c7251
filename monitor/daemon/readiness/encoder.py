"""Check of the encoder: loaded, unless the traffic of the last day shows that it works.

The errors of a missing encoder are those of :mod:`monitor.settings.model_location` and
:mod:`monitor.embedding.encoder`.
"""

from datetime import UTC, datetime, timedelta

from monitor.daemon.readiness.finding import Finding, note, ok, open_connection
from monitor.errors import DriftwardenError
from monitor.extras import is_installed
from monitor.rendering.numbers import format_instant
from monitor.settings import Sections

#: Traffic that was embedded within this time shows that the encoder works.
IN_USE = timedelta(days=1)


def encoder_in_use(settings: Sections) -> tuple[str, datetime] | None:
    """Return the identity of the configured encoder, and when traffic was last embedded by it.

    ``None`` where that is long ago, the configuration names another one, or it can't be told.
    """
    from monitor.embedding.backend import LIBRARIES, choose_backend
    from monitor.embedding.encoder import is_configured
    from monitor.store.traffic.exchanges import newest_encoder

    try:
        libraries = LIBRARIES[choose_backend(settings.embedding).backend]
        if not all(map(is_installed, libraries)):  # another machine embedded it
            return None
        with open_connection(settings) as connection:
            newest = newest_encoder(connection, datetime.now(UTC) - IN_USE)
        if newest is None or not is_configured(settings.embedding, newest[0]):
            return None
    except DriftwardenError:  # told by the check of the database, or by loading it
        return None
    return newest


def location_finding(settings: Sections) -> Finding:
    """Check that the encoder's folder or package is there; nothing is loaded."""
    from monitor.embedding.encoder import encoder_name

    return ok(encoder_name(settings.embedding))


def encoder_finding(settings: Sections, in_use: tuple[str, datetime] | None = None) -> Finding:
    """Check that the encoder loads, and say by which backend, and which scripts it reads.

    Loading takes many times as long as all other checks together. One that is in use, as
    :func:`encoder_in_use` returns it, is not loaded.
    """
    from monitor.embedding.backend import choose_backend
    from monitor.embedding.encoder import load_encoder
    from monitor.embedding.scripts import describe_scripts
    from monitor.embedding.vocabulary import load_vocabulary

    if in_use is None:
        encoder = load_encoder(settings.embedding)
        identity = encoder.identity
        backend, failure = encoder.backend, encoder.onnx_failure
        message = f"{identity}, {encoder.encode(['ready']).shape[1]} dimensions"
    else:
        identity, received_at = in_use
        backend, failure = choose_backend(settings.embedding).backend, ""
        message = (
            f"{identity} embedded the traffic until {format_instant(received_at)}; not loaded "
            "here, which --load-encoder does"
        )
    message += f"; backend {backend}"
    if failure:
        message += f", as onnxruntime failed: {failure}"
    vocabulary = load_vocabulary(settings.embedding, identity)
    if vocabulary is not None:
        message += f"; {describe_scripts(vocabulary)}"
    return note(message) if failure else ok(message)
