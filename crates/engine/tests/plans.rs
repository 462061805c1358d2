//! What plans promise: over any mix of keys, users and accounts nobody is admitted more than its plan says, all limits of a
//! request are charged or none, and whoever changes plans takes along what was used.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests fail by panicking")]

mod world;

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, Method};
use keyward_core::api_key::OwningAccount;
use keyward_core::decision::{Decision, Fault, Reason};
use keyward_core::digest::MacKey;
use keyward_core::limit::{Limit, LimitId, Per};
use keyward_core::machine::{Recalled, RequestFacts, Resumed, Ruled, Step, decide};
use keyward_core::path::Target;
use keyward_core::plan::{Plan, Plans, Terms};
use keyward_core::plane::Plane;
use keyward_core::route::{Pattern, Route, RouteId, Routes};
use keyward_core::rules::Rules;
use keyward_core::time::{Monotonic, Now, Timestamp};
use keyward_engine::limits::{Cells, Limiter, channel};
use keyward_engine::ports::Joined;
use proptest::prelude::*;

const SECOND: u64 = 1_000_000_000;

fn number(value: u32) -> NonZeroU32 {
    NonZeroU32::new(value).unwrap()
}

/// Whoever charges: one set of cells, and nobody who writes ahead.
struct Bed {
    rules: Rules,
    limiter: Limiter,
}

/// What a plan says: so many in 10 s, and so many in a minute.
const PLANS: [(&str, u32, u32); 3] = [("free", 3, 5), ("big", 6, 20), ("bare", 0, 0)];
/// What the route says, for each key.
const PER_KEY: u32 = 4;

impl Bed {
    /// Routes `/1` to `/3` cost as much; each counts keys, too.
    fn new(default: Option<&str>) -> Self {
        let plain = world::rules();
        let mut limits = vec![Limit::new("key", Per::Key, number(PER_KEY), Duration::from_secs(10), None)];
        let mut plans = Vec::new();
        for (name, short, long) in PLANS {
            let first = limits.len();
            for (requests, seconds) in [(short, 10), (long, 60)] {
                let window = Duration::from_secs(seconds);
                limits.extend(NonZeroU32::new(requests).map(|requests| Limit::of_plan(name, requests, window, None)));
            }
            plans.push(Plan { name: name.into(), limits: (first..limits.len()).map(LimitId).collect() });
        }
        let route = plain.routes.get(RouteId(0)).unwrap();
        let routes = (1..=3_u32).map(|cost| Route {
            pattern: Pattern::parse(&format!("/{cost}")).unwrap(),
            limits: vec![LimitId(0)],
            cost: number(cost),
            ..route.clone()
        });
        let routes = Routes::new(Vec::new(), routes.collect());
        let rules = Rules { routes, limits, plans: Plans::new(plans, default), ..plain };
        Self { rules, limiter: Limiter::new(Arc::new(Cells::default()), channel().0) }
    }

    /// Whether a key's request passes, by the machine and its cells.
    fn ask(&self, key: &Joined, cost: u32, at: u64) -> Result<bool, Fault> {
        let target = format!("/{cost}");
        let target = Target::parse(&target);
        let mut headers = HeaderMap::new();
        headers.insert("x-api-key", "a key".parse().unwrap());
        let client = "192.0.2.1".parse().unwrap();
        let facts = RequestFacts {
            plane: Plane::Data,
            client,
            method: &Method::GET,
            target: &target,
            headers: (&headers).into(),
        };
        let now = Now { wall: Timestamp::from_millis(0), monotonic: Monotonic::from_nanos(at) };
        let Step::Recall(_, recalling) = decide(&self.rules, facts, now, &mut ()) else { panic!("no credential read") };
        let known = Recalled::Known(Arc::new(key.resolve(&self.rules)));
        let Resumed::Ruled(Ruled::Spend(spending)) = recalling.resume(known, &MacKey::from_bytes([9; 32]), &mut ())
        else {
            panic!("nothing to charge")
        };
        let spend = match self.limiter.charge(&spending) {
            Ok(spend) => spend,
            Err(why) => {
                let later = self.limiter.charge_later(&spending, why);
                return tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(later).map(|_| true);
            }
        };
        Ok(match spending.resume(spend, &mut ()) {
            Decision::Allow(_) => true,
            Decision::Deny(denial) => {
                assert!(matches!(denial.reason, Reason::Limited(_)), "{denial:?}");
                false
            }
        })
    }
}

