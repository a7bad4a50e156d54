"""The fault table, proven: each fault that a run must survive, and the tests that inject it.

``hostile.py`` is a teammate (a command agent) with a deed for each fault an agent can commit,
``hostile.yaml`` a model for the real Claude Code with one for each fault of an API. The tests drive the real
command line on real git and real processes. A row below is the fault, what a user expects, and who proves
it; names without a folder are in this one. ``test_table.py`` holds that every test named here exists, and
that every test in this folder is named.

kill -9 at any step; power loss
    Resume goes on, nothing is lost or landed twice.
    tests/e2e/test_command_agent.py::test_kill_9_and_resume_lose_nothing_and_double_nothing
    tests/e2e/test_claude.py::test_kill_9_in_the_middle_and_resume
    tests/properties/test_kills.py::test_killed_at_any_point_nothing_is_lost_or_landed_twice
    tests/properties/test_kills.py::test_killed_at_any_point_the_same_tree_comes_of_it
    tests/engine/test_run.py::test_dying_at_any_transaction_loses_and_doubles_nothing
    tests/adapters/test_command.py::test_orphans_of_this_run_and_this_repository_only

kill -9 inside the making of a worktree
    Ours is mended, other people's half-made one is left alone.
    test_killed.py::test_kill_9_inside_worktree_creation_is_mended_and_a_foreign_half_made_one_is_left_alone
    tests/adapters/git/test_worktrees.py::test_killed_while_checking_out
    tests/adapters/git/test_worktrees.py::test_leftovers_of_a_killed_process_are_mended

agent crash, hang, zombie, endless output, invalid UTF-8
    Its tree is killed, its work kept, tries and buffers are bounded.
    test_agents.py::test_agent_crash_is_explained_and_its_work_kept
    test_agents.py::test_agent_crash_is_tried_again_a_bounded_number_of_times
    test_agents.py::test_agent_that_hangs_is_ended_with_its_children_when_the_run_is_stopped
    tests/e2e/test_limits.py::test_a_hang_is_ended_with_all_it_started_and_the_next_attempt_has_its_work
    test_agents.py::test_agent_zombie_and_daemons_are_gone_before_the_work_is_taken
    test_agents.py::test_agent_endless_output_stays_bounded_everywhere
    test_agents.py::test_agent_output_that_is_invalid_utf_8_harms_nothing
    test_agents.py::test_agent_writes_huge_files_and_they_land_whole
    tests/adapters/test_command.py::test_endless_output_stays_bounded_and_is_told_now_and_then
    tests/adapters/test_gates.py::test_endless_output_ends_with_its_time_and_stays_small

agent says done without committing
    What is there is committed, marked as a snapshot; an empty diff is no success.
    test_agents.py::test_agent_says_done_without_committing_and_a_snapshot_marked_as_such_lands
    test_agents.py::test_agent_says_done_with_an_empty_diff_and_that_is_no_success
    tests/e2e/test_command_agent.py::test_an_agent_that_does_nothing_is_no_success

agent deletes its worktree or .git file
    The attempt fails, its work is kept, git never answers for a parent.
    test_agents.py::test_agent_deletes_its_git_file_and_git_never_answers_for_a_parent
    test_agents.py::test_agent_deletes_its_worktree_and_what_it_committed_is_kept
    tests/adapters/git/test_worktrees.py::test_a_deleted_git_file_never_makes_git_answer_for_a_parent

agent moves refs, rewrites history
    What is not its own is never taken for its work.
    tests/e2e/test_command_agent.py::test_a_branch_that_is_moved_back_during_the_run_is_put_back
    tests/e2e/test_command_agent.py::test_a_branch_that_was_moved_back_is_no_success
    tests/adapters/git/test_worktrees.py::test_rewritten_history_and_orphans_are_collected
    tests/adapters/git/test_worktrees.py::test_leftovers_on_a_foreign_branch_do_not_move_it

agent edits outside its worktree
    Denied.
    tests/e2e/test_claude.py::test_a_write_outside_the_worktree_is_denied
    tests/adapters/claude/test_permissions.py::test_the_sandbox_keeps_commands_inside

user edits or commits on the target during the run
    Their index and files are not touched; landing merges, gates, or refuses.
    test_person.py::test_user_edits_and_commits_on_the_target_during_the_run
    test_person.py::test_user_conflicts_with_the_work_on_the_target_and_nothing_is_touched
    test_person.py::test_user_commits_on_the_integration_branch_during_the_run_and_it_is_kept_aside

two runs at once in one repository
    The second is refused, naming the owner; what a dead owner left is no obstacle.
    tests/e2e/test_trouble.py::test_a_second_run_names_the_owner
    test_locks.py::test_two_runs_at_once_the_second_is_refused_naming_the_owner_whatever_it_is_asked
    test_locks.py::test_two_runs_stale_lock_of_a_killed_owner_is_no_obstacle
    test_locks.py::test_two_runs_stale_lock_whose_pid_lives_on_as_something_else_is_no_obstacle

disk that cannot be written, too many files
    Said before anything starts, or the run stops with the reason and can be resumed.
    test_machine.py::test_read_only_state_folder_is_refused_in_a_sentence
    test_machine.py::test_read_only_state_folder_leaves_the_last_state_readable
    test_machine.py::test_read_only_refs_stop_the_run_at_once_with_the_reason
    test_machine.py::test_too_many_files_soft_limit_is_raised_by_the_run
    test_machine.py::test_too_many_files_hard_limit_is_a_sentence_before_anything_starts
    test_machine.py::test_too_many_files_even_for_a_command_is_no_bug_of_ours
    test_machine.py::test_too_many_files_a_limit_that_is_high_enough_stays
    tests/e2e/test_trouble.py::test_worktrees_that_cannot_be_made

index.lock, ref lock
    Waited for; removed only when its owner is proven dead.
    test_locks.py::test_index_lock_and_ref_locks_left_by_a_killed_git_are_removed
    test_locks.py::test_index_lock_of_a_living_git_is_never_removed
    test_locks.py::test_index_lock_of_a_living_git_in_the_users_checkout_is_waited_for_by_land
    tests/adapters/git/test_plumbing.py::test_the_lock_of_a_killed_git_is_removed_from_a_ref_of_ours
    tests/adapters/git/test_plumbing.py::test_a_lock_that_somebody_may_hold_stays
    tests/adapters/git/test_plumbing.py::test_a_lock_held_for_a_moment_is_waited_out

clock jump
    No order, no duration and no deadline breaks.
    test_machine.py::test_clock_jump_breaks_no_order_no_duration_and_no_deadline
    test_machine.py::test_clock_jump_set_back_between_a_kill_and_its_resume

SIGINT, SIGTERM, SIGHUP, terminal closed
    First gracefully, second at once; whatever is going on, it can be resumed or done again.
    tests/e2e/test_command_agent.py::test_ctrl_c_keeps_what_there_is_and_resume_finishes
    test_stopping.py::test_signals_first_stops_gracefully_and_resume_goes_on
    test_stopping.py::test_signals_second_ends_at_once_and_resume_goes_on
    test_stopping.py::test_signals_during_start_up
    test_stopping.py::test_signals_during_the_base_gate
    test_stopping.py::test_signals_during_land
    test_stopping.py::test_signals_during_resume
    test_stopping.py::test_terminal_closed_in_the_middle_stops_gracefully_and_resume_goes_on
    test_stopping.py::test_terminal_closed_under_a_shell_that_passes_the_hangup_on_stops_gracefully
    test_stopping.py::test_stdout_closed_and_the_run_goes_on_to_its_end
    test_stopping.py::test_stdout_closed_and_the_exit_code_is_still_the_runs
    test_stopping.py::test_stdout_closed_and_nothing_is_said

429, 529, usage limit, overloaded, broken streams
    Waited out, no attempt is burned.
    test_models.py::test_overloaded_529_is_waited_out_and_no_attempt_is_burned
    test_models.py::test_rate_limit_429_is_waited_out_and_no_attempt_is_burned
    test_models.py::test_usage_limit_is_a_pause_with_a_time_and_the_run_goes_on_at_it
    tests/e2e/test_limits.py::test_a_model_that_stays_overloaded_pauses_the_run_and_the_same_session_goes_on
    tests/e2e/test_limits.py::test_a_command_that_meets_a_limit_is_started_again_later_and_no_attempt_counts
    test_models.py::test_broken_streams_lose_nothing
    test_models.py::test_a_refusal_is_survived
    test_models.py::test_a_refusal_to_the_end_is_no_success_and_keeps_the_work
    test_models.py::test_invalid_tool_input_is_the_models_to_mend
    test_models.py::test_huge_tool_output_stays_out_of_events
    tests/rehearsal/test_claude.py::test_silence_ends_with_the_clients_patience

key missing or expired
    One clear message, and after the login it goes on; is_error is trusted, not exit 0.
    tests/e2e/test_trouble.py::test_no_login_says_how
    tests/e2e/test_claude.py::test_a_refused_key_stops_the_run_and_says_how_to_sign_in
    test_models.py::test_key_expired_in_mid_run_pauses_with_one_message_and_resumes_after_login
    test_models.py::test_is_error_is_believed_over_success_and_exit_0
    tests/rehearsal/test_claude.py::test_a_refused_key_is_an_error_that_calls_itself_success

budget reached
    No new attempts, work kept, and more money lets it go on.
    tests/engine/test_run.py::test_the_budget_ends_a_run_that_can_go_on_with_more
    tests/adapters/claude/test_agent.py::test_a_spent_budget_is_named

out of memory
    Exit 137 is shown as what it is.
    tests/adapters/test_gates.py::test_special_exits_are_explained
    tests/adapters/test_command.py::test_failing_is_explained

hostile plan, marker, message, branch or file name
    Refused or escaped; nothing reaches a shell or git as an option; links are not followed.
    test_words.py::test_hostile_plan_is_refused_in_a_sentence
    test_words.py::test_hostile_plan_that_is_no_text_is_refused_in_a_sentence
    test_words.py::test_hostile_plan_words_reach_no_shell_and_no_git_as_an_option
    test_words.py::test_hostile_markers_messages_file_names_and_branches_reach_no_shell_and_no_git
    test_words.py::test_hostile_branch_names_of_the_agent_keep_the_run_going
    test_words.py::test_symlinks_in_the_place_of_what_workbench_writes_are_not_followed
    test_words.py::test_symlinks_in_the_work_land_as_links_and_land_does_not_write_through_them
    test_words.py::test_symlinks_swapped_in_while_messages_are_delivered_are_not_followed

submodules, LFS, hooks, sparse checkouts, case clashes, no commits, detached HEAD, shallow clone, dirty tree
    Told by doctor in a sentence, and handled or refused.
    test_repositories.py::test_submodules_are_told_and_stay_as_they_are
    test_repositories.py::test_lfs_pointers_are_told_and_stay_pointers
    test_repositories.py::test_repo_hooks_are_told_and_run_for_people_only
    test_repositories.py::test_repo_hooks_that_refuse_a_teammates_commit_are_its_to_deal_with
    test_repositories.py::test_sparse_checkouts_are_told_and_the_team_gets_everything
    test_repositories.py::test_case_clashes_are_told_where_they_matter_and_land_where_they_do_not
    test_repositories.py::test_no_commits_yet_is_told_by_doctor
    test_repositories.py::test_detached_head_is_told_and_lands_where_it_is_told
    test_repositories.py::test_shallow_clone_is_told_and_lands
    test_repositories.py::test_dirty_tree_is_told_by_doctor
    test_repositories.py::test_a_repository_that_is_called_from_a_hook_or_alias_is_not_mistaken
    tests/e2e/test_trouble.py::test_no_commits
    tests/e2e/test_trouble.py::test_a_detached_head_is_fine
    tests/e2e/test_trouble.py::test_a_dirty_tree_is_allowed_and_said
"""
