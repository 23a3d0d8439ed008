"""What all tests share: the same examples on every run, and kernels that a test may choose and need not put back."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import settings

from pellucid import kernels
from pellucid.kernels import compiler

settings.register_profile("pellucid", derandomize=True, deadline=None, max_examples=20, database=None)
settings.load_profile("pellucid")


@pytest.fixture(autouse=True)
def _kernels_put_back() -> Iterator[None]:
    before = kernels._active, kernels.trouble, compiler.kept
    compiler._said = True  # what a test sees does not depend on whether this machine has compiled before
    yield
    kernels._active, kernels.trouble, compiler.kept = before
