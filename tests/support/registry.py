"""A registry that has no image, and says so in the way that an image's path asks for.

`.../private/...` is answered 401, `.../unavailable/...` 503, all else 404, as a real registry would. Where the node
pulls from is decided by `cluster/config/registry.toml`.
"""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PORT = 5000

REFUSALS = {"/private/": (401, "UNAUTHORIZED"), "/unavailable/": (503, "UNAVAILABLE")}
NO_IMAGE = (404, "MANIFEST_UNKNOWN")


class EmptyRegistry:
    def __init__(self, address: str) -> None:
        self._server = ThreadingHTTPServer((address, PORT), _Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, name="registry", daemon=True)

    def __enter__(self) -> EmptyRegistry:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        status, code = next((refusal for part, refusal in REFUSALS.items() if part in self.path), NO_IMAGE)
        body = json.dumps({"errors": [{"code": code, "message": code.lower()}]}).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    do_HEAD = do_GET

    def log_message(self, format: str, *args: object) -> None:
        pass
