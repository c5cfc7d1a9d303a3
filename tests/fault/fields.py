"""Each field of the CRD, and a value that differs from what the smallest spec has: for the walk of test_transitions.py.

A field of a tier is changed in both tiers at once. `given` is what it takes for the field to be allowed; it is there
before the change as well. Fields that no child shows have a reason instead, which names the tests that look at them.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from support.api import Object


class Step(NamedTuple):
    value: Any
    given: Object = {}


TERM: Object = {"matchExpressions": [{"key": "disk", "operator": "In", "values": ["ssd"]}]}
POD_TERM: Object = {"topologyKey": "zone", "labelSelector": {"matchLabels": {"a": "b"}}}
SCALED: Object = {"autoscaling": {"maxReplicas": 5, "targetCPUUtilizationPercentage": 60}}
SCALE_POLICIES = [{"type": "Pods", "value": 2, "periodSeconds": 60}]
CONFIG_VOLUME: Object = {"volumes": [{"name": "extra", "configMap": {"name": "extra", "optional": True}}]}
NODE_PORT: Object = {"service": {"type": "NodePort"}}
LOCALHOST: Object = {"type": "Localhost", "localhostProfile": "profiles/one.json"}
SECURITY = "securityContext."
REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"


def _probe(name: str) -> dict[str, Step]:
    prefix = f"probes.{name}."
    return {prefix + "path": Step("/other"), prefix + "periodSeconds": Step(17), prefix + "timeoutSeconds": Step(4),
            prefix + "failureThreshold": Step(7), prefix + "initialDelaySeconds": Step(3),
            prefix + "disabled": Step(True)}


def _scaling(way: str) -> dict[str, Step]:
    prefix = f"autoscaling.behavior.{way}."
    return {prefix + "stabilizationWindowSeconds": Step(120, SCALED), prefix + "selectPolicy": Step("Min", SCALED),
            prefix + "policies": Step(SCALE_POLICIES, SCALED)}


def _linux(part: str) -> dict[str, Step]:
    """What a pod's security context and a container's have in common."""
    prefix = SECURITY + part + "."
    options = prefix + "seLinuxOptions."
    return {prefix + "runAsUser": Step(2000), prefix + "runAsGroup": Step(2000), prefix + "runAsNonRoot": Step(False),
            options + "level": Step("s0:c1,c2"), options + "role": Step("object_r"), options + "type": Step("spc_t"),
            options + "user": Step("system_u"), prefix + "appArmorProfile.type": Step("RuntimeDefault"),
            prefix + "appArmorProfile": Step({"type": "Localhost", "localhostProfile": "one"}),
            prefix + "seccompProfile.type": Step("Unconfined"), prefix + "seccompProfile": Step(LOCALHOST)}


TIER: dict[str, Step] = {
    "image": Step("localhost/todo:2.0.0"),
    "imagePullPolicy": Step("Always"),
    "imagePullSecrets": Step([{"name": "extra"}]),
    "replicas": Step(1),
    "port": Step(9000),
    "service.type": Step("NodePort"),
    "service.port": Step(8081),
    "service.annotations": Step({"example.org/note": "yes"}),
    "env": Step([{"name": "A", "value": "1"}]),
    "config": Step({"PAGE": "50"}),
    "resources.requests": Step({"cpu": "120m", "memory": "64Mi"}),
    "resources.limits": Step({"cpu": "2", "memory": "2Gi"}),
    **_probe("liveness"), **_probe("readiness"), **_probe("startup"),
    "autoscaling": Step(SCALED["autoscaling"]),
    "autoscaling.minReplicas": Step(2, SCALED),
    "autoscaling.maxReplicas": Step(7, SCALED),
    "autoscaling.targetCPUUtilizationPercentage": Step(75, SCALED),
    "autoscaling.targetMemoryUtilizationPercentage": Step(75, SCALED),
    **_scaling("scaleUp"), **_scaling("scaleDown"),
    "disruptionBudget": Step({"minAvailable": 1}),
    "disruptionBudget.minAvailable": Step("50%", {"disruptionBudget": {"minAvailable": 1}}),
    "disruptionBudget.maxUnavailable": Step(2, {"disruptionBudget": {"maxUnavailable": 1}}),
    "strategy.maxSurge": Step(2),
    "strategy.maxUnavailable": Step(1),
    "strategy.minReadySeconds": Step(3),
    "terminationGracePeriodSeconds": Step(45),
    "preStopSeconds": Step(0),
    "nodeSelector": Step({"disk": "ssd"}),
    "tolerations": Step([{"key": "spot", "operator": "Exists"}]),
    f"affinity.nodeAffinity.{PREFERRED}": Step([{"weight": 3, "preference": TERM}]),
    f"affinity.nodeAffinity.{REQUIRED}.nodeSelectorTerms": Step([TERM]),
    f"affinity.podAffinity.{PREFERRED}": Step([{"weight": 3, "podAffinityTerm": POD_TERM}]),
    f"affinity.podAffinity.{REQUIRED}": Step([POD_TERM]),
    f"affinity.podAntiAffinity.{PREFERRED}": Step([{"weight": 3, "podAffinityTerm": POD_TERM}]),
    f"affinity.podAntiAffinity.{REQUIRED}": Step([POD_TERM]),
    "topologySpreadConstraints": Step([{"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "ScheduleAnyway"}]),
    "priorityClassName": Step("system-cluster-critical"),
    "serviceAccountName": Step("worker"),
    "podLabels": Step({"team": "a"}),
    "podAnnotations": Step({"note": "a"}),
    "volumes": Step([{"name": "extra", "emptyDir": {}}]),
    "volumeMounts": Step([{"name": "extra", "mountPath": "/extra"}], CONFIG_VOLUME),
    **_linux("pod"), **_linux("container"),
    SECURITY + "pod.fsGroup": Step(2000),
    SECURITY + "pod.fsGroupChangePolicy": Step("OnRootMismatch"),
    SECURITY + "pod.seLinuxChangePolicy": Step("Recursive"),
    SECURITY + "pod.supplementalGroups": Step([3000]),
    SECURITY + "pod.supplementalGroupsPolicy": Step("Strict"),
    SECURITY + "pod.sysctls": Step([{"name": "net.ipv4.tcp_syncookies", "value": "1"}]),
    SECURITY + "container.allowPrivilegeEscalation": Step(True),
    SECURITY + "container.capabilities.add": Step(["NET_BIND_SERVICE"]),
    SECURITY + "container.capabilities.drop": Step(["NET_RAW"]),
    SECURITY + "container.privileged": Step(False),
    SECURITY + "container.readOnlyRootFilesystem": Step(False),
}

MIGRATED: Object = {"backend": {"migration": {"command": ["todo", "migrate"], "schemaVersion": 2, "compatibleFrom": 0}}}

WHOLE: dict[str, Step] = {
    "config": Step({"LOG_LEVEL": "debug"}),
    "upgrade.progressDeadlineSeconds": Step(300),
    "ingress": Step({"host": "todo.example.org"}),
    "ingress.className": Step("nginx", {"ingress": {"host": "todo.example.org"}}),
    "ingress.host": Step("other.example.org", {"ingress": {"host": "todo.example.org"}}),
    "ingress.path": Step("/todo", {"ingress": {"host": "todo.example.org"}}),
    "ingress.tls.secretName": Step("certificate", {"ingress": {"host": "todo.example.org"}}),
    "ingress.annotations": Step({"example.org/note": "yes"}, {"ingress": {"host": "todo.example.org"}}),
    "ingress.exposeBackend": Step(True, {"ingress": {"host": "todo.example.org"}}),
    "networkPolicy.enabled": Step(True),
    "networkPolicy.allowFrom": Step([{"podSelector": {"matchLabels": {"a": "b"}}}],
                                    {"networkPolicy": {"enabled": True}}),
}

# Fields that no child shows, and those whose change is no matter of one write: who looks at them instead.
ELSEWHERE: dict[str, str] = {
    "service.nodePort": "test_live_settings.py: a port of the cluster is nobody's alone",
    SECURITY + "pod.appArmorProfile.localhostProfile": "with its type, as appArmorProfile",
    SECURITY + "pod.seccompProfile.localhostProfile": "with its type, as seccompProfile",
    SECURITY + "container.appArmorProfile.localhostProfile": "with its type, as appArmorProfile",
    SECURITY + "container.seccompProfile.localhostProfile": "with its type, as seccompProfile",
    "migration": "test_migrations.py: a Job of a revision never changes, and its schema is not taken back",
    "secrets": "test_secret_rotation.py: names and values of sealed Secrets are random",
    "upgrade.order": "test_rollout_orders.py",
    "upgrade.timeoutSeconds": "test_rollout_deadlines.py",
    "upgrade.soakSeconds": "test_upgrades.py",
    "upgrade.maxRestarts": "test_rollout_failures.py",
    "upgrade.onFailure": "test_holding.py",
    "upgrade.maxRetries": "test_quarantine.py",
    "upgrade.approval": "test_approval.py",
    "rollback.toRevision": "test_requested_rollbacks.py",
    "revisionHistoryLimit": "test_live_settings.py, test_revisions.py",
    "suspend": "test_live_settings.py",
}
