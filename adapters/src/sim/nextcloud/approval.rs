//! The approval app: rules, the two-step request, and a state that depends on who asks.

use super::{
    Account, Cloud, Inner, Reply,
    tree::{File, Node},
};
use bytes::Bytes;
use chrono::Utc;
use navette_domain::ports::Neighbour;
use serde_json::{Value, json};
use std::sync::Arc;

const NOTHING: u8 = 0;
const PENDING: u8 = 1;
const APPROVED: u8 = 2;
const REJECTED: u8 = 3;
const APPROVABLE: u8 = 4;

/// Where one file stands.
#[derive(Debug, Clone)]
pub(super) struct Approval {
    rule: u64,
    state: u8,
    by: Account,
    at: i64,
    message: String,
}

/// Why the app answers 400: its error text, or nothing at all.
pub(super) struct NotDone(pub(super) Option<&'static str>);

/// The rules that `account` may request.
pub(super) fn requestable(cloud: &Cloud, account: &Account) -> Value {
    if account.user_id != cloud.options.user_id {
        return json!([]);
    }
    let ids = 1..;
    let rules = ids.zip(&cloud.options.rules);
    rules.map(|(id, name)| rule(cloud, id, name)).collect()
}

fn rule(cloud: &Cloud, id: u64, name: &str) -> Value {
    let person = |user: &str| json!([{"type": "user", "entityId": user}]);
    json!({
        "id": id, "description": name,
        "tagPending": 3 * id, "tagApproved": 3 * id + 1, "tagRejected": 3 * id + 2,
        "approvers": person(&cloud.options.approver_id),
        "requesters": person(&cloud.options.user_id),
        "unapproveWhenModified": false,
    })
}

/// The state of `file` as `account` sees it; a file that is gone has none.
pub(super) fn state(cloud: &Cloud, inner: &Inner, account: &Account, file: u64) -> Value {
    let known = inner.approvals.get(&file);
    let Some(approval) = known.filter(|_| inner.tree.path_of(file).is_some()) else {
        return json!({"state": NOTHING});
    };
    let state = if approvable(cloud, inner, account, file) {
        APPROVABLE
    } else {
        approval.state
    };
    let name = usize::try_from(approval.rule - 1)
        .ok()
        .and_then(|index| cloud.options.rules.get(index));
    json!({
        "state": state,
        "rule": rule(cloud, approval.rule, name.map_or("", String::as_str)),
        "userId": approval.by.user_id, "userName": approval.by.name,
        "timestamp": approval.at, "message": approval.message,
    })
}

fn approvable(cloud: &Cloud, inner: &Inner, account: &Account, file: u64) -> bool {
    let pending = inner.approvals.get(&file).filter(|a| a.state == PENDING);
    account.user_id == cloud.options.approver_id
        && pending.is_some_and(|a| inner.shares.contains(&(file, a.rule)))
}

/// The two-step request: with `create_shares` it only shares, without it the request is placed.
pub(super) fn request(
    cloud: &Arc<Cloud>,
    inner: &mut Inner,
    account: &Account,
    (file, rule): (u64, u64),
    create_shares: bool,
) -> Result<Value, NotDone> {
    if let Some(text) = refusal_of_request(cloud, inner, account, (file, rule)) {
        return Err(NotDone(Some(text)));
    }
    if create_shares {
        if inner.shares.insert((file, rule)) {
            cloud.note("file shared", &file.to_string(), None);
        }
        return Ok(json!([]));
    }
    let approval = Approval {
        rule,
        state: PENDING,
        by: account.clone(),
        at: Utc::now().timestamp(),
        message: String::new(),
    };
    inner.approvals.insert(file, approval);
    cloud.note("approval requested", &file.to_string(), None);
    if !inner.shares.contains(&(file, rule)) {
        let text = "This element is not shared with any user who is authorized to approve it";
        return Ok(json!({"warning": text}));
    }
    answer_by_itself(cloud, inner, file);
    Ok(json!([]))
}

fn refusal_of_request(
    cloud: &Cloud,
    inner: &Inner,
    account: &Account,
    (file, rule): (u64, u64),
) -> Option<&'static str> {
    if inner.tree.path_of(file).is_none() {
        return Some("You do not have access to this file");
    }
    if rule == 0 || rule > cloud.options.rules.len() as u64 {
        return Some("Rule does not exist");
    }
    if account.user_id != cloud.options.user_id {
        return Some("You are not authorized to request with this rule");
    }
    match inner.approvals.get(&file)?.state {
        PENDING => Some("Approval has already been requested with this rule for this file"),
        APPROVED => Some("This file has already been approved"),
        _ => None,
    }
}

