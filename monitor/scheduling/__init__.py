"""Parts that the jobs of all features share: runners, complete traffic, checks of conditions."""
