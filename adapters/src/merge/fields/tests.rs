#![expect(
    clippy::unwrap_used,
    reason = "a test that meets the unexpected must fail"
)]

use super::{super::engine, *};
use navette_domain::{
    dictionary::{Dictionary, FieldKind},
    ports::{OfficeFormat, Place},
};
use std::collections::{BTreeMap, BTreeSet};

/// What is read from a template that is these tags and nothing else.
fn analysed(tags: &str) -> (Vec<Use>, Vec<TemplateFault>) {
    let mut found = Vec::new();
    let mut rest = tags;
    while let Some(start) = rest.find('{') {
        let end = start + rest[start..].find('}').unwrap() + 1;
        let end = end + usize::from(rest[end..].starts_with('}'));
        found.push(Tag::read(&rest[start..end], Place::default()));
        rest = &rest[end..];
    }
    analyse(&engine::environment(OfficeFormat::Odt), found)
}

fn used(tags: &str) -> Vec<FieldUse> {
    let (tags, faults) = analysed(tags);
    assert_eq!(faults, []);
    uses(tags.iter())
}

fn sentences(faults: &[TemplateFault]) -> Vec<&str> {
    faults.iter().map(|fault| fault.sentence.as_str()).collect()
}

fn dictionary() -> Dictionary {
    Dictionary::whole().with_custom(BTreeMap::from([("quartier".to_owned(), 12)]))
}

fn against_dictionary(tags: &str) -> Checked {
    let (tags, faults) = analysed(tags);
    assert_eq!(faults, []);
    check(tags.iter(), &dictionary())
}

#[test]
fn a_field_is_of_the_kind_that_its_use_asks_for() {
    let kinds: Vec<(String, FieldKind)> = used(
        "{{ d.objet }}{{ d.objet|upper }}{% if d.montant > 23000 %}{{ d.montant }}{% endif %}\
         {{ d.jour|date }}{% for v in d.versements %}{{ v.montant|montant }}{% endfor %}\
         {% if d.urgent %}{% endif %}{{ d.liste|join(\", \") }}",
    )
    .into_iter()
    .map(|used| (used.path, used.kind))
    .collect();
    let expected = [
        ("d.jour", FieldKind::Date),
        ("d.liste", FieldKind::List),
        ("d.montant", FieldKind::Amount),
        ("d.objet", FieldKind::Text),
        ("d.urgent", FieldKind::Boolean),
        ("d.versements", FieldKind::List),
        ("d.versements[].montant", FieldKind::Amount),
    ];
    assert_eq!(kinds, expected.map(|(path, kind)| (path.to_owned(), kind)));
}

#[test]
fn a_field_says_its_filters_and_how_often_it_is_used() {
    let uses = used("{{ a.b|trim|upper }}{{ a.b|trim }}{{ a[\"b\"] }}");
    assert_eq!(uses.len(), 1);
    assert_eq!(uses[0].filters, ["trim", "upper"]);
    assert_eq!(uses[0].count, 3);
}

#[test]
fn a_field_is_optional_if_each_of_its_uses_is_tested_or_has_a_default() {
    let optional = |tags: &str| {
        let uses = used(tags);
        uses.iter()
            .find(|used| used.path == "a.b")
            .unwrap()
            .optional
    };
    for tags in [
        "{{ a.b|default(\"—\") }}",
        "{% if a.b %}{{ a.b }}{% endif %}",
        "{% if c and a.b %}{{ a.b|upper }}{% endif %}",
        "{% if a.b is none %}—{% else %}{{ a.b }}{% endif %}",
        "{% if not a.b %}—{% else %}{{ a.b }}{% endif %}",
        "{% if c %}{% elif a.b %}{{ a.b }}{% endif %}",
        "{{ a.b if a.b else \"—\" }}",
        "{{ a.b or \"—\" }}",
    ] {
        assert!(optional(tags), "{tags}");
    }
    for tags in [
        "{{ a.b }}",
        "{% if a.b %}{{ a.b }}{% endif %}{{ a.b }}",
        "{% if a.b %}{% else %}{{ a.b }}{% endif %}",
        "{% if c or a.b %}{{ a.b }}{% endif %}",
        "{% if a.c %}{{ a.b }}{% endif %}",
        "{% if a.b > 5 %}{% endif %}",
    ] {
        assert!(!optional(tags), "{tags}");
    }
}

#[test]
fn an_image_named_by_a_text_is_used_like_one_named_by_a_field() {
    for (tags, expected) in [
        ("{{ \"logo\"|image }}", &["images.logo"][..]),
        ("{{ ' logo ' | image(largeur=\"40mm\") }}", &["images.logo"]),
        (
            "{{ (\"logo\" if a else \"sceau\")|image }}",
            &["a", "images.logo", "images.sceau"],
        ),
        ("{{ a|default(\"logo\")|image }}", &["a", "images.logo"]),
        ("{{ (a or \"logo\")|image }}", &["a", "images.logo"]),
        ("{{ a|image }}", &["a"]),
        ("{{ \"logo\" }}{{ \"logo\"|upper }}", &[]),
    ] {
        let paths: Vec<String> = used(tags).into_iter().map(|used| used.path).collect();
        assert_eq!(paths, expected, "{tags}");
    }
    let images = Dictionary::whole().with_images(BTreeSet::from(["logo".to_owned()]));
    let told = |tags: &str| check(analysed(tags).0.iter(), &images);
    assert_eq!(told("{{ \"logo\"|image }}"), Checked::default());
    assert_eq!(
        sentences(&told("{{ \"logi\"|image }}").faults),
        ["aucune image `images.logi` n'a été déposée ; vouliez-vous dire `images.logo` ?"]
    );
}

