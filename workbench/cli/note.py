"""The shared notes: the command's options. ``app`` takes them in; ``noting`` has the bodies."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from workbench.cli.options import HERE, Json, Repo

notes = typer.Typer(
    rich_markup_mode=None,
    no_args_is_help=True,
    help="Shared notes: what the team and you know about this repository.\n\n"
    "Teammates keep notes while they work, failures leave warnings on the files they touched, and every "
    "brief carries those that matter for its task's files. Notes outlive the run: a note fades while runs "
    "are at work, and grows stronger when work on its files lands.",
    epilog='Try: workbench note add --path src/db.py "the test database takes 20 s to start"; then '
    "workbench note search --path src/db.py. Inside a teammate's worktree the same commands work; `add` then "
    "goes into the run's log.",
)

Namespace = Annotated[
    str, typer.Option("--namespace", metavar="NAME", help="The topic: small letters, digits, . _ - and /.")
]
Paths = Annotated[
    list[str] | None,
    typer.Option("--path", metavar="PATH", help="A file or folder it is about, from the top; repeatable."),
]
NoteId = Annotated[str, typer.Argument(metavar="ID", help="The note's id, or its first characters.")]


@notes.command()
def add(
    text: Annotated[list[str], typer.Argument(metavar="TEXT", help="What is to be known; `-` reads stdin.")],
    namespace: Namespace = "",
    path: Paths = None,
    ttl: Annotated[
        str, typer.Option("--ttl", metavar="TIME", help="When it is out of date: 90 (seconds), 30m, 12h, 7d.")
    ] = "",
    confidence: Annotated[
        float | None, typer.Option("--confidence", metavar="X", help="How sure you are, 0 to 1.")
    ] = None,
    repo: Repo = HERE,
) -> None:
    """Keep a note for whoever works here next."""
    from workbench.cli.noting import add_note
    from workbench.composition.notes import Given

    raise typer.Exit(add_note(repo, Given(" ".join(text), namespace, tuple(path or ()), ttl, confidence)))


@notes.command("list")
def list_notes(namespace: Namespace = "", repo: Repo = HERE, json: Json = False) -> None:
    """Show all notes, the strongest first."""
    from workbench.cli.noting import list_all

    raise typer.Exit(list_all(repo, namespace, json=json))


@notes.command()
def search(
    words: Annotated[
        list[str] | None, typer.Argument(metavar="QUERY", help="Words to look for, in any order.")
    ] = None,
    namespace: Namespace = "",
    path: Paths = None,
    limit: Annotated[
        int, typer.Option("--limit", min=1, max=200, metavar="N", help="How many at most.")
    ] = 10,
    repo: Repo = HERE,
    json: Json = False,
) -> None:
    """Find notes by words, by paths, or both; best first."""
    from workbench.cli.noting import search_notes

    raise typer.Exit(search_notes(repo, " ".join(words or ()), namespace, path or [], limit, json=json))


@notes.command()
def show(note: NoteId, repo: Repo = HERE, json: Json = False) -> None:
    """Show one note with all that is known of it."""
    from workbench.cli.noting import show_note

    raise typer.Exit(show_note(repo, note, json=json))


@notes.command()
def forget(note: NoteId, repo: Repo = HERE) -> None:
    """Forget a note for good; no log and no backup brings it back."""
    from workbench.cli.noting import forget_note

    raise typer.Exit(forget_note(repo, note))


@notes.command()
def backup(
    file: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", help="Where to write; stdout if not given.")
    ] = None,
    repo: Repo = HERE,
) -> None:
    """Write all notes as JSON lines."""
    from workbench.cli.noting import back_up

    raise typer.Exit(back_up(repo, file))


@notes.command()
def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A backup; `-` reads stdin.")],
    repo: Repo = HERE,
) -> None:
    """Bring the notes of a backup in.

    All of it or nothing: a line that is no note is named with its number. What is here and newer, or was
    forgotten, stays as it is; a second time changes nothing.
    """
    from workbench.cli.noting import restore_from

    raise typer.Exit(restore_from(repo, file))
