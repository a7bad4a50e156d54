"""The package of the ports: each name is where it is said to be, and is imported only when asked for."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module

import pytest

from workbench.engine import ports


def test_every_name_is_that_of_its_part() -> None:
    assert sorted(name for names in ports.PARTS.values() for name in names) == sorted(ports.__all__)
    for part, names in ports.PARTS.items():
        module = import_module(f"{ports.__name__}.{part}")
        assert all(getattr(ports, name) is getattr(module, name) for name in names)


def test_a_name_that_is_nowhere_is_told() -> None:
    with pytest.raises(ImportError, match="Gate"):
        exec("from workbench.engine.ports import Gate")


def test_who_asks_for_one_part_does_not_pay_for_the_others() -> None:
    asked = "import sys; from workbench.engine.ports import Versions; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    loaded = {name for name in done.stdout.split() if name.startswith(f"{ports.__name__}.")}
    assert loaded == {f"{ports.__name__}.names"}
