"""Whole runs of the real engine in a world of dice: one seed, one history, byte for byte.

    Universe(seed).play()

The engine, its effects, recovery and the core are the real ones. Clock, network, disk, git, teammates and
the person at the keyboard come from the seed. A run is played to its end through as many processes as it
takes; what must hold is looked at on the way and at the end, and a broken rule names the seed and the
command that plays it again. ``python -m workbench.testing.universe`` plays many.
"""

from workbench.testing.universe.history import Broken, Universe

__all__ = ["Broken", "Universe"]
