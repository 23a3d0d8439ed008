"""Names of files that begin alike: pictures of one patient, drawing or film, which a split by chance takes apart."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from pellucid.inspection.datachecks.case import FEW
from pellucid.inspection.finding import Finding

BEGINNING = re.compile(r"[^_\-. ()]*[^\W_]")  # up to the first mark between words
PATTERN = r"[^_\-. ()]+"  # the same for the command line
EACH = 2.0  # files on average that begin alike
SHARE = 0.9  # of the files must have a mark between words


def names_begin_alike(names: Sequence[str], classes: int = 2) -> Finding | None:
    """Whether many files share the beginnings of their names, and there are many such beginnings.

    One beginning for all (IMG_1, IMG_2) or one a class (cat.1, dog.1) says nothing about what belongs together.

    >>> names = [f"C{i // 3}P1_cell_{i}.png" for i in range(60)]
    >>> print(names_begin_alike(names).says)
    60 pictures have names with 20 different beginnings, such as C0P1, C1P1 and C2P1.
    """
    stems = [name.rsplit(".", 1)[0] for name in names]
    found = [BEGINNING.match(stem) for stem in stems]
    marked = [m.group() for m, stem in zip(found, stems, strict=True) if m is not None and m.end() < len(stem)]
    if len(names) < FEW or len(marked) < SHARE * len(names):
        return None
    groups = Counter(marked)  # in the order in which they come
    if len(groups) <= max(classes, 2) or len(marked) < EACH * len(groups):
        return None
    some, (common, count) = list(groups)[:3], groups.most_common(1)[0]
    return Finding(
        "file names begin alike",
        f"{len(names):,} pictures have names with {len(groups):,} different beginnings, such as "
        f"{some[0]}, {some[1]} and {some[2]}.",
        (
            "pictures of one patient, one drawing or one film are alike, and a split by chance puts them on both sides",
            f"the commonest beginning, {common}, has {count:,} of them",
        ),
        "If what begins alike belongs together, keep it in one part.",
        f"--group-by '{PATTERN}'",
    )
