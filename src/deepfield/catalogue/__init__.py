"""CATALOGUE — the truth. Every relational table lives here; SQLite or PostgreSQL by URL."""
