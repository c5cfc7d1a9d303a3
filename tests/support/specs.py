"""The specs of an app that is disturbed on its way: what it is installed with, and what it becomes.

Its Secrets are todo-db, todo-db-2 and todo-mail, each with the key url.
"""

from __future__ import annotations

from support.api import Object


def taken_from(source: str, name: str, policy: str) -> Object:
    return {"name": name, "policy": policy, "valueFrom": {"secretKeyRef": {"name": source, "key": "url"}}}


def secrets(database: str) -> list[Object]:
    return [taken_from(database, "DATABASE_URL", "Pinned"), taken_from("todo-mail", "MAIL_URL", "Live"),
            {"name": "SESSION_KEY", "generate": {"bytes": 32}, "tiers": ["frontend", "backend"]}]


INSTALLED: Object = {
    "config": {"LOG_LEVEL": "info"},
    "backend": {"config": {"POOL": "5"}},
    "secrets": secrets("todo-db"),
}
# Both tiers, their config, and another value of a pinned secret.
UPGRADED: Object = {
    "config": {"LOG_LEVEL": "debug"},
    "frontend": {"image": "localhost/todo-frontend:1.1.0"},
    "backend": {"image": "localhost/todo-backend:1.1.0",
                "migration": {"command": ["todo-backend", "migrate"], "schemaVersion": 1, "compatibleFrom": 0}},
    "secrets": secrets("todo-db-2"),
}
