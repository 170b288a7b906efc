"""Where on the sky a file's data lie: S_REGION first, else the corners of its world coordinates."""

from __future__ import annotations

import math
import re
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from deepfield.model.coverage import Polygon, from_vector, parse_regions, separation, to_stcs, to_vectors
from deepfield.model.errors import InvalidValueError
from deepfield.model.observation import Position
from deepfield.products.gwcs import CORNERS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deepfield.model.coverage import Region
    from deepfield.products.header import Hdu, Header, Value

HULL_ABOVE = 12
"""With more separate regions than this (slits of a shutter array) their hull stands for them."""


UNION = "union of the footprints of"
"""How the origin of a footprint begins that is made of those of members."""

BELIEVED_PIXELS = 1.0
"""How far stated corners may be off those of the gwcs before these are believed instead."""

TOLERATED_PIXELS = 0.1
"""How far the stated corners of a resampled image may be off those of its pixels."""


@dataclass(frozen=True, slots=True)
class Footprint:
    """Regions that together are the footprint, and what they were taken from."""

    regions: tuple[Region, ...]
    origin: str

    def position(self, *, pixel_scale: float | None, dimension: tuple[int, ...] | None) -> Position:
        """Return the coverage: centre of area, text, and diameter of the circle around the centre."""
        ra, dec = _centre(self.regions)
        radius = max(_reach((ra, dec), region) for region in self.regions)
        return Position(ra, dec, to_stcs(self.regions), 2 * radius if radius > 0 else None, pixel_scale, dimension)


def footprint_of(header: Header, *, resampled: bool = False) -> tuple[Footprint | None, tuple[str, ...]]:
    """Return the footprint a file states, or that follows from its world coordinates, and sentences on what was wrong.

    Some pipelines state the corners of a ``resampled`` image half a pixel off; the outer corners of its pixels are
    taken then, and the note says so.
    """
    stated, notes = _stated(header)
    outline = _outline(header)
    if outline is not None and (not stated or _pixels_off(header, stated, outline) > BELIEVED_PIXELS):
        off = (f"{header.filename}: S_REGION is far off the corners of its gwcs, which are taken",) if stated else ()
        return Footprint((outline,), "corners of the gwcs in its ASDF tree"), (*notes, *off)
    if stated:
        if resampled and (exact := _corners_beside(header, stated)) is not None:
            polygon, pixels = exact
            note = f"{header.filename}: S_REGION is {pixels:.2f} pixels off the corners of its pixels, which are taken"
            return Footprint((polygon,), "corners of the FITS world coordinates"), (*notes, note)
        count = len(stated)
        regions = stated if count == 1 else unite(stated)
        origin = "S_REGION" if count == 1 else f"S_REGION of {count} extensions"
        if count > 1 and len(regions) == 1:
            origin += ", united" if count <= HULL_ABOVE else ", their convex hull"
        return Footprint(regions, origin), notes
    corners = _corners(header)
    if corners is None:
        return None, notes
    polygon, origin = corners
    return Footprint((polygon,), origin), notes


def wants_corners(header: Header) -> bool:
    """Tell whether the gwcs of a file should be asked: it states no footprint, or one that its FITS corners belie."""
    if header.container != "asdf" and not header.has("ASDF"):
        return False
    stated, _ = _stated(header)
    if not stated:
        return True
    found = _corners(header)
    return found is not None and _pixels_off(header, stated, found[0]) > BELIEVED_PIXELS


def pixel_scale_of(header: Header) -> float | None:
    """Return the sampling in arcseconds: of PIXAR_A2, else of the world coordinates."""
    area = header.first("PIXAR_A2")
    if isinstance(area, int | float) and not isinstance(area, bool) and area > 0:
        return math.sqrt(area)
    hdu = _image(header)
    if hdu is None or not _is_celestial(hdu):
        return None
    values = {card.keyword: card.value for card in hdu.cards}
    step = values.get("CDELT1") if "CD1_1" not in values else None
    if isinstance(step, int | float) and step != 0 and str(values.get("CUNIT1", "deg")).strip() == "deg":
        return abs(float(step)) * 3600
    return None


