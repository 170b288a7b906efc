"""An ingest into a home of which one folder is a small filesystem: ``python -m support.full_disk HOME TREE FOLDER SIZE``.

Runs as root of a mount namespace of its own; prints what each of two ingests ended with, the second with more space.
"""

import subprocess
import sys
from pathlib import Path

from deepfield.model.errors import StorageError
from support.intake import open_bench

if __name__ == "__main__":
    home, tree, folder, size = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], sys.argv[4]
    place = home / folder
    place.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "small", place], check=True)
    bench = open_bench(home, workers=1, files_per_commit=3)
    try:
        bench.intake.ingest([tree], link=False)
        print("done")
    except StorageError as error:
        print(error)
    parts = list(home.rglob("*.part"))
    torn = bench.rows(
        "SELECT count(*) FROM artifact a WHERE NOT EXISTS (SELECT 1 FROM observation o WHERE o.obs_number = a.obs_number)"
    )
    stored = bench.rows("SELECT location, content_length FROM artifact")
    whole = all((bench.store.stat(location) or (0, 0))[0] == length for location, length in stored)
    print(len(parts), torn[0][0], len(stored), whole)
    subprocess.run(["mount", "-o", "remount,size=500m", place], check=True)
    report = bench.intake.ingest([tree], link=False)
    print(
        len(report.refused),
        bench.rows("SELECT count(*) FROM artifact WHERE seq_to IS NULL")[0][0],
        sorted(bench.store.locations()) == sorted(key for (key,) in bench.rows("SELECT location FROM artifact")),
    )
