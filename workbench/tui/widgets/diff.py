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
from textual.geometry import Region, Size
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from workbench.tui.presenting.diff import Block, DiffLine, FileDiff, Patch, lines_of, parsed
from workbench.tui.presenting.syntax import Kind, Piece, pieces
from workbench.tui.presenting.table import fitted
from workbench.tui.tones import style

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


class DiffView(ScrollView, can_focus=True):
    """A diff by files. ``show`` gives it what git printed: None while it is being read, "" when nothing
    differs; ``note`` says what else there is to say. Files that are folded, and the line with the cursor,
    stay so when the diff is shown anew."""

    DEFAULT_CSS = """
    DiffView { height: 1fr; scrollbar-size-vertical: 1; scrollbar-size-horizontal: 0; }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {"rows--heading", "rows--cursor"}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j", "move(1)", "Down", show=False),
        Binding("up,k", "move(-1)", "Up", show=False),
        Binding("pagedown,ctrl+f", "page(1)", "Page down", show=False),
        Binding("pageup,ctrl+b", "page(-1)", "Page up", show=False),
        Binding("home,g", "edge(-1)", "First line", show=False),
        Binding("end,G", "edge(1)", "Last line", show=False),
        Binding("right,greater_than_sign", "shift(8)", "Further right", key_display="→", show=False),
        Binding("left,less_than_sign", "shift(-8)", "Further left", key_display="←", show=False),
        Binding("n", "file(1)", "Next file", tooltip="Go to the next file of the diff"),
        Binding("p,N", "file(-1)", "Previous", tooltip="Go to the file before", show=False),
        Binding("space,enter", "fold", "Fold", tooltip="Fold or unfold the file with the cursor"),
        Binding("z", "fold_all", "Fold all", tooltip="Fold all files, or unfold all", show=False),
    ]

    cursor: reactive[int] = reactive(0, repaint=False)

    def __init__(self, *, empty: str = "Nothing differs.", id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.empty = empty
        """What stands there when nothing differs."""
        self.reading = "reading the diff …"
        """What stands there before there is one."""
        self._note = ""
        self._diff: str | None = None
        self._patch = Patch()
        self._folded: set[str] = set()
        self._starts: list[int] = []
        self._rows = 0
        self._left = 0
        """How many cells of the lines are left out at the left."""
        self._blocks = lru_cache(maxsize=BLOCKS)(self._coloured)

    # -- what is shown --------------------------------------------------------------------------

    def show(self, diff: str | None, note: str = "") -> None:
        """Show this diff now."""
        if note != self._note:
            self._note = note
            self.refresh()
        if diff == self._diff:
            return
        self._diff = diff
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
        if there is not None:
            room = 0 if path in self._folded else patch.files[there].rows
            self.cursor = self._starts[there] + min(line, room)
        else:
            self.cursor = min(self.cursor, max(0, self._rows - 1))
        self.refresh()

    def _lay_out(self) -> None:
        self._starts, row = [], 0
        for file in self._patch.files:
            self._starts.append(row)
            row += 1 + (0 if file.path in self._folded else file.rows)
        self._rows = row
        self.virtual_size = Size(self.size.width, row + 1)

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

    def render_line(self, y: int) -> Strip:
        """See ScrollView."""
        width, base = self.size.width, self.rich_style
        top = int(self.scroll_offset.y)
        if y == 0:
            return self._summary(top, width)
        row = y - 1 + top
        if row >= self._rows:
            said = ""
            if row == 0:
                said = self.reading if self._diff is None else self.empty
            return Strip(
                [Segment(f" {said}", base + style("faint", self.app.current_theme))]
            ).adjust_cell_length(width, base)
        at = row == self.cursor
        file = self._patch.files[number := self._file_at(row)]
        row -= self._starts[number]
        if row == 0:
            return self._heading(file, width, at=at)
        return self._body(file, row - 1, width, at=at)

    def _summary(self, top: int, width: int) -> Strip:
        heading = self.get_component_rich_style("rows--heading")
        patch = self._patch
        said = ""
        if patch.files:
            number = self._file_at(top)
            files = "file" if len(patch.files) == 1 else f"files, {number + 1}: {patch.files[number].path}"
            said = f"+{patch.added:,} -{patch.removed:,} in {len(patch.files):,} {files}"
        if self._note:
            said = f"{self._note} · {said}" if said else self._note
        return Strip([Segment(fitted(f" {said}", width), heading)])

    def _heading(self, file: FileDiff, width: int, *, at: bool) -> Strip:
        theme = self.app.current_theme
        base = self._row_style(at=at) + style("strong", theme)
        counts = [(f"+{file.added:,}", style("good", theme)), (f" -{file.removed:,}", style("bad", theme))]
        size = sum(len(text) for text, _ in counts) + 2
        name = f"{'▸' if file.path in self._folded else '▾'} {file.title}"
        room = max(8, width - size - 2)
        parts = [Segment("▌" if at else " ", base + style("accent", theme))]
        parts.append(Segment(fitted(name, min(room, cell_len(name))), base))
        parts.append(Segment("  ", base))
        parts += [Segment(text, base + tone) for text, tone in counts]
        return Strip(parts).adjust_cell_length(width, base)

    def _body(self, file: FileDiff, row: int, width: int, *, at: bool) -> Strip:
        theme = self.app.current_theme
        base = self._row_style(at=at)
        mark = Segment("▌" if at else " ", base + style("accent", theme))
        if row < len(file.facts):
            said = Segment(fitted(f"  {file.facts[row]}", width - 1), base + style("faint", theme))
            return Strip([mark, said]).adjust_cell_length(width, base)
        row -= len(file.facts)
        for block in file.blocks:
            if row < block.rows:
                break
            row -= block.rows
        if block.heading is not None:
            if row == 0:
                said = Segment(fitted(f"  {block.heading}", width - 1), base + style("busy", theme))
                return Strip([mark, said]).adjust_cell_length(width, base)
            row -= 1
        line, code = self._blocks(file.path, block)[row]
        return self._line(mark, line, code, width, at=at)

    def _line(self, mark: Segment, line: DiffLine, code: list[Piece], width: int, *, at: bool) -> Strip:
        theme = self.app.current_theme
        base = self._row_style(at=at)
        if line.sign == "\\":
            return Strip([mark, Segment(f"  {line.text}", base + style("faint", theme))]).adjust_cell_length(
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

    def _row_style(self, *, at: bool) -> Style:
        return self.get_component_rich_style("rows--cursor") if at and self.has_focus else self.rich_style

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

    def _draw(self, row: int) -> None:
        y = row + 1 - int(self.scroll_offset.y)
        if 0 < y < self.size.height:
            self.refresh(Region(0, y, self.size.width, 1))

    def on_resize(self) -> None:
        self.virtual_size = Size(self.size.width, self._rows + 1)
        self._reveal()
        self.refresh()

    def _reveal(self) -> None:
        top, height = int(self.scroll_offset.y), max(1, self.size.height - 1)
        if self.cursor < top:
            self.scroll_to(y=self.cursor, animate=False)
        elif self.cursor >= top + height:
            self.scroll_to(y=self.cursor - height + 1, animate=False)

    def watch_cursor(self, before: int, now: int) -> None:
        """Draw the two rows."""
        self._draw(before)
        self._draw(now)
        self._reveal()

    def on_focus(self) -> None:
        self._draw(self.cursor)

    def on_blur(self) -> None:
        self._draw(self.cursor)

    def _go(self, row: int) -> None:
        self.cursor = max(0, min(row, self._rows - 1))

    def action_move(self, by: int) -> None:
        """The cursor by so many lines."""
        self._go(self.cursor + by)

    def action_page(self, by: int) -> None:
        """The cursor by so many screens."""
        self._go(self.cursor + by * max(1, self.size.height - 2))

    def action_edge(self, way: int) -> None:
        """The cursor to the first line or to the last."""
        self._go(0 if way < 0 else self._rows - 1)

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
            self._go(self._starts[there])
            self.scroll_to(y=self.cursor, animate=False)

    def action_fold(self) -> None:
        """Fold or unfold the file with the cursor."""
        if not self._starts:
            return
        file = self._file_at(self.cursor)
        self._folded ^= {self._patch.files[file].path}
        self._lay_out()
        self._go(self._starts[file])
        self.refresh()

    def action_fold_all(self) -> None:
        """Fold all files, or unfold them when all are."""
        path, _ = self._where()
        every = {file.path for file in self._patch.files}
        self._folded = set() if every <= self._folded else every
        self._lay_out()
        there = next((it for it, file in enumerate(self._patch.files) if file.path == path), None)
        self._go(self._starts[there] if there is not None else 0)
        self.refresh()

    def on_click(self, event: events.Click) -> None:
        """A click moves the cursor; one on a heading folds the file."""
        row = event.y - 1 + int(self.scroll_offset.y)
        if event.y == 0 or row >= self._rows:
            return
        self._go(row)
        if row in self._starts:
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
