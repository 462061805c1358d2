//! Classes of spans meet end to end and are narrow, and a quantile is off by no more than one.

#![allow(clippy::unwrap_used, clippy::cast_precision_loss, reason = "tests fail by panicking, with small numbers")]

use std::time::Duration;

use proptest::prelude::*;

use super::{CLASSES, Class, quantile};

#[test]
fn classes_meet_end_to_end_and_are_an_eighth_wide_at_most() {
    for number in 1..u8::try_from(CLASSES).unwrap() {
        let class = Class::numbered(number);
        assert_eq!(class.begin(), Class::numbered(number - 1).end(), "{number}");
        assert!(class.begin() <= 8 || (class.end() - class.begin()) * 8 <= class.begin(), "{number}");
        for micros in [class.begin(), class.end() - 1] {
            assert_eq!(Class::of(Duration::from_micros(micros)), class, "{micros} µs");
        }
    }
    assert_eq!(usize::from(Class::of(Duration::MAX).number()), CLASSES - 1);
    assert_eq!(Class::numbered(u8::try_from(CLASSES - 1).unwrap()).begin() / 60_000_000, 16, "minutes");
}

#[test]
fn of_no_spans_there_is_no_quantile() {
    assert_eq!(quantile(&[], 0.5), None);
    assert_eq!(quantile(&[(Class::numbered(3), 0)], 0.99), None);
}

proptest! {
    #[test]
    fn a_quantile_is_off_by_an_eighth_at_most(
        mut micros in proptest::collection::vec(1..100_000_000_u64, 1..300), part in 0.01..1.0_f64,
    ) {
        micros.sort_unstable();
        let mut spans: Vec<(Class, u64)> = Vec::new();
        for one in &micros {
            let class = Class::of(Duration::from_micros(*one));
            match spans.last_mut() {
                Some((last, count)) if *last == class => *count += 1,
                _ => spans.push((class, 1)),
            }
        }
        let told = quantile(&spans, part).unwrap();
        // The first span that as many as were asked for do not exceed.
        let place = (0..micros.len()).find(|place| (place + 1) as f64 >= part * micros.len() as f64).unwrap();
        let real = micros[place] as f64;
        prop_assert!((told - real).abs() <= (real / 8.0).max(1.0), "told {told}, it is {real}");
    }
}
