"""What astronomers do with astroquery.mast, unmodified: prints a JSON document of what it got. Run by test_astroquery."""

import json
import os
import sys
from pathlib import Path

import astropy.units as u
from astropy.coordinates import SkyCoord
from astroquery.exceptions import InvalidQueryError, RemoteServiceError
from astroquery.mast import Mast, MastMissions, Observations

target, exclusive_file, token = sys.argv[1:]
found = {}


def refused(action):
    try:
        action()
    except (RemoteServiceError, InvalidQueryError) as error:
        return str(error)
    return None


def names(table, column="obs_id"):
    return sorted(str(value) for value in table[column])


# Observations
found["missions"] = Observations.list_missions()
found["metadata"] = {
    kind: {row["Column Name"]: row["Column Label"] for row in Observations.get_metadata(kind)}
    for kind in ("observations", "products")
}
everything = Observations.query_criteria(obs_collection="JWST")
found["everything"] = names(everything)
found["columns"] = everything.colnames
found["kinds"] = {name: everything[name].dtype.kind for name in everything.colnames}
found["criteria"] = {
    "bare instrument": names(Observations.query_criteria(instrument_name="NIRCAM")),
    "mode": names(Observations.query_criteria(instrument_name="nircam/image")),
    "wildcard": names(Observations.query_criteria(instrument_name="NIR*")),
    "filter": names(Observations.query_criteria(filters="F444W", obs_collection="JWST")),
    "range": names(Observations.query_criteria(t_min=[60827.0, 60827.03], obs_collection="JWST")),
    "several": names(Observations.query_criteria(proposal_id=["01111"], calib_level=[2], filters=["F200W", "F090W"])),
    "rights": names(Observations.query_criteria(dataRights="EXCLUSIVE_ACCESS")),
    "nothing": len(Observations.query_criteria(obs_id="jw99999*")),
}
found["count"] = int(Observations.query_criteria_count(obs_collection="JWST"))
place = SkyCoord(159.30, -58.62, unit="deg")
cone = Observations.query_region(place, radius=1 * u.arcmin)
found["cone"] = dict(zip(map(str, cone["obs_id"]), map(float, cone["distance"]), strict=True))
found["cone count"] = int(Observations.query_region_count(place, radius=1 * u.arcmin))
found["criteria in a cone"] = names(Observations.query_criteria(coordinates=place, radius="1 arcmin", filters="F444W"))
found["pages"] = names(Observations.query_region(place, radius=1 * u.arcmin, pagesize=1))
found["second page"] = len(Observations.query_region(place, radius=1 * u.arcmin, pagesize=1, page=2))
os.environ["http_proxy"] = os.environ["RESOLVER"]  # the resolver's address is fixed in astroquery; a proxy is not
os.environ["NO_PROXY"] = "127.0.0.1"
found["object"] = names(Observations.query_object(target, radius="1 arcmin"))
found["resolved"] = [float(Mast().resolve_object(target).ra.deg), float(Mast().resolve_object(target).dec.deg)]

# Products and downloads
products = Observations.get_product_list(everything)
found["products"] = names(products, "productFilename")
found["parents"] = sorted(set(map(str, products["parent_obsid"]))) == sorted(map(str, everything["obsid"]))
found["recommended"] = names(Observations.filter_products(products, mrp_only=True), "productFilename")
chosen = Observations.filter_products(products, productSubGroupDescription="CAL", dataRights="PUBLIC")
manifest = Observations.download_products(chosen, download_dir="downloads")
found["downloads"] = {Path(row["Local Path"]).name: row["Status"] for row in manifest}
found["sizes"] = {str(row["productFilename"]): int(row["size"]) for row in chosen}
found["on disk"] = {Path(row["Local Path"]).name: Path(row["Local Path"]).stat().st_size for row in manifest}
found["again"] = set(Observations.download_products(chosen, download_dir="downloads")["Status"]) == {"COMPLETE"}
uri = f"mast:JWST/product/{exclusive_file}"
found["without a token"] = Observations.download_file(uri, local_path="exclusive.fits")[0]
Observations.login(token)
found["session"] = Observations.session_info(verbose=False)["attrib"]["display_name"]
found["with a token"] = Observations.download_file(uri, local_path="exclusive.fits")[0]
Observations.logout()
found["after logout"] = Observations.download_file(uri, local_path="again.fits")[0]

# Keywords
rows = Mast.service_request(
    "Mast.Jwst.Filtered.NIRCam",
    {
        "columns": "filename, program, date_obs, date_obs_mjd, productLevel, filter",
        "filters": [
            {"paramName": "filter", "values": ["F200W"]},
            {"paramName": "date_obs_mjd", "values": [{"min": 60000, "max": 70000}]},
        ],
    },
)
found["keywords"] = [dict(zip(rows.colnames, map(str, row), strict=True)) for row in rows]
found["unknown filter"] = refused(
    lambda: Mast.service_request(
        "Mast.Caom.Filtered", {"columns": "*", "filters": [{"paramName": "targetname", "values": ["x"]}]}
    )
)
found["unknown service"] = refused(lambda: Mast.service_request("Mast.Caom.Con", {}))

# Missions
missions = MastMissions(mission="jwst")
found["mission columns"] = names(missions.get_column_list(), "name")
sets = missions.query_criteria(instrume="NIRCAM", sort_by="fileSetName")
found["filesets"] = [str(name) for name in sets["fileSetName"]]
found["levels"] = str(sets["productLevel"][0])
found["around"] = dict(
    zip(
        map(str, (near := missions.query_region("159.30 -58.62", radius=1))["fileSetName"]),
        map(float, near["ang_sep"]),
        strict=True,
    )
)
found["mission object"] = names(missions.query_object(target, radius=1), "fileSetName")
found["conditions"] = {
    "not": names(missions.query_criteria(exp_type="!NRC_IMAGE"), "fileSetName"),
    "pi": names(missions.query_criteria(pi_name="Rosseland, Kepler"), "fileSetName"),
    "program": names(missions.query_criteria(program="1000..1500", observtn="1"), "fileSetName"),
    "date": names(missions.query_criteria(date_obs=">2025-06-01T02:30:00"), "fileSetName"),
    "access": names(missions.query_criteria(access="EXCLUSIVE_ACCESS"), "fileSetName"),
}
listed = missions.get_product_list(sets)
found["mission products"] = names(missions.get_unique_product_list(sets), "filename")
found["mission filtered"] = names(missions.filter_products(listed, category="2b"), "filename")
got = missions.download_products(missions.filter_products(listed, category="2b")[:1], download_dir="missions")
found["mission download"] = str(got["Status"][0])
found["bad condition"] = refused(lambda: missions.query_criteria(targ_ra="north"))
print(json.dumps(found))
