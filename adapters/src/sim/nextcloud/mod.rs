//! A simulated Nextcloud: one service account with its files over WebDAV, OCS, and the approval app with
//! one approver, who may answer by itself or wait for a test to play the part.

mod approval;
mod dav;
mod ocs;
mod propfind;
mod tags;
mod tree;

use super::{
    ledger::Ledger,
    wire::{self, Meddler, Server},
};
use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, Response, StatusCode, header},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use navette_domain::ports::Neighbour;
use serde_json::json;
use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tree::{File, Tree};

/// Refused log-ins in a row before the server asks for patience.
const PATIENCE: u32 = 10;

/// What the approver does with a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// Approves it, perhaps with a word.
    Approve(Option<String>),
    /// Writes on it, then approves it: the content is no longer what was sent.
    Annotate(Option<String>),
    /// Refuses it, with the reason.
    Reject(String),
    /// Leaves it for later.
    Wait,
}

/// An approver who answers every request without being asked twice.
#[derive(Clone)]
pub struct Automatic {
    /// How long the approver thinks; zero answers before the request is.
    pub after: Duration,
    /// What is answered for the file at this path.
    pub reply: Arc<dyn Fn(&str) -> Reply + Send + Sync>,
}

impl Automatic {
    /// Approves everything at once.
    pub fn approving() -> Self {
        Self {
            after: Duration::ZERO,
            reply: Arc::new(|_| Reply::Approve(None)),
        }
    }
}

/// What a server may lack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The approval app.
    Approval,
    /// Comments beside files.
    Comments,
    /// System tags.
    Tags,
    /// The right to make tags.
    MakingTags,
}

/// How a simulated Nextcloud is set up.
#[derive(Clone)]
pub struct NextcloudOptions {
    /// The loopback port, or a free one.
    pub port: Option<u16>,
    /// What the service account signs in with.
    pub login: String,
    /// Its user id, which paths bear: not its login, as with a directory.
    pub user_id: String,
    /// Its app password.
    pub app_password: String,
    /// The approver's user id, login and password alike.
    pub approver_id: String,
    /// The approver's name.
    pub approver_name: String,
    /// The approval rules, numbered from 1.
    pub rules: Vec<String>,
    /// The approver's habits; without them a test plays the part.
    pub automatic: Option<Automatic>,
    /// Bytes that the account may hold.
    pub quota: Option<usize>,
    /// Does not know `X-NC-WebDAV-AutoMkcol`, and answers 404 for a missing parent.
    pub old_release: bool,
    /// What this server lacks.
    pub without: Vec<Part>,
    /// The tags that there are.
    pub tags: Vec<String>,
}

impl Default for NextcloudOptions {
    fn default() -> Self {
        Self {
            port: None,
            login: "navette@departement.example".into(),
            user_id: "3f1c-navette".into(),
            app_password: "app-password".into(),
            approver_id: "direction".into(),
            approver_name: "Direction des aides".into(),
            rules: vec!["Visa de la direction".into(), "Visa du président".into()],
            automatic: None,
            quota: None,
            old_release: false,
            without: vec![],
            tags: vec![],
        }
    }
}

/// Who signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Account {
    user_id: String,
    name: String,
}

struct Inner {
    tree: Tree,
    notes: tags::Notes,
    approvals: BTreeMap<u64, approval::Approval>,
    /// File and rule.
    shares: BTreeSet<(u64, u64)>,
    locked: BTreeSet<String>,
    maintenance: bool,
    refused_logins: u32,
}

struct Cloud {
    options: NextcloudOptions,
    ledger: Ledger,
    inner: Mutex<Inner>,
}

impl Cloud {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lacks(&self, part: Part) -> bool {
        self.options.without.contains(&part)
    }

    fn approver(&self) -> Account {
        Account {
            user_id: self.options.approver_id.clone(),
            name: self.options.approver_name.clone(),
        }
    }

