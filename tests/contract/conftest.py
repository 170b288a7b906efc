from support.databases import catalogue_url, database, postgres_server

__all__ = ["catalogue_url", "database", "postgres_server"]
