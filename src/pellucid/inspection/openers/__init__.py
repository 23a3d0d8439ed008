"""How the numbers of each kind of layer are opened: one small opener a kind, which lower floors know nothing of.

Read view.py first, then dense.py: every other opener is the same page with another layer's equation. An opener is
given a view of the layer's part of a trace, the name of one of its arrays and an index, and says of which products the
number there is the sum.
"""

from pellucid.inspection.openers import attention as attention
from pellucid.inspection.openers import compose as compose
from pellucid.inspection.openers import dense as dense
from pellucid.inspection.openers import losses as losses
from pellucid.inspection.openers import norm as norm
from pellucid.inspection.openers import optim as optim
from pellucid.inspection.openers import pictures as pictures
from pellucid.inspection.openers import recurrent as recurrent
from pellucid.inspection.openers import sequence as sequence
from pellucid.inspection.openers.view import find_array as find_array
from pellucid.inspection.openers.view import line_at as line_at
