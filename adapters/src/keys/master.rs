//! The master key: a file beside the data, in no database and in no backup of one.

use super::KeysFault;
use navette_domain::digest::Digest;
use ring::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    hkdf, hmac,
    rand::{SecureRandom as _, SystemRandom},
};
use std::{
    fmt::{self, Write as _},
    fs::{self, DirBuilder, File},
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _},
    path::{Path, PathBuf},
};
use uuid::Uuid;

/// Why there is no master key to work with.
#[derive(Debug, thiserror::Error)]
pub enum MasterFault {
    /// The file cannot be read or made.
    #[error("the master key {0} cannot be read or made")]
    Io(PathBuf, #[source] io::Error),
    /// Others may read it.
    #[error("the master key {0} can be read by other accounts: chmod 600 it")]
    Open(PathBuf),
    /// It is not 64 hexadecimal digits.
    #[error("the master key {0} is not 64 hexadecimal digits: bring back the right file")]
    Garbled(PathBuf),
    /// There are keys already, and the file is not there.
    #[error(
        "the master key {0} is missing, and keys were made under it: bring it back, or copy it from the node that made it"
    )]
    Gone(PathBuf),
    /// It is another's.
    #[error(
        "the master key {0} is not the one under which the keys of this database were made: copy it from the node that made it"
    )]
    Foreign(PathBuf),
    /// The system gives no random bytes.
    #[error("the system gives no random bytes")]
    Random,
}

/// The master key, as what it is used for.
pub struct Master {
    wrapping: LessSafeKey,
    agents: hmac::Key,
    receipts: hmac::Key,
    mark: [u8; 32],
}

impl fmt::Debug for Master {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Master")
    }
}

impl Master {
    fn of(bytes: &[u8; 32]) -> Result<Self, MasterFault> {
        let salt = hkdf::Salt::new(hkdf::HKDF_SHA256, b"navette master key 1");
        let derived = salt.extract(bytes);
        let derive = |purpose: &[u8]| {
            let mut key = [0; 32];
            derived
                .expand(&[purpose], hkdf::HKDF_SHA256)
                .and_then(|material| material.fill(&mut key))
                .map_err(|_| MasterFault::Random)?;
            Ok(key)
        };
        let wrapping = UnboundKey::new(&AES_256_GCM, &derive(b"wrapping")?);
        Ok(Self {
            wrapping: LessSafeKey::new(wrapping.map_err(|_| MasterFault::Random)?),
            agents: hmac::Key::new(hmac::HMAC_SHA256, &derive(b"agents")?),
            receipts: hmac::Key::new(hmac::HMAC_SHA256, &derive(b"receipts")?),
            mark: derive(b"mark")?,
        })
    }

    #[cfg(any(test, feature = "sim"))]
    pub(super) fn of_tests() -> Self {
        Self::of(&[7; 32]).unwrap_or_else(|fault| unreachable!("{fault}"))
    }

