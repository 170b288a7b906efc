"""An ingest in a process of its own, to be killed: ``python -m support.ingest_process HOME URL TREE``."""

import sys
from pathlib import Path

from support.intake import open_bench

if __name__ == "__main__":
    home, url, tree = sys.argv[1:]
    bench = open_bench(Path(home), url, workers=2, files_per_commit=3)
    print("ready", flush=True)
    bench.intake.ingest([Path(tree)], link=False)
    print("done", flush=True)
