"""The MAST-compatible face: what unmodified clients of MAST ask, answered from this archive's own services."""
