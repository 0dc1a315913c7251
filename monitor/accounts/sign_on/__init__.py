"""Single sign-on by OpenID Connect. Optional: needs Authlib, imported where it is used."""
