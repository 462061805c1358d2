//! Cases about what listings find, in which order, and that a text to look for is nothing but a text.

use keyward_core::principal::Mode;
use keyward_engine::people::{AccountChange, UserChange};
use keyward_engine::ports::{
    AccountFilter, KeyFilter, KeyOrder, KeyPage, KeyStatus, NewUser, Page, Store, Use, UserFilter,
};

use super::Home;
use super::fixtures::{OTHER, OWNER, at, event, fresh, key, user};
use super::people::account;

/// What keeps its meaning only where a text is not taken as one.
const ATTACKS: [&str; 14] = [
    "%",
    "_",
    "\\",
    "\\%",
    "'",
    "\"",
    "' OR 1=1 --",
    "') UNION SELECT id FROM users --",
    "name*",
    "name OR key",
    "NEAR(name)",
    "^name",
    "search:name",
    "[a-z]",
];

/// The ids of all pages of keys.
pub async fn listed(store: &dyn Store, filter: &KeyFilter, mut page: KeyPage) -> Vec<String> {
    let mut ids = Vec::new();
    loop {
        let keys = store.api_keys(filter, &page).await.unwrap();
        assert!(keys.len() <= page.limit as usize);
        let Some(last) = keys.last() else { return ids };
        page.after = Some((page.order.place(last), last.key.id.clone()));
        ids.extend(keys.iter().map(|joined| joined.key.id.to_string()));
        assert!(ids.len() < 1000, "pages go round and round");
    }
}

fn searching(text: &str) -> KeyFilter {
    KeyFilter { search: Some(text.into()), ..KeyFilter::default() }
}

pub async fn keys_are_found_by_any_part_of_what_they_are_called<H: Home>() {
    let (_home, store) = fresh::<H>().await;
    let mut named = key("key_one", OWNER, 1);
    named.name = "Nightly 100% Export_job \\ (Café)".into();
    named.external_id = Some("cus-7/EU".into());
    named.prefix = "kw_test_Zz9Q".into();
    let mut other = key("key_two", OTHER, 2);
    other.name = "nightly 1000 exports".into();
    for kept in [&named, &other] {
        store.insert_api_key(kept, &event()).await.unwrap();
    }
    for (text, found) in [
        ("night", &["key_two", "key_one"][..]),
        ("NIGHTLY", &["key_two", "key_one"]),
        ("n", &["key_two", "key_one"]),
        ("Café", &["key_one"]),
        ("100%", &["key_one"]),
        ("Export_", &["key_one"]),
        ("\\ (", &["key_one"]),
        ("key_t", &["key_two"]),
        ("test_zz9q", &["key_one"]),
        ("cus-7/", &["key_one"]),
        // Of its owner: name, and id.
        ("user_other@", &["key_two"]),
        ("user_owner", &["key_one"]),
        // A part of one field, never of two.
        ("(Café)key", &[]),
        ("nothing of the kind", &[]),
    ] {
        for limit in [1, 9] {
            assert_eq!(listed(&*store, &searching(text), KeyPage::first(limit)).await, found, "{text:?}");
        }
    }
    let of_owner = KeyFilter { owner: Some(OWNER.into()), ..searching("user_owner") };
    assert_eq!(listed(&*store, &of_owner, KeyPage::first(9)).await, [""; 0], "by what its keys are called alone");
    let long = "a".repeat(100_000);
    for text in ATTACKS.into_iter().chain([&*long, "\u{0}", "é\u{301}"]) {
        let has = |key: &keyward_core::api_key::ApiKeyRecord| {
            [&key.name, &key.id, &key.prefix].into_iter().chain(&key.external_id).any(|field| field.contains(text))
        };
        let found = match store.api_keys(&searching(text), &KeyPage::first(9)).await {
            Ok(found) => found.into_iter().map(|joined| joined.key.id).collect::<Vec<_>>(),
            // What is longer than anything that is kept may be refused.
            Err(error) => {
                assert_eq!(text, long, "{error}");
                continue;
            }
        };
        let expected: Vec<Box<str>> = [&other, &named]
            .into_iter()
            .filter(|key| has(key) || "user_owner@example.com user_other@example.com".contains(text))
            .map(|key| key.id.clone())
            .collect();
        assert_eq!(found, expected, "{text:?}");
    }
}

