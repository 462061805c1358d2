//! Calls on the operators' port of a world.

use crate::client::Answer;
use crate::world::World;

/// Every scope of the built-in role `operator`, for `--scopes`.
pub const OPERATOR: &str = "keyward:keys:read,keyward:keys:write,keyward:users:read,keyward:users:write,keyward:accounts:read,\
    keyward:accounts:write,keyward:sessions:read,keyward:sessions:write,keyward:tokens:read,keyward:tokens:write,\
    keyward:signing-keys:read,keyward:signing-keys:write,keyward:audit:read,keyward:decisions:read,keyward:usage:read,\
    keyward:config:read,keyward:config:write,keyward:nodes:read,keyward:portal:write";

/// Every scope of the built-in role `auditor`.
pub const AUDITOR: &str = "keyward:keys:read,keyward:users:read,keyward:accounts:read,keyward:sessions:read,keyward:tokens:read,\
    keyward:signing-keys:read,keyward:audit:read,keyward:decisions:read,keyward:usage:read,keyward:config:read,keyward:nodes:read";

impl World {
    /// A key that may do all that operators may, and pass on `*`.
    pub fn operator_key(&self) -> String {
        self.key("operator", &["--scopes", &format!("{OPERATOR},*,self:*")])
    }

    /// Calls an operation with a key, which may be empty, and a JSON body, which may be, too.
    pub fn operate(&self, method: &str, path: &str, key: &str, body: &str) -> Answer {
        let key = format!("X-API-Key: {key}");
        let mut headers = Vec::new();
        if key != "X-API-Key: " {
            headers.push(key.as_str());
        }
        if !body.is_empty() {
            headers.push("Content-Type: application/json");
        }
        self.operate_by(method, path, &headers, body)
    }

    /// Calls an operation with these headers.
    pub fn operate_by(&self, method: &str, path: &str, headers: &[&str], body: &str) -> Answer {
        self.send_to(self.server().admin, (method, &format!("/admin/v1{path}")), headers, body)
    }
}
