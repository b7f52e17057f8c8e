//! The file that an auditor takes away: the same contents make the same bytes.

use super::page::page;
use anyhow::Context as _;
use navette_adapters::proof::TimeStamp;
use navette_domain::{
    digest::Digest,
    event::Recorded,
    history::{NamedFile, files},
    proof::{Checkpoint, HASHED_BEFORE_FIRST, StoredEvent, VerifierKey, written_time},
};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use std::{
    collections::{BTreeMap, HashMap},
    fmt::Write as _,
    fs::File,
    io::{self, Read as _, Seek as _, Write as _},
};
use uuid::Uuid;
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

/// What is proved, and by what. Events are in the order of the log.
pub(super) struct Contents {
    /// The events as they are stored, each with the nodes that lead from it to the root.
    pub stored: Vec<(StoredEvent, Vec<Digest>)>,
    /// The same events as they are read.
    pub read: Vec<Recorded>,
    /// The checkpoint that they are proved by.
    pub checkpoint: Checkpoint,
    /// Its note.
    pub note: String,
    /// The passages from a key to the next, up to the one that verifies it.
    pub passages: Vec<String>,
    /// What an authority said of it: the token, and when it says that it existed.
    pub stamp: Option<(Vec<u8>, TimeStamp)>,
    /// The key that verifies it.
    pub key: VerifierKey,
    /// The size of the checkpoint that the auditor held, and what leads from it to this one.
    pub consistency: Option<(u64, Vec<Digest>)>,
}

impl Contents {
    /// The files that its events name, each once.
    pub(super) fn files(&self) -> BTreeMap<Digest, NamedFile> {
        let named = self.read.iter().flat_map(|read| files(&read.event));
        named.map(|file| (file.digest, file)).collect()
    }

    /// `events.jsonl`.
    fn events(&self) -> String {
        let mut last: HashMap<Uuid, Digest> = HashMap::new();
        let mut lines = String::new();
        for (event, inclusion) in &self.stored {
            let previous = last.insert(event.stream_id, event.hash);
            let previous = previous.unwrap_or(HASHED_BEFORE_FIRST);
            let line = json!({
                "position": event.position,
                "stream_type": event.stream_type,
                "stream_id": event.stream_id,
                "version": event.version,
                "event_type": event.event_type,
                "event_version": event.event_version,
                "recorded_at": written_time(event.recorded_at),
                "payload": event.payload,
                "metadata": event.metadata,
                "previous": previous,
                "hash": event.hash,
                "inclusion": inclusion,
            });
            let _ = writeln!(lines, "{line}");
        }
        lines
    }
}

/// A bundle being written.
pub(super) struct Pack {
    zip: ZipWriter<File>,
    kept: BTreeMap<Digest, String>,
}

impl Pack {
    /// An empty bundle in a file that goes with its last reader.
    pub(super) fn begin() -> anyhow::Result<Self> {
        let file = tempfile::tempfile().context("making a file for a bundle")?;
        Ok(Self {
            zip: ZipWriter::new(file),
            kept: BTreeMap::new(),
        })
    }

    /// Adds a file that events name.
    pub(super) fn keep(mut self, named: &NamedFile, bytes: &[u8]) -> anyhow::Result<Self> {
        let path = format!("documents/{}.{}", named.digest, named.extension);
        self.add(&path, bytes)?;
        self.kept.insert(named.digest, path);
        Ok(self)
    }

    fn add(&mut self, name: &str, bytes: &[u8]) -> anyhow::Result<()> {
        // No time and no owner: nothing of when and where it was made.
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .last_modified_time(zip::DateTime::default())
            .unix_permissions(0o644);
        self.zip.start_file(name, options)?;
        self.zip.write_all(bytes)?;
        Ok(())
    }

    /// Adds the rest; the whole file, ready to be read, and its digest.
    pub(super) fn finish(mut self, contents: &Contents) -> anyhow::Result<(File, Digest)> {
        let page = page(contents, &self.kept)?;
        self.add("LISEZMOI.txt", include_bytes!("assets/LISEZMOI.txt"))?;
        self.add("historique.html", page.as_bytes())?;
        self.add("events.jsonl", contents.events().as_bytes())?;
        self.add("checkpoint.txt", contents.note.as_bytes())?;
        self.add("cle.txt", format!("{}\n", contents.key).as_bytes())?;
        if !contents.passages.is_empty() {
            let passages = serde_json::to_string_pretty(&contents.passages)?;
            self.add("passages.json", format!("{passages}\n").as_bytes())?;
        }
        if let Some((token, _)) = &contents.stamp {
            self.add("horodatage.tst", token)?;
        }
        if let Some((from, proof)) = &contents.consistency {
            let said = json!({ "from": from, "to": contents.checkpoint.size, "proof": proof });
            self.add("consistency.json", format!("{said}\n").as_bytes())?;
        }
        self.add("verify.py", include_bytes!("assets/verify.py"))?;
        self.add("ed25519.py", include_bytes!("assets/ed25519.py"))?;
        self.add("horodatage.py", include_bytes!("assets/horodatage.py"))?;
        let mut file = self.zip.finish()?;
        file.rewind()?;
        let digest = digest_of(&mut file).context("reading a bundle back")?;
        file.rewind()?;
        Ok((file, digest))
    }
}

fn digest_of(file: &mut File) -> io::Result<Digest> {
    let mut hasher = Sha256::new();
    let mut chunk = vec![0; 64 * 1024];
    loop {
        match file.read(&mut chunk)? {
            0 => return Ok(Digest::from_bytes(hasher.finalize().into())),
            read => hasher.update(&chunk[..read]),
        }
    }
}
