"""What a combination takes from its members, and what every observation of the simulated archive is known to be."""

from collections import defaultdict

import pytest

from deepfield.ingest.assemble import assemble
from deepfield.ingest.blueprint import identify
from deepfield.ingest.inheritance import Member
from deepfield.ingest.links import links
from deepfield.missions.jwst.names import parse_name
from deepfield.model.observation import Part
from deepfield.products.header import Card, Hdu, Header
from deepfield.products.reader import read_header

COMBINED = "jw01234-o001_t001_nircam_clear-f200w"
FIRST, SECOND, BACKGROUND = (f"jw01234001001_02101_0000{n}_nrca1" for n in (1, 2, 9))
SQUARE = "POLYGON ICRS 10 10 10.1 10 10.1 10.1 10 10.1"
FAR = "POLYGON ICRS 50 10 50.1 10 50.1 10.1 50 10.1"


def made(name, **keywords):
    cards = tuple(Card(keyword, value) for keyword, value in keywords.items())
    header = Header(name, "fits", None, (Hdu(Part(0, "PRIMARY", kind="primary"), cards),))
    return identify(header, size=1, sha256="0" * 64)


def exposure(obs_id, *, begins, target="M-1", region=SQUARE):
    facts = made(
        f"{obs_id}_calints.fits",
        EXP_TYPE="NRC_TSIMAGE",
        INSTRUME="NIRCAM",
        FILTER="F200W",
        PUPIL="CLEAR",
        TARGPROP=target,
        EXPSTART=begins,
        EXPEND=begins + 0.1,
        EFFEXPTM=100.0,
        S_REGION=region,
    )
    return Member.of(assemble(obs_id, [facts]))


def combined(*members, exptypes=None):
    """The combination of these members, of which there is an association and a table that says nothing."""
    listed = [
        {"expname": f"{one.obs_id}_calints.fits", "exptype": (exptypes or {}).get(one.obs_id, "science")}
        for one in members
    ]
    document = {"asn_type": "tso3", "products": [{"name": COMBINED, "members": listed}]}
    asn = Header("jw01234-o001_20260101t000000_tso3_00001_asn.json", "json", None, document=document)
    table = Header(f"{COMBINED}_phot.ecsv", "ecsv", None, document={"meta": {}})
    files = [identify(header, size=1, sha256="0" * 64) for header in (asn, table)]
    return assemble(COMBINED, files, known={one.obs_id: one for one in members})


def test_a_silent_combination_is_what_its_science_members_are():
    observation = combined(
        exposure(FIRST, begins=60000.0),
        exposure(SECOND, begins=60000.2),
        exposure(BACKGROUND, begins=59000.0, target="SKY", region=FAR),
        exptypes={BACKGROUND: "background"},
    )

    assert (observation.dataproduct_type, observation.intent, observation.is_tso) == ("timeseries", "science", True)
    assert (observation.target.name, observation.exp_type) == ("M-1", "NRC_TSIMAGE")
    assert (observation.time.lower, observation.time.upper) == pytest.approx((60000.0, 60000.3), abs=1e-9)
    assert observation.time.exposure == 200.0
    assert (observation.position.ra, observation.position.dec) == pytest.approx((10.05, 10.05), abs=1e-3)
    assert observation.energy.lower == pytest.approx(1.755e-6, rel=0.02)
    assert BACKGROUND in observation.members
    for name in ("time.lower", "time.upper", "time.exposure", "target.name", "energy"):
        assert observation.origin[name] == f"members of the association: {FIRST} and 1 more"


def test_detectors_and_segments_of_an_exposure_share_its_exposure_time():
    root = "jw01234001001_02101_00001"
    names = [f"{root}-seg001_nrca1", f"{root}-seg002_nrca1", f"{root}-seg001_nrca2"]

    observation = combined(*(exposure(name, begins=60000.0 + n) for n, name in enumerate(names)))

    assert observation.time.exposure == 100.0


def test_members_that_disagree_about_the_target_leave_it_open():
    observation = combined(exposure(FIRST, begins=60000.0, target="A"), exposure(SECOND, begins=60000.2, target="B"))

    assert observation.target.name != "A"
    assert "B" not in (observation.target.name or "")
    assert observation.dataproduct_type == "timeseries"


