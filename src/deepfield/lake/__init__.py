"""Bulk columns: Parquet files in Delta tables. What a row means stands in ``catalogue/tables``, like every table."""

from deepfield.lake.sources import SourceLake
from deepfield.lake.table import LakeTable

__all__ = ["LakeTable", "SourceLake"]
