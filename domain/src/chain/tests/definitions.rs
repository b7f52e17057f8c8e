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
    for shipped in [
        include_str!("../../../../examples/chains/notification-refus.toml"),
        include_str!("../../../../examples/chains/ordres-paiement.toml"),
    ] {
        let definition: Definition = toml::from_str(shipped).expect("the shipped file reads");
        assert_eq!(definition.faults(), [], "{}", definition.code);
    }
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
    let order = "l'ordre est fusion, PDF, visa, signature ou impression, courrier, rattachement, puis statut, message, publication ; deux étapes de même nature ont chacune une condition";
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
    let sentences = ["register", "notify", "email", "publish"].map(|name| {
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

fn insert(after: &'static str, more: Step) -> impl FnOnce(&mut Definition) {
    move |definition| {
        let at = position(definition, after) + 1;
        definition.steps.insert(at, more);
    }
}

fn waiting(delay: Option<&str>, until: Option<&str>) -> Step {
    let action = Action::Wait {
        delay: delay.and_then(|delay| delay.parse().ok()),
        until: until.map(Into::into),
    };
    Step::new(step("delai"), action)
}

#[test]
fn an_approval_or_a_wait_comes_anywhere_once_there_is_a_document() {
    for name in ["convert", "visa", "sign", "attach", "publish"] {
        let approve = Step::new(step("approuver"), Action::Approve);
        assert_eq!(changed(insert(name, approve)), [""; 0], "after {name}");
        assert_eq!(changed(insert(name, waiting(Some("P3D"), None))), [""; 0]);
    }
    let too_early = changed(insert("merge", waiting(Some("P3D"), None)));
    assert_eq!(
        too_early,
        ["une chaîne commence par une étape « merge » puis une étape « convert »"]
    );
}

#[test]
fn a_wait_has_a_duration_or_a_date_of_the_dictionary() {
    for until in [
        "dossier.date_commission",
        "document.date",
        "dossier.champs.retour",
    ] {
        assert_eq!(changed(insert("sign", waiting(None, Some(until)))), [""; 0]);
    }
    let fault = |until| {
        format!("l'étape « delai » attend « {until} », qui n'est pas une date du dictionnaire")
    };
    for until in [
        "dossier.objet",
        "dossier.date",
        "versements[].date",
        "lot.total",
    ] {
        assert_eq!(
            changed(insert("sign", waiting(None, Some(until)))),
            [fault(until)]
        );
    }
    let neither = "l'étape « delai » attend soit une durée (« delay »), soit une date (« until »)";
    let both = waiting(Some("P3D"), Some("document.date"));
    assert_eq!(changed(insert("sign", both)), [neither]);
    assert_eq!(changed(insert("sign", waiting(None, None))), [neither]);
}

#[test]
fn every_step_but_those_that_make_the_document_may_have_a_condition() {
    let with = |name: &'static str| {
        move |definition: &mut Definition| {
            let at = position(definition, name);
            definition.steps[at].when = Some("dossier.montant > 23000".into());
        }
    };
    for name in [
        "visa", "sign", "register", "attach", "notify", "email", "publish",
    ] {
        assert_eq!(changed(with(name)), [""; 0], "{name}");
    }
    for name in ["merge", "convert"] {
        let fault =
            format!("l'étape « {name} » produit le document : elle n'a ni condition ni groupe");
        assert_eq!(changed(with(name)), [fault]);
    }
    let blank = changed(|it| it.steps[3].when = Some(" ".into()));
    assert_eq!(blank, ["le champ « when » de l'étape « sign » est vide"]);
}

/// A second signature after the first, each with this condition.
fn two_signatures(one: Option<&'static str>, two: Option<&'static str>) -> Vec<String> {
    changed(|it| {
        it.steps[3].when = one.map(Into::into);
        let other = Step {
            id: step("sign-president"),
            when: two.map(Into::into),
            ..it.steps[3].clone()
        };
        it.steps.insert(4, other);
    })
}

#[test]
fn two_steps_of_one_nature_are_alternatives_and_each_has_its_condition() {
    assert_eq!(two_signatures(Some("a"), Some("true")), [""; 0]);
    for (one, two) in [(None, None), (Some("a"), None), (None, Some("a"))] {
        assert_eq!(two_signatures(one, two).len(), 1);
    }
    let mut chain = notification();
    let other = Step {
        id: step("sign-president"),
        ..chain.steps[3].clone()
    };
    chain.steps.insert(4, other.clone());
    let instead = |taken: &[&str]| {
        let taken: Vec<_> = taken.iter().map(|name| step(name)).collect();
        chain.taken_instead(&taken, &other).cloned()
    };
    assert_eq!(instead(&["visa", "sign"]), Some(step("sign")));
    assert_eq!(instead(&["visa", "sign-president"]), None);
    let email = chain.step(&step("email")).expect("shipped");
    assert_eq!(chain.taken_instead(&[step("publish")], email), None);
}

fn grouped(names: &'static [&'static str]) -> impl FnOnce(&mut Definition) {
    move |definition| {
        for name in names {
            let at = position(definition, name);
            definition.steps[at].parallel = Some("remise".into());
        }
    }
}

