//! Visas by tags and by folders.

use super::*;
use crate::sim::nextcloud::Part;

/// A server whose tags are those of the usual marks.
pub(super) fn options() -> NextcloudOptions {
    NextcloudOptions {
        tags: ["à viser", "visé", "refusé"].map(str::to_owned).into(),
        ..NextcloudOptions::default()
    }
}

async fn by(visa: VisaBy) -> Bench {
    bench_by(visa, options()).await
}

const BY_TAGS: &str = "Navette/Aides/Commission-d-été/Visa-du-président/\
                       Arrêté-n-12--00000000-0000-0000-0000-000000000001.pdf";

fn in_folder(mark: &str) -> String {
    let (folder, name) = BY_TAGS.rsplit_once('/').unwrap();
    format!("{folder}/{mark}/{name}")
}

impl Bench {
    async fn state(&self, circulation: &Circulation) -> VisaState {
        self.cloud.state(circulation).await.unwrap()
    }
}

fn approved(state: VisaState) -> (String, Option<String>, Vec<u8>) {
    let VisaState::Approved {
        by, comment, pdf, ..
    } = state
    else {
        unreachable!("{state:?}");
    };
    (by.reveal().clone(), comment, pdf)
}

fn refused(state: VisaState) -> (String, String) {
    let VisaState::Rejected { by, reason, .. } = state else {
        unreachable!("{state:?}");
    };
    (by.reveal().clone(), reason)
}

#[tokio::test]
async fn a_visa_is_asked_for_by_one_tag_and_given_by_another_with_what_was_written() {
    let bench = by(VisaBy::Tags).await;
    let circulation = bench.circulate().await;
    assert_eq!(circulation.path, BY_TAGS);
    let asked = format!("{} à viser", circulation.file_id);
    assert_eq!(bench.ledger.keys(NEIGHBOUR, "tagged"), [asked]);
    assert_eq!(bench.count("approval requested"), 0);
    assert_eq!(bench.state(&circulation).await, VisaState::Pending);
    bench.sim.comment(BY_TAGS, "À revoir ?");
    bench.sim.comment(BY_TAGS, "Bon pour accord & suite <2026>");
    assert_eq!(bench.state(&circulation).await, VisaState::Pending);
    bench
        .sim
        .write(BY_TAGS, b"%PDF-1.7 a letter %%EOF and a note");
    assert!(bench.sim.tag(BY_TAGS, "visé"));
    let (by, comment, pdf) = approved(bench.state(&circulation).await);
    assert_eq!(by, "Direction des aides");
    assert_eq!(comment.as_deref(), Some("Bon pour accord & suite <2026>"));
    assert_eq!(pdf, b"%PDF-1.7 a letter %%EOF and a note");
}

#[tokio::test]
async fn a_refusal_by_tag_wins_over_a_visa_and_its_reason_is_the_last_comment() {
    let bench = by(VisaBy::Tags).await;
    let circulation = bench.circulate().await;
    bench.sim.tag(BY_TAGS, "visé");
    bench.sim.tag(BY_TAGS, "refusé");
    let silent = refused(bench.state(&circulation).await);
    assert_eq!(
        silent,
        ("non précisé".to_owned(), "(sans motif)".to_owned())
    );
    bench.sim.comment(BY_TAGS, "Le montant est faux.");
    let said = refused(bench.state(&circulation).await);
    assert_eq!(
        said,
        (
            "Direction des aides".to_owned(),
            "Le montant est faux.".to_owned()
        )
    );
}

#[tokio::test]
async fn an_answer_lost_anywhere_leaves_one_file_and_one_tag() {
    for operation in [
        "PUT",
        "PROPFIND",
        "PROPFIND tag",
        "PROPFIND tags",
        "PUT tag",
    ] {
        let bench = by(VisaBy::Tags).await;
        bench.meddler.becomes(Once::loses(operation));
        let lost = bench.refused(&letter()).await;
        assert_eq!(lost.class, FailureClass::Transient, "{operation}");
        let again = bench
            .cloud
            .circulate(&letter(), Attempt::Again)
            .await
            .unwrap();
        assert_eq!(bench.count("upload"), 1, "{operation}");
        assert_eq!(bench.count("tagged"), 1, "{operation}");
        assert_eq!(bench.state(&again).await, VisaState::Pending, "{operation}");
    }
}

#[tokio::test]
async fn a_file_that_was_answered_is_not_asked_for_again() {
    let bench = by(VisaBy::Tags).await;
    bench.sim.write(BY_TAGS, PDF);
    bench.sim.tag(BY_TAGS, "visé");
    let again = bench
        .cloud
        .circulate(&letter(), Attempt::Again)
        .await
        .unwrap();
    assert_eq!(bench.count("tagged"), 0);
    approved(bench.state(&again).await);
}

