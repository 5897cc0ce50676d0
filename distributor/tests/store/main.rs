//! The store's tests, written against the trait: another backend needs one more line at the end, which says where an empty
//! store of it is.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod model;
mod stories;
mod trust;
mod world;

/// The stories of a file as tests on the store at a place.
macro_rules! stories {
    ($place:expr, $about:ident; $($story:ident)*) => {
        $(
            #[tokio::test]
            async fn $story() {
                let folder = tempfile::tempdir().unwrap();
                crate::stories::$about::$story(&crate::world::World::open(&$place(folder.path())).await).await;
            }
        )*
    };
}

/// All tests on one backend, given where an empty store of it is: a function of an empty folder.
macro_rules! backend {
    ($backend:ident, $place:expr) => {
        mod $backend {
            stories! { $place, units;
                a_unit_lives_from_queue_to_collection
                a_lease_runs_out_by_time_alone
                a_late_proof_is_taken_and_the_other_donor_superseded
                the_second_proof_of_a_unit_is_already_proved
                the_same_submission_gets_the_same_receipt
                a_submission_without_an_attempt_gets_a_row
                executions_are_lent_to_provers
                a_unit_lets_go_of_its_execution
                refusals_end_the_attempt
                pages_are_complete
            }
            stories! { $place, batches;
                a_lease_of_several_units_is_filled_and_proved_at_once
                a_lease_holds_what_fits
                newcomers_hold_few_units_however_they_ask
                suspect_units_are_lent_alone
                units_are_given_back_one_by_one
                renewing_says_what_is_settled
                overlapping_proofs_count_for_what_is_open
                the_same_batch_gets_the_same_answer
                a_refused_batch_accuses_no_unit
                a_batch_is_of_one_project_and_of_known_units
                provers_are_lent_several_executions
                a_file_counts_once_however_many_units_it_has
                collected_proofs_are_let_go_by_their_rule
                a_sample_is_drawn_by_the_root
                a_unit_is_proven_again
            }
            stories! { $place, lending;
                the_same_wish_gets_the_same_lease
                leases_of_newcomers_are_few
                a_newcomer_renews_for_a_shorter_time
                a_lease_of_a_wrong_clock_is_over
                a_unit_is_not_lent_again_to_a_donor_on_which_it_failed
                there_is_a_reason_for_no_work
                leases_end_at_last
                weights_share_the_work
                two_connections_lend_each_unit_once
            }
            stories! { $place, reports;
                a_report_of_a_bad_execution_is_looked_into
                strangers_make_a_unit_suspect_and_no_more
                a_unit_is_set_aside_by_most_of_the_work
                work_without_a_lease_earns_no_trust
                a_donor_that_the_operator_names_needs_no_majority
                a_wrong_report_costs_all_standing
                a_limit_that_was_raised_makes_nobody_a_liar
                refused_proofs_end_somewhere_too
                trusted_donors_look_at_suspect_units_first
            }
            stories! { $place, projects;
                a_large_project_is_withdrawn_in_batches
                projects_belong_to_their_owner
                an_owner_may_only_lower_the_weight
                quotas_are_kept
                batches_are_all_or_nothing
                a_project_keeps_its_program
                withdrawn_is_withdrawn
            }
            stories! { $place, statistics;
                what_is_credited_is_counted_once_everywhere
                what_is_counted_is_counted_by_time
                what_is_proven_counts_for_the_team_of_that_time
                who_is_blocked_is_not_shown_around
                owners_tell_visitors_about_projects
                projects_are_seen_at_a_glance
                proofs_and_values_are_listed
                what_was_credited_outlives_its_project
            }
            stories! { $place, removal;
                withdrawn_projects_are_listed_for_who_asks
                a_project_is_deleted_with_all_that_belongs_to_it
                a_project_is_not_deleted_under_a_donor
                a_large_project_is_deleted_in_batches
            }
            stories! { $place, keeping;
                what_grows_is_folded
                nonces_are_remembered_while_they_count
                keys_are_found_and_revoked
                donors_can_be_blocked
                what_is_stored_survives_reopening
            }

            #[test]
            fn a_hostile_minority_of_work_fails_no_good_unit() {
                crate::trust::run($place);
            }

            #[test]
            fn random_operations_agree_with_the_model() {
                crate::model::run($place);
            }
        }
    };
}

backend!(sqlite, |folder: &std::path::Path| distributor::location::Location::new("sqlite", folder.join("cairn.db")));
