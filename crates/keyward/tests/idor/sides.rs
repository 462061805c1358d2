//! An account with all that one can have: users, keys, a pair, sessions of every kind, tokens, links; and the ids of all of it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use keyward_testkit::browser::Browser;
use keyward_testkit::oauth::Pair;
use keyward_testkit::people::Tokens;
use keyward_testkit::world::{World, text};
use serde_json::{Value, json};

/// An account and what it holds.
pub(crate) struct Side<'w> {
    world: &'w World,
    /// What its first user, and what begins all its names, is called.
    pub(crate) name: String,
    pub(crate) password: String,
    /// A key with every scope of `self:`.
    pub(crate) key: String,
    pub(crate) pair: Pair,
    /// Of its user.
    pub(crate) tokens: Tokens,
    /// Of its pair.
    pub(crate) client: Tokens,
    /// Its user's session on the data plane.
    pub(crate) cookie: Browser<'w>,
    /// One that came by a link.
    pub(crate) portal: Browser<'w>,
    /// Another user's session in the console, with one scope that names nothing of anybody.
    pub(crate) desk: Browser<'w>,
    /// A link to the portal that nobody followed.
    pub(crate) link: String,
    /// An invitation that nobody used.
    pub(crate) invitation: String,
    /// Whatever something of it can be named by, on either port.
    pub(crate) ids: Vec<String>,
    /// Where operators look at it.
    pub(crate) places: Vec<String>,
}

impl<'w> Side<'w> {
    /// An account of this name, and everything in it.
    pub(crate) fn of(world: &'w World, name: &str) -> Self {
        let account = format!("{name}s");
        world.ok(&["account", "add", &account, "--external-id", &format!("crm-{account}")]);
        let of_account = ["--account", account.as_str(), "--roles"];
        let password =
            world.person(name, &[&of_account[..], &["self", "--external-id", format!("crm-{name}").as_str()]].concat());
        let (desk, new) = (format!("{name}.desk"), format!("{name}.new"));
        let desk_password = world.person(&desk, &[&of_account[..], &["self,desk"]].concat());
        world.ok(&[&["user", "add", new.as_str(), "--no-password"], &of_account[..], &["self"]].concat());
        let own = ["--owner", name, "--scopes", "self:*"];
        let reference = format!("crm-{name}-key");
        let key = world.key_json(&format!("{name}-key"), &[&own[..], &["--external-id", reference.as_str()]].concat());
        let paused = text(&world.key_json(&format!("{name}-paused"), &own), "id");
        world.ok(&["key", "disable", &paused]);
        let pair = world.pair(&format!("{name}-pair"), &["--owner", name]);
        let by_cookie = json!({"username": name, "password": password, "session": true});
        let follow = |token: &str| world.post("/portal/enter", &json!({"token": token}));
        let link = || {
            let link = world.ok(&["account", "portal-link", &account]);
            let token = link.rsplit('/').next().unwrap().to_owned();
            world.issued.note(&token);
            token
        };
        let invitation = text(&world.json(&["user", "invite", &new]), "token");
        world.issued.note(&invitation);
        let mut side = Self {
            world,
            name: name.to_owned(),
            tokens: world.login(name, &password),
            client: world.client_tokens(&pair),
            cookie: Browser::of(world, &world.post("/_keyward/login", &by_cookie)),
            portal: Browser::of(world, &follow(&link())),
            desk: world.console(&desk, &desk_password),
            link: link(),
            key: text(&key, "key"),
            password,
            pair,
            invitation,
            ids: Vec::new(),
            places: Vec::new(),
        };
        side.look_around(&account);
        side
    }

    /// Finds out what everything is called, and where operators see it.
    fn look_around(&mut self, account: &str) {
        let operator = self.world.key(
            &format!("operator of {account}"),
            &["--scopes", "keyward:users:read,keyward:keys:read,keyward:accounts:read,keyward:sessions:read"],
        );
        let look = |path: &str| {
            let answer = self.world.operate("GET", path, &operator, "");
            assert_eq!(answer.status, 200, "{path}: {}", answer.text());
            answer.json()
        };
        let rows = |path: &str| look(path)["data"].as_array().unwrap().clone();
        let mut ids: Vec<Value> =
            ["id", "name", "externalId"].map(|field| look(&format!("/accounts/{account}"))[field].clone()).into();
        let mut places = vec![format!("/accounts/{account}"), format!("/users?account={account}")];
        for user in rows(&format!("/users?account={account}")) {
            let id = text(&user, "id");
            ids.extend(["id", "username", "externalId"].map(|field| user[field].clone()));
            places.extend([
                format!("/sessions?user={id}"),
                format!("/users/{id}/sessions"),
                format!("/keys?owner={id}"),
            ]);
            ids.extend(rows(&format!("/sessions?user={id}")).iter().map(|session| session["id"].clone()));
            for key in rows(&format!("/keys?owner={id}")) {
                ids.extend(["id", "name", "externalId"].map(|field| key[field].clone()));
                places.push(format!("/keys/{}", text(&key, "id")));
            }
        }
        for token in [&self.tokens.access, &self.client.access] {
            let claims = URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap();
            let claims: Value = serde_json::from_slice(&claims).unwrap();
            ids.extend(["sid", "jti"].map(|claim| claims[claim].clone()));
        }
        let refused = self.world.call("GET", "/_keyward/api-keys/key_none", &self.key, "");
        ids.push(json!(refused.header("keyward-decision").unwrap()));
        let mut ids: Vec<String> = ids.iter().filter_map(Value::as_str).map(str::to_owned).collect();
        ids.sort();
        ids.dedup();
        let kinds = ["acc_", "user_", "key_", "ses_", "crm-", "portal."];
        assert!(kinds.iter().all(|kind| ids.iter().any(|id| id.starts_with(kind))), "{ids:?}");
        assert!(ids.iter().filter(|id| id.starts_with("ses_")).count() >= 5, "of each kind one: {ids:?}");
        (self.ids, self.places) = (ids, places);
    }

    /// Whether all of it is worth what it was; what is good once is used by this.
    pub(crate) fn still_has_everything(&self) {
        let world = self.world;
        assert_eq!(world.get("/orders", &self.key).status, 200);
        for token in [&self.tokens.access, &self.client.access] {
            assert_eq!(world.token_status(token), 200);
        }
        for browser in [&self.cookie, &self.portal] {
            let [cookie, _] = browser.lines();
            assert_eq!(world.send("GET", "/_keyward/me", &[&cookie], "").status, 200);
        }
        assert_eq!(self.desk.call("GET", "/session", "").status, 200);
        assert_eq!(world.refresh(&self.tokens.refresh).status, 200);
        assert_eq!(world.client_refresh(&self.pair, &self.client.refresh).status, 200);
        assert_eq!(world.post("/portal/enter", &json!({"token": self.link})).status, 200);
        assert_eq!(world.post_operation("/invitations/look", &json!({"token": self.invitation})).status, 200);
        world.login(&self.name, &self.password);
    }
}
