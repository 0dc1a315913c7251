"""Human evaluation: blind ratings of the candidate, the incumbent and the base model."""
