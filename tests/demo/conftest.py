"""A made-up provider of its own for each test, and a plain client of it."""

from collections.abc import AsyncIterator

import httpx
import pytest

from keysteward.demo.fake_provider import FakeProvider, KeyKind, running
from tests.kit.loopback_http import NO_TLS


@pytest.fixture
def charging() -> FakeProvider:
    return FakeProvider(other_keys=KeyKind.VALID)


@pytest.fixture
async def caller(charging: FakeProvider) -> AsyncIterator[httpx.AsyncClient]:
    headers = {
        "authorization": "Bearer any",
        "x-api-key": "any",
        "x-goog-api-key": "any",
        "xi-api-key": "any",
        "anthropic-version": "2023-06-01",
    }
    async with (
        running(charging) as base,
        httpx.AsyncClient(base_url=base, headers=headers, trust_env=False, verify=NO_TLS) as client,
    ):
        yield client
