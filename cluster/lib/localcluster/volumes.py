"""Storage for PersistentVolumeClaims: a default class, and volumes that are folders of the cluster's.

They are there from the start, for nobody here makes one on demand; and each serves one claim in the cluster's life.
"""

from .api import Api

CLASS = "local"
COUNT = 12
# A figure that a claim must not exceed; nobody measures what is in the folder.
SIZE = "4Gi"
NODE_NAME = "node-1"
STORAGE = "/apis/storage.k8s.io/v1/storageclasses"
VOLUMES = "/api/v1/persistentvolumes"


def _class():
    return {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass",
            "metadata": {"name": CLASS, "annotations": {"storageclass.kubernetes.io/is-default-class": "true"}},
            "provisioner": "kubernetes.io/no-provisioner", "volumeBindingMode": "WaitForFirstConsumer"}


def _volume(number, path):
    here = {"key": "kubernetes.io/hostname", "operator": "In", "values": [NODE_NAME]}
    return {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": f"local-{number}"},
            "spec": {"storageClassName": CLASS, "capacity": {"storage": SIZE}, "accessModes": ["ReadWriteOnce"],
                     "persistentVolumeReclaimPolicy": "Retain", "local": {"path": str(path)},
                     "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [here]}]}}}}


def ensure(cluster):
    api = Api(cluster)
    if cluster.real:
        for number in range(1, COUNT + 1):
            path = _path(cluster, number)
            path.mkdir(parents=True, exist_ok=True)
            # Any user's pod may have it; nobody else comes through the cluster's directory.
            path.chmod(0o777)
    # The class goes last: where it is, all is there.
    if not api.ok(f"{STORAGE}/{CLASS}"):
        for number in range(1, COUNT + 1):
            api.ensure(VOLUMES, _volume(number, _path(cluster, number)))
        api.ensure(STORAGE, _class())


def _path(cluster, number):
    return cluster.dir / "node" / "volumes" / str(number)
