"""The MAST-compatible face: what unmodified clients of MAST ask, answered from this archive's own services.

``invoke`` is the portal service and its services (``observations`` and others), ``missions`` the search by fileset,
``downloads`` the bytes, ``names`` the resolver, ``whoami`` the identity. ``columns``, ``filters``, ``requests`` and
``answers`` hold the language they share; ``tables/`` what MAST calls its columns.
"""
