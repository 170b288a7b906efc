"""The command that users run."""

import sys
from pathlib import Path

DEEPFIELD = Path(sys.executable).with_name("deepfield")
