//! What a schema promises is not taken back: a change that breaks clients is told before it is written.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

use async_graphql::Positioned;
use async_graphql::parser::{
    parse_schema,
    types::{
        ConstDirective, FieldDefinition, InputValueDefinition, InterfaceType, ObjectType,
        ServiceDocument, TypeDefinition, TypeKind, TypeSystemDefinition,
    },
};
use std::collections::BTreeMap;

type Types = BTreeMap<String, TypeDefinition>;

fn types(sdl: &str) -> Types {
    let ServiceDocument { definitions } = parse_schema(sdl).unwrap();
    let definition = |definition| match definition {
        TypeSystemDefinition::Type(definition) => {
            Some((definition.node.name.node.to_string(), definition.node))
        }
        _ => None,
    };
    definitions.into_iter().filter_map(definition).collect()
}

/// Whether it was announced that this goes, and why.
fn is_deprecated(directives: &[Positioned<ConstDirective>]) -> bool {
    let mut deprecations = directives
        .iter()
        .filter(|directive| directive.node.name.node == "deprecated");
    deprecations.any(|directive| !directive.node.arguments.is_empty())
}

fn text<T: ToString>(value: &Positioned<T>) -> String {
    value.node.to_string()
}

/// What of `old` no client can count on any more under `new`.
pub fn breaking(old: &str, new: &str) -> Vec<String> {
    let (old, new) = (types(old), types(new));
    let mut found = vec![];
    for (name, before) in &old {
        match new.get(name) {
            None => found.push(format!("{name} is gone")),
            Some(after) => compare(name, &before.kind, &after.kind, &mut found),
        }
    }
    found
}

fn compare(name: &str, old: &TypeKind, new: &TypeKind, found: &mut Vec<String>) {
    match (old, new) {
        (TypeKind::Scalar, TypeKind::Scalar) => {}
        (TypeKind::Object(old), TypeKind::Object(new)) => {
            for interface in &old.implements {
                if !new
                    .implements
                    .iter()
                    .any(|kept| kept.node == interface.node)
                {
                    found.push(format!("{name} is no {} any more", interface.node));
                }
            }
            fields(name, &old.fields, &new.fields, found);
        }
        (TypeKind::Interface(old), TypeKind::Interface(new)) => {
            fields(name, &old.fields, &new.fields, found);
        }
        (TypeKind::Union(old), TypeKind::Union(new)) => {
            for member in &old.members {
                if !new.members.iter().any(|kept| kept.node == member.node) {
                    found.push(format!("{name} is never {} any more", member.node));
                }
            }
        }
        (TypeKind::Enum(old), TypeKind::Enum(new)) => {
            for value in &old.values {
                let kept = new
                    .values
                    .iter()
                    .any(|kept| kept.node.value == value.node.value);
                if !kept && !is_deprecated(&value.node.directives) {
                    found.push(format!("{name}.{} is gone", value.node.value));
                }
            }
        }
        (TypeKind::InputObject(old), TypeKind::InputObject(new)) => {
            inputs(name, &old.fields, &new.fields, found);
        }
        _ => found.push(format!("{name} is of another kind")),
    }
}

fn fields(
    name: &str,
    old: &[Positioned<FieldDefinition>],
    new: &[Positioned<FieldDefinition>],
    found: &mut Vec<String>,
) {
    for field in old {
        let path = format!("{name}.{}", field.node.name.node);
        let Some(kept) = new
            .iter()
            .find(|kept| kept.node.name.node == field.node.name.node)
        else {
            if !is_deprecated(&field.node.directives) {
                found.push(format!("{path} is gone"));
            }
            continue;
        };
        let (before, after) = (text(&field.node.ty), text(&kept.node.ty));
        // What is always there now was a promise less before.
        if before != after && format!("{before}!") != after {
            found.push(format!("{path} was {before}, is {after}"));
        }
        inputs(&path, &field.node.arguments, &kept.node.arguments, found);
    }
}

fn inputs(
    name: &str,
    old: &[Positioned<InputValueDefinition>],
    new: &[Positioned<InputValueDefinition>],
    found: &mut Vec<String>,
) {
    for value in old {
        let path = format!("{name}({})", value.node.name.node);
        let Some(kept) = new
            .iter()
            .find(|kept| kept.node.name.node == value.node.name.node)
        else {
            if !is_deprecated(&value.node.directives) {
                found.push(format!("{path} is gone"));
            }
            continue;
        };
        let (before, after) = (text(&value.node.ty), text(&kept.node.ty));
        if before != after && before != format!("{after}!") {
            found.push(format!("{path} was {before}, is {after}"));
        }
    }
    for value in new {
        let is_new = !old
            .iter()
            .any(|known| known.node.name.node == value.node.name.node);
        let is_asked = text(&value.node.ty).ends_with('!') && value.node.default_value.is_none();
        if is_new && is_asked {
            found.push(format!("{name}({}) is asked for", value.node.name.node));
        }
    }
}

