use super::*;
use crate::{
    event::Decider as _,
    testing::{now, replay, uuid},
};
use serde_json::json;

fn save(by: &str, shared: bool, content: Content) -> SelectionCommand {
    SelectionCommand::Save {
        name: " Sport 2026 ".into(),
        shared,
        content,
        by: by.into(),
        at: now(),
    }
}

fn filter() -> Content {
    Content::Filter(json!({ "scheme": ["Sport"] }))
}

fn saved(shared: bool) -> Selection {
    let events = Selection::Unborn.decide(save("token:anne", shared, filter()));
    replay(events.unwrap_or_default())
}

#[test]
fn a_selection_is_saved_once_changed_by_its_owner_and_removed() {
    let state = saved(false);
    assert!(matches!(&state, Selection::Saved { name, .. } if name == "Sport 2026"));
    assert_eq!(
        state.decide(save("token:anne", false, filter())),
        Ok(vec![])
    );
    let list = Content::Dossiers(vec![DossierId(uuid(1))]);
    let changed = state
        .decide(save("token:anne", true, list))
        .unwrap_or_default();
    assert_eq!(changed.len(), 1);
    let by = "token:anne".to_owned();
    let removed = state.decide(SelectionCommand::Remove { by, at: now() });
    assert_eq!(removed, Ok(vec![SelectionEvent::Removed { at: now() }]));
}

#[test]
fn nobody_changes_the_selection_of_another_nor_learns_of_a_private_one() {
    let remove = || SelectionCommand::Remove {
        by: "token:luc".into(),
        at: now(),
    };
    for (shared, refusal) in [
        (true, SelectionRefusal::NotYours),
        (false, SelectionRefusal::NotSaved),
    ] {
        let state = saved(shared);
        assert_eq!(
            state.decide(save("token:luc", true, filter())),
            Err(refusal.clone())
        );
        assert_eq!(state.decide(remove()), Err(refusal));
    }
    for state in [Selection::Unborn, Selection::Removed] {
        assert_eq!(state.decide(remove()), Err(SelectionRefusal::NotSaved));
    }
    let again = Selection::Removed.decide(save("token:anne", true, filter()));
    assert_eq!(again, Err(SelectionRefusal::NotSaved));
}

#[test]
fn a_selection_has_a_name_and_a_list_has_dossiers() {
    let nameless = SelectionCommand::Save {
        name: "  ".into(),
        shared: false,
        content: filter(),
        by: "token:anne".into(),
        at: now(),
    };
    assert_eq!(
        Selection::Unborn.decide(nameless),
        Err(SelectionRefusal::BadName)
    );
    let empty = save("token:anne", false, Content::Dossiers(vec![]));
    assert_eq!(
        Selection::Unborn.decide(empty),
        Err(SelectionRefusal::Empty)
    );
}
