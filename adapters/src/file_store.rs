//! Office files and PDFs by their SHA-256: a folder by default, any store of the `object_store` crate
//! otherwise. A file is at `ab/cd/<sha256>`; it is on disk before its digest may be written anywhere.

use async_trait::async_trait;
use futures::TryStreamExt as _;
use navette_domain::{
    digest::Digest,
    ports::{FileStore, StoreResult},
};
use object_store::{
    Error, ObjectStore, ObjectStoreExt as _, PutMode, PutOptions, PutPayload,
    local::LocalFileSystem, path::Path as Key,
};
use sha2::{Digest as _, Sha256};
use std::{
    fs::{self, DirBuilder, Permissions},
    io::{self, Read, Write},
    os::unix::fs::{DirBuilderExt as _, PermissionsExt as _},
    path::Path,
    sync::Arc,
};

/// What is in memory of a long file at once.
const PART: u64 = 5 * 1024 * 1024;

/// Bytes that are not those which were stored.
#[derive(Debug, thiserror::Error)]
#[error("the file {0} is damaged in the store")]
pub struct Damaged(Digest);

/// The content-addressed store.
#[derive(Debug, Clone)]
pub struct Files(Arc<dyn ObjectStore>);

impl Files {
    /// The store in `folder`, made when missing and closed to other accounts: whatever the modes of the
    /// files inside, nobody else can reach them.
    pub fn in_folder(folder: &Path) -> StoreResult<Self> {
        private_folder(folder)?;
        // By default the local store renames without asking the disk: a power cut could then lose bytes
        // whose digest is already in an event.
        let store = LocalFileSystem::new_with_prefix(folder)?.with_fsync(true);
        Ok(Self(Arc::new(store)))
    }

    /// The store in another place, such as a bucket.
    pub fn in_store(store: Arc<dyn ObjectStore>) -> Self {
        Self(store)
    }
}

#[async_trait]
impl FileStore for Files {
    async fn put(&self, bytes: Vec<u8>) -> StoreResult<Digest> {
        let digest = Digest::of(&bytes);
        // Written even when it is there: a damaged copy is mended, and one that another writer has just
        // made is on disk when we say so.
        let options = PutOptions::from(PutMode::Overwrite);
        let payload = PutPayload::from(bytes);
        self.0.put_opts(&key(digest), payload, options).await?;
        Ok(digest)
    }

    async fn get(&self, digest: Digest) -> StoreResult<Option<Vec<u8>>> {
        let found = match self.0.get(&key(digest)).await {
            Err(Error::NotFound { .. }) => return Ok(None),
            found => found?,
        };
        let bytes = Vec::from(found.bytes().await?);
        if Digest::of(&bytes) != digest {
            return Err(Damaged(digest).into());
        }
        Ok(Some(bytes))
    }

    async fn put_long(&self, digest: Digest, mut content: Box<dyn Read + Send>) -> StoreResult<()> {
        let mut upload = self.0.put_multipart(&key(digest)).await?;
        let written = async {
            let mut sum = Sha256::new();
            loop {
                let mut part = vec![];
                content.by_ref().take(PART).read_to_end(&mut part)?;
                if part.is_empty() {
                    break;
                }
                sum.update(&part);
                upload.put_part(PutPayload::from(part)).await?;
            }
            if Digest::from_bytes(sum.finalize().into()) != digest {
                return Err(Damaged(digest).into());
            }
            upload.complete().await?;
            Ok(())
        };
        let written: StoreResult<()> = written.await;
        if written.is_err() {
            let _ = upload.abort().await;
        }
        written
    }

    async fn get_long(
        &self,
        digest: Digest,
        mut into: Box<dyn Write + Send>,
    ) -> StoreResult<Option<u64>> {
        let found = match self.0.get(&key(digest)).await {
            Err(Error::NotFound { .. }) => return Ok(None),
            found => found?,
        };
        let (mut sum, mut length) = (Sha256::new(), 0);
        let mut parts = found.into_stream();
        while let Some(part) = parts.try_next().await? {
            sum.update(&part);
            length += part.len() as u64;
            into.write_all(&part)?;
        }
        into.flush()?;
        if Digest::from_bytes(sum.finalize().into()) != digest {
            return Err(Damaged(digest).into());
        }
        Ok(Some(length))
    }

