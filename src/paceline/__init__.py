"""Paceline: schedules email and sends each one at its time, once, within every limit."""

__version__ = "0.1.0"