#[tokio::test]
async fn a_missing_tag_is_made_or_named_to_whoever_may_make_it() {
    let bench = bench_by(VisaBy::Tags, NextcloudOptions::default()).await;
    bench.circulate().await;
    assert_eq!(bench.ledger.keys(NEIGHBOUR, "tag created"), ["à viser"]);
    let closed = NextcloudOptions {
        without: vec![Part::MakingTags],
        ..NextcloudOptions::default()
    };
    let bench = bench_by(VisaBy::Tags, closed).await;
    let refused = bench.refused(&letter()).await;
    assert_eq!(refused.class, FailureClass::Rejected);
    assert!(refused.sentence.contains("« à viser »"), "{refused}");
}

#[tokio::test]
async fn a_server_without_comments_gives_visas_without_words() {
    let options = NextcloudOptions {
        without: vec![Part::Comments],
        ..options()
    };
    let bench = bench_by(VisaBy::Tags, options).await;
    let circulation = bench.circulate().await;
    bench.sim.tag(BY_TAGS, "visé");
    let (by, comment, _) = approved(bench.state(&circulation).await);
    assert_eq!((by.as_str(), comment), ("non précisé", None));
}

#[tokio::test]
async fn a_visa_is_given_by_moving_the_file_and_refused_by_moving_it_elsewhere() {
    for (mark, given) in [("visé", true), ("refusé", false)] {
        let bench = by(VisaBy::Folders).await;
        let circulation = bench.circulate().await;
        assert_eq!(circulation.path, in_folder("à viser"));
        let folders = bench.ledger.keys(NEIGHBOUR, "folder created");
        assert!(
            ["/visé", "/refusé", "/à viser"]
                .iter()
                .all(|mark| folders.iter().any(|folder| folder.ends_with(mark))),
            "{folders:?}"
        );
        assert_eq!(bench.state(&circulation).await, VisaState::Pending);
        bench.sim.comment(&circulation.path, "Voilà.");
        assert!(bench.sim.rename(&circulation.path, &in_folder(mark)));
        let state = bench.state(&circulation).await;
        if given {
            let (by, comment, pdf) = approved(state);
            assert_eq!(by, "Direction des aides");
            assert_eq!((comment.as_deref(), pdf.as_slice()), (Some("Voilà."), PDF));
        } else {
            let (by, reason) = refused(state);
            assert_eq!(
                (by.as_str(), reason.as_str()),
                ("Direction des aides", "Voilà.")
            );
        }
    }
}

#[tokio::test]
async fn a_file_that_was_moved_before_its_answer_was_heard_is_not_put_again() {
    for operation in ["PUT", "PROPFIND"] {
        let bench = by(VisaBy::Folders).await;
        bench.meddler.becomes(Once::loses(operation));
        bench.refused(&letter()).await;
        // Whatever was reached: a person sees the file where it is and moves it.
        bench.sim.rename(&in_folder("à viser"), &in_folder("visé"));
        let again = bench
            .cloud
            .circulate(&letter(), Attempt::Again)
            .await
            .unwrap();
        assert_eq!(bench.count("upload"), 1, "{operation}");
        if operation == "PUT" {
            approved(bench.state(&again).await);
        }
    }
}

#[tokio::test]
async fn a_file_copied_under_its_id_counts_and_a_renamed_one_still_waits() {
    let bench = by(VisaBy::Folders).await;
    let circulation = bench.circulate().await;
    let renamed = in_folder("à viser").replace("Arrêté", "Lettre");
    assert!(bench.sim.rename(&circulation.path, &renamed));
    assert_eq!(bench.state(&circulation).await, VisaState::Pending);
    bench.sim.write(
        &in_folder("visé").replace("Arrêté-n-12", "Lettre"),
        b"%PDF copied",
    );
    let (_, _, pdf) = approved(bench.state(&circulation).await);
    assert_eq!(pdf, b"%PDF copied");
    bench.cloud.withdraw(&circulation).await.unwrap();
    assert!(bench.sim.files().is_empty(), "{:?}", bench.sim.files());
}

#[test]
fn marks_that_could_be_taken_for_each_other_are_refused() {
    let with = |asked: &str| Marks {
        asked: asked.into(),
        ..Marks::default()
    };
    assert!(with("En attente").are_usable());
    for bad in ["", " à viser", "..", "a/b", "visé", "refusé"] {
        assert!(!with(bad).are_usable(), "{bad}");
    }
}
