//! Which definitions can work.

use super::*;

/// The shipped notification, changed.
fn changed(change: impl FnOnce(&mut Definition)) -> Vec<String> {
    let mut definition = notification();
    change(&mut definition);
    definition
        .faults()
        .iter()
        .map(ToString::to_string)
        .collect()
}

fn position(definition: &Definition, name: &str) -> usize {
    let found = definition
        .steps
        .iter()
        .position(|other| other.id == step(name));
    found.expect("a step of the shipped chain")
}

fn remove(name: &str) -> impl FnOnce(&mut Definition) {
    move |definition| {
        let at = position(definition, name);
        definition.steps.remove(at);
    }
}

fn swap<'a>(one: &'a str, other: &'a str) -> impl FnOnce(&mut Definition) + 'a {
    move |definition| {
        let (one, other) = (position(definition, one), position(definition, other));
        definition.steps.swap(one, other);
    }
}

fn set(name: &'static str, action: Action) -> impl FnOnce(&mut Definition) {
    move |definition| {
        let at = position(definition, name);
        definition.steps[at].action = action;
    }
}

#[test]
fn the_shipped_chains_have_no_fault_and_accept_what_they_should() {
    assert_eq!(notification().faults(), []);
    assert_eq!(commission_table().faults(), []);
    assert_eq!(notification().accepts, [DossierStatus::Granted]);
    assert_eq!(
        commission_table().accepts,
        [DossierStatus::Scheduled, DossierStatus::Granted]
    );
    assert_eq!(commission_table().scope, Scope::Batch);
}

#[test]
fn the_optional_steps_may_be_left_out() {
    for name in [
        "visa", "sign", "register", "attach", "notify", "email", "publish",
    ] {
        assert_eq!(changed(remove(name)), [""; 0], "without {name}");
    }
}

#[test]
fn the_steps_that_hand_over_come_in_any_order() {
    assert_eq!(changed(swap("notify", "publish")), [""; 0]);
}

#[test]
fn a_code_is_made_of_lower_case_letters_digits_and_hyphens() {
    let sentence =
        "le code « Été » ne doit contenir que des minuscules, des chiffres et des tirets";
    assert_eq!(changed(|it| it.code = "Été".into()), [sentence]);
    assert_eq!(changed(|it| it.template = "Été".into()), [sentence]);
}

#[test]
fn a_chain_accepts_at_least_one_status() {
    assert_eq!(
        changed(|it| it.accepts.clear()),
        ["« accepts » ne nomme aucun statut de dossier"]
    );
}

#[test]
fn two_steps_have_two_names() {
    assert_eq!(
        changed(|it| it.steps[3].id = step("visa")),
        ["deux étapes s'appellent « visa »"]
    );
}

#[test]
fn steps_come_in_the_order_of_things_and_once() {
    let order = "l'ordre est fusion, PDF, visa, signature, courrier, rattachement, puis statut, message, publication";
    assert_eq!(
        changed(swap("visa", "sign")),
        [format!("l'étape « visa » n'est pas à sa place : {order}")]
    );
    assert_eq!(
        changed(|it| it.steps.insert(
            4,
            Step {
                id: step("sign-again"),
                ..it.steps[3].clone()
            }
        )),
        [format!(
            "l'étape « sign-again » n'est pas à sa place : {order}"
        )]
    );
}

#[test]
fn a_chain_begins_with_a_document() {
    for name in ["merge", "convert"] {
        assert_eq!(
            changed(remove(name)),
            ["une chaîne commence par une étape « merge » puis une étape « convert »"]
        );
    }
    assert!(
        changed(|it| it.steps.clear()).len() == 2,
        "an empty chain neither makes nor delivers"
    );
}

#[test]
fn a_chain_ends_with_somebody_who_receives_the_document() {
    assert_eq!(
        changed(|it| it.steps.truncate(6)),
        ["une chaîne se termine par une étape « notify », « email » ou « publish »"]
    );
}

