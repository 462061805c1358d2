//! How a session is carried on.

use super::words;

/// What is shown for another access token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefreshBy {
    /// A refresh token, good for one use.
    Token,
    /// The access token itself, which goes on to its end.
    Bearer,
    /// Either of them.
    Either,
}

words!(RefreshBy: "token" => Self::Token, "bearer" => Self::Bearer, "either" => Self::Either);
