//! API tokens: how people and programs prove who they are.
//!
//! A token is 256 random bits, shown once; the database holds its SHA-256. What is not even the shape of a
//! token is turned away without asking the database; all others cost one look-up by digest, so that time
//! tells nothing about them.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use navette_domain::{
    digest::Digest,
    personal::Personal,
    policy::{Principal, Role},
    third_party::EmailAddress,
};
use rand::{TryRngCore as _, rngs::OsRng};
use secrecy::{ExposeSecret as _, SecretString};
use sqlx::{FromRow, PgPool};

/// What is before the name of a token in an actor.
pub(crate) const ACTOR: &str = "token:";
const PREFIX: &str = "navette_";
/// 256 bits in base64.
const LENGTH: usize = PREFIX.len() + 43;

/// For whom a token is made.
#[derive(Debug, Clone)]
pub struct Holder {
    /// Its name, in every event it causes; never given again.
    pub name: String,
    /// What it is here for.
    pub role: Role,
    /// The services it is limited to; all when empty.
    pub services: Vec<String>,
    /// The schemes it is limited to; all when empty.
    pub schemes: Vec<String>,
    /// Where to write to it.
    pub email: Option<Personal<EmailAddress>>,
}

/// Why a token was not made.
#[derive(Debug, thiserror::Error)]
pub enum IssueRefusal {
    /// The name is empty, too long, or not made of letters, digits, dots, hyphens and underscores.
    #[error("a token's name is made of 1 to 64 letters, digits, dots, hyphens and underscores")]
    BadName,
    /// The name was given before, perhaps to a token that is revoked.
    #[error("another token has, or had, this name")]
    NameTaken,
    /// The system gave no randomness.
    #[error("the system gives no randomness")]
    NoRandomness(#[source] rand::rand_core::OsError),
    /// The database failed.
    #[error("the token could not be stored")]
    Sql(#[from] sqlx::Error),
}

/// Makes a token. It cannot be shown again.
pub async fn issue(pool: &PgPool, holder: &Holder) -> Result<SecretString, IssueRefusal> {
    let plain = |c: char| c.is_ascii_alphanumeric() || ".-_".contains(c);
    if !(1..=64).contains(&holder.name.len()) || !holder.name.chars().all(plain) {
        return Err(IssueRefusal::BadName);
    }
    let mut bits = [0; 32];
    OsRng
        .try_fill_bytes(&mut bits)
        .map_err(IssueRefusal::NoRandomness)?;
    let token = format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bits));
    let inserted = sqlx::query(
        "INSERT INTO api_tokens (digest, name, role, services, schemes, email)
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT ON CONSTRAINT api_tokens_name DO NOTHING",
    )
    .bind(digest(&token))
    .bind(&holder.name)
    .bind(role_name(holder.role))
    .bind(&holder.services)
    .bind(&holder.schemes)
    .bind(
        holder
            .email
            .as_ref()
            .map(|email| email.reveal().to_string()),
    )
    .execute(pool)
    .await?;
    if inserted.rows_affected() == 0 {
        return Err(IssueRefusal::NameTaken);
    }
    Ok(token.into())
}

/// Closes the door to the token of this name, at once. `false` when there is none in force.
pub async fn revoke(pool: &PgPool, name: &str) -> Result<bool, sqlx::Error> {
    let revoked = sqlx::query(
        "UPDATE api_tokens SET revoked_at = clock_timestamp() WHERE name = $1 AND revoked_at IS NULL",
    )
    .bind(name)
    .execute(pool)
    .await?;
    Ok(revoked.rows_affected() > 0)
}

/// The name and role of every token, and when it was revoked if it was; by name.
pub async fn list(
    pool: &PgPool,
) -> Result<Vec<(String, String, Option<DateTime<Utc>>)>, sqlx::Error> {
    sqlx::query_as("SELECT name, role, revoked_at FROM api_tokens ORDER BY name")
        .fetch_all(pool)
        .await
}

#[derive(FromRow)]
struct TokenRow {
    name: String,
    role: String,
    services: Vec<String>,
    schemes: Vec<String>,
    email: Option<String>,
}

/// Who holds this token, if anybody does.
pub async fn authenticate(
    pool: &PgPool,
    bearer: &SecretString,
) -> Result<Option<Principal>, sqlx::Error> {
    let token = bearer.expose_secret();
    if !is_shaped(token) {
        return Ok(None);
    }
    let row: Option<TokenRow> = sqlx::query_as(
        "SELECT name, role, services, schemes, email FROM api_tokens
         WHERE digest = $1 AND revoked_at IS NULL",
    )
    .bind(digest(token))
    .fetch_optional(pool)
    .await?;
    Ok(row.and_then(principal))
}

/// Who holds the token of this name, if it is in force.
pub async fn named(pool: &PgPool, name: &str) -> Result<Option<Principal>, sqlx::Error> {
    let row: Option<TokenRow> = sqlx::query_as(
        "SELECT name, role, services, schemes, email FROM api_tokens
         WHERE name = $1 AND revoked_at IS NULL",
    )
    .bind(name)
    .fetch_optional(pool)
    .await?;
    Ok(row.and_then(principal))
}

/// Who acts under this name in the log, if their token is in force.
pub async fn acting(pool: &PgPool, actor: &str) -> Result<Option<Principal>, sqlx::Error> {
    match actor.strip_prefix(ACTOR) {
        Some(name) => named(pool, name).await,
        None => Ok(None),
    }
}

fn is_shaped(token: &str) -> bool {
    token.len() == LENGTH
        && token.strip_prefix(PREFIX).is_some_and(|bits| {
            bits.bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
        })
}

fn digest(token: &str) -> Vec<u8> {
    Digest::of(token.as_bytes()).as_bytes().to_vec()
}

/// A role that this version does not know opens no door.
fn principal(row: TokenRow) -> Option<Principal> {
    let role = ROLES.iter().find(|(_, name)| *name == row.role)?.0;
    Some(Principal {
        actor: format!("{ACTOR}{}", row.name),
        role,
        services: row.services,
        schemes: row.schemes,
        email: row.email.and_then(|email| email.parse().ok()).map(Personal),
    })
}

const ROLES: [(Role, &str); 5] = [
    (Role::Instructor, "instructor"),
    (Role::Supervisor, "supervisor"),
    (Role::Auditor, "auditor"),
    (Role::Integrator, "integrator"),
    (Role::Admin, "admin"),
];

fn role_name(role: Role) -> &'static str {
    ROLES
        .iter()
        .find(|(known, _)| *known == role)
        .map_or("", |(_, name)| name)
}
