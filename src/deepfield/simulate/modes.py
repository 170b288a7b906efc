"""The modes that can be simulated: for each, how a programme becomes work. A further mode is a further entry."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deepfield.simulate import (
    coronagraphy,
    fixed_slit,
    ifu,
    imaging,
    interferometry,
    msa,
    nirspec_ifu,
    photometry,
    sensing,
    series,
    slitless,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from deepfield.simulate.programme import Programme
    from deepfield.simulate.work import Plan

MODES: Mapping[str, Callable[[Programme, int], Plan]] = {
    "coronagraphy": coronagraphy.plan,
    "imaging": imaging.plan,
    "interferometry": interferometry.plan,
    "mrs": ifu.plan,
    "msa": msa.plan,
    "nirspec-ifu": nirspec_ifu.plan,
    "photometry": photometry.plan,
    "sensing": sensing.plan,
    "series": series.plan,
    "slit": fixed_slit.plan,
    "wfss": slitless.plan,
}
