"""Memory of a training run and of the device."""
