"""Single sign-on by OpenID Connect; needs the optional package Authlib."""
