"""Users, invitations, sessions and single sign-on."""
