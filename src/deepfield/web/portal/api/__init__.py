"""The JSON interface of the portal: one module per resource; request, document, route, in that order."""

from fastapi import APIRouter, Depends

from deepfield.web.portal.api import (
    account,
    archive,
    citation,
    contents,
    cubes,
    export,
    facets,
    footprints,
    names,
    news,
    observations,
    products,
    scatter,
    selections,
    series,
    spectra,
    targets,
    translation,
)
from deepfield.web.portal.api.parameters import PREFIX, refuse_unknown

router = APIRouter(prefix=PREFIX, dependencies=[Depends(refuse_unknown)])
for resource in (
    observations,
    export,
    facets,
    footprints,
    scatter,
    translation,
    products,
    spectra,
    cubes,
    series,
    contents,
    names,
    selections,
    citation,
    targets,
    news,
    account,
    archive,
):
    router.include_router(resource.router)