    /// The key of this file, if it is there.
    pub fn read(file: &Path) -> Result<Option<Self>, MasterFault> {
        let failed = |error| MasterFault::Io(file.to_owned(), error);
        let text = match fs::read_to_string(file) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            text => text.map_err(failed)?,
        };
        if fs::metadata(file).map_err(failed)?.mode() & 0o077 != 0 {
            return Err(MasterFault::Open(file.to_owned()));
        }
        let digest: Option<Digest> = text.trim().parse().ok();
        let digest = digest.ok_or_else(|| MasterFault::Garbled(file.to_owned()))?;
        Self::of(digest.as_bytes()).map(Some)
    }

    /// Makes a key in this file, unless another process has just done so: then it is that one.
    pub(super) fn make(file: &Path) -> Result<Self, MasterFault> {
        let mut bytes = [0; 32];
        random(&mut bytes)?;
        place(file, &bytes).map_err(|error| MasterFault::Io(file.to_owned(), error))?;
        Self::read(file)?.ok_or_else(|| MasterFault::Gone(file.to_owned()))
    }

    pub(super) fn mark(&self) -> &[u8] {
        &self.mark
    }

    /// The subject that an agent is: nobody can find the agent again from it without this key.
    pub(super) fn agent(&self, value: &str) -> Uuid {
        let tag = hmac::sign(&self.agents, value.trim().to_lowercase().as_bytes());
        let mut bytes = [0; 16];
        bytes
            .iter_mut()
            .zip(tag.as_ref())
            .for_each(|(to, from)| *to = *from);
        uuid::Builder::from_custom_bytes(bytes).into_uuid()
    }

    pub(super) fn blind(&self, content: Digest) -> Digest {
        let tag = hmac::sign(&self.receipts, content.as_bytes());
        let mut bytes = [0; 32];
        bytes
            .iter_mut()
            .zip(tag.as_ref())
            .for_each(|(to, from)| *to = *from);
        Digest::from_bytes(bytes)
    }

    /// A new key of a subject: its id, and itself as it is stored.
    pub(super) fn new_key(&self, subject: Uuid) -> Result<(Uuid, Vec<u8>), KeysFault> {
        let (mut id, mut key) = ([0; 16], vec![0; 32]);
        random(&mut id)?;
        random(&mut key)?;
        let id = uuid::Builder::from_random_bytes(id).into_uuid();
        let stored = lock(&self.wrapping, &about(id, subject), key)?;
        Ok((id, stored))
    }

    /// The key that was stored for a subject under this id.
    pub(super) fn open_key(
        &self,
        id: Uuid,
        subject: Uuid,
        stored: &mut [u8],
    ) -> Result<LessSafeKey, KeysFault> {
        let key = unlock(&self.wrapping, &about(id, subject), stored)?;
        let key = UnboundKey::new(&AES_256_GCM, key).map_err(|_| KeysFault::Damaged)?;
        Ok(LessSafeKey::new(key))
    }
}

fn about(id: Uuid, subject: Uuid) -> String {
    format!("navette key 1|{id}|{subject}")
}

fn random(bytes: &mut [u8]) -> Result<(), MasterFault> {
    SystemRandom::new()
        .fill(bytes)
        .map_err(|_| MasterFault::Random)
}

/// `plain` under `key`, after its nonce. `about` must be the same to open it.
pub(super) fn lock(key: &LessSafeKey, about: &str, plain: Vec<u8>) -> Result<Vec<u8>, KeysFault> {
    let mut nonce = [0; NONCE_LEN];
    random(&mut nonce)?;
    let mut locked = plain;
    key.seal_in_place_append_tag(
        Nonce::assume_unique_for_key(nonce),
        Aad::from(about.as_bytes()),
        &mut locked,
    )
    .map_err(|_| KeysFault::Damaged)?;
    Ok([&nonce[..], &locked].concat())
}

/// What was locked, in its place.
pub(super) fn unlock<'a>(
    key: &LessSafeKey,
    about: &str,
    locked: &'a mut [u8],
) -> Result<&'a [u8], KeysFault> {
    let (nonce, locked) = locked
        .split_at_mut_checked(NONCE_LEN)
        .ok_or(KeysFault::Damaged)?;
    let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| KeysFault::Damaged)?;
    let plain = key
        .open_in_place(nonce, Aad::from(about.as_bytes()), locked)
        .map_err(|_| KeysFault::Damaged)?;
    Ok(plain)
}

/// Writes a file that only we can read, whole and on disk, unless there is one.
fn place(file: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = file.parent().unwrap_or(Path::new("."));
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)?;
    let mut text = String::new();
    for byte in bytes {
        let _ = write!(text, "{byte:02x}");
    }
    text.push('\n');
    // Made by `tempfile` with mode 600.
    let mut temporary = tempfile::NamedTempFile::new_in(folder)?;
    temporary.write_all(text.as_bytes())?;
    temporary.as_file().sync_all()?;
    match temporary.persist_noclobber(file) {
        Err(error) if error.error.kind() != io::ErrorKind::AlreadyExists => return Err(error.error),
        _ => {}
    }
    File::open(folder)?.sync_all()
}
