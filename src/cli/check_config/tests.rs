#![expect(clippy::unwrap_used, reason = "a test may fail")]

use super::*;
use navette_adapters::sim::time_stamps::{Fate, TimeStampSim};
use std::{fs, path::PathBuf};

fn authority(url: &str, ca: Option<PathBuf>, crl: Option<PathBuf>) -> TimeStampAuthority {
    TimeStampAuthority {
        url: url.to_owned(),
        ca,
        crl,
        policy: None,
        login: None,
        password: None,
        timeout_seconds: 5,
    }
}

#[tokio::test]
async fn a_time_stamp_authority_is_told_reached_with_what_its_tokens_will_not_prove() {
    let sim = TimeStampSim::start().await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let [ca, crl] = ["ca.pem", "crl.pem"].map(|name| folder.path().join(name));
    fs::write(&ca, sim.ca_pem()).unwrap();
    fs::write(&crl, sim.crl_pem(Fate::InForce)).unwrap();
    let there = sim
        .url()
        .trim_start_matches("http://")
        .trim_end_matches('/');
    let reached = format!("something listens at {there}");
    let told = async |ca, crl| time_stamps(&authority(sim.url(), ca, crl)).await.unwrap();
    assert_eq!(told(Some(ca.clone()), Some(crl)).await, reached);
    let unlisted = format!("{reached}; `crl` is not given: revocation is not looked up");
    assert_eq!(told(Some(ca), None).await, unlisted);
    let unknown = format!("{reached}; WARNING: `ca` is not given: tokens do not prove who signed");
    assert_eq!(told(None, None).await, unknown);
}

#[tokio::test]
async fn what_is_wrong_of_a_time_stamp_authority_is_told_with_its_file_or_address() {
    let sim = TimeStampSim::start().await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let [ca, broken] = ["ca.pem", "broken.pem"].map(|name| folder.path().join(name));
    fs::write(&ca, sim.ca_pem()).unwrap();
    fs::write(&broken, "-----BEGIN").unwrap();
    let missing = folder.path().join("missing.pem");
    // A port that was free a moment ago, where nobody listens.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", port.local_addr().unwrap());
    drop(port);
    for (authority, why) in [
        (authority(&url, Some(missing), None), "missing.pem"),
        (authority(&url, Some(broken.clone()), None), "broken.pem"),
        (
            authority(&url, Some(ca.clone()), Some(broken.clone())),
            "broken.pem",
        ),
        (authority(&url, None, Some(broken)), "time_stamp.ca"),
        (
            authority("not an address", None, None),
            "understanding its address",
        ),
        (authority(&url, Some(ca), None), "refused"),
    ] {
        let told = time_stamps(&authority).await.unwrap_err();
        assert!(format!("{told:#}").contains(why), "{why}: {told:#}");
    }
}

#[test]
fn an_address_without_a_port_is_that_of_its_scheme() {
    for (url, expected) in [
        ("http://tsa.example/x", "tsa.example:80"),
        ("https://tsa.example", "tsa.example:443"),
        ("https://tsa.example:8443/", "tsa.example:8443"),
    ] {
        assert_eq!(address(url).unwrap(), expected);
    }
}
