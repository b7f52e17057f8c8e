//! The e-mails that applicants and clerks receive, in French, as text and HTML.

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Europe::Paris;
use std::fmt::Write as _;

/// A message's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Words {
    /// The subject line.
    pub subject: String,
    /// The plain text.
    pub text: String,
    /// The same in HTML.
    pub html: String,
}

fn words(subject: String, greeting: &str, paragraphs: &[String], signature: &str) -> Words {
    let escape = |text: &str| {
        text.replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('>', "&gt;")
            .replace('"', "&quot;")
    };
    let mut text = format!("{greeting}\n\n");
    let mut html = format!(
        "<!DOCTYPE html>\n<html lang=\"fr\"><body>\n<p>{}</p>\n",
        escape(greeting)
    );
    for paragraph in paragraphs {
        let _ = write!(text, "{paragraph}\n\n");
        let _ = writeln!(html, "<p>{}</p>", escape(paragraph));
    }
    let _ = writeln!(text, "{signature}");
    let _ = write!(html, "<p>{}</p>\n</body></html>\n", escape(signature));
    Words {
        subject,
        text,
        html,
    }
}

/// To the applicant whose decision is notified.
pub fn to_applicant(
    reference: &str,
    purpose: &str,
    authority: &str,
    registered_as: Option<&str>,
) -> Words {
    let mut paragraphs = vec![
        format!(
            "Une décision a été prise au sujet de votre demande de subvention « {purpose} » (dossier {reference})."
        ),
        "Vous la trouverez dans le document joint à ce message.".to_owned(),
    ];
    if let Some(chrono) = registered_as {
        paragraphs.push(format!(
            "Pour toute question, rappelez le numéro de courrier {chrono}."
        ));
    }
    words(
        format!("Votre demande de subvention {reference}"),
        "Madame, Monsieur,",
        &paragraphs,
        authority,
    )
}

/// To the clerk whose batch made a document.
pub fn to_requester(title: &str, batch_label: &str, dossiers: usize) -> Words {
    let paragraphs = vec![
        format!("Le document « {title} » du lot « {batch_label} » ({dossiers} dossiers) est prêt."),
        "Vous le trouverez joint à ce message.".to_owned(),
    ];
    words(
        format!("{title} : document prêt"),
        "Bonjour,",
        &paragraphs,
        "Navette",
    )
}

/// To the clerk whose batch made a document, which others have not dealt with.
pub fn reminder(title: &str, batch_label: &str, waits_for: &str, since: NaiveDate) -> Words {
    let since = crate::french::date(since);
    let paragraphs = vec![
        format!(
            "Le document « {title} » du lot « {batch_label} » attend {waits_for} depuis le {since}."
        ),
        "Voyez avec la personne qui doit s'en charger, ou annulez le document.".to_owned(),
    ];
    words(
        format!("{title} : toujours en attente"),
        "Bonjour,",
        &paragraphs,
        "Navette",
    )
}

/// To those to whom the file of a scheduled export goes: it is attached, unless there is a link, which is good
/// until then.
pub fn of_export(
    name: &str,
    day: NaiveDate,
    rows: i64,
    link: Option<(&str, DateTime<Utc>)>,
) -> Words {
    let day = crate::french::date(day);
    let mut paragraphs = vec![format!(
        "L'export programmé « {name} » du {day} est prêt : {rows} lignes."
    )];
    match link {
        None => paragraphs.push("Vous le trouverez joint à ce message.".to_owned()),
        Some((link, until)) => {
            let until = until.with_timezone(&Paris).format("%d/%m/%Y à %H:%M");
            paragraphs.push(format!(
                "Il est trop grand pour être joint à ce message. Ce lien le donne jusqu'au {until}, sans autre \
                 autorisation : ne le transmettez pas."
            ));
            paragraphs.push(link.to_owned());
        }
    }
    words(
        format!("{name} : export du {day}"),
        "Bonjour,",
        &paragraphs,
        "Navette",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_dossier_says_is_text_in_the_html_too() {
        let mail = to_applicant(
            "S-1",
            "L'Éveil <b>Culturel</b>",
            "Département",
            Some("2026D/12"),
        );
        assert!(mail.html.contains("L'Éveil &lt;b&gt;Culturel&lt;/b&gt;"));
        assert!(mail.text.contains("L'Éveil <b>Culturel</b>"));
        assert!(mail.text.contains("2026D/12"));
    }
}
