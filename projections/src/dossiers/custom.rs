//! The fields that dossiers have of their own, each by its types: what a clerk's file called "Canton" or
//! "Population" can be looked for as a text, as a number and as a date.

use navette_domain::published_date::parse_published;
use sqlx::PgConnection;
use std::collections::BTreeMap;
use uuid::Uuid;

/// So much of a name or of a value is looked at.
const LONGEST: usize = 256;

/// Writes the fields of a dossier in the place of those it had.
pub(super) async fn keep(
    connection: &mut PgConnection,
    dossier: Uuid,
    fields: &BTreeMap<String, String>,
    had_some: bool,
) -> Result<(), sqlx::Error> {
    if had_some {
        sqlx::query("DELETE FROM dossier_custom WHERE dossier_id = $1")
            .bind(dossier)
            .execute(&mut *connection)
            .await?;
    }
    if fields.is_empty() {
        return Ok(());
    }
    let names: Vec<String> = fields.keys().map(|name| start(name)).collect();
    let values: Vec<String> = fields.values().map(|value| start(value)).collect();
    let numbers: Vec<Option<f64>> = fields.values().map(|value| number(value)).collect();
    let dates: Vec<_> = fields
        .values()
        .map(|value| parse_published(value).ok())
        .collect();
    sqlx::query(
        "INSERT INTO dossier_custom (dossier_id, name, value, number, date)
         SELECT $1, * FROM unnest($2::text[], $3::text[], $4::double precision[], $5::date[])",
    )
    .bind(dossier)
    .bind(names)
    .bind(values)
    .bind(numbers)
    .bind(dates)
    .execute(connection)
    .await?;
    Ok(())
}

/// The beginning of a text, which an index can hold.
pub(super) fn start(text: &str) -> String {
    text.chars().take(LONGEST).collect()
}

/// A number as people write it: `1 234,56`, `1234.5`, `12 %`, `3 000 €`. A code with letters is none.
fn number(text: &str) -> Option<f64> {
    let text = text.trim().trim_end_matches(['€', '%']);
    let plain: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    let plain = plain.replacen(',', ".", 1);
    let digits = plain.strip_prefix('-').unwrap_or(&plain);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let all_digits = |part: &str| {
        (1..=15).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit())
    };
    (all_digits(whole) && all_digits(fraction))
        .then(|| plain.parse().ok())
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::number;

    #[test]
    fn numbers_are_read_as_people_write_them_and_codes_are_none() {
        for (text, expected) in [
            ("1 234,56", Some(1234.56)),
            ("1\u{202f}234,56 €", Some(1234.56)),
            ("-12.5", Some(-12.5)),
            ("12 %", Some(12.0)),
            ("0", Some(0.0)),
            ("1,234.5", None),
            ("1,2,3", None),
            ("2A004", None),
            ("", None),
            ("1e300", None),
            ("inf", None),
            ("12345678901234567890", None),
        ] {
            assert_eq!(number(text), expected, "{text}");
        }
    }
}