#[test]
fn a_change_that_breaks_clients_is_told_unless_it_was_announced() {
    let old = r#"
        type Query { a(x: Int, y: Int!): String b: Int c: Int @deprecated(reason: "use b") d: [Int!] }
        enum E { ONE TWO THREE @deprecated(reason: "use TWO") }
        input I { p: Int q: Int! r: Int @deprecated(reason: "use p") }
        interface N { id: ID! }
        type O implements N { id: ID! }
        union U = O | Query
        scalar S"#;
    assert_eq!(breaking(old, old), [""; 0]);
    let kept = old
        .replace("y: Int!", "y: Int, z: Int, w: Int! = 3")
        .replace(
            "): String b: Int c: Int @deprecated(reason: \"use b\")",
            "): String! b: Int e: S",
        )
        .replace(" THREE @deprecated(reason: \"use TWO\")", " FOUR")
        .replace(
            " q: Int! r: Int @deprecated(reason: \"use p\")",
            " q: Int s: Int",
        );
    assert_eq!(breaking(old, &kept), [""; 0]);
    for (from, to, told) in [
        (" b: Int", "", "Query.b is gone"),
        ("b: Int", "b: String", "Query.b was Int, is String"),
        ("[Int!]", "[Int]", "Query.d was [Int!], is [Int]"),
        ("x: Int, ", "", "Query.a(x) is gone"),
        ("x: Int,", "x: Int!,", "Query.a(x) was Int, is Int!"),
        ("y: Int!", "y: Int!, z: Int!", "Query.a(z) is asked for"),
        ("ONE ", "", "E.ONE is gone"),
        ("p: Int ", "", "I(p) is gone"),
        ("input I {", "input I { n: Int!", "I(n) is asked for"),
        ("type O implements N", "type O", "O is no N any more"),
        ("= O | Query", "= O", "U is never Query any more"),
        ("scalar S", "", "S is gone"),
        ("scalar S", "enum S { X }", "S is of another kind"),
    ] {
        assert_eq!(breaking(old, &old.replacen(from, to, 1)), [told]);
    }
}

/// The fields, arguments, inputs and values that are deprecated without a reason that says what to do instead.
fn unexplained(sdl: &str) -> Vec<String> {
    let reasoned = |directives: &[Positioned<ConstDirective>]| {
        let mut deprecations = directives
            .iter()
            .filter(|directive| directive.node.name.node == "deprecated");
        deprecations.all(|directive| {
            let mut arguments = directive.node.arguments.iter();
            let reason = arguments.find(|(name, _)| name.node == "reason");
            let said = reason.map(|(_, reason)| reason.node.to_string());
            said.is_some_and(|said| said.trim_matches(['"', ' ']).len() >= 5)
        })
    };
    let mut found = vec![];
    let mut look = |name: String, directives: &[Positioned<ConstDirective>]| {
        if !reasoned(directives) {
            found.push(name);
        }
    };
    for (name, definition) in types(sdl) {
        match definition.kind {
            TypeKind::Object(ObjectType { fields, .. })
            | TypeKind::Interface(InterfaceType { fields, .. }) => {
                for field in fields {
                    let path = format!("{name}.{}", field.node.name.node);
                    for argument in &field.node.arguments {
                        let path = format!("{path}({})", argument.node.name.node);
                        look(path, &argument.node.directives);
                    }
                    look(path, &field.node.directives);
                }
            }
            TypeKind::InputObject(input) => {
                for field in input.fields {
                    let path = format!("{name}.{}", field.node.name.node);
                    look(path, &field.node.directives);
                }
            }
            TypeKind::Enum(values) => {
                for value in values.values {
                    let path = format!("{name}.{}", value.node.value);
                    look(path, &value.node.directives);
                }
            }
            TypeKind::Scalar | TypeKind::Union(_) => {}
        }
    }
    found
}

