"""An atheris harness for the ADQL parser: ``python tests/fuzz/adql.py [CORPUS] [libFuzzer options]``.

Whatever the text, it is read into a tree that can be written and copied, or refused with a place inside it.
"""

import sys

import atheris

with atheris.instrument_imports(include=["deepfield.query.adql"]):
    from deepfield.model.errors import AdqlSyntaxError
    from deepfield.query.adql import parse


def one(data: bytes) -> None:
    provider = atheris.FuzzedDataProvider(data)
    version = provider.PickValueInList(["2.0", "2.1"])
    text = provider.ConsumeUnicode(atheris.ALL_REMAINING) if provider.ConsumeBool() else data.decode("latin-1")
    error = None
    try:
        tree = parse(text, version=version, extensions=frozenset({"case"}))
    except AdqlSyntaxError as refusal:
        error = refusal
    if error is not None:
        lines = text.split("\n")
        assert 1 <= error.line <= len(lines)
        assert 1 <= error.column <= len(lines[error.line - 1]) + 1
    else:
        assert tree.copy() == tree
        assert tree.sql()


if __name__ == "__main__":
    atheris.Setup(sys.argv, one)
    atheris.Fuzz()
