"""An app that has a child of every kind, for tests that go through the kinds."""

from __future__ import annotations

from typing import NamedTuple

from support.api import Object
from support.todo_app import TodoApp

GENERATED = {"name": "SESSION_KEY", "generate": {"bytes": 32}, "tiers": ["frontend", "backend"]}

FULL_SPEC: Object = {
    "frontend": {"disruptionBudget": {"maxUnavailable": 1}},
    "backend": {"autoscaling": {"minReplicas": 1, "maxReplicas": 3, "targetCPUUtilizationPercentage": 80},
                "disruptionBudget": {"maxUnavailable": 1}},
    "config": {"LOG_LEVEL": "info"},
    "secrets": [GENERATED],
    "ingress": {"host": "todo.example.org"},
    "networkPolicy": {"enabled": True},
}


class Child(NamedTuple):
    """One of the app's children; those named by a hash have to be looked up."""

    kind: str
    name: str = ""
    sealed_tier: str = ""

    def of(self, app: TodoApp) -> Object:
        if self.sealed_tier:
            return app.sealed(self.kind, self.sealed_tier)
        return app.api.get(self.kind, self.name, app.namespace)

    def __str__(self) -> str:
        return f"{self.kind} {self.name or 'sealed for the ' + self.sealed_tier}"


CHILDREN = [
    Child("Deployment", "todo-frontend"),
    Child("Deployment", "todo-backend"),
    Child("Service", "todo-frontend"),
    Child("HorizontalPodAutoscaler", "todo-backend"),
    Child("PodDisruptionBudget", "todo-backend"),
    Child("NetworkPolicy", "todo-backend"),
    Child("Ingress", "todo"),
    Child("ConfigMap", sealed_tier="backend"),
    Child("Secret", sealed_tier="backend"),
    Child("Secret", "todo-keys"),
]
