//! Checkpoints: the root of the tree at one size, as a signed note.
//!
//! The text is C2SP tlog-checkpoint, in a C2SP signed note with Ed25519. Signing and verifying a signature
//! are done outside; what is signed, and under which name, is said here.

use crate::digest::Digest;
use base64::{Engine as _, prelude::BASE64_STANDARD};
use std::{fmt, fmt::Write as _, str::FromStr};
use uuid::Uuid;

/// The kind of key, in key ids and written keys: Ed25519.
const ED25519: u8 = 1;

/// What the origin of Navette's logs begins with.
const ORIGIN: &str = "navette/";

/// The tree of a log at one size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Checkpoint {
    /// Which log, and since which restore.
    pub epoch: Uuid,
    /// How many events it had: also the position of the last.
    pub size: u64,
    /// The root of the tree over them.
    pub root: Digest,
}

/// A text that is not a checkpoint of Navette.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotACheckpoint {
    /// It lacks a line, or has another form.
    #[error("this is not a signed checkpoint: {0}")]
    Form(&'static str),
    /// It is somebody else's.
    #[error("this is not a checkpoint of a log of Navette")]
    Origin,
}

impl Checkpoint {
    /// The name of its log, and of the key that signs for it.
    pub fn origin(&self) -> String {
        origin(self.epoch)
    }

    /// The text that is signed.
    pub fn text(&self) -> String {
        let root = BASE64_STANDARD.encode(self.root.as_bytes());
        format!("{}\n{}\n{root}\n", self.origin(), self.size)
    }

    /// The note: the text and its signature under this key.
    pub fn note(&self, key: &VerifierKey, signature: &[u8; 64]) -> String {
        signed(&self.text(), &[(key, signature)])
    }
}

/// A note: its text, and the signature of each key over it.
pub(super) fn signed(text: &str, signatures: &[(&VerifierKey, &[u8; 64])]) -> String {
    let mut note = format!("{text}\n");
    for (key, signature) in signatures {
        let signature = BASE64_STANDARD.encode([key.id().as_slice(), *signature].concat());
        let _ = writeln!(note, "— {} {signature}", key.name());
    }
    note
}

fn origin(epoch: Uuid) -> String {
    format!("{ORIGIN}{epoch}")
}

/// A note whose signature is still to be verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedCheckpoint {
    /// What it says.
    pub checkpoint: Checkpoint,
    /// What was signed: the text with all its lines, known here or not.
    pub text: String,
    signatures: Vec<(String, Vec<u8>)>,
}

impl SignedCheckpoint {
    /// The signature that claims to be made with this key.
    pub fn signature(&self, key: &VerifierKey) -> Option<&[u8]> {
        let name = key.name();
        self.signatures
            .iter()
            .filter(|(by, _)| *by == name)
            .find_map(|(_, signature)| signature.strip_prefix(&key.id()))
    }
}

impl FromStr for SignedCheckpoint {
    type Err = NotACheckpoint;

    fn from_str(note: &str) -> Result<Self, NotACheckpoint> {
        use NotACheckpoint::{Form, Origin};
        let (text, signatures) = note
            .rsplit_once("\n\n")
            .ok_or(Form("the empty line before the signature is missing"))?;
        let text = format!("{text}\n");
        let mut lines = text.lines();
        let epoch = lines
            .next()
            .and_then(|origin| origin.strip_prefix(ORIGIN))
            .and_then(|epoch| Uuid::parse_str(epoch).ok())
            .ok_or(Origin)?;
        let size = lines
            .next()
            .and_then(|line| Some((line, line.parse::<u64>().ok()?)))
            .filter(|(line, size)| size.to_string() == *line)
            .ok_or(Form("the second line must be the number of events"))?
            .1;
        let root = lines
            .next()
            .and_then(|line| BASE64_STANDARD.decode(line).ok())
            .and_then(|root| Some(Digest::from_bytes(root.try_into().ok()?)))
            .ok_or(Form("the third line must be the root, 32 bytes in base64"))?;
        let signatures: Option<Vec<_>> = signatures
            .lines()
            .map(|line| {
                let (name, signature) = line.strip_prefix("— ")?.rsplit_once(' ')?;
                Some((name.to_owned(), BASE64_STANDARD.decode(signature).ok()?))
            })
            .collect();
        let signatures = signatures
            .filter(|signatures| !signatures.is_empty())
            .ok_or(Form("a signature line is missing or damaged"))?;
        Ok(Self {
            checkpoint: Checkpoint { epoch, size, root },
            text,
            signatures,
        })
    }
}

/// The public key that an auditor holds, with the name of the log it speaks for. Written as C2SP says:
/// `navette/<epoch>+<id>+<key>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VerifierKey {
    /// Which log.
    pub epoch: Uuid,
    /// The key of Ed25519.
    pub public: [u8; 32],
}

impl VerifierKey {
    /// The name that signature lines bear.
    pub fn name(&self) -> String {
        origin(self.epoch)
    }

    /// The four bytes before each signature made with it.
    pub fn id(&self) -> [u8; 4] {
        let name = self.name();
        let digest = Digest::of_parts([name.as_bytes(), b"\n", &[ED25519], &self.public]);
        let [a, b, c, d, ..] = *digest.as_bytes();
        [a, b, c, d]
    }
}

impl FromStr for VerifierKey {
    type Err = NotAKey;

    fn from_str(text: &str) -> Result<Self, NotAKey> {
        let mut parts = text.trim().splitn(3, '+');
        let name = parts.next().and_then(|name| name.strip_prefix(ORIGIN));
        let epoch = name.and_then(|epoch| Uuid::parse_str(epoch).ok());
        let key = parts
            .nth(1)
            .and_then(|key| BASE64_STANDARD.decode(key).ok());
        let public = key.as_deref().and_then(|key| key.strip_prefix(&[ED25519]));
        let public = public.and_then(|public| public.try_into().ok());
        let (Some(epoch), Some(public)) = (epoch, public) else {
            return Err(NotAKey);
        };
        let key = Self { epoch, public };
        // The id in the middle tells a key that was copied badly.
        (key.to_string() == text.trim())
            .then_some(key)
            .ok_or(NotAKey)
    }
}

/// A text that is not the public key of a log of Navette.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a public key is written navette/<epoch>+<id>+<key>, as `navette checkpoint key` prints it"
)]
pub struct NotAKey;

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let id = u32::from_be_bytes(self.id());
        let key = BASE64_STANDARD.encode([&[ED25519], self.public.as_slice()].concat());
        write!(f, "{}+{id:08x}+{key}", self.name())
    }
}
