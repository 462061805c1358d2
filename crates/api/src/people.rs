//! Who there is: accounts and their plans, users, what their roles allow, and how they are invited.

pub mod accounts;
pub mod command;
pub mod invitations;
pub mod plans;
pub mod roles;
pub mod users;
