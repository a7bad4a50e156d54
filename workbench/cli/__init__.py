"""The command line: reads records, sends requests, holds no truth.

app         the commands and their options
outcome     errors and exit codes
driving     a run in this process: signals, display, exit code
display     words on a terminal, in a pipe, or as JSON
mark        what teammates call; imports next to nothing
"""
