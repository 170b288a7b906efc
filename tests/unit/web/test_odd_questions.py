"""Whatever is asked, the answer is a result or the error document, never a failure of the server."""

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from deepfield.catalogue.schema import load_tables
from deepfield.web.errors import ErrorDocument

COLUMNS = [column.name for column in load_tables()["observation"].columns if column.searchable]
NAMES = st.sampled_from([*COLUMNS, "em", "access", "position", "radius", "match", "text", "snapshot"])
WORDS = [
    *("null", "!null", "..", "1..", "..2", "1e400", "-1e400", "nan", "inf", "9" * 30, "true", "*", "**", "!", ","),
    *("2025-02-30", "2025-13..", "0000-01-01", "9999-12-31T23:59:60", "10000-01-01", "\\", "☃", "\x00", "' or 1=1 --"),
    *("circle 0 91 1", "circle 0 0 -1", "polygon 0 0", "box 0 0 400 1", "90d 91d", "25:61:00 +00:00:00", "!*,null"),
]
ODD = st.one_of(
    st.text(max_size=30),
    st.text(alphabet="0123456789.-+eE:!*,\\ '\"nul()jwJWµ%_;", max_size=30),
    st.sampled_from(WORDS),
)


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(question=st.dictionaries(NAMES, ODD, min_size=1, max_size=3), path=st.sampled_from(["observations", "facets"]))
@example(question={"t_min": "0000-01-01.."}, path="observations")
@example(question={"position": "0 90", "radius": "180"}, path="observations")
def test_an_odd_question_never_breaks_the_server(client, question, path):
    answer = client.post(f"/api/v1/{path}", json=question)
    assert answer.status_code in {200, 400, 404}, (question, answer.text)
    if answer.status_code != 200:
        ErrorDocument.model_validate_json(answer.content, strict=True)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(text=st.text(min_size=1, max_size=40), name=st.sampled_from(["sort", "columns", "limit", "after"]))
def test_odd_paging_never_breaks_the_server(client, text, name):
    assert client.post("/api/v1/observations", json={name: text}).status_code in {200, 400}


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(text=st.text(max_size=40))
def test_odd_names_never_break_the_server(client, text):
    assert client.get("/api/v1/resolve", params={"name": text}).status_code in {200, 400, 404}
    assert client.get("/api/v1/suggest", params={"q": text}).status_code in {200, 400}
