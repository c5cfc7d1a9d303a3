"""What a kubelet writes into a pod's status, as seen on a real one (kubelet 1.36.3, containerd 1.6.20).

Each function takes the pod and gives the whole status. Every container of the pod is in the same state.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from support.api import Object

Status = dict[str, Any]

CONTAINER_ID = "containerd://5b2d9c6f"
NO_SUCH_IMAGE = ('failed to pull and unpack image "{image}": failed to resolve reference "{image}": {image}: not found')
REGISTRY_AWAY = ('failed to pull and unpack image "{image}": failed to resolve reference "{image}": failed to do '
                 'request: Head "http://127.0.0.1:5000/v2/": dial tcp 127.0.0.1:5000: connect: connection refused')
START_ERROR = ('failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create '
               'failed: unable to start container process: exec: "/no/such": stat /no/such: no such file or '
               'directory: unknown')


def creating(pod: Object) -> Status:
    return _waiting(pod, {"reason": "ContainerCreating"})


def running(pod: Object, *, ready: bool = True, restarts: int = 0, last: Status | None = None) -> Status:
    state = {"running": {"startedAt": _now()}}
    return _status("Running", pod, _containers(pod, state, last, ready=ready, started=True, restarts=restarts),
                   ready=ready)


def crashed(pod: Object, *, exit_code: int = 3, restarts: int = 0, message: str = "", reason: str = "Error") -> Status:
    """Ended, and not yet started again: `restarts` counts those before."""
    end = terminated(exit_code, message, reason)
    last = {"terminated": end} if restarts else None
    return _status("Running", pod, _containers(pod, {"terminated": end}, last, restarts=restarts), ready=False)


def crash_loop(pod: Object, *, exit_code: int = 3, restarts: int = 1, message: str = "",
               reason: str = "Error") -> Status:
    meta = pod["metadata"]
    first = pod["spec"]["containers"][0]["name"]
    wait = {"reason": "CrashLoopBackOff",
            "message": f"back-off 10s restarting failed container={first} "
                       f"pod={meta['name']}_{meta['namespace']}({meta['uid']})"}
    last = {"terminated": terminated(exit_code, message, reason)}
    return _status("Running", pod, _containers(pod, {"waiting": wait}, last, restarts=restarts), ready=False)


def start_error(pod: Object, *, restarts: int = 0) -> Status:
    wait = {"reason": "RunContainerError", "message": START_ERROR}
    last = {"terminated": terminated(128, START_ERROR, "StartError")}
    return _status("Running", pod, _containers(pod, {"waiting": wait}, last, restarts=restarts), ready=False)


def image_pull(pod: Object, *, message: str = NO_SUCH_IMAGE, back_off: bool = False) -> Status:
    image = pod["spec"]["containers"][0]["image"]
    words = message.format(image=image)
    if back_off:
        return _waiting(pod, {"reason": "ImagePullBackOff",
                              "message": f'Back-off pulling image "{image}": ErrImagePull: {words}'})
    return _waiting(pod, {"reason": "ErrImagePull", "message": words})


def invalid_image_name(pod: Object) -> Status:
    image = pod["spec"]["containers"][0]["image"]
    words = f'Failed to apply default image tag "{image}": couldn\'t parse image name "{image}": invalid reference'
    return _waiting(pod, {"reason": "InvalidImageName", "message": words})


def config_error(pod: Object, *, message: str = 'secret "missing" not found') -> Status:
    return _waiting(pod, {"reason": "CreateContainerConfigError", "message": message})


def init_crash_loop(pod: Object, *, exit_code: int = 4, restarts: int = 1) -> Status:
    inits = [_container(entry, {"waiting": {"reason": "CrashLoopBackOff",
                                            "message": "back-off 10s restarting failed container=" + entry["name"]}},
                        {"terminated": terminated(exit_code)}, restarts=restarts)
             for entry in pod["spec"].get("initContainers", [])]
    status = _waiting(pod, {"reason": "PodInitializing"})
    status["initContainerStatuses"] = inits
    for condition in status["conditions"]:
        if condition["type"] == "Initialized":
            condition.update(status="False", reason="ContainersNotInitialized")
    return status


def unschedulable(pod: Object, *, message: str = "0/1 nodes are available: 1 Insufficient cpu.") -> Status:
    condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message,
                 "lastTransitionTime": _now()}
    return {"phase": "Pending", "conditions": [condition]}


def evicted(pod: Object) -> Status:
    words = 'Usage of EmptyDir volume "tmp" exceeds the limit "5Mi". '
    state = {"terminated": terminated(137)}
    status = _status("Failed", pod, _containers(pod, state, None), ready=False, not_ready_reason="PodFailed")
    return {**status, "reason": "Evicted", "message": words}


def completed(pod: Object, *, exit_code: int = 0, message: str = "") -> Status:
    """How a pod of a Job ends: well with exit code 0."""
    well = exit_code == 0
    end = terminated(exit_code, message, "Completed" if well else "Error")
    return _status("Succeeded" if well else "Failed", pod, _containers(pod, {"terminated": end}, None), ready=False,
                   not_ready_reason="PodCompleted" if well else "PodFailed")


def terminated(exit_code: int, message: str = "", reason: str = "Error") -> Status:
    end: Status = {"exitCode": exit_code, "reason": reason, "startedAt": _now(), "finishedAt": _now(),
                   "containerID": CONTAINER_ID}
    # With terminationMessagePolicy FallbackToLogsOnError this is the end of the log.
    return {**end, "message": message} if message else end


def _waiting(pod: Object, wait: Status) -> Status:
    return _status("Pending", pod, _containers(pod, {"waiting": wait}, None, with_id=False), ready=False)


def _status(phase: str, pod: Object, containers: list[Status], *, ready: bool,
            not_ready_reason: str = "ContainersNotReady") -> Status:
    names = ", ".join(entry["name"] for entry in pod["spec"]["containers"])
    unready: Status = {} if ready else {"reason": not_ready_reason}
    if not ready and not_ready_reason == "ContainersNotReady":
        unready["message"] = f"containers with unready status: [{names}]"
    answer = "True" if ready else "False"
    conditions = [
        {"type": "PodReadyToStartContainers", "status": "True"},
        {"type": "Initialized", "status": "True"},
        {"type": "Ready", "status": answer, **unready},
        {"type": "ContainersReady", "status": answer, **unready},
        {"type": "PodScheduled", "status": "True"},
    ]
    return {"phase": phase, "startTime": pod["metadata"]["creationTimestamp"],
            "conditions": _keep_times(pod, conditions), "containerStatuses": containers}


def _keep_times(pod: Object, conditions: list[Status]) -> list[Status]:
    """A condition that stays as it was keeps its time: minReadySeconds counts from there."""
    before = {entry["type"]: entry for entry in pod.get("status", {}).get("conditions", [])}
    for condition in conditions:
        old = before.get(condition["type"])
        same = old is not None and old["status"] == condition["status"] and "lastTransitionTime" in old
        condition["lastTransitionTime"] = old["lastTransitionTime"] if same and old else _now()
    return conditions


def _containers(pod: Object, state: Status, last: Status | None, **more: Any) -> list[Status]:
    return [_container(entry, state, last, **more) for entry in pod["spec"]["containers"]]


def _container(entry: Object, state: Status, last: Status | None, *, ready: bool = False, started: bool = False,
               restarts: int = 0, with_id: bool = True) -> Status:
    status: Status = {"name": entry["name"], "state": state, "lastState": last or {}, "ready": ready,
                      "restartCount": restarts, "image": entry["image"], "imageID": "", "started": started}
    return {**status, "containerID": CONTAINER_ID} if with_id else status


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
