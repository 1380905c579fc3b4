"""Backups: one file with what pg_dump writes and a manifest, and the way back from it."""
