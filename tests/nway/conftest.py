"""The sets are projects of their own: their tests are not ours."""

collect_ignore = ["sets"]
