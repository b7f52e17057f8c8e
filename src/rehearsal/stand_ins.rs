//! Those who stand in for the outside in a rehearsal: they take everything, keep nothing, and tell nobody.

use crate::steps::Ports;
use async_trait::async_trait;
use chrono::{DateTime, Utc};
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
use serde_json::Value;
use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, PoisonError},
};
use uuid::Uuid;

/// The same ports, with nobody behind them but the templates and the merge.
pub(super) fn of(ports: &Ports) -> Ports {
    let nobody = Arc::new(Nobody);
    Ports {
        files: Arc::new(Kept {
            below: ports.files.clone(),
            bytes: Mutex::default(),
        }),
        office: Arc::new(MergeOnly(ports.office.clone())),
        visa: nobody.clone(),
        desk: nobody.clone(),
        signatories: ports.signatories.clone(),
        register: nobody.clone(),
        postman: nobody.clone(),
        porte_documents: nobody.clone(),
        grants_tool: nobody.clone(),
        services: nobody,
    }
}

/// What is made is kept in memory, over the files that are there.
struct Kept {
    below: Arc<dyn FileStore>,
    bytes: Mutex<HashMap<Digest, Vec<u8>>>,
}

#[async_trait]
impl FileStore for Kept {
    async fn put(&self, bytes: Vec<u8>) -> StoreResult<Digest> {
        let digest = Digest::of(&bytes);
        let mut kept = self.bytes.lock().unwrap_or_else(PoisonError::into_inner);
        kept.insert(digest, bytes);
        Ok(digest)
    }

    async fn get(&self, digest: Digest) -> StoreResult<Option<Vec<u8>>> {
        let kept = {
            let kept = self.bytes.lock().unwrap_or_else(PoisonError::into_inner);
            kept.get(&digest).cloned()
        };
        match kept {
            Some(bytes) => Ok(Some(bytes)),
            None => self.below.get(digest).await,
        }
    }

    async fn remove(&self, digest: Digest) -> StoreResult<()> {
        let mut kept = self.bytes.lock().unwrap_or_else(PoisonError::into_inner);
        kept.remove(&digest);
        Ok(())
    }
}

/// Letters are really merged, since their data may not suit them; no PDF is made of them.
struct MergeOnly(Arc<dyn OfficeWorkshop>);

#[async_trait]
impl OfficeWorkshop for MergeOnly {
    async fn merge_with(
        &self,
        template: &[u8],
        included: &IncludedFiles,
        data: &Value,
    ) -> Result<Merged, MergeFailure> {
        self.0.merge_with(template, included, data).await
    }

    async fn convert(&self, _: &[u8], _: OfficeFormat, _: DateTime<Utc>) -> Answer<Pdf> {
        Ok(Pdf {
            bytes: vec![],
            pages: 1,
        })
    }
}

struct Nobody;

/// What waits for people is answered by the rehearsal itself.
fn not_asked(neighbour: Neighbour) -> PortFailure {
    let sentence = format!("{neighbour} n'est pas appelé dans une répétition");
    PortFailure::new(neighbour, FailureClass::Rejected, sentence)
}

#[async_trait]
impl VisaCircuit for Nobody {
    async fn circulate(&self, _: &VisaRequest, _: Attempt) -> Answer<Circulation> {
        Err(not_asked(Neighbour::Nextcloud))
    }
    async fn find(&self, _: &VisaRequest) -> Answer<Option<Circulation>> {
        Err(not_asked(Neighbour::Nextcloud))
    }
    async fn state(&self, _: &Circulation) -> Answer<VisaState> {
        Err(not_asked(Neighbour::Nextcloud))
    }
    async fn withdraw(&self, _: &Circulation) -> Answer<()> {
        Err(not_asked(Neighbour::Nextcloud))
    }
}

#[async_trait]
impl SigningDesk for Nobody {
    async fn submit(&self, _: &SigningRequest, _: Attempt) -> Answer<FolderRef> {
        Err(not_asked(Neighbour::IParapheur))
    }
    async fn progress(&self, _: &Passage) -> Answer<DeskProgress> {
        Err(not_asked(Neighbour::IParapheur))
    }
    async fn retrieve(&self, _: &Passage) -> Answer<SignedFolder> {
        Err(not_asked(Neighbour::IParapheur))
    }
    async fn archive(&self, _: &Passage) -> Answer<()> {
        Err(not_asked(Neighbour::IParapheur))
    }
    async fn withdraw(&self, _: &Passage) -> Answer<()> {
        Err(not_asked(Neighbour::IParapheur))
    }
}

#[async_trait]
impl MailRegister for Nobody {
    async fn register(&self, _: &OutgoingMail, _: Attempt) -> Answer<Registration> {
        Ok(Registration {
            chrono: String::new(),
            resource: String::new(),
        })
    }
}

#[async_trait]
impl Postman for Nobody {
    async fn send(&self, _: &Email) -> Answer<()> {
        Ok(())
    }
}

#[async_trait]
impl PorteDocuments for Nobody {
    async fn deposit(&self, _: &str, _: &Deposit) -> Answer<DepositReceipt> {
        Ok(DepositReceipt { url: String::new() })
    }
}

#[async_trait]
impl GrantsTool for Nobody {
    async fn attach(&self, _: &Deposit) -> Answer<DepositReceipt> {
        Ok(DepositReceipt { url: String::new() })
    }
    async fn report_status(&self, _: Uuid, _: &str, _: &str, _: DateTime<Utc>) -> Answer<()> {
        Ok(())
    }
}

#[async_trait]
impl WebServices for Nobody {
    async fn call(&self, call: &ServiceCall) -> Answer<BTreeMap<String, String>> {
        let kept = call.keep.keys();
        Ok(kept.map(|name| (name.clone(), String::new())).collect())
    }
}
