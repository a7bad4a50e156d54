"""Options that mean the same in every command."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

RunId = Annotated[str | None, typer.Argument(metavar="[RUN]", help="Which run; the latest if not given.")]
Repo = Annotated[Path, typer.Option("--repo", metavar="DIR", help="The repository, if not this folder's.")]
Json = Annotated[bool, typer.Option("--json", help="Data on stdout, and nothing else there.")]
HERE = Path()
