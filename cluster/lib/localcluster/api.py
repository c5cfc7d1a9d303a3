"""The API server, asked with the tool's own certificate."""

import json
import ssl
import urllib.error
import urllib.request


class Api:
    def __init__(self, cluster):
        self._cluster = cluster
        self._opened = None

    def _opener(self):
        # Late: a cluster whose `up` was killed has no certificates yet, but has a status.
        if self._opened is None:
            pki = self._cluster.pki
            context = ssl.create_default_context(cafile=str(pki / "ca.crt"))
            context.load_cert_chain(pki / "cluster-local.crt", pki / "cluster-local.key")
            # No proxy, whatever the environment says: all of it is on this machine.
            self._opened = urllib.request.build_opener(urllib.request.HTTPSHandler(context=context),
                                                       urllib.request.ProxyHandler({}))
        return self._opened

    def request(self, method, path, body=None, seconds=5, kind="application/json"):
        """Status and body; (0, reason) when there was no answer."""
        url = path if path.startswith("http") else self._cluster.server + path
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(url, data, {"Content-Type": kind}, method=method)
        try:
            with self._opener().open(request, timeout=seconds) as response:
                return response.status, response.read().decode(errors="replace")
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode(errors="replace")
        except OSError as error:
            return 0, str(error)

    def ok(self, path, seconds=5):
        return self.request("GET", path, seconds=seconds)[0] == 200

    def get(self, path):
        status, body = self.request("GET", path)
        return json.loads(body) if status == 200 else None

    def ensure(self, collection, thing):
        """Creates the object unless one of its name is there."""
        status, body = self.request("POST", collection, thing)
        if status not in (200, 201, 409):
            raise ConnectionError(f"POST {collection}: {status} {body[:300]}")
