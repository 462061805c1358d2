//! `keyward role …`, `keyward plan …`, `keyward token …`: their flags and their help.

use clap::Subcommand;

/// Commands about roles, the named sets of scopes that users have. They stand in the configuration, under `roles`.
#[derive(Debug, Subcommand)]
pub enum Role {
    /// List them with what they grant
    List,
}

/// Commands about plans, the named sets of limits that accounts are on. They stand in the configuration, under `plans`.
#[derive(Debug, Subcommand)]
pub enum Plan {
    /// List them with their limits
    List,
}

/// Commands about one access or refresh token, read from a file or from stdin (-).
#[derive(Debug, Subcommand)]
pub enum Token {
    /// Say whose it is, what it may do now, and whether it counts
    Inspect {
        /// The file with the token, or - for stdin
        #[arg(default_value = "-", value_name = "FILE")]
        source: String,
    },
    /// End its session, and with it every token that was given out along it
    Revoke {
        /// The file with the token, or - for stdin
        #[arg(default_value = "-", value_name = "FILE")]
        source: String,
    },
}
