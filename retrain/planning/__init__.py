"""Which training fits the device, and what to try after what failed."""
