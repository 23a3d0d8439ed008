"""Floor 2: the layers. Each is two functions and their equation; read layer.py, then dense.py."""

from pellucid.layers.activations import ELU as ELU
from pellucid.layers.activations import GELU as GELU
from pellucid.layers.activations import LeakyReLU as LeakyReLU
from pellucid.layers.activations import ReLU as ReLU
from pellucid.layers.activations import Sigmoid as Sigmoid
from pellucid.layers.activations import SiLU as SiLU
from pellucid.layers.activations import Softmax as Softmax
from pellucid.layers.activations import Tanh as Tanh
from pellucid.layers.compose import Concat as Concat
from pellucid.layers.compose import Residual as Residual
from pellucid.layers.compose import Sequential as Sequential
from pellucid.layers.compose import Step as Step
from pellucid.layers.dense import Dense as Dense
from pellucid.layers.dropout import Dropout as Dropout
from pellucid.layers.layer import Layer as Layer
from pellucid.layers.norm import BatchNorm as BatchNorm
from pellucid.layers.norm import GroupNorm as GroupNorm
from pellucid.layers.norm import LayerNorm as LayerNorm
from pellucid.layers.shape import Flatten as Flatten
from pellucid.layers.shape import Reshape as Reshape
