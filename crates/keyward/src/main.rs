//! `keyward`: authentication in front of any HTTP API, in one binary. This file only picks the command.

#![allow(unreachable_pub, reason = "a binary has no outside; `pub` says what a file offers to the others")]

mod audit_files;
mod backend;
mod backup;
mod banner;
mod certificates;
mod checking;
mod cli;
mod commands;
mod data_dir;
mod descriptors;
mod doctor;
mod doors;
mod exit;
mod file_watch;
mod first_start;
mod given;
mod handover;
mod issuers;
mod keeper;
mod log;
mod master_key;
mod others;
mod pages;
mod planes;
mod ports;
mod private_file;
mod reload;
mod remote;
mod secret_input;
mod settings;
mod signals;
mod socket;
mod system;
mod terminal;
mod wire;
mod witness;

use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = cli::parse();
    match commands::run(&cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            failure.print(cli.json);
            failure.code()
        }
    }
}
