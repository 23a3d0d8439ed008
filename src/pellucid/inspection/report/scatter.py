"""Answers against targets: each sample a point, and the line on which they would lie if all were right."""

from __future__ import annotations

import numpy as np

from pellucid.base.arrays import Array
from pellucid.inspection.report.chart import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, Scale, axes
from pellucid.inspection.report.html import esc, number

POINTS = 300


def scatter(t: Array, y: Array) -> str:
    """A drawing of targets t and answers y, (N,) each; of many, some spread over all."""
    whole = np.isfinite(t) & np.isfinite(y)
    t, y = t[whole], y[whole]
    if len(t) < 2:
        return ""
    keep = np.argsort(t, kind="stable")[np.linspace(0, len(t) - 1, min(len(t), POINTS)).round().astype(int)]
    low, high = float(min(t.min(), y[keep].min())), float(max(t.max(), y[keep].max()))
    across, up = Scale(low, high, LEFT, WIDTH - RIGHT), Scale(low, high, HEIGHT - BOTTOM, TOP)
    close = float(np.corrcoef(t, y)[0, 1]) if t.std() and y.std() else 0.0
    says = f"Answers against targets, {len(keep)} points; their correlation is {number(close)}."
    dots = "".join(
        f'<circle cx="{across(a):.1f}" cy="{up(b):.1f}" r="2.4"/>' for a, b in zip(t[keep], y[keep], strict=True)
    )
    right = (
        f'<line class="line l1" x1="{across(low):.1f}" y1="{up(low):.1f}" x2="{across(high):.1f}" y2="{up(high):.1f}"/>'
    )
    box = f'viewBox="0 0 {WIDTH} {HEIGHT}" class="chart" role="img" aria-label="{esc(says)}"'
    inside = axes(across, up, "answer; dashed: right", "target") + right + f'<g class="points">{dots}</g>'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {box}>{inside}</svg>'
