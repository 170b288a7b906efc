"""Preview pictures of products: what the file shows, how it was stretched, and which way is north.

Pictures are drawn in FITS orientation, first pixel in the lower left corner. Pixels without data are transparent,
pixels that DQ forbids take a neutral colour. The caption, limits, unit and orientation stand in the PNG's text chunks.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import structlog
from PIL import Image

from deepfield.missions.jwst.names import parse_name
from deepfield.products.chart import draw_catalogue
from deepfield.products.cubes import BANDS, beside, described, in_colour
from deepfield.products.fringes import draw_fringes, has_fringes
from deepfield.products.orientation import Orientation, orientation
from deepfield.products.picture import (
    Stretch,
    diverging,
    indexed_image,
    inferno,
    label_levels,
    label_palette,
    limits_of,
    robust_stretch,
    save_png,
)
from deepfield.products.pixels import (
    LONGEST_SIDE,
    Pixels,
    Plane,
    block_maximum,
    open_fits,
    read_labels,
    read_plane,
    shrink,
)
from deepfield.products.slits import draw_slits
from deepfield.products.spectra import draw_spectra, has_spectrum
from deepfield.products.timeseries import draw_light_curve, draw_series, has_light_curve, has_series

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from astropy.io import fits
    from numpy.typing import NDArray

    from deepfield.products.header import Header

LONGEST = 1024
THUMB = 256
_LINEAR = 1000.0
"""A softness so large that the stretch is linear."""
_COMFORTABLE = 512
"""Smaller pictures are enlarged, by whole numbers, up to this side."""

_DRAWN = frozenset({"fits", "ecsv"})
_STACKED = {"psfstack": "reference images", "psfalign": "aligned reference images"}
"""What is stacked in a cube that holds no integrations."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Caption:
    """What a preview says of itself."""

    caption: str
    orientation: str
    north: float | None
    """Direction of north, degrees counter-clockwise from up; None without a sky."""
    east: float | None
    width: int
    height: int


def make_preview(path: Path, header: Header, out: Path) -> bool:
    """Draw a product into ``<out>.png`` (at most 1024 pixels a side) and ``<out>.thumb.png`` (256).

    Returns False, writing nothing, for products that have no picture: other kinds of file, structures not known here,
    and images without a single finite pixel. An odd file never raises: a picture is worth no product.
    """
    if header.container not in _DRAWN:
        return False
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            preview = _draw(path, header) if header.container == "fits" else _draw_text(path, header)
    except Exception as error:  # noqa: BLE001  a file can be wrong in more ways than astropy has exceptions
        log.warning("preview.failed", file=header.filename, error=repr(error))
        return False
    if preview is None:
        return False
    main, thumb, text = preview
    out.parent.mkdir(parents=True, exist_ok=True)
    save_png(thumb, out.with_name(out.name + ".thumb.png"), text)
    save_png(main, out.with_name(out.name + ".png"), text)
    return True


def preview_stem(previews: Path, sha256: str) -> Path:
    """Return the path without ending under which the previews of a content stand."""
    return previews / sha256[:2] / sha256


def read_caption(path: Path) -> Caption:
    """Read back what a preview says of itself."""
    with Image.open(path) as image:
        text = {key: str(value) for key, value in image.info.items()}
        return Caption(
            caption=text.get("Description", ""),
            orientation=text.get("Orientation", ""),
            north=float(text["North"]) if "North" in text else None,
            east=float(text["East"]) if "East" in text else None,
            width=image.width,
            height=image.height,
        )


def suffix_of(filename: str) -> str:
    """Return the product suffix that a caption names: by the grammar of names, else the last word of the name."""
    parsed = parse_name(filename)
    if parsed is not None and parsed.suffix:
        return parsed.suffix
    return filename.split(".", 1)[0].rpartition("_")[2]


Drawn = tuple[Image.Image, Image.Image, dict[str, str]]


def _draw(path: Path, header: Header) -> Drawn | None:
    suffix = suffix_of(header.filename)
    fringes = [hdu.part.number for hdu in header.hdus if has_fringes(hdu.part.columns)]
    if fringes:
        with open_fits(path, gzipped=header.compression == "gzip", tables=True) as hdus:
            return _titled(draw_fringes([hdus[place] for place in fringes], suffix), header)
    spectra = [hdu.part.number for hdu in header.hdus if has_spectrum(hdu.part.columns)]
    with open_fits(path, gzipped=header.compression == "gzip", tables=bool(spectra)) as hdus:
        if spectra:
            tables = [hdus[number_of_hdu] for number_of_hdu in spectra]
            drawn = draw_series(tables, suffix) if has_series(tables[0].columns.names) else None
            drawn = drawn or draw_spectra(tables, suffix)
        else:
            drawn = _draw_images(hdus, _images(header), suffix)
    return _titled(drawn, header)


