"""What in a repository can run code or steer an agent, and whether somebody trusts it. Pure.

``paths`` knows it of files, ``gitconfig`` of git's configuration; ``items`` holds what was found as values
with hashes, and what was decided about them; ``words`` says it all. Imported one by one: every command has
the events, and with them ``items``, but few need the rest.
"""
