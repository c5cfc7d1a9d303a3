"""Namespaces for tests: each enforces Pod Security *restricted*, as a careful administrator would have it."""

from __future__ import annotations

import uuid

from support.api import Api


def make_namespace(api: Api, words: str) -> str:
    """Makes one whose name begins with the words and is nobody else's; returns the name."""
    return create_namespace(api, f"{words}-{uuid.uuid4().hex[:6]}")


def create_namespace(api: Api, name: str) -> str:
    labels = {"pod-security.kubernetes.io/enforce": "restricted", "todoapp-test": "true"}
    api.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}})
    return name
