//! Takes in the dossiers of a tool to which applicants send them: only what changed since the last time.

use super::{Draft, Group, Verdict, count};
use crate::{clock, dispatch::Dispatcher};
use anyhow::Context as _;
use chrono::{DateTime, TimeDelta, Utc};
use navette_adapters::{demarches::DemarcheConfig, subsidies::ImportReport};
use navette_domain::{
    amount::Amount,
    dossier::{Authority, Decision, Request},
    ids::DossierId,
    personal::Personal,
    ports::{DossierSource, SourceApplicant, SourceDossier, SourceState},
    third_party::Profile,
};
use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{ErrorKind, Write as _},
    path::{Path, PathBuf},
};

/// How far back the next look begins: a source may date a change before it shows it.
const OVERLAP: TimeDelta = TimeDelta::hours(1);

/// Until where a source was read, in a file of this machine. Losing it costs one look at everything.
#[derive(Debug, Clone)]
pub struct Watermark(PathBuf);

impl Watermark {
    /// That of a démarche, in the folder of the data.
    pub fn of(data: &Path, demarche: u32) -> Self {
        Self(data.join(format!("demarche-{demarche}.read")))
    }

    /// From when on to look.
    pub fn read(&self) -> anyhow::Result<Option<DateTime<Utc>>> {
        let text = match fs::read_to_string(&self.0) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error).with_context(|| self.0.display().to_string()),
        };
        let damaged = || {
            format!(
                "{} is damaged: remove it to read everything",
                self.0.display()
            )
        };
        let until: DateTime<Utc> = text.trim().parse().with_context(damaged)?;
        Ok(Some(until - OVERLAP))
    }

    /// Whole or not at all, however this process ends.
    pub fn write(&self, until: DateTime<Utc>) -> anyhow::Result<()> {
        let fresh = self.0.with_extension("new");
        let mut file = File::create(&fresh).with_context(|| fresh.display().to_string())?;
        file.write_all(until.to_rfc3339().as_bytes())?;
        file.sync_all()?;
        Ok(fs::rename(&fresh, &self.0)?)
    }
}

/// Imports what changed since `since`, or only says what it would do. Also says until where the source was
/// read: not beyond a dossier that was refused, so that it is looked at again.
pub async fn import_source(
    dispatcher: &Dispatcher,
    source: &dyn DossierSource,
    config: &DemarcheConfig,
    since: Option<DateTime<Utc>>,
    dry_run: bool,
    tell: &mut (dyn FnMut(&str) + Send),
) -> anyhow::Result<(ImportReport, Option<DateTime<Utc>>)> {
    let mut report = ImportReport::default();
    let (mut after, mut until, mut refused) = (None, since, None);
    loop {
        let page = source.changed(since, after.as_deref()).await?;
        let (mut drafts, mut changes) = (vec![], vec![]);
        for dossier in &page.dossiers {
            until = until.max(Some(dossier.changed_at));
            match draft(dossier, config) {
                Ok(Some(draft)) => {
                    drafts.push(draft);
                    changes.push(dossier.changed_at);
                }
                Ok(None) => report.unchanged += 1,
                Err(sentence) => {
                    report.refused += 1;
                    refused = Some(earliest(refused, dossier.changed_at));
                    tell(&format!("dossier {} : {sentence}", dossier.number));
                }
            }
        }
        let verdicts = Group::new(dispatcher, &drafts, dry_run).take().await?;
        for ((draft, changed_at), verdict) in drafts.iter().zip(changes).zip(verdicts) {
            if matches!(verdict, Verdict::Refused(_)) {
                refused = Some(earliest(refused, changed_at));
            }
            count(&mut report, draft, verdict, tell);
        }
        after = page.next;
        if after.is_none() {
            return Ok((report, refused.or(until)));
        }
    }
}

fn earliest(known: Option<DateTime<Utc>>, other: DateTime<Utc>) -> DateTime<Utc> {
    known.map_or(other, |known| known.min(other))
}

/// What a dossier asks for; nothing as long as the applicant may change it, and once it was closed otherwise
/// than by an acceptance.
fn draft(told: &SourceDossier, config: &DemarcheConfig) -> Result<Option<Draft>, String> {
    let accepted = match told.state {
        SourceState::Instructed => false,
        SourceState::Accepted => true,
        SourceState::Draft | SourceState::Refused | SourceState::Dropped => return Ok(None),
    };
    let profile = profile(&told.applicant)?;
    let asked = amount(told, &config.amount)?;
    let granted = match &config.granted {
        Some(label) if accepted => amount(told, label)?,
        _ => asked,
    };
    let decision = Decision {
        reference: None,
        date: told.decided_at.map(clock::paris_date),
    };
    let siret = config.authority_siret.as_deref().map(str::parse);
    let request = Request {
        reference: told.number.clone(),
        third_party: profile.derived_id(&told.number),
        authority: Authority {
            name: config.authority.clone(),
            siret: siret
                .transpose()
                .map_err(|_| "le SIRET de « authority_siret » n'est pas valable".to_owned())?,
        },
        purpose: field(told, &config.purpose)?.to_owned(),
        amount: asked,
        nature: None,
        scheme: config.scheme.clone(),
        service: None,
        fiscal_year: None,
        payment_terms: None,
        payments: vec![],
        custom: custom(told, config),
    };
    Ok(Some(Draft {
        place: String::new(),
        warning: None,
        dossier: DossierId::of_reference(&told.number),
        request,
        granted: accepted.then_some((granted, decision)),
        ours_stands: true,
        profile,
    }))
}

fn profile(told: &SourceApplicant) -> Result<Profile, String> {
    if told.name.reveal().is_empty() {
        return Err("le nom du demandeur n'est pas encore connu ; il sera repris".to_owned());
    }
    let siret = told.siret.as_deref().map(str::parse).transpose();
    let rna = told.rna.as_deref().map(str::parse).transpose();
    let email = told.email.as_ref().map(|email| email.reveal().parse());
    Ok(Profile {
        name: told.name.clone(),
        siret: siret.map_err(|_| "le SIRET du demandeur n'est pas valable".to_owned())?,
        rna: rna.map_err(|_| "le numéro RNA du demandeur n'est pas valable".to_owned())?,
        address: told.address.clone(),
        // Somebody reached it once: what we cannot read, we leave out.
        email: email.and_then(Result::ok).map(Personal),
        applicant_account: None,
    })
}

fn field<'a>(told: &'a SourceDossier, label: &str) -> Result<&'a str, String> {
    let mut named = told
        .fields
        .iter()
        .filter(|(name, _)| name.trim() == label.trim());
    let value = named.next().map(|(_, value)| value.as_str());
    value.ok_or_else(|| format!("le champ « {label} » est vide ou n'existe pas"))
}

fn amount(told: &SourceDossier, label: &str) -> Result<Amount, String> {
    let text = field(told, label)?;
    Amount::parse_published(text).map_err(|fault| format!("le champ « {label} » {fault}"))
}

/// The fields that have no place of their own; those of the same label, one after the other.
fn custom(told: &SourceDossier, config: &DemarcheConfig) -> BTreeMap<String, String> {
    let placed = [
        Some(&config.purpose),
        Some(&config.amount),
        config.granted.as_ref(),
    ];
    let mut custom = BTreeMap::<String, String>::new();
    for (label, value) in &told.fields {
        if placed
            .into_iter()
            .flatten()
            .any(|known| known.trim() == label.trim())
        {
            continue;
        }
        let there = custom.entry(label.clone()).or_default();
        if !there.is_empty() {
            there.push_str(" ; ");
        }
        there.push_str(value);
    }
    custom
}
