//! Budgets: what a key and its line, or an account, may use; how that is changed, and what is left of it.

use std::collections::HashMap;

use keyward_core::limit::{Budget, Limit, Pace, Per, Subject};
use keyward_core::plan::Terms;
use keyward_engine::change::KeyChange;
use keyward_engine::people::AccountChange;
use keyward_engine::ports::Joined;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::actor::Actor;
use crate::failure::Failure;
use crate::keys::{self, ChangedKey};
use crate::limits::{self, Looked};
use crate::origin::Origin;
use crate::people::accounts::{self, AccountView, ChangedAccount};
use crate::service::Service;
use crate::view::KeyView;

/// A budget, and what is left of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BudgetView {
    /// How much was granted: in all, or in each window.
    pub granted: u32,
    /// After which span it is whole again, such as `30d`; null = never.
    pub every: Option<String>,
    /// How much is left; null = it was not looked up.
    pub remaining: Option<u32>,
}

impl BudgetView {
    /// A budget of which nobody looked up what is left.
    pub fn of(budget: Budget) -> Self {
        let every = budget.every.map(keyward_core::limit::window_word);
        Self { granted: budget.granted, every, remaining: None }
    }

    /// For people: `812 of 1000 left`, `812 of 1000/30d left`.
    pub fn words(&self) -> String {
        let every = self.every.as_deref().map(|every| format!("/{every}")).unwrap_or_default();
        match self.remaining {
            Some(left) => format!("{left} of {}{every} left", self.granted),
            None => format!("{}{every}", self.granted),
        }
    }
}

/// A budget as it is written: `1000`, or `1000/30d`.
///
/// # Errors
/// What it should look like.
pub fn read(text: &str) -> Result<Budget, Failure> {
    text.trim().parse().map_err(|_| {
        Failure::invalid(format!(
            "budget {text:?} is neither a number such as 1000 nor one for each window such as 1000/30d"
        ))
    })
}

/// Limits of one account as they are written: each `1000/1h`.
///
/// # Errors
/// What they should look like, or windows that are not apart.
pub fn paces(texts: &[String]) -> Result<Vec<Pace>, Failure> {
    let read = |text: &String| {
        text.trim().parse::<Pace>().map_err(|_| {
            Failure::invalid(format!("limit {text:?} is not a number in a window, such as 60/1m, 1000/1h or 10000/1d"))
        })
    };
    let paces = texts.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    if paces.len() > keyward_core::limit::MOST_OF_PLAN {
        let most = keyward_core::limit::MOST_OF_PLAN;
        return Err(Failure::invalid(format!("an account has at most {most} limits of its own")));
    }
    let twice =
        paces.iter().enumerate().any(|(place, pace)| paces.iter().take(place).any(|one| one.window == pace.window));
    if twice { Err(Failure::invalid("two limits with one window; give one of them another")) } else { Ok(paces) }
}

/// What is to become of a budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    /// So much more.
    Add(u32),
    /// So much is left from now on, and none comes back.
    Left(u32),
    /// So much in each window.
    Every(Budget),
    /// Without bound.
    None,
}

impl Order {
    fn read(text: &str) -> Result<Self, Failure> {
        let wrong = || {
            Failure::invalid(format!(
                "{text:?} is no change of a budget: +500 grants more, =500 leaves so much from now on, =1000/30d grants so much \
                 in each 30 days, none takes the bound away"
            ))
        };
        let budget = |rest: &str| rest.parse::<Budget>().map_err(|_| wrong());
        match (text.trim(), text.trim().strip_prefix('+'), text.trim().strip_prefix('=')) {
            ("none", ..) => Ok(Self::None),
            (_, Some(more), _) => match budget(more)? {
                Budget { granted, every: None } => Ok(Self::Add(granted)),
                Budget { .. } => Err(wrong()),
            },
            (_, _, Some(rest)) => Ok(match budget(rest)? {
                Budget { granted, every: None } => Self::Left(granted),
                budget => Self::Every(budget),
            }),
            _ => Err(wrong()),
        }
    }

    /// What becomes of a budget.
    async fn carry_out(
        self,
        service: &Service,
        now: Option<Budget>,
        of: Subject<'_>,
    ) -> Result<Option<Budget>, Failure> {
        let too_much = || Failure::invalid("that is more than a budget can hold (4294967295)");
        Ok(match self {
            Self::None => None,
            Self::Every(budget) => Some(budget),
            Self::Add(more) => {
                let Some(budget) = now else {
                    return Err(Failure::invalid("there is no budget to add to; =500 makes one"));
                };
                Some(Budget { granted: budget.granted.checked_add(more).ok_or_else(too_much)?, ..budget })
            }
            Self::Left(left) => {
                let bare = Budget { granted: 0, every: None };
                let used = limits::used(service, &limit(of, bare), of).await?;
                Some(Budget { granted: used.checked_add(left).ok_or_else(too_much)?, ..bare })
            }
        })
    }
}

