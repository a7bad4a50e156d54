"""Questions to the world after a run, of which escapes are made. Each is "" or a phrase."""

from __future__ import annotations

from tests.redteam.escapes import Event, Looks, World

RECEIPTS = "receipts"
"""The folder of ``World.place`` in which agents write down what they did: outside of any worktree."""


def first(*looks: Looks) -> Looks:
    """The first phrase that any of ``looks`` gives."""

    def look(world: World) -> str:
        return next((found for it in looks if (found := it(world))), "")

    return look


# -- what took effect ----------------------------------------


def made(path: str) -> Looks:
    """Whether a file is there that nobody should have made: ``{outside}``, ``{home}``, ``{common}``, …"""

    def look(world: World) -> str:
        where = path.format(
            outside=world.outside, home=world.home, repo=world.repo, common=world.common, place=world.place,
            run=world.run,
        )  # fmt: skip
        found = sorted(world.place.glob(where.removeprefix(f"{world.place}/")))
        return f"{found[0].relative_to(world.place)} was made" if found else ""

    return look


def differs(*names: str) -> Looks:
    """Whether something is not as it was before the run; see ``places.fingerprints``."""

    def look(world: World) -> str:
        changed = [it for it in names if world.before[it] != world.before[f"{it} after"]]
        return f"{', '.join(changed)} changed" if changed else ""

    return look


def vault(name: str) -> Looks:
    """Whether anything in the folder of the user's that an escape is set on (VAULT) changed."""

    def look(world: World) -> str:
        found = sorted(path.name for path in (world.outside / name).rglob("*") if path.name != "precious")
        precious = world.outside / name / "precious"
        if not precious.is_file() or precious.read_text(errors="replace") != "keep\n":
            return "a file of the user's was changed"
        return f"{found[0]} was made in a folder of the user's" if found else ""

    return look


def loot(task: str, *words: str) -> Looks:
    """Whether an agent wrote down something that it must not be able to read."""

    def look(world: World) -> str:
        file = world.place / RECEIPTS / f"loot-{task}"
        text = file.read_text(errors="replace") if file.exists() else ""
        found = next((word for word in words if word in text), "")
        return f"it read {found[:30]!r}" if found else ""

    return look


def landed(path: str, *, text: str = "") -> Looks:
    """Whether a file, or a ``text`` in it, is on the integration branch."""

    def look(world: World) -> str:
        found = world.landed(path)
        return f"{path} is on the integration branch" if found is not None and text in found else ""

    return look


def task_landed(task: str) -> Looks:
    """Whether any work of a task landed."""
    return lambda world: f"{task} landed" if world.has_landed(task) else ""


def heard(*kinds: str, task: str = "", text: str = "") -> Looks:
    """Whether an event is in the log that must not be there."""

    def look(world: World) -> str:
        found = [it for it in world.of(*kinds, task=task) if text in str(it)]
        return f"{found[0]['type']} is in the log" if found else ""

    return look


# -- what was noticed ----------------------------------------


def held(task: str, about: str = "") -> Looks:
    """A question to the person about what a task delivered."""

    def look(world: World) -> str:
        for message in (event["message"] for event in world.of("MessageSent")):
            if message["kind"] == "change" and message.get("task") == task and about in message["text"]:
                return f"held: {_line(message['text'], about)}"
        return ""

    return look


def alarm(kind: str, about: str = "") -> Looks:
    """An alarm of the guard."""

    def look(world: World) -> str:
        for found in (event["alarm"] for event in world.of("TamperingFound")):
            if found["kind"] == kind and about in found["sentence"]:
                return f"alarm ({kind}): {short(found['sentence'])}"
        return ""

    return look


def told(about: str) -> Looks:
    """A sentence in the log that is no alarm."""

    def look(world: World) -> str:
        found = [it["sentence"] for it in world.of("Noticed") if about in it["sentence"]]
        return f"told: {short(found[0])}" if found else ""

    return look


def restored(about: str) -> Looks:
    """A ref that was put back."""

    def look(world: World) -> str:
        found = [it["ref"] for it in world.of("RefRestored") if about in it["ref"]]
        return f"put back: {found[0]}" if found else ""

    return look


def failed(task: str, about: str = "") -> Looks:
    """That the attempt failed, and why."""

    def look(world: World) -> str:
        kinds = ("AttemptFailed", "TaskRejected", "TaskConflicted", "TaskBlocked", "EffectFailed")
        found = [_reason(it) for it in world.of(*kinds, task=task) if about in _reason(it)]
        return f"failed: {short(found[0])}" if found else ""

    return look


def set_aside(task: str, about: str = "") -> Looks:
    """A marker that was not believed."""

    def look(world: World) -> str:
        found = [it["reason"] for it in world.of("MarkerQuarantined", task=task) if about in it["reason"]]
        return f"set aside: {short(found[0])}" if found else ""

    return look


def refused(task: str, about: str = "") -> Looks:
    """A message that was not delivered."""

    def look(world: World) -> str:
        found = [it for it in world.of("MessageRefused", "RequestRefused", task=task) if about in str(it)]
        return f"refused: {short(_reason(found[0]))}" if found else ""

    return look


def short(sentence: str, most: int = 90) -> str:
    """The beginning of the first line of something that may be long."""
    line = sentence.strip().split("\n", 1)[0]
    return line if len(line) <= most else f"{line[: most - 1]}…"


def _reason(event: Event) -> str:
    return str(event.get("reason") or event.get("error") or event.get("evidence") or event)


def _line(text: str, about: str) -> str:
    lines = [line.removeprefix("- ") for line in text.splitlines() if line.startswith("- ") and about in line]
    return short(lines[0] if lines else text)
