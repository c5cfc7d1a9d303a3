"""A local Kubernetes built from pinned Go modules. Standard library only."""
