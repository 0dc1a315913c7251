"""`driftwarden` on the site of a rehearsal, with the encoder of its world."""

from unittest import mock

from monitor.cli import main
from tests.support.traffic.stored_traffic import TopicEncoder


def run() -> None:
    """Run the command of the arguments."""
    places = (
        "monitor.embedding.encoder.load_encoder",
        "monitor.embedding.cached_encoder.open_encoder",
    )
    for place in places:
        mock.patch(place, return_value=TopicEncoder()).start()
    main()


if __name__ == "__main__":
    run()
