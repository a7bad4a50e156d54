"""The GitHub action and workflow, run in a runner that stands in for GitHub's."""
