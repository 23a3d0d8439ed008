"""What is drawn with letters: pictures, their labels, the confusion table."""

from __future__ import annotations

import numpy as np
import pytest

from pellucid.cli.show import PLAIN, SHADES, chosen, confusion, fitted, gallery, picture, side_by_side


def test_a_picture_is_half_as_many_lines_as_pixels_and_as_wide() -> None:
    image = np.full((28, 28), 255, np.uint8)
    assert picture(image) == ["█" * 20] * 10
    assert picture(image, margin=0) == ["█" * 28] * 14
    assert picture(image, unicode=False, margin=13) == ["##"]


@pytest.mark.parametrize(("grey", "shade"), [(0, ""), (40, "░"), (100, "▒"), (160, "▓"), (255, "█")])
def test_shades_grow_with_the_light(grey: int, shade: str) -> None:
    (line,) = picture(np.full((2, 1), grey), margin=0)
    assert line == shade
    (plain,) = picture(np.full((2, 1), grey), unicode=False, margin=0)
    assert plain == (PLAIN[SHADES.index(shade)] if shade else "")


def test_an_odd_last_row_is_shown_at_its_own_brightness() -> None:
    assert picture(np.full((3, 2), 255), margin=0) == ["██", "██"]
    assert picture(np.full((1, 2), 255), margin=0) == ["██"]


@pytest.mark.parametrize("shape", [(1, 1), (8, 8), (28, 28), (29, 29), (100, 40), (40, 100), (1, 500), (500, 1)])
def test_what_is_shown_is_never_too_large(shape: tuple[int, int]) -> None:
    shown = fitted(np.full(shape, 200, np.uint8))
    assert max(shown.shape) <= 28
    assert min(shown.shape) >= 1
    assert (max(shape) > 28) or shown.shape == shape
    assert shown.dtype == np.uint8
    assert set(shown.ravel().tolist()) == {200}
    assert all(len(line) <= 28 for line in picture(shown, margin=0))


def test_any_scale_is_brought_to_bytes() -> None:
    assert fitted(np.array([[0.0, 8.0, 16.0]]), full=16.0).tolist() == [[0, 128, 255]]
    assert fitted(np.array([[-1.0, 2.0]]), full=1.0).tolist() == [[0, 255]]


def test_blocks_stand_side_by_side() -> None:
    assert side_by_side([["ab", "c"], ["d"], ["ef"]], width=3, gap=1) == ["ab  d   ef", "c"]


DIGITS = tuple(map(str, range(10)))


def test_the_table_adds_up() -> None:
    C = np.random.default_rng(0).integers(0, 30, (10, 10))
    head, *rows = confusion(C, DIGITS)
    assert head.split() == [*DIGITS, "right"]
    for k, row in enumerate(rows):
        name, *cells, share, percent = row.split()
        assert (name, percent) == (str(k), "%")
        assert [0 if cell == "." else int(cell) for cell in cells] == C[k].tolist()
        assert int(share) == round(100 * C[k, k] / C[k].sum())
    assert len({len(row) for row in rows}) == 1


def test_a_class_that_does_not_occur_has_no_share() -> None:
    lines = confusion(np.array([[3, 1], [0, 0]]), ("a", "b"))
    assert lines[2].split() == ["b", ".", ".", "-"]


@pytest.mark.parametrize("columns", [40, 60, 78, 118])
def test_the_table_fits_or_is_left_out(columns: int) -> None:
    names = [f"a long name {k}" for k in range(12)]
    for top in (9, 999, 99_999):
        lines = confusion(np.full((12, 12), top), names, columns)
        assert all(len(line) <= columns for line in lines)
        assert lines or columns < 10 + 8 + 12 * (2 + max(3, len(str(top))))
    assert confusion(np.full((10, 10), 999), DIGITS, 78) != []
    assert confusion(np.full((3, 3), 5), ("setosa", "versicolor", "virginica"), 40)[0].split() == [
        "setos",
        "versi",
        "virgi",
        "right",
    ]


def test_the_pictures_chosen_are_right_ones_of_all_kinds_and_two_wrong_ones() -> None:
    truth = np.repeat(np.arange(10), 5)
    answers = truth.copy()
    assert sorted(truth[chosen(answers, truth, 6)].tolist()) == [0, 1, 2, 3, 4, 5]
    answers[[7, 22, 41]] = 0
    picks = chosen(answers, truth, 6)
    assert len(set(picks.tolist())) == 6
    assert [int(i) for i in picks if answers[i] != truth[i]] == [7, 22]
    wrong = chosen((truth + 1) % 10, truth, 6)
    assert wrong.tolist() == [0, 1]


@pytest.mark.parametrize("columns", [30, 65, 66, 78, 98])
@pytest.mark.parametrize(("side", "margin"), [(28, 4), (28, 0), (8, 0), (3, 0)])
def test_the_gallery_fits_and_shows_every_label(side: int, margin: int, columns: int) -> None:
    images = [np.full((side, side), 255, np.uint8)] * 5
    labels = [f"{k}  57 %  WRONG: {9 - k}" for k in range(5)]
    lines = gallery(images, labels, True, columns, margin)
    assert all(len(line) <= max(columns, 28) for line in lines)
    text = "\n".join(lines)
    for label in labels:
        assert label in text
    assert text.count("█") == 5 * (side - 2 * margin) * ((side - 2 * margin + 1) // 2)
    assert lines[-1] != ""


def test_a_label_that_is_too_long_is_cut() -> None:
    lines = gallery([np.zeros((28, 28))] * 2, ["x" * 100, "y"], True, 78)
    assert "x" * 28 + "   y" in lines
