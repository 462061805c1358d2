//! The command line: flags and their help. What is not in this version is not here.

mod keys;
mod past;
mod people;
mod rules;
mod signing_keys;
mod used;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub use keys::{CreateKey, Key, WhichKeys};
pub use past::{Audit, AuditFormat, DecisionFlags, Decisions, Explain, WhichRecords};
pub use people::{Account, SecondFactor, Session, User, WhichAccounts, WhichUsers};
pub use rules::{Plan, Role, Token};
pub use signing_keys::SigningKey;
pub use used::{Usage, UsedFlags};

/// Authentication in front of any HTTP API, in one binary.
///
/// Start with `keyward serve`: it listens on 127.0.0.1:8080 with a demo API behind it, and says what to try.
#[derive(Debug, Parser)]
#[command(name = "keyward", version, max_term_width = 100, subcommand_required = true, arg_required_else_help = true)]
pub struct Cli {
    /// Where Keyward keeps its data [default: ./keyward-data] [env: KEYWARD_DATA_DIR]
    #[arg(long, global = true, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// The configuration file [env: KEYWARD_CONFIG]
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// A configuration that comes with Keyward, under the file: `keyward preset list` [env: KEYWARD_PRESET]
    #[arg(long, global = true, value_name = "NAME")]
    pub preset: Option<String>,
    /// Carry the command out on a server elsewhere: the URL of its control plane [env: KEYWARD_SERVER]
    #[arg(long, global = true, value_name = "URL")]
    pub server: Option<String>,
    /// The file with the key for --server [env: KEYWARD_TOKEN_FILE; KEYWARD_TOKEN holds the key itself]
    #[arg(long, global = true, value_name = "FILE")]
    pub token_file: Option<String>,
    /// Answer in JSON, for programs
    #[arg(long, global = true)]
    pub json: bool,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Put Keyward before an API and run until stopped
    Serve(Serve),
    /// Make an empty data directory without serving from it
    Init,
    /// Check, show or describe the configuration
    #[command(subcommand)]
    Config(Config),
    /// List and show the configurations that come with Keyward
    #[command(subcommand)]
    Preset(Preset),
    /// Make and manage API keys
    #[command(subcommand)]
    Key(Key),
    /// Make and manage users
    #[command(subcommand)]
    User(User),
    /// Make and manage accounts, the owners of users and keys
    #[command(subcommand)]
    Account(Account),
    /// List who is signed in, by browser or by tokens; `user sign-out` ends sessions
    #[command(subcommand)]
    Session(Session),
    /// List the roles of the configuration
    #[command(subcommand)]
    Role(Role),
    /// List the plans of the configuration
    #[command(subcommand)]
    Plan(Plan),
    /// Look at one access or refresh token, or end it
    #[command(subcommand)]
    Token(Token),
    /// List, rotate and retire the keys that sign tokens
    #[command(subcommand)]
    SigningKey(SigningKey),
    /// List, verify and export the record of what happened
    #[command(subcommand)]
    Audit(Audit),
    /// List what was decided, request by request, and follow it
    #[command(subcommand)]
    Decisions(Decisions),
    /// List what was used: requests by hour, user, key, route and outcome
    Usage(Usage),
    /// Show what the last time saw: requests by what became of them, how long they took, who came most
    Overview {
        /// How far back: 1h, 24h, 7d or 30d
        #[arg(long, default_value = "24h")]
        span: String,
    },
    /// Say whether a server runs, and how it is: its store, its record of decisions, what waits
    Status,
    /// Say what is open, what is weak and what is wrong, and what to do about it
    Doctor,
    /// Explain a decision by its id, or what would become of a request, and why
    Explain(Explain),
    /// Write everything that is kept into one file, also while a server runs
    Backup {
        /// The file to make; it holds secrets, and what is there already is not overwritten
        file: PathBuf,
    },
    /// Put back what a backup holds; what is there now is kept aside
    Restore {
        /// A file that `keyward backup` made
        file: PathBuf,
    },
    /// Take users or keys of other programs; says what it would take, and takes it with --apply
    Import(Import),
    /// Print accounts, users, keys and sessions as a JSON object a line, without secrets
    Export {
        /// Only these
        #[arg(long, value_enum)]
        kind: Option<Exported>,
    },
    /// Print what a shell needs to complete commands and flags
    #[command(after_help = "bash: keyward completions bash > ~/.local/share/bash-completion/completions/keyward\n\
                            zsh:  keyward completions zsh > \"${fpath[1]}/_keyward\"\n\
                            fish: keyward completions fish > ~/.config/fish/completions/keyward.fish")]
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

