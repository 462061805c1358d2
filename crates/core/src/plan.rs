//! Plans: named sets of limits that count per account, over all of its keys and users; and which of them a caller is on.

use crate::limit::{Budget, Limit, LimitId, Pace, Per, window_word};

/// A plan's place among all plans.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PlanId(usize);

/// A named set of limits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Its name in the configuration.
    pub name: Box<str>,
    /// Its limits; none: it counts nothing.
    pub limits: Vec<LimitId>,
}

/// All plans of a configuration, and the one for whoever has none of its own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plans {
    all: Vec<Plan>,
    default: Option<PlanId>,
}

/// What was agreed with one account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Terms {
    /// The plan that it is on, by its name; `None`: the one for whoever has none.
    pub plan: Option<Box<str>>,
    /// Limits of its own, in place of those of its plan.
    pub limits: Vec<Pace>,
    /// What it may use, over all of its keys and users.
    pub budget: Option<Budget>,
}

/// What a credential is counted by beyond the limits of routes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    /// The plan of its account.
    pub plan: Planned,
    /// Limits that it brings along: those of its account alone, and budgets. Their places are [`LimitId::own`].
    pub own: Box<[Limit]>,
}

impl Counted {
    /// What whoever belongs to an account with these terms, or to none, is counted by; and by the budget of its key.
    pub fn new(plans: &Plans, terms: Option<&Terms>, of_key: Option<Budget>) -> Self {
        let mut own = Vec::new();
        if let Some(terms) = terms {
            own.extend(terms.limits.iter().map(|pace| {
                Limit::of_plan(&format!("account.{}", window_word(pace.window)), pace.requests, pace.window, None)
            }));
            own.extend(terms.budget.map(|budget| Limit::of_budget("account.budget", Per::Account, budget)));
        }
        own.extend(of_key.map(|budget| Limit::of_budget("key.budget", Per::Key, budget)));
        let named = terms.and_then(|terms| terms.plan.as_deref());
        let plan = match (plans.of(named), terms) {
            (Planned::On(id), Some(terms)) if !terms.limits.is_empty() => Planned::Own(Some(id)),
            (Planned::Free | Planned::Unknown, Some(terms)) if !terms.limits.is_empty() => Planned::Own(None),
            (plan, _) => plan,
        };
        Self { plan, own: own.into() }
    }
}

/// Which plan a caller is on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Planned {
    /// None: only the limits of routes count.
    #[default]
    Free,
    /// This one.
    On(PlanId),
    /// This one, with numbers of its account's own in place of its limits.
    Own(Option<PlanId>),
    /// One that the configuration does not know, and there is no other to stand in: nobody can say how much is too much.
    Unknown,
}

impl Plans {
    /// From all plans, and the name of the one for whoever has none.
    pub fn new(all: Vec<Plan>, default: Option<&str>) -> Self {
        let mut plans = Self { all, default: None };
        plans.default = default.and_then(|name| plans.find(name));
        plans
    }

    /// A plan by its name.
    pub fn find(&self, name: &str) -> Option<PlanId> {
        self.all.iter().position(|plan| *plan.name == *name).map(PlanId)
    }

    /// A plan by its place.
    pub fn get(&self, id: PlanId) -> Option<&Plan> {
        self.all.get(id.0)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Plan> {
        self.all.iter()
    }

    /// The name of the one for whoever has none.
    pub fn default_name(&self) -> Option<&str> {
        self.get(self.default?).map(|plan| &*plan.name)
    }

    /// All names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.all.iter().map(|plan| &*plan.name)
    }

    /// The plan of whoever's account names this one, or none.
    pub fn of(&self, named: Option<&str>) -> Planned {
        match (named, self.default) {
            (Some(name), default) => self.find(name).or(default).map_or(Planned::Unknown, Planned::On),
            (None, Some(default)) => Planned::On(default),
            (None, None) => Planned::Free,
        }
    }

    /// The limits of whoever is on a plan.
    pub fn limits(&self, planned: Planned) -> &[LimitId] {
        match planned {
            Planned::On(id) => self.get(id).map_or(&[], |plan| &plan.limits),
            Planned::Free | Planned::Own(_) | Planned::Unknown => &[],
        }
    }

    /// The name of a plan that somebody is on.
    pub fn name(&self, planned: Planned) -> Option<&str> {
        match planned {
            Planned::On(id) | Planned::Own(Some(id)) => self.get(id).map(|plan| &*plan.name),
            Planned::Free | Planned::Own(None) | Planned::Unknown => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_on_which_plan() {
        let all =
            || ["big", "small"].map(|name| Plan { name: name.into(), limits: vec![LimitId(name.len())] }).to_vec();
        // default | what the account names | the plan that counts
        for row in [
            "-     | -     | free",
            "-     | big   | big",
            "-     | gone  | unknown",
            "small | -     | small",
            "small | big   | big",
            "small | gone  | small",
            "small | small | small",
        ] {
            let [default, named, expected] = row.split('|').map(str::trim).collect::<Vec<_>>()[..] else {
                unreachable!("three columns: {row}")
            };
            let some = |text: &'static str| Some(text).filter(|text| *text != "-");
            let plans = Plans::new(all(), some(default));
            let planned = plans.of(some(named));
            let word = match planned {
                Planned::Free | Planned::Own(_) => "free",
                Planned::Unknown => "unknown",
                Planned::On(_) => plans.name(planned).unwrap(),
            };
            assert_eq!(word, expected, "{row}");
            let limits: Vec<usize> = plans.limits(planned).iter().map(|id| id.0).collect();
            let counted = matches!(planned, Planned::On(_)).then_some(word.len());
            assert_eq!(limits, Vec::from_iter(counted), "{row}");
        }
    }

    #[test]
    fn numbers_of_its_own_stand_in_for_a_plans_and_budgets_come_on_top() {
        let plans = Plans::new(vec![Plan { name: "big".into(), limits: vec![LimitId(3)] }], None);
        let terms = |plan: Option<&str>, limits: &[&str], budget: Option<&str>| Terms {
            plan: plan.map(Into::into),
            limits: limits.iter().map(|text| text.parse().unwrap()).collect(),
            budget: budget.map(|text| text.parse().unwrap()),
        };
        let of_key = Budget { granted: 7, every: None };
        for (terms, of_key, plan, limits, own) in [
            (terms(Some("big"), &[], None), None, Some("big"), 1, &[][..]),
            (terms(Some("big"), &["5/1m", "9/1h"], None), None, Some("big"), 0, &["account.1m", "account.1h"]),
            (terms(Some("gone"), &["5/1m"], None), None, None, 0, &["account.1m"]),
            (terms(None, &[], Some("9/1h")), Some(of_key), None, 0, &["account.budget", "key.budget"]),
        ] {
            let counted = Counted::new(&plans, Some(&terms), of_key);
            assert_eq!((plans.name(counted.plan), plans.limits(counted.plan).len()), (plan, limits), "{terms:?}");
            assert_eq!(counted.own.iter().map(Limit::name).collect::<Vec<_>>(), own, "{terms:?}");
            assert_ne!(counted.plan, Planned::Unknown, "{terms:?}");
        }
        assert_eq!(Counted::new(&plans, Some(&terms(Some("gone"), &[], Some("9"))), None).plan, Planned::Unknown);
    }
}
