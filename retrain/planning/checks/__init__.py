"""What is checked before any time of a device is spent: by the plan, and again by the child."""
