"""The check of anyone's backward: right ones are right, mistakes have their name, and the page says what is true."""

from __future__ import annotations

import importlib.util
import random
from collections import Counter
from itertools import islice
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import pellucid as pl
from pellucid.inspection.backward.mistakes import MISTAKES, UNKNOWN
from tests.mutants import activations, corpus, dense, functions, losses, ours, right
from tests.mutants.case import Case

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs" / "check.md").read_text("utf-8")
STEP = 16  # every so many-th case of the corpus is run here; scripts/make_confusion.py runs all

MUTANTS, RIGHT = list(corpus.mutants()), list(corpus.right_ones())


def check(case: Case, **options: Any) -> pl.BackwardReport:
    subject, x, t = case.make()
    return pl.check_backward(subject, x, t, **options)


# ---- the corpus ------------------------------------------------------------------------------------------------------


def test_a_sample_of_the_mutants_is_named_exactly() -> None:
    sample = MUTANTS[::STEP]
    missed = [(case, mistakes) for case in sample if (mistakes := check(case).mistakes) != (case.mistake,)]
    assert len(missed) <= 0.03 * len(sample), missed
    assert len({case.mistake for case in sample}) >= 20


@pytest.mark.parametrize("mistake", sorted({case.mistake for case in MUTANTS}))
def test_every_mistake_is_named_in_its_report_and_comes_with_evidence_and_repair(mistake: str) -> None:
    case = next(case for case in MUTANTS if case.mistake == mistake)
    report = check(case)
    assert not report.ok
    assert report.mistakes == (mistake,)
    finding = report.findings[0]
    text = str(report)
    assert f"{mistake}: {', '.join(finding.arrays)}" in text
    assert MISTAKES[mistake].split()[0] in text
    assert finding.evidence
    assert all(name == mistake or name in mistake or name not in report.mistakes for name in MISTAKES)
    assert text.rstrip().splitlines()[-1].startswith("The ")


@pytest.mark.parametrize("case", RIGHT[::8], ids=lambda case: case.what.replace(" ", "-"))
def test_no_right_implementation_is_called_wrong(case: Case) -> None:
    report = check(case)
    assert report.ok, str(report)
    assert not report.mistakes
    assert str(report).endswith("is right.")


@pytest.mark.parametrize(("name", "make"), right.OBJECTS)
def test_other_draws_do_not_change_the_verdict(name: str, make: Any) -> None:
    assert check(Case("", name, lambda: (make(), None, None)), seed=4).ok


def make_confusion() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_confusion", ROOT / "scripts" / "make_confusion.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_what_the_script_writes() -> None:
    script = make_confusion()
    assert script.part(PAGE, "mistakes") == script.mistakes(), "run python scripts/make_confusion.py --quick"
    assert script.part(PAGE, "example") == script.example(PAGE), "run python scripts/make_confusion.py --quick"


def test_the_confusion_table_is_that_of_this_corpus() -> None:
    rows = [line.split("|")[1:5] for line in make_confusion().part(PAGE, "confusion").splitlines() if line[:1] == "|"]
    table = {name.strip(): (int(cases), int(exact)) for name, cases, exact, _ in rows[2:]}
    counts = Counter(case.mistake for case in MUTANTS)
    assert {name: cases for name, (cases, _) in table.items() if not name.startswith("(")} == dict(counts)
    assert table["(a right implementation)"] == (len(RIGHT), len(RIGHT))
    assert sum(table[name][1] for name in counts) >= 0.97 * len(MUTANTS)


def test_every_name_is_in_the_corpus_or_a_side_of_one_that_is() -> None:
    beyond = {"extra 1/K", "mask inverted", "gradient not squared", "root missing", "step counted from 0"}
    made = {case.mistake for case in MUTANTS}
    assert set(MISTAKES) - made <= beyond | {"activation derivative applied twice"}


# ---- forms of the subject --------------------------------------------------------------------------------------------


def test_the_caller_is_not_touched() -> None:
    layer = dense.Dense(4, 3)
    x = np.random.default_rng(0).normal(size=(5, 4))
    kept, weights = x.copy(), layer.weights.copy()
    np.random.seed(3)  # noqa: NPY002, TID251 - somebody's own stream
    random.seed(3)
    state = np.random.get_state()[1].copy(), random.getstate()  # type: ignore[index, union-attr]  # noqa: NPY002
    assert pl.check_backward(layer, x).ok
    assert pl.check_backward(activations.dropout()(0.5), x).ok
    np.testing.assert_array_equal(x, kept)
    np.testing.assert_array_equal(layer.weights, weights)
    assert not hasattr(layer, "dweights")
    np.testing.assert_array_equal(np.random.get_state()[1], state[0])  # type: ignore[index]  # noqa: NPY002
    assert random.getstate() == state[1]


