//! What is checked of a PDF before anyone believes in it.

use navette_domain::ports::Pdf;

/// Why bytes are not a whole PDF; for an engineer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotAPdf {
    /// No `%PDF-` at the start.
    #[error("the file does not start as a PDF")]
    Start,
    /// No `%%EOF` at the end.
    #[error("the file does not end as a PDF")]
    End,
    /// No page.
    #[error("the PDF has no page")]
    NoPage,
}

/// How far from its end a PDF's last mark may be.
const TAIL: usize = 1024;

/// Checks that `bytes` are a whole PDF of at least one page.
pub fn check(bytes: Vec<u8>) -> Result<Pdf, NotAPdf> {
    if !bytes.starts_with(b"%PDF-") {
        return Err(NotAPdf::Start);
    }
    let tail = &bytes[bytes.len().saturating_sub(TAIL)..];
    if !tail.windows(5).any(|window| window == b"%%EOF") {
        return Err(NotAPdf::End);
    }
    match pages(&bytes) {
        0 => Err(NotAPdf::NoPage),
        pages => Ok(Pdf { bytes, pages }),
    }
}

/// The number of pages: the greatest `/Count` of the page tree's nodes, which LibreOffice writes in clear.
fn pages(bytes: &[u8]) -> u32 {
    const NODE: &[u8] = b"/Type/Pages";
    bytes
        .windows(NODE.len())
        .enumerate()
        .filter(|(_, window)| *window == NODE)
        .filter_map(|(at, _)| count_of_node(&bytes[at..]))
        .max()
        .unwrap_or(0)
}

fn count_of_node(node: &[u8]) -> Option<u32> {
    const COUNT: &[u8] = b"/Count";
    let end = node.windows(6).position(|window| window == b"endobj")?;
    let node = &node[..end];
    let at = node
        .windows(COUNT.len())
        .position(|window| window == COUNT)?;
    let digits: String = node[at + COUNT.len()..]
        .iter()
        .map(|byte| char::from(*byte))
        .skip_while(char::is_ascii_whitespace)
        .take_while(char::is_ascii_digit)
        .collect();
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_pdf_with_a_page_passes() {
        let whole =
            b"%PDF-1.7\n1 0 obj\n<</Type/Pages\n/Kids[ 2 0 R ]\n/Count 2>>\nendobj\n%%EOF\n";
        assert_eq!(check(whole.to_vec()).map(|pdf| pdf.pages), Ok(2));
        assert_eq!(check(b"<html>".to_vec()), Err(NotAPdf::Start));
        assert_eq!(check(whole[..40].to_vec()), Err(NotAPdf::End));
        assert_eq!(check(b"%PDF-1.7\n%%EOF".to_vec()), Err(NotAPdf::NoPage));
    }
}