pub async fn keys_are_listed_by_their_state<H: Home>() {
    let (_home, store) = fresh::<H>().await;
    store.insert_account(&account("acc_1"), &event()).await.unwrap();
    store.insert_account(&account("acc_2"), &event()).await.unwrap();
    let paused = NewUser { account: Some("acc_1".into()), ..user("user_paused") };
    store.insert_user(&paused, &event()).await.unwrap();
    for (id, owner, change) in [
        ("key_active", OWNER, None),
        ("key_paused", OWNER, Some("disabled")),
        ("key_revoked", OWNER, Some("revoked")),
        ("key_over", OWNER, Some("expired")),
        ("key_replaced", OWNER, Some("replaced")),
        ("key_of_paused", OTHER, None),
        ("key_of_account", "user_paused", None),
        ("key_in_account", OWNER, Some("account")),
        ("key_in_other", OWNER, Some("other")),
        ("key_paused_and_over", OWNER, Some("both")),
    ] {
        let mut kept = key(id, owner, 10);
        match change {
            Some("disabled") => kept.disabled_at = Some(at(11)),
            Some("revoked") => (kept.revoked_at, kept.disabled_at) = (Some(at(11)), Some(at(11))),
            Some("expired") => kept.expires_at = Some(at(50)),
            Some("replaced") => kept.overlap_ends_at = Some(at(50)),
            Some("account") => kept.account = Some("acc_1".into()),
            Some("other") => kept.account = Some("acc_2".into()),
            Some("both") => (kept.expires_at, kept.disabled_at) = (Some(at(50)), Some(at(11))),
            _ => kept.mode = Mode::Test,
        }
        store.insert_api_key(&kept, &event()).await.unwrap();
    }
    store.change_user(OTHER, &UserChange::Disable(at(12)), &event()).await.unwrap();
    store.change_account("acc_1", &AccountChange::Disable(at(12)), &event()).await.unwrap();
    let disabled = ["key_paused_and_over", "key_paused", "key_of_paused", "key_of_account", "key_in_account"];
    for (status, now, expected) in [
        (KeyStatus::Active, 50, &["key_in_other", "key_active"][..]),
        (KeyStatus::Active, 49, &["key_replaced", "key_over", "key_in_other", "key_active"]),
        (KeyStatus::Expired, 50, &["key_replaced", "key_over"]),
        (KeyStatus::Expired, 49, &[]),
        (KeyStatus::Disabled, 50, &disabled),
        (KeyStatus::Revoked, 50, &["key_revoked"]),
    ] {
        let filter = KeyFilter { status: Some((status, at(now))), ..KeyFilter::default() };
        assert_eq!(listed(&*store, &filter, KeyPage::first(2)).await, expected, "{status:?} at {now}");
        let of_owner = KeyFilter { owner: Some(OTHER.into()), ..filter };
        let expected: Vec<_> = expected.iter().filter(|id| **id == "key_of_paused").collect();
        assert_eq!(listed(&*store, &of_owner, KeyPage::first(9)).await.iter().collect::<Vec<_>>(), expected);
    }
    let test = KeyFilter { mode: Some(Mode::Test), ..KeyFilter::default() };
    assert_eq!(listed(&*store, &test, KeyPage::first(9)).await, ["key_of_paused", "key_of_account", "key_active"]);
}

pub async fn every_order_meets_each_key_once<H: Home>() {
    let (_home, store) = fresh::<H>().await;
    for (id, name, made, used, ends) in [
        ("key_a", "beta", 5, None, Some(40)),
        ("key_b", "Alpha", 5, Some(7), None),
        ("key_c", "alpha", 4, Some(9), Some(40)),
        ("key_d", "gamma", 9, None, None),
        ("key_e", "Äther", 1, Some(9), Some(10)),
    ] {
        let mut kept = key(id, OWNER, made);
        (kept.name, kept.expires_at) = (name.into(), ends.map(at));
        store.insert_api_key(&kept, &event()).await.unwrap();
        let uses: Vec<Use> = used.into_iter().map(|used| Use { id: id.into(), at: at(used), by: None }).collect();
        store.record_uses(&uses).await.unwrap();
    }
    for (order, ascending) in [
        (KeyOrder::Created, ["key_e", "key_c", "key_a", "key_b", "key_d"]),
        (KeyOrder::Name, ["key_b", "key_c", "key_a", "key_d", "key_e"]),
        (KeyOrder::LastUsed, ["key_a", "key_d", "key_b", "key_c", "key_e"]),
        (KeyOrder::Expires, ["key_e", "key_a", "key_c", "key_b", "key_d"]),
    ] {
        let mut descending = ascending;
        descending.reverse();
        for limit in 1..=6 {
            for (is_ascending, expected) in [(true, ascending), (false, descending)] {
                let page = KeyPage { order, ascending: is_ascending, after: None, limit };
                for filter in [
                    KeyFilter::default(),
                    searching("key_"),
                    KeyFilter { owner: Some(OWNER.into()), ..KeyFilter::default() },
                ] {
                    let ids = listed(&*store, &filter, page.clone()).await;
                    assert_eq!(ids, expected, "{order:?} {is_ascending} by {limit}");
                }
            }
        }
    }
}

