"""How a version takes over the traffic, step by step."""
