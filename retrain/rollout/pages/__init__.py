"""Rollouts and experiments: where they stand, why, and what a lead may do."""