pub async fn users_and_accounts_are_found_and_told_apart<H: Home>() {
    let (_home, store) = fresh::<H>().await;
    for id in ["acc_1", "acc_2"] {
        let mut kept = account(id);
        kept.terms.plan = (id == "acc_2").then(|| "pro".into());
        store.insert_account(&kept, &event()).await.unwrap();
    }
    for (id, account, roles) in [("user_x", Some("acc_1"), &["admin", "self"][..]), ("user_y", Some("acc_2"), &["min"])]
    {
        let roles = roles.iter().map(|role| (*role).into()).collect();
        let made = NewUser {
            account: account.map(Into::into),
            roles,
            external_id: Some(format!("ext-{id}").into()),
            ..user(id)
        };
        store.insert_user(&made, &event()).await.unwrap();
    }
    let none = UserFilter::default;
    let page = Page { after: None, limit: 9 };
    let users = async |filter: UserFilter| {
        let found = store.users(&filter, &page).await.unwrap();
        found.into_iter().map(|user| user.owner.id.to_string()).collect::<Vec<_>>()
    };
    store.change_user(OTHER, &UserChange::Disable(at(9)), &event()).await.unwrap();
    store.change_account("acc_2", &AccountChange::Disable(at(9)), &event()).await.unwrap();
    for (filter, expected) in [
        (none(), &["user_y", "user_x", OWNER, OTHER][..]),
        (UserFilter { search: Some("USER_X@".into()), ..none() }, &["user_x"]),
        (UserFilter { search: Some("ext-user".into()), ..none() }, &["user_y", "user_x"]),
        (UserFilter { account: Some("acc_1".into()), ..none() }, &["user_x"]),
        (UserFilter { role: Some("min".into()), ..none() }, &["user_y"]),
        (UserFilter { role: Some("adm".into()), ..none() }, &[]),
        (UserFilter { role: Some("\",\"".into()), ..none() }, &[]),
        (UserFilter { paused: Some(true), ..none() }, &["user_y", OTHER]),
        (UserFilter { paused: Some(false), ..none() }, &["user_x", OWNER]),
        (
            UserFilter { paused: Some(false), search: Some("user_x".into()), role: Some("self".into()), ..none() },
            &["user_x"],
        ),
    ] {
        assert_eq!(users(filter.clone()).await, expected, "{filter:?}");
    }
    let accounts = async |filter: AccountFilter| {
        let found = store.accounts(&filter, &page).await.unwrap();
        found.into_iter().map(|account| account.id.to_string()).collect::<Vec<_>>()
    };
    let none = AccountFilter::default;
    for (filter, expected) in [
        (none(), &["acc_2", "acc_1"][..]),
        (AccountFilter { search: Some("of ACC_1".into()), ..none() }, &["acc_1"]),
        (AccountFilter { external_id: Some("ref of acc_2".into()), ..none() }, &["acc_2"]),
        (AccountFilter { external_id: Some("ref".into()), ..none() }, &[]),
        (AccountFilter { plan: Some("pro".into()), ..none() }, &["acc_2"]),
        (AccountFilter { paused: Some(true), ..none() }, &["acc_2"]),
        (AccountFilter { paused: Some(false), ..none() }, &["acc_1"]),
    ] {
        assert_eq!(accounts(filter.clone()).await, expected, "{filter:?}");
    }
    for text in ATTACKS {
        assert!(
            users(UserFilter { search: Some(text.into()), ..UserFilter::default() }).await.len() < 4 || text == "_",
            "{text}"
        );
        assert!(
            accounts(AccountFilter { search: Some(text.into()), ..none() }).await.len() < 2 || text == "_",
            "{text}"
        );
    }
}
