"""Tables of an operator that overrule rows of the mission's."""

from importlib import resources
from pathlib import Path


def override(folder: Path, name: str, where: dict[str, str], **changes: str) -> Path:
    """Write into a folder a table with the rows of the mission's that fit, changed; return the folder."""
    text = (resources.files("deepfield.missions.jwst") / "tables" / name).read_text("utf-8")
    head, *rows = (line.split("\t") for line in text.splitlines() if not line.startswith("#"))
    cells = [dict(zip(head, row, strict=True)) for row in rows]
    chosen = [row | changes for row in cells if where.items() <= row.items()]
    assert chosen
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text("\n".join("\t".join(row) for row in (head, *(row.values() for row in chosen))) + "\n")
    return folder
