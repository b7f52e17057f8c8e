#![expect(clippy::unwrap_used, reason = "a test may fail")]
use super::*;
use serde_json::json;

/// A request that names a query, and writes it out or not.
fn asked(query: &str, digest: Digest) -> Request {
    let named = json!({ "version": 1, "sha256Hash": digest.to_string() });
    let request = json!({ "query": query, "extensions": { "persistedQuery": named } });
    serde_json::from_value(request).unwrap()
}

/// The text that a request is worked on with, or the code of its refusal.
fn answer(persisted: &Persisted, mut request: Request) -> Result<String, String> {
    let resolved = persisted.resolve(&mut request);
    let code = |error: ServerError| match error.extensions.unwrap().get("code") {
        Some(Value::String(code)) => code.clone(),
        other => panic!("{other:?}"),
    };
    resolved.map(|()| request.query).map_err(code)
}

fn remembering(remember: usize) -> Persisted {
    let config = PersistedConfig {
        remember,
        ..PersistedConfig::default()
    };
    Persisted::open(&config).unwrap()
}

fn folder(files: &[(&str, &str)], only: bool) -> (tempfile::TempDir, PersistedConfig) {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    let config = PersistedConfig {
        folder: Some(folder.path().to_owned()),
        only,
        remember: 0,
    };
    (folder, config)
}

#[test]
fn as_many_queries_are_remembered_as_the_site_says_and_the_longest_unasked_goes_first() {
    let persisted = remembering(2);
    let texts = ["{ a }", "{ b }", "{ c }"];
    let digests = texts.map(|text| Digest::of(text.as_bytes()));
    for at in [0, 1] {
        let text = texts[at].to_owned();
        assert_eq!(answer(&persisted, asked(&text, digests[at])), Ok(text));
    }
    assert_eq!(
        answer(&persisted, asked("", digests[0])),
        Ok(texts[0].to_owned())
    );
    assert!(answer(&persisted, asked(texts[2], digests[2])).is_ok());
    let found = digests.map(|digest| answer(&persisted, asked("", digest)).is_ok());
    assert_eq!(found, [true, false, true]);
}

#[test]
fn what_the_limits_refuse_is_not_remembered() {
    let persisted = remembering(2);
    for text in ["{ a".to_owned(), format!("{{ {} }}", "a ".repeat(2_000))] {
        let digest = Digest::of(text.as_bytes());
        assert_eq!(answer(&persisted, asked(&text, digest)), Ok(text));
        let unknown = Err("PERSISTED_QUERY_NOT_FOUND".to_owned());
        assert_eq!(answer(&persisted, asked("", digest)), unknown);
    }
}

#[test]
fn a_query_of_the_folder_is_named_with_its_last_line_or_without() {
    let (_folder, config) = folder(&[("a.graphql", "{ a }\n"), ("notes.txt", "{")], true);
    let persisted = Persisted::open(&config).unwrap();
    for text in ["{ a }", "{ a }\n"] {
        let digest = Digest::of(text.as_bytes());
        assert_eq!(answer(&persisted, asked("", digest)), Ok(text.to_owned()));
        assert_eq!(answer(&persisted, Request::new(text)), Ok(text.to_owned()));
    }
    let other = Err("PERSISTED_QUERY_ONLY".to_owned());
    assert_eq!(answer(&persisted, Request::new("{ b }")), other);
}

#[test]
fn a_folder_that_cannot_serve_is_refused_with_the_file_and_what_is_wrong() {
    let long = format!("{{ a }} {}", "#".repeat(LONGEST_QUERY));
    for (files, told) in [
        (vec![("a.graphql", "{ a")], "a.graphql"),
        (vec![("long.graphql", long.as_str())], "longer than"),
        (vec![], "nobody would be answered"),
    ] {
        let (_folder, config) = folder(&files, true);
        let error = format!("{:#}", Persisted::open(&config).unwrap_err());
        assert!(error.contains(told), "{error}");
    }
    let config = PersistedConfig {
        remember: MOST + 1,
        ..PersistedConfig::default()
    };
    assert!(Persisted::open(&config).is_err());
}
