"""Rows a second and time to the first byte of every format, beside the bare Arrow stream and astropy: `make bench-formats`.

All run in one process, taking turns, so that a neighbour on the machine slows all of them alike. CPU seconds are of
this process; the smallest of the rounds stands in the table.
"""

import argparse
import io
import time
import warnings

import numpy as np
import pyarrow as pa
from astropy.io.votable import parse_single_table, writeto
from astropy.io.votable.tree import VOTableFile
from astropy.table import Table

from deepfield.formats import FORMATS, Document
from deepfield.formats.uploads import UploadLimits, open_upload
from deepfield.model.rows import RowStream
from deepfield.model.tables import Column

BATCH = 65_536
COLUMNS = [
    *(Column(name, "float64", "", unit="deg") for name in ("s_ra", "s_dec")),
    *(Column(name, "float64", "", unit="d") for name in ("t_min", "t_max")),
    Column("access_estsize", "int64", "", unit="kbyte"),
    Column("calib_level", "int32", ""),
    *(Column(name, "string", "") for name in ("obs_id", "instrument_name", "filters", "dataproduct_type")),
]


def batches(rows: int) -> list[pa.RecordBatch]:
    chance = np.random.default_rng(20220712)
    start = chance.uniform(59_800, 61_000, rows)
    table = pa.table(
        [
            chance.uniform(0, 360, rows),
            np.degrees(np.arcsin(chance.uniform(-1, 1, rows))),
            start,
            start + chance.exponential(0.01, rows),
            chance.integers(0, 1 << 30, rows),
            chance.integers(1, 4, rows).astype(np.int32),
            [f"jw{n:011d}_{n % 99:02d}101_{n % 9:05d}_nrcb1" for n in range(rows)],
            np.array(["NIRCAM/IMAGE", "MIRI/IFU", "NIRSPEC/MSA", "NIRISS/SOSS"])[chance.integers(0, 4, rows)],
            np.array(["F200W", "F444W", "F1000W", "CLEAR;GR700XD"])[chance.integers(0, 4, rows)],
            np.array(["image", "cube", "spectrum"])[chance.integers(0, 3, rows)],
        ],
        names=[column.name for column in COLUMNS],
    )
    return table.to_batches(max_chunksize=BATCH)


def bare_arrow(rows: list[pa.RecordBatch]):
    for batch in rows:
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, batch.schema) as writer:
            writer.write_batch(batch)
        yield sink.getvalue().to_pybytes()


def by_astropy(rows: list[pa.RecordBatch], serialization: str):
    columns = pa.Table.from_batches(rows)
    table = Table({name: columns[name].to_numpy() for name in columns.column_names})
    for name in ("obs_id", "instrument_name", "filters", "dataproduct_type"):
        table[name] = table[name].astype(str)
    document = VOTableFile.from_table(table)
    next(document.iter_tables()).format = serialization
    sink = io.BytesIO()
    writeto(document, sink)
    yield sink.getvalue()


def measured(run) -> tuple[float, float, float, int]:
    """Return seconds of CPU and of the clock, seconds to the first byte, and bytes."""
    cpu, wall = time.process_time(), time.perf_counter()
    first, size = None, 0
    for piece in run():
        first = first or time.perf_counter() - wall
        size += len(piece)
    return time.process_time() - cpu, time.perf_counter() - wall, first or 0.0, size


def read_back(document: bytes):
    for batch in open_upload(io.BytesIO(document), "t", UploadLimits(rows=1 << 31, bytes=1 << 40)):
        yield bytes(batch.num_rows)


def main() -> None:
    warnings.simplefilter("ignore")
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--without-astropy", action="store_true")
    chosen = parser.parse_args()
    rows = batches(chosen.rows)
    runs = {"bare Arrow stream": lambda: bare_arrow(rows)}
    runs |= {each.name: lambda each=each: each.write(RowStream(COLUMNS, rows), Document()) for each in FORMATS}
    for name in ("votable", "votable-binary2", "csv", "ecsv", "parquet", "fits"):
        written = b"".join(runs[name]())
        runs[f"read {name}"] = lambda written=written: read_back(written)
        if name.startswith("votable") and not chosen.without_astropy:
            serialization = {"votable": "tabledata", "votable-binary2": "binary2"}[name]
            runs[f"astropy writes {name}"] = lambda s=serialization: by_astropy(rows, s)
            runs[f"astropy reads {name}"] = lambda w=written: iter([parse_single_table(io.BytesIO(w)).array.tobytes()])
    taken = {name: [] for name in runs}
    for at in range(chosen.rounds):
        for name, run in runs.items():
            if at < 1 or not name.startswith("astropy"):
                taken[name].append(measured(run))
    bare = min(each[0] for each in taken["bare Arrow stream"])
    print(f"{chosen.rows:,} rows of {len(COLUMNS)} columns, smallest of {chosen.rounds} rounds (astropy: of 1)\n")
    print(
        "| what | CPU ms | wall ms | first byte ms | rows/s of CPU | MB | × bare Arrow (CPU) |\n|---|---|---|---|---|---|---|"
    )
    for name, rounds in taken.items():
        cpu, wall, first, size = (min(each[at] for each in rounds) for at in range(4))
        print(
            f"| {name} | {cpu * 1e3:.1f} | {wall * 1e3:.1f} | {first * 1e3:.2f} | {chosen.rows / max(cpu, 1e-6):,.0f} "
            f"| {size / 1e6:.1f} | {cpu / max(bare, 1e-6):.1f} |"
        )


if __name__ == "__main__":
    main()
