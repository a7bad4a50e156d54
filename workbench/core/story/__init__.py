"""A run in words, for every front end: no terminal, no colour. A line has a tone, and a display shows it.

words.py    what a line is; text cut to a line
events.py   what happened, a line for each event that is worth one
mail.py     what the team writes and asks, and who waits for whom
team.py     the team and its tasks as they stand
story.py    the lines of one display, each thing told once
onward.py   what to do about a run at which nobody works
spoken.py   the run in whole sentences
"""

from workbench.core.story.story import Story
from workbench.core.story.words import Line, Tone, clock_time, gist, short, shown

__all__ = ["Line", "Story", "Tone", "clock_time", "gist", "short", "shown"]