def test_a_wavefront_map_is_a_calibration_of_one_moment():
    opd = made("R2025040901-NRCA1_FP6-1.fits", **{"DATE-OBS": "2025-04-09", "TIME-OBS": "06:00:00.000"})

    observation = assemble(opd.obs_id, [opd])

    assert observation.intent == "calibration"
    assert observation.time.lower == observation.time.upper == 60774.25
    assert "one moment" in observation.origin["time.upper"]


def test_no_simulated_observation_lacks_what_its_files_or_members_state(simulated):
    """Read every file, assemble every observation, and ask of each what a search asks for."""
    files = [
        identify(read_header(path), size=path.stat().st_size, sha256="0" * 64)
        for path in sorted(simulated.rglob("*.*"))
        if path.suffix in {".fits", ".ecsv", ".json", ".asdf"}
    ]
    groups = defaultdict(dict)
    for facts in files:
        if facts.obs_id:
            groups[facts.obs_id][facts.filename] = facts
    associations = defaultdict(list)
    for facts in files:
        for named in links([facts])[0].obs_ids if facts.suffix == "asn" else ():
            associations[named].append(facts)
    known = {}
    lacking = {}
    for obs_id in sorted(groups, key=lambda obs_id: any(facts.combined for facts in groups[obs_id].values())):
        observation = assemble(obs_id, list(groups[obs_id].values()), associations=associations[obs_id], known=known)
        known[obs_id] = Member.of(observation)
        energy, time = observation.energy, observation.time
        asked = {
            "dataproduct_type": observation.dataproduct_type,
            "intent": observation.intent,
            "target": None if observation.target.name == "UNKNOWN" else observation.target.name,
            "t_min": time and time.lower,
            "t_max": time and time.upper,
            "position": observation.position,
            "energy": energy and energy.lower,
            "exp_type": observation.exp_type,
        }
        missing = {name for name, value in asked.items() if value is None}
        if obs_id.startswith("r20"):  # a wavefront map is no image of the sky, and says nothing of a target
            missing -= {"dataproduct_type", "target", "position", "energy", "exp_type"}
        if missing and not obs_id.endswith("_msa"):  # a shutter configuration is of no exposure
            lacking[obs_id] = missing

    assert len(groups) > 150
    assert lacking == {}


def test_members_that_come_later_or_go_speak_for_a_combination_that_waits(bench, simulated):
    folder = simulated / "jw90628"
    table = next(folder.glob("*f210m*_phot.ecsv"))
    members = sorted(folder.glob("*seg00?_nrcb1_calints.fits"))
    columns = "t_min, t_max, intent, target_name"
    query = f"SELECT {columns} FROM observation WHERE obs_id = '{table.name[:-10]}' AND seq_to IS NULL"
    bench.intake.ingest([table, *folder.glob("*_tso3_*_asn.json")])
    before = bench.rows(query)
    bench.intake.ingest(members)
    after = bench.rows(query)
    stated = bench.rows(f"SELECT {columns} FROM observation WHERE obs_id LIKE '%seg001_nrcb1' AND seq_to IS NULL")
    for path in members:
        bench.intake.forget(path.name)

    assert before[0][:2] == (None, None)
    assert None not in after[0]
    assert after == stated
    assert bench.rows(query) == before


def test_guide_star_files_are_listed_with_every_exposure_of_their_visit(bench, simulated):
    folder = simulated / "jw90633"
    bench.intake.ingest([folder])
    listed = defaultdict(set)
    for obs_id, filename in bench.rows(
        "SELECT o.obs_id, a.filename FROM product_link l JOIN observation o ON o.obs_number = l.obs_number"
        " JOIN artifact a ON a.artifact_number = l.artifact_number"
        " WHERE l.relation = 'guide_star' AND l.seq_to IS NULL AND o.seq_to IS NULL AND a.seq_to IS NULL"
    ):
        listed[obs_id].add(filename)
    guiding = defaultdict(set)
    exposures = defaultdict(set)
    for path in folder.glob("*.fits"):
        name = parse_name(path.name)
        if name.family == "guide_star":
            guiding[name.visit_id].add(path.name)
        elif name.visit_id:
            exposures[name.visit_id].add(name.obs_id)

    assert len(guiding) >= 2
    assert any(exposures[visit] for visit in guiding)
    for visit, files in guiding.items():
        for obs_id in exposures[visit]:
            assert files <= listed[obs_id], obs_id
