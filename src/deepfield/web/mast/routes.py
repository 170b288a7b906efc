"""Every route of this face."""

from fastapi import APIRouter

from deepfield.web.mast import alive, bundles, downloads, invoke, missions, names, whoami

router = APIRouter()
for part in (alive, whoami, invoke, missions, downloads, bundles, names):
    router.include_router(part.router)
