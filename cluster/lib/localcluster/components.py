"""Which components a mode has, in the order in which they start."""

from . import control_plane, node, registry, simulated
from .api import Api
from .network import Network


def of(cluster):
    api = Api(cluster)
    network = Network.of(cluster)
    found = [control_plane.etcd(cluster), control_plane.apiserver(cluster, api, network),
             control_plane.controller_manager(cluster, api, network)]
    if cluster.mode != "none":
        found.append(control_plane.scheduler(cluster, api, network))
    if cluster.mode == "simulated":
        found.append(simulated.kwok(cluster, api))
    if network:
        # The container runtime first: it gets ready while the control plane does.
        found = [node.containerd(cluster), *registry.components(cluster), *found, *node.agents(cluster, network)]
        for component in found:
            component.prefix = network.inside()
    return found
