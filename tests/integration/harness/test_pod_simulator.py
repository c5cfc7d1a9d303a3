"""The controller manager must believe the simulated kubelet."""

from __future__ import annotations

from workloads import deployment, job

from support import pod_simulator as pods
from support.api import Api, Object
from support.pod_simulator import PodSimulator
from support.todo_app import condition_of
from support.waiting import eventually, show


def test_a_deployment_with_the_operators_labels_becomes_available(
        api: Api, namespace: str, simulator: PodSimulator) -> None:
    api.create(deployment(namespace))
    eventually(lambda: available(api, namespace) == 2, "two available replicas")
    statuses = [pod["status"] for pod in api.list("Pod", namespace)]
    assert [status["phase"] for status in statuses] == ["Running", "Running"]


def test_pods_that_are_never_ready_exceed_the_progress_deadline(
        api: Api, namespace: str, simulator: PodSimulator) -> None:
    simulator.behave(pods.never_ready(), namespace=namespace)
    api.create(deployment(namespace))
    eventually(lambda: progress(api, namespace).get("reason") == "ProgressDeadlineExceeded", "the deadline")
    assert available(api, namespace) == 0


def test_a_crash_loop_shows_its_restarts_exit_code_and_last_words(
        api: Api, namespace: str, simulator: PodSimulator) -> None:
    simulator.behave(pods.crash_loop(exit_code=3, message="no database"), namespace=namespace)
    api.create(deployment(namespace, replicas=1))

    def look() -> bool:
        [pod] = api.list("Pod", namespace)
        [container] = pod["status"]["containerStatuses"]
        assert container["restartCount"] >= 2, show(container)
        assert container["lastState"]["terminated"]["exitCode"] == 3
        assert container["lastState"]["terminated"]["message"] == "no database"
        return True

    eventually(look, "two restarts")


def test_each_kind_of_failure_is_taken_by_the_api_server(
        api: Api, namespace: str, simulator: PodSimulator) -> None:
    cases = {
        "ErrImagePull": pods.image_pull()[:1], "ImagePullBackOff": pods.image_pull(),
        "InvalidImageName": pods.invalid_image_name(), "CreateContainerConfigError": pods.config_error(),
        "RunContainerError": pods.start_error(),
    }
    api.create(deployment(namespace, replicas=1))
    eventually(lambda: available(api, namespace) == 1, "an available replica")
    for reason, behaviour in cases.items():
        simulator.behave(behaviour, namespace=namespace, now=True)
        eventually(lambda reason=reason: waiting_reason(api, namespace) == reason, reason)
    simulator.behave(pods.unschedulable(), namespace=namespace, now=True)
    eventually(lambda: condition_of(one_pod(api, namespace), "PodScheduled")["reason"] == "Unschedulable", "no node")


def test_readiness_can_be_lost_and_found_again(api: Api, namespace: str, simulator: PodSimulator) -> None:
    api.create(deployment(namespace))
    eventually(lambda: available(api, namespace) == 2, "two available replicas")
    simulator.behave(pods.never_ready(), namespace=namespace, now=True)
    eventually(lambda: available(api, namespace) == 0, "no available replica")
    simulator.behave(pods.ready(), namespace=namespace, now=True)
    eventually(lambda: available(api, namespace) == 2, "two available replicas again")


def test_rules_tell_images_apart_during_a_rolling_update(
        api: Api, namespace: str, simulator: PodSimulator) -> None:
    simulator.behave(pods.crash_loop(), namespace=namespace, image="localhost/todo-backend:2.0.0")
    api.create(deployment(namespace))
    eventually(lambda: available(api, namespace) == 2, "two available replicas")
    patch = [{"op": "replace", "path": "/spec/template/spec/containers/0/image",
              "value": "localhost/todo-backend:2.0.0"}]
    api.patch("Deployment", "sample", namespace, patch, patch_type="json")
    eventually(lambda: progress(api, namespace).get("reason") == "ProgressDeadlineExceeded", "the deadline")
    assert available(api, namespace) == 2, "the old pods go on"


def test_jobs_succeed_unless_they_are_told_to_fail(api: Api, namespace: str, simulator: PodSimulator) -> None:
    api.create(job(namespace, "good"))
    eventually(lambda: job_condition(api, namespace, "good", "Complete"), "the job to complete")
    simulator.behave(pods.job_fails(exit_code=5, message="table is locked"), namespace=namespace, job=True)
    api.create(job(namespace, "bad"))
    eventually(lambda: job_condition(api, namespace, "bad", "Failed"), "the job to fail")


def test_a_deployment_that_goes_takes_its_pods_along(api: Api, namespace: str, simulator: PodSimulator) -> None:
    api.create(deployment(namespace))
    eventually(lambda: available(api, namespace) == 2, "two available replicas")
    api.delete("Deployment", "sample", namespace)
    eventually(lambda: not api.list("Pod", namespace), "no pod")


def available(api: Api, namespace: str) -> int:
    return int(api.get("Deployment", "sample", namespace).get("status", {}).get("availableReplicas", 0))


def progress(api: Api, namespace: str) -> Object:
    return condition_of(api.get("Deployment", "sample", namespace), "Progressing")


def one_pod(api: Api, namespace: str) -> Object:
    [pod] = api.list("Pod", namespace)
    return pod


def waiting_reason(api: Api, namespace: str) -> str:
    [container] = one_pod(api, namespace)["status"]["containerStatuses"]
    return str(container["state"].get("waiting", {}).get("reason", ""))


def job_condition(api: Api, namespace: str, name: str, kind: str) -> bool:
    return condition_of(api.get("Job", name, namespace), kind).get("status") == "True"
