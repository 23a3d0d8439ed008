"""`pellucid system`: what it says is so, the fastest kernels win fairly, and only the command line applies them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pellucid import cli, kernels
from pellucid.base.errors import FileError
from pellucid.cli import remembered, tuning
from pellucid.cli.remembered import Choice, choice_for_this_machine, config_folder, standing
from pellucid.cli.status import Status
from pellucid.cli.tuning import Measured, candidates, measure_in_subprocess, tune
from pellucid.inspection import machine, products
from pellucid.inspection.machine import Blas, advise, describe_machine, find_blas
from pellucid.inspection.processor import Processor, from_cpuinfo, processor, usable_cores

WORKS = products.WORKS
posix = pytest.mark.skipif(sys.platform == "win32", reason="a shell script stands in for Python")


@pytest.fixture(autouse=True)
def _own_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    for name in (tuning.VARIABLE, tuning.SWITCH, "PELLUCID_KERNELS", *machine.THREADS):
        monkeypatch.delenv(name, raising=False)


def system_json(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, Any]:
    capsys.readouterr()
    assert cli.main(["system", *words, "--json"]) == Status.DONE
    (line,) = capsys.readouterr().out.splitlines()
    event: dict[str, Any] = json.loads(line)
    return event


# ---- the machine ----------------------------------------------------------------------------------------------------


def test_the_versions_are_those_that_are_installed() -> None:
    found = describe_machine()
    assert found.numpy == np.__version__
    assert found.safetensors == metadata.version("safetensors")
    assert bool(found.numba) == kernels.available()
    assert found.python.endswith(".".join(map(str, sys.version_info[:3])))
    assert found.kernels == kernels.active().NAME
    assert 1 <= found.cores <= (os.cpu_count() or 1)


def test_the_blas_is_what_threadpoolctl_finds() -> None:
    threadpoolctl = pytest.importorskip("threadpoolctl", reason="needs the dev extra: pip install 'pellucid[dev]'")
    home = str(Path(np.__file__ or "").parent.parent)
    libraries = [one for one in threadpoolctl.threadpool_info() if one["user_api"] == "blas"]
    peers = [one for one in libraries if one["filepath"].startswith(home) and one["internal_api"] == "openblas"]
    if not peers:
        pytest.skip("threadpoolctl finds no OpenBLAS beside this NumPy")
    found = find_blas()
    assert found.name == "OpenBLAS"
    assert (found.version, found.core, found.threads) in {
        (peer["version"], peer["architecture"], peer["num_threads"]) for peer in peers
    }


def test_a_blas_that_cannot_be_asked_is_named_by_numpys_own_record(monkeypatch: pytest.MonkeyPatch) -> None:
    def record(name: str) -> None:
        monkeypatch.setattr(np.__config__, "CONFIG", {"Build Dependencies": {"blas": {"name": name, "version": "1"}}})

    monkeypatch.setattr(machine, "_ask_threadpoolctl", lambda: None)
    record("accelerate")
    assert find_blas() == Blas("Apple Accelerate", "1")
    record("mkl-sdl")
    assert find_blas() == Blas("Intel MKL", "1")
    monkeypatch.setattr(machine, "_loaded", lambda word: iter(()))
    record("blis")
    assert find_blas() == Blas("blis", "1")
    monkeypatch.setattr(np.__config__, "CONFIG", {})
    assert find_blas() == Blas("unknown")


X86 = """processor\t: 0
vendor_id\t: AuthenticAMD
cpu family\t: 25
model\t\t: 17
model name\t: AMD EPYC
stepping\t: 1
flags\t\t: fpu FMA avx2

