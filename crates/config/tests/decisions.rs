//! The decision table (`tests/tables/decisions.txt`) on the machine alone: no server, no store, keys in a list.
//!
//! The same rows go through the real binary in `crates/keyward/tests/parity.rs`.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

use std::cell::RefCell;
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue, Method};
use keyward_config::{Flags, Input};
use keyward_core::address::{AddressRules, parse_network};
use keyward_core::api_key::CredentialEntry;
use keyward_core::decision::{Decision, DecisionId, Denial};
use keyward_core::digest::{ApiKeyDigest, MacKey};
use keyward_core::key_format::ApiKeySecret;
use keyward_core::limit::{Cell, Charged, Spend, Standings};
use keyward_core::machine::{Question, Recalled, RequestFacts, Resumed, Ruled, Step, decide};
use keyward_core::path::Target;
use keyward_core::plane::Plane;
use keyward_core::principal::{Grants, Kind, Mode, Principal};
use keyward_core::rules::Rules;
use keyward_core::scope::ScopeSet;
use keyward_core::time::{Monotonic, Now, Timestamp};
use keyward_core::written::Written;

const TABLE: &str = include_str!("../../../tests/tables/decisions.txt");
const WORLD: &str = include_str!("../../../tests/tables/world.yaml");
const NOW: Now = Now { wall: Timestamp::from_millis(1_700_000_000_000), monotonic: Monotonic::from_nanos(1) };

struct World {
    rules: Rules,
    tag_key: MacKey,
    secrets: HashMap<String, String>,
    keys: HashMap<ApiKeyDigest, Arc<CredentialEntry>>,
    /// What was used of limits, by the limit and whom it counts.
    cells: RefCell<HashMap<String, Cell>>,
}

fn rules() -> Rules {
    let input = Input {
        file: Some(("world.yaml".into(), WORLD.to_owned())),
        env: &|_| None,
        flags: Flags::default(),
        read_file: &|_: &Path| Err(std::io::ErrorKind::NotFound.into()),
    };
    let loaded = keyward_config::load(input).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    keyward_config::rules(&loaded.settings, MacKey::from_bytes([1; 32]))
}

impl World {
    fn new() -> Self {
        let mut world = Self {
            rules: rules(),
            tag_key: MacKey::from_bytes([2; 32]),
            secrets: HashMap::new(),
            keys: HashMap::new(),
            cells: RefCell::default(),
        };
        for (number, line) in TABLE.lines().filter_map(|line| line.strip_prefix("key ")).enumerate() {
            world.add_key(u8::try_from(number).unwrap(), line);
        }
        world
    }

    fn add_key(&mut self, number: u8, line: &str) {
        let mut words = line.split_whitespace();
        let name = words.next().unwrap();
        let attributes: HashMap<&str, &str> = words.map(|word| word.split_once('=').unwrap()).collect();
        let list = |text: &&str| text.split(',').filter(|item| !item.is_empty()).map(str::to_owned).collect::<Vec<_>>();
        let scopes =
            attributes.get("scopes").map(list).map(|list| ScopeSet::parse(list.iter().map(String::as_str)).unwrap());
        let owner = self.rules.scopes_of_roles(["admin", "operator"]);
        let secret = ApiKeySecret::assemble("kw_live_", &[number; 24], &self.tag_key).expose().to_owned();
        let state = attributes.get("state").copied();
        let entry = CredentialEntry {
            principal: Principal {
                id: "user_admin".into(),
                name: name.into(),
                kind: Kind::ApiKey,
                account: None,
                credential: name.into(),
                mode: Mode::Live,
                grants: Grants::of_key(scopes.as_ref(), None, &owner),
            },
            written: Written::default(),
            is_half: false,
            source_ends_at: None,
            addresses: AddressRules {
                allow: attributes
                    .get("ip")
                    .map(list)
                    .unwrap_or_default()
                    .iter()
                    .map(|ip| parse_network(ip).unwrap())
                    .collect(),
                deny: Vec::new(),
            },
            line: Some(name.into()),
            counted: keyward_core::plan::Counted::default(),
            account_addresses: Vec::new(),
            ends_at: (state == Some("replaced")).then_some(NOW.wall),
            renew_at: None,
            csrf: None,
            plane: None,
            begins_at: None,
            disabled: state == Some("disabled"),
            revoked: state == Some("revoked"),
            replaced: state == Some("replaced"),
        };
        self.keys.insert(ApiKeyDigest::of(secret.as_bytes()), Arc::new(entry));
        self.secrets.insert(name.to_owned(), secret);
    }

