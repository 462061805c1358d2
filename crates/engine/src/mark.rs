//! What a decision's id says of what was decided: short digests by which a folded decision is found again.

use std::borrow::Cow;
use std::hash::BuildHasher as _;
use std::net::IpAddr;
use std::sync::Arc;

use foldhash::quality::RandomState;
use keyward_core::api_key::CredentialEntry;
use keyward_core::decision::DecisionId;
use keyward_core::route::RouteId;

/// What was decided, before anything becomes of it.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// `allowed`, or the reason's name.
    pub outcome: &'static str,
    /// The rule that spoke.
    pub detail: Option<Cow<'static, str>>,
    /// The route that was matched.
    pub route: Option<RouteId>,
    /// The known credential.
    pub credential: Option<Arc<CredentialEntry>>,
}

impl Verdict {
    /// Something that has neither a route nor a caller.
    pub fn of(outcome: &'static str, detail: Option<&'static str>) -> Self {
        Self { outcome, detail: detail.map(Cow::Borrowed), route: None, credential: None }
    }
}

/// How much of a decision is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Level {
    /// Everything, on its own.
    Single,
    /// Counted with others of the same reason, rule, route, credential and address.
    Full,
    /// Counted with others of whatever address.
    AnyAddress,
    /// Counted with others of whatever credential and address.
    AnyCaller,
}

impl Level {
    /// All of them, by their number in the store.
    pub const ALL: [Self; 4] = [Self::Single, Self::Full, Self::AnyAddress, Self::AnyCaller];

    /// The number in the store. They are on disk: add to them, never change one.
    pub const fn number(self) -> u8 {
        match self {
            Self::Single => 0,
            Self::Full => 1,
            Self::AnyAddress => 2,
            Self::AnyCaller => 3,
        }
    }
}

/// Bits of the number that tells decisions of one second and core apart. It counts on over seconds and starts again
/// after a million: no core decides as many in one second.
const SERIAL: u32 = 20;
/// Bits of an address' digest, above the serial number.
const ADDRESS: u32 = 13;
/// Bits of a credential's digest, above those.
const CREDENTIAL: u32 = 13;

/// The upper 44 bits of a decision id within its second: 18 of reason, rule and route, 13 of the credential, 13 of the
/// address, each a digest with a seed of the core's own. They hide nothing and decide nothing, so a fast one does. Two
/// different folds of one second and core may share a mark; then an id leads to both.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Mark(u64);

impl Mark {
    /// Of what was decided for whom.
    pub fn of(key: &RandomState, verdict: &Verdict, client: IpAddr) -> Self {
        let what = key.hash_one((verdict.outcome, &verdict.detail, verdict.route));
        let credential = match &verdict.credential {
            Some(entry) => key.hash_one(entry.principal.credential.short()),
            None => 0,
        };
        let bits = |hash: u64, count: u32| hash >> (u64::BITS - count);
        let what = bits(what, u64::BITS - SERIAL - ADDRESS - CREDENTIAL);
        Self(
            what << (SERIAL + ADDRESS + CREDENTIAL)
                | bits(credential, CREDENTIAL) << (SERIAL + ADDRESS)
                | bits(key.hash_one(client), ADDRESS) << SERIAL,
        )
    }

    /// Of a decision id's bits within its second.
    pub const fn in_id(within: u64) -> Self {
        Self(within >> SERIAL << SERIAL)
    }

    /// The bits that are left at a level.
    pub const fn at(self, level: Level) -> u64 {
        let cut = match level {
            Level::Single | Level::Full => SERIAL,
            Level::AnyAddress => SERIAL + ADDRESS,
            Level::AnyCaller => SERIAL + ADDRESS + CREDENTIAL,
        };
        self.0 >> cut << cut
    }

    /// A decision's bits within its second: the mark and a serial number, which is never 0.
    pub const fn within(self, count: u64) -> u64 {
        self.0 | (count % ((1 << SERIAL) - 1) + 1)
    }

    /// The id that a decision has when this is what was decided in the end: its place and serial number stay.
    pub fn rename(self, id: DecisionId) -> DecisionId {
        let serial = id.within() & ((1 << SERIAL) - 1);
        DecisionId::of_lane(id.lane(), id.second(), self.0 | serial)
    }
}

/// What makes the marks of one core. Where nothing is kept, every mark is empty: there is nothing that it could lead to.
#[derive(Clone, Debug, Default)]
pub struct Marker(Option<RandomState>);

impl Marker {
    /// With a key of its own.
    pub fn new() -> Self {
        Self(Some(RandomState::default()))
    }

    /// The mark of what was decided for whom.
    pub fn mark(&self, verdict: &Verdict, client: IpAddr) -> Mark {
        self.0.as_ref().map(|key| Mark::of(key, verdict, client)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_holds_its_mark_and_never_the_serial_number_of_a_fold() {
        let key = RandomState::default();
        let mark = Mark::of(&key, &Verdict::of("allowed", None), "192.0.2.1".parse().unwrap());
        for count in [0, 1, (1 << SERIAL) - 2, (1 << SERIAL) - 1, 1 << SERIAL, u64::MAX] {
            let within = mark.within(count);
            assert_eq!(Mark::in_id(within), mark);
            assert_ne!(within & ((1 << SERIAL) - 1), 0);
        }
    }

    #[test]
    fn another_verdict_on_the_same_request_changes_the_mark_and_nothing_else() {
        let (marker, client) = (Marker::new(), "192.0.2.1".parse().unwrap());
        let mark = |outcome| marker.mark(&Verdict::of(outcome, None), client);
        let id = DecisionId::new(1, 2, 1_700_000_000, mark("allowed").within(7));
        let renamed = mark("Rejected").rename(id);
        assert_eq!(renamed, DecisionId::new(1, 2, 1_700_000_000, mark("Rejected").within(7)));
        assert_ne!(renamed, id);
        assert_eq!(Marker::default().mark(&Verdict::of("allowed", None), client).rename(id).within() >> SERIAL, 0);
    }

    #[test]
    fn a_coarser_mark_forgets_the_address_first_and_then_the_credential() {
        let key = RandomState::default();
        let verdict = Verdict::of("NoCredential", None);
        let [one, two] = ["192.0.2.1", "2001:db8::1"].map(|text| Mark::of(&key, &verdict, text.parse().unwrap()));
        assert_eq!(one.at(Level::AnyAddress), two.at(Level::AnyAddress));
        let other = Mark::of(&key, &Verdict::of("NoRoute", None), "192.0.2.1".parse().unwrap());
        assert_eq!(Mark::in_id(one.within(7)).at(Level::AnyCaller), one.at(Level::AnyCaller));
        assert_eq!(other.at(Level::AnyCaller) & ((1 << (SERIAL + ADDRESS + CREDENTIAL)) - 1), 0);
    }
}
