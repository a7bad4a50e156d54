"""A run as a step of a GitHub Actions job: what is around it, its log, and what it leaves for other steps."""
