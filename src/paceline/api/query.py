"""What may stand behind the question mark: what a route knows, each once. All else is refused.

A misspelt filter that is passed over answers with everything, and looks like an answer. One rule
for all routes, read off the routes themselves.
"""

from __future__ import annotations

from collections.abc import Iterator

from fastapi import Request
from fastapi.dependencies.models import Dependant
from pydantic import BaseModel

from paceline.api.security import principal_of
from paceline.domain.bounds import MAX_PROBLEMS
from paceline.errors import FieldProblem, InvalidInput

_MAX_NAME_TOLD = 100  # characters


async def only_known(request: Request) -> None:
    """Raises `InvalidInput` for every parameter that this route does not have, or has twice."""
    given = [name for name, _ in request.query_params.multi_items()]
    if not given:
        return
    await principal_of(request)  # whoever has no key learns that first
    known = dict(_parameters(request.scope["route"].dependant))
    problems = []
    for name in dict.fromkeys(given):
        if name not in known:
            problems.append(FieldProblem(name[:_MAX_NAME_TOLD] or "query", _unknown(list(known))))
        elif given.count(name) > 1 and not known[name]:
            problems.append(FieldProblem(name, "is given more than once"))
        if len(problems) == MAX_PROBLEMS:
            break
    if problems:
        raise InvalidInput(problems)


def _unknown(known: list[str]) -> str:
    if not known:
        return "is not known here: this takes no query parameters"
    return f"is not known here, only {', '.join(known)}"


def _parameters(dependant: Dependant) -> Iterator[tuple[str, bool]]:
    """(name, whether it may be given several times) of all that the route reads."""
    for field in dependant.query_params:
        kind = field.field_info.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            for name, inner in kind.model_fields.items():
                yield inner.alias or name, _is_list(inner.annotation)
        else:
            yield field.alias, _is_list(kind)
    for needed in dependant.dependencies:
        yield from _parameters(needed)


def _is_list(kind: object) -> bool:
    return getattr(kind, "__origin__", None) is list
