"""The archive as the Virtual Observatory sees it: one standard, one module."""
