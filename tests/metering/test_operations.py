"""Which request is which: by method and path as they came, and unknown otherwise."""

import pytest

from metering import Quote, Request
from metering.operations import Operation, free, quote, unpriced

TABLE = (
    Operation("POST", "/v1/models/{model}:generate", lambda _, places: Quote(places["model"])),
    Operation("POST", "/v1/batches", unpriced("batch", "Not here.")),
    Operation("*", "/v1/files*", free("files")),
)


def asked(method: str, path: str, body: bytes = b"") -> Quote:
    return quote(TABLE, Request("openai", method, path, "", "", {}, body))


@pytest.mark.parametrize(
    ("method", "path", "operation"),
    [
        ("POST", "/v1/models/some-1:generate", "some-1"),
        ("POST", "/v1/batches", "batch"),
        ("PUT", "/v1/files/f/parts", "files"),
        ("GET", "/v1/batches", "read"),
        ("HEAD", "/elsewhere", "read"),
        ("POST", "/elsewhere", "unknown"),
        ("DELETE", "/elsewhere", "unknown"),
        # Written another way it is unknown, and so refused where a ceiling governs it.
        ("POST", "/v1/b%61tches", "unknown"),
        ("POST", "/v1/batches/", "unknown"),
        ("POST", "/v1/Batches", "unknown"),
        ("POST", "/v1/models/a/b:generate", "unknown"),
        ("POST", "/v1/models/a:b:generate", "unknown"),
    ],
)
def test_each_request_is_found_in_its_table(method: str, path: str, operation: str) -> None:
    assert asked(method, path).operation == operation


def test_reading_is_free_and_the_unknown_has_no_price() -> None:
    assert (asked("GET", "/x").price, asked("GET", "/x").firm) == (0, True)
    assert asked("POST", "/x").price is None
    assert "setPrice" in asked("POST", "/x").why


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
@pytest.mark.parametrize("path", ["/x", "/v1/files/f"])
def test_what_brings_a_body_along_is_no_mere_reading(method: str, path: str) -> None:
    found = asked(method, path, b'{"contents": []}')
    assert (found.operation, found.price) == ("unknown", None)