#[test]
fn names_given_by_a_template_are_no_fields() {
    let paths =
        |tags: &str| -> Vec<String> { used(tags).into_iter().map(|used| used.path).collect() };
    assert_eq!(
        paths("{% set b = beneficiaire %}{{ b.nom }}"),
        ["beneficiaire", "beneficiaire.nom"]
    );
    assert_eq!(
        paths("{% if c %}{% set x = 1 %}{% endif %}{{ x }}{{ loop }}"),
        ["c", "loop"]
    );
    assert_eq!(
        paths("{% for v in l if v.montant > 5 %}{{ v.n }}{{ loop.index }}{% endfor %}"),
        ["l", "l[].n"]
    );
    assert_eq!(
        paths("{% with a = 1, b = c.d %}{{ a }}{{ b }}{% endwith %}"),
        ["c.d"]
    );
}

#[test]
fn a_filter_is_told_with_the_nearest_one_and_its_arguments() {
    for (tag, told) in [
        (
            "{{ a|mantant }}",
            "filtre inconnu : « mantant » ; vouliez-vous dire « montant » ?",
        ),
        ("{{ a|Date }}", "vouliez-vous dire « date » ?"),
        ("{{ a|xyzzyplugh }}", "filtre inconnu : « xyzzyplugh »"),
        (
            "{{ n|pluriel }}",
            "il manque un argument au filtre « pluriel »",
        ),
        ("{{ a|upper(1, 2) }}", "a reçu trop d'arguments"),
        ("{{ upper(a) }}", "fonction inconnue : « upper »"),
        ("{% if a is vide %}", "test inconnu : « vide »"),
        ("{% sinon %}", "vouliez-vous dire « else » ?"),
        ("{% endfi %}", "vouliez-vous dire « endif » ?"),
        ("{{ a et b }}", "écrire « and » au lieu de « et »"),
    ] {
        let (_, faults) = analysed(tag);
        assert_eq!(faults.len(), 1, "{tag}: {faults:?}");
        assert!(faults[0].sentence.contains(told), "{tag}: {faults:?}");
    }
}

#[test]
fn an_unknown_field_is_told_at_once_whatever_the_dossier() {
    let checked = against_dictionary(
        "{{ beneficiare.nom }}{% for v in versements %}{{ v.montnat }}{% endfor %}{{ xyzzyplugh.q }}",
    );
    assert_eq!(
        sentences(&checked.faults),
        [
            "champ inconnu `beneficiare.nom` ; vouliez-vous dire `beneficiaire.nom` ?",
            "champ inconnu `v.montnat` ; vouliez-vous dire `v.montant` ?",
            "champ inconnu `xyzzyplugh.q`",
        ]
    );
    assert_eq!(checked.warnings, []);
}

#[test]
fn a_field_that_no_dossier_has_of_its_own_is_only_worth_a_look() {
    let checked = against_dictionary("{{ dossier.champs.quartier }}{{ dossier.champs.quartir }}");
    assert_eq!(checked.faults, []);
    assert_eq!(
        sentences(&checked.warnings),
        [
            "aucun dossier n'a le champ `dossier.champs.quartir` ; vouliez-vous dire \
             `dossier.champs.quartier` ?"
        ]
    );
    let checked = against_dictionary("{{ beneficiaire.prenom|default(\"\") }}");
    assert_eq!(checked.faults, []);
    assert_eq!(checked.warnings.len(), 1);
}

#[test]
fn a_use_that_cannot_suit_its_field_is_told() {
    for (tags, told) in [
        (
            "{{ dossier.montant|date }}",
            "attend une date, et `dossier.montant` est un montant",
        ),
        (
            "{{ document.date|montant }}",
            "et `document.date` est une date",
        ),
        (
            "{% for x in dossier.objet %}{% endfor %}",
            "et `dossier.objet` est un texte",
        ),
        ("{% if versements > 5 %}{% endif %}", "`versements|length`"),
        ("{{ beneficiaire }}", "est une fiche, qui ne s'écrit pas"),
        ("{{ versements }}", "est une liste, qui ne s'écrit pas"),
        (
            "{{ dossier.objet }}{{ beneficiaire.nom }}{{ lot.total }}",
            "`lot.total` n'existe que dans les documents sur tout un lot",
        ),
    ] {
        let checked = against_dictionary(tags);
        assert_eq!(checked.faults.len(), 1, "{tags}: {checked:?}");
        assert!(
            checked.faults[0].sentence.contains(told),
            "{tags}: {checked:?}"
        );
    }
    let right = against_dictionary(
        "{{ dossier.montant|montant }}{{ dossier.montant|montant_en_lettres }}{{ document.date|date }}\
         {% if dossier.montant > 23000 %}{% endif %}{{ versements|length }}{% if versements %}{% endif %}\
         {{ versements|length|pluriel(\"versement\") }}{% for v in versements %}{{ v.date|date }}{% endfor %}",
    );
    assert_eq!(right, Checked::default());
}

#[test]
fn an_empty_field_of_a_list_is_told_with_its_row() {
    let data = serde_json::json!({ "l": [
        { "m": "1.00" }, { "m": "2.00" }, { "m": null }, { "m": null },
    ] });
    let (tags, _) = analysed("{% for v in l %}{{ v.m|montant }}{% endfor %}");
    let told = empty(&tags[1], &data).unwrap();
    assert!(
        told.starts_with("l, ligne 3 : le champ `m` est vide"),
        "{told}"
    );
}
