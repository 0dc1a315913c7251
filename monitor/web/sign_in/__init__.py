"""Sign-in by password, invitation and single sign-on."""
