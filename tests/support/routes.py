"""Every address that an application answers, as it knows them itself."""

from collections.abc import Iterable, Iterator
from typing import Any

from fastapi import FastAPI


def routes_of(app: FastAPI) -> dict[str, set[str]]:
    """Return the methods of each path of an application, those of included routers too."""
    found: dict[str, set[str]] = {}
    for path, methods in _walk(app.routes, ""):
        found.setdefault(path, set()).update(methods)
    return found


def _walk(routes: Iterable[Any], prefix: str) -> Iterator[tuple[str, set[str]]]:
    for route in routes:
        included = getattr(route, "original_router", None)
        if included is not None:
            yield from _walk(included.routes, prefix + route.include_context.prefix)
        elif getattr(route, "routes", None):
            yield from _walk(route.routes, prefix + getattr(route, "path", ""))
        else:
            yield prefix + route.path, set(getattr(route, "methods", None) or {"WEBSOCKET", "MOUNT"})
