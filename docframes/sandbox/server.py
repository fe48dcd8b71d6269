"""A small threaded WSGI server on the loopback that keeps connections open.

werkzeug's own development server closes the connection after every answer, so a client's pooling, and an answer
that is cut short, could not be seen behind it.
"""

from __future__ import annotations

import contextlib
import io
import socket
import threading
from collections.abc import Iterable
from http.server import BaseHTTPRequestHandler
from socketserver import TCPServer, ThreadingMixIn
from typing import Any, cast
from urllib.parse import unquote, urlsplit
from wsgiref.types import WSGIApplication, WSGIEnvironment

Headers = list[tuple[str, str]]


class Cut(Exception):
    """Raised while an answer's body is sent: the connection closes then and there."""


class Handler(BaseHTTPRequestHandler):
    """One connection, which carries any number of requests."""

    protocol_version = "HTTP/1.1"
    wbufsize = 64 * 1024
    # Head and body leave as one packet where they fit; waiting for more would cost 40 ms a call.
    disable_nagle_algorithm = True

    def handle(self) -> None:
        """Serve until either side closes."""
        with contextlib.suppress(ConnectionError, Cut):
            super().handle()

    def answer(self) -> None:
        """Run the application on one request."""
        if "Transfer-Encoding" in self.headers:
            # Storage hosts refuse uploads of unknown length in the same way.
            self.send_error(411)
            return
        status: list[str] = []
        headers: Headers = []

        def start_response(line: str, fields: Headers, exc_info: Any = None) -> Any:
            status[:] = [line]
            headers[:] = fields

        server = cast("Server", self.server)
        parts = server.application(self._environ(), start_response)
        try:
            self._send(status[0], headers, parts)
        finally:
            close = getattr(parts, "close", None)
            if close is not None:
                close()

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = answer

    def _send(self, status: str, headers: Headers, parts: Iterable[bytes]) -> None:
        if not any(name.lower() == "content-length" for name, _ in headers) and self.command != "HEAD":
            parts = [b"".join(parts)]
            headers.append(("Content-Length", str(len(parts[0]))))
        code, _, reason = status.partition(" ")
        self.send_response_only(int(code), reason)
        if not any(name.lower() == "date" for name, _ in headers):
            self.send_header("Date", self.date_time_string())
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        try:
            for part in parts:
                self.wfile.write(part)
        except Cut:
            self.wfile.flush()
            self.close_connection = True

    def _environ(self) -> WSGIEnvironment:
        url = urlsplit(self.path)
        server = cast("Server", self.server)
        # The body is read whole: a body left unread would be taken for the next request.
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        environ: WSGIEnvironment = {
            "REQUEST_METHOD": self.command,
            "SCRIPT_NAME": "",
            "PATH_INFO": unquote(url.path, "latin-1"),
            "QUERY_STRING": url.query,
            "SERVER_NAME": server.host,
            "SERVER_PORT": str(server.port),
            "SERVER_PROTOCOL": self.request_version,
            "REMOTE_ADDR": self.client_address[0],
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(body),
            "wsgi.errors": io.StringIO(),
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }
        for name, value in self.headers.items():
            key = name.upper().replace("-", "_")
            environ[key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"] = value
        return environ

    def finish(self) -> None:
        """Send what is left; a client that went away meanwhile is no fault of the server's."""
        with contextlib.suppress(ConnectionError):
            super().finish()

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: the call log has it."""


class Server(ThreadingMixIn, TCPServer):
    """Serves one application on 127.0.0.1, a thread for each connection, from the moment it is made.

    port : 0 takes any free one.
    """

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128
    host = "127.0.0.1"

    def __init__(self, application: WSGIApplication, port: int, name: str) -> None:
        self.application = application
        self._open: dict[socket.socket, threading.Thread] = {}
        self._lock = threading.Lock()
        super().__init__((self.host, port), Handler)
        self.port = int(self.socket.getsockname()[1])
        self._loop = threading.Thread(target=self.serve_forever, args=(0.02,), name=name, daemon=True)
        self._loop.start()

    @property
    def url(self) -> str:
        """Scheme, host and port."""
        return f"http://{self.host}:{self.port}"

    def process_request(self, request: Any, client_address: Any) -> None:
        """Give the connection a thread, and remember both."""
        arguments = (request, client_address)
        name = f"{self._loop.name} connection"
        thread = threading.Thread(target=self.process_request_thread, args=arguments, name=name, daemon=True)
        with self._lock:
            self._open[request] = thread
        thread.start()

    def shutdown_request(self, request: Any) -> None:
        """Close the connection and forget it."""
        super().shutdown_request(request)
        with self._lock:
            self._open.pop(request, None)

    def stop(self) -> None:
        """Close the port and every connection, and wait for their threads."""
        self.shutdown()
        self._loop.join()
        with self._lock:
            connections = dict(self._open)
        for connection in connections:
            # The other side may have closed it a moment ago.
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in connections.values():
            thread.join()
        self.server_close()
