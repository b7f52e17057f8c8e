//! Addresses that open one file for a while without a token in a header: for links that a browser follows.
//!
//! An address names its path, until when it is good and whose it is, sealed under the master key. Whoever opens
//! it has the rights that its owner has then: a token that was revoked meanwhile opens nothing.

use crate::access::ACTOR;
use chrono::{DateTime, TimeDelta, Utc};
use navette_adapters::keys::Keys;
use navette_domain::digest::Digest;

/// How long an address is good.
pub const GOOD_FOR: TimeDelta = TimeDelta::minutes(5);

/// The address of `path` for `actor`, who holds a token, for a few minutes.
pub fn sign(keys: &Keys, path: &str, actor: &str, now: DateTime<Utc>) -> Option<String> {
    sign_until(keys, path, actor, now + GOOD_FOR)
}

/// The same until this time: for the files of scheduled exports, which people are sent the address of.
pub fn sign_until(keys: &Keys, path: &str, actor: &str, until: DateTime<Utc>) -> Option<String> {
    let by = actor.strip_prefix(ACTOR)?;
    let until = until.timestamp();
    let seal = seal(keys, path, until, by);
    Some(format!("{path}?until={until}&by={by}&seal={seal}"))
}

/// The name of the token that an address was made for, if it is one of ours and still good.
pub fn verify(keys: &Keys, path: &str, query: &str, now: DateTime<Utc>) -> Option<String> {
    let value = |name: &str| {
        let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        pairs
            .find(|(found, _)| *found == name)
            .map(|(_, value)| value)
    };
    let (until, by, given) = (value("until")?, value("by")?, value("seal")?);
    let until: i64 = until.parse().ok()?;
    let expected = seal(keys, path, until, by);
    // Blinded once more, so that the time of the comparison tells nothing.
    let blind = |text: &str| keys.blind(Digest::of(text.as_bytes()));
    let is_ours = blind(given) == blind(&expected);
    (is_ours && now.timestamp() <= until).then(|| by.to_owned())
}

fn seal(keys: &Keys, path: &str, until: i64, by: &str) -> String {
    let content = format!("signed address\u{1f}{path}\u{1f}{until}\u{1f}{by}");
    keys.blind(Digest::of(content.as_bytes())).to_string()
}
