"""Where the operator does not run, or is not even installed: what is said then, and by which command."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
import yaml
from conftest import Plugin

from support.operators import OperatorMaker
from support.revisions import NO_PODS, image, install
from support.todo_app import API_VERSION, TodoApp

UNSEEN = "the spec was changed, and no operator has looked at it since"


def test_a_change_that_no_operator_has_seen_is_told_as_that(
        app: TodoApp, plugin: Plugin, new_operator: OperatorMaker) -> None:
    operator = new_operator()
    install(app, NO_PODS)
    app.wait_ready()
    operator.terminate()
    where = ("todo", "-n", app.namespace)
    ended = plugin("upgrade", *where, "--backend-image", image("backend", "2.0.0"), "--timeout", "5s")
    assert ended.code == 3 and f"is not ready after 5 s: {UNSEEN}" in ended.err, ended
    text = plugin.said("explain", *where)
    assert text.startswith(f"todo in namespace {app.namespace}: {UNSEEN}\n  Before that: Succeeded: Revision 1 serves\n")
    assert "All is as the spec asks" not in text
    for words in ("none runs, none leads, or it watches other namespaces",
                  "kubectl get leases -A --field-selector metadata.name=todoapp-operator"):
        assert words in text, text


def test_a_new_app_that_no_operator_has_seen_has_no_tiers_to_show(app: TodoApp, plugin: Plugin) -> None:
    app.create()
    text = plugin.said("status", "todo", "-n", app.namespace)
    assert "no operator has looked at it yet" in text and "█" not in text, text
    assert "is not ready: Unknown\n" in plugin.said("explain", "todo", "-n", app.namespace)


class _Bare(BaseHTTPRequestHandler):
    """A cluster without the CRD, as its API server answers."""

    def _answer(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = b"404 page not found\n"
        self.send_response(404)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_PATCH = _answer

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def bare(plugin: Plugin, tmp_path: Path) -> Iterator[Plugin]:
    server = HTTPServer(("127.0.0.1", 0), _Bare)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(yaml.safe_dump({
        "apiVersion": "v1", "kind": "Config", "current-context": "bare", "users": [{"name": "bare", "user": {}}],
        "clusters": [{"name": "bare", "cluster": {"server": f"http://127.0.0.1:{server.server_address[1]}"}}],
        "contexts": [{"name": "bare", "context": {"cluster": "bare", "user": "bare"}}]}))
    try:
        yield Plugin(plugin.binary, kubeconfig)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize("command", ["status", "status todo", "status todo --watch", "explain todo", "history todo",
                                     "rollback todo", "upgrade todo --backend-image b:1", "diff -f -"])
def test_without_the_crd_every_command_says_what_is_missing(bare: Plugin, command: str) -> None:
    manifest = yaml.safe_dump({"apiVersion": API_VERSION, "kind": "TodoAppDeployment", "metadata": {"name": "todo"},
                               "spec": {}})
    ended = bare(*command.split(), given=manifest)
    assert ended.code == (2 if command.startswith("diff") else 1) and ended.out == "", ended
    assert ended.err.endswith(": the cluster does not know TodoAppDeployment: install the operator, "
                              "docs/deployment/install.md\n"), ended
    assert "page not found" not in ended.err
