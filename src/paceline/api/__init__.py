"""The HTTP API, version 1: JSON in, JSON out, one file per resource."""

from paceline.api.app import create_api
from paceline.api.parts import ApiParts

__all__ = ["ApiParts", "create_api"]