    fn account(&self, headers: &HeaderMap) -> Option<Account> {
        let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
        let decoded = STANDARD.decode(value.strip_prefix("Basic ")?).ok()?;
        let text = String::from_utf8(decoded).ok()?;
        let (login, password) = text.split_once(':')?;
        let options = &self.options;
        if login == options.login && password == options.app_password {
            return Some(Account {
                user_id: options.user_id.clone(),
                name: "Navette".into(),
            });
        }
        let approver = login == options.approver_id && password == options.approver_id;
        approver.then(|| self.approver())
    }
}

/// A running simulator; it stops when dropped.
pub struct NextcloudSim {
    cloud: Arc<Cloud>,
    server: Server,
}

impl NextcloudSim {
    /// Starts it on loopback.
    pub async fn start(
        ledger: Ledger,
        meddler: Meddler,
        options: NextcloudOptions,
    ) -> io::Result<Self> {
        let port = options.port;
        let mut notes = tags::Notes::default();
        for tag in &options.tags {
            notes.tag(tag);
        }
        let cloud = Arc::new(Cloud {
            options,
            ledger,
            inner: Mutex::new(Inner {
                tree: Tree::new(),
                approvals: BTreeMap::new(),
                notes,
                shares: BTreeSet::new(),
                locked: BTreeSet::new(),
                maintenance: false,
                refused_logins: 0,
            }),
        });
        let router = Router::new().fallback(serve).with_state(Arc::clone(&cloud));
        let server = wire::serve(Neighbour::Nextcloud, router, operation, meddler, port).await?;
        Ok(Self { cloud, server })
    }

    /// Where it listens.
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// The approver's answer for one file, by its number or its path; false when it is not theirs to give.
    pub fn answer(&self, file: &str, reply: Reply) -> bool {
        let mut inner = self.cloud.inner();
        let number = file
            .parse()
            .ok()
            .or_else(|| inner.tree.get(file).map(|node| node.id));
        number.is_some_and(|number| approval::apply(&self.cloud, &mut inner, number, reply))
    }

    /// Approves one file.
    pub fn approve(&self, file: &str, comment: Option<&str>) -> bool {
        self.answer(file, Reply::Approve(comment.map(str::to_owned)))
    }

    /// Refuses one file.
    pub fn reject(&self, file: &str, reason: &str) -> bool {
        self.answer(file, Reply::Reject(reason.to_owned()))
    }

    /// The approver puts a tag on the file at `path`.
    pub fn tag(&self, path: &str, tag: &str) -> bool {
        let mut inner = self.cloud.inner();
        let Some(file) = inner.tree.get(path).map(|node| node.id) else {
            return false;
        };
        let tag = inner.notes.tag(tag);
        inner.notes.put(file, tag)
    }

    /// The approver writes beside the file at `path`.
    pub fn comment(&self, path: &str, message: &str) -> bool {
        let author = self.cloud.approver();
        let mut inner = self.cloud.inner();
        let Some(file) = inner.tree.get(path).map(|node| node.id) else {
            return false;
        };
        inner.notes.comment(file, author, message);
        true
    }

    /// The paths of the account's files.
    pub fn files(&self) -> Vec<String> {
        let inner = self.cloud.inner();
        inner.tree.files().map(str::to_owned).collect()
    }

    /// The content of a file.
    pub fn content(&self, path: &str) -> Option<Bytes> {
        let inner = self.cloud.inner();
        let file = inner.tree.get(path)?.file.as_ref()?;
        Some(file.bytes.clone())
    }

    /// Somebody writes a file, whatever was there.
    pub fn write(&self, path: &str, bytes: &[u8]) {
        let mut inner = self.cloud.inner();
        for folder in inner.tree.missing_parents(path) {
            inner.tree.make_folder(&folder);
        }
        let file = File {
            bytes: Bytes::copy_from_slice(bytes),
            checksum: None,
        };
        inner.tree.write(path, file);
    }

    /// Somebody renames a file.
    pub fn rename(&self, from: &str, to: &str) -> bool {
        self.cloud.inner().tree.rename(from, to)
    }

