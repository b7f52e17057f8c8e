//! Who may do what: one function, called by every resolver, subscription, download and export.

use crate::{dossier::Dossier, personal::Personal};
use serde::{Deserialize, Serialize};

/// What a person or a program is here for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Instructs dossiers and starts batches.
    Instructor,
    /// The same, and takes decisions on what is stuck.
    Supervisor,
    /// Reads everything, changes nothing.
    Auditor,
    /// Another program: reads and writes dossiers and third parties.
    Integrator,
    /// Sets Navette up: templates, chains, tokens.
    Admin,
}

/// Whoever asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// As in `Metadata::actor`.
    pub actor: String,
    /// What it is here for.
    pub role: Role,
    /// The services whose dossiers it may see; all when empty.
    pub services: Vec<String>,
    /// The schemes (dispositifs) whose dossiers it may see; all when empty.
    pub schemes: Vec<String>,
    /// Where to write to it.
    pub email: Option<Personal<crate::third_party::EmailAddress>>,
}

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Permission {
    /// Read dossiers, documents, batches and their histories.
    Read,
    /// Take rows of dossiers away as a file.
    Export,
    /// Have such files made and kept for a while, and keep models of them.
    KeepExports,
    /// Register and change dossiers and third parties.
    WriteDossiers,
    /// Start a batch.
    StartBatch,
    /// Pause, resume, cancel, retry.
    OperateBatch,
    /// Approve documents that wait for it, or refuse to.
    Approve,
    /// Upload templates.
    WriteTemplates,
    /// Publish chains, make and revoke tokens.
    Administer,
}

impl Permission {
    /// Every permission there is.
    pub const ALL: [Self; 9] = [
        Self::Read,
        Self::Export,
        Self::KeepExports,
        Self::WriteDossiers,
        Self::StartBatch,
        Self::OperateBatch,
        Self::Approve,
        Self::WriteTemplates,
        Self::Administer,
    ];
}

/// Whether `principal` may do this at all.
pub fn allows(principal: &Principal, permission: Permission) -> bool {
    use Permission as P;
    match principal.role {
        Role::Instructor => matches!(
            permission,
            P::Read
                | P::Export
                | P::KeepExports
                | P::WriteDossiers
                | P::StartBatch
                | P::OperateBatch
        ),
        Role::Supervisor => matches!(
            permission,
            P::Read
                | P::Export
                | P::KeepExports
                | P::WriteDossiers
                | P::StartBatch
                | P::OperateBatch
                | P::Approve
                | P::WriteTemplates
        ),
        Role::Auditor => matches!(permission, P::Read | P::Export),
        Role::Integrator => matches!(
            permission,
            P::Read | P::Export | P::KeepExports | P::WriteDossiers
        ),
        Role::Admin => true,
    }
}

/// Whether `principal` may see a dossier of this service and scheme. A dossier without a service or a
/// scheme is seen only by those who are not limited in that respect.
pub fn sees(principal: &Principal, service: Option<&str>, scheme: Option<&str>) -> bool {
    let within = |limits: &[String], value: Option<&str>| {
        limits.is_empty() || value.is_some_and(|value| limits.iter().any(|limit| limit == value))
    };
    within(&principal.services, service) && within(&principal.schemes, scheme)
}

/// Whether `principal` may see this dossier; one that does not exist is seen by nobody.
pub fn sees_dossier(principal: &Principal, dossier: &Dossier) -> bool {
    match dossier {
        Dossier::Unborn => false,
        Dossier::Open { request, .. } => {
            let (service, scheme) = (request.service.as_deref(), request.scheme.as_deref());
            sees(principal, service, scheme)
        }
    }
}

/// Whether `principal` may know of an export that `requested_by` asked for, and of its models: their own, or
/// any for those who look after the others. The file itself is for whoever asked only, since it was made of
/// what they see.
pub fn sees_export(principal: &Principal, requested_by: &str) -> bool {
    principal.actor == requested_by || matches!(principal.role, Role::Auditor | Role::Admin)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt::Write as _;

    fn principal(role: Role) -> Principal {
        Principal {
            actor: "token:t".into(),
            role,
            services: vec![],
            schemes: vec![],
            email: None,
        }
    }

    #[test]
    fn the_table_of_rights_is_the_reviewed_one() {
        let mut table = String::new();
        for role in [
            Role::Instructor,
            Role::Supervisor,
            Role::Auditor,
            Role::Integrator,
            Role::Admin,
        ] {
            for permission in Permission::ALL {
                let answer = if allows(&principal(role), permission) {
                    "yes"
                } else {
                    "no"
                };
                let _ = writeln!(table, "{role:?} {permission:?}: {answer}");
            }
        }
        insta::assert_snapshot!(table);
    }

    #[test]
    fn exports_are_known_to_whoever_asked_auditors_and_administrators() {
        for (role, sees) in [
            (Role::Instructor, false),
            (Role::Supervisor, false),
            (Role::Integrator, false),
            (Role::Auditor, true),
            (Role::Admin, true),
        ] {
            assert!(sees_export(&principal(role), "token:t"));
            assert_eq!(sees_export(&principal(role), "token:u"), sees);
        }
    }

    #[test]
    fn limits_hide_dossiers_of_other_services_and_those_without_one() {
        let limited = Principal {
            services: vec!["Sport".into()],
            ..principal(Role::Instructor)
        };
        assert!(sees(&limited, Some("Sport"), None));
        assert!(!sees(&limited, Some("Culture"), None));
        assert!(!sees(&limited, None, None));
        assert!(sees(&principal(Role::Auditor), None, None));
    }
}
