"""What a run says to GitHub Actions: log commands, annotations, the step's summary, its outputs. Pure.

Whatever others wrote (titles, reasons, what gates print) passes ``commands.harmless``, ``commands.escaped``
or ``markup`` on its way: a line that the runner takes for a command can do more than be read.
"""