    /// Somebody deletes a file or a folder.
    pub fn delete(&self, path: &str) -> bool {
        self.cloud.inner().tree.remove(path)
    }

    /// Somebody has a file open, and it cannot be written or deleted.
    pub fn lock(&self, path: &str) {
        self.cloud.inner().locked.insert(path.to_owned());
    }

    /// The administrator updates the server.
    pub fn maintenance(&self, under_way: bool) {
        self.cloud.inner().maintenance = under_way;
    }
}

async fn serve(State(cloud): State<Arc<Cloud>>, request: Request) -> Response<Body> {
    let (parts, body) = request.into_parts();
    // The wire has already read the body, with its own limit.
    let body = to_bytes(body, usize::MAX).await.unwrap_or_default();
    let path = parts.uri.path().to_owned();
    let ocs_version = match path.get(..12) {
        Some("/ocs/v1.php/") => Some(1),
        Some("/ocs/v2.php/") => Some(2),
        _ => None,
    };
    let account = match sign_in(&cloud, &parts.headers) {
        Ok(account) => account,
        Err(StatusCode::UNAUTHORIZED) if ocs_version.is_some() => {
            let refusal = (StatusCode::UNAUTHORIZED, json!([]));
            return ocs::envelope(ocs_version.unwrap_or(2), true, Err(refusal));
        }
        Err(status) => return closed(status),
    };
    if let Some(version) = ocs_version {
        ocs::serve(&cloud, &account, (version, &path[12..]), &parts, &body)
    } else if let Some(rest) = path.strip_prefix("/remote.php/dav/files/") {
        dav::serve(&cloud, &account, rest, &parts, &body)
    } else if let Some(rest) = path.strip_prefix("/remote.php/dav/") {
        tags::serve(&cloud, rest, &parts, &body)
    } else {
        dav::error(StatusCode::NOT_FOUND, "NotFound", "no such service")
    }
}

/// Maintenance comes first, then brute-force protection, then the password.
fn sign_in(cloud: &Cloud, headers: &HeaderMap) -> Result<Account, StatusCode> {
    let mut inner = cloud.inner();
    if inner.maintenance {
        return Err(StatusCode::SERVICE_UNAVAILABLE);
    }
    if inner.refused_logins >= PATIENCE {
        return Err(StatusCode::TOO_MANY_REQUESTS);
    }
    let account = cloud.account(headers);
    inner.refused_logins = if account.is_some() {
        0
    } else {
        inner.refused_logins + 1
    };
    account.ok_or(StatusCode::UNAUTHORIZED)
}

fn closed(status: StatusCode) -> Response<Body> {
    let (exception, text) = match status {
        StatusCode::SERVICE_UNAVAILABLE => ("ServiceUnavailable", "System in maintenance mode."),
        StatusCode::TOO_MANY_REQUESTS => ("TooManyRequests", "Too many requests"),
        _ => ("NotAuthenticated", "Cannot authenticate over ajax calls"),
    };
    let mut response = dav::error(status, exception, text);
    let headers = response.headers_mut();
    if status == StatusCode::SERVICE_UNAVAILABLE {
        let yes = HeaderValue::from_static("1");
        headers.insert("X-Nextcloud-Maintenance-Mode", yes);
        headers.insert(header::RETRY_AFTER, HeaderValue::from_static("120"));
    }
    response
}

/// `PUT`, `PROPFIND`…, and for the approval app `GET state`, `POST shares`, `POST request`.
fn operation(head: &axum::http::Request<()>, body: &[u8]) -> String {
    let (method, path) = (head.method().as_str(), head.uri().path());
    if let Some(named) = tags::operation(head.method(), path) {
        return named;
    }
    let Some((_, call)) = path.split_once("/approval/api/v1/") else {
        let user = path.ends_with("/cloud/user");
        return if user {
            "GET user".into()
        } else {
            method.to_owned()
        };
    };
    let sharing = String::from_utf8_lossy(body).contains("true");
    match call.split('/').next().unwrap_or_default() {
        "request" if sharing => "POST shares".into(),
        word => format!("{method} {word}"),
    }
}
