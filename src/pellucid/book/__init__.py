"""Floor 5: the classes of the book Neural Networks from Scratch, by the book's names and with its numbers.

    import pellucid.book as nnfs            # nnfs.init(), nnfs.datasets.spiral_data
    from pellucid.book import *             # Layer_Dense, Activation_ReLU, Optimizer_Adam, Model, spiral_data, ...

A thin skin: every forward, backward and update is Pellucid's own. docs/book.md says what is taken and what differs.
"""

from pellucid.book.accuracy import Accuracy as Accuracy
from pellucid.book.accuracy import Accuracy_Categorical as Accuracy_Categorical
from pellucid.book.accuracy import Accuracy_Regression as Accuracy_Regression
from pellucid.book.activations import Activation_Linear as Activation_Linear
from pellucid.book.activations import Activation_ReLU as Activation_ReLU
from pellucid.book.activations import Activation_Sigmoid as Activation_Sigmoid
from pellucid.book.activations import Activation_Softmax as Activation_Softmax
from pellucid.book.activations import (
    Activation_Softmax_Loss_CategoricalCrossentropy as Activation_Softmax_Loss_CategoricalCrossentropy,
)
from pellucid.book.convert import to_pellucid as to_pellucid
from pellucid.book.datasets import sine_data as sine_data
from pellucid.book.datasets import spiral_data as spiral_data
from pellucid.book.datasets import vertical_data as vertical_data
from pellucid.book.layers import Layer_Dense as Layer_Dense
from pellucid.book.layers import Layer_Dropout as Layer_Dropout
from pellucid.book.layers import Layer_Input as Layer_Input
from pellucid.book.losses import Loss as Loss
from pellucid.book.losses import Loss_BinaryCrossentropy as Loss_BinaryCrossentropy
from pellucid.book.losses import Loss_CategoricalCrossentropy as Loss_CategoricalCrossentropy
from pellucid.book.losses import Loss_MeanAbsoluteError as Loss_MeanAbsoluteError
from pellucid.book.losses import Loss_MeanSquaredError as Loss_MeanSquaredError
from pellucid.book.model import Model as Model
from pellucid.book.optimizers import Optimizer_Adagrad as Optimizer_Adagrad
from pellucid.book.optimizers import Optimizer_Adam as Optimizer_Adam
from pellucid.book.optimizers import Optimizer_RMSprop as Optimizer_RMSprop
from pellucid.book.optimizers import Optimizer_SGD as Optimizer_SGD
from pellucid.book.world import init as init
from pellucid.book.world import slips as slips

BOOK = ("Accuracy", "Activation_", "Layer_", "Loss", "Model", "Optimizer_")  # how the book's names begin
__all__ = [name for name in dir() if name.startswith(BOOK)]
__all__ += ["init", "sine_data", "slips", "spiral_data", "to_pellucid", "vertical_data"]
