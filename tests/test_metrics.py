"""Every metric against a loop over plain numbers, and against numbers worked out by hand."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import pellucid as pl
from pellucid.metrics import class_ids, metric_name
from pellucid.model import default_metrics


@st.composite
def answers_and_truth(draw):
    """Probabilities (N, K) and class ids (N,)."""
    n, k, seed = draw(st.integers(1, 30)), draw(st.integers(2, 5)), draw(st.integers(0, 999))
    rng = np.random.default_rng(seed)
    return rng.dirichlet(np.ones(k), n), rng.integers(0, k, n)


def counts(y: np.ndarray, t: np.ndarray) -> list[tuple[int, int, int]]:
    """(right, answered, true) of each class, counted one by one."""
    answers = [row.index(max(row)) for row in y.tolist()]
    pairs = list(zip(answers, t.tolist(), strict=True))
    return [
        (sum(a == b == k for a, b in pairs), sum(a == k for a, _ in pairs), sum(b == k for _, b in pairs))
        for k in range(y.shape[1])
    ]


@given(answers_and_truth())
def test_metrics_of_classes_are_what_a_loop_counts(drawn):
    y, t = drawn
    found = counts(y, t)
    K = len(found)
    assert pl.accuracy(y, t) == pytest.approx(sum(right for right, _, _ in found) / len(t))
    assert pl.precision(y, t) == pytest.approx(sum(r / a if a else 0.0 for r, a, _ in found) / K)
    assert pl.recall(y, t) == pytest.approx(sum(r / true if true else 0.0 for r, _, true in found) / K)
    assert pl.f1(y, t) == pytest.approx(sum(2 * r / (a + n) if a + n else 0.0 for r, a, n in found) / K)
    C = pl.confusion_matrix(y, t)
    answers = y.argmax(axis=1)
    assert C.tolist() == [[int(sum((t == i) & (answers == j))) for j in range(K)] for i in range(K)]
    assert C.sum() == len(t)
    for k in range(1, K + 1):
        inside = [t[n] in sorted(range(K), key=lambda j, n=n: -y[n, j])[:k] for n in range(len(t))]
        assert pl.top_k_accuracy(y, t, k) == pytest.approx(sum(inside) / len(t))


@given(answers_and_truth())
def test_ids_one_hot_rows_and_a_column_are_the_same_truth(drawn):
    y, t = drawn
    for metric in (pl.accuracy, pl.precision, pl.recall, pl.f1, partial(pl.top_k_accuracy, k=2)):
        expected = metric(y, t)
        assert metric(y, np.eye(y.shape[1])[t]) == expected
        assert metric(y, t[:, None]) == expected
        assert metric(y, t.astype(np.float32)) == expected


@given(st.integers(1, 20), st.integers(1, 3), st.integers(0, 999))
def test_metrics_of_numbers_are_what_a_loop_counts(n, k, seed):
    rng = np.random.default_rng(seed)
    y, t = rng.random((n, k)), rng.integers(0, 2, (n, k))
    pairs = list(zip(y.ravel().tolist(), t.ravel().tolist(), strict=True))
    assert pl.binary_accuracy(y, t) == pytest.approx(sum((a >= 0.5) == b for a, b in pairs) / len(pairs))
    assert pl.mean_absolute_error(y, t) == pytest.approx(sum(abs(a - b) for a, b in pairs) / len(pairs))
    assert pl.regression_accuracy(y, t, 0.3) == pytest.approx(sum(abs(a - b) < 0.3 for a, b in pairs) / len(pairs))
    means = [sum(column) / n for column in t.T.tolist()]
    scatter = sum((t[i, j] - means[j]) ** 2 for i in range(n) for j in range(k))
    if scatter > 1e-9:
        assert pl.r2(y, t) == pytest.approx(1.0 - sum((a - b) ** 2 for a, b in pairs) / scatter)


# ---- worked out by hand ----------------------------------------------------------------------------------------------

Y = np.array([[0.7, 0.2, 0.1], [0.1, 0.8, 0.1], [0.3, 0.4, 0.3], [0.2, 0.2, 0.6], [0.5, 0.4, 0.1], [0.1, 0.1, 0.8]])
T = np.array([0, 1, 0, 2, 1, 2])  # answered: 0, 1, 1, 2, 0, 2


def test_values_of_classes():
    assert pl.accuracy(Y, T) == pytest.approx(4 / 6)
    assert pl.confusion_matrix(Y, T).tolist() == [[1, 1, 0], [1, 1, 0], [0, 0, 2]]
    assert pl.precision(Y, T) == pl.recall(Y, T) == pl.f1(Y, T) == pytest.approx((0.5 + 0.5 + 1.0) / 3)
    assert pl.top_k_accuracy(Y, T, 2) == 1.0
    assert pl.top_k_accuracy(Y, T, 1) == pytest.approx(4 / 6)


def test_values_of_numbers():
    y, t = np.array([[1.0], [2.0], [4.0]]), np.array([1.0, 3.0, 2.0])
    assert pl.mean_absolute_error(y, t) == 1.0
    assert pl.r2(y, t) == 1.0 - 5.0 / 2.0
    assert pl.r2(t[:, None], t) == 1.0
    assert pl.r2(np.full((3, 1), 2.0), t) == 0.0
    assert pl.binary_accuracy(np.array([[0.5, 0.49], [0.0, 1.0]]), np.array([[1, 1], [0, 1]])) == 0.75
    assert pl.regression_accuracy(np.array([1.0, 2.0]), np.array([1.0, 3.0])) == 0.5  # within std / 250 = 0.002


def test_r2_of_a_constant_target():
    t = np.full(3, 5.0)
    assert pl.r2(t[:, None], t) == 1.0
    assert pl.r2(t[:, None] + 1.0, t) == 0.0


def test_targets_of_one_output_are_not_broadcast():
    y, t = np.array([[0.9], [0.2], [0.8]]), np.array([1, 0, 0])
    assert pl.accuracy(y, t) == pl.binary_accuracy(y, t) == pytest.approx(2 / 3)
    assert pl.mean_absolute_error(y, t.astype(float)) == pytest.approx((0.1 + 0.2 + 0.8) / 3)


def test_a_class_that_is_never_answered_or_absent_counts_as_zero():
    y, t = np.array([[1.0, 0.0, 0.0]] * 2), np.array([0, 1])
    assert pl.precision(y, t) == pytest.approx(0.5 / 3)
    assert pl.recall(y, t) == pytest.approx(1.0 / 3)
    assert pl.f1(y, t) == pytest.approx((2 / 3) / 3)


def test_sequences_are_counted_row_by_row():
    y = np.array([[[0.9, 0.1], [0.2, 0.8]], [[0.6, 0.4], [0.7, 0.3]]])
    assert pl.accuracy(y, np.array([[0, 1], [1, 0]])) == 0.75
    assert pl.confusion_matrix(y, np.array([[0, 1], [1, 0]])).tolist() == [[2, 0], [1, 1]]
    assert pl.top_k_accuracy(y, np.array([[0, 1], [1, 0]]), k=1) == 0.75
    assert class_ids(np.array([[[0.1, 0.9]], [[0.8, 0.2]]])).tolist() == [[1], [0]]
    assert class_ids(np.array([[[0.9], [0.2], [0.6]]])).tolist() == [[1, 0, 1]]


def test_answers_of_every_form_become_ids():
    assert class_ids(np.array([[0.2, 0.8], [0.9, 0.1]])).tolist() == [1, 0]
    assert class_ids(np.array([[0.5], [0.49]])).tolist() == [1, 0]
    assert class_ids(np.array([0.5, 0.1])).tolist() == [1, 0]
    assert class_ids(np.array([3, 1])).tolist() == [3, 1]
    assert class_ids(np.array([[3], [1]])).tolist() == [3, 1]


def test_confusion_of_yes_or_no_answers():
    assert pl.confusion_matrix(np.array([[0.9], [0.2], [0.7]]), np.array([1, 1, 0])).tolist() == [[0, 1], [1, 1]]
    assert pl.confusion_matrix(np.array([0, 0]), np.array([0, 0])).tolist() == [[2, 0], [0, 0]]


def test_confusion_of_given_ids_and_of_more_classes_than_seen():
    assert pl.confusion_matrix(np.array([1, 0]), np.array([1, 1]), classes=3).tolist() == [
        [0, 0, 0],
        [1, 1, 0],
        [0, 0, 0],
    ]


@pytest.mark.parametrize("metric", [pl.accuracy, pl.binary_accuracy, pl.mean_absolute_error, pl.r2])
def test_predictions_and_targets_that_do_not_belong_together_are_drawn(metric):
    with pytest.raises(pl.ShapeError, match=r"(?s)do not belong together.*targets.*predictions"):
        metric(np.zeros((4, 3)), np.zeros((5,)))


@pytest.mark.parametrize("k", [0, 4, -1])
def test_top_k_refuses_a_k_that_cannot_be_meant(k):
    with pytest.raises(pl.UsageError, match=f"1 <= k <= 3 .*not k = {k}"):
        pl.top_k_accuracy(Y, T, k)


def test_each_loss_has_the_metrics_that_suit_it():
    assert default_metrics(pl.SoftmaxCrossEntropy()) == default_metrics(pl.CategoricalCrossEntropy()) == (pl.accuracy,)
    assert default_metrics(pl.SigmoidCrossEntropy()) == default_metrics(pl.BinaryCrossEntropy())
    assert default_metrics(pl.BinaryCrossEntropy()) == (pl.binary_accuracy,)
    assert default_metrics(pl.Huber()) == default_metrics(pl.MeanAbsoluteError()) == (pl.r2,)


def test_a_metric_has_a_name():
    assert metric_name(pl.accuracy) == "accuracy"
    assert metric_name(partial(pl.top_k_accuracy, k=3)) == "top_k_accuracy"

    class Share:
        def __call__(self, y, t):
            return 1.0

    assert metric_name(Share()) == "Share"
