"""``python -m deepfield`` is ``deepfield``."""

from deepfield.cli import app

app()