def _titled(drawn: Drawn | None, header: Header) -> Drawn | None:
    if drawn is None:
        return None
    main, thumb, text = drawn
    return main, thumb, {"Title": header.filename, **text, "Software": "Deepfield"}


def _draw_text(path: Path, header: Header) -> Drawn | None:
    """Draw a text table that is a light curve or a catalogue of sources."""
    columns = header.document.get("columns", []) if isinstance(header.document, dict) else []
    names = [str(column["name"]) for column in columns if isinstance(column, dict)]
    if header.compression is not None:
        return None
    suffix = suffix_of(header.filename)
    if has_light_curve(names):
        return _titled(draw_light_curve(path, columns, suffix), header)
    return _titled(draw_catalogue(path, suffix), header) if suffix == "cat" else None


def _images(header: Header) -> list[int]:
    """Return the HDUs to draw: every SCI with pixels, else the first image there is."""
    parts = [hdu.part for hdu in header.hdus if hdu.part.kind in {"primary", "image"} and len(hdu.part.shape) >= 2]
    parts = [part for part in parts if min(part.shape) > 0 and max(part.shape[-2:]) <= LONGEST_SIDE]
    return [part.number for part in parts if part.name == "SCI"] or [part.number for part in parts[:1]]


def _draw_images(hdus: fits.HDUList, numbers: list[int], suffix: str) -> Drawn | None:
    if not numbers:
        return None
    if len(numbers) > 1:
        return draw_slits([_plane_of(hdus, number_of_hdu) for number_of_hdu in numbers], suffix)
    if suffix == "segm":
        return _draw_labels(hdus[numbers[0]])
    if hdus[numbers[0]].name == "RESULT_PHASE":
        return _draw_wavefront(hdus[numbers[0]], suffix)
    return _draw_image(hdus, numbers[0], suffix)


def _draw_image(hdus: fits.HDUList, number_of_hdu: int, suffix: str) -> Drawn | None:
    plane = _plane_of(hdus, number_of_hdu)
    pixels = read_plane(plane, longest=LONGEST)
    stretch = robust_stretch(pixels.values)
    if stretch is None:
        return None
    head = plane.science.header
    what = _described(plane, head, suffix)
    dispersed = _dispersed(head, plane)
    times = _enlargement(pixels.shape, LONGEST if dispersed else _COMFORTABLE, dispersed=dispersed)
    limits, unit = limits_of(stretch, str(head.get("BUNIT", "")).strip())
    caption = f"{suffix} {plane.science.name or 'image'}{what} asinh {limits} {unit}".strip()
    text = {
        "Description": caption,
        "Limits": limits,
        "Unit": unit,
        "Stretch": f"asinh, softness {stretch.softness:.3g}",
        "Scale": f"{pixels.scale / min(times):.6g} image pixels per picture pixel",
        **_orientation_text(head, plane),
    }
    thumb = shrink(pixels, longest=THUMB)
    thumb_stretch = robust_stretch(thumb.values) or stretch
    colours = in_colour(plane, longest=LONGEST) if _is_cube(head, plane) and plane.over >= BANDS else None
    if colours is not None:
        text["Description"] += f"; {described(plane.over, _wavelength_of(head))}"
        small = in_colour(plane, longest=THUMB)
        main = beside(_colour(pixels, stretch, times), colours, times)
        assert small is not None
        return main, _enlarged(small, _enlargement(thumb.shape, THUMB, dispersed=False)), text
    return (
        _colour(pixels, stretch, times),
        _colour(thumb, thumb_stretch, _enlargement(thumb.shape, THUMB, dispersed=dispersed)),
        text,
    )


def _enlarged(colours: NDArray[np.uint8], times: tuple[int, int]) -> Image.Image:
    return Image.fromarray(np.ascontiguousarray(colours[::-1].repeat(times[0], axis=0).repeat(times[1], axis=1)))


def _colour(pixels: Pixels, stretch: Stretch, times: tuple[int, int]) -> Image.Image:
    levels = stretch.levels(pixels.values, pixels.masked)
    return indexed_image(levels.repeat(times[0], axis=0).repeat(times[1], axis=1), inferno())


