"""Whole runs of the pure core against a world made of dice: no I/O, thousands of runs a minute.

    Simulation(tasks, settings, seed).play()

``testing.universe`` plays the whole engine; this plays the core alone, in every order of events that any
engine could bring about, and undoes landings on the way.
"""

from workbench.testing.simulation.odds import CALM, Odds
from workbench.testing.simulation.run import Simulation

__all__ = ["CALM", "Odds", "Simulation"]
