"""Result of a drift evaluation."""