def test_the_same_seed_gives_the_same_words() -> None:
    case = MUTANTS[7]
    assert str(check(case, seed=2)) == str(check(case, seed=2))


@pytest.mark.parametrize(
    "x",
    [
        np.zeros((4, 4)),
        np.arange(20).reshape(5, 4),
        1e3 * np.random.default_rng(0).normal(size=(5, 4)),
        1e-8 * np.random.default_rng(0).normal(size=(5, 4)),
        np.random.default_rng(0).normal(size=(1, 4)).astype(np.float32),
        [[1, 2, 3, 4.0], [2, 1, 1, 1]],
    ],
    ids=["zeros", "whole", "large", "tiny", "one float32", "lists"],
)
@pytest.mark.parametrize("bent", dense.BENDS)
def test_a_batch_in_which_little_can_be_told_neither_accuses_nor_hides(x: Any, bent: str) -> None:
    assert pl.check_backward(dense.mutant(bent, {})(4, 3), x).ok
    wrong = dense.mutant(bent, {"biases_gradient": lambda s, dz: dz.mean(axis=0, keepdims=True)})
    assert pl.check_backward(wrong(4, 3), x).mistakes == ("averaged instead of summed",)


def test_kinks_are_left_out_and_said() -> None:
    class Step:
        def forward(self, inputs: Any) -> None:
            self.output = np.abs(inputs - inputs)

        def backward(self, dvalues: Any) -> None:
            self.dinputs = np.zeros_like(dvalues)

    assert pl.check_backward(Step()).ok
    relu = pl.check_backward(right.MaskedCopy(), np.zeros((3, 4)))
    assert relu.ok
    assert relu["dinputs"].numbers < pl.check_backward(right.MaskedCopy(), np.ones((3, 4)))["dinputs"].numbers


def test_a_float32_layer_is_told_from_a_wrong_one() -> None:
    class Wrong(right.InSingle):
        def backward(self, dvalues: Any) -> None:
            super().backward(dvalues)
            self.dweights = self.dweights / len(dvalues)

    fine = pl.check_backward(right.InSingle(4, 3))
    assert fine.ok
    assert "float32" in fine.how
    assert pl.check_backward(Wrong(4, 3)).mistakes == ("averaged instead of summed",)


def test_several_mistakes_are_all_named() -> None:
    class Loss:
        def forward(self, y_pred: Any, y_true: Any) -> Any:
            return np.mean((y_pred - y_true) ** 2, axis=-1)

        def backward(self, dvalues: Any, y_true: Any) -> None:
            self.dinputs = y_true - dvalues

    report = pl.check_backward(Loss())
    assert set(report.mistakes) == {"sign", "missing 1/N", "missing 1/K", "factor 2 of the square"}


def test_a_rule_that_nobody_knows_is_said_to_be_one() -> None:
    class Odd(dense.Dense):
        def weights_gradient(self, dz: Any) -> Any:
            return super().weights_gradient(dz) ** 3

    report = pl.check_backward(Odd(4, 3))
    assert report.mistakes == (UNKNOWN,)
    assert "backward says" in str(report)
    assert report["dinputs"].verdict == "right"
    with pytest.raises(KeyError, match="there are dinputs, dweights, dbiases"):
        report["dW"]


def test_a_product_with_the_wrong_matrix_is_named_although_it_fails() -> None:
    forward, _ = functions.by_name("linear", functions.right)

    def backward(dy: Any, x: Any, w: Any, b: Any) -> Any:
        return dy @ w, x.T @ dy, dy.sum(axis=0)

    report = pl.check_backward((forward, backward))
    assert report.mistakes == ("transposed",)
    assert "backward ends with ValueError" in str(report)


def test_backward_that_fails_is_said_with_its_error() -> None:
    class Fails(dense.Dense):
        def backward(self, dvalues: Any) -> None:
            raise RuntimeError("not written yet")

    report = pl.check_backward(Fails(4, 3))
    assert not report.ok
    assert "RuntimeError: not written yet" in str(report)


