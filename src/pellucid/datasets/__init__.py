"""Floor 5: where data come from. Toys, embedded sets, published sets by name, and the files that people have.

`train, test = pl.datasets.digits()`; or `pl.datasets.load("mnist/")`, with a name, a file or a folder.
"""

from pellucid.datasets.arrays import read_npy as read_npy
from pellucid.datasets.arrays import read_npz as read_npz
from pellucid.datasets.cifar import cifar10 as cifar10
from pellucid.datasets.digits import digits as digits
from pellucid.datasets.fetch import fetch as fetch
from pellucid.datasets.idx import load_idx_folder as load_idx_folder
from pellucid.datasets.idx import load_idx_pair as load_idx_pair
from pellucid.datasets.idx import read_idx as read_idx
from pellucid.datasets.images import malaria as malaria
from pellucid.datasets.images import picture_folder as picture_folder
from pellucid.datasets.infer import infer as infer
from pellucid.datasets.labels import renumber as renumber
from pellucid.datasets.load import load as load
from pellucid.datasets.load import stream as stream
from pellucid.datasets.pictures import as_digit as as_digit
from pellucid.datasets.pictures import read_colours as read_colours
from pellucid.datasets.pictures import read_picture as read_picture
from pellucid.datasets.pictures import resized as resized
from pellucid.datasets.records import read_records as read_records
from pellucid.datasets.records import read_table as read_table
from pellucid.datasets.rows import read_rows as read_rows
from pellucid.datasets.sets import breast_cancer as breast_cancer
from pellucid.datasets.sets import california_housing as california_housing
from pellucid.datasets.sets import diabetes as diabetes
from pellucid.datasets.sets import fashion_mnist as fashion_mnist
from pellucid.datasets.sets import iris as iris
from pellucid.datasets.sets import mnist as mnist
from pellucid.datasets.sets import optdigits as optdigits
from pellucid.datasets.sets import penguins as penguins
from pellucid.datasets.sets import titanic as titanic
from pellucid.datasets.sets import wine as wine
from pellucid.datasets.stream import Stream as Stream
from pellucid.datasets.tables import read_csv as read_csv
from pellucid.datasets.toys import moons as moons
from pellucid.datasets.toys import sine as sine
from pellucid.datasets.toys import spiral as spiral
from pellucid.datasets.toys import vertical as vertical
from pellucid.datasets.toys import xor as xor