def _draw_labels(hdu: Any) -> Drawn:
    labels = read_labels(hdu, longest=LONGEST)
    sources = len(np.unique(labels[labels > 0]))
    thumb = block_maximum(labels, -(-max(labels.shape) // THUMB))
    text = {"Description": f"segm SCI {sources} sources", **_orientation_text(hdu.header, Plane(hdu))}
    palette = label_palette()
    return (
        indexed_image(label_levels(labels), palette),
        indexed_image(label_levels(thumb), palette),
        text,
    )


def _draw_wavefront(hdu: Any, suffix: str) -> Drawn | None:
    """Draw a map of wavefront error (micrometres) in colours symmetric about zero; zero is outside the pupil."""
    pixels = read_plane(Plane(hdu), longest=LONGEST)
    inside = pixels.values[np.isfinite(pixels.values) & (pixels.values != 0)]
    if not inside.size:
        return None
    limit = float(np.percentile(np.abs(inside), 99.5)) or 1.0
    values = np.where(pixels.values == 0, np.float32(np.nan), pixels.values)
    levels = Stretch(-limit, limit, _LINEAR).levels(values, pixels.masked)
    times = _enlargement(pixels.shape, LONGEST, dispersed=False)[0]
    main = indexed_image(levels.repeat(times, axis=0).repeat(times, axis=1), diverging())
    thumb = main.convert("RGBA").resize((THUMB, max(1, THUMB * main.height // main.width)), Image.Resampling.BOX)
    rms = float(np.sqrt((inside.astype(np.float64) ** 2).mean())) * 1000
    limits = f"−{limit * 1000:.0f} – {limit * 1000:.0f}"
    text = {
        "Description": f"{suffix} wavefront error, rms {rms:.1f} nm, colours {limits} nm",
        "Limits": limits,
        "Unit": "nm",
        "Stretch": "linear",
        "Orientation": "pupil of the telescope",
    }
    return main, thumb, text


def _plane_of(hdus: fits.HDUList, number_of_hdu: int) -> Plane:
    science = hdus[number_of_hdu]
    shape = science.shape
    quality = _beside(hdus, science, "DQ", {shape, shape[-2:]})
    if len(shape) == 2:
        return Plane(science, quality, _beside(hdus, science, "WHT", {shape}))
    if len(shape) == 3:
        return Plane(science, quality, over=shape[0])
    lead = (0,) * (len(shape) - 3)
    last = (*lead, shape[-3] - 1)
    return Plane(science, quality, lead=last, minus=(*lead, 0) if shape[-3] > 1 else None)


def _beside(hdus: fits.HDUList, science: Any, name: str, shapes: set[tuple[int, ...]]) -> Any | None:
    """Return the HDU of this name that goes with a SCI, if its shape is one of these."""
    if science.name != "SCI" or (name, science.ver) not in hdus:
        return None
    hdu = hdus[name, science.ver]
    return hdu if hdu.shape in shapes else None


def _described(plane: Plane, head: fits.Header, suffix: str) -> str:
    shape = plane.science.shape
    if plane.minus is not None:
        return " last − first group,"
    if not plane.over or plane.over == 1:
        return ""
    if _is_cube(head, plane):
        return f" mean of {shape[0]} wavelengths{_wavelengths(head, shape[0])},"
    return f" mean of {shape[0]} {_STACKED.get(suffix, 'integrations')},"


def _wavelengths(head: fits.Header, count: int) -> str:
    named = _wavelength_of(head)
    if not named(0):
        return ""
    unit = str(head.get("CUNIT3", "")).strip().replace("um", "µm")
    return f" {named(0)} – {named(count - 1)} {unit}".rstrip()


def _wavelength_of(head: fits.Header) -> Callable[[int], str]:
    """Return how to write the wavelength of a plane, counted from 0; empty where the header does not say."""
    start, step, pixel = (head.get(keyword) for keyword in ("CRVAL3", "CDELT3", "CRPIX3"))
    if not all(isinstance(value, (int, float)) for value in (start, step, pixel)):
        return lambda _: ""
    return lambda plane: f"{start + (plane + 1 - pixel) * step:.4g}"


def _orientation_text(head: fits.Header, plane: Plane) -> dict[str, str]:
    if _dispersed(head, plane):
        return {"Orientation": f"wavelength along {'x' if head['DISPAXIS'] == 1 else 'y'}"}
    sky: Orientation | None = orientation(head.get)
    if sky is None:
        return {"Orientation": "no sky coordinates in the header"}
    return {"Orientation": sky.text, "North": f"{sky.north:g}", "East": f"{sky.east:g}"}


def _dispersed(head: fits.Header, plane: Plane) -> bool:
    """Tell whether one axis of the picture is wavelength."""
    return head.get("DISPAXIS") in {1, 2} and not _is_cube(head, plane)


def _is_cube(head: fits.Header, plane: Plane) -> bool:
    return bool(plane.over) and str(head.get("CTYPE3", "")).startswith("WAVE")


def _enlargement(shape: tuple[int, int], comfortable: int, *, dispersed: bool) -> tuple[int, int]:
    """Return how often rows and columns are repeated; a spectrum's short axis more often than its long one."""
    times = min(16, max(1, comfortable // max(shape)))
    if not dispersed:
        return times, times
    extra = min(8, max(1, max(shape) // (4 * min(shape))))
    return (times * extra, times) if shape[1] > shape[0] else (times, times * extra)
