"""The JSON interface of the portal: one module per resource; request, document, route, in that order."""

from fastapi import APIRouter

from deepfield.web.portal.api import archive, facets, footprints, names, observations, products

router = APIRouter(prefix="/api/v1")
for resource in (observations, facets, footprints, products, names, archive):
    router.include_router(resource.router)
