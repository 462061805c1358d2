//! Sessions of everybody: which there are, and the end of one.

use http::StatusCode;
use keyward_api::failure::Failure;
use keyward_api::sessions::{self, SessionQuestion, SessionView};
use keyward_api::view::{Listing, ReceiptView};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::answer::{self, Reply};
use crate::call::Call;
use crate::operation::{Access, Given, Operation, Verb, shape};
use crate::operations::keys::page;

pub(crate) const OPERATIONS: &[Operation] = &[
    Operation {
        id: "sessions.list",
        path: "/sessions",
        access: Access::Scope("keyward:sessions:read"),
        summary: "List sessions, by cookie and by tokens; of one user those that go on",
        query: Some(shape::<Which>),
        given: Given::Json(StatusCode::OK, shape::<Listing<SessionView>>),
        refuses: &[404, 409],
        run: |call| Box::pin(list(call)),
        ..Operation::NEW
    },
    Operation {
        id: "sessions.end",
        verb: Verb::Delete,
        path: "/sessions/{id}",
        access: Access::Scope("keyward:sessions:write"),
        summary: "End a session",
        given: Given::Json(StatusCode::OK, shape::<Ended>),
        refuses: &[404],
        run: |call| Box::pin(end(call)),
        ..Operation::NEW
    },
];

/// Which sessions to list.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Which {
    /// A `nextCursor` of the page before.
    cursor: Option<String>,
    /// How many at most.
    #[schemars(range(min = 1, max = 1000))]
    limit: Option<u32>,
    /// Of this user, by name, id or reference.
    user: Option<String>,
    /// By what: `cookie` or `tokens`.
    #[schemars(extend("enum" = ["cookie", "tokens"]))]
    by: Option<String>,
}

async fn list(call: &Call) -> Result<Reply, Failure> {
    let Which { cursor, limit, user, by } = call.query()?;
    let question = SessionQuestion { user, by };
    Ok(answer::ok(&sessions::list(call.service(), &question, (cursor.as_deref(), page(limit)?)).await?))
}

/// A session has ended.
#[derive(Serialize, JsonSchema)]
struct Ended {
    /// Which nodes know.
    receipt: ReceiptView,
}

async fn end(call: &Call) -> Result<Reply, Failure> {
    let receipt = sessions::end(call.service(), call.parameter(0), &call.origin()).await?;
    Ok(answer::ok(&Ended { receipt }))
}
