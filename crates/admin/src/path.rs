//! What varies in the path of an operation.

use percent_encoding::percent_decode_str;

use crate::operation::{Operation, PREFIX};

/// The segments of a path that vary, decoded, in the order of the operation's names. The engine has matched the path.
pub(crate) fn parameters(operation: &Operation, path: &str) -> Vec<String> {
    let given = path.strip_prefix(PREFIX).unwrap_or_default().split('/');
    let pairs = operation.path.split('/').zip(given);
    let variable = pairs.filter(|(name, _)| name.starts_with('{'));
    variable.map(|(_, value)| percent_decode_str(value).decode_utf8_lossy().into_owned()).collect()
}
