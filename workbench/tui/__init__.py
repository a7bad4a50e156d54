"""The terminal front end: reads a run's records, sends requests, holds no truth. Closing it changes nothing.

records -> Watched (core) -> presenting/ (rows and words, no Textual) -> screens and widgets

app.py         the application: follows a run, knows the screens
bench.py       what a screen may ask of the application
presenting/    a run as rows and words; no Textual in it
screens/       one module and one style sheet for each screen
widgets/       what several screens show
"""
