//! OCS: the envelope in both versions and both formats, the account, and the approval app's routes.

use super::{
    Account, Cloud, Part, Reply,
    approval::{self, NotDone},
};
use axum::{
    body::Body,
    http::{Response, StatusCode, header, request::Parts},
};
use serde_json::{Value, json};
use std::{fmt::Write as _, sync::Arc};

const APPROVAL: &str = "apps/approval/api/v1/";

/// What an OCS route answers: data, or a refusal with its status and data.
type Outcome = Result<Value, (StatusCode, Value)>;

/// Serves `/ocs/v{version}.php/{route}`.
pub(super) fn serve(
    cloud: &Arc<Cloud>,
    account: &Account,
    (version, route): (u8, &str),
    parts: &Parts,
    body: &[u8],
) -> Response<Body> {
    let outcome = if parts
        .headers
        .get("OCS-APIRequest")
        .is_none_or(|v| v != "true")
    {
        Err((StatusCode::PRECONDITION_FAILED, json!("CSRF check failed")))
    } else if route == "cloud/user" {
        Ok(json!({"id": account.user_id, "display-name": account.name, "enabled": true}))
    } else if route == "cloud/capabilities" {
        Ok(capabilities(cloud))
    } else if let Some(call) = route.strip_prefix(APPROVAL)
        && !cloud.lacks(Part::Approval)
    {
        approval_call(cloud, account, parts.method.as_str(), call, body)
    } else {
        Err((StatusCode::NOT_FOUND, json!([])))
    };
    envelope(version, wants_json(parts), outcome)
}

fn capabilities(cloud: &Cloud) -> Value {
    json!({
        "version": {"major": 31, "minor": 0, "micro": 5, "string": "31.0.5", "edition": ""},
        "capabilities": {
            "files": {"comments": !cloud.lacks(Part::Comments), "undelete": true},
            "systemtags": {"enabled": !cloud.lacks(Part::Tags)},
        },
    })
}

fn approval_call(
    cloud: &Arc<Cloud>,
    account: &Account,
    method: &str,
    call: &str,
    body: &[u8],
) -> Outcome {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let words: Vec<&str> = call.split('/').collect();
    let number = |index: usize| {
        let word = words.get(index).copied().unwrap_or_default();
        word.parse::<u64>()
            .map_err(|_| (StatusCode::NOT_FOUND, json!([])))
    };
    let mut inner = cloud.inner();
    let text = |key: &str| body[key].as_str();
    let message = || text("message").map(str::to_owned);
    let done = match (method, words[0]) {
        ("GET", "user-requester-rules") => Ok(approval::requestable(cloud, account)),
        ("GET", "state") => Ok(approval::state(cloud, &inner, account, number(1)?)),
        ("POST", "request") => {
            let (target, shares) = ((number(1)?, number(2)?), body["createShares"] == true);
            approval::request(cloud, &mut inner, account, target, shares)
        }
        ("PUT", "approve") => {
            let (file, reply) = (number(1)?, Reply::Approve(message()));
            approval::answer(cloud, &mut inner, account, file, text("etag"), reply)
        }
        ("PUT", "reject") => {
            let (file, reply) = (number(1)?, Reply::Reject(message().unwrap_or_default()));
            approval::answer(cloud, &mut inner, account, file, text("etag"), reply)
        }
        _ => return Err((StatusCode::NOT_FOUND, json!([]))),
    };
    done.map_err(|NotDone(error)| {
        let data = error.map_or(json!([]), |error| json!({"error": error}));
        (StatusCode::BAD_REQUEST, data)
    })
}

fn wants_json(parts: &Parts) -> bool {
    let accept = parts.headers.get(header::ACCEPT);
    let accepted = accept.is_some_and(|v| v.to_str().is_ok_and(|v| v.contains("json")));
    accepted || parts.uri.query().is_some_and(|q| q.contains("format=json"))
}

/// Version 1 answers 200 with its own codes (100 is success); version 2 speaks HTTP.
pub(super) fn envelope(version: u8, as_json: bool, outcome: Outcome) -> Response<Body> {
    let (status, data) = match outcome {
        Ok(data) => (StatusCode::OK, data),
        Err(refusal) => refusal,
    };
    let code = match (version, status) {
        (1, StatusCode::OK) => 100,
        (1, StatusCode::UNAUTHORIZED) => 997,
        (1, StatusCode::NOT_FOUND) => 998,
        _ => status.as_u16(),
    };
    let word = if status == StatusCode::OK {
        "ok"
    } else {
        "failure"
    };
    let meta = json!({"status": word, "statuscode": code, "message": word.to_uppercase()});
    // Version 1 hides its errors behind a 200, except the two that come before the route.
    let outside = matches!(
        status,
        StatusCode::UNAUTHORIZED | StatusCode::PRECONDITION_FAILED
    );
    let http = if version == 1 && !outside {
        StatusCode::OK
    } else {
        status
    };
    written(http, as_json, &json!({"ocs": {"meta": meta, "data": data}}))
}

fn written(status: StatusCode, as_json: bool, ocs: &Value) -> Response<Body> {
    let (kind, text) = if as_json {
        ("application/json; charset=utf-8", ocs.to_string())
    } else {
        let mut text = String::from("<?xml version=\"1.0\"?>");
        xml(&mut text, ocs);
        ("text/xml; charset=UTF-8", text)
    };
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    let kind = header::HeaderValue::from_static(kind);
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

fn xml(out: &mut String, value: &Value) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                let _ = write!(out, "<{name}>");
                xml(out, value);
                let _ = write!(out, "</{name}>");
            }
        }
        Value::Array(elements) => {
            for element in elements {
                out.push_str("<element>");
                xml(out, element);
                out.push_str("</element>");
            }
        }
        Value::String(text) => out.push_str(&quick_xml::escape::escape(text.as_str())),
        Value::Null => {}
        Value::Bool(yes) => out.push(if *yes { '1' } else { '0' }),
        Value::Number(number) => {
            let _ = write!(out, "{number}");
        }
    }
}
