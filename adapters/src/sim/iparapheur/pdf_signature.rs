//! Signs PDFs for real, as a desk does: an incremental update (the bytes that were sent come first) with
//! a detached CMS in the PAdES profile, by a certificate made for one run.

use crate::sim::cms::CmsSigner;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use cms::cert::x509::der::oid::db::rfc5911::ID_DATA;
use lopdf::{Dictionary, Document, IncrementalDocument, Object, StringFormat, dictionary};
use rcgen::{CertificateParams, DnType, KeyUsagePurpose};
use std::{fmt::Write as _, io};

/// Room for the CMS, in bytes; it is padded with zeros.
const ROOM: usize = 4096;
/// Holds the place of the byte range's numbers, which are known only once the file is laid out.
const PLACE: i64 = 9_999_999_999;

/// Somebody who can sign.
#[derive(Debug)]
pub struct Signer {
    cms: CmsSigner,
    name: String,
}

impl Signer {
    /// A signer with a key and a self-made certificate of their own.
    pub fn new(name: &str) -> io::Result<Self> {
        let cms = CmsSigner::self_signed(&certificate(name))?;
        Ok(Self::with(cms, name))
    }

    pub(super) fn with(cms: CmsSigner, name: &str) -> Self {
        let name = name.to_owned();
        Self { cms, name }
    }

    /// The PDF, with an invisible signature added to it.
    pub fn sign(&self, pdf: &[u8], at: DateTime<Utc>) -> io::Result<Bytes> {
        let mut file = self.laid_out(pdf, at).map_err(io::Error::other)?;
        let hole = hole_after(&file, pdf.len()).ok_or_else(|| io::Error::other("no room"))?;
        let range = [0, hole.start, hole.end, file.len() - hole.end];
        write_byte_range(&mut file, pdf.len(), range)?;
        let signed = [&file[..hole.start], &file[hole.end..]].concat();
        let message = self.cms.detached(ID_DATA, &signed)?;
        if message.len() > ROOM {
            return Err(io::Error::other("the signature does not fit its room"));
        }
        let mut hexadecimal = String::with_capacity(message.len() * 2);
        for byte in message {
            let _ = write!(hexadecimal, "{byte:02X}");
        }
        let start = hole.start + 1;
        file[start..start + hexadecimal.len()].copy_from_slice(hexadecimal.as_bytes());
        Ok(file.into())
    }

    /// The file with a signature field whose numbers and contents are still to be filled in.
    fn laid_out(&self, pdf: &[u8], at: DateTime<Utc>) -> lopdf::Result<Vec<u8>> {
        let before = Document::load_mem(pdf)?;
        let page = before
            .page_iter()
            .next()
            .ok_or(lopdf::Error::PageNumberNotFound(1))?;
        let root = before.trailer.get(b"Root")?.as_reference()?;
        let mut update = IncrementalDocument::create_from(pdf.to_vec(), before);
        let value = update.new_document.add_object(self.value(at));
        let field = update.new_document.add_object(dictionary! {
            "Type" => "Annot", "Subtype" => "Widget", "FT" => "Sig",
            "T" => Object::string_literal(format!("Signature{}", value.0)),
            "F" => 132, "Rect" => vec![0.into(), 0.into(), 0.into(), 0.into()],
            "P" => page, "V" => value,
        });
        let form = form_with(update.get_prev_documents(), field);
        let annotations = annotations_with(update.get_prev_documents(), page, field);
        for (object, key, new) in [(page, "Annots", annotations), (root, "AcroForm", form)] {
            update.opt_clone_object_to_new_document(object)?;
            update
                .new_document
                .get_dictionary_mut(object)?
                .set(key, new);
        }
        let mut file = Vec::with_capacity(pdf.len() + 4 * ROOM);
        update.save_to(&mut file)?;
        Ok(file)
    }

    fn value(&self, at: DateTime<Utc>) -> Dictionary {
        dictionary! {
            "Type" => "Sig", "Filter" => "Adobe.PPKLite", "SubFilter" => "ETSI.CAdES.detached",
            "Name" => lopdf::text_string(&self.name),
            "M" => Object::string_literal(at.format("D:%Y%m%d%H%M%SZ").to_string()),
            "ByteRange" => vec![0.into(), PLACE.into(), PLACE.into(), PLACE.into()],
            "Contents" => Object::String(vec![0; ROOM], StringFormat::Hexadecimal),
        }
    }
}

