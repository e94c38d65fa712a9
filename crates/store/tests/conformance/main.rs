//! One suite for both engines: every case runs on a `SQLite` file and on a real PostgreSQL, each time on a
//! database of its own.
#![expect(clippy::unwrap_used, reason = "a case fails by panicking")]

mod audit;
mod batches;
mod connect_requests;
mod connections;
mod database;
mod garbage;
mod lost_connections;
mod migrations;
mod once;
mod parallel;
#[path = "../support/postgresql.rs"]
mod postgresql;
mod records;
mod sqlite_file;
mod two_processes;
mod world;

use std::{future::Future, pin::Pin, time::Instant};

use database::Database;

type Case = (&'static str, fn(Database) -> Pin<Box<dyn Future<Output = ()> + Send>>);

macro_rules! cases {
    ($($module:ident::$case:ident,)+) => {
        &[$((concat!(stringify!($module), "::", stringify!($case)), |database| Box::pin($module::$case(database)))),+]
    };
}

const CASES: &[Case] = cases! {
    migrations::are_idempotent,
    migrations::may_run_at_once,
    migrations::of_a_newer_version_are_refused,
    migrations::decide_readiness,
    records::users,
    records::invitations,
    records::clients,
    records::sessions_live_with_their_user,
    records::authorization_requests,
    records::consents,
    records::authorization_codes,
    records::grants,
    records::grants_of_a_user_end_together,
    records::refresh_tokens_with_their_grant,
    records::revocations,
    records::signing_keys,
    records::settings,
    records::sealed_values,
    records::access_keys,
    records::demo_items,
    records::a_damaged_row_is_named_without_its_value,
    once::names_and_ids_are_taken_once,
    once::an_invitation_is_used_once,
    once::a_request_is_decided_once_by_its_browser,
    once::a_code_is_redeemed_once,
    once::a_refresh_token_is_rotated_once,
    once::a_signing_key_is_made_once,
    once::a_signature_is_used_once,
    once::statements_about_nothing_are_refused,
    connections::are_read_back,
    connections::of_one_account_are_made_once,
    connections::go_with_all_that_opens_them,
    connections::tell_other_nodes_of_changes,
    connections::are_taken_once_for_a_renewal,
    connections::va_15_a_holder_that_slept_is_fenced_out,
    connections::are_not_renewed_too_early,
    connections::va_11_use_does_not_disturb_a_renewal,
    connections::are_shared_or_changed,
    connections::one_of_many_changes_a_connection,
    connections::revocations_are_tried_by_one_node,
    connect_requests::are_read_back_and_open_once,
    connect_requests::go_their_way_and_no_other,
    connect_requests::take_an_answer_once_and_only_their_own,
    connect_requests::of_the_past_go_unless_something_was_received,
    connect_requests::up_05_the_first_pin_stays,
    batches::are_all_or_nothing,
    batches::do_not_disturb_each_other,
    batches::with_what_cannot_be_stored_are_rejected,
    batches::finish_without_their_caller,
    batches::bind_every_value,
    parallel::one_code_is_redeemed_once,
    parallel::one_refresh_token_is_rotated_once,
    parallel::nodes_agree_on_the_signing_key,
    parallel::one_signature_is_used_once,
    parallel::demo_items_get_different_ids,
    garbage::goes_and_live_rows_stay,
    garbage::of_any_amount_goes,
    garbage::used_signatures_go_when_their_date_is_refused,
    audit::entries_are_read_in_pages,
    audit::a_place_is_taken_once,
    audit::checkpoints,
    audit::is_no_garbage,
    two_processes::redeem_one_code_once,
    two_processes::take_one_credential_once,
    two_processes::rotate_one_refresh_token_once,
    two_processes::killed_while_writing_lose_nothing_acknowledged,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sqlite() {
    run(Database::sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn postgresql() {
    let server = postgresql::Server::shared();
    run(|| Database::postgresql(&server)).await;
}

/// Runs every case and names all that failed; their messages stand above.
async fn run(new_database: impl Fn() -> Database) {
    let mut failed = Vec::new();
    for (name, case) in CASES {
        let started = Instant::now();
        if tokio::spawn(case(new_database())).await.is_err() {
            failed.push(name);
        }
        println!("{name}: {} ms", started.elapsed().as_millis());
    }
    assert!(failed.is_empty(), "failed: {failed:?}");
}
