"""A registry that answers every question with 503, as one that is overloaded does. Which names lead to it is decided by
`cluster/lib/localcluster/registry.py`.
"""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PORT = 5000
BODY = json.dumps({"errors": [{"code": "UNAVAILABLE", "message": "unavailable"}]}).encode()


class BusyRegistry:
    def __init__(self, address: str) -> None:
        self._server = ThreadingHTTPServer((address, PORT), _Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, name="registry", daemon=True)

    def __enter__(self) -> BusyRegistry:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.send_response(503)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(BODY)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(BODY)

    do_HEAD = do_GET

    def log_message(self, format: str, *args: object) -> None:
        pass