#[test]
fn what_is_deprecated_says_what_to_do_instead() {
    let faulty = r#"
        type Query { a: Int @deprecated b(x: Int @deprecated(reason: " ")): Int c: Int @deprecated(reason: "use b") }
        enum E { ONE @deprecated TWO @deprecated(reason: "use ONE") }
        input I { p: Int @deprecated(reason: "x") q: Int @deprecated(reason: "use r") }"#;
    let told = ["E.ONE", "I.p", "Query.a", "Query.b(x)"];
    assert_eq!(unexplained(faulty), told);
    let sdl = navette::graphql::sdl();
    assert!(
        sdl.contains("@deprecated"),
        "nothing is deprecated to prove it on"
    );
    assert_eq!(unexplained(&sdl), [""; 0]);
}

/// Mutations that take no expected version, and why.
const WITHOUT_VERSION: [(&str, &str); 11] = [
    ("registerDossier", "what is made has no version yet"),
    ("takeOverDossier", "what is made has no version yet"),
    ("registerThirdParty", "what is made has no version yet"),
    ("startBatch", "what is made has no version yet"),
    ("requestExport", "what is made has no version yet"),
    ("pause", "what is held already stays so, whoever did it"),
    ("resume", "what goes on already stays so, whoever did it"),
    (
        "scheduleDossiers",
        "many at once: each is decided on what it is, and refused alone",
    ),
    (
        "skipSteps",
        "many at once: each is decided on what it is, and refused alone",
    ),
    (
        "cancelDocuments",
        "many at once: each is decided on what it is, and refused alone",
    ),
    (
        "retryDocuments",
        "many at once: each is decided on what it is, and refused alone",
    ),
];

/// What mutations lack of what every one must have.
fn lacking(sdl: &str, without_version: &[(&str, &str)]) -> Vec<String> {
    let types = types(sdl);
    let fields = |name: &str| -> BTreeMap<String, String> {
        let name = name.trim_end_matches('!');
        match types.get(name).map(|definition| &definition.kind) {
            Some(TypeKind::InputObject(input)) => {
                let fields = input.fields.iter();
                fields
                    .map(|field| (text(&field.node.name), text(&field.node.ty)))
                    .collect()
            }
            Some(TypeKind::Object(object)) => {
                let fields = object.fields.iter();
                fields
                    .map(|field| (text(&field.node.name), text(&field.node.ty)))
                    .collect()
            }
            _ => BTreeMap::new(),
        }
    };
    let TypeKind::Object(mutation) = &types["Mutation"].kind else {
        return vec!["no mutations".to_owned()];
    };
    let mut found = vec![];
    let mut excused: Vec<&str> = without_version.iter().map(|(name, _)| *name).collect();
    for field in &mutation.fields {
        let name = text(&field.node.name);
        let input = match field.node.arguments.as_slice() {
            [input] if input.node.name.node == "input" => fields(&text(&input.node.ty)),
            _ => BTreeMap::new(),
        };
        if input.get("idempotencyKey").map(String::as_str) != Some("UUID!") {
            found.push(format!("{name} takes no idempotency key"));
        }
        let versioned = input.get("expectedVersion").map(String::as_str) == Some("Int");
        let excuse = excused.iter().position(|excused| *excused == name);
        match (versioned, excuse) {
            (false, None) => found.push(format!("{name} takes no expected version")),
            (true, Some(_)) => found.push(format!("{name} needs no excuse any more")),
            _ => {}
        }
        if let Some(at) = excuse {
            excused.remove(at);
        }
        let answer = fields(&text(&field.node.ty));
        if answer.get("refusal").map(String::as_str) != Some("Refusal") {
            found.push(format!("{name} answers no refusal"));
        }
        if !answer.contains_key("position") {
            found.push(format!("{name} does not say where what it wrote stands"));
        }
    }
    found.extend(excused.iter().map(|name| format!("{name} is no mutation")));
    found
}

#[test]
fn every_mutation_takes_a_key_and_a_version_and_answers_what_it_did_or_why_not() {
    let faulty = "
        type Mutation { a(input: A!): P! b(input: B!): Q! c(id: UUID!): P! d(input: A!): P! }
        type P { position: Position refusal: Refusal }
        type Q { x: Int }
        input A { idempotencyKey: UUID! expectedVersion: Int }
        input B { idempotencyKey: UUID }";
    assert_eq!(
        lacking(faulty, &[("d", ""), ("e", "")]),
        [
            "b takes no idempotency key",
            "b takes no expected version",
            "b answers no refusal",
            "b does not say where what it wrote stands",
            "c takes no idempotency key",
            "c takes no expected version",
            "d needs no excuse any more",
            "e is no mutation",
        ]
    );
    assert_eq!(lacking(&navette::graphql::sdl(), &WITHOUT_VERSION), [""; 0]);
}
