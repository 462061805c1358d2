//! `keyward signing-key …`: its flags and their help.

use clap::Subcommand;

/// Commands about the keys that sign tokens.
#[derive(Debug, Subcommand)]
pub enum SigningKey {
    /// List them, newest first
    List,
    /// Make the next one: announced in the JWK set for a day, then it signs
    Rotate {
        /// Let it sign at once; whoever keeps the JWK set may not know it yet
        #[arg(long)]
        now: bool,
    },
    /// End everything that one signed, at once; where it signs, another takes over
    Retire {
        /// The key's id, such as sig_4f…
        id: String,
    },
}
