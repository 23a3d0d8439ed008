"""Makes the embedded tables in src/pellucid/datasets/files: iris, wine and penguins; needs scikit-learn 1.9.1.

    python scripts/make_tables.py path/to/penguins.csv

The last is palmerpenguins' table as seaborn-data publishes it. Sources and results are checked against known digests,
so a second run, on any machine, either writes the same bytes or fails. Licences: files/LICENSE-tables.md.
"""

import hashlib
import sys
from importlib.metadata import distribution
from pathlib import Path

from pellucid.datasets.digits import FILES
from pellucid.store import write_atomically

FOLDER = "sklearn/datasets/data"
IRIS = "sepal_length,sepal_width,petal_length,petal_width"
WINE = (
    "alcohol,malic_acid,ash,alcalinity_of_ash,magnesium,total_phenols,flavanoids,nonflavanoid_phenols,"
    "proanthocyanins,color_intensity,hue,od280/od315_of_diluted_wines,proline"
)
SOURCES = {
    "iris.csv": "f13ffa8fdd56fd8e6c8d16d4081a3fbd3114bcd0aae4256c43205169cd9d1449",
    "wine_data.csv": "10e8a802908b34f86e5da8ce962f3c806694bc98450a18f61851af59f324bede",
    "penguins.csv": "e07636bd8af74260099ea2f8678e2eabbf35def579940cc76f67061ee16c06c1",
}
RESULTS = {
    "iris.csv": "9cc1c345c71bcc9b486b74cbf6063fa66f4bb5e0f603a4b3c3471ec2e5e8e355",
    "wine.csv": "d3fcd1284adcc1c3c1ecc37221dbf2e73d7c3f7a132fbd36525ab1b97baa741b",
    "penguins.csv": "e07636bd8af74260099ea2f8678e2eabbf35def579940cc76f67061ee16c06c1",
}


def checked(what, content, expected):
    found = hashlib.sha256(content).hexdigest()
    print(f"{found}  {what}")
    if found != expected:
        sys.exit(f"{what} is not what it was: its SHA-256 should be {expected}.")
    return content


def source(name):
    path = Path(distribution("scikit-learn").locate_file(f"{FOLDER}/{name}"))
    return checked(f"source {name}", path.read_bytes(), SOURCES[name]).decode()


def named(text, columns, target):
    """scikit-learn's form, with the classes' names in the first line, as a plain table with a header."""
    head, *rows = text.splitlines()
    classes = head.split(",")[2:]
    lines = [f"{columns},{target}"]
    lines += [f"{numbers},{classes[int(label)]}" for numbers, _, label in (row.rpartition(",") for row in rows)]
    return ("\n".join(lines) + "\n").encode()


penguins = checked("source penguins.csv", Path(sys.argv[1]).read_bytes(), SOURCES["penguins.csv"])
files = {
    "iris.csv": named(source("iris.csv"), IRIS, "species"),
    "wine.csv": named(source("wine_data.csv"), WINE, "cultivar"),
    "penguins.csv": penguins,
}
for name, content in files.items():
    write_atomically(FILES / name, checked(name, content, RESULTS[name]))
print(sum(map(len, files.values())), "bytes in", FILES.name)
