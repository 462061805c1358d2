//! All operations, in the order in which paths are matched.

use std::sync::LazyLock;

use crate::operation::Operation;
use crate::operations::{
    accounts, audit, configuration, decisions, document, figures, invitations, keys, me, nodes, plans, roles, session,
    sessions, signing_keys, tokens, users,
};

/// By resource. Of two paths that match the first counts: what is fixed comes before what varies.
const ALL: &[&[Operation]] = &[
    document::OPERATIONS,
    session::OPERATIONS,
    me::OPERATIONS,
    invitations::OPERATIONS,
    keys::OPERATIONS,
    users::OPERATIONS,
    accounts::OPERATIONS,
    roles::OPERATIONS,
    plans::OPERATIONS,
    sessions::OPERATIONS,
    tokens::OPERATIONS,
    signing_keys::OPERATIONS,
    audit::OPERATIONS,
    decisions::OPERATIONS,
    figures::OPERATIONS,
    configuration::OPERATIONS,
    nodes::OPERATIONS,
];

/// All of them; an operation's place here is its destination in the route table.
pub(crate) static OPERATIONS: LazyLock<Vec<Operation>> =
    LazyLock::new(|| ALL.iter().flat_map(|part| part.iter()).copied().collect());
