"""A unified diff with the colours of its languages, of which only what can be seen is drawn and coloured."""

from __future__ import annotations

from bisect import bisect_right
from functools import lru_cache
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.color import Color
from textual.strip import Strip

from workbench.tui.presenting.diff import Block, DiffLine, FileDiff, Patch, lines_of, parsed
from workbench.tui.presenting.syntax import Kind, Piece, pieces
from workbench.tui.presenting.table import fitted
from workbench.tui.widgets.lines import Lines

QUICK = 200_000
"""Characters of a diff up to which it is read at once; a longer one is read in a thread."""

BLOCKS = 64
"""Blocks whose colours are remembered."""

_COLOURS: dict[Kind, str] = {
    "comment": "",
    "keyword": "text-accent",
    "string": "text-success",
    "number": "text-warning",
    "name": "text-primary",
    "function": "text-warning",
    "type": "text-secondary",
}


class DiffView(Lines):
    """A diff by files. ``show`` gives it what git printed: None while it is being read, "" when nothing
    differs; ``note`` says what else there is to say. Files that are folded, and the line with the cursor,
    stay so when the diff is shown anew."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right,greater_than_sign", "shift(8)", "Further right", key_display="→", show=False),
        Binding("left,less_than_sign", "shift(-8)", "Further left", key_display="←", show=False),
        Binding("n", "file(1)", "Next file", tooltip="Go to the next file of the diff"),
        Binding("p,N", "file(-1)", "Previous file", tooltip="Go to the file before", show=False),
        Binding("space,enter", "fold", "Fold", tooltip="Fold or unfold the file with the cursor"),
        Binding("z", "fold_all", "Fold all", tooltip="Fold all files, or unfold all", show=False),
    ]

    def __init__(self, *, empty: str = "Nothing differs.", id: str | None = None) -> None:  # noqa: A002
        super().__init__(empty=empty, id=id)
        self.reading = "reading the diff …"
        """What stands there before there is one."""
        self._nothing = empty
        self._note = ""
        self._diff: str | None = None
        self._patch = Patch()
        self._folded: set[str] = set()
        self._starts: list[int] = []
        self._rows = 0
        self._left = 0
        """How many cells of the lines are left out at the left."""
        self._blocks = lru_cache(maxsize=BLOCKS)(self._coloured)
        self.empty = self.reading

    # -- what is shown --------------------------------------------------------------------------

    def show(self, diff: str | None, note: str = "", empty: str | None = None) -> None:
        """Show this diff now; ``empty`` is what stands there when nothing differs, if not as before."""
        if empty is not None and empty != self._nothing:
            self._nothing = empty
            self.empty = self.reading if diff is None else empty
            self.refresh()
        if note != self._note:
            self._note = note
            self.refresh()
        if diff == self._diff:
            return
        self._diff = diff
        self.empty = self.reading if diff is None else self._nothing
        if diff is None or len(diff) <= QUICK:
            self._take(diff, parsed(diff or ""))
            return

        def read() -> None:
            patch = parsed(diff)
            self.app.call_from_thread(self._take, diff, patch)

        self.run_worker(read, group="read diff", exclusive=True, thread=True)

    def _take(self, diff: str | None, patch: Patch) -> None:
        if diff is not self._diff:
            return  # another one came meanwhile
        path, line = self._where()
        self._patch = patch
        self._blocks.cache_clear()
        self._lay_out()
        there = next((it for it, file in enumerate(patch.files) if file.path == path), None)
        if there is None:
            self.changed(self.cursor)
        else:
            room = 0 if path in self._folded else patch.files[there].rows
            self.changed(self._starts[there] + min(line, room))

    def _lay_out(self) -> None:
        self._starts, row = [], 0
        for file in self._patch.files:
            self._starts.append(row)
            row += 1 + (0 if file.path in self._folded else file.rows)
        self._rows = row

    @property
    def count(self) -> int:
        """See Lines."""
        return self._rows

    @property
    def patch(self) -> Patch:
        """The diff as it was read."""
        return self._patch

    @property
    def path(self) -> str:
        """The file with the cursor; "" when there is none."""
        return self._where()[0]

    def _where(self) -> tuple[str, int]:
        """The file with the cursor, and which of its rows that is."""
        if not self._starts:
            return "", 0
        file = self._file_at(self.cursor)
        return self._patch.files[file].path, self.cursor - self._starts[file]

    def _file_at(self, row: int) -> int:
        return max(0, bisect_right(self._starts, row) - 1)

    # -- drawing --------------------------------------------------------------------------------

    def line(self, number: int, width: int, *, at: bool) -> Strip:
        """See Lines."""
        file = self._patch.files[there := self._file_at(number)]
        number -= self._starts[there]
        return self._body(file, number - 1, width, at=at) if number else self._heading(file, width, at=at)

    def summary(self, width: int) -> str:
        """See Lines."""
        patch = self._patch
        if not patch.files:
            return self._note
        here = self._file_at(int(self.scroll_offset.y))
        many = f"file {here + 1} of {len(patch.files):,}" if len(patch.files) > 1 else "1 file"
        said = f"+{patch.added:,} -{patch.removed:,} · {many}: {patch.files[here].path}"
        return f"{said} · {self._note}" if self._note else said

    def _heading(self, file: FileDiff, width: int, *, at: bool) -> Strip:
        base = self.ground(at=at) + self.toned("strong")
        counts = [(f"+{file.added:,}", self.toned("good")), (f" -{file.removed:,}", self.toned("bad"))]
        size = sum(len(text) for text, _ in counts) + 2
        name = f"{'▸' if file.path in self._folded else '▾'} {file.title}"
        room = max(8, width - size - 2)
        parts = [self.mark(at=at)]
        parts.append(Segment(fitted(name, min(room, cell_len(name))), base))
        parts.append(Segment("  ", base))
        parts += [Segment(text, base + tone) for text, tone in counts]
        return Strip(parts).adjust_cell_length(width, base)

    def _body(self, file: FileDiff, row: int, width: int, *, at: bool) -> Strip:
        base = self.ground(at=at)
        if row < len(file.facts):
            said = Segment(fitted(f"  {file.facts[row]}", width - 1), base + self.toned("faint"))
            return Strip([self.mark(at=at), said]).adjust_cell_length(width, base)
        row -= len(file.facts)
        for block in file.blocks:
            if row < block.rows:
                break
            row -= block.rows
        if block.heading is not None:
            if row == 0:
                said = Segment(fitted(f"  {block.heading}", width - 1), base + self.toned("busy"))
                return Strip([self.mark(at=at), said]).adjust_cell_length(width, base)
            row -= 1
        line, code = self._blocks(file.path, block)[row]
        return self._code(line, code, width, at=at)

    def _code(self, line: DiffLine, code: list[Piece], width: int, *, at: bool) -> Strip:
        base, mark = self.ground(at=at), self.mark(at=at)
        if line.sign == "\\":
            return Strip([mark, Segment(f"  {line.text}", base + self.toned("faint"))]).adjust_cell_length(
                width, base
            )
        ground, sign = self._sides(line.sign)
        if not at:
            base += ground
        number = f"{line.number:>5} " if width >= 60 else ""
        parts = [mark, Segment(number, base + Style(dim=True)), Segment(line.sign, base + sign)]
        colours = self._kinds()
        body = Strip([Segment(text, base + colours[kind]) for text, kind in code])
        room = max(1, width - 2 - len(number))
        left = self._left
        cut = body.cell_length - left > room
        body = body.crop(left, left + room - cut).adjust_cell_length(room - cut, base)
        tail = [Segment("…", base + Style(dim=True))] if cut else []
        return Strip([*parts, *body, *tail]).adjust_cell_length(width, base)

    def _sides(self, sign: str) -> tuple[Style, Style]:
        """The background of a line and the colour of its sign."""
        variables = self.app.theme_variables
        if sign == " ":
            return Style(), Style()
        name = "success" if sign == "+" else "error"
        return _side(name, variables.get(name, ""), variables.get("background", ""))

    def _kinds(self) -> dict[Kind, Style]:
        variables = self.app.theme_variables
        return _kinds(tuple(variables.get(name, "") for name in _COLOURS.values()))

    def _coloured(self, path: str, block: Block) -> list[tuple[DiffLine, list[Piece]]]:
        """The lines of a block with their pieces: those that were and those that are, each side by itself."""
        lines = list(lines_of(self._patch, block))
        found: dict[int, list[Piece]] = {}
        for gone in ("+", "-"):
            side = [it for it, line in enumerate(lines) if line.sign not in (gone, "\\")]
            found.update(zip(side, pieces(path, [lines[it].text for it in side]), strict=True))
        return [(line, found.get(it, [(line.text, "")])) for it, line in enumerate(lines)]

    # -- going about ----------------------------------------------------------------------------

    def action_shift(self, by: int) -> None:
        """Look further right or left."""
        self._left = max(0, self._left + by)
        self.refresh()

    def action_file(self, way: int) -> None:
        """The cursor to the next file's heading, or to that of the file before; it is then at the top."""
        if not self._starts:
            return
        here = self._file_at(self.cursor)
        inside = self.cursor > self._starts[here]
        there = here + 1 if way > 0 else here if inside else here - 1
        if 0 <= there < len(self._starts):
            self.go(self._starts[there])
            self.scroll_to(y=self.cursor, animate=False)

    def action_fold(self) -> None:
        """Fold or unfold the file with the cursor."""
        if not self._starts:
            return
        file = self._file_at(self.cursor)
        self._folded ^= {self._patch.files[file].path}
        self._lay_out()
        first = self._starts[file]
        self.changed(first)
        if self._patch.files[file].path not in self._folded:
            self.reveal(first, first + self._patch.files[file].rows)

    def action_fold_all(self) -> None:
        """Fold all files, or unfold them when all are."""
        path, _ = self._where()
        every = {file.path for file in self._patch.files}
        self._folded = set() if every <= self._folded else every
        self._lay_out()
        there = next((it for it, file in enumerate(self._patch.files) if file.path == path), None)
        self.changed(self._starts[there] if there is not None else 0)

    def on_click(self, event: events.Click) -> None:
        """A click moves the cursor; one on a heading folds the file."""
        if (number := self.pointed(event)) is not None:
            self.go(number)
            if number in self._starts:
                self.action_fold()


@lru_cache(maxsize=64)
def _side(name: str, colour: str, background: str) -> tuple[Style, Style]:
    """Where the theme is of the terminal's own colours, only the sign has one."""
    if not colour:
        return Style(), Style(bold=True)
    made = Color.parse(colour)
    sign = Style(color=made.rich_color, bold=True)
    if made.ansi is not None or not background or Color.parse(background).ansi is not None:
        return Style(), sign
    return Style(bgcolor=made.blend(Color.parse(background), 0.86, alpha=1).rich_color), sign


@lru_cache(maxsize=16)
def _kinds(colours: tuple[str, ...]) -> dict[Kind, Style]:
    found: dict[Kind, Style] = {"": Style()}
    for kind, colour in zip(_COLOURS, colours, strict=True):
        found[kind] = Style(color=Color.parse(colour).rich_color) if colour else Style()
    found["comment"] = Style(dim=True, italic=True)
    return found
