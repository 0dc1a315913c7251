"""Users, invitations, passwords, sessions and single sign-on."""
