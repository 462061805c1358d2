//! When what was counted leaves its core: few counts at once, those of a flood once a second, all of them at the end.

use super::*;

#[test]
fn few_counts_go_at_once_and_many_when_their_second_is_over() {
    for (addresses, rows) in [(16, [16, 16, 16, 16]), (17, [0, 0, 0, 17])] {
        let (recording, mut batches) = Recording::kept(0);
        let ledger = Ledger::new(recording);
        let verdict = Verdict::of("NoCredential", None);
        // Four times a second a core hands over what it has.
        let handed_over = rows.map(|_| {
            for n in 0..addresses {
                close(&ledger, SECOND, u64::from(n), &verdict, address(n));
            }
            ledger.flush();
            folds(&std::iter::from_fn(|| batches.try_recv().ok()).collect::<Vec<_>>()).count()
        });
        assert_eq!(handed_over, rows);
    }
}

#[test]
fn what_waits_for_its_second_is_handed_over_at_the_end() {
    let (recording, mut batches) = Recording::kept(0);
    let ledger = Ledger::new(recording);
    let verdict = Verdict::of("NoCredential", None);
    for n in 0..40 {
        close(&ledger, SECOND, u64::from(n), &verdict, address(n));
    }
    ledger.flush();
    drop(ledger);
    assert_eq!(total(&std::iter::from_fn(|| batches.try_recv().ok()).collect::<Vec<_>>()), 40);
}

#[test]
fn what_is_closed_as_a_core_ends_is_handed_over() {
    let (recording, mut batches) = Recording::kept(10);
    let ledger = Ledger::new(recording);
    close(&ledger, SECOND, 1, &Verdict::of("ClientGone", None), address(1));
    drop(ledger);
    assert_eq!(batches.try_recv().map(|batch| batch.total()), Ok(1));
}
