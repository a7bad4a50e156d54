"""The work of a run as a pull request."""

from __future__ import annotations

from dataclasses import dataclass, replace

from workbench.adapters import github
from workbench.adapters.git import target as user
from workbench.composition.harvest import Say, Work, open_work, refuse_script
from workbench.composition.place import Place
from workbench.composition.trusting import let_count
from workbench.core.prose import calm, code, one_line, words
from workbench.core.report import headline, report
from workbench.errors import GitError, UsageError, WorkbenchError


@dataclass(frozen=True)
class Proposal:
    """A branch that was pushed, and the pull request for it: its address, or "" where a person opens it
    (``visit`` is then where, if the remote said so)."""

    run: str
    branch: str
    into: str
    commit: str
    landed: int
    tasks: int
    url: str = ""
    visit: str = ""


async def propose(place: Place, wanted: str | None, into: str | None, say: Say) -> Proposal:
    """Push the integration branch to ``origin`` and open a pull request for it; neither the target nor
    any checkout is touched. Without ``gh`` it is only pushed."""
    await let_count(place)
    async with open_work(place, wanted, say) as (_, work):
        state = work.state
        refuse_script(state, into)
        base = (into or state.target).removeprefix("refs/heads/")
        if not await user.has_origin(place.repository):
            raise UsageError(
                "There is no remote called `origin` to push to.",
                "`git remote add origin URL` makes it known.",
            )
        done = Proposal(state.run, work.branch, base, work.tip, work.landed, len(state.tasks))
        try:
            visit = await user.push(place.repository, work.branch)
        except GitError as error:
            raise UsageError(
                f"{error}", "See that `git push origin` works here, then run this again; nothing was forced."
            ) from error
        if not github.installed():
            return replace(done, visit=visit)
        title = calm(one_line(state.plan.title if state.plan else state.run, 200))
        try:
            url = await github.pull_request(
                place.root, head=work.branch, base=base, title=title, body=_body(work)
            )
        except WorkbenchError as error:
            raise UsageError(
                f"{work.branch} was pushed to origin, but {error}",
                "See `gh auth status`, then run this again; or open the pull request on the web.",
            ) from error
        return replace(done, url=url)


def _body(work: Work) -> str:
    """The text of the pull request."""
    result = report(work.state)
    done = [f"- {code(task.id)} {words(task.title)}" for task in result.tasks if task.status == "landed"]
    open_ones = [task for task in result.tasks if task.status != "landed"]
    rest = [f"- {code(task.id)} {words(task.title)}: {task.status}" for task in open_ones]
    green = f"Green on `{work.tip[:10]}`: " + ", ".join(map(code, work.gates)) + "."
    lines = [f"Run {code(result.run)} of workbench, {headline(result).partition(' in ')[0]}.", "", *done]
    lines += ["", "Not part of it:", "", *rest] if rest else []
    return "\n".join([*lines, "", green if work.gates else "No gates were run."])
