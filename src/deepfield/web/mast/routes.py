"""Every route of this face."""

from fastapi import APIRouter

from deepfield.web.mast import bundles, downloads, invoke, missions, names, whoami

router = APIRouter()
for part in (whoami, invoke, missions, downloads, bundles, names):
    router.include_router(part.router)
