"""Child processes as Kubernetes Jobs."""
