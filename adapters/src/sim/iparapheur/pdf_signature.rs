//! Signs PDFs for real, as a desk does: an incremental update (the bytes that were sent come first) with
//! a detached CMS in the PAdES profile, by a certificate made for one run.

use bytes::Bytes;
use chrono::{DateTime, Utc};
use cms::{
    cert::{
        CertificateChoices, IssuerAndSerialNumber,
        x509::{
            Certificate,
            attr::Attribute,
            der::{
                self, Any, Decode as _, Encode as _, Tag,
                asn1::{ObjectIdentifier, OctetString, SetOfVec},
                oid::db::{
                    rfc5911::{
                        ID_AA_SIGNING_CERTIFICATE_V_2, ID_CONTENT_TYPE, ID_DATA, ID_MESSAGE_DIGEST,
                        ID_SIGNED_DATA,
                    },
                    rfc5912::{ECDSA_WITH_SHA_256, ID_SHA_256},
                },
            },
            spki::AlgorithmIdentifierOwned,
        },
    },
    content_info::{CmsVersion, ContentInfo},
    signed_data::{EncapsulatedContentInfo, SignedData, SignerIdentifier, SignerInfo},
};
use lopdf::{Dictionary, Document, IncrementalDocument, Object, StringFormat, dictionary};
use navette_domain::digest::Digest;
use rcgen::{CertificateParams, DnType, KeyPair, KeyUsagePurpose, SigningKey as _};
use std::{fmt::Write as _, io};

/// Room for the CMS, in bytes; it is padded with zeros.
const ROOM: usize = 4096;
/// Holds the place of the byte range's numbers, which are known only once the file is laid out.
const PLACE: i64 = 9_999_999_999;

/// Somebody who can sign.
pub struct Signer {
    key: KeyPair,
    certificate: Certificate,
    name: String,
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Signer")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl Signer {
    /// A signer with a key and a self-made certificate of their own.
    pub fn new(name: &str) -> io::Result<Self> {
        let key = KeyPair::generate().map_err(io::Error::other)?;
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params
            .distinguished_name
            .push(DnType::OrganizationName, "Département (simulation)");
        params.key_usages = vec![
            KeyUsagePurpose::DigitalSignature,
            KeyUsagePurpose::ContentCommitment,
        ];
        let made = params.self_signed(&key).map_err(io::Error::other)?;
        let certificate = Certificate::from_der(made.der()).map_err(io::Error::other)?;
        Ok(Self {
            key,
            certificate,
            name: name.to_owned(),
        })
    }

    /// The PDF, with an invisible signature added to it.
    pub fn sign(&self, pdf: &[u8], at: DateTime<Utc>) -> io::Result<Bytes> {
        let mut file = self.laid_out(pdf, at).map_err(io::Error::other)?;
        let hole = hole_after(&file, pdf.len()).ok_or_else(|| io::Error::other("no room"))?;
        let range = [0, hole.start, hole.end, file.len() - hole.end];
        write_byte_range(&mut file, pdf.len(), range)?;
        let signed = [&file[..hole.start], &file[hole.end..]].concat();
        let message = self.message(&signed).map_err(io::Error::other)?;
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

    /// The CMS over `content`.
    fn message(&self, content: &[u8]) -> der::Result<Vec<u8>> {
        let certificate = CertificateChoices::Certificate(self.certificate.clone());
        let data = SignedData {
            version: CmsVersion::V1,
            digest_algorithms: vec![algorithm(ID_SHA_256)].try_into()?,
            encap_content_info: EncapsulatedContentInfo {
                econtent_type: ID_DATA,
                econtent: None,
            },
            certificates: Some(vec![certificate].try_into()?),
            crls: None,
            signer_infos: vec![self.signer_info(content)?].try_into()?,
        };
        ContentInfo {
            content_type: ID_SIGNED_DATA,
            content: Any::encode_from(&data)?,
        }
        .to_der()
    }

    fn signer_info(&self, content: &[u8]) -> der::Result<SignerInfo> {
        let digest = OctetString::new(Digest::of(content).as_bytes().to_vec())?;
        let attributes = SetOfVec::try_from(vec![
            attribute(ID_CONTENT_TYPE, Any::encode_from(&ID_DATA)?)?,
            attribute(ID_MESSAGE_DIGEST, Any::encode_from(&digest)?)?,
            attribute(ID_AA_SIGNING_CERTIFICATE_V_2, self.certificate_reference()?)?,
        ])?;
        let signature = self
            .key
            .sign(&attributes.to_der()?)
            .map_err(|_| Tag::OctetString.value_error())?;
        let facts = self.certificate.tbs_certificate();
        Ok(SignerInfo {
            version: CmsVersion::V1,
            sid: SignerIdentifier::IssuerAndSerialNumber(IssuerAndSerialNumber {
                issuer: facts.issuer().clone(),
                serial_number: facts.serial_number().clone(),
            }),
            digest_alg: algorithm(ID_SHA_256),
            signed_attrs: Some(attributes),
            signature_algorithm: algorithm(ECDSA_WITH_SHA_256),
            signature: OctetString::new(signature)?,
            unsigned_attrs: None,
        })
    }

    /// `SigningCertificateV2` (RFC 5035) with SHA-256, its default: three sequences around the digest.
    fn certificate_reference(&self) -> der::Result<Any> {
        let digest = Digest::of(&self.certificate.to_der()?);
        let mut reference = vec![0x30, 0x26, 0x30, 0x24, 0x30, 0x22, 0x04, 0x20];
        reference.extend_from_slice(digest.as_bytes());
        Any::from_der(&reference)
    }
}

fn algorithm(oid: ObjectIdentifier) -> AlgorithmIdentifierOwned {
    AlgorithmIdentifierOwned {
        oid,
        parameters: None,
    }
}

fn attribute(oid: ObjectIdentifier, value: Any) -> der::Result<Attribute> {
    Ok(Attribute {
        oid,
        values: SetOfVec::try_from(vec![value])?,
    })
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