/// The automatic approver, at once or after its delay.
fn answer_by_itself(cloud: &Arc<Cloud>, inner: &mut Inner, file: u64) {
    let (Some(automatic), Some(path)) = (&cloud.options.automatic, inner.tree.path_of(file)) else {
        return;
    };
    let reply = (automatic.reply)(path);
    if automatic.after.is_zero() {
        apply(cloud, inner, file, reply);
        return;
    }
    let (cloud, after) = (Arc::clone(cloud), automatic.after);
    tokio::spawn(async move {
        tokio::time::sleep(after).await;
        apply(&cloud, &mut cloud.inner(), file, reply);
    });
}

/// What the approver does with `file`; false when it is not theirs to approve.
pub(super) fn apply(cloud: &Cloud, inner: &mut Inner, file: u64, reply: Reply) -> bool {
    let approver = cloud.approver();
    let path = inner.tree.path_of(file).map(str::to_owned);
    let (Some(path), true) = (path, approvable(cloud, inner, &approver, file)) else {
        return false;
    };
    let (state, message) = match reply {
        Reply::Wait => return true,
        Reply::Approve(comment) => (APPROVED, comment.unwrap_or_default()),
        Reply::Annotate(comment) => {
            annotate(inner, &path);
            (APPROVED, comment.unwrap_or_default())
        }
        Reply::Reject(reason) => (REJECTED, reason),
    };
    let effect = if state == APPROVED {
        "visa given"
    } else {
        "visa refused"
    };
    cloud.note(effect, &file.to_string(), None);
    if let Some(approval) = inner.approvals.get_mut(&file) {
        approval.state = state;
        approval.by = approver;
        approval.at = Utc::now().timestamp();
        approval.message = message;
    }
    true
}

/// Writes on the PDF as a tablet does: at its end, so that it still begins with what was sent.
fn annotate(inner: &mut Inner, path: &str) {
    let Some(Node {
        file: Some(file), ..
    }) = inner.tree.get(path)
    else {
        return;
    };
    let mut bytes = file.bytes.to_vec();
    bytes.extend_from_slice(b"\n% annotation sur tablette\n%%EOF\n");
    let file = File {
        bytes: Bytes::from(bytes),
        checksum: None,
    };
    inner.tree.write(path, file);
}

/// `PUT approve/{file}` and `PUT reject/{file}`: the mark must be the one WebDAV shows, without quotes.
pub(super) fn answer(
    cloud: &Cloud,
    inner: &mut Inner,
    account: &Account,
    file: u64,
    etag: Option<&str>,
    reply: Reply,
) -> Result<Value, NotDone> {
    if !approvable(cloud, inner, account, file) {
        return Err(NotDone(None));
    }
    let path = inner.tree.path_of(file).unwrap_or_default();
    let current = inner.tree.get(path).map(|node| node.etag.as_str());
    if current != etag {
        return Err(NotDone(Some("File has been modified: outdated etag")));
    }
    apply(cloud, inner, file, reply);
    Ok(json!([]))
}

impl Cloud {
    /// Notes an effect.
    pub(super) fn note(&self, effect: &'static str, key: &str, content: Option<&[u8]>) {
        self.ledger.note(Neighbour::Nextcloud, effect, key, content);
    }
}
