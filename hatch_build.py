"""Builds the portal's pages into the wheel, so that users need no Node."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class PortalBuildHook(BuildHookInterface):  # type: ignore[type-arg]
    """Runs Vite unless the pages are there already; an editable install leaves that to ``make setup``."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002 - the hook's interface
        pages = Path(self.root, "src/deepfield/web/portal/static/index.html")
        if version == "editable" or pages.exists():
            return
        npm = shutil.which("npm")
        if npm is None:
            raise RuntimeError(
                "The portal's pages are not built and npm is missing: install Node 20, or run 'make setup' first."
            )
        for arguments in (["ci", "--ignore-scripts", "--no-audit", "--no-fund"], ["run", "build"]):
            subprocess.run([npm, *arguments], cwd=Path(self.root, "frontend"), check=True)  # noqa: S603 - our own build
