//! The nodes that serve, and how each of them is.

use http::StatusCode;
use keyward_api::nodes::{self, NodeShown};
use keyward_api::view::Listing;

use crate::answer;
use crate::operation::{Access, Given, Operation, shape};

pub(crate) const OPERATIONS: &[Operation] = &[Operation {
    id: "nodes.list",
    path: "/nodes",
    access: Access::Scope("keyward:nodes:read"),
    summary: "The nodes that serve, and how each of them is",
    given: Given::Json(StatusCode::OK, shape::<Listing<NodeShown>>),
    run: |call| Box::pin(async { Ok(answer::ok(&nodes::list(call.service()).await)) }),
    ..Operation::NEW
}];
