"""`pellucid train DATA --folds K`: every row judged once, by a network that never saw it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

import pellucid as pl
from pellucid.base.arrays import Array
from pellucid.base.errors import UsageError
from pellucid.cli.checkup import check_plan, tell_findings
from pellucid.cli.environment import Environment
from pellucid.cli.folders import file_names, groups_by
from pellucid.cli.plan import Options, make_plan, metrics_for, with_targets
from pellucid.cli.report import report
from pellucid.cli.telling import say_line


def cross_validate(env: Environment, options: Options, data: pl.Data, k: int, check: bool = True) -> None:
    """Train k networks, tell how each did on its fold, and how all did on all rows."""
    if options.time is not None:
        raise UsageError(
            "--folds judges every row once, also by networks that learned from later ones. Leave out --time."
        )
    options = replace(options, validation=0.0)  # nothing is chosen while training, so every row that may be is learned
    start, answers = time.perf_counter(), list[Array]()
    rows, scores, losses = list[Array](), list[float](), list[float]()
    for i, (learn, judge) in enumerate(_folds(options, data, k), 1):
        plan = make_plan(options, (data[learn], data[judge]))
        if i == 1:
            env.say(
                f"{'data':<9} {options.data}: {len(data):,} rows in {k} folds; each is judged by a network that "
                "learned from the others"
            )
            for line in plan.lines[1:]:
                say_line(env, line, style="bold yellow" if line.startswith("warning ") else None)
            if check:
                tell_findings(env, check_plan(plan, options))
            env.say("")
        with env.progress(f"fold {i} of {k}", plan.training.epochs) as bar:
            for event in plan.training:
                if isinstance(event, pl.EpochDone):
                    bar(event.epoch, f"loss {event.loss:.4f}")
        model, test = plan.training.model, plan.test
        y = model.predict(test.x)
        metric = metrics_for(model)[0]
        score, loss = float(metric(y, test.t)), model.evaluate(test.x, test.t, ())["loss"]
        scores, losses, rows, answers = [*scores, score], [*losses, loss], [*rows, judge], [*answers, y]
        env.say(
            f"fold {i:>{len(str(k))}}/{k}  {len(judge):>6,} rows  {metric.__name__} {_figure(metric.__name__, score)}"
        )
        env.event("fold", fold=i, samples=len(judge), loss=loss, **{metric.__name__: score})
    order = np.argsort(np.concatenate(rows))
    y = np.concatenate(answers)[order]
    whole = with_targets(model, data)
    figures = {"loss": float(np.average(losses, weights=[len(r) for r in rows]))}
    figures |= {f.__name__: float(f(y, whole.t)) for f in metrics_for(model)}
    report(env, model, whole, y, figures, what="all folds")
    name, mean, spread = metric.__name__, float(np.mean(scores)), float(np.std(scores))
    env.say(
        f"{'folds':<9} {name} {_figure(name, mean)} on average, from {_figure(name, min(scores))} to "
        f"{_figure(name, max(scores))}; {time.perf_counter() - start:.1f} seconds; nothing was saved"
    )
    env.event("done", folds=k, scores=scores, mean=mean, deviation=spread, **figures)


def _folds(options: Options, data: pl.Data, k: int) -> Iterator[tuple[Array, Array]]:
    from pellucid.cli.tables import check_classes, check_table_options

    check_table_options(options, data)
    check_classes(data)
    if options.group_by is not None:
        return pl.group_folds(groups_by(options.group_by, file_names(options.data)), k, options.seed)
    if options.group is not None:
        return pl.group_folds(data.x[options.group], k, options.seed)
    return pl.folds(data.t, k, options.seed)


def _figure(name: str, value: float) -> str:
    return f"{100 * value:.1f} %" if name.endswith("accuracy") else f"{value:.4f}"
