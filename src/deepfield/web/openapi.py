"""Prints the OpenAPI document: ``python -m deepfield.web.openapi``. The portal generates its client from it."""

from __future__ import annotations

import json
import sys

from deepfield.web.app import described_app


def document() -> str:
    """Return the OpenAPI document of the portal's interface, as indented JSON."""
    return json.dumps(described_app().openapi(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(document())
