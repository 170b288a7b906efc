import os
from pathlib import Path

import pytest
from lxml import etree

SCHEMAS = Path(os.environ.get("DEEPFIELD_IVOA_SCHEMAS", Path(__file__).parents[4] / "shared" / "data" / "vo" / "xsd"))


@pytest.fixture(scope="session")
def valid():
    """A check of a document against the IVOA's schema of its version of VOTable."""
    if not SCHEMAS.is_dir():
        pytest.skip(f"SKIPPED FOR WANT OF IVOA SCHEMAS: {SCHEMAS} is not a folder (set DEEPFIELD_IVOA_SCHEMAS)")
    schemas = {v: etree.XMLSchema(etree.parse(str(SCHEMAS / f"VOTable-{v}.xsd"))) for v in ("1.4", "1.5")}

    def check(document: bytes):
        root = etree.fromstring(document, etree.XMLParser(no_network=True, resolve_entities=False, huge_tree=True))
        schema = schemas[root.get("version")]
        assert schema.validate(root), "\n".join(f"line {e.line}: {e.message}" for e in schema.error_log)
        return root

    return check
