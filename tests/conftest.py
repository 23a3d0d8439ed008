"""What all tests share: the same examples on every run, and kernels that a test may choose and need not put back."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import settings

from pellucid import kernels

settings.register_profile("pellucid", derandomize=True, deadline=None, max_examples=20, database=None)
settings.load_profile("pellucid")


@pytest.fixture(autouse=True)
def _kernels_put_back() -> Iterator[None]:
    before = kernels._active
    yield
    kernels._active = before
