//! The folders, and what people do with them.

use super::{Oddity, Options};
use crate::sim::{
    iparapheur::{pdf_signature::Signer, slip::slip},
    ledger::Ledger,
};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use navette_domain::ports::Neighbour;
use std::{
    io,
    time::{Duration, Instant},
};
use uuid::Uuid;

const PRESIDENT: &str = "Jeanne Exemple";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    Draft,
    Running,
    Finished,
    Rejected,
}

/// A line of a folder's history; without a date, it is waited for.
#[derive(Debug, Clone)]
pub(super) struct Event {
    pub task: Uuid,
    pub kind: &'static str,
    pub at: Option<DateTime<Utc>>,
    pub note: String,
    pub by: &'static str,
}

#[derive(Debug, Clone)]
pub(super) struct Folder {
    pub id: String,
    pub title: String,
    pub file_name: String,
    pub document: Bytes,
    pub slip: Bytes,
    pub events: Vec<Event>,
    pub stage: Stage,
    /// Nobody has seen it yet.
    pub retrievable: bool,
    created: Instant,
}

impl Folder {
    fn waits_for(&mut self, kind: &'static str) {
        self.events.push(Event {
            task: Uuid::new_v4(),
            kind,
            at: None,
            note: String::new(),
            by: "",
        });
    }

    fn does(&mut self, kind: &'static str, by: &'static str, note: &str) {
        self.events.retain(|event| event.at.is_some());
        self.waits_for(kind);
        if let Some(event) = self.events.last_mut() {
            event.at = Some(Utc::now());
            event.by = by;
            note.clone_into(&mut event.note);
        }
    }
}

#[derive(Debug)]
pub(super) struct Desk {
    pub folders: Vec<Folder>,
    pub oddities: Vec<(&'static str, Oddity)>,
    /// Each with its end.
    pub tokens: Vec<(String, Instant)>,
    pub logins: (u32, u32),
    pub options: Options,
    signer: Signer,
    ledger: Ledger,
}

impl Desk {
    pub fn new(ledger: Ledger, options: Options) -> io::Result<Self> {
        Ok(Self {
            folders: vec![],
            oddities: vec![],
            tokens: vec![],
            logins: (0, 0),
            options,
            signer: Signer::new(PRESIDENT)?,
            ledger,
        })
    }

    pub fn oddity(&mut self, operation: &str) -> Option<Oddity> {
        let mut planned = self.oddities.iter();
        let planned = planned.position(|(name, _)| *name == operation)?;
        Some(self.oddities.remove(planned).1)
    }

    pub fn token(&mut self) -> String {
        let token = Uuid::new_v4().to_string();
        let until = Instant::now() + Duration::from_secs(self.options.token_seconds);
        self.tokens.push((token.clone(), until));
        token
    }

    pub fn create(
        &mut self,
        title: String,
        circuit: (String, String),
        document: (String, Bytes),
    ) -> Result<Folder, String> {
        if !self.options.circuits.contains(&circuit) {
            return Err(format!("Unknown type for the folder {title}"));
        }
        if !(2..=255).contains(&title.chars().count()) || title.contains('\n') {
            return Err("The name of the folder must have from 2 to 255 characters".to_owned());
        }
        let mut folder = Folder {
            id: Uuid::new_v4().to_string(),
            title,
            file_name: document.0,
            document: document.1,
            slip: Bytes::new(),
            events: vec![],
            stage: Stage::Running,
            retrievable: true,
            created: Instant::now(),
        };
        self.ledger.note(
            Neighbour::IParapheur,
            "folder created",
            &folder.title,
            Some(&folder.document),
        );
        folder.does("START", "Service Aides", "");
        folder.waits_for("SIGNATURE");
        self.folders.push(folder.clone());
        Ok(folder)
    }

    /// A folder as a caller sees it, after whoever deals with it by themselves did.
    pub fn look(&mut self, id: &str) -> Option<&mut Folder> {
        if let Some(automatic) = self.options.automatic.clone() {
            let due = self.folders.iter().find(|folder| {
                folder.id == id
                    && folder.stage == Stage::Running
                    && folder.created.elapsed() >= automatic.after
            });
            if let Some(due) = due {
                // What is not a PDF cannot be signed: it stays.
                let _ = match (automatic.objection)(id, &due.title) {
                    Some(reason) => self.reject(id, &reason),
                    None => self.sign(id),
                };
            }
        }
        self.folders.iter_mut().find(|folder| folder.id == id)
    }

    pub fn running(&self) -> Vec<String> {
        let running = self.folders.iter().filter(|it| it.stage == Stage::Running);
        running.map(|folder| folder.id.clone()).collect()
    }

    pub fn sign(&mut self, id: &str) -> io::Result<()> {
        let document = self.running_folder(id)?.document.clone();
        let document = self.signer.sign(&document, Utc::now())?;
        let folder = self.running_folder(id)?;
        folder.document = document;
        folder.does("SIGNATURE", PRESIDENT, "Bon pour accord");
        folder.waits_for("ARCHIVE");
        Self::ends(folder, Stage::Finished)
    }

    pub fn reject(&mut self, id: &str, reason: &str) -> io::Result<()> {
        let folder = self.running_folder(id)?;
        folder.does("REJECT", PRESIDENT, reason);
        folder.waits_for("DELETE");
        Self::ends(folder, Stage::Rejected)
    }

    pub fn visa(&mut self, id: &str) -> io::Result<()> {
        let folder = self.running_folder(id)?;
        folder.does("VISA", "Direction", "Vu");
        folder.waits_for("SIGNATURE");
        folder.retrievable = false;
        Ok(())
    }

    fn ends(folder: &mut Folder, stage: Stage) -> io::Result<()> {
        folder.stage = stage;
        folder.retrievable = false;
        folder.slip = slip(&[format!("Bordereau de signature : {}", folder.title)])?.into();
        Ok(())
    }

    fn running_folder(&mut self, id: &str) -> io::Result<&mut Folder> {
        let mut folders = self.folders.iter_mut();
        let folder = folders.find(|folder| folder.id == id && folder.stage == Stage::Running);
        folder.ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    pub fn undo(&mut self, id: &str, task: &str) -> Result<(), &'static str> {
        let folder = self.look(id).ok_or("unknown")?;
        let waited = folder
            .events
            .iter()
            .any(|it| it.at.is_none() && it.task.to_string() == task);
        if !folder.retrievable || !waited {
            return Err("This folder cannot be taken back");
        }
        folder.stage = Stage::Draft;
        folder.retrievable = false;
        folder.does("UNDO", "Service Aides", "");
        folder.waits_for("START");
        self.ledger
            .note(Neighbour::IParapheur, "folder taken back", id, None);
        Ok(())
    }

    pub fn delete(&mut self, id: &str) -> Result<(), &'static str> {
        if self.look(id).ok_or("unknown")?.stage == Stage::Running {
            return Err("A running folder cannot be deleted");
        }
        self.folders.retain(|folder| folder.id != id);
        self.ledger
            .note(Neighbour::IParapheur, "folder deleted", id, None);
        Ok(())
    }

    pub fn crowd(&mut self, folders: usize) {
        for number in 0..folders {
            self.folders.push(Folder {
                id: Uuid::new_v4().to_string(),
                title: format!("Autre dossier {number}"),
                file_name: String::new(),
                document: Bytes::new(),
                slip: Bytes::new(),
                events: vec![],
                stage: Stage::Running,
                retrievable: true,
                created: Instant::now(),
            });
        }
    }
}