#[test]
fn those_who_receive_the_document_may_do_so_at_once_in_any_order() {
    assert_eq!(changed(grouped(&["notify", "email", "publish"])), [""; 0]);
    let reversed = changed(|it| {
        grouped(&["register", "attach", "notify"])(it);
        swap("register", "notify")(it);
    });
    assert_eq!(reversed, [""; 0]);
    let chain = {
        let mut chain = notification();
        grouped(&["register", "attach"])(&mut chain);
        chain
    };
    let ready = |done: &[&str]| {
        let done: Vec<_> = done.iter().map(|name| step(name)).collect();
        let ready = chain.ready(&done);
        ready
            .iter()
            .map(|step| step.id.0.clone())
            .collect::<Vec<_>>()
    };
    let before = ["merge", "convert", "visa", "sign"];
    assert_eq!(ready(&before), ["register", "attach"]);
    assert_eq!(ready(&[&before[..], &["attach"]].concat()), ["register"]);
    assert_eq!(
        ready(&[&before[..], &["attach", "register"]].concat()),
        ["notify"]
    );
}

#[test]
fn a_group_holds_together_and_changes_no_document() {
    let visa = "l'étape « visa » ne va pas dans un groupe : un visa, une signature ou une impression change le document que les autres remettent";
    assert_eq!(changed(grouped(&["visa"])), [visa]);
    let merge = "l'étape « merge » produit le document : elle n'a ni condition ni groupe";
    assert_eq!(changed(grouped(&["merge"])), [merge]);
    assert_eq!(
        changed(grouped(&["notify", "publish"])),
        ["l'étape « publish » est séparée des autres étapes du groupe « remise »"]
    );
}

#[test]
fn a_call_names_its_service_and_says_where_what_it_keeps_stands() {
    let call = |service: &str, pointer: &str| {
        let action = Action::Call {
            service: service.into(),
            body: None,
            keep: [("numero".to_owned(), pointer.to_owned())].into(),
        };
        changed(insert("sign", Step::new(step("mandat"), action)))
    };
    assert_eq!(call("mandats", "/numero"), [""; 0]);
    assert_eq!(
        call(" ", "/numero"),
        ["le champ « service » de l'étape « mandat » est vide"]
    );
    assert_eq!(
        call("mandats", "numero"),
        [
            "l'étape « mandat » : « numero » n'est pas un chemin JSON comme /numero ou /lignes/0/code"
        ]
    );
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
        ("kind = \"convert\"", "kind = \"printed\""),
        ("kind = \"convert\"", "kind = \"wait\"\ndelay = \"3 jours\""),
    ] {
        assert!(shipped.contains(right));
        let read = toml::from_str::<Definition>(&shipped.replace(right, wrong));
        assert!(read.is_err(), "{wrong} was accepted");
    }
}

#[test]
fn the_next_step_is_the_first_that_is_not_done() {
    let chain = commission_table();
    let next = |done: &[StepId]| chain.ready(done).first().map(|step| step.id.0.clone());
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
        F::MakesTheDocument(_) => ["makes the document" = F::MakesTheDocument(step("merge"))],
        F::NotInParallel(_) => ["not in parallel" = F::NotInParallel(step("sign"))],
        F::Scattered(..) => ["scattered" = F::Scattered(step("publish"), "remise".into())],
        F::NoEnd(_) => ["no end" = F::NoEnd(step("delai"))],
        F::NotADate(..) => ["no date" = F::NotADate(step("delai"), "dossier.objet".into())],
        F::NotAPointer(..) => ["no pointer" = F::NotAPointer(step("mandat"), "numero".into())],
        F::Expression(..) => [
            "expression" = F::Expression(step("sign"), "la condition « x » : champ inconnu `x`".into()),
        ],
    );
    let sentences: Vec<_> = faults
        .iter()
        .map(|(label, fault)| format!("{label}: {fault}"))
        .collect();
    insta::with_settings!({ snapshot_path => "../snapshots" }, {
        insta::assert_snapshot!(sentences.join("\n"));
    });
}