def dimension_of(header: Header) -> tuple[int, ...] | None:
    """Return the pixels (x, y) of the first science image."""
    hdu = _image(header)
    return (hdu.part.shape[-1], hdu.part.shape[-2]) if hdu is not None and len(hdu.part.shape) >= 2 else None


def union_of(texts: Sequence[str]) -> Footprint:
    """Return the union of footprints, given as ``s_region`` has them; their order does not matter."""
    regions = sorted({region for text in texts for region in parse_regions(text)}, key=repr)
    united = unite(regions) if len(regions) > 1 else tuple(regions)
    return Footprint(united, f"{UNION} {len(texts)} members")


def unite(regions: Sequence[Region]) -> tuple[Region, ...]:
    """Return the union of regions; the convex hull of polygons that are very many."""
    polygons = [region for region in regions if isinstance(region, Polygon)]
    if len(polygons) != len(regions) or len(polygons) < 2:
        return tuple(regions)
    import spherely

    shapes = [spherely.create_polygon([*polygon.vertices]) for polygon in polygons]
    if len(shapes) > HULL_ABOVE:
        points = spherely.create_multipoint([vertex for polygon in polygons for vertex in polygon.vertices])
        united = spherely.convex_hull(points)
    else:
        united = shapes[0]
        for shape in shapes[1:]:
            united = spherely.union(united, shape)
    return _polygons(spherely.to_wkt(united, precision=12)) or tuple(regions)


def _polygons(text: str) -> tuple[Polygon, ...]:
    """Read the outer rings of WKT polygons."""
    found = []
    for polygon in re.findall(r"\(\(([^()]+)\)", text):
        pairs = [tuple(float(number) for number in pair.split()) for pair in polygon.split(",")]
        found.append(Polygon(tuple((pair[0], pair[1]) for pair in pairs)).normalised())
    return tuple(found)


def _stated(header: Header) -> tuple[tuple[Region, ...], tuple[str, ...]]:
    texts: list[str] = []
    notes: list[str] = []
    for hdu in (*header.all_of("SCI"), *header.all_of("EXTRACT1D"), *header.all_of("PRIMARY")):
        text = next((card.value for card in hdu.cards if card.keyword == "S_REGION"), None)
        if isinstance(text, str) and text.strip() and text not in texts:
            texts.append(text)
        if texts and hdu.part.name == "PRIMARY":
            break
    regions: list[Region] = []
    for text in texts:
        try:
            regions.extend(_normalised(region) for region in parse_regions(text))
        except InvalidValueError:
            notes.append(f"{header.filename}: S_REGION {text[:60]!r} is no region and is left out")
    return tuple(dict.fromkeys(regions)), tuple(notes)


def _normalised(region: Region) -> Region:
    return region.normalised() if isinstance(region, Polygon) else region


def _corners_beside(header: Header, stated: tuple[Region, ...]) -> tuple[Polygon, float] | None:
    """Return the corners of the pixels and how far off the stated ones are, where they are a little off."""
    corners = _corners(header)
    if corners is None:
        return None
    found, _ = corners
    pixels = _pixels_off(header, stated, found)
    return (found, pixels) if TOLERATED_PIXELS < pixels < BELIEVED_PIXELS else None


def _pixels_off(header: Header, stated: tuple[Region, ...], corners: Polygon) -> float:
    """Return how far the four corners stated are off others, in pixels; 0 where they cannot be compared."""
    polygon, scale = stated[0], pixel_scale_of(header)
    if len(stated) != 1 or not isinstance(polygon, Polygon) or len(polygon.vertices) != 4 or scale is None:
        return 0.0
    off = max(min(separation(vertex, corner) for corner in corners.vertices) for vertex in polygon.vertices)
    return off * 3600 / scale


def _outline(header: Header) -> Polygon | None:
    """Return the outline that the reader had of the file's gwcs (``products/gwcs.py``)."""
    text = header.tree.get(CORNERS)
    regions = parse_regions(text) if isinstance(text, str) else ()
    return next((region for region in regions if isinstance(region, Polygon)), None)


