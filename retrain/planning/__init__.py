"""Planning of training runs: options, checks, memory and the next step."""