/// A file of another program, and what is to become of what is in it.
#[derive(Debug, Args)]
pub struct Import {
    /// Users: htpasswd (NAME:HASH lines). Keys: csv (a table that names its columns), env (variables), json (a list of
    /// objects), or a preset, as the program that it stands in for keeps them
    pub form: String,
    /// The file, or - for stdin
    pub file: String,
    /// htpasswd: roles of the users, comma-separated, out of `roles` in the configuration [default: self]
    #[arg(long, value_name = "ROLES")]
    pub roles: Option<String>,
    /// htpasswd: the account that they belong to, by name, id or your own reference
    #[arg(long, value_name = "ACCOUNT")]
    pub account: Option<String>,
    /// env: the variables, comma-separated; each holds one key or a comma-separated list
    #[arg(long = "keys", value_name = "NAMES")]
    pub variables: Option<String>,
    /// json: what members are called, comma-separated: hash=keyHash,owner=userId
    #[arg(long, value_name = "FIELD=MEMBER")]
    pub map: Option<String>,
    /// Keys: the user that owns those of which the file does not say whose they are [default: admin]
    #[arg(long, value_name = "USER")]
    pub owner: Option<String>,
    /// Keys: make the users that the file names and that are not there; they cannot sign in
    #[arg(long)]
    pub make_users: bool,
    /// Keys: a file with what was mixed into hmac-sha256 hashes
    #[arg(long, value_name = "FILE")]
    pub pepper_file: Option<String>,
    /// Take them; without it nothing is changed
    #[arg(long)]
    pub apply: bool,
}

/// Kinds of records that `export` prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Exported {
    /// Owners of users and keys
    Account,
    /// Who may sign in and own keys
    User,
    /// API keys, without the keys themselves
    Key,
    /// Who signed in, and when
    Session,
}

/// Flags of `serve`.
#[derive(Debug, Args)]
pub struct Serve {
    /// The address to listen on [default: 127.0.0.1] [env: KEYWARD_HOST]
    #[arg(long, value_name = "ADDRESS")]
    pub host: Option<String>,
    /// The port to listen on; 0 picks a free one [default: 8080] [env: KEYWARD_PORT]
    #[arg(long)]
    pub port: Option<String>,
    /// The API to protect, such as http://127.0.0.1:3000 [default: a built-in demo] [env: KEYWARD_UPSTREAM]
    #[arg(long, value_name = "URL")]
    pub upstream: Option<String>,
    /// Let paths through without a credential, such as '/docs/**'; may be repeated [env: KEYWARD_PUBLIC, comma-separated]
    #[arg(long, value_name = "PATTERN")]
    pub public: Vec<String>,
    /// The address of the control plane [default: 127.0.0.1] [env: KEYWARD_ADMIN_HOST]
    #[arg(long, value_name = "ADDRESS")]
    pub admin_host: Option<String>,
    /// The port of the control plane; 0 picks a free one [default: 9470] [env: KEYWARD_ADMIN_PORT]
    #[arg(long, value_name = "PORT")]
    pub admin_port: Option<String>,
    /// Accept this key of your own. Others on this machine can see it here; prefer --api-key-file or KEYWARD_API_KEY
    #[arg(long, value_name = "KEY", conflicts_with = "api_key_file")]
    pub api_key: Option<String>,
    /// Accept the key in this file [env: KEYWARD_API_KEY_FILE]
    #[arg(long, value_name = "FILE")]
    pub api_key_file: Option<PathBuf>,
    /// How to log each request on stdout [default: human on a terminal, else off]
    #[arg(long, value_enum)]
    pub log: Option<Log>,
    /// Take over from the server that runs on the data directory, without losing a request; where none runs, just start
    #[arg(long)]
    pub take_over: bool,
    /// Also log what Keyward itself does, on stderr
    #[arg(long, short)]
    pub verbose: bool,
}

/// Forms of the decision log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Log {
    /// One line per request, for people
    Human,
    /// One JSON object per request
    Json,
    /// Nothing
    Off,
}

/// Commands about the configuration.
#[derive(Debug, Subcommand)]
pub enum Config {
    /// Report every mistake in the configuration, with its line
    Check,
    /// Print the JSON Schema of the configuration file
    Schema,
    /// Show each value in force and where it comes from
    Show,
}

/// Commands about presets.
#[derive(Debug, Subcommand)]
pub enum Preset {
    /// List them
    List,
    /// Print one: a configuration file like any other
    Show {
        /// Its name
        name: String,
    },
}

/// Reads the command line; ends the process with exit code 2 and what is wrong where it cannot.
pub fn parse() -> Cli {
    Cli::parse()
}
