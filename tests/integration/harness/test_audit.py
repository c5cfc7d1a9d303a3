"""Counting requests must be exact: the operator's floor is measured with it."""

from __future__ import annotations

import pytest
from workloads import config_map, deployment

from support.api import Api
from support.audit import AuditLog
from support.control_plane import ControlPlane, Kubectl
from support.watching import Watch, Watching

ADMIN = "admin"


def test_requests_are_counted_by_verb_kind_and_name(api: Api, audit: AuditLog, namespace: str) -> None:
    start = audit.mark()
    api.create(config_map(namespace, "one"))
    api.patch("ConfigMap", "one", namespace, {"data": {"a": "b"}})
    api.get("ConfigMap", "one", namespace)
    api.list("ConfigMap", namespace)
    api.delete("ConfigMap", "one", namespace)
    traffic = audit.since(start).inside(namespace).of("configmaps")
    # The controller manager writes kube-root-ca.crt into each namespace.
    mine = traffic.where(lambda request: request.name != "kube-root-ca.crt")
    assert mine.writes().counts() == {"create configmaps one": 1, "patch configmaps one": 1,
                                      "delete configmaps one": 1}
    assert mine.reads().counts() == {"get configmaps one": 1}
    assert mine.lists().counts() == {"list configmaps": 1}


def test_only_what_lies_between_two_marks_is_counted(api: Api, audit: AuditLog, namespace: str) -> None:
    api.create(config_map(namespace, "before"))
    start = audit.mark()
    api.create(config_map(namespace, "between"))
    end = audit.mark()
    api.create(config_map(namespace, "after"))
    names = [request.name for request in audit.between(start, end).inside(namespace).of("configmaps").writes()]
    assert [name for name in names if name != "kube-root-ca.crt"] == ["between"]


def test_a_watch_counts_once(api: Api, audit: AuditLog, namespace: str) -> None:
    start = audit.mark()
    with Watching([Watch(api, "Service", lambda *_: None, namespace)]):
        pass
    watches = audit.since(start).inside(namespace).of("services").lists()
    assert watches.kinds() == {"list services": 1, "watch services": 1}


def test_users_are_told_apart(cluster: ControlPlane, audit: AuditLog, namespace: str) -> None:
    start = audit.mark()
    somebody = Kubectl(cluster.user("somebody"))
    with pytest.raises(AssertionError, match="Forbidden"):
        somebody("-n", namespace, "get", "secrets")
    refused = audit.since(start).by("somebody").refused().inside(namespace)
    assert refused.kinds() == {"list secrets": 1}


def test_status_writes_are_counted_apart(api: Api, audit: AuditLog, namespace: str) -> None:
    api.create(deployment(namespace, replicas=0))
    start = audit.mark()
    api.patch("Deployment", "sample", namespace, {"status": {"observedGeneration": 7}}, subresource="status",
              manager="harness")
    mine = audit.since(start).inside(namespace).where(lambda request: "harness" in request.uri)
    assert mine.status_writes().counts() == {"patch deployments/status sample": 1}
    assert not mine.object_writes(), str(mine)


def test_settled_waits_for_some_time_to_pass_without_a_write(
        api: Api, audit: AuditLog, namespace: str) -> None:
    api.create(config_map(namespace, "one"))
    last = audit.mark()
    end = audit.settled([ADMIN], namespace, quiet=0.5, deadline=10)
    assert not audit.between(last, end).inside(namespace).by(ADMIN).writes()


def test_settled_says_who_keeps_writing(api: Api, audit: AuditLog, namespace: str) -> None:
    with pytest.raises(AssertionError, match="for 60 s"):
        audit.settled([ADMIN], namespace, quiet=60, deadline=0.3)
