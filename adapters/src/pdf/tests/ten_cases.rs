//! Ten files that are not what was sent, signed by whom it should be; each has its own reason. What poppler's
//! `pdfsig` says of the same files is the witness that each is what its name says: several of them pass it.

use super::*;
use crate::sim::iparapheur::authority::Authority;
use std::{fs, process::Command};

const PRESIDENT: &str = "Jeanne Exemple";

/// A site that knows one authority, one president, and what was revoked.
struct Site {
    authority: Authority,
    signatories: Signatories,
    _folder: tempfile::TempDir,
}

impl Site {
    fn new(until: i32) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let authority = Authority::new("Autorité de signature").unwrap();
        let (ca, list) = (folder.path().join("ca.der"), folder.path().join("crl.der"));
        fs::write(&ca, authority.certificate()).unwrap();
        fs::write(&list, authority.revocation_list(&[7], until).unwrap()).unwrap();
        let signatories = Signatories::new(&SignatoriesConfig {
            authorities: Some(ca),
            revocation_lists: vec![list],
            names: vec!["jeanne  EXEMPLE".to_owned()],
        });
        Self {
            authority,
            signatories: signatories.unwrap(),
            _folder: folder,
        }
    }

    fn says(&self, sent: &[u8], file: &[u8]) -> Result<Verdict, Refusal> {
        super::super::returned(sent, file, &self.signatories.at(Utc::now()).unwrap())
    }

    fn president(&self) -> Signer {
        self.authority.signer(PRESIDENT, 1).unwrap()
    }
}

fn by(signer: &Signer, pdf: &[u8]) -> Vec<u8> {
    signer.sign(pdf, Utc::now()).unwrap().to_vec()
}

/// What another program reads in the file; its exit code proves nothing.
fn pdfsig(pdf: &[u8]) -> String {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), pdf).unwrap();
    let run = Command::new("pdfsig")
        .arg("-nocert")
        .arg(file.path())
        .output();
    let run = run.unwrap();
    String::from_utf8_lossy(&[run.stdout, run.stderr].concat()).into_owned()
}

#[test]
fn a_letter_signed_by_the_president_is_accepted_and_what_was_checked_is_told() {
    let site = Site::new(2100);
    let file = by(&site.president(), LETTER);
    let verdict = site.says(LETTER, &file).unwrap();
    assert_eq!(verdict.binding, Binding::Exact);
    let examination = verdict.examination;
    let authority = navette_domain::digest::Digest::of(site.authority.certificate());
    assert_eq!(examination.authorities, Some(authority));
    assert!(examination.revocation_lists.is_some() && examination.named);
    assert_eq!(examination.by, "navette 0.1.0");
}

#[test]
fn each_of_the_ten_cases_is_refused_with_its_own_sentence() {
    let site = Site::new(2100);
    let president = site.president();
    let (sent, other) = (
        letter("Subvention de 1 500 euros"),
        letter("Subvention de 90 000 euros"),
    );
    let genuine = by(&president, &sent);
    let mut modified = genuine.clone();
    let at = position(&modified, b"Subvention");
    modified[at] = b's';
    let rogue = Authority::new("Autorité de signature").unwrap();
    let page = "<html><body>Votre session a expiré.</body></html>".repeat(200);
    let valid = "Signature is Valid";
    let cases: [(&str, Vec<u8>, Refusal, &str); 10] = [
        (
            "unsigned",
            rewritten(&sent),
            Refusal::Unsigned,
            "does not contain any signatures",
        ),
        (
            "another letter by the same person",
            by(&president, &other),
            Refusal::OtherDocument,
            valid,
        ),
        (
            "modified after signature",
            modified,
            Refusal::Altered,
            "Digest Mismatch",
        ),
        (
            "overwritten after signature",
            overwritten(&genuine, "Subvention de 90 000 euros"),
            Refusal::NotWholeFile,
            "Not total document signed",
        ),
        (
            "rogue authority of the same name",
            by(&rogue.signer(PRESIDENT, 1).unwrap(), &sent),
            Refusal::Untrusted,
            valid,
        ),
        (
            "expired certificate",
            by(&site.authority.expired_signer(PRESIDENT).unwrap(), &sent),
            Refusal::Expired,
            valid,
        ),
        (
            "revoked certificate",
            by(&site.authority.signer(PRESIDENT, 7).unwrap(), &sent),
            Refusal::Revoked,
            valid,
        ),
        (
            "appended bytes",
            [&genuine[..], b"\n% more\n"].concat(),
            Refusal::NotWholeFile,
            "Not total document signed",
        ),
        (
            "truncated",
            genuine[..genuine.len() - 900].to_vec(),
            NotAPdf::Damaged.into(),
            "",
        ),
        (
            "a web page with status 200",
            page.into_bytes(),
            NotAPdf::Header.into(),
            "",
        ),
    ];
    let mut sentences = std::collections::BTreeSet::new();
    for (name, file, refusal, witness) in cases {
        assert_eq!(site.says(&sent, &file), Err(refusal), "{name}");
        let report = pdfsig(&file);
        assert!(report.contains(witness), "{name}: {report}");
        sentences.insert(refusal.to_string());
    }
    // Bytes appended and objects appended are one fault.
    assert_eq!(sentences.len(), 9, "{sentences:#?}");
}

#[test]
fn somebody_else_of_the_same_authority_and_a_machine_of_the_same_name_are_refused() {
    let site = Site::new(2100);
    let deputy = by(&site.authority.signer("Paul Exemple", 4).unwrap(), LETTER);
    assert_eq!(site.says(LETTER, &deputy), Err(Refusal::OtherSigner));
    let server = by(&site.authority.server(PRESIDENT).unwrap(), LETTER);
    assert_eq!(site.says(LETTER, &server), Err(Refusal::NotForSigning));
    // One signature that is expected does not vouch for another that is not.
    let both = by(&site.president(), &deputy);
    assert_eq!(site.says(LETTER, &both), Err(Refusal::OtherSigner));
}

#[test]
fn an_expired_certificate_is_refused_even_when_it_is_not_asked_who_signed() {
    let authority = Authority::new("Une autorité").unwrap();
    let file = by(&authority.expired_signer(PRESIDENT).unwrap(), LETTER);
    assert_eq!(returned(LETTER, &file), Err(Refusal::Expired));
}

#[test]
fn a_revocation_list_that_is_out_of_date_proves_nothing_and_a_missing_one_is_a_fault() {
    let site = Site::new(2021);
    let file = by(&site.president(), LETTER);
    assert_eq!(site.says(LETTER, &file), Err(Refusal::StaleRevocationList));
    let gone = SignatoriesConfig {
        revocation_lists: vec!["absent.crl".into()],
        ..SignatoriesConfig::default()
    };
    assert!(Signatories::new(&gone).is_err());
}

#[test]
fn names_without_authorities_are_a_mistake_of_the_configuration() {
    let config = SignatoriesConfig {
        names: vec![PRESIDENT.to_owned()],
        ..SignatoriesConfig::default()
    };
    let refused = Signatories::new(&config).unwrap_err().to_string();
    assert!(refused.contains("`authorities` is missing"), "{refused}");
}
