//! All operations, in the order in which paths are matched.

use std::sync::LazyLock;

use crate::operation::Operation;
use crate::operations::{document, keys, me, roles, session, sessions};

/// By resource. Of two paths that match the first counts: what is fixed comes before what varies.
const ALL: &[&[Operation]] = &[
    document::OPERATIONS,
    session::OPERATIONS,
    me::OPERATIONS,
    keys::OPERATIONS,
    sessions::OPERATIONS,
    roles::OPERATIONS,
];

/// All of them; an operation's place here is its destination in the route table.
pub(crate) static OPERATIONS: LazyLock<Vec<Operation>> =
    LazyLock::new(|| ALL.iter().flat_map(|part| part.iter()).copied().collect());
