"""Prompts and starters that come with workbench, and filling them in.

A wheel carries them as ``workbench/_templates``. Under an editable install there is no such folder, and
the repository's own ``templates/``, beside the package, is used.
"""

from __future__ import annotations

import contextlib
import re
import shutil
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.errors import UsageError

if TYPE_CHECKING:
    from jinja2.sandbox import ImmutableSandboxedEnvironment


def folder() -> Path:
    """Where the templates lie. Raises UsageError where an installation has lost them."""
    package = Path(str(resources.files("workbench")))
    for candidate in (package / "_templates", package.parent / "templates"):
        if (candidate / "brief.md.j2").is_file():
            return candidate
    raise UsageError(
        f"This installation of workbench has no templates: neither {package / '_templates'} nor "
        f"{package.parent / 'templates'} holds them.",
        "Install workbench again.",
    )


def path(name: str) -> Path:
    """The file or folder ``name`` among the templates. Raises UsageError where there is none."""
    root = folder()
    found = root / name
    if not found.resolve().is_relative_to(root.resolve()) or not found.exists():
        raise UsageError(f"There is no template {name}.", "This is part of workbench: install it again.")
    return found


def text(name: str) -> str:
    """What the template ``name`` says, as it stands."""
    return path(name).read_text(encoding="utf-8")


def copy_tree(name: str, target: Path) -> None:
    """Copy the folder ``name`` to ``target``, which must not exist yet, without compiled leftovers."""
    shutil.copytree(path(name), target, ignore=shutil.ignore_patterns("__pycache__"))


def fenced(content: object, language: str = "") -> str:
    """``content`` in a Markdown fence that nothing inside it can close."""
    body = str(content).rstrip("\n")
    longest = max((len(run) for run in re.findall(r"`+", body)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{body}\n{fence}"


def code(name: object) -> str:
    """A file name or glob as Markdown code on one line, whatever characters it holds."""
    shown = "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in str(name))
    longest = max((len(run) for run in re.findall(r"`+", shown)), default=0)
    pad = " " if longest else ""
    return f"{'`' * (longest + 1)}{pad}{shown}{pad}{'`' * (longest + 1)}"


class Templates:
    """The Briefs port. Jinja2 is imported, and each template compiled, when it is first needed."""

    def __init__(self, root: Path | None = None) -> None:
        self._root = root
        self._environment: ImmutableSandboxedEnvironment | None = None

    def render(self, name: str, values: Mapping[str, object]) -> str:
        """The template ``name`` (``brief.md.j2``) filled in with ``values``.

        Every value that a template uses must be there. Raises UsageError naming the template when it
        does not exist, cannot be read or compiled, or wants a value that was not given.
        """
        from jinja2 import TemplateError, TemplateNotFound, UndefinedError

        try:
            return self._loaded().get_template(name).render(values)
        except TemplateNotFound:
            raise UsageError(f"There is no template {name}.", "Install workbench again.") from None
        except UndefinedError as error:
            raise UsageError(
                f"The template {name} wants a value it did not get: {error.message}.",
                "This is a bug in workbench: please report it.",
            ) from error
        except (TemplateError, TypeError, ValueError, ArithmeticError, LookupError) as error:
            raise UsageError(
                f"The template {name} is broken: {error}.", "Restore it, or install workbench again."
            ) from error

    def compile(self, name: str) -> None:
        """Compile a template ahead; may be called from a thread. What is wrong with it, ``render`` says."""
        with contextlib.suppress(Exception):
            self._loaded().get_template(name)

    def _loaded(self) -> ImmutableSandboxedEnvironment:
        if self._environment is None:
            from jinja2 import FileSystemLoader, StrictUndefined
            from jinja2.sandbox import ImmutableSandboxedEnvironment

            # Prompts are plain text, so nothing is escaped for HTML; what could end a fence is fenced.
            self._environment = ImmutableSandboxedEnvironment(
                loader=FileSystemLoader(self._root or folder()),
                undefined=StrictUndefined,
                autoescape=False,
                trim_blocks=True,
                lstrip_blocks=True,
                keep_trailing_newline=True,
                auto_reload=False,
            )
            self._environment.filters.update(fenced=fenced, code=code)
        return self._environment