def _corners(header: Header) -> tuple[Polygon, str] | None:
    hdu = _image(header)
    if hdu is None or not _is_celestial(hdu):
        return None
    width, height = hdu.part.shape[-1], hdu.part.shape[-2]
    origin = "corners of the FITS world coordinates"
    if width == height == 1:  # the pixels were cut away: the subarray tells how many there were
        size = header.get("SUBSIZE1"), header.get("SUBSIZE2")
        if not all(isinstance(length, int) and length > 1 for length in size):
            return None
        width, height = int(str(size[0])), int(str(size[1]))
        origin += f" for the {width} x {height} pixels of the subarray"
    corners = _to_sky(hdu, width, height)
    if corners is None:
        return None
    try:
        return Polygon(corners).normalised(), origin
    except InvalidValueError:
        return None


def _to_sky(hdu: Hdu, width: int, height: int) -> tuple[tuple[float, float], ...] | None:
    from astropy.io.fits import Header as FitsHeader
    from astropy.wcs import WCS
    from astropy.wcs.utils import pixel_to_skycoord

    header = FitsHeader()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # astropy repairs small faults of headers and says so
        for card in hdu.cards:
            if _belongs_to_wcs(card.keyword) and card.value is not None:
                header[card.keyword] = card.value
        try:
            celestial = WCS(header, naxis=None).celestial
            x = [-0.5, width - 0.5, width - 0.5, -0.5]
            y = [-0.5, -0.5, height - 0.5, height - 0.5]
            sky = pixel_to_skycoord(x, y, celestial).icrs
            pairs = tuple((float(ra), float(dec)) for ra, dec in zip(sky.ra.deg, sky.dec.deg, strict=True))
        except Exception:  # noqa: BLE001 (a header may be wrong in any way; there is no footprint then)
            return None
    return pairs if all(math.isfinite(number) for pair in pairs for number in pair) else None


_WCS_KEYWORDS = re.compile(
    r"(WCSAXES|NAXIS\d?|CTYPE\d|CUNIT\d|CRPIX\d|CRVAL\d|CDELT\d|PC\d_\d|CD\d_\d|[AB]P?_(ORDER|\d_\d)|RADESYS|EQUINOX"
    r"|LONPOLE|LATPOLE|PV\d_\d+)$"
)


def _belongs_to_wcs(keyword: str) -> bool:
    return _WCS_KEYWORDS.match(keyword) is not None


def _image(header: Header) -> Hdu | None:
    for name in ("SCI", "PRIMARY"):
        for hdu in header.all_of(name):
            if len(hdu.part.shape) >= 2 and hdu.cards:
                return hdu
    return None


def _is_celestial(hdu: Hdu) -> bool:
    kinds = [str(_value(hdu, f"CTYPE{axis}") or "")[:4] for axis in (1, 2, 3)]
    return any(kind.startswith("RA") for kind in kinds) and any(kind.startswith("DEC") for kind in kinds)


def _value(hdu: Hdu, keyword: str) -> Value:
    return next((card.value for card in hdu.cards if card.keyword == keyword), None)


def _centre(regions: Sequence[Region]) -> tuple[float, float]:
    if len(regions) == 1:
        point = regions[0].centroid()
        return point.ra, point.dec
    centres = [region.centroid() for region in regions]
    weights = [region.area() if isinstance(region, Polygon) else 1.0 for region in regions]
    vectors = to_vectors([(centre.ra, centre.dec) for centre in centres])
    middle = (vectors * np.array(weights)[:, None]).sum(axis=0)
    return from_vector(middle / np.linalg.norm(middle))


def _reach(centre: tuple[float, float], region: Region) -> float:
    if isinstance(region, Polygon):
        return max(separation(centre, vertex) for vertex in region.vertices)
    circle = region.enclosing()
    return separation(centre, (circle.ra, circle.dec)) + circle.radius
