"""The HTTP API, version 1: JSON in, JSON out, one file per resource."""
