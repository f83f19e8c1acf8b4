"""The TLS mount: HTTP/1.1 with keep-alive on loopback, a thread per connection, its own throw-away CA.

The request line and headers are read by hand: `http.server` takes longer to parse them than the world to answer.
"""

from __future__ import annotations

import http.client
import json
import socket
import socketserver
import ssl
import sys
import tempfile
import threading
import traceback
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from lamplighter.simulator.certificate import write_certificates
from lamplighter.simulator.identity import IDENTITY_HEADER, IDENTITY_PATH
from lamplighter.simulator.router import handle
from lamplighter.simulator.wire import NoReply, Request, Response, UnknownRequest, reply

if TYPE_CHECKING:
    from lamplighter.simulator.world import World

_PHRASES = {int(status): phrase for status, phrase in http.client.responses.items()}
IDLE = 300.0


class _Connection(socketserver.StreamRequestHandler):
    """One connection: the handshake, then requests until the client leaves."""

    server: _Listener
    disable_nagle_algorithm = True
    rbufsize = 65536
    timeout = IDLE

    def setup(self) -> None:
        # The handshake happens here, in the connection's own thread: a slow client holds up nobody.
        self.request = self.server.context.wrap_socket(self.request, server_side=True)
        self.server.opened(self.request)
        super().setup()

    def handle(self) -> None:
        while self._one():
            pass

    def _one(self) -> bool:
        line = self.rfile.readline(65537)
        parts = line.split()
        if len(parts) != 3:
            return False
        headers: dict[str, str] = {}
        while (field := self.rfile.readline(65537)) not in (b"\r\n", b"\n", b""):
            name, _, value = field.decode("latin-1").partition(":")
            headers[name.strip().lower()] = value.strip()
        if headers.get("expect", "").lower() == "100-continue":
            self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        if headers.get("transfer-encoding", "").lower() == "chunked":
            body = b"".join(self._chunks())
        else:
            body = self.rfile.read(int(headers.get("content-length") or 0))
        base = f"https://{headers.get('host', self.server.host)}"
        request = Request.read(parts[0].decode(), parts[1].decode(), headers, body, base)
        response = self._answer(request)
        if response is None:
            return False
        self._send(response, head=request.method == "HEAD")
        return headers.get("connection", "").lower() != "close"

    def _chunks(self) -> Iterator[bytes]:
        while size := int(self.rfile.readline(65537).partition(b";")[0].strip() or b"0", 16):
            yield self.rfile.read(size)
            self.rfile.readline()
        while self.rfile.readline(65537) not in (b"\r\n", b"\n", b""):
            pass

    def _answer(self, request: Request) -> Response | None:
        """None: break the connection."""
        try:
            return handle(self.server.world, request)
        except NoReply:
            return None
        except UnknownRequest as unknown:
            print(f"simulator: {unknown}", file=sys.stderr, flush=True)
            return reply(501, {"error": {"code": "UnknownToSimulator", "message": str(unknown)}})
        except Exception as problem:  # noqa: BLE001 - a mistake of the simulator: told to the client and on stderr
            traceback.print_exc()
            return reply(500, {"error": {"code": "SimulatorMistake", "message": repr(problem)}})

    def _send(self, response: Response, *, head: bool) -> None:
        lines = [f"HTTP/1.1 {response.status} {_PHRASES.get(response.status, '')}"]
        lines += [f"{name}: {value}" for name, value in response.headers.items()]
        if response.status != 204:
            lines.append(f"Content-Length: {len(response.body)}")
        head_bytes = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
        self.wfile.write(head_bytes if head else head_bytes + response.body)

    def finish(self) -> None:
        try:
            super().finish()
        finally:
            self.server.closed(self.request)


class _Listener(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], world: World, context: ssl.SSLContext) -> None:
        super().__init__(address, _Connection)
        self.world = world
        self.context = context
        self.host = f"localhost:{self.server_address[1]}"
        self._open: set[socket.socket] = set()
        self._guard = threading.Lock()

    def opened(self, connection: socket.socket) -> None:
        with self._guard:
            self._open.add(connection)

    def closed(self, connection: socket.socket) -> None:
        with self._guard:
            self._open.discard(connection)
        connection.close()

    def close_all(self) -> None:
        with self._guard:
            still_open = list(self._open)
        for connection in still_open:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that leaves is no error; anything else is loud."""
        problem = sys.exception()
        if isinstance(request, socket.socket):
            request.close()
        if not isinstance(problem, OSError):
            super().handle_error(request, client_address)


class Server:
    """A running simulator. `arm_url`, `identity_endpoint`, `identity_header`, `ca_file`; a context manager."""

    def __init__(self, world: World, *, port: int = 0, host: str = "127.0.0.1") -> None:
        """Binds at once (OSError when the port is taken); serves from `start`, or on entering the context."""
        self.world = world
        self._folder = tempfile.TemporaryDirectory(prefix="lamplighter-simulator-")
        try:
            ca_file, server_file = write_certificates(Path(self._folder.name))
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(server_file)
            self._listener = _Listener((host, port), world, context)
        except BaseException:
            self._folder.cleanup()
            raise
        self.ca_file = str(ca_file)
        self.arm_url = f"https://{self._listener.host}"
        self.identity_endpoint = f"{self.arm_url}{IDENTITY_PATH}"
        self.identity_header = IDENTITY_HEADER
        self._thread = threading.Thread(target=self._listener.serve_forever, args=(0.05,), daemon=True)

    @property
    def environment(self) -> dict[str, str]:
        """Environment variables with which azure-identity, requests and the Azure CLI find this server."""
        return {
            "IDENTITY_ENDPOINT": self.identity_endpoint,
            "IDENTITY_HEADER": self.identity_header,
            "REQUESTS_CA_BUNDLE": self.ca_file,
        }

    def announcement(self) -> str:
        """One line of JSON: `{"arm", "identity_endpoint", "identity_header", "ca_file"}`."""
        return json.dumps(
            {
                "arm": self.arm_url,
                "identity_endpoint": self.identity_endpoint,
                "identity_header": self.identity_header,
                "ca_file": self.ca_file,
            }
        )

    def start(self) -> Self:
        self._thread.start()
        return self

    def close(self) -> None:
        """Stop listening, break what is still connected, forget the certificates."""
        if self._thread.is_alive():
            self._listener.shutdown()
            self._thread.join(5)
        self._listener.server_close()
        self._listener.close_all()
        self._folder.cleanup()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def serve(world: World, *, port: int = 0, host: str = "127.0.0.1") -> Server:
    """The world over TLS, in a `with` statement. `port` 0 takes a free one; OSError when the port is taken."""
    return Server(world, port=port, host=host)
