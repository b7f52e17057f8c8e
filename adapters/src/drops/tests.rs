//! Both drops keep one contract.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use super::*;
use crate::sim::{
    ledger::Ledger,
    mischief::Once,
    nextcloud::{NextcloudOptions, NextcloudSim},
    wire::Meddler,
};
use navette_domain::ports::{Attempt, DropBox, Named, Trial as _};
use std::fs;

const NAME: &str = "NAV-2026-1.zip";
const BYTES: &[u8] = b"a whole file";

/// Puts a file once, however often it is asked; never another in its place.
async fn keeps_the_contract(drop: &dyn DropBox) {
    assert_eq!(drop.get(NAME).await.unwrap(), None);
    assert_eq!(drop.names().await.unwrap(), Vec::<String>::new());
    for attempt in [Attempt::First, Attempt::Again, Attempt::First] {
        drop.put(NAME, BYTES, attempt).await.unwrap();
    }
    drop.put("été & 1.xml", b"<a/>", Attempt::First)
        .await
        .unwrap_err();
    drop.put("été 1.xml", b"<a/>", Attempt::First)
        .await
        .unwrap();
    assert_eq!(drop.names().await.unwrap(), [NAME, "été 1.xml"]);
    assert_eq!(drop.get("été 1.xml").await.unwrap().unwrap(), b"<a/>");
    let refused = drop
        .put(NAME, b"another", Attempt::Again)
        .await
        .unwrap_err();
    assert_eq!(refused.class, FailureClass::Rejected);
    assert!(refused.sentence.contains(NAME), "{refused}");
    assert_eq!(drop.get(NAME).await.unwrap().unwrap(), BYTES);
    for name in ["", "../a", "a/b", ".hidden", "a.part", "a\nb"] {
        let refused = drop.put(name, BYTES, Attempt::First).await.unwrap_err();
        assert_eq!(refused.class, FailureClass::Rejected, "{name}");
    }
}

struct Share {
    sim: NextcloudSim,
    ledger: Ledger,
    meddler: Meddler,
}

async fn share() -> Share {
    let (ledger, meddler) = (Ledger::default(), Meddler::default());
    let options = NextcloudOptions::default();
    let sim = NextcloudSim::start(ledger.clone(), meddler.clone(), options);
    let sim = sim.await.unwrap();
    sim.write("depot/inner/x", b"x");
    Share {
        sim,
        ledger,
        meddler,
    }
}

impl Share {
    fn drop(&self, folder: &str) -> WebdavDrop {
        let options = NextcloudOptions::default();
        let user = options.user_id;
        WebdavDrop::new(WebdavConfig {
            url: format!("{}/remote.php/dav/files/{user}/{folder}", self.sim.url()),
            login: options.login,
            password: options.app_password.into(),
            timeout_seconds: 5,
        })
        .unwrap()
    }

    fn count(&self, effect: &str) -> usize {
        self.ledger.keys(Neighbour::Nextcloud, effect).len()
    }
}

#[tokio::test]
async fn a_folder_and_a_server_keep_the_contract_and_leave_nothing_half_done() {
    let folder = tempfile::tempdir().unwrap();
    keeps_the_contract(&FolderDrop::new(folder.path())).await;
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    let share = share().await;
    keeps_the_contract(&share.drop("depot")).await;
    let left = share.sim.files();
    assert!(left.iter().all(|file| !file.ends_with(NOT_YET)), "{left:?}");
}

#[tokio::test]
#[ignore = "NAVETTE_REAL_WEBDAV names a file with the address and account of an empty folder"]
async fn a_real_webdav_folder_keeps_the_contract() {
    let drop = WebdavDrop::new(crate::real::configured("NAVETTE_REAL_WEBDAV")).unwrap();
    keeps_the_contract(&drop).await;
}

#[tokio::test]
async fn an_answer_lost_anywhere_leaves_one_whole_file() {
    for operation in ["GET", "PUT", "MOVE"] {
        let share = share().await;
        let drop = share.drop("depot");
        share.meddler.becomes(Once::loses(operation));
        let lost = drop.put(NAME, BYTES, Attempt::First).await.unwrap_err();
        assert_eq!(lost.class, FailureClass::Transient, "{operation}");
        drop.put(NAME, BYTES, Attempt::Again).await.unwrap();
        assert_eq!(share.ledger.keys(Neighbour::Nextcloud, "moved").len(), 1);
        let files = ["depot/NAV-2026-1.zip", "depot/inner/x"];
        assert_eq!(share.sim.files(), files, "{operation}");
    }
}

#[tokio::test]
async fn a_file_that_was_half_written_is_never_seen_and_is_written_anew() {
    let share = share().await;
    share.sim.write(&format!("depot/{NAME}{NOT_YET}"), b"a wh");
    let drop = share.drop("depot");
    assert_eq!(drop.names().await.unwrap(), Vec::<String>::new());
    drop.put(NAME, BYTES, Attempt::Again).await.unwrap();
    assert_eq!(drop.get(NAME).await.unwrap().unwrap(), BYTES);

    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(format!("{NAME}.1{NOT_YET}")), b"a wh").unwrap();
    let drop = FolderDrop::new(folder.path());
    assert_eq!(drop.names().await.unwrap(), Vec::<String>::new());
    drop.put(NAME, BYTES, Attempt::Again).await.unwrap();
    assert_eq!(drop.names().await.unwrap(), [NAME]);
}

#[tokio::test]
async fn two_workers_at_once_leave_one_file() {
    let share = share().await;
    let drop = share.drop("depot");
    let (one, two) = tokio::join!(
        drop.put(NAME, BYTES, Attempt::First),
        drop.put(NAME, BYTES, Attempt::First),
    );
    // One of them may find its part taken away by the other, and tries again.
    assert!(one.is_ok() || two.is_ok(), "{one:?} {two:?}");
    drop.put(NAME, BYTES, Attempt::Again).await.unwrap();
    assert_eq!(share.count("moved"), 1);
}

#[tokio::test]
async fn a_folder_that_is_missing_and_an_account_that_is_refused_are_told_apart() {
    let missing = FolderDrop::new("/nowhere/navette");
    let told = missing.try_out(&Named::default()).await;
    let [Err(failure)] = told.as_slice() else {
        unreachable!("{told:?}");
    };
    assert!(failure.sentence.contains("n'existe pas"), "{failure}");
    let folder = tempfile::tempdir().unwrap();
    let told = FolderDrop::new(folder.path())
        .try_out(&Named::default())
        .await;
    assert!(matches!(told.as_slice(), [Ok(_)]), "{told:?}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);

    let share = share().await;
    let told = share.drop("depot").try_out(&Named::default()).await;
    assert!(matches!(told.as_slice(), [Ok(_)]), "{told:?}");
    let told = share.drop("absent").try_out(&Named::default()).await;
    let [Err(failure)] = told.as_slice() else {
        unreachable!("{told:?}");
    };
    assert!(failure.sentence.contains("n'existe pas"), "{failure}");
    let put = share.drop("absent").put(NAME, BYTES, Attempt::First).await;
    assert_eq!(put.unwrap_err().class, FailureClass::Transient);
    let stranger = WebdavDrop::new(WebdavConfig {
        url: share.sim.url(),
        login: "nobody".into(),
        password: "wrong".into(),
        timeout_seconds: 5,
    });
    let told = stranger.unwrap().try_out(&Named::default()).await;
    let [Err(failure)] = told.as_slice() else {
        unreachable!("{told:?}");
    };
    assert_eq!(failure.class, FailureClass::Credentials);
}
