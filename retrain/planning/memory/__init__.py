"""Memory that training needs, and memory of the device."""
