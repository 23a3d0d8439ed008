"""Floor 2: the losses. Read loss.py, then numbers.py and classes.py; scaled.py is for targets of any size."""

from pellucid.losses.classes import CategoricalCrossEntropy as CategoricalCrossEntropy
from pellucid.losses.classes import ClassLoss as ClassLoss
from pellucid.losses.classes import SoftmaxCrossEntropy as SoftmaxCrossEntropy
from pellucid.losses.loss import Loss as Loss
from pellucid.losses.numbers import BinaryCrossEntropy as BinaryCrossEntropy
from pellucid.losses.numbers import ElementwiseLoss as ElementwiseLoss
from pellucid.losses.numbers import Huber as Huber
from pellucid.losses.numbers import MeanAbsoluteError as MeanAbsoluteError
from pellucid.losses.numbers import MeanSquaredError as MeanSquaredError
from pellucid.losses.numbers import SigmoidCrossEntropy as SigmoidCrossEntropy
from pellucid.losses.scaled import Scaled as Scaled