    fn fill_in(&self, text: &str) -> String {
        self.secrets.iter().fold(text.to_owned(), |text, (name, secret)| text.replace(&format!("{{{name}}}"), secret))
    }

    /// Memory is empty, so that every key goes the whole way to the store's answer.
    fn decide(&self, facts: RequestFacts<'_>) -> Decision {
        match decide(&self.rules, facts, NOW, &mut ()) {
            Step::Ruled(ruled) => self.spend(ruled),
            Step::Shown(awaiting) => self.spend(awaiting.answer(None, &mut ())),
            Step::Body(_) => panic!("no row of the table has a body"),
            Step::Recall(_, recalling) => match recalling.resume(Recalled::Nothing, &self.tag_key, &mut ()) {
                Resumed::Ruled(ruled) => self.spend(ruled),
                Resumed::Fetch(Question::ApiKey(digest), fetching) => {
                    self.spend(fetching.resume(self.keys.get(&digest).cloned(), &mut ()))
                }
                other => panic!("a row about a token, and this world has none: {other:?}"),
            },
        }
    }

    /// Charges one limit after the other; no row of the table names two.
    fn spend(&self, ruled: Ruled<'_>) -> Decision {
        let spending = match ruled {
            Ruled::Decided(decision) => return decision,
            Ruled::Spend(spending) => spending,
        };
        let mut spend = Spend::Within(Standings::default());
        for demand in spending.demands() {
            let place = format!("{:?} {:?}", demand.id, demand.subject);
            let cell = self.cells.borrow().get(&place).copied();
            match demand.limit.charge(cell, spending.cost(), spending.now().monotonic) {
                Charged::Within(cell) => drop(self.cells.borrow_mut().insert(place, cell)),
                Charged::Over(wait) => spend = Spend::Exceeded(demand.id, wait, Standings::default()),
            }
        }
        spending.resume(spend, &mut ())
    }

    fn outcome(&self, row: &str) -> String {
        let [request, from, headers, _] = row.split(" | ").map(str::trim).collect::<Vec<_>>()[..] else {
            panic!("four columns: {row}")
        };
        let (method, target) = request.split_once(' ').unwrap();
        let target = self.fill_in(target);
        let method: Method = method.parse().unwrap();
        let headers = self.headers(headers);
        let facts = RequestFacts {
            plane: Plane::Data,
            client: from.parse().unwrap(),
            method: &method,
            target: &Target::parse(&target),
            headers: (&headers).into(),
        };
        match self.decide(facts) {
            Decision::Allow(permit) => format!("200 {}", self.rules.routes.get(permit.route()).unwrap().name),
            Decision::Deny(denial) => self.refusal(&denial, &facts),
        }
    }

    fn headers(&self, text: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for header in text.split("; ").filter(|header| *header != "-") {
            let (name, value) = header.split_once(':').unwrap();
            let value = HeaderValue::from_str(self.fill_in(value).trim()).unwrap();
            headers.append(name.parse::<HeaderName>().unwrap(), value);
        }
        headers
    }

    fn refusal(&self, denial: &Denial, facts: &RequestFacts<'_>) -> String {
        let answer = keyward_http::answer::denied(denial, &self.rules, facts, DecisionId::new(0, 0, 0, 0));
        let route = denial.route.and_then(|id| self.rules.routes.get(id)).map(|route| &*route.name);
        let challenge = answer.headers().get("www-authenticate").map(|value| value.to_str().unwrap());
        let error = challenge.and_then(|text| text.split("error=\"").nth(1)).and_then(|rest| rest.split('"').next());
        let status = answer.status();
        let words = [Some(status.as_str()), Some(denial.reason.name()), route, error];
        words.into_iter().flatten().collect::<Vec<_>>().join(" ")
    }
}

#[test]
fn decision_table() {
    let world = World::new();
    let rows = TABLE.lines().filter(|line| line.contains(" | ") && !line.starts_with('#'));
    let wrong: Vec<String> = rows
        .filter_map(|row| {
            let expected = row.rsplit(" | ").next().unwrap().trim();
            let got = world.outcome(row);
            (got != expected).then(|| format!("{row}\n   got {got}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{} rows differ:\n{}", wrong.len(), wrong.join("\n"));
}
