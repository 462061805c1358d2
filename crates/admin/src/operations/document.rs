//! The document that tells programs of all operations.

use crate::answer::{self, Reply};
use crate::operation::{Access, Given, Operation, Verb};

pub(crate) const OPERATIONS: &[Operation] = &[Operation {
    id: "document",
    verb: Verb::Get,
    path: "/openapi.json",
    access: Access::Public,
    summary: "This document (OpenAPI 3.1)",
    given: Given::Document,
    run: |_| Box::pin(async { Ok(served()) }),
    ..Operation::NEW
}];

fn served() -> Reply {
    answer::ok(&crate::openapi::document())
}
