"""workbench: an approved plan becomes landed work."""