/// A key of an account on a plan; of none, it is its user's alone.
fn key(number: u8, account: Option<&str>, plan: Option<&str>) -> Joined {
    let account = account.map(|id| OwningAccount {
        id: id.into(),
        disabled_at: None,
        allowed_ips: Vec::new(),
        terms: Terms { plan: plan.map(Into::into), ..Terms::default() },
    });
    let mut joined = world::record(&format!("key {number}"));
    (joined.key.id, joined.owner.id) = (format!("key_{number}").into(), format!("user_{number}").into());
    joined.key.account = account.as_ref().map(|account| account.id.clone());
    Joined { account, ..joined }
}

/// The promise written down a second time: windows that begin with their first request, everything charged or nothing.
#[derive(Default)]
struct Model(HashMap<(String, u64), (u64, u32)>);

impl Model {
    fn ask(&mut self, limits: &[(String, u64, u32)], cost: u32, at: u64) -> bool {
        let used = |(subject, seconds, _): &(String, u64, u32)| match self.0.get(&(subject.clone(), *seconds)) {
            Some((ends, used)) if at < *ends => (*ends, *used),
            _ => (at + seconds * SECOND, 0),
        };
        let after: Vec<(u64, u32)> = limits.iter().map(used).map(|(ends, used)| (ends, used + cost)).collect();
        let within = limits.iter().zip(&after).all(|((.., most), (_, used))| used <= most);
        if within {
            let place = |(subject, seconds, _): &(String, u64, u32)| (subject.clone(), *seconds);
            self.0.extend(limits.iter().map(place).zip(after));
        }
        within
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Four keys: two of one account, one of another, one of none. The first account changes plans as it goes.
    #[test]
    fn nobody_is_admitted_more_than_its_plan_and_its_routes_say(
        default in prop::option::of(0_usize..3),
        asks in prop::collection::vec((0_u64..4, 0_u8..4, 1_u32..4, prop::option::of(0_usize..3)), 1..120),
    ) {
        let default = default.map(|place| PLANS[place].0);
        let (bed, mut model, mut at, mut plan) = (Bed::new(default), Model::default(), SECOND, Some("free"));
        for (gap, which, cost, change) in asks {
            at += gap * SECOND;
            plan = change.map(|place| PLANS[place].0).or(plan);
            let (account, named) = match which {
                0 | 1 => (Some("acc_1"), plan),
                2 => (Some("acc_2"), None),
                _ => (None, None),
            };
            let subject = account.map_or(format!("user {which}"), |id| format!("account {id}"));
            let on = named.or(default).and_then(|name| PLANS.into_iter().find(|plan| plan.0 == name));
            let of_plan = on.into_iter().flat_map(|(_, short, long)| [(10, short), (60, long)]);
            let of_plan = of_plan.filter(|(_, most)| *most > 0).map(|(seconds, most)| (subject.clone(), seconds, most));
            let limits: Vec<_> = std::iter::once((format!("key {which}"), 10, PER_KEY)).chain(of_plan).collect();
            let passed = bed.ask(&key(which, account, named), cost, at).unwrap();
            prop_assert_eq!(passed, model.ask(&limits, cost, at), "key {} at {} by {:?}", which, at / SECOND, limits);
        }
    }
}

#[test]
fn a_plan_that_nobody_knows_passes_nobody_unless_another_stands_in() {
    let lost = key(1, Some("acc_1"), Some("gone"));
    assert_eq!(Bed::new(None).ask(&lost, 1, SECOND), Err(Fault::Plan));
    let bed = Bed::new(Some("free"));
    let passed: Vec<bool> = (0..4).map(|_| bed.ask(&lost, 1, SECOND).unwrap()).collect();
    assert_eq!(passed, [true, true, true, false], "counted by the plan for whoever has none");
}

#[test]
fn a_key_without_an_account_of_its_own_is_on_the_plan_of_its_owner() {
    let mut joined = key(1, None, None);
    let owning = key(1, Some("acc_1"), Some("big")).account;
    joined.owner.account = owning;
    let bed = Bed::new(Some("free"));
    let resolved = joined.resolve(&bed.rules);
    assert_eq!(bed.rules.plans.name(resolved.counted.plan), Some("big"));
}
