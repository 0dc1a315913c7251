"""Child processes of training and evaluation: launchers and life cycle."""
