//! All the simulated neighbours of one run, on loopback: for `navette demo` and for the tests.

use crate::config::{DoorConfig, NeighboursConfig};
use navette_adapters::{
    DepositConfig,
    desk::DeskConfig,
    iparapheur::IParapheurConfig,
    maarch::MaarchConfig,
    nextcloud::{Marks, NextcloudConfig, VisaBy},
    pdf::SignatoriesConfig,
    sim::{
        grants_tool::{self, GrantsToolSim},
        iparapheur::{self, IParapheurSim},
        ledger::Ledger,
        maarch::{MaarchOptions, MaarchSim},
        nextcloud::{self, NextcloudOptions, NextcloudSim},
        porte_documents::{self, PorteDocumentsSim},
        services::ServicesSim,
        smtp::{self, SmtpSim},
        wire::Meddler,
    },
    smtp::{SmtpConfig, SmtpTls},
};
use std::io;

/// How people behave in the neighbourhood: by default nobody does anything until a test says so.
#[derive(Clone, Default)]
pub struct Manners {
    /// Those who give their visa.
    pub visa: Option<nextcloud::Automatic>,
    /// Those who sign.
    pub signature: Option<iparapheur::Automatic>,
    /// From an address to the answer that refuses it.
    pub refused_addresses: Option<smtp::Refuse>,
}

impl Manners {
    /// Everybody says yes at once.
    pub fn obliging() -> Self {
        Self {
            visa: Some(nextcloud::Automatic::approving()),
            signature: Some(iparapheur::Automatic::signs_everything(
                std::time::Duration::ZERO,
            )),
            refused_addresses: None,
        }
    }
}

/// See the module. Everything stops when it is dropped.
#[expect(
    missing_docs,
    reason = "each field is the simulator of the neighbour it names"
)]
pub struct Neighbourhood {
    /// Every effect that any of them applied.
    pub ledger: Ledger,
    /// What happens on all their wires.
    pub meddler: Meddler,
    pub nextcloud: NextcloudSim,
    pub iparapheur: IParapheurSim,
    pub maarch: MaarchSim,
    pub smtp: SmtpSim,
    pub porte_documents: PorteDocumentsSim,
    pub grants_tool: GrantsToolSim,
    pub services: ServicesSim,
}

impl Neighbourhood {
    /// Starts them all.
    pub async fn start(manners: Manners) -> io::Result<Self> {
        let (ledger, meddler) = (Ledger::default(), Meddler::default());
        let nextcloud = NextcloudOptions {
            rules: vec!["Visa DGS".to_owned()],
            automatic: manners.visa,
            ..NextcloudOptions::default()
        };
        let circuit = |of: &str, to: &str| (of.to_owned(), to.to_owned());
        let iparapheur = iparapheur::Options {
            automatic: manners.signature,
            circuits: vec![
                circuit("Courrier", "Notification"),
                circuit("Finances", "Délégataire"),
                circuit("Finances", "Président"),
            ],
            ..iparapheur::Options::default()
        };
        let mut smtp = smtp::Options::default();
        if let Some(refuse) = manners.refused_addresses {
            smtp.refuse = refuse;
        }
        let (l, m) = (|| ledger.clone(), || meddler.clone());
        Ok(Self {
            nextcloud: NextcloudSim::start(l(), m(), nextcloud).await?,
            iparapheur: IParapheurSim::start(l(), m(), iparapheur).await?,
            maarch: MaarchSim::start(l(), m(), MaarchOptions::default()).await?,
            smtp: SmtpSim::start(l(), m(), smtp).await?,
            porte_documents: PorteDocumentsSim::start(
                l(),
                m(),
                porte_documents::Options::default(),
            )
            .await?,
            grants_tool: GrantsToolSim::start(l(), m(), grants_tool::Options::default()).await?,
            services: ServicesSim::start(l(), m()).await?,
            ledger,
            meddler,
        })
    }

    /// How Navette reaches them.
    pub fn config(&self) -> NeighboursConfig {
        let (login, password) = self.iparapheur.account();
        let nextcloud = NextcloudOptions::default();
        let maarch = MaarchOptions::default();
        let deposit = |url: String| {
            DoorConfig::Contract(DepositConfig {
                url,
                token: "demo".into(),
                timeout_seconds: 30,
            })
        };
        NeighboursConfig {
            nextcloud: NextcloudConfig {
                url: self.nextcloud.url(),
                login: nextcloud.login,
                app_password: nextcloud.app_password.into(),
                root_folder: "Navette".to_owned(),
                visa: VisaBy::default(),
                marks: Marks::default(),
                timeout_seconds: 30,
            },
            desk: DeskConfig::Soap(IParapheurConfig {
                url: self.iparapheur.url(),
                login: login.to_owned(),
                password: password.to_owned().into(),
                client_identity: None,
                timeout_seconds: 30,
            }),
            signatories: SignatoriesConfig::default(),
            maarch: MaarchConfig {
                url: self.maarch.url(),
                login: maarch.login,
                password: maarch.password.into(),
                model: "Courrier départ".to_owned(),
                doctype: "Notification d'aide".to_owned(),
                priority: "Normal".to_owned(),
                status: "END".to_owned(),
                destination: "AIDES".to_owned(),
                timeout_seconds: 30,
            },
            smtp: SmtpConfig {
                host: self.smtp.address().ip().to_string(),
                port: Some(self.smtp.address().port()),
                tls: SmtpTls::None,
                login: None,
                password: None,
                from: "Département <ne-pas-repondre@departement.example>".to_owned(),
                timeout_seconds: 30,
            },
            porte_documents: deposit(self.porte_documents.url()),
            grants_tool: deposit(self.grants_tool.url()),
            services: [("mandats".to_owned(), self.services.config("mandats"))].into(),
        }
    }
}
