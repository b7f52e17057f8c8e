//! The small types that rows share with the GraphQL schema: the domain's own, spoken in three languages
//! (Rust, the column's text, the schema's enum).

use navette_domain as domain;
use serde::{Deserialize, Serialize};

/// A stored text that names nothing known: the table was filled by a newer version.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is not known to this version")]
pub struct Unknown(pub String);

macro_rules! kinds {
    ($($(#[$meta:meta])* $name:ident $(of $remote:literal)? { $($variant:ident = $text:literal),+ $(,)? })+) => {$(
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, async_graphql::Enum, Serialize, Deserialize)]
        $(#[graphql(remote = $remote)])?
        #[expect(missing_docs, reason = "the names are those of the domain")]
        pub enum $name { $($variant),+ }

        impl $name {
            /// Its text in a column.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }
        }

        impl TryFrom<String> for $name {
            type Error = Unknown;
            fn try_from(text: String) -> Result<Self, Unknown> {
                match text.as_str() { $($text => Ok(Self::$variant),)+ _ => Err(Unknown(text)) }
            }
        }
    )+};
}
kinds! {
    /// Where a dossier stands.
    DossierStatus of "domain::dossier::DossierStatus" {
        Deposited = "deposited",
        Complete = "complete",
        UnderInstruction = "under_instruction",
        Scheduled = "scheduled",
        Granted = "granted",
        Refused = "refused",
        Adjourned = "adjourned",
        Notified = "notified",
        Closed = "closed",
    }
    /// Where a document stands.
    DocumentStatus of "domain::document::DocumentStatus" {
        Requested = "requested",
        Merged = "merged",
        Converted = "converted",
        InVisa = "in_visa",
        Visaed = "visaed",
        VisaRefused = "visa_refused",
        InApproval = "in_approval",
        Waiting = "waiting",
        InSignature = "in_signature",
        OnPaper = "on_paper",
        Signed = "signed",
        SignatureRefused = "signature_refused",
        Registered = "registered",
        Attached = "attached",
        Delivered = "delivered",
        Cancelled = "cancelled",
    }
    /// The format of an office file.
    OfficeFormat of "domain::ports::OfficeFormat" {
        Odt = "odt",
        Ods = "ods",
        Docx = "docx",
        Xlsx = "xlsx",
    }
    /// The format of an image.
    ImageFormat of "domain::image::ImageFormat" {
        Png = "png",
        Jpeg = "jpeg",
    }
    /// The format of a file that was added to a dossier.
    AttachmentFormat of "domain::attachment::AttachmentFormat" {
        Pdf = "pdf",
        Png = "png",
        Jpeg = "jpeg",
        Odt = "odt",
        Ods = "ods",
        Docx = "docx",
        Xlsx = "xlsx",
    }
    /// What a field of the data dictionary holds.
    FieldKind of "domain::dictionary::FieldKind" {
        Text = "text",
        Amount = "amount",
        Date = "date",
        Integer = "integer",
        Boolean = "boolean",
        List = "list",
        Record = "record",
    }
    /// What a template includes by its code.
    IncludedKind of "domain::template::IncludedKind" {
        Template = "template",
        Image = "image",
    }
    /// How many documents a batch of a chain makes.
    ChainScope of "domain::chain::Scope" {
        Dossier = "dossier",
        Batch = "batch",
    }
    /// Where a passage at the signing desk stands.
    SignatureStatus {
        Prepared = "prepared",
        Submitted = "submitted",
        Signed = "signed",
        Rejected = "rejected",
        Withdrawn = "withdrawn",
        Retrieved = "retrieved",
        Archived = "archived",
        Discarded = "discarded",
    }
    /// Where a batch stands.
    BatchState {
        Running = "running",
        Paused = "paused",
        Completed = "completed",
        Cancelled = "cancelled",
    }
    /// The form of the bytes of an export.
    ExportFormat of "domain::export::Format" {
        CsvFrench = "csv_french",
        Csv = "csv",
        Xlsx = "xlsx",
        Ods = "ods",
        Json = "json",
        Ndjson = "ndjson",
        Xml = "xml",
        Parquet = "parquet",
        Scdl = "scdl",
    }
    /// What the cells of a column of exports hold.
    CellKind of "domain::export::Kind" {
        Text = "text",
        Integer = "integer",
        Amount = "amount",
        Date = "date",
        Timestamp = "timestamp",
        Boolean = "boolean",
    }
    /// Where an export stands.
    ExportState {
        Requested = "requested",
        Completed = "completed",
        Failed = "failed",
        Cancelled = "cancelled",
        Expired = "expired",
    }
    /// Where the files of a schedule of exports go.
    DestinationKind {
        Folder = "folder",
        Webdav = "webdav",
        Email = "email",
    }
    /// Where a run of a schedule of exports stands.
    RunState {
        Running = "running",
        Delivered = "delivered",
        GivenUp = "given_up",
    }
    /// On what a trigger fires.
    OccasionKind {
        Status = "status",
        Chain = "chain",
        Calendar = "calendar",
    }
    /// A day of the week.
    Weekday of "domain::export::schedule::Weekday" {
        Monday = "monday",
        Tuesday = "tuesday",
        Wednesday = "wednesday",
        Thursday = "thursday",
        Friday = "friday",
        Saturday = "saturday",
        Sunday = "sunday",
    }
    /// How firmly a signed PDF is bound to the one that was sent.
    Binding of "domain::signature::Binding" {
        Exact = "exact",
        Weak = "weak",
    }
}

/// A sum of money in cents of euro. A number of JSON: JavaScript counts cents exactly up to 90 000 billion
/// euros.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, sqlx::Type,
)]
#[serde(transparent)]
#[sqlx(transparent)]
pub struct Cents(pub i64);
async_graphql::scalar!(
    Cents,
    "Cents",
    "A sum of money: a whole number of cents of euro."
);

/// A place in the log. Every mutation answers with one; every query can wait for one.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, sqlx::Type,
)]
#[serde(transparent)]
#[sqlx(transparent)]
pub struct Position(pub i64);
async_graphql::scalar!(Position, "Position", "A place in the log of events.");

impl From<domain::amount::Amount> for Cents {
    fn from(amount: domain::amount::Amount) -> Self {
        Self(amount.cents())
    }
}
