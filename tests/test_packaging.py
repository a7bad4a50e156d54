"""Both ways of installing workbench carry its templates: a wheel, and an editable install."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

pytest.importorskip("hatchling", reason="building needs hatchling: pip install hatchling editables")

ROOT = Path(__file__).resolve().parents[1]
HERE = Path(sysconfig.get_paths()["purelib"])

ASK = (
    "from workbench.adapters import templates\n"
    "print(templates.folder())\n"
    "print(templates.text('demo/plan.md').splitlines()[0])\n"
    "print(templates.Templates().render('tell/no_change.md.j2', {}).split()[0])\n"
)


def build(kind: str, source: Path, target: Path) -> Path:
    """Call one of the build backend's hooks on ``source``, as pip does; the file it made."""
    target.mkdir(exist_ok=True)
    code = f"import sys, hatchling.build as backend; print(backend.build_{kind}(sys.argv[1]))"
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code, str(target)], cwd=source, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return target / done.stdout.split()[-1]


def install(wheel: Path, where: Path) -> Path:
    """A fresh environment with ``wheel`` in it, and this one's packages behind it; its interpreter.

    A folder named in a ``.pth`` file has its own such files passed over, so an editable workbench of
    this environment is not seen there.
    """
    venv.create(where, with_pip=False, symlinks=True)
    site = where / "lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}" / "site-packages"
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(site)
    (site / "behind.pth").write_text(f"{HERE}\n")
    return where / "bin" / "python"


def ask(python: Path, tmp_path: Path) -> list[str]:
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run([python, "-c", ASK], cwd=tmp_path, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def templates_of(root: Path) -> set[str]:
    files = (path for path in root.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {path.relative_to(root).as_posix() for path in files}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build("wheel", ROOT, tmp_path_factory.mktemp("wheel") / "dist")


def test_a_wheel_install_finds_its_templates(wheel: Path, tmp_path: Path) -> None:
    where, front_matter, word = ask(install(wheel, tmp_path / "venv"), tmp_path)
    assert Path(where).is_relative_to(tmp_path / "venv")
    assert Path(where).name == "_templates"
    assert front_matter == "---"
    assert word == "You"


def test_an_editable_install_finds_the_templates_of_the_checkout(tmp_path: Path) -> None:
    pytest.importorskip("editables", reason="an editable build needs editables")
    editable = build("editable", ROOT, tmp_path / "dist")
    where, *_ = ask(install(editable, tmp_path / "venv"), tmp_path)
    assert Path(where) == ROOT / "templates"


def test_a_wheel_holds_every_template_and_nothing_compiled(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    prefix = "workbench/_templates/"
    packed = {name.removeprefix(prefix) for name in names if name.startswith(prefix)}
    assert packed == templates_of(ROOT / "templates")
    assert "demo/repo/.gitignore" in packed
    assert not [name for name in names if name.endswith(".pyc") or name.startswith(("tests/", "templates/"))]
    assert "workbench/py.typed" in names


def test_a_wheel_from_the_sdist_is_the_same(wheel: Path, tmp_path: Path) -> None:
    sdist = build("sdist", ROOT, tmp_path / "dist")
    with tarfile.open(sdist) as packed:
        packed.extractall(tmp_path / "source", filter="data")
    (source,) = (tmp_path / "source").iterdir()
    again = build("wheel", source, tmp_path / "dist")
    assert set(zipfile.ZipFile(again).namelist()) == set(zipfile.ZipFile(wheel).namelist())
    assert (source / "tests" / "conftest.py").is_file()
