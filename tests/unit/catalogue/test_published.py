"""The tables that queries name are described as the standards ask."""

import re

import pytest
from astropy.units import Unit

from deepfield.catalogue.published import SCHEMAS, load_published

TABLES = [each.table for each in load_published().values()]

# ObsCore 1.1 with its errata: name: (type, unit, UCD, utype)
OBSCORE = {
    "dataproduct_type": ("string", None, "meta.code.class", "ObsDataset.dataProductType"),
    "calib_level": ("int32", None, "meta.code;obs.calib", "ObsDataset.calibLevel"),
    "obs_collection": ("string", None, "meta.id", "DataID.Collection"),
    "obs_id": ("string", None, "meta.id", "DataID.observationID"),
    "obs_publisher_did": ("string", None, "meta.ref.ivoid", "Curation.PublisherDID"),
    "access_url": ("string", None, "meta.ref.url", "Access.Reference"),
    "access_format": ("string", None, "meta.code.mime", "Access.Format"),
    "access_estsize": ("int64", "kbyte", "phys.size;meta.file", "Access.Size"),
    "target_name": ("string", None, "meta.id;src", "Target.Name"),
    "s_ra": ("float64", "deg", "pos.eq.ra", "Char.SpatialAxis.Coverage.Location.Coord.Position2D.Value2.C1"),
    "s_dec": ("float64", "deg", "pos.eq.dec", "Char.SpatialAxis.Coverage.Location.Coord.Position2D.Value2.C2"),
    "s_fov": ("float64", "deg", "phys.angSize;instr.fov", "Char.SpatialAxis.Coverage.Bounds.Extent.diameter"),
    "s_region": ("string", None, "pos.outline;obs.field", "Char.SpatialAxis.Coverage.Support.Area"),
    "s_resolution": ("float64", "arcsec", "pos.angResolution", "Char.SpatialAxis.Resolution.Refval.value"),
    "s_xel1": ("int64", None, "meta.number", "Char.SpatialAxis.numBins1"),
    "s_xel2": ("int64", None, "meta.number", "Char.SpatialAxis.numBins2"),
    "t_min": ("float64", "d", "time.start;obs.exposure", "Char.TimeAxis.Coverage.Bounds.Limits.StartTime"),
    "t_max": ("float64", "d", "time.end;obs.exposure", "Char.TimeAxis.Coverage.Bounds.Limits.StopTime"),
    "t_exptime": ("float64", "s", "time.duration;obs.exposure", "Char.TimeAxis.Coverage.Support.Extent"),
    "t_resolution": ("float64", "s", "time.resolution", "Char.TimeAxis.Resolution.Refval.value"),
    "t_xel": ("int64", None, "meta.number", "Char.TimeAxis.numBins"),
    "em_min": ("float64", "m", "em.wl;stat.min", "Char.SpectralAxis.Coverage.Bounds.Limits.LoLimit"),
    "em_max": ("float64", "m", "em.wl;stat.max", "Char.SpectralAxis.Coverage.Bounds.Limits.HiLimit"),
    "em_res_power": ("float64", None, "spect.resolution", "Char.SpectralAxis.Resolution.ResolPower.refVal"),
    "em_xel": ("int64", None, "meta.number", "Char.SpectralAxis.numBins"),
    "o_ucd": ("string", None, "meta.ucd", "Char.ObservableAxis.ucd"),
    "pol_states": ("string", None, "meta.code;phys.polarization", "Char.PolarizationAxis.stateList"),
    "pol_xel": ("int64", None, "meta.number", "Char.PolarizationAxis.numBins"),
    "facility_name": ("string", None, "meta.id;instr.tel", "Provenance.ObsConfig.Facility.name"),
    "instrument_name": ("string", None, "meta.id;instr", "Provenance.ObsConfig.Instrument.name"),
}


def test_obscore_has_every_mandatory_column_exactly_as_the_standard_says():
    obscore = load_published()["ivoa.ObsCore"].table
    found = {column.name: (column.type, column.unit, column.ucd, column.utype) for column in obscore.columns}
    wanted = {name: (*facts, f"obscore:{utype}") for name, (*facts, utype) in OBSCORE.items()}
    assert {name: found.get(name) for name in OBSCORE} == wanted
    assert {name for name in OBSCORE if not obscore.column(name).std} == set()


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.qualified)
def test_a_table_is_described_without_contradiction(table):
    assert table.schema in SCHEMAS
    folded = [name.lower() for name in table.names]
    assert len(folded) == len(set(folded))
    assert set(table.key) <= set(table.names)
    for key in table.foreign_keys:
        target = load_published()[key.table].table
        assert set(key.columns) <= set(table.names)
        assert set(key.targets) <= set(target.names)


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.qualified)
def test_columns_are_named_and_described_as_protocols_need(table):
    for column in table.columns:
        assert re.fullmatch(r'[A-Za-z][A-Za-z0-9_]*|"[^"]+"', column.name)
        assert column.description, column.name
        if column.unit:
            Unit(column.unit, format="vounit")


@pytest.mark.parametrize("name", [name for name, each in load_published().items() if each.feed.base])
def test_every_column_of_a_fed_table_has_its_expression(name):
    published = load_published()[name]
    assert set(published.feed.expressions) == set(published.table.names)