#[test]
fn a_document_for_a_whole_batch_has_no_dossier_to_write_to() {
    let faults = changed(|it| it.scope = Scope::Batch);
    let sentences = ["register", "attach", "notify", "email", "publish"].map(|name| {
        format!("l'étape « {name} » demande un dossier, mais la chaîne produit un document par lot")
    });
    assert_eq!(faults, sentences);
}

#[test]
fn the_fields_of_a_step_are_filled() {
    let text = || "x".to_owned();
    for (name, field, action) in [
        (
            "visa",
            "folder",
            Action::Visa {
                folder: " ".into(),
                circuit: text(),
            },
        ),
        (
            "visa",
            "circuit",
            Action::Visa {
                folder: text(),
                circuit: String::new(),
            },
        ),
        (
            "sign",
            "desk_type",
            Action::Sign {
                desk_type: String::new(),
                desk_subtype: text(),
            },
        ),
        (
            "sign",
            "desk_subtype",
            Action::Sign {
                desk_type: text(),
                desk_subtype: String::new(),
            },
        ),
    ] {
        assert_eq!(
            changed(set(name, action)),
            [format!(
                "le champ « {field} » de l'étape « {name} » est vide"
            )]
        );
    }
}

#[test]
fn a_misspelt_field_is_not_read_as_a_chain() {
    let shipped = include_str!("../../../../examples/chains/tableau-commission.toml");
    for (right, wrong) in [
        ("accepts =", "accept ="),
        ("folder =", "folders ="),
        (
            "circuit = \"Visa DGS\"",
            "circuit = \"Visa DGS\"\ncomment = \"x\"",
        ),
        ("to = \"requester\"", "to = \"clerk\""),
        ("kind = \"convert\"", "kind = \"print\""),
    ] {
        assert!(shipped.contains(right));
        let read = toml::from_str::<Definition>(&shipped.replace(right, wrong));
        assert!(read.is_err(), "{wrong} was accepted");
    }
}

#[test]
fn the_next_step_is_the_first_that_is_not_done() {
    let chain = commission_table();
    let next = |done: &[StepId]| chain.after(done).map(|step| step.id.0.clone());
    assert_eq!(next(&[]).as_deref(), Some("merge"));
    assert_eq!(
        next(&[step("merge"), step("convert")]).as_deref(),
        Some("visa")
    );
    assert_eq!(next(&["merge", "convert", "visa", "email"].map(step)), None);
    assert_eq!(
        chain.step(&step("email")).map(|step| &step.action),
        Some(&Action::Email {
            to: Recipient::Requester
        })
    );
}

#[test]
fn every_fault_is_a_sentence_that_a_clerk_reads() {
    use DefinitionFault as F;
    let faults = examples!(F, |fault: &F| fault.clone();
        F::BadCode(_) => ["bad code" = F::BadCode("Été".into())],
        F::AcceptsNothing => ["accepts nothing" = F::AcceptsNothing],
        F::SameName(_) => ["same name" = F::SameName(step("visa"))],
        F::OutOfOrder(_) => ["out of order" = F::OutOfOrder(step("visa"))],
        F::NoDocument => ["no document" = F::NoDocument],
        F::NoDelivery => ["no delivery" = F::NoDelivery],
        F::NeedsDossier(_) => ["needs a dossier" = F::NeedsDossier(step("register"))],
        F::WaitsForNobody(_) => ["waits for nobody" = F::WaitsForNobody(step("merge"))],
        F::Empty(..) => ["empty field" = F::Empty(step("visa"), "folder")],
    );
    let sentences: Vec<_> = faults
        .iter()
        .map(|(label, fault)| format!("{label}: {fault}"))
        .collect();
    insta::with_settings!({ snapshot_path => "../snapshots" }, {
        insta::assert_snapshot!(sentences.join("\n"));
    });
}
