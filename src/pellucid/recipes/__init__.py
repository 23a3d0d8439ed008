"""Floor 5: recipes, each a network and everything that decides what it learns of a set, and the suite of all of them.

    for event in pl.suite(only=["iris", "mnist"], output="results"):    # Began, Learning, Judged, Noted
        if isinstance(event, Judged):
            print(event.row.name, event.row.figure)

A recipe for another set is a record of these parts: `Recipe(name, data, MLP(...), Falling(...), epochs=..., ...)`.
"""

from pellucid.recipes.divide import Folds as Folds
from pellucid.recipes.divide import HeldOut as HeldOut
from pellucid.recipes.divide import OwnTest as OwnTest
from pellucid.recipes.divide import PatientFolds as PatientFolds
from pellucid.recipes.networks import CNN as CNN
from pellucid.recipes.networks import MLP as MLP
from pellucid.recipes.networks import ResNet as ResNet
from pellucid.recipes.networks import SpotCNN as SpotCNN
from pellucid.recipes.recipe import Before as Before
from pellucid.recipes.recipe import Cycle as Cycle
from pellucid.recipes.recipe import Falling as Falling
from pellucid.recipes.recipe import Quick as Quick
from pellucid.recipes.recipe import Recipe as Recipe
from pellucid.recipes.row import Row as Row
from pellucid.recipes.run import Learning as Learning
from pellucid.recipes.run import Outcome as Outcome
from pellucid.recipes.run import carry_out as carry_out
from pellucid.recipes.sets import RECIPES as RECIPES
from pellucid.recipes.suite import Began as Began
from pellucid.recipes.suite import Judged as Judged