def test_a_gradient_that_is_not_there_is_missed() -> None:
    class Forgets:
        def __init__(self) -> None:
            self.weights = np.ones((4, 3))

        def forward(self, inputs: Any) -> None:
            self.inputs = inputs
            self.output = inputs @ self.weights

        def backward(self, dvalues: Any) -> None:
            self.dinputs = dvalues @ self.weights.T

    report = pl.check_backward(Forgets())
    assert not report.ok
    assert "backward leaves no gradient of weights" in str(report)


def test_samples_in_columns_are_recognised() -> None:
    def forward(A: Any, W: Any, b: Any) -> Any:
        return W @ A + b

    def backward(dZ: Any, A: Any, W: Any, b: Any) -> Any:
        return W.T @ dZ, dZ @ A.T, dZ.sum(axis=1, keepdims=True)

    def averaged(dZ: Any, A: Any, W: Any, b: Any) -> Any:
        return W.T @ dZ, dZ @ A.T / A.shape[1], dZ.sum(axis=1, keepdims=True)

    assert pl.check_backward((forward, backward)).ok
    assert pl.check_backward((forward, averaged)).mistakes == ("averaged instead of summed",)


def test_a_function_and_its_derivative_are_a_pair() -> None:
    def sigmoid(z: Any) -> Any:
        return 1 / (1 + np.exp(-z))

    assert pl.check_backward((sigmoid, lambda z: sigmoid(z) * (1 - sigmoid(z)))).ok
    assert pl.check_backward((sigmoid, lambda a: a * (1 - a))).ok
    assert pl.check_backward((np.tanh, lambda x: np.tanh(x) ** 2 - 1)).mistakes == ("sign",)


# ---- networks --------------------------------------------------------------------------------------------------------


def test_a_network_says_in_which_part_the_mistake_is() -> None:
    x, t = np.random.default_rng(0).normal(size=(8, 4)), np.arange(8) % 3
    parts: list[Any] = [dense.mutant("relu", {})(4, 5), dense.Dense(5, 3), losses.book("softmax_ce")()]
    assert pl.check_backward(parts, x, t).ok
    parts[0] = dense.mutant("relu", {"bend": lambda s, d: d.copy()})(4, 5)
    report = pl.check_backward(parts, x, t)
    assert report.mistakes == ("activation derivative missing",)
    assert set(report.findings[0].arrays) == {
        "0.Layer_Dense.dinputs",
        "0.Layer_Dense.dweights",
        "0.Layer_Dense.dbiases",
    }


class TwoLayers:
    """A network with params, loss and gradient; `factor` spoils one of them."""

    def __init__(self, factor: float = 1.0) -> None:
        rng = np.random.default_rng(0)
        self.params = {"W1": rng.normal(size=(4, 5)), "W2": rng.normal(size=(5, 3))}
        self.factor = factor

    def loss(self, x: Any, t: Any) -> Any:
        return np.mean((np.tanh(x @ self.params["W1"]) @ self.params["W2"] - t) ** 2)

    def gradient(self, x: Any, t: Any) -> Any:
        a = np.tanh(x @ self.params["W1"])
        d = 2 * (a @ self.params["W2"] - t) / t.size
        da = d @ self.params["W2"].T * (1 - a * a)
        return {"W1": x.T @ da, "W2": self.factor * a.T @ d}


def test_a_network_with_a_gradient_of_its_own_is_checked_as_a_whole() -> None:
    rng = np.random.default_rng(1)
    x, t = rng.normal(size=(7, 4)), rng.normal(size=(7, 3))
    assert pl.check_backward(TwoLayers(), x, t).ok
    report = pl.check_backward(TwoLayers(-1.0), x, t)
    assert report.mistakes == ("sign",)
    assert report["whole.W1"].verdict == "right"
    assert report["whole.W2"].verdict == "wrong"


def test_a_model_of_ours_is_right_in_every_part() -> None:
    model = pl.Model(
        pl.Conv2D(2, 3), pl.ReLU(), pl.MaxPool2D(2), pl.Flatten(), pl.Dropout(0.3), pl.Dense(3),
        loss=pl.SoftmaxCrossEntropy(), input_shape=(6, 6, 1), penalty=pl.L2(1e-3),
    )  # fmt: skip
    before = model.theta.copy()
    report = pl.check_backward(model)
    assert report.ok, str(report)
    assert {row.name.split(".")[0] for row in report.arrays} >= {"0", "1", "2", "4", "5", "loss", "penalty", "whole"}
    np.testing.assert_array_equal(model.theta, before)