/// What the certificate of somebody who signs says.
pub(super) fn certificate(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params
        .distinguished_name
        .push(DnType::OrganizationName, "Département (simulation)");
    params.key_usages = vec![
        KeyUsagePurpose::DigitalSignature,
        KeyUsagePurpose::ContentCommitment,
    ];
    params
}

/// The document's form with one more field.
fn form_with(before: &Document, field: lopdf::ObjectId) -> Object {
    let mut form = before
        .catalog()
        .and_then(|catalog| before.get_dict_in_dict(catalog, b"AcroForm"))
        .cloned()
        .unwrap_or_default();
    let mut fields = array(before, &form, b"Fields");
    fields.push(field.into());
    form.set("Fields", fields);
    form.set("SigFlags", 3);
    form.into()
}

/// The page's annotations with one more.
fn annotations_with(before: &Document, page: lopdf::ObjectId, field: lopdf::ObjectId) -> Object {
    let mut annotations = before
        .get_dictionary(page)
        .map(|page| array(before, page, b"Annots"))
        .unwrap_or_default();
    annotations.push(field.into());
    annotations.into()
}

fn array(document: &Document, dictionary: &Dictionary, key: &[u8]) -> Vec<Object> {
    dictionary
        .get(key)
        .and_then(|array| document.dereference(array))
        .and_then(|(_, array)| array.as_array())
        .cloned()
        .unwrap_or_default()
}

/// Where `/Contents` stands, brackets included.
fn hole_after(file: &[u8], start: usize) -> Option<std::ops::Range<usize>> {
    let mut opening = vec![b'<'];
    opening.extend_from_slice(&[b'0'; ROOM * 2]);
    let at = start + find(&file[start..], &opening)?;
    Some(at..at + opening.len() + 1)
}

fn write_byte_range(file: &mut [u8], start: usize, range: [usize; 4]) -> io::Result<()> {
    let held = format!("[0 {PLACE} {PLACE} {PLACE}]");
    let at = start
        + find(&file[start..], held.as_bytes())
            .ok_or_else(|| io::Error::other("no byte range to fill in"))?;
    let [first, hole, resume, rest] = range;
    let numbers = format!("{first} {hole} {resume} {rest}");
    let text = format!("[{numbers:<width$}]", width = held.len() - 2);
    file[at..at + held.len()].copy_from_slice(text.as_bytes());
    Ok(())
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack
        .windows(needle.len())
        .position(|window| window == needle)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]
mod tests {
    use super::*;
    use std::process::Command;

    const LETTERS: [&[u8]; 2] = [
        include_bytes!("../../../fixtures/pdf/letter.pdf"),
        include_bytes!("../../../fixtures/pdf/letter-pdfa.pdf"),
    ];

    /// What poppler says: its exit code proves nothing.
    fn pdfsig(pdf: &[u8]) -> String {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), pdf).unwrap();
        let output = Command::new("pdfsig")
            .arg("-nocert")
            .arg(file.path())
            .output()
            .unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    #[test]
    fn a_letter_of_libreoffice_is_signed_in_the_eyes_of_another_program() {
        let signer = Signer::new("Jeanne Exemple").unwrap();
        for letter in LETTERS {
            let file = signer.sign(letter, Utc::now()).unwrap();
            assert!(file.starts_with(letter));
            let report = pdfsig(&file);
            assert!(report.contains("Signature is Valid"), "{report}");
            assert!(report.contains("Total document signed"), "{report}");
        }
    }

    #[test]
    fn a_second_signature_keeps_the_first_one_valid() {
        let signer = Signer::new("Jeanne Exemple").unwrap();
        let once = signer.sign(LETTERS[0], Utc::now()).unwrap();
        let report = pdfsig(&signer.sign(&once, Utc::now()).unwrap());
        assert_eq!(report.matches("Signature is Valid").count(), 2, "{report}");
    }

    #[test]
    fn a_file_with_cross_reference_streams_is_signed_too() {
        let mut modern = Vec::new();
        let mut letter = Document::load_mem(LETTERS[0]).unwrap();
        letter.save_modern(&mut modern).unwrap();
        assert!(find(&modern, b"/XRef").is_some());
        let signer = Signer::new("Jeanne Exemple").unwrap();
        let report = pdfsig(&signer.sign(&modern, Utc::now()).unwrap());
        assert!(report.contains("Signature is Valid"), "{report}");
    }

    #[test]
    fn what_is_not_a_pdf_is_not_signed() {
        let signer = Signer::new("Jeanne Exemple").unwrap();
        assert!(signer.sign(b"<html></html>", Utc::now()).is_err());
    }
}
