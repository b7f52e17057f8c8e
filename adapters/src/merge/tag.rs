//! One tag of the template language, as a clerk wrote it and as the engine reads it.

use super::compare::safe_comparisons;
use navette_domain::ports::{Place, TemplateFault};

/// A tag and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tag {
    /// As written, for messages.
    pub(super) written: String,
    /// The code between the marks, with plain quotes and spaces.
    pub(super) code: String,
    pub(super) kind: Kind,
    pub(super) scope: Scope,
    pub(super) side: Side,
    /// Whether `{%-` and `-%}` glue it to what comes before and after.
    pub(super) glued: (bool, bool),
    /// Where it stands.
    pub(super) place: Place,
}

/// What a tag does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// `{{ … }}`
    Print,
    /// `{{ … }}` as the name of a picture, whose box is that large, in EMU.
    Picture { width: u64, height: u64 },
    /// `{% if … %}`, `{% for … %}`
    Open,
    /// `{% else %}`, `{% elif … %}`
    Middle,
    /// `{% endif %}`, `{% endfor %}`
    Close,
    /// `{% set x = … %}`
    Alone,
    /// `{# … #}`, and the marks of `{% raw %}`
    Comment,
}

/// What docxtpl's letters after the mark ask to replace by the tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    /// Nothing, as `{%r … %}`: the tag stands between runs.
    Inline,
    /// `{%p … %}`: its paragraph.
    Paragraph,
    /// `{%tr … %}`: its table row.
    Row,
    /// `{%tc … %}`: its cell.
    Column,
    /// `{%sheet … %}`: its whole sheet.
    Sheet,
}

/// Where secretary's fields ask a tag to stand with regard to its paragraph, row or cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// In its place.
    Instead,
    Before,
    After,
}

impl Tag {
    /// Reads a whole tag, marks included.
    pub(super) fn read(written: &str, place: Place) -> Self {
        let inner = written
            .get(2..written.len().saturating_sub(2))
            .unwrap_or_default();
        let (scope, inner) = scope(inner);
        let glued = (inner.starts_with('-'), inner.ends_with('-'));
        let inner = inner
            .trim_start_matches(['-', '+'])
            .trim_end_matches(['-', '+']);
        let code = with_plain_none(plain(inner).trim());
        let mut code = safe_comparisons(&code);
        let kind = match written.as_bytes().get(1) {
            Some(b'{') => Kind::Print,
            Some(b'#') => Kind::Comment,
            _ => {
                code = with_plain_keyword(&code);
                statement_kind(&code)
            }
        };
        Self {
            written: written.to_owned(),
            code,
            kind,
            scope,
            side: Side::Instead,
            glued,
            place,
        }
    }

    /// What is wrong with it.
    pub(super) fn fault(&self, sentence: impl Into<String>) -> TemplateFault {
        self.place.fault(&self.written, sentence)
    }

    /// A statement that this tag implies, to be told as this tag.
    pub(super) fn implied(&self, kind: Kind, code: &str) -> Self {
        Self {
            code: code.to_owned(),
            kind,
            scope: Scope::Inline,
            glued: (false, false),
            ..self.clone()
        }
    }

    pub(super) fn is_statement(&self) -> bool {
        !matches!(self.kind, Kind::Print | Kind::Picture { .. })
    }

    /// `if`, `endfor`: the first word of a statement.
    pub(super) fn keyword(&self) -> &str {
        first_word(&self.code)
    }
}

fn first_word(code: &str) -> &str {
    code.split(|c: char| !c.is_ascii_alphabetic())
        .next()
        .unwrap_or_default()
}

fn scope(inner: &str) -> (Scope, &str) {
    const LETTERS: [(&str, Scope); 5] = [
        ("sheet", Scope::Sheet),
        ("tr", Scope::Row),
        ("tc", Scope::Column),
        ("p", Scope::Paragraph),
        ("r", Scope::Inline),
    ];
    LETTERS
        .iter()
        .find_map(|(letters, scope)| {
            let rest = inner.strip_prefix(letters)?;
            rest.starts_with([' ', '\u{a0}', '\u{202f}'])
                .then_some((*scope, rest))
        })
        .unwrap_or((Scope::Inline, inner))
}

