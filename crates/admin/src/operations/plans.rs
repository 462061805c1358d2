//! Plans: named sets of limits that count per account, as the configuration has them.

use http::StatusCode;
use keyward_api::people::plans::{self, PlanView};
use keyward_api::view::Listing;

use crate::answer;
use crate::operation::{Access, Given, Operation, shape};

pub(crate) const OPERATIONS: &[Operation] = &[Operation {
    id: "plans.list",
    path: "/plans",
    access: Access::Scope("keyward:accounts:read"),
    summary: "List plans",
    given: Given::Json(StatusCode::OK, shape::<Listing<PlanView>>),
    run: |call| Box::pin(async { Ok(answer::ok(&plans::list(call.service()))) }),
    ..Operation::NEW
}];
