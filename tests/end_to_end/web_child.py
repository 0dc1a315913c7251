"""Process that serves the review page until it is killed. Arguments: database URL, port."""

import threading

from monitor.daemon.web_app import create_app
from monitor.settings import Secrets, Settings
from monitor.store.engine import make_engine
from monitor.web.server import serve


def main(url: str, port: str) -> None:
    app = create_app(make_engine(url), Settings(), Secrets())
    serve(app, "127.0.0.1", int(port), threading.Event())
