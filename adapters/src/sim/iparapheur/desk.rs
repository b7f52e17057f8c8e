//! The folders, what may be done with them, and what people do with them.

use super::{Flavour, Oddity, Options, pdf_signature::Signer, slip::slip};
use crate::sim::ledger::Ledger;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use navette_domain::ports::Neighbour;
use std::{collections::BTreeMap, io, time::Instant};
use uuid::Uuid;

const EMITTER: &str = "Service Aides";
const PRESIDENT: &str = "Jeanne Exemple";
const FORBIDDEN: &str = "\\&\"£*/<>?%|+;:";

/// A line of a folder's history.
#[derive(Debug, Clone)]
pub(super) struct LogEntry {
    pub at: DateTime<Utc>,
    pub name: &'static str,
    pub status: &'static str,
    pub annotation: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Running,
    TakenBack,
    Signed,
    Rejected,
}

/// What a caller sends to create a folder.
#[derive(Debug)]
pub(super) struct Creation {
    pub id: String,
    pub desk_type: String,
    pub subtype: String,
    pub title: String,
    pub file_name: String,
    pub annotation: String,
    pub pdf: Bytes,
    /// Name and bytes.
    pub annexes: Vec<(String, Bytes)>,
}

/// A folder.
#[derive(Debug)]
pub(super) struct Folder {
    pub sent: Creation,
    pub document: Bytes,
    pub slip: Bytes,
    pub log: Vec<LogEntry>,
    stage: Stage,
    created: Instant,
    silences: u32,
}

impl Folder {
    fn notes(&mut self, name: &'static str, status: &'static str, annotation: impl Into<String>) {
        self.log.push(LogEntry {
            at: Utc::now(),
            name,
            status,
            annotation: annotation.into(),
        });
    }
}

/// The message of a success, or of a refusal.
pub(super) type Said = Result<String, String>;

/// The state of the desk.
#[derive(Debug)]
pub(super) struct Desk {
    folders: BTreeMap<String, Folder>,
    pub oddities: Vec<(&'static str, Oddity)>,
    signer: Signer,
    ledger: Ledger,
    options: Options,
}

impl Desk {
    pub fn new(ledger: Ledger, options: Options) -> io::Result<Self> {
        Ok(Self {
            folders: BTreeMap::new(),
            oddities: Vec::new(),
            signer: Signer::new(PRESIDENT)?,
            ledger,
            options,
        })
    }

    /// The oddity planned for this call, once.
    pub fn oddity(&mut self, operation: &str) -> Option<Oddity> {
        let planned = self
            .oddities
            .iter()
            .position(|(name, _)| *name == operation)?;
        Some(self.oddities.remove(planned).1)
    }

    /// Creates a folder; gives its id when the caller left the choice.
    pub fn create(&mut self, mut sent: Creation) -> Result<(String, Option<String>), String> {
        let circuit = (sent.desk_type.clone(), sent.subtype.clone());
        if !self.options.circuits.contains(&circuit) {
            return Err(format!(
                "Type ou sous-type inconnu : {} / {}",
                circuit.0, circuit.1
            ));
        }
        if sent.pdf.is_empty() || sent.title.contains(['\n', '\r']) {
            return Err(format!("Dossier {} invalide.", sent.title));
        }
        let chosen = sent.id.is_empty().then(|| Uuid::new_v4().to_string());
        if let Some(id) = &chosen {
            sent.id.clone_from(id);
        }
        if sent.id.contains(|c| FORBIDDEN.contains(c)) {
            return Err(format!("Identifiant de dossier invalide : {}", sent.id));
        }
        if self.folders.contains_key(&sent.id) {
            return Err(format!(
                "Le nom de dossier est déjà présent dans le Parapheur: dossierID = {}",
                sent.id
            ));
        }
        self.note("folder created", &sent.id, Some(&sent.pdf));
        let said = format!("Dossier {} soumis dans le circuit", sent.title);
        let folder = self.opened(sent);
        self.folders.insert(folder.sent.id.clone(), folder);
        Ok((said, chosen))
    }

    fn opened(&self, sent: Creation) -> Folder {
        let annotation = sent.annotation.clone();
        let mut folder = Folder {
            document: sent.pdf.clone(),
            slip: Bytes::new(),
            log: Vec::new(),
            stage: Stage::Running,
            created: Instant::now(),
            silences: self.options.slow_start,
            sent,
        };
        folder.notes(EMITTER, "NonLu", "Création de dossier");
        if self.options.flavour == Flavour::V5 {
            folder.notes(EMITTER, "NonLu", "Emission du dossier");
        }
        folder.notes(
            EMITTER,
            "NonLu",
            "Dossier déposé sur le bureau Présidence pour signature",
        );
        folder.notes(EMITTER, "NonLu", annotation);
        folder
    }

    /// A folder as a caller sees it, after whoever deals with it by themselves did.
    pub fn look(&mut self, id: &str) -> Result<&Folder, String> {
        self.deal_with(id);
        self.folders.get(id).ok_or_else(|| unknown(id))
    }

    /// A folder's history; the circuit may be slow to start.
    pub fn history(&mut self, id: &str) -> Result<Vec<LogEntry>, String> {
        if let Some(folder) = self.folders.get_mut(id)
            && folder.silences > 0
        {
            folder.silences -= 1;
            return Ok(Vec::new());
        }
        self.look(id).map(|folder| folder.log.clone())
    }

