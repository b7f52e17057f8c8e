//! Neighbours that do nothing, at once: what is left is the engine.

use crate::{engine::Ledger, furnish::LETTER};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use navette::steps::Ports;
use navette_adapters::pdf::{Signatories, SignatoriesConfig};
use navette_domain::{
    digest::Digest,
    ports::{
        Answer, Attempt, Circulation, Deposit, DepositReceipt, DeskProgress, Email, FailureClass,
        FileStore, FolderRef, GrantsTool, IncludedFiles, MailRegister, MergeFailure, Merged,
        Neighbour, OfficeFormat, OfficeWorkshop, OutgoingMail, Passage, Pdf, PortFailure,
        PorteDocuments, Postman, Registration, ServiceCall, SignedFolder, SigningDesk,
        SigningRequest, StoreResult, VisaCircuit, VisaRequest, VisaState, WebServices,
    },
};
use std::{
    collections::BTreeMap,
    fs::{File, OpenOptions},
    io::Write as _,
    sync::Arc,
};
use uuid::Uuid;

const OFFICE: &[u8] = b"a merged letter";
const PDF: &[u8] = b"its PDF";

/// All the neighbours at once. Every step that runs adds a byte to the ledger, if there is one.
struct Trivial {
    ledger: Option<File>,
}

impl Trivial {
    fn done(&self) {
        if let Some(mut ledger) = self.ledger.as_ref() {
            let written = ledger.write_all(b".");
            debug_assert!(written.is_ok(), "{written:?}");
        }
    }
}

/// The ports of Navette.
pub fn ports(ledger: Option<&Ledger>) -> anyhow::Result<Ports> {
    let open = |ledger: &Ledger| OpenOptions::new().append(true).create(true).open(&ledger.0);
    let all = Arc::new(Trivial {
        ledger: ledger.map(open).transpose()?,
    });
    Ok(Ports {
        files: all.clone(),
        office: all.clone(),
        visa: all.clone(),
        desk: all.clone(),
        signatories: Arc::new(Signatories::new(&SignatoriesConfig::default())?),
        register: all.clone(),
        postman: all.clone(),
        porte_documents: all.clone(),
        grants_tool: all.clone(),
        services: all,
    })
}

#[async_trait]
impl FileStore for Trivial {
    async fn put(&self, bytes: Vec<u8>) -> StoreResult<Digest> {
        Ok(Digest::of(&bytes))
    }

    async fn get(&self, digest: Digest) -> StoreResult<Option<Vec<u8>>> {
        let known = [OFFICE, PDF, LETTER];
        let found = known.iter().find(|bytes| Digest::of(bytes) == digest);
        Ok(found.map(|bytes| bytes.to_vec()))
    }

    async fn remove(&self, _: Digest) -> StoreResult<()> {
        Ok(())
    }
}

#[async_trait]
impl OfficeWorkshop for Trivial {
    async fn merge_with(
        &self,
        _: &[u8],
        _: &IncludedFiles,
        _: &serde_json::Value,
    ) -> Result<Merged, MergeFailure> {
        self.done();
        Ok(Merged {
            bytes: OFFICE.to_vec(),
            format: OfficeFormat::Odt,
        })
    }

    async fn convert(&self, _: &[u8], _: OfficeFormat, _: DateTime<Utc>) -> Answer<Pdf> {
        self.done();
        Ok(Pdf {
            bytes: PDF.to_vec(),
            pages: 1,
        })
    }
}

#[async_trait]
impl MailRegister for Trivial {
    async fn register(&self, mail: &OutgoingMail, _: Attempt) -> Answer<Registration> {
        self.done();
        Ok(Registration {
            chrono: "D/2026/1".to_owned(),
            resource: mail.document.to_string(),
        })
    }
}

#[async_trait]
impl Postman for Trivial {
    async fn send(&self, _: &Email) -> Answer<()> {
        self.done();
        Ok(())
    }
}

#[async_trait]
impl PorteDocuments for Trivial {
    async fn deposit(&self, _: &str, deposit: &Deposit) -> Answer<DepositReceipt> {
        self.done();
        Ok(receipt(deposit))
    }
}

#[async_trait]
impl GrantsTool for Trivial {
    async fn attach(&self, deposit: &Deposit) -> Answer<DepositReceipt> {
        self.done();
        Ok(receipt(deposit))
    }

    async fn report_status(&self, _: Uuid, _: &str, _: &str, _: DateTime<Utc>) -> Answer<()> {
        Err(elsewhere(Neighbour::GrantsTool))
    }
}

#[async_trait]
impl WebServices for Trivial {
    async fn call(&self, _: &ServiceCall) -> Answer<BTreeMap<String, String>> {
        Err(elsewhere(Neighbour::WebServices))
    }
}

fn receipt(deposit: &Deposit) -> DepositReceipt {
    DepositReceipt {
        url: format!("https://neighbour.example/{}", deposit.document),
    }
}

/// What no step of this chain asks for.
fn elsewhere(neighbour: Neighbour) -> PortFailure {
    PortFailure::new(
        neighbour,
        FailureClass::Rejected,
        "Cette chaîne n'y va pas.",
    )
}

#[async_trait]
impl VisaCircuit for Trivial {
    async fn circulate(&self, _: &VisaRequest, _: Attempt) -> Answer<Circulation> {
        Err(elsewhere(Neighbour::Nextcloud))
    }

    async fn find(&self, _: &VisaRequest) -> Answer<Option<Circulation>> {
        Err(elsewhere(Neighbour::Nextcloud))
    }

    async fn state(&self, _: &Circulation) -> Answer<VisaState> {
        Err(elsewhere(Neighbour::Nextcloud))
    }

    async fn withdraw(&self, _: &Circulation) -> Answer<()> {
        Err(elsewhere(Neighbour::Nextcloud))
    }
}

#[async_trait]
impl SigningDesk for Trivial {
    async fn submit(&self, _: &SigningRequest, _: Attempt) -> Answer<FolderRef> {
        Err(elsewhere(Neighbour::IParapheur))
    }

    async fn progress(&self, _: &Passage) -> Answer<DeskProgress> {
        Err(elsewhere(Neighbour::IParapheur))
    }

    async fn retrieve(&self, _: &Passage) -> Answer<SignedFolder> {
        Err(elsewhere(Neighbour::IParapheur))
    }

    async fn archive(&self, _: &Passage) -> Answer<()> {
        Err(elsewhere(Neighbour::IParapheur))
    }

    async fn withdraw(&self, _: &Passage) -> Answer<()> {
        Err(elsewhere(Neighbour::IParapheur))
    }
}
