"""The JSON interface keeps what its description promises, whatever is asked; schemathesis thinks up what."""

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from deepfield.web.app import described_app

DOCUMENT = described_app().openapi()
SCHEMA = schemathesis.openapi.from_dict(DOCUMENT)
SCHEMA.config.phases.coverage.enabled = False
THOROUGH = schemathesis.openapi.from_dict(DOCUMENT)
CHECKS = [not_a_server_error, content_type_conformance, response_schema_conformance, status_code_conformance]
BOUNDED = {"deadline": None, "derandomize": True, "suppress_health_check": list(HealthCheck)}


def ask(case, client):
    case.call_and_validate(base_url=str(client.base_url), checks=CHECKS)


@SCHEMA.parametrize()
@settings(max_examples=10, **BOUNDED)
def test_every_operation_answers_as_it_is_described(case, client):
    ask(case, client)


@pytest.mark.prove
@THOROUGH.parametrize()
@settings(max_examples=1500, **BOUNDED)
def test_every_operation_answers_as_it_is_described_at_length(case, client):
    ask(case, client)
