"""Who is asking: API keys, web sessions, one-time links, CSRF. Secrets are stored hashed only."""
