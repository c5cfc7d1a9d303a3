"""What the integration and e2e tests share: a control plane, an API client, a simulated kubelet, the audit log."""
