"""Many features at once: a base, the features people would write on it, and how many of them land green.

    python -m tests.nway FOLDER... [--team N] [--json] [--keep] [--flaky P] [--seed S] [--pairs] [--no-run]

A folder is one set:

    base/, base.tar or base.git         the base: files (or, with base/.git, that repository's HEAD)
    suite                               the command that tests the base, run with `sh -c` at its top level
    features/NAME/feature.patch         a feature, for `git apply` on the base
    features/NAME/tests.patch           optional: its tests, applied after it
    features/NAME/test                  the command that proves the feature
    features/NAME/kind                  optional: what kind of change it is, for the figures by kind

Each set becomes a repository and a plan with a task for each feature, whose gate is the feature's own
command; the suite is the gate of the run. `workbench run --agent command:...` lands them for real; its
agent applies the patches, and where a conflict comes back to it, gives up and says so. Then everything is
judged anew, from the commits alone: the suite and the features' commands are run on the final tip, on every
tip that was ever published, and on what was tried when a feature was sent back. Beside it stands what `git
merge`, one feature after the other, each kept only if it is green, would have landed.

`--flaky P` makes the suite, as a gate, fail at random with probability P, seeded by `--seed`; its first
run, on the base, never does. `--pairs` also merges every pair of features by the model-free rungs, each
proposal gated. `--keep` leaves the repository and the run's events in a temporary folder, and says where.

With `--json` one object: `sets`, a list, and `total`, the sums. Of each set: `set`, `features`; `landed`
and `names`; `green` (landed features whose own command is green on the final tip), `not_landed` (name:
why), `gate_runs` (of candidates), `gate_commands` (all, those on single pieces of work too), `published`
tips, `red_tips` (must be empty), `wrong_evictions` (must be empty), `rungs` (landed resolutions by rung),
`thrown` (those whose gates were red), `flakes` injected, `seconds`, `exit_code` of the run, `baseline`
(`landed`, `names`), and `pairs` (`pairs`, `conflicts`, `resolved` by rung, `left`: what remains, and why).

    sets      the folder format, read and checked
    stage     the repository, the plan, the agent, the flaky suite
    landing   the run, and what its events say
    judge     commands on commits, each verdict once
    verdicts  what the run made of the features, judged anew
    baseline  the same features by `git merge`
    pairs     every pair by the rungs
    page      all of it as text

Exit codes: 0; 1 when a published tip is red, a feature was sent back wrongly, or the run broke; 2 for bad
input.
"""
