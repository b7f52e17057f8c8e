//! LibreOffice itself, given what the scan would have refused.

use super::support::{AT, merged_letter};
use navette_adapters::sim::hostile::with_text;
use serde_json::json;
use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    net::{SocketAddr, TcpListener},
    path::Path,
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

/// A web server that counts its visitors.
struct Honeypot {
    address: SocketAddr,
    visits: Arc<AtomicUsize>,
}

impl Honeypot {
    fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let visits = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&visits);
        std::thread::spawn(move || {
            for visitor in listener.incoming() {
                counted.fetch_add(1, Ordering::SeqCst);
                let answer =
                    b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
                let _ = visitor.unwrap().write_all(answer);
            }
        });
        Self { address, visits }
    }

    fn visits(&self) -> usize {
        self.visits.load(Ordering::SeqCst)
    }
}

fn tempting(honeypot: &Honeypot) -> Vec<u8> {
    let address = format!("http://{}/x.png", honeypot.address);
    let image = format!(
        "<text:p><draw:frame text:anchor-type=\"as-char\" svg:width=\"1cm\" svg:height=\"1cm\">\
         <draw:image xlink:href=\"{address}\" xlink:type=\"simple\"/></draw:frame></text:p>\
         <text:section text:name=\"s\"><text:section-source xlink:href=\"{address}\" \
         xlink:type=\"simple\"/><text:p/></text:section>"
    );
    with_text(&merged_letter(), &image).unwrap()
}

pub fn silent() {
    let honeypot = Honeypot::open();
    let file = tempting(&honeypot);
    let ours = tempfile::tempdir().unwrap();
    with_our_worker(&file, ours.path());
    assert!(ours.path().join("document.pdf").exists());
    assert_eq!(honeypot.visits(), 0);
    // The trap works: LibreOffice as it is installed walks into it.
    let theirs = tempfile::tempdir().unwrap();
    as_installed(&file, theirs.path());
    assert!(honeypot.visits() > 0);
}

/// Speaks to the worker as the pool does, without the scan.
fn with_our_worker(file: &[u8], folder: &Path) {
    let input = folder.join("document.odt");
    fs::write(&input, file).unwrap();
    let mut worker = Command::new(std::env::current_exe().unwrap())
        .arg("pdf-worker")
        .arg(folder)
        .env("HOME", folder)
        .env("TMPDIR", folder)
        .env("SAL_USE_VCLPLUGIN", "svp")
        .env("SAL_LOK_OPTIONS", "unipoll")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut replies = BufReader::new(worker.stdout.take().unwrap()).lines();
    assert_eq!(replies.next().unwrap().unwrap(), "\"ready\"");
    let request = json!({
        "input": input, "output": folder.join("document.pdf"), "filter": "writer_pdf_Export",
        "options": "", "date": AT.timestamp(), "limits": { "seconds": 60, "memory": 4_u64 << 30 },
    });
    let mut requests = worker.stdin.take().unwrap();
    writeln!(requests, "{request}").unwrap();
    assert_eq!(replies.next().unwrap().unwrap(), "\"converted\"");
    drop(requests);
    worker.wait().unwrap();
}

fn as_installed(file: &[u8], folder: &Path) {
    let input = folder.join("document.odt");
    fs::write(&input, file).unwrap();
    let status = Command::new("soffice")
        .arg(format!(
            "-env:UserInstallation=file://{}/profile",
            folder.display()
        ))
        .args(["--headless", "--convert-to", "pdf", "--outdir"])
        .arg(folder)
        .arg(&input)
        .env("HOME", folder)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .unwrap();
    assert!(status.success());
}
