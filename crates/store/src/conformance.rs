//! What every store promises, as named cases. A store passes when `conformance!(ItsHome)` does.

#![allow(
    missing_docs,
    clippy::missing_errors_doc,
    clippy::missing_panics_doc,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "cases fail by panicking, and their names say what they are about"
)]

pub mod audit;
pub mod clients;
pub mod cookies;
pub mod factors;
pub mod faults;
pub mod feed;
pub mod fixtures;
pub mod imported;
pub mod limits;
pub mod links;
pub mod listings;
pub mod moves;
pub mod once;
pub mod past;
pub mod people;
pub mod records;

use std::future::Future;
use std::sync::Arc;

use keyward_engine::ports::Store;

use crate::faults::Faults;

/// An empty place where one kind of store can be opened, again and again.
pub trait Home: Send + Sync {
    /// A place that no store was in.
    fn new() -> Self;
    /// Opens the store of this place, made at the first call. Several may be open at once.
    fn open(&self, faults: Arc<Faults>) -> impl Future<Output = Arc<dyn Store>> + Send;
}

/// One test for each case, against the stores of a [`Home`].
#[macro_export]
macro_rules! conformance {
    ($home:ty) => {
        $crate::conformance!($home;
            records::a_key_comes_back_as_it_was_kept,
            records::digests_are_answered_in_their_order,
            records::users_are_made_once,
            records::pages_are_newest_first,
            records::keys_are_listed_by_what_became_of_them,
            listings::keys_are_found_by_any_part_of_what_they_are_called,
            listings::keys_are_listed_by_their_state,
            listings::every_order_meets_each_key_once,
            listings::users_and_accounts_are_found_and_told_apart,
            records::somebody_elses_key_is_not_found,
            records::changes_are_kept_and_repeating_one_writes_nothing,
            records::refusals_leave_everything_as_it_was,
            records::a_rotation_is_both_or_neither,
            records::what_cannot_be_kept_leaves_nothing,
            records::the_latest_use_wins,
            records::who_still_uses_a_key_is_kept_and_bounded,
            records::an_overlap_is_quiet_only_after_its_last_use,
            records::reopening_keeps_everything,
            records::a_closed_store_says_so,
            people::names_are_their_own_and_lead_to_their_record,
            people::changes_of_people_are_told_and_repeating_one_writes_nothing,
            people::a_session_begins_only_with_the_password_that_counts,
            people::a_refresh_token_is_good_for_one_use,
            cookies::a_session_by_cookie_is_found_by_it_and_ends_with_what_it_rests_on,
            cookies::what_a_user_is_signed_in_by_is_told_and_ends_but_for_one,
            factors::a_second_factor_counts_once_it_is_confirmed,
            factors::what_is_shown_beside_a_password_is_used_up_with_the_session_that_begins,
            links::an_invitation_is_good_once_and_ends_with_what_it_was_for,
            links::a_link_to_the_portal_begins_one_session_of_whom_it_is_for,
            people::a_user_is_read_as_of_a_change,
            people::a_refresh_token_ends_with_its_time_and_its_session,
            people::of_many_uses_at_once_one_succeeds,
            people::signing_keys_come_back_and_are_told,
            people::signing_keys_keep_their_algorithm_and_a_public_half_of_any_length,
            people::sessions_come_in_the_order_of_their_ids,
            moves::a_user_comes_to_another_account_with_its_keys,
            moves::whoever_comes_to_a_paused_account_is_paused_with_it,
            moves::who_stands_for_an_account_in_the_portal_stays_with_it,
            moves::a_reference_is_one_users_and_one_accounts_own,
            moves::what_is_kept_beside_a_key_is_for_operations_alone,
            moves::sessions_are_listed_by_what_carries_them_on,
            once::what_is_to_be_done_once_is_begun_once_and_answered_alike,
            past::what_nobody_can_carry_on_is_let_go,
            clients::a_pair_and_its_clients_session_come_back_as_they_were_kept,
            clients::a_refresh_token_is_bound_to_whom_it_was_given,
            clients::a_clients_session_rests_on_its_key,
            clients::a_password_ends_no_client_and_a_pause_ends_all,
            imported::a_key_of_others_is_found_by_what_was_kept_of_it_and_proven_once,
            imported::peppers_come_back_in_their_order,
            limits::what_was_written_ahead_is_never_forgotten_in_its_window,
            limits::of_many_at_once_each_is_answered_in_its_place,
            limits::a_clock_that_jumps_refills_nothing,
            limits::only_the_same_window_is_given_back,
            limits::windows_that_are_over_are_let_go_in_passing,
            limits::a_line_of_rotations_is_kept,
            limits::a_budget_is_that_of_the_whole_line,
            audit::old_records_go_from_the_beginning_and_only_sealed_ones,
            feed::each_change_is_told_once_with_the_record_as_it_is_now,
            feed::numbers_are_in_commit_order,
            feed::found_keys_and_head_are_one_snapshot,
            feed::a_place_that_is_not_in_the_feed_is_lost,
            feed::another_epoch_loses_every_place,
            faults::a_failing_statement_leaves_all_or_nothing,
            faults::a_caller_that_hangs_up_leaves_all_or_nothing,
            faults::a_spending_that_is_cut_off_is_whole,
            faults::a_failing_read_is_an_error,
        );
    };
    ($home:ty; $($file:ident::$case:ident,)+) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                $crate::conformance::$file::$case::<$home>().await;
            }
        )+
    };
}
