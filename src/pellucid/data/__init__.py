"""Floor 4: from raw numbers to batches. A data set, its parts, its preparation, its augmentation."""

from pellucid.data.augment import Flip as Flip
from pellucid.data.augment import Shift as Shift
from pellucid.data.batches import Data as Data
from pellucid.data.chain import Chain as Chain
from pellucid.data.columns import Category as Category
from pellucid.data.columns import Frequency as Frequency
from pellucid.data.columns import Number as Number
from pellucid.data.mixing import Mixup as Mixup
from pellucid.data.paint import Cutout as Cutout
from pellucid.data.paint import Noise as Noise
from pellucid.data.paint import Stroke as Stroke
from pellucid.data.prepare import Pixels as Pixels
from pellucid.data.prepare import Standardize as Standardize
from pellucid.data.split import folds as folds
from pellucid.data.split import group_folds as group_folds
from pellucid.data.split import split as split
from pellucid.data.split import three_parts as three_parts
from pellucid.data.table import Table as Table
from pellucid.data.warp import Crop as Crop
from pellucid.data.warp import Elastic as Elastic
from pellucid.data.warp import Rotate as Rotate
from pellucid.data.warp import Scale as Scale
from pellucid.data.warp import Shear as Shear
