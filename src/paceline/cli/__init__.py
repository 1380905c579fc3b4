"""The command line: one file per command, thin over `bootstrap` and the HTTP API."""
