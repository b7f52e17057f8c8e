//! Where a document lies: a path rebuilt from what a clerk wrote, which can name nothing but one file of
//! ours.

use navette_domain::{ids::DocumentId, ports::VisaRequest};
use unicode_normalization::UnicodeNormalization as _;

/// In bytes: file systems stop at 255, and the id takes 42.
const LONGEST_NAME: usize = 120;

/// `root/folder/name--document.pdf`. The document's id makes the path ours alone.
pub(super) fn path(root: &str, request: &VisaRequest) -> String {
    let name = file_name(&request.file_name, request.document);
    [folder(root, &request.folder), name].join("/")
}

/// `root/folder`.
pub(super) fn folder(root: &str, folder: &str) -> String {
    let mut segments = folders(root);
    segments.extend(folders(folder));
    segments.join("/")
}

fn folders(path: &str) -> Vec<String> {
    let segments = path.split('/').map(slug);
    segments.filter(|segment| !segment.is_empty()).collect()
}

fn file_name(name: &str, document: DocumentId) -> String {
    let (stem, extension) = name.rsplit_once('.').unwrap_or((name, ""));
    let stem = if extension.eq_ignore_ascii_case("pdf") {
        stem
    } else {
        name
    };
    let slug = slug(stem);
    let readable = if slug.is_empty() { "document" } else { &slug };
    format!("{readable}--{document}.pdf")
}

/// Letters and digits of any alphabet, in NFC as Nextcloud compares names; whatever else becomes one
/// hyphen, so that no dot, slash or control character is left to mean something.
fn slug(text: &str) -> String {
    let mut slug = String::new();
    for letter in text.nfc() {
        if letter.is_alphanumeric() {
            slug.push(letter);
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    slug.truncate(slug.floor_char_boundary(LONGEST_NAME));
    slug.trim_end_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn placed(folder: &str, file_name: &str) -> String {
        let request = VisaRequest {
            document: DocumentId(Uuid::from_u128(7)),
            folder: folder.into(),
            file_name: file_name.into(),
            circuit: String::new(),
            pdf: Vec::new(),
        };
        path("Navette", &request)
    }

    const ID: &str = "00000000-0000-0000-0000-000000000007";

    #[test]
    fn a_name_keeps_its_accents_in_one_form_only() {
        let composed = placed("Aides/Été 2026", "Arrêté n° 12.pdf");
        let decomposed = placed(
            "Aides/E\u{301}te\u{301} 2026",
            "Arre\u{302}te\u{301} n° 12.PDF",
        );
        assert_eq!(
            composed,
            format!("Navette/Aides/Été-2026/Arrêté-n-12--{ID}.pdf")
        );
        assert_eq!(composed, decomposed);
    }

    #[test]
    fn nothing_written_by_a_clerk_leaves_the_folder() {
        let escaped = placed("../../..//etc", "../a/b\\c\u{0}.pdf");
        assert_eq!(escaped, format!("Navette/etc/a-b-c--{ID}.pdf"));
        assert_eq!(placed("", "…"), format!("Navette/document--{ID}.pdf"));
    }

    #[test]
    fn a_long_name_is_cut_and_its_id_never_is() {
        let long = placed("", &"é".repeat(500));
        assert_eq!(long, format!("Navette/{}--{ID}.pdf", "é".repeat(60)));
    }
}
