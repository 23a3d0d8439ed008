"""Floor 4: from raw numbers to batches. A data set, its parts, its preparation, its augmentation."""

from pellucid.data.augment import Chain as Chain
from pellucid.data.augment import Flip as Flip
from pellucid.data.augment import Shift as Shift
from pellucid.data.batches import Data as Data
from pellucid.data.prepare import Pixels as Pixels
from pellucid.data.prepare import Standardize as Standardize
from pellucid.data.split import group_folds as group_folds
from pellucid.data.split import split as split
