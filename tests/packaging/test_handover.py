"""A cluster in which the CRD was applied by kubectl, and Helm comes: nothing is taken without a word."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from support.api import Api
from support.charts import OPERATOR_CHART, Helm, Values
from support.control_plane import REPOSITORY, Kubectl
from support.namespaces import make_namespace

CRD = "todoappdeployments.apps.todoapp.dev"
RELEASE = "handed-over"
VALUES: Values = {"rbac": {"create": False, "aggregateRoles": False}}


@pytest.fixture
def place(api: Api, cluster_helm: Helm) -> Iterator[str]:
    name = make_namespace(api, "handover")
    yield name
    cluster_helm("uninstall", RELEASE, "-n", name, "--ignore-not-found")
    api.delete("Namespace", name, missing_ok=True)


def test_a_crd_that_kubectl_applied_is_taken_over_only_where_asked(
        place: str, api: Api, kubectl: Kubectl, cluster_helm: Helm) -> None:
    uid = api.get("CustomResourceDefinition", CRD)["metadata"]["uid"]
    with pytest.raises(AssertionError, match="cannot be imported into the current release"):
        cluster_helm("install", RELEASE, str(OPERATOR_CHART), "-n", place, values=VALUES)
    cluster_helm("install", RELEASE, str(OPERATOR_CHART), "-n", place, "--take-ownership", "--force-conflicts",
                 values=VALUES)
    taken = api.get("CustomResourceDefinition", CRD)["metadata"]
    assert taken["labels"]["app.kubernetes.io/managed-by"] == "Helm"
    assert taken["annotations"]["meta.helm.sh/release-name"] == RELEASE
    said = cluster_helm("uninstall", RELEASE, "-n", place)
    assert "kept due to the resource policy" in said and CRD in said
    # The same object all the time, and one that kubectl may go on with.
    assert api.get("CustomResourceDefinition", CRD)["metadata"]["uid"] == uid
    kubectl("apply", "--server-side", "-f", str(REPOSITORY / "crds"))


def test_a_release_without_the_crd_leaves_it_alone(place: str, api: Api, cluster_helm: Helm) -> None:
    before = api.get("CustomResourceDefinition", CRD)["metadata"]["resourceVersion"]
    cluster_helm("install", RELEASE, str(OPERATOR_CHART), "-n", place, values={**VALUES, "crds": {"install": False}})
    cluster_helm("uninstall", RELEASE, "-n", place)
    assert api.get("CustomResourceDefinition", CRD)["metadata"]["resourceVersion"] == before
