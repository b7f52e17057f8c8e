//! The key that signs checkpoints: Ed25519, in a file that only its owner can read.

use anyhow::{Context as _, bail, ensure};
use navette_domain::proof::{Checkpoint, KeyChange, SignedCheckpoint, VerifierKey};
use ring::{
    rand::SystemRandom,
    signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey},
};
use std::{
    fs::{self, OpenOptions},
    io::{ErrorKind, Write as _},
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::Path,
};
use uuid::Uuid;

/// Signs the checkpoints of one log.
#[derive(Debug)]
pub struct CheckpointKey(Ed25519KeyPair);

impl CheckpointKey {
    /// The key in this file, which is made on first use.
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        match fs::metadata(path) {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::NotFound => {
                make(path).with_context(|| format!("making the key {}", path.display()))?;
            }
            Err(error) => {
                return Err(error).with_context(|| format!("reading the key {}", path.display()));
            }
        }
        Self::read(path)
    }

    /// The key in this file.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let reading = || format!("reading the key {}", path.display());
        let mode = fs::metadata(path).with_context(reading)?.permissions();
        ensure!(
            mode.mode().trailing_zeros() >= 6,
            "others can read the key {}: run `chmod 600` on it",
            path.display()
        );
        let bytes = fs::read(path).with_context(reading)?;
        match Ed25519KeyPair::from_pkcs8_maybe_unchecked(&bytes) {
            Ok(pair) => Ok(Self(pair)),
            Err(reason) => bail!(
                "{} is not an Ed25519 key in PKCS#8 (DER): {reason}",
                path.display()
            ),
        }
    }

    /// The public key.
    pub fn public(&self) -> [u8; 32] {
        copied(self.0.public_key().as_ref())
    }

    /// What an auditor needs to verify the checkpoints of this epoch.
    pub fn verifier(&self, epoch: Uuid) -> VerifierKey {
        VerifierKey {
            epoch,
            public: self.public(),
        }
    }

    /// The signed note of a checkpoint.
    pub fn sign(&self, checkpoint: &Checkpoint) -> String {
        let signature = copied(self.0.sign(checkpoint.text().as_bytes()).as_ref());
        checkpoint.note(&self.verifier(checkpoint.epoch), &signature)
    }

    /// The note of the passage from this key to the next, at a checkpoint.
    pub fn pass_to(&self, next: &Self, checkpoint: &Checkpoint) -> String {
        let [from, to] = [self, next].map(|key| key.verifier(checkpoint.epoch));
        let text = KeyChange::text(checkpoint, &from, &to);
        let [by_from, by_to] = [self, next].map(|key| copied(key.0.sign(text.as_bytes()).as_ref()));
        KeyChange::note(checkpoint, (&from, &by_from), (&to, &by_to))
    }
}

/// Keys and signatures of Ed25519 have a known length.
fn copied<const LENGTH: usize>(bytes: &[u8]) -> [u8; LENGTH] {
    let mut copy = [0; LENGTH];
    copy.iter_mut()
        .zip(bytes)
        .for_each(|(to, from)| *to = *from);
    copy
}

/// Whether the note bears a true signature by this key, in the name of the note's own log.
pub fn is_signed(note: &SignedCheckpoint, public: [u8; 32]) -> bool {
    let key = VerifierKey {
        epoch: note.checkpoint.epoch,
        public,
    };
    note.signature(&key).is_some_and(|signature| {
        UnparsedPublicKey::new(&ED25519, public)
            .verify(note.text.as_bytes(), signature)
            .is_ok()
    })
}

/// Makes the key whole or not at all; when another process was faster, its key stays.
fn make(path: &Path) -> anyhow::Result<()> {
    let pkcs8 = match Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()) {
        Ok(pkcs8) => pkcs8,
        Err(reason) => bail!("the system gave no randomness: {reason}"),
    };
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let draft = path.with_extension(format!("{}.new", std::process::id()));
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&draft)?;
    file.write_all(pkcs8.as_ref())?;
    file.sync_all()?;
    let placed = fs::hard_link(&draft, path);
    fs::remove_file(&draft)?;
    match placed {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error.into()),
        _ => Ok(()),
    }
}
