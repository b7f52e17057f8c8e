//! The signatures of a PDF: each covers what it says it covers, from the first byte on.

use super::{NotAPdf, Refusal, returned::is_finished};
use crate::cms::{self, Broken};
use ::cms::{cert::x509::Certificate, signed_data::SignedData};
use lopdf::{Dictionary, Document, Object};

/// Form fields nest a little; a form that nests more is made to exhaust its reader.
const DEEPEST_FIELD: usize = 16;
/// A PDF may be signed by several people, not by a crowd.
const MOST_SIGNATURES: usize = 64;
/// The signature formats in which the CMS signs the byte range itself.
const DETACHED: [&[u8]; 2] = [b"ETSI.CAdES.detached", b"adbe.pkcs7.detached"];

/// The signatures of a file, all of them intact.
pub(super) struct Signatures {
    /// Who signed: each message, with the certificate it was signed under.
    pub signers: Vec<(SignedData, Certificate)>,
    /// Where what is signed ends.
    pub end: usize,
}

/// Checks every signature of `document`, read from `file`; there is at least one.
pub(super) fn check_all(document: &Document, file: &[u8]) -> Result<Signatures, Refusal> {
    let found = signature_dictionaries(document);
    if found.is_empty() {
        // Cut, it may read as it was before it was signed.
        let unsigned = is_finished(file).then_some(Refusal::Unsigned);
        return Err(unsigned.unwrap_or(NotAPdf::Damaged.into()));
    }
    let mut signatures = Signatures {
        signers: vec![],
        end: 0,
    };
    for signature in found {
        let signed = SignedRange::of(signature, file)?;
        if !DETACHED.contains(&signed.format) {
            return Err(Refusal::Unverifiable);
        }
        let signers = verify(signed.contents, &[signed.before, signed.after])?;
        signatures.signers.extend(signers);
        signatures.end = signatures.end.max(signed.end);
    }
    Ok(signatures)
}

/// Verifies the padded `message` over the parts of the file around it.
fn verify(message: &[u8], file: &[&[u8]]) -> Result<Vec<(SignedData, Certificate)>, Refusal> {
    let data = cms::parse(message).ok_or(Refusal::Unverifiable)?;
    if data.encap_content_info.econtent.is_some() || data.signer_infos.0.is_empty() {
        return Err(Refusal::Unverifiable);
    }
    let signers = data.signer_infos.0.iter().map(|signer| {
        let certificate = cms::verify_signer(&data, signer, file);
        let certificate = certificate.map_err(|broken| match broken {
            Broken::Unverifiable => Refusal::Unverifiable,
            Broken::Altered => Refusal::Altered,
        })?;
        Ok((data.clone(), certificate.clone()))
    });
    signers.collect()
}

/// The values of the signature fields, found from the catalog as a PDF reader finds them.
fn signature_dictionaries(document: &Document) -> Vec<&Dictionary> {
    let mut found = Vec::new();
    let fields = document
        .catalog()
        .and_then(|catalog| document.get_dict_in_dict(catalog, b"AcroForm"))
        .and_then(|form| form.get(b"Fields"))
        .and_then(|fields| document.dereference(fields))
        .and_then(|(_, fields)| fields.as_array());
    if let Ok(fields) = fields {
        collect(document, fields, DEEPEST_FIELD, &mut found);
    }
    found
}

fn collect<'a>(
    document: &'a Document,
    fields: &'a [Object],
    depth: usize,
    found: &mut Vec<&'a Dictionary>,
) {
    for field in fields {
        if depth == 0 || found.len() == MOST_SIGNATURES {
            return;
        }
        let Ok(field) = document
            .dereference(field)
            .and_then(|(_, field)| field.as_dict())
        else {
            continue;
        };
        if let Ok(value) = document.get_dict_in_dict(field, b"V")
            && value.has(b"ByteRange")
        {
            found.push(value);
        }
        if let Ok(kids) = field
            .get(b"Kids")
            .and_then(|kids| document.dereference(kids))
            .and_then(|(_, kids)| kids.as_array())
        {
            collect(document, kids, depth - 1, found);
        }
    }
}

/// What a signature says it covers, checked against the file.
struct SignedRange<'a> {
    before: &'a [u8],
    after: &'a [u8],
    contents: &'a [u8],
    format: &'a [u8],
    end: usize,
}

impl<'a> SignedRange<'a> {
    /// Everything from the first byte on, but the signature's own `/Contents`: had the hole held anything
    /// else, that would not be signed.
    fn of(signature: &'a Dictionary, file: &'a [u8]) -> Result<Self, Refusal> {
        let [start, hole, resume, rest] = byte_range(signature).ok_or(Refusal::Unverifiable)?;
        let end = resume.checked_add(rest).ok_or(Refusal::Unverifiable)?;
        let contents = signature
            .get(b"Contents")
            .and_then(Object::as_str)
            .map_err(|_| Refusal::Unverifiable)?;
        if end > file.len() {
            return Err(NotAPdf::Damaged.into());
        }
        if start != 0 || hole > resume {
            return Err(Refusal::NotWholeFile);
        }
        if !is_hexadecimal_of(&file[hole..resume], contents) {
            return Err(Refusal::NotWholeFile);
        }
        Ok(Self {
            before: &file[..hole],
            after: &file[resume..end],
            contents,
            format: signature
                .get(b"SubFilter")
                .and_then(Object::as_name)
                .unwrap_or_default(),
            end,
        })
    }
}

fn byte_range(signature: &Dictionary) -> Option<[usize; 4]> {
    let numbers = signature
        .get(b"ByteRange")
        .and_then(Object::as_array)
        .ok()?;
    let numbers: Vec<usize> = numbers
        .iter()
        .map(|number| usize::try_from(number.as_i64().ok()?).ok())
        .collect::<Option<_>>()?;
    numbers.try_into().ok()
}

fn is_hexadecimal_of(hole: &[u8], contents: &[u8]) -> bool {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    hole.len() == contents.len() * 2 + 2
        && hole.first() == Some(&b'<')
        && hole.last() == Some(&b'>')
        && hole[1..hole.len() - 1]
            .chunks(2)
            .zip(contents)
            .all(|(pair, byte)| {
                matches!((digit(pair[0]), digit(pair[1])), (Some(high), Some(low)) if high * 16 + low == u32::from(*byte))
            })
}
