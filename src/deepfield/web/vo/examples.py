"""DALI examples: queries to begin with, as a page that people read and programs parse (DALI 1.1 §2.3)."""

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from xml.sax.saxutils import escape

from starlette.responses import Response

from deepfield.web.vo.documents import DECLARATION


@dataclass(frozen=True, slots=True)
class Example:
    """A query to begin with."""

    id: str
    name: str
    text: str
    tables: tuple[str, ...]
    query: str


@cache
def load_examples() -> tuple[Example, ...]:
    """Read the examples of the package."""
    text = (resources.files("deepfield.web.vo") / "examples.toml").read_text(encoding="utf-8")
    return tuple(
        Example(each["id"], each["name"], each["text"], tuple(each["tables"]), each["query"].strip())
        for each in tomllib.loads(text)["example"]
    )


def examples_response() -> Response:
    """Answer with the page of examples, XHTML with RDFa."""
    body = "\n".join(_written(example) for example in load_examples())
    page = (
        '<html xmlns="http://www.w3.org/1999/xhtml" lang="en"><head><title>Examples of queries</title></head>\n'
        '<body><div vocab="http://www.ivoa.net/rdf/examples#">\n<h1>Examples of queries</h1>\n'
        f"{body}\n</div></body></html>\n"
    )
    return Response(DECLARATION + page.encode(), media_type="application/xhtml+xml")


def _written(example: Example) -> str:
    tables = ", ".join(f'<span property="table">{escape(table)}</span>' for table in example.tables)
    return (
        f'<div id="{example.id}" resource="#{example.id}" typeof="example">\n'
        f'<h2 property="name">{escape(example.name)}</h2>\n<p>{escape(example.text)} Tables: {tables}.</p>\n'
        f'<pre property="query">{escape(example.query)}</pre>\n</div>'
    )