    /// The folders of a type and subtype whose last line has this status, each with that line.
    pub fn search(
        &mut self,
        desk_type: &str,
        subtype: &str,
        status: &str,
    ) -> Vec<(String, LogEntry)> {
        let ids: Vec<String> = self.folders.keys().cloned().collect();
        for id in &ids {
            self.deal_with(id);
        }
        let folders = self
            .folders
            .values()
            .filter(|folder| folder.sent.desk_type == desk_type && folder.sent.subtype == subtype);
        folders
            .filter_map(|folder| Some((folder.sent.id.clone(), folder.log.last()?.clone())))
            .filter(|(_, last)| last.status == status)
            .collect()
    }

    /// Files away, or erases, a folder that no longer runs.
    pub fn archive(&mut self, id: &str, action: &str) -> Said {
        let folder = self.look(id)?;
        if matches!(folder.stage, Stage::Running | Stage::Rejected) {
            return Err(format!(
                "Le dossier {id} n'est pas dans un état archivable."
            ));
        }
        let (effect, said) = match action {
            "ARCHIVER" => ("folder archived", format!("Dossier {id} archivé.")),
            "EFFACER" => (
                "folder erased",
                format!("Dossier {id} supprimé du Parapheur."),
            ),
            _ => return Err("Action d'archivage inconnue.".to_owned()),
        };
        self.remove(id, effect);
        Ok(said)
    }

    /// Erases a rejected folder.
    pub fn erase_rejected(&mut self, id: &str) -> Said {
        if self.look(id)?.stage != Stage::Rejected {
            return Err(format!("Le dossier {id} n'est pas rejeté."));
        }
        self.remove(id, "folder erased");
        Ok(format!("Dossier {id} supprimé du Parapheur."))
    }

    /// Takes a running folder back to its emitter.
    pub fn take_back(&mut self, id: &str) -> Said {
        if self.look(id)?.stage != Stage::Running {
            return Err(format!("Le dossier {id} ne peut pas être récupéré."));
        }
        if let Some(folder) = self.folders.get_mut(id) {
            folder.stage = Stage::TakenBack;
            folder.notes(EMITTER, "NonLu", "Droit de remords exercé");
        }
        self.note("folder taken back", id, None);
        Ok(format!("Dossier {id} récupéré."))
    }

    pub fn running(&self) -> Vec<String> {
        self.folders
            .values()
            .filter(|folder| folder.stage == Stage::Running)
            .map(|folder| folder.sent.id.clone())
            .collect()
    }

    pub fn sign(&mut self, id: &str) -> io::Result<()> {
        let sent = self.running_folder(id)?.document.clone();
        let document = self.signer.sign(&sent, Utc::now())?;
        let folder = self.running_folder(id)?;
        folder.document = document;
        folder.notes(PRESIDENT, "Signe", "Bon pour accord");
        folder.notes(PRESIDENT, "Archive", "Circuit terminé, dossier archivable");
        Self::ends(folder, Stage::Signed)
    }

    pub fn reject(&mut self, id: &str, reason: &str) -> io::Result<()> {
        let folder = self.running_folder(id)?;
        folder.notes(PRESIDENT, "RejetSignataire", reason);
        Self::ends(folder, Stage::Rejected)
    }

    pub fn visa(&mut self, id: &str, annotation: &str) -> io::Result<()> {
        let folder = self.running_folder(id)?;
        folder.notes(
            "Direction",
            "EnCoursVisa",
            "Dossier lu et prêt pour le visa",
        );
        folder.notes("Direction", "Vise", annotation);
        Ok(())
    }

    fn running_folder(&mut self, id: &str) -> io::Result<&mut Folder> {
        let read_first = self.options.flavour == Flavour::V4;
        let folder = self
            .folders
            .get_mut(id)
            .filter(|folder| folder.stage == Stage::Running)
            .ok_or(io::ErrorKind::NotFound)?;
        if read_first && folder.log.iter().all(|entry| entry.status != "Lu") {
            folder.notes(PRESIDENT, "Lu", "Dossier lu et prêt pour la signature");
        }
        Ok(folder)
    }

    fn ends(folder: &mut Folder, stage: Stage) -> io::Result<()> {
        let mut lines = vec![format!("Bordereau de signature : {}", folder.sent.title)];
        lines.extend(
            folder
                .log
                .iter()
                .map(|entry| format!("{} : {} ({})", entry.name, entry.status, entry.annotation)),
        );
        folder.slip = slip(&lines)?.into();
        folder.stage = stage;
        Ok(())
    }

    /// What the automatic person does with a folder whose time has come.
    fn deal_with(&mut self, id: &str) {
        let Some(automatic) = self.options.automatic.clone() else {
            return;
        };
        let due = self.folders.get(id).filter(|folder| {
            folder.stage == Stage::Running && folder.created.elapsed() >= automatic.after
        });
        let Some(folder) = due else { return };
        let done = match (automatic.objection)(id, &folder.sent.title) {
            Some(reason) => self.reject(id, &reason),
            // What is not a PDF cannot be signed: the president says so.
            None => self
                .sign(id)
                .or_else(|_| self.reject(id, "Document illisible")),
        };
        if let Err(error) = done {
            tracing::warn!(%error, "the simulated president could not answer");
        }
    }

    fn remove(&mut self, id: &str, effect: &'static str) {
        self.folders.remove(id);
        self.note(effect, id, None);
    }

    fn note(&self, effect: &'static str, id: &str, content: Option<&[u8]>) {
        self.ledger.note(Neighbour::IParapheur, effect, id, content);
    }
}

fn unknown(id: &str) -> String {
    format!("Dossier {id} introuvable.")
}
