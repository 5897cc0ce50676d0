//! The store's tests, written against the trait: another backend needs one more `backend!` line and a way to open it empty.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod model;
mod stories;
mod world;

/// Runs every story on one backend.
macro_rules! backend {
    ($backend:ident, $($story:ident)*) => {
        mod $backend {
            $(
                #[tokio::test]
                async fn $story() {
                    let (store, _folder) = super::world::$backend().await;
                    super::stories::$story(&super::world::World::new(store).await).await;
                }
            )*

            #[test]
            fn random_operations_agree_with_the_model() {
                super::model::run(|| super::world::$backend());
            }
        }
    };
}

backend! { sqlite,
    a_unit_lives_from_queue_to_collection
    a_lease_runs_out_by_time_alone
    the_same_wish_gets_the_same_lease
    a_late_proof_is_taken_and_the_other_donor_superseded
    the_second_proof_of_a_unit_is_already_proved
    the_same_submission_gets_the_same_receipt
    a_submission_without_an_attempt_gets_a_row
    executions_are_lent_to_provers
    a_bad_execution_goes_back_and_marks_its_executor
    failures_on_several_donors_set_a_unit_aside
    a_unit_is_not_lent_again_to_a_donor_on_which_it_failed
    refusals_end_the_attempt
    there_is_a_reason_for_no_work
    leases_end_at_last
    batches_are_all_or_nothing
    a_project_keeps_its_program
    withdrawn_is_withdrawn
    pages_are_complete
    weights_share_the_work
    nonces_are_remembered_while_they_count
    keys_are_found_and_revoked
    donors_can_be_blocked
    two_connections_lend_each_unit_once
    what_is_stored_survives_reopening
}