processor\t: 1
vendor_id\t: AuthenticAMD
model name\t: another
flags\t\t: none
"""
ARM = "processor\t: 0\nFeatures\t: fp asimd sve\nCPU implementer\t: 0x41\nCPU part\t: 0xd40\n"


def test_a_processor_is_read_from_linux() -> None:
    assert from_cpuinfo(X86) == Processor("AMD EPYC", "AuthenticAMD 25 17 1", frozenset({"fpu", "fma", "avx2"}))
    arm = from_cpuinfo(ARM)
    assert "0x41 0xd40" in arm.name
    assert "sve" in arm.flags


def test_a_container_share_of_time_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(64)), raising=False)
    for text, cores in (("200000 100000\n", 2), ("50000 100000\n", 1), ("max 100000\n", 64)):
        monkeypatch.setattr(Path, "read_text", lambda self, text=text: text)
        assert usable_cores() == cores


@pytest.mark.parametrize(
    ("threads", "cores", "setting", "said"),
    [
        (64, 2, {}, "Set OMP_NUM_THREADS=2"),
        (64, 1, {"OPENBLAS_NUM_THREADS": "64"}, "Set OPENBLAS_NUM_THREADS=1"),
        (1, 4, {"OMP_NUM_THREADS": "1"}, "because OMP_NUM_THREADS is 1"),
        (1, 4, {}, ""),
        (4, 4, {}, ""),
        (None, 4, {}, ""),
    ],
)
def test_advice_on_threads(
    threads: int | None, cores: int, setting: dict[str, str], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in setting.items():
        monkeypatch.setenv(name, value)
    advice = list(advise(Blas("OpenBLAS", threads=threads), cores, "jit"))
    assert len(advice) == bool(said)
    assert said in "".join(advice)


def test_advice_on_numba(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernels, "available", lambda: False)
    assert "pip install 'pellucid[fast]'" in "".join(advise(Blas(""), 1, "reference"))
    monkeypatch.setattr(kernels, "available", lambda: True)
    monkeypatch.setenv("PELLUCID_KERNELS", "reference")
    assert "Unset PELLUCID_KERNELS" in "".join(advise(Blas(""), 1, "reference"))


def test_kernels_that_cannot_be_loaded_are_said_not_raised(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(kernels, "_active", None)
    monkeypatch.setenv("PELLUCID_KERNELS", "fastest")
    event = system_json(capsys)
    assert event["kernels"] == "none"
    assert "PELLUCID_KERNELS is 'fastest'" in event["why_kernels"]


def test_the_verb_shows_what_the_library_found(capsys: pytest.CaptureFixture[str]) -> None:
    event = system_json(capsys)
    found = describe_machine()
    assert event["event"] == "system"
    assert {key: event[key] for key in ("numpy", "python", "processor", "cores", "kernels")} == {
        key: getattr(found, key) for key in ("numpy", "python", "processor", "cores", "kernels")
    }
    assert event["blas"] == found.as_dict()["blas"]
    assert cli.main(["system"]) == Status.DONE
    text = capsys.readouterr().out
    for part in (found.numpy, found.processor, found.blas.name, found.kernels, *event["advice"]):
        assert part in text
    assert not any(line != line.rstrip() for line in text.splitlines())


# ---- measuring ------------------------------------------------------------------------------------------------------


def fake(speeds: dict[str, float], **trouble: str) -> Callable[[str], Measured]:
    """A measuring function: how fast each choice is, "" being the default, and what goes wrong with some."""

    def measure(core: str) -> Measured:
        if core in trouble:
            return Measured(core, trouble=trouble[core])
        return Measured(core, f"{core or 'Own'}", dict.fromkeys(WORKS, 1.0 / speeds[core]))

    return measure


def test_the_fastest_wins() -> None:
    tuned = tune(["A", "B", "C"], fake({"": 1.0, "A": 1.5, "B": 2.0, "C": 0.5}))
    assert tuned.best == "B"
    assert tuned.ratio == pytest.approx(2.0)
    assert [choice.asked for choice in tuned.choices] == ["", "A", "B", "C"]


@pytest.mark.parametrize(("speed", "best"), [(1.029, ""), (1.031, "A"), (0.5, "")])
def test_a_little_faster_is_not_worth_remembering(speed: float, best: str) -> None:
    assert tune(["A"], fake({"": 1.0, "A": speed})).best == best


def test_the_luckiest_of_many_does_not_win() -> None:
    calls: dict[str, int] = {}

    def lucky(core: str) -> Measured:
        calls[core] = calls.get(core, 0) + 1
        fast = core == "A" and calls[core] <= tuning.ROUNDS
        return Measured(core, core or "Own", dict.fromkeys(WORKS, 0.5 if fast else 1.0))

    tuned = tune(["A", "B"], lucky)
    assert (tuned.best, tuned.doubtful, tuned.ratio) == ("", "A", pytest.approx(1.0))
    assert calls == {"": 2 * tuning.ROUNDS, "A": 2 * tuning.ROUNDS, "B": tuning.ROUNDS}


def test_one_slow_round_does_not_decide() -> None:
    calls: list[str] = []

    def disturbed(core: str) -> Measured:
        calls.append(core)
        slow = 10.0 if calls.count(core) == 1 else 1.0
        return Measured(core, core or "Own", dict.fromkeys(WORKS, slow * (0.5 if core else 1.0)))

    tuned = tune(["A"], disturbed)
    assert tuned.default.seconds[WORKS[0]] == 1.0
    assert tuned.ratio == pytest.approx(2.0)


def test_troubled_choices_are_out_and_say_why() -> None:
    tuned = tune(["A", "B"], fake({"": 1.0, "B": 1.5}, A="crashed (signal 4)"))
    assert tuned.best == "B"
    assert tuned.choices[1].trouble == "crashed (signal 4)"
    assert tune(["A"], fake({"": 1.0}, A="computes wrong products")).best == ""


def test_kernels_under_two_names_are_measured_once() -> None:
    calls: list[str] = []

    def measure(core: str) -> Measured:
        calls.append(core)
        return Measured(core, "Haswell" if core in ("Zen", "Haswell") else "Own", dict.fromkeys(WORKS, 1.0))

    tuned = tune(["Haswell", "Zen", "Other"], measure)
    assert tuned.choices[1].trouble == ""
    assert "the same as Haswell" in tuned.choices[2].trouble
    assert "the same as the default" in tuned.choices[3].trouble
    assert calls.count("Zen") == calls.count("Other") == 1


def test_without_the_default_there_is_no_winner() -> None:
    def broken(core: str) -> Measured:
        return Measured(core, "A", dict.fromkeys(WORKS, 1.0)) if core else Measured(core, trouble="crashed")

    assert tune(["A"], broken).best == ""


def test_twice_as_fast_here_and_half_as_fast_there_is_no_gain() -> None:
    default = Measured("", "Own", {"small": 1.0, "large": 1.0})
    assert Measured("A", "A", {"small": 0.5, "large": 2.0}).overall(default) == pytest.approx(1.0)
    assert Measured("A", "A", {"small": 0.5, "large": 0.125}).overall(default) == pytest.approx(4.0)


AVX2 = frozenset({"avx2", "fma"})
AVX512 = AVX2 | {"avx512f", "avx512bw", "avx512dq", "avx512vl"}


@pytest.mark.parametrize(
    ("flags", "cores"),
    [
        (frozenset(), []),
        (frozenset({"avx2"}), []),
        (AVX2, ["Haswell", "Zen"]),
        (AVX2 | {"avx512f"}, ["Haswell", "Zen"]),
        (AVX512, ["Haswell", "Zen", "SkylakeX"]),
        (AVX512 | {"avx512_bf16"}, ["Haswell", "Zen", "SkylakeX", "Cooperlake"]),
        (AVX512 | {"avx512_bf16", "amx_tile"}, ["Haswell", "Zen", "SkylakeX", "Cooperlake", "SapphireRapids"]),
        (frozenset({"asimd"}), ["NEOVERSEN1", "THUNDERX2T99"]),
    ],
)
def test_only_what_the_processor_can_run_is_tried(flags: frozenset[str], cores: list[str]) -> None:
    assert candidates(flags) == cores


def test_a_real_measurement() -> None:
    measured = measure_in_subprocess("")
    assert measured.trouble == ""
    assert tuple(measured.seconds) == WORKS
    assert all(0 < seconds < 10 for seconds in measured.seconds.values())
    assert bool(measured.core) == bool(find_blas().core)


@posix
@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("kill -ILL $$", "crashed (signal 4)"),
        ("echo no numpy >&2; exit 1", "crashed (no numpy)"),
        ("echo hello", "gave no measurement"),
        ("echo '[]'", "gave no measurement"),
        ("""echo '{"core": "A", "correct": false, "seconds": {}}'""", "computes wrong products"),
        ("sleep 20", "no answer within 0 seconds"),
    ],
)
def test_whatever_happens_to_the_process_is_survived(
    script: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "python"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program))
    monkeypatch.setattr(tuning, "PATIENCE", 0.3 if "sleep" in script else 20.0)
    assert measure_in_subprocess("A").trouble == said


@posix
def test_the_choice_is_in_the_environment_of_that_process_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "python"
    program.write_text(
        '#!/bin/sh\necho "{\\"core\\": \\"$OPENBLAS_CORETYPE.\\", \\"correct\\": true, \\"seconds\\": {}}"\n'
    )
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program))
    assert measure_in_subprocess("Zen").core == "Zen."
    assert tuning.VARIABLE not in os.environ
    monkeypatch.setenv(tuning.VARIABLE, "Haswell")
    assert measure_in_subprocess("").core == ".", "the default is OpenBLAS's own choice, not the user's"


def test_the_products_are_those_of_one_step() -> None:
    for N in (1, 32):
        assert products.step(N)().shape == (784, 128)
    assert products.cube(8)().shape == (8, 8)


# ---- remembering ----------------------------------------------------------------------------------------------------


def test_remembered_and_forgotten() -> None:
    assert remembered.recall() is None
    assert standing().why == "nothing is remembered"
    choice = choice_for_this_machine("Haswell", 1.5234)
    path = remembered.remember(choice)
    assert path == config_folder() / "tune.json"
    assert remembered.recall() == choice
    assert choice.ratio == 1.523
    assert remembered.forget() is True
    assert remembered.forget() is False
    assert remembered.recall() is None


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", '{"core": "Haswell"}', '{"ratio": []}', "\udcff", "[" * 100_000]
)
def test_a_damaged_file_is_ignored_and_said(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    path = remembered.tune_file()
    path.parent.mkdir(parents=True)
    path.write_bytes(text.encode(errors="surrogateescape"))
    assert "is damaged; it is ignored" in standing().why
    assert remembered.apply() == ""
    tuning_now = system_json(capsys)["tuning"]
    assert tuning_now["remembered"] is None
    assert "is damaged" in tuning_now["why"]


def test_a_folder_in_its_place_is_ignored_and_said() -> None:
    remembered.tune_file().mkdir(parents=True)
    assert "cannot be read" in standing().why


def test_settings_are_where_the_system_has_them(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(os.path, "expanduser", lambda path: str(tmp_path))
    assert config_folder({}, "linux") == tmp_path / ".config" / "pellucid"
    assert config_folder({"XDG_CONFIG_HOME": "not/absolute"}, "linux") == tmp_path / ".config" / "pellucid"
    assert config_folder({}, "darwin") == tmp_path / "Library" / "Application Support" / "pellucid"
    assert config_folder({"APPDATA": str(tmp_path / "a")}, "win32") == tmp_path / "a" / "pellucid"
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)
    with pytest.raises(FileError, match="XDG_CONFIG_HOME"):
        config_folder({}, "linux")


HERE = Processor("AMD EPYC", "AuthenticAMD 26 2 1", frozenset(AVX512))


@pytest.fixture
def good() -> Choice:
    """A choice that fits HERE and this NumPy, and is remembered."""
    choice = replace(choice_for_this_machine("SkylakeX", 1.6), processor=HERE.name, model=HERE.model)
    remembered.remember(choice)
    return choice


def test_what_fits_is_ready(good: Choice) -> None:
    now = standing(HERE)
    assert (now.choice, now.usable, now.why) == (good, True, "it is ready")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"processor": "Xeon"}, "another machine (Xeon "),
        ({"model": "AuthenticAMD 25 17 1"}, "another machine"),
        ({"core": "SapphireRapids"}, "cannot run SapphireRapids"),
        ({"core": "no such core"}, "cannot run no such core"),
        ({"numpy": "1.0"}, "measured with NumPy 1.0"),
        ({"blas": "openblas 0.1"}, "BLAS openblas 0.1"),
    ],
)
def test_what_does_not_fit_is_not_used(change: dict[str, str], said: str, good: Choice) -> None:
    remembered.remember(replace(good, **change))  # type: ignore[arg-type]
    now = standing(HERE)
    assert not now.usable
    assert said in now.why
    assert "pellucid system --tune" in now.why


def test_the_user_has_the_last_word(good: Choice, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remembered, "processor", lambda: HERE)
    monkeypatch.setenv(tuning.VARIABLE, "Zen")
    assert standing().why == "you set OPENBLAS_CORETYPE to Zen, and yours wins"
    assert remembered.apply(may_restart=True) == ""
    assert os.environ[tuning.VARIABLE] == "Zen"
    monkeypatch.delenv(tuning.VARIABLE)
    monkeypatch.setenv(tuning.SWITCH, "off")
    assert standing().why == "PELLUCID_TUNE is off"
    assert remembered.apply(may_restart=True) == ""
    assert tuning.VARIABLE not in os.environ


def test_before_numpy_is_loaded_the_environment_is_enough(good: Choice, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remembered, "processor", lambda: HERE)
    monkeypatch.setattr(remembered, "_restart", lambda: pytest.fail("there is no need to start again"))
    monkeypatch.setattr(os, "environ", dict(os.environ))
    monkeypatch.delitem(sys.modules, "numpy")
    assert remembered.apply() == "SkylakeX"
    assert os.environ[tuning.VARIABLE] == "SkylakeX"
    assert standing().why == "it is applied"
    assert remembered.apply() == "", "once is enough"


def test_once_numpy_is_loaded_only_a_restart_helps(good: Choice, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remembered, "processor", lambda: HERE)
    monkeypatch.setattr(os, "environ", dict(os.environ))
    started: list[str] = []
    monkeypatch.setattr(remembered, "_restart", lambda: started.append(os.environ[tuning.VARIABLE]))
    assert remembered.apply() == ""
    assert started == []
    assert tuning.VARIABLE not in os.environ
    assert remembered.apply(may_restart=True) == "SkylakeX"
    assert started == ["SkylakeX"]


def run(*words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *words], capture_output=True, text=True, check=True, env=os.environ | environ, timeout=60
    )


def test_the_command_line_starts_with_the_remembered_kernels() -> None:
    cores = candidates(processor().flags)
    blas = find_blas()
    if not cores or blas.name != "OpenBLAS" or not blas.dynamic:
        pytest.skip("this BLAS has no kernels to choose between")
    own = measure_in_subprocess("").core
    core = next((core for core in cores if core != own), cores[0])
    remembered.remember(choice_for_this_machine(core, 1.5))
    event = json.loads(run("-m", "pellucid", "system", "--json").stdout)
    assert event["tuning"] == {"remembered": core, "ratio": 1.5, "usable": True, "why": "it is applied"}
    assert event["blas"]["core"] == measure_in_subprocess(core).core
    off = json.loads(run("-m", "pellucid", "system", "--json", PELLUCID_TUNE="off").stdout)
    assert off["tuning"]["why"] == "PELLUCID_TUNE is off"
    assert off["blas"]["core"] == own


def test_importing_the_library_never_changes_the_environment() -> None:
    core = next(iter(candidates(processor().flags)), "Haswell")
    remembered.remember(choice_for_this_machine(core, 1.5))
    code = (
        "import os; before = dict(os.environ); import pellucid, pellucid.cli.remembered, pellucid.cli.system; "
        "import pellucid.inspection.machine as m; m.describe_machine(); print(dict(os.environ) == before)"
    )
    assert run("-c", code).stdout.strip() == "True"


# ---- the verb -------------------------------------------------------------------------------------------------------


@pytest.fixture
def tunable(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[str], Measured]], None]:
    """A machine with OpenBLAS whose processor can run Haswell, Zen and SkylakeX kernels, measured by a fake."""

    def put(measure: Callable[[str], Measured]) -> None:
        monkeypatch.setattr(machine, "find_blas", lambda: Blas("OpenBLAS", "0.3", "Own", 1, dynamic=True))
        monkeypatch.setattr("pellucid.inspection.processor.processor", lambda: HERE)
        monkeypatch.setattr(remembered, "processor", lambda: HERE)
        monkeypatch.setattr(tuning, "measure_in_subprocess", measure)

    return put


FAST = {"": 1.0, "Haswell": 1.0, "SkylakeX": 2.0}


def test_tune_shows_the_table_and_remembers_the_winner(tunable: Any, capsys: pytest.CaptureFixture[str]) -> None:
    tunable(fake(FAST, Zen="crashed (signal 4)"))
    assert cli.main(["system", "--tune"]) == Status.DONE
    text = capsys.readouterr().out
    rows = {line.split()[0]: line.split() for line in text.splitlines() if line.endswith("x")}
    assert rows["SkylakeX"][1:6] == ["2.00x"] * 5
    assert rows["Own"][-1] == "1.00x"
    assert "1,000,000 us" in text
    assert "Zen: crashed (signal 4)." in text
    assert "SkylakeX kernels are 2.00 times as fast" in text
    choice = remembered.recall()
    assert choice is not None
    assert (choice.core, choice.ratio, choice.model, choice.numpy) == ("SkylakeX", 2.0, HERE.model, np.__version__)
    assert cli.main(["system"]) == Status.DONE
    assert "SkylakeX kernels, measured 2.00x as fast as OpenBLAS's own choice; it is ready" in capsys.readouterr().out
    assert cli.main(["system", "--forget"]) == Status.DONE
    assert remembered.recall() is None
    assert str(remembered.tune_file()) in capsys.readouterr().out


def test_tune_in_json(tunable: Any, capsys: pytest.CaptureFixture[str]) -> None:
    tunable(fake(FAST, Zen="crashed (signal 4)"))
    event = system_json(capsys, "--tune")
    assert event["event"] == "tune"
    assert (event["best"], event["ratio"], event["remembered"]) == ("SkylakeX", 2.0, True)
    assert event["file"] == str(remembered.tune_file())
    own, haswell, zen, skylake = event["choices"]
    assert (own["asked"], own["core"], own["ratio"]) == (None, "Own", 1.0)
    assert (haswell["ratio"], skylake["ratio"]) == (1.0, 2.0)
    assert (zen["ratio"], zen["trouble"]) == (None, "crashed (signal 4)")
    assert set(own["seconds"]) == set(WORKS)
    assert system_json(capsys, "--forget") == {"event": "forget", "removed": True, "file": event["file"]}


def test_when_the_default_is_best_nothing_stays_remembered(tunable: Any, capsys: pytest.CaptureFixture[str]) -> None:
    tunable(fake({"": 1.0, "Haswell": 0.5, "Zen": 0.6, "SkylakeX": 1.01}))
    remembered.remember(choice_for_this_machine("Haswell", 1.5))
    assert cli.main(["system", "--tune"]) == Status.DONE
    text = capsys.readouterr().out
    assert "OpenBLAS's own choice is best" in text
    assert "What was remembered before is removed." in text
    assert remembered.recall() is None


def test_a_winner_that_loses_the_second_contest_is_named(tunable: Any, capsys: pytest.CaptureFixture[str]) -> None:
    calls: list[str] = []

    def lucky(core: str) -> Measured:
        calls.append(core)
        fast = core == "Zen" and calls.count(core) <= tuning.ROUNDS
        return Measured(core, core or "Own", dict.fromkeys(WORKS, 0.5 if fast else 1.0))

    tunable(lucky)
    assert cli.main(["system", "--tune"]) == Status.DONE
    assert "Zen was only 1.00x when measured once more. No other kernels" in capsys.readouterr().out
    assert remembered.recall() is None


def test_a_default_that_cannot_be_measured_fails_and_changes_nothing(
    tunable: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    tunable(lambda core: Measured(core, trouble="crashed (no numpy)"))
    choice = choice_for_this_machine("Haswell", 1.5)
    remembered.remember(choice)
    assert cli.main(["system", "--tune"]) == Status.FAILED
    assert "crashed (no numpy)" in capsys.readouterr().err
    assert remembered.recall() == choice


@pytest.mark.parametrize(
    ("blas", "flags", "said"),
    [
        (Blas("Intel MKL", "2025"), AVX2, "NumPy uses Intel MKL here"),
        (Blas("Apple Accelerate"), AVX2, "NumPy uses Apple Accelerate here"),
        (Blas("OpenBLAS", dynamic=False), AVX2, "built for one type of processor"),
        (Blas("OpenBLAS", dynamic=True), frozenset(), "none are tried"),
    ],
)
def test_where_there_is_nothing_to_tune_it_is_said(
    blas: Blas,
    flags: frozenset[str],
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(machine, "find_blas", lambda: blas)
    monkeypatch.setattr("pellucid.inspection.processor.processor", lambda: Processor("P", "", flags))
    monkeypatch.setattr(tuning, "measure_in_subprocess", lambda core: pytest.fail("there is nothing to measure"))
    assert cli.main(["system", "--tune"]) == Status.DONE
    text = capsys.readouterr().out
    assert said in text
    assert "nothing to tune" in text
    event = system_json(capsys, "--tune")
    assert (event["best"], event["remembered"]) == (None, False)
    assert not any("--tune" in sentence for sentence in system_json(capsys)["advice"])


def test_settings_that_cannot_be_written_are_a_file_error(
    tunable: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "config").write_text("a file where a folder must be")
    tunable(fake(FAST | {"Zen": 1.0}))
    assert cli.main(["system", "--tune"]) == Status.DATA
    assert "could not be written" in capsys.readouterr().err
