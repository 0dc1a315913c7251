"""Planning of a training run: options, checks, memory and the next step."""
