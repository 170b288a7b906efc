"""What users of stpsf and the JWST pipeline do, unmodified: prints a JSON document of what it got. Run by test_pipeline."""

import json
import sys
from pathlib import Path

import stpsf.mast_wss as wss
from astropy.time import Time
from astroquery.mast import Observations
from jwst.lib.engdb_mast import EngdbMast
from jwst.lib.engdb_tools import ENGDB_Service

program, mnemonic = sys.argv[1:]
found = {}

# Wavefront maps, as stpsf finds and reads them
table = wss.retrieve_mast_opd_table()
found["maps"] = [str(name) for name in table["fileName"]]
found["columns"] = table.colnames
tracked = wss.add_columns_to_track_corrections(wss.deduplicate_opd_table(table))
found["measurements"] = [str(kind) for kind in tracked["wfs_measurement_type"]]
between = Time(table["date_obs_mjd"].mean(), format="mjd")
found["around"] = [str(each) for each in wss.mast_wss_opds_around_date_query(between)[:2]]
folder = Path("maps")
folder.mkdir()
found["closest"] = wss.get_opd_at_time(between.isot, choice="closest", output_path=str(folder))
kept = wss.mast_retrieve_opd(found["maps"][0], output_path=str(folder))
found["kept"] = Path(kept).stat().st_size
found["opd"] = list(wss.import_wss_opd(kept)["RESULT_PHASE"].data.shape)
images = wss.query_wfsc_images_by_program(int(program), 1, detector="NRCA1", productlevel="2b")
found["images"] = sorted(str(name) for name in images["filename"])
times = wss.query_program_visit_times(int(program))
found["visits"] = sorted({str(visit) for visit in times["visit_id"]})

# A product by its URI, as jdaviz takes it
found["by uri"] = Observations.download_file(f"mast:JWST/product/{found['maps'][0]}", local_path="map.fits")[0]
found["of uri"] = Path("map.fits").stat().st_size

# Telemetry, of which there is none yet: the service is alive, and what it does not have it says at once
found["alive"] = isinstance(ENGDB_Service(), EngdbMast)
try:
    EngdbMast().get_values(mnemonic, "2022-02-02T22:24:58", "2022-02-02T22:24:59")
    found["no such mnemonic"] = None
except Exception as error:  # noqa: BLE001  whatever the client makes of it
    found["no such mnemonic"] = f"{type(error).__name__}: {error}"

print(json.dumps(found))