/// The limit that a budget is.
fn limit(of: Subject<'_>, budget: Budget) -> Limit {
    match of {
        Subject::Account(_) => Limit::of_budget("account.budget", Per::Account, budget),
        _ => Limit::of_budget("key.budget", Per::Key, budget),
    }
}

/// Changes the budget of a key and of all others in its line.
///
/// # Errors
/// No such key, or a change that is none.
pub async fn change_of_key(service: &Service, actor: Actor<'_>, id: &str, text: &str) -> Result<ChangedKey, Failure> {
    let order = Order::read(text)?;
    let joined = keys::find(service, actor, id).await?;
    let budget = order.carry_out(service, joined.budget, Subject::key(joined.key.first_in_line())).await?;
    keys::change(service, actor, id, &KeyChange::Budget(budget)).await
}

/// Changes the budget of an account.
///
/// # Errors
/// No such account, or a change that is none.
pub async fn change_of_account(
    service: &Service,
    which: &str,
    text: &str,
    origin: &Origin,
) -> Result<ChangedAccount, Failure> {
    let order = Order::read(text)?;
    let account = accounts::find(service, which).await?;
    let budget = order.carry_out(service, account.terms.budget, Subject::Account(&account.id)).await?;
    accounts::change(service, which, AccountChange::Budget(budget), origin).await
}

/// What the audit log says of a budget.
pub(crate) fn said(budget: Option<Budget>) -> Box<str> {
    budget.map_or_else(|| "none".into(), |budget| budget.to_string().into())
}

/// Looks up what is left of the budgets of these keys, all with one question.
///
/// # Errors
/// The store does not answer.
pub async fn look_up_keys(service: &Service, keys: &[Joined], views: &mut [KeyView]) -> Result<(), Failure> {
    let of_lines = keys.iter().filter_map(|joined| {
        let budget = joined.budget?;
        let line = joined.key.first_in_line();
        Some((&*joined.key.id, (Subject::key(line), budget)))
    });
    let of_lines: HashMap<&str, (Subject<'_>, Budget)> = of_lines.collect();
    let asked = views.iter_mut().filter_map(|view| {
        let (subject, budget) = of_lines.get(view.id.as_str())?;
        Some((view.budget.as_mut()?, *subject, *budget))
    });
    fill(service, asked.collect()).await
}

/// As [`look_up_keys`], for accounts; each view has its own id.
///
/// # Errors
/// The store does not answer.
pub async fn look_up_accounts(service: &Service, terms: &[Terms], views: &mut [AccountView]) -> Result<(), Failure> {
    let asked = views
        .iter_mut()
        .zip(terms)
        .filter_map(|(view, terms)| Some((view.budget.as_mut()?, Subject::Account(&view.id), terms.budget?)));
    fill(service, asked.collect()).await
}

async fn fill(service: &Service, asked: Vec<(&mut BudgetView, Subject<'_>, Budget)>) -> Result<(), Failure> {
    let looked: Vec<Looked<'_>> =
        asked.iter().map(|(_, subject, budget)| (limit(*subject, *budget), *subject)).collect();
    let used = limits::used_of_all(service, &looked).await?;
    for ((view, _, budget), used) in asked.into_iter().zip(used) {
        view.remaining = Some(budget.granted.saturating_sub(used));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_are_read() {
        let budget = |text: &str| text.parse::<Budget>().unwrap();
        for (text, order) in [
            ("+500", Some(Order::Add(500))),
            ("=500", Some(Order::Left(500))),
            ("=0", Some(Order::Left(0))),
            ("=1000/30d", Some(Order::Every(budget("1000/30d")))),
            ("none", Some(Order::None)),
            (" none ", Some(Order::None)),
            ("+500/30d", None),
            ("500", None),
            ("-500", None),
            ("=-1", None),
            ("++1", None),
            ("=4294967296", None),
            ("", None),
        ] {
            assert_eq!(Order::read(text).ok(), order, "{text:?}");
        }
    }

    #[test]
    fn limits_of_an_account_have_windows_apart() {
        let read = |texts: &[&str]| paces(&texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>());
        assert_eq!(read(&["10/1m", "100/1h"]).unwrap().len(), 2);
        for wrong in [&["10"][..], &["0/1m"], &["10/1m", "20/60s"], &["1/1s", "1/2s", "1/3s", "1/4s", "1/5s"]] {
            assert!(read(wrong).is_err(), "{wrong:?}");
        }
    }
}
