"""Commands by which a person talks to a run from any terminal. ``app`` takes them in."""

from __future__ import annotations

from typing import Annotated

import typer

from workbench.cli.options import HERE, Json, Repo, RunId

OfRun = Annotated[
    str | None,
    typer.Option("--run", metavar="RUN", help="Which run; the one going on, or the latest, if not given."),
]
MessageId = Annotated[str, typer.Argument(metavar="ID", help="The message that asked, such as m7.")]
TaskName = Annotated[str, typer.Argument(metavar="TASK", help="The task's id in the plan.")]


def send(
    to: Annotated[str, typer.Argument(metavar="TO", help="A teammate's name, `lead`, or `all`.")],
    text: Annotated[
        list[str], typer.Argument(metavar="TEXT", help="What to say; `-` reads it from standard input.")
    ],
    run: OfRun = None,
    reply_to: Annotated[
        str | None, typer.Option("--reply-to", metavar="ID", help="The message it is about, such as m7.")
    ] = None,
    repo: Repo = HERE,
    json: Json = False,
) -> None:
    """Write to a teammate, to the lead, or to all.

    A Claude that is at work reads it within its turn, a command finds it as a file in
    `.workbench/inbox/`; who is not at work gets it with the next brief. It counts as your word.
    `all` is expensive: every teammate reads it, and pays for it. When the run is not going on, it is
    kept until `workbench resume`. Exit 2: there is nobody of that name.

        workbench send ada "keep the old name as an alias"
    """
    from workbench.cli.asking import send as body

    raise typer.Exit(body(to, text, run, reply_to or "", repo, json=json))


def answer(
    message: MessageId,
    words: Annotated[
        list[str],
        typer.Argument(metavar="ANSWER", help="The answer: text, or yes or no with a text if you like."),
    ],
    run: OfRun = None,
    repo: Repo = HERE,
    json: Json = False,
) -> None:
    """Answer what was asked; `workbench inbox` lists it.

    A question gets a text. What wants a decision (a plan, a permission, a shutdown, who wants to join)
    gets yes or no, and a text about it if you like. When the run is not going on, the answer is kept, and
    `workbench resume` goes on with it. Exit 2: nothing of that id is open.

        workbench answer m3 "port 8080, as in the contract"

        workbench answer m5 no "split it into two steps first"
    """
    from workbench.cli.asking import answer as body

    raise typer.Exit(body(message, words, run, repo, json=json))


def inbox(
    run: RunId = None,
    every: Annotated[bool, typer.Option("--all", help="The whole mailbox, thread by thread.")] = False,
    repo: Repo = HERE,
    json: Json = False,
) -> None:
    """What waits for you: questions, decisions, stuck tasks, messages.

    Each with who waits since when, what it is about, and the command that answers it.
    """
    from workbench.cli.mailbox import show

    raise typer.Exit(show(run, repo, everything=every, json=json))


def stop(run: RunId = None, repo: Repo = HERE, json: Json = False) -> None:
    """Stop a run that is going on, as Ctrl-C in its terminal does.

    What the teammates have is committed and kept; `workbench resume` goes on.
    """
    from workbench.cli.asking import stop as body

    raise typer.Exit(body(run, repo, json=json))


def pause(run: RunId = None, repo: Repo = HERE, json: Json = False) -> None:
    """Start nothing new until `workbench resume`.

    Who is at work goes on, and what is delivered is gated and lands. The run waits as long as you like,
    and can be stopped meanwhile; one that was stopped or killed is not paused any more when it is resumed.
    """
    from workbench.cli.asking import pause as body

    raise typer.Exit(body(run, repo, json=json))


def retry(task: TaskName, run: OfRun = None, repo: Repo = HERE, json: Json = False) -> None:
    """Try a task again that was given up, or that you left out.

    It has all its tries again, goes on from what was made of it, and what waited for it waits again. When
    the run is not going on, this is kept, and `workbench resume` goes on with it.
    """
    from workbench.cli.asking import retry as body

    raise typer.Exit(body(task, run, repo, json=json))


def skip(task: TaskName, run: OfRun = None, repo: Repo = HERE, json: Json = False) -> None:
    """Leave a task out; what waits for it goes on without it.

    A task that was given up, is held, or has not started. One that is being worked on is refused: wait,
    or stop the run. What was made of it is kept, and `workbench retry` takes it up again. The run then
    ends with exit 1, for not every task landed.
    """
    from workbench.cli.asking import skip as body

    raise typer.Exit(body(task, run, repo, json=json))


def reassign(
    task: TaskName,
    to: Annotated[str, typer.Argument(metavar="TEAMMATE", help="Who is to work on it.")],
    run: OfRun = None,
    repo: Repo = HERE,
    json: Json = False,
) -> None:
    """Give a task to a teammate, whoever is at it now.

    It waits for that one as long as it is in the team, and comes first with it. Whoever is at it is
    interrupted; what that one has is committed and kept, and gone on with. When the run is not going on,
    this is kept, and `workbench resume` goes on with it. Exit 2: it has landed or is on its way there, was
    given up (`workbench retry` first), or nobody is called so.

        workbench reassign parser ada
    """
    from workbench.cli.asking import reassign as body

    raise typer.Exit(body(task, to, run, repo, json=json))


COMMANDS = (inbox, send, answer, pause, stop, retry, skip, reassign)
