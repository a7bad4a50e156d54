"""A world that goes wrong, by dice: what is asked of it takes time, fails, or is the last thing that a
process did.

    Weather      how much goes wrong in one run, and the dice that say when
    Life         one process: alive until it is killed, and then nothing that it asks for happens any more
    faulty       any port, with the weather between it and whoever asks
    Roughnecks   teammates that crash, hang, chatter, forget, lie and hit rate limits

They stand around the fakes of ``workbench.testing`` and need a loop in virtual time (``testing.clock``).
"""

from workbench.testing.faults.agents import Roughnecks
from workbench.testing.faults.ports import FaultyMarkers, FaultyStore, faulty
from workbench.testing.faults.weather import Life, Trouble, Weather

__all__ = ["FaultyMarkers", "FaultyStore", "Life", "Roughnecks", "Trouble", "Weather", "faulty"]
