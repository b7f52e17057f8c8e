//! What a batch came to: the counts, the failures and why, the PDFs in a folder.

use super::principal;
use crate::{app::App, cli::say};
use anyhow::Context as _;
use navette_domain::ids::BatchId;
use navette_projections::{
    documents::{DocumentFilter, DocumentRow},
    kinds::DocumentStatus,
    list,
    page::PageRequest,
    scope::Scope,
    timeline,
};
use std::{collections::HashMap, fs, path::Path};

/// The lines of the table: what is counted, and the event that says so.
const LINES: [(&str, &str); 9] = [
    ("Lettres fusionnées", "document.merged"),
    ("Lettres en PDF", "document.converted"),
    ("Lettres visées", "document.visaed"),
    ("Lettres signées", "document.signed"),
    ("Lettres enregistrées", "document.registered"),
    ("Lettres rattachées", "document.attached"),
    ("Dossiers notifiés", "document.reported"),
    ("Messages envoyés", "document.emailed"),
    ("Dépôts au porte-documents", "document.published"),
];

/// The documents of a batch.
pub(super) async fn documents_of(app: &App, batch: BatchId) -> anyhow::Result<Vec<DocumentRow>> {
    let scope = Scope::of(&principal());
    let filter = DocumentFilter {
        batch: Some(vec![batch.0]),
        ..DocumentFilter::default()
    };
    let (mut rows, mut after) = (vec![], None);
    loop {
        let request = PageRequest::new(Some(100), after)?;
        let page = list::page(&app.pool, &scope, &filter, &[], &request).await?;
        after = page.rows.last().map(|(cursor, _)| cursor.clone());
        rows.extend(page.rows.into_iter().map(|(_, row)| row));
        if !page.has_next {
            return Ok(rows);
        }
    }
}

/// Prints the table of a batch of letters.
pub(super) async fn print_table(
    app: &App,
    batch: BatchId,
    documents: &[DocumentRow],
) -> anyhow::Result<()> {
    let counts: HashMap<String, i64> = timeline::documents_by_event(&app.pool, batch.0)
        .await?
        .into_iter()
        .collect();
    let line = |label: &str, count: i64| say(&format!("  {label:28}{count:>6}"));
    line("Dossiers", count(documents.len()));
    for (label, event) in LINES {
        line(label, counts.get(event).copied().unwrap_or(0));
    }
    let failed = documents.iter().filter(|row| !is_delivered(row)).count();
    line("En échec ou inachevées", count(failed));
    Ok(())
}

/// Says which documents did not reach their end, and why.
pub(super) fn print_failures(documents: &[DocumentRow]) {
    for row in documents.iter().filter(|row| !is_delivered(row)) {
        say(&format!("  {} : {}", row.title, why(row)));
    }
}

fn count(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX)
}

/// Whether the document reached the end of its chain.
pub(super) fn is_delivered(row: &DocumentRow) -> bool {
    row.status == DocumentStatus::Delivered
}

fn why(row: &DocumentRow) -> String {
    let said = row.trouble.as_ref().or(row.reason.as_ref());
    let status = navette_domain::french::document_status(row.status.into());
    said.map_or_else(|| status.to_owned(), |said| format!("{status}, {said}"))
}

/// Copies the PDFs in force out of the store, under names that people read; answers how many.
pub(super) async fn copy_pdfs(
    app: &App,
    documents: &[DocumentRow],
    folder: &Path,
) -> anyhow::Result<usize> {
    fs::create_dir_all(folder)?;
    let mut copied = 0;
    for row in documents.iter().filter(|row| is_delivered(row)) {
        let Some(pdf) = row.signed_pdf.as_ref().or(row.pdf.as_ref()) else {
            continue;
        };
        let found = app.ports.files.get(pdf.parse()?).await;
        let bytes = found
            .map_err(|error| anyhow::anyhow!(error))?
            .context("un PDF manque")?;
        let name: String = row
            .title
            .chars()
            .map(|c| if c == '/' || c.is_control() { '-' } else { c })
            .collect();
        fs::write(folder.join(format!("{name}.pdf")), bytes)?;
        copied += 1;
    }
    Ok(copied)
}