fn statement_kind(code: &str) -> Kind {
    let word = first_word(code);
    match word {
        "else" | "elif" => Kind::Middle,
        "raw" | "endraw" => Kind::Comment,
        "set" if code.contains('=') => Kind::Alone,
        "if" | "for" | "with" | "set" | "filter" | "macro" | "call" | "autoescape" | "block" => {
            Kind::Open
        }
        _ if word.starts_with("end") => Kind::Close,
        _ => Kind::Alone,
    }
}

/// Word processors put a capital on what they take for the start of a sentence.
fn with_plain_keyword(code: &str) -> String {
    let word = first_word(code);
    let rest = &code[word.len()..];
    format!("{}{rest}", word.to_ascii_lowercase())
}

/// An empty field equals nothing: only the test knows it.
fn with_plain_none(code: &str) -> String {
    code.replace("!= none", "is not none")
        .replace("== none", "is none")
}

/// Undoes what word processors do to code: smart quotes, special spaces, dashes.
fn plain(code: &str) -> String {
    let mut out = String::with_capacity(code.len());
    let mut string: Option<(char, bool)> = None;
    for character in code.chars() {
        match string {
            None => match quote(character) {
                Some((quote, smart)) => {
                    string = Some((quote, smart));
                    out.push(quote);
                }
                None => out.extend(plain_character(character)),
            },
            Some((delimiter, smart)) if closes(character, delimiter, smart) => {
                if character == '»' {
                    let kept = out.trim_end().len();
                    out.truncate(kept);
                }
                out.push(delimiter);
                string = None;
            }
            // The no-break space inside « … ».
            Some((_, true)) if out.ends_with('"') && character.is_whitespace() => {}
            Some((delimiter, true)) if character == delimiter => {
                out.push('\\');
                out.push(character);
            }
            Some(_) => out.push(character),
        }
    }
    out
}

fn quote(character: char) -> Option<(char, bool)> {
    match character {
        '\'' | '"' => Some((character, false)),
        '‘' | '’' | '‚' => Some(('\'', true)),
        '“' | '”' | '„' | '«' => Some(('"', true)),
        _ => None,
    }
}

fn closes(character: char, delimiter: char, smart: bool) -> bool {
    if !smart {
        return character == delimiter;
    }
    character == delimiter
        || match delimiter {
            '\'' => matches!(character, '‘' | '’'),
            _ => matches!(character, '“' | '”' | '»'),
        }
}

fn plain_character(character: char) -> Option<char> {
    match character {
        '\u{200b}'..='\u{200d}' | '\u{feff}' | '\u{ad}' | '\u{2060}' => None,
        '–' | '—' | '\u{2011}' => Some('-'),
        _ if character.is_whitespace() => Some(' '),
        _ => Some(character),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(written: &str) -> String {
        Tag::read(written, Place::default()).code
    }

    #[test]
    fn what_word_processors_do_to_code_is_undone() {
        assert_eq!(code("{{ d|date(« long ») }}"), "d|date(\"long\")");
        assert_eq!(code("{{\u{a0}x\u{202f}–\u{a0}1\u{200b}}}"), "x - 1");
        assert_eq!(code("{{ x or ‘rien’ }}"), "x or 'rien'");
        assert_eq!(code("{% If x %}"), "if x");
        assert_eq!(code("{{ \"l’œuvre – ici\" }}"), "\"l’œuvre – ici\"");
        assert_eq!(code("{%- if x == none -%}"), "if x is none");
    }

    #[test]
    fn docxtpls_letters_are_understood() {
        assert_eq!(
            Tag::read("{%tr for x in l %}", Place::default()).scope,
            Scope::Row
        );
        assert_eq!(
            Tag::read("{%p endif %}", Place::default()).scope,
            Scope::Paragraph
        );
        assert_eq!(
            Tag::read("{% raw %}", Place::default()).scope,
            Scope::Inline
        );
        assert_eq!(code("{%tr for x in l %}"), "for x in l");
    }
}
