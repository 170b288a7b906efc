"""``python -m deepfield`` is ``deepfield``."""

from deepfield.cli import app

if __name__ == "__main__":  # processes that an ingest spawns import this module, too
    app()
