"""A TCP proxy before PostgreSQL whose network can be cut, without a word to either side."""

import socket
import threading
from contextlib import suppress


class Proxy:
    """A proxy of one server. While it is cut, what both sides send waits in it."""

    def __init__(self, port: int) -> None:
        self._server = ("127.0.0.1", port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._connected = threading.Event()
        self._connected.set()
        self._sockets: list[socket.socket] = []
        self._forwarding: list[threading.Thread] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """Forward nothing from now on; new connections hang."""
        self._connected.clear()

    def heal(self, *, close: bool) -> None:
        """Forward again: the late bytes of open connections too, unless they are closed."""
        if close:
            for end in self._sockets:
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
        self._connected.set()

    def close(self) -> None:
        """End the proxy and its connections."""
        self._listener.close()
        self.heal(close=True)
        for thread in self._forwarding:
            thread.join(10)
        for end in self._sockets:
            end.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._connect, args=(client,), daemon=True).start()

    def _connect(self, client: socket.socket) -> None:
        self._connected.wait()
        server = socket.create_connection(self._server)
        self._sockets += [client, server]
        for source, target in ((client, server), (server, client)):
            thread = threading.Thread(target=self._forward, args=(source, target), daemon=True)
            self._forwarding.append(thread)
            thread.start()

    def _forward(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                self._connected.wait()
                target.sendall(data)
        with suppress(OSError):
            target.shutdown(socket.SHUT_WR)
