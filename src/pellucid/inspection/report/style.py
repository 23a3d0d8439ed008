"""How the page looks: light and dark, narrow and wide, printed, with forced colours. One style, no web font."""

from __future__ import annotations

from pellucid.inspection.page import STYLE as LEDGER

STYLE = """
:root { --ink: #1c2330; --soft: #535d6d; --ground: #ffffff; --panel: #f5f7fa; --edge: #d6dbe3; --strong: #8a93a3;
  --plus: #1a62a0; --minus: #a84a00; --tint-plus: 31, 111, 178; --tint-minus: 194, 90, 0; color-scheme: light dark; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ef; --soft: #a9b3c3; --ground: #14181f; --panel: #1c222c;
  --edge: #353d4a; --strong: #6b7687; --plus: #79baf5; --minus: #f3ac6b; --tint-plus: 70, 150, 220;
  --tint-minus: 226, 130, 50; } }
* { box-sizing: border-box; }
html { scroll-padding-top: 1rem; }
body { margin: 0; color: var(--ink); background: var(--ground);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; }
a { color: var(--plus); }
:focus-visible { outline: 3px solid var(--plus); outline-offset: 2px; border-radius: 3px; }
.skip { position: absolute; left: -999rem; padding: .5rem 1rem; background: var(--ground); z-index: 2; }
.skip:focus { left: .5rem; top: .5rem; }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
header, main, footer { max-width: 64rem; margin: 0 auto; padding: 0 1.25rem; }
header { padding-top: 2rem; }
h1 { font-size: clamp(1.5rem, 4vw, 2.1rem); line-height: 1.2; margin: 0; overflow-wrap: anywhere; }
.lede { font-size: 1.1rem; color: var(--soft); margin: .4rem 0 0; }
h2 { font-size: 1.4rem; margin: 0 0 .75rem; }
h3 { font-size: 1.05rem; margin: 1.25rem 0 .4rem; }
p { margin: .5rem 0; max-width: 46rem; }
.soft, figcaption { color: var(--soft); font-size: .9rem; }
section { padding: 1.75rem 0; border-top: 1px solid var(--edge); }
nav ol { list-style: none; padding: 0; margin: 0; }
nav a { display: inline-block; min-height: 28px; padding: .15rem 0; }
nav { max-width: 64rem; margin: 1.25rem auto; padding: 0 1.25rem; }
nav ol { display: flex; flex-wrap: wrap; gap: .1rem 1.25rem; }
@media (min-width: 80rem) {
  body { display: grid; grid-template-columns: 13rem minmax(0, 64rem); justify-content: center; column-gap: 1rem; }
  header, main, footer { grid-column: 2; margin: 0; width: 100%; }
  nav { grid-column: 1; grid-row: 1 / span 3; margin: 0; padding: 2.4rem 0 0 1rem; }
  nav ol { position: sticky; top: 2.4rem; flex-direction: column; } }

.headlines { display: flex; flex-wrap: wrap; gap: .75rem; margin: 1rem 0; }
.headlines div { background: var(--panel); border: 1px solid var(--edge); border-radius: 8px; padding: .6rem 1rem;
  display: flex; flex-direction: column-reverse; min-width: 7.5rem; }
.headlines dt { color: var(--soft); font-size: .85rem; }
.headlines dd { margin: 0; font-size: 1.5rem; font-weight: 600; font-variant-numeric: tabular-nums; }
.facts { margin: .75rem 0; }
.facts div { display: grid; grid-template-columns: minmax(8rem, 12rem) minmax(0, 1fr); gap: .25rem 1rem;
  padding: .2rem 0; }
@media (max-width: 32rem) { .facts div { grid-template-columns: 1fr; gap: 0; padding: .3rem 0; } }
.facts dt { color: var(--soft); }
.facts dd { margin: 0; overflow-wrap: anywhere; font-variant-numeric: tabular-nums; }
.notes, .alert { background: var(--panel); border-left: 4px solid var(--minus); padding: .6rem 1rem; margin: 1rem 0; }
.notes { list-style: none; } .notes li { overflow-wrap: anywhere; }

.scroll { overflow-x: auto; margin: .75rem 0; max-width: 100%; }
table { border-collapse: collapse; font-size: .92rem; font-variant-numeric: tabular-nums; }
.long td { white-space: normal; min-width: 16rem; }
caption { text-align: left; color: var(--soft); padding-bottom: .3rem; }
th, td { padding: .25rem .7rem; border-bottom: 1px solid var(--edge); text-align: right; white-space: nowrap; }
th:first-child, td:first-child, .words td, .words th { text-align: left; }
thead th { border-bottom-color: var(--strong); }
tbody th { font-weight: 500; } td a, th a { display: inline-block; min-width: 24px; min-height: 24px; }
pre { background: var(--panel); border: 1px solid var(--edge); border-radius: 6px; padding: .7rem 1rem;
  overflow-x: auto; font: .88rem/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
summary { cursor: pointer; min-height: 28px; padding: .2rem 0; overflow-wrap: anywhere; }
details > summary { color: var(--plus); } details[open] > summary { margin-bottom: .25rem; }
figure { margin: 0; } .graph { max-width: 34rem; }

.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 24rem), 1fr)); gap: 1.25rem;
  margin: 1rem 0; }
.chart { width: 100%; height: auto; display: block; }
.chart text { fill: var(--soft); font: 12px system-ui, sans-serif; } .chart .name { fill: var(--ink); }
@media (max-width: 32rem) { .chart text { font-size: 15px; } }
.chart .grid { stroke: var(--edge); } .chart .line { fill: none; stroke-width: 2; stroke-linejoin: round; }
.chart .l0 { stroke: var(--plus); } .chart .l1 { stroke: var(--minus); stroke-dasharray: 7 4; }
.chart .l2 { stroke: var(--soft); stroke-dasharray: 2 3; } .chart .l3 { stroke: var(--ink); stroke-dasharray: 9 3 2 3; }
.chart .dot { stroke: none; } .chart .dot.l0 { fill: var(--plus); } .chart .dot.l1 { fill: var(--minus); }
.chart .dot.l2 { fill: var(--soft); } .chart .dot.l3 { fill: var(--ink); }
.chart .points { fill: var(--plus); fill-opacity: .55; }
.chart .cursor { stroke: var(--ink); stroke-width: 2; visibility: hidden; }
.live .chart .cursor { visibility: visible; }

.finding { border: 1px solid var(--edge); border-radius: 8px; padding: .25rem 1.25rem 1rem; margin: 1rem 0; }
.finding .graph { max-width: 30rem; }
.matrix th, .matrix td { text-align: center; padding: .1rem; border: 1px solid var(--edge);
  min-width: 2.4rem; height: 2.1rem; }
.matrix thead th, .matrix tbody th { padding: .1rem .5rem; max-width: 9rem; overflow: hidden; text-overflow: ellipsis; }
.matrix td a { display: block; line-height: 1.9rem; color: var(--ink); text-decoration: none; }
.matrix td a:hover, .matrix td a[aria-current] { text-decoration: underline; font-weight: 700; }
.matrix td:last-child { padding: 0 .6rem; white-space: nowrap; } .matrix .none { color: var(--soft); }
.matrix .right { border: 2px solid var(--plus); }
"""
SHADE = "\n".join(
    f".matrix .{kind}.s{k} {{ background: rgba(var(--tint-{colour}), {0.06 + 0.07 * k:.2f}); }}"
    for kind, colour in (("right", "plus"), ("wrong", "minus"))
    for k in range(1, 7)
)
REST = """
.beside { display: flex; flex-wrap: wrap; gap: 1rem 2rem; align-items: flex-start; }
.beside > * { min-width: 0; max-width: 100%; } .cells { flex: 1 1 18rem; }
.cell { border-bottom: 1px solid var(--edge); } .lone .cell { border: 0; }
.pictures { display: flex; flex-wrap: wrap; gap: .75rem; margin: .5rem 0 1rem; }
.pictures img, .pixels { image-rendering: pixelated; border: 1px solid var(--edge); background: #fff; }
.pictures figure { width: 5.2rem; } .pictures figcaption { font-size: .8rem; line-height: 1.3; }
.pictures img { width: 56px; height: 56px; display: block; }
.pictures figcaption span { display: block; }

.controls { display: grid; grid-template-columns: auto auto minmax(0, 1fr) auto; gap: .5rem .75rem; align-items: center;
  background: var(--panel); border: 1px solid var(--edge); border-radius: 8px; padding: .75rem 1rem; margin: 1rem 0;
  position: sticky; top: 0; z-index: 1; }
.controls[hidden] { display: none; }
.controls input { width: 100%; min-height: 28px; accent-color: var(--plus); }
.controls button { font: inherit; color: inherit; background: var(--ground); border: 1px solid var(--strong);
  border-radius: 6px; min-height: 32px; padding: 0 .8rem; cursor: pointer; }
.controls button[aria-disabled="true"] { color: var(--soft); border-style: dashed; cursor: default; }
.controls output { grid-column: 1 / -1; font-weight: 600; font-variant-numeric: tabular-nums; min-height: 1.6em; }
@media (max-width: 40rem) { .controls { grid-template-columns: 1fr 1fr; } .controls label { display: none; }
  .controls input { grid-column: 1 / -1; grid-row: 1; } .controls #back { justify-self: start; }
  .controls #on { justify-self: end; } }
.live .moment > summary { position: absolute; left: -999rem; }
.stage { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 24rem), 1fr)); gap: 1rem 2rem; }
.stage > div { min-width: 0; } .stage .facts div { padding: 0; } .look { max-width: 24rem; margin: .25rem 0 .5rem; }
.look .pixels { width: 100%; height: auto; display: block; }
.plane { display: block; width: 100%; max-width: 24rem; height: auto; background: #fff; border: 1px solid var(--edge); }
.marks { list-style: none; display: flex; flex-wrap: wrap; gap: .25rem 1rem; padding: 0; margin: .25rem 0; }
.marks svg { background: #fff; vertical-align: -2px; }
.ratios td { text-align: left; } .bar { vertical-align: -2px; margin-right: .4rem; }
.bar .fill { fill: var(--plus); } .bar .usual { stroke: var(--ink); stroke-width: 2; }
.number { border-bottom: 1px solid var(--edge); } .number .ledger { padding: .25rem 0 1rem; max-width: 100%;
  font-size: 14px; overflow-wrap: anywhere; background: none; }
.number .ledger ul { padding-left: clamp(.5rem, 2vw, 1.5rem); }
footer { color: var(--soft); font-size: .9rem; padding-bottom: 3rem; }

@media (prefers-reduced-motion: no-preference) { html { scroll-behavior: smooth; } }
@media (forced-colors: active) {
  .chart .line, .chart .cursor { stroke: CanvasText; } .chart .dot, .bar .fill { fill: CanvasText; }
  .chart text { fill: CanvasText; } .matrix .right { border: 3px double CanvasText; }
  .pictures img, .pixels, .plane { forced-color-adjust: none; } }
@media print {
  :root { --ink: #000; --soft: #333; --ground: #fff; --panel: #fff; --edge: #bbb; --plus: #1a62a0; --minus: #a84a00;
    color-scheme: light; }
  nav, .skip, .controls { display: none; } body { display: block; font-size: 11pt; }
  .number .ledger { --ink: #000; --soft: #333; --plus: #1a62a0; --minus: #a84a00; }
  header, main, footer { max-width: none; padding: 0; } section { padding: 1rem 0; }
  .scroll, pre { overflow: visible; white-space: pre-wrap; } th, td { white-space: normal; padding: .15rem .35rem; }
  .live .moment > summary { position: static; } .moment[hidden], .cell[hidden] { display: none; }
  figure, .finding, .headlines div, tr { break-inside: avoid; } h2, h3 { break-after: avoid; } }
"""


def style() -> str:
    """The whole style, the ledgers' own included."""
    return LEDGER + STYLE + SHADE + REST
