//! What a core hears of: changes of the store, other keys that sign, another configuration.

use std::sync::Arc;

use keyward_core::limit::Limit;
use keyward_core::rules::Rules;

use super::{Configuration, Worker};
use crate::node::Note;
use crate::ports::{Change, FeedHead};

impl Worker {
    /// Reads the mailbox, which otherwise waits for the next request.
    pub fn catch_up(&self) {
        let notes = self.shared.notes();
        if notes == self.seen.get() {
            return;
        }
        self.seen.set(notes);
        while let Ok(note) = self.mailbox.try_recv() {
            self.learned.set(self.learned.get().wrapping_add(1));
            match note {
                Note::Change(change) => self.learn(&change),
                Note::SigningKeys(keys) => *self.signing_keys.borrow_mut() = keys,
                Note::IssuerKeys(keys) => *self.issuer_keys.borrow_mut() = keys,
                Note::Rules(version, rules, head) => self.configure(version, &rules, head),
                Note::Flush(head) => self.memory.borrow_mut().flush(head),
            }
        }
    }

    fn configure(&self, version: u64, rules: &Rules, head: FeedHead) {
        *self.configuration.borrow_mut() = Configuration { rules: Arc::new(rules.of_plane(self.plane)), version };
        self.memory.borrow_mut().flush(head);
        self.tally.know_limits(rules.limits.iter().map(Limit::name));
        self.shared.decides_by(self.core, version);
    }

    fn learn(&self, change: &Change) {
        let rules = Arc::clone(&self.configuration.borrow().rules);
        let mut memory = self.memory.borrow_mut();
        match change {
            Change::ApiKey(position, joined) => {
                let entry = Arc::new(joined.resolve(&rules));
                memory.overwrite(joined.key.digest, entry, joined.lineage(), *position);
                // Tokens rest on the key of a pair; on any other key rests nothing.
                if joined.key.secret.is_some() {
                    memory.touch(&joined.key.id, *position);
                }
            }
            Change::Ancestor(position, id) => memory.touch(id, *position),
            // The node posts what follows from these.
            Change::SigningKeys(_) | Change::ImportedKey(..) | Change::Unknown(_) => {}
        }
    }
}