    async fn remove(&self, digest: Digest) -> StoreResult<()> {
        match self.0.delete(&key(digest)).await {
            Ok(()) | Err(Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

fn key(digest: Digest) -> Key {
    let name = digest.to_string();
    let (first, rest) = name.split_at(2);
    let (second, _) = rest.split_at(2);
    Key::from_iter([first, second, &name])
}

fn private_folder(folder: &Path) -> io::Result<()> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)?;
    fs::set_permissions(folder, Permissions::from_mode(0o700))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may fail")]
    use super::*;

    fn store() -> (tempfile::TempDir, Files) {
        let folder = tempfile::tempdir().unwrap();
        let files = Files::in_folder(&folder.path().join("files")).unwrap();
        (folder, files)
    }

    #[tokio::test]
    async fn bytes_are_found_under_their_digest_and_storing_them_again_changes_nothing() {
        let (folder, files) = store();
        let digest = files.put(b"abc".to_vec()).await.unwrap();
        assert_eq!(files.put(b"abc".to_vec()).await.unwrap(), digest);
        assert_eq!(files.get(digest).await.unwrap(), Some(b"abc".to_vec()));
        let place = format!("files/ba/78/{digest}");
        assert!(folder.path().join(place).is_file());
        assert_eq!(
            fs::read_dir(folder.path().join("files/ba/78"))
                .unwrap()
                .count(),
            1
        );
    }

    #[tokio::test]
    async fn a_long_file_is_kept_in_parts_and_only_if_it_is_what_it_is_said_to_be() {
        let (folder, files) = store();
        let long = vec![b'a'; usize::try_from(2 * PART + 7).unwrap()];
        let digest = Digest::of(&long);
        let content = || Box::new(io::Cursor::new(long.clone()));
        let other = Digest::of(b"other");
        assert!(files.put_long(other, content()).await.is_err());
        assert_eq!(files.get(other).await.unwrap(), None);
        files.put_long(digest, content()).await.unwrap();
        assert!(files.get(digest).await.unwrap() == Some(long.clone()));

        let mut copy = tempfile::tempfile().unwrap();
        let into = Box::new(copy.try_clone().unwrap());
        let length = files.get_long(digest, into).await.unwrap();
        assert_eq!(length, Some(long.len() as u64));
        io::Seek::rewind(&mut copy).unwrap();
        let mut read = vec![];
        copy.read_to_end(&mut read).unwrap();
        assert!(read == long);
        let nowhere = || Box::new(io::sink());
        assert_eq!(files.get_long(other, nowhere()).await.unwrap(), None);

        let name = digest.to_string();
        let place = format!("files/{}/{}/{name}", &name[..2], &name[2..4]);
        fs::write(folder.path().join(place), b"b").unwrap();
        let error = files.get_long(digest, nowhere()).await.unwrap_err();
        assert!(error.downcast_ref::<Damaged>().is_some());
    }

    #[tokio::test]
    async fn bytes_that_were_never_stored_are_told_apart_from_a_failure() {
        let (_folder, files) = store();
        assert_eq!(files.get(Digest::of(b"never")).await.unwrap(), None);
    }

    #[tokio::test]
    async fn a_damaged_file_is_never_served_and_storing_it_again_mends_it() {
        let (folder, files) = store();
        let digest = files.put(b"abc".to_vec()).await.unwrap();
        fs::write(folder.path().join(format!("files/ba/78/{digest}")), b"abd").unwrap();
        let error = files.get(digest).await.unwrap_err();
        assert!(error.downcast_ref::<Damaged>().is_some());
        files.put(b"abc".to_vec()).await.unwrap();
        assert_eq!(files.get(digest).await.unwrap(), Some(b"abc".to_vec()));
    }

    #[tokio::test]
    async fn what_is_removed_is_gone_and_removing_it_again_changes_nothing() {
        let (_folder, files) = store();
        let digest = files.put(b"abc".to_vec()).await.unwrap();
        files.remove(digest).await.unwrap();
        assert_eq!(files.get(digest).await.unwrap(), None);
        files.remove(digest).await.unwrap();
    }

    #[tokio::test]
    async fn nobody_else_can_enter_the_folder() {
        let (folder, files) = store();
        files.put(b"abc".to_vec()).await.unwrap();
        let mode = folder
            .path()
            .join("files")
            .metadata()
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o700);
    }
}