def test_a_layer_of_layers_says_which_of_them_it_is() -> None:
    wrong = ours.mutate(pl.Tanh(), lambda kind: ours._after(kind, lambda layer, dy, dx: -dx))
    report = pl.check_backward(pl.Sequential(pl.Dense(3), wrong, pl.Dense(2)), np.ones((5, 4)))
    assert report.mistakes == ("sign",)
    assert report.findings[0].arrays == ("1.tanh.dx",)
    assert pl.check_backward(pl.Residual(pl.Dense(4)), np.ones((5, 4))).ok


class BookNetwork:
    """layers, a loss, forward and backward, as in chapter 18; `passes` says whether dinputs is handed down."""

    def __init__(self, passes: bool) -> None:
        self.layers: list[Any] = [
            dense.mutant("tanh", {})(4, 5, l2=0.01),
            activations.dropout()(0.2),
            dense.Dense(5, 3),
        ]
        self.loss, self.passes = losses.book("mse")(), passes

    def forward(self, x: Any, training: bool) -> Any:
        for layer in self.layers:
            layer.forward(x, training)
            x = layer.output
        return x

    def backward(self, output: Any, y: Any) -> None:
        self.loss.backward(output, y)
        d = first = self.loss.dinputs
        for layer in reversed(self.layers):
            layer.backward(d if self.passes or layer is self.layers[-1] else first @ np.ones((3, 5)))
            d = layer.dinputs


def test_a_network_of_right_parts_that_are_put_together_wrongly() -> None:
    rng = np.random.default_rng(2)
    x, t = rng.normal(size=(8, 4)), rng.normal(size=(8, 3))
    assert pl.check_backward(BookNetwork(passes=True), x, t).ok
    report = pl.check_backward(BookNetwork(passes=False), x, t)
    assert not report.ok
    assert {row.name for row in report.arrays if row.verdict == "wrong"} == {"whole.0.weights", "whole.0.biases"}


# ---- PyTorch ---------------------------------------------------------------------------------------------------------


def test_a_torch_module_with_a_wrong_function_inside() -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed; it is in the bench extra")

    class Relu(torch.autograd.Function):  # type: ignore[misc, name-defined]
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.save_for_backward(x)
            return x.clamp(min=0)

        @staticmethod
        def backward(ctx: Any, dy: Any) -> Any:
            return dy.clone()

    class Net(torch.nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.linear = torch.nn.Linear(4, 3)

        def forward(self, x: Any) -> Any:
            return Relu.apply(self.linear(x))

    report = pl.check_backward(Net())
    assert report.mistakes == ("activation derivative missing",)
    assert pl.check_backward(torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.Tanh())).ok
    assert pl.check_backward(torch.nn.CrossEntropyLoss(), np.eye(4, 3), np.array([0, 1, 2, 1])).ok


# ---- what cannot be checked ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("subject", "words"),
    [
        (3, "cannot be checked: it has no forward"),
        ((np.sin,), "A pair of functions is"),
        (pl.RandomSearch(), "no formula to be compared with"),
        ((lambda x, w, b: x @ w @ np.ones((99, 1)) + b, lambda dy, x: dy), "No shapes that were tried fit"),
    ],
)
def test_what_cannot_be_checked_is_said(subject: Any, words: str) -> None:
    with pytest.raises(pl.UsageError, match=words):
        pl.check_backward(subject)


def test_a_forward_that_is_never_the_same_is_refused() -> None:
    class Moves:
        count = 0

        def forward(self, inputs: Any) -> Any:
            Moves.count += 1
            return inputs * Moves.count

        def backward(self, dvalues: Any) -> Any:
            return dvalues

    with pytest.raises(pl.UsageError, match="does not give the same output twice"):
        pl.check_backward(Moves())


def test_targets_and_outputs_must_be_as_many() -> None:
    with pytest.raises(pl.UsageError, match="3 outputs and 2 targets"):
        pl.check_backward(pl.MeanSquaredError(), np.zeros((3, 2)), np.zeros((2, 2)))


def test_the_report_is_plain_values() -> None:
    report = check(next(islice((c for c in MUTANTS if c.mistake == "sign"), 1)))
    found = report.as_dict()
    assert found["ok"] is False
    assert [m["name"] for m in found["mistakes"]] == ["sign"]
    assert {row["verdict"] for row in found["arrays"]} == {"wrong"}
