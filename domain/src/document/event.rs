//! What happens to a document.

use super::{BackTo, ByHand, Order, PdfRef};
use crate::{
    chain::{ChainRef, StepId},
    digest::Digest,
    event::events,
    ids::SignatureId,
    personal::Personal,
    ports::{Circulation, OfficeFormat, Registration},
};
use chrono::{DateTime, Utc};
use std::collections::BTreeMap;

events! {
    /// What happens to a document. Those that end a step of its chain name it.
    pub enum DocumentEvent {
        /// A batch asked for it.
        Requested = "document.requested", 1 {
            /// What was asked.
            order: Order,
            /// When.
            at: DateTime<Utc>,
        }
        /// Its data were merged into its template.
        Merged = "document.merged", 1 {
            /// The step that is over.
            step: StepId,
            /// The office file.
            office: Digest,
            /// Its format.
            format: OfficeFormat,
            /// The data that were merged.
            data: Digest,
            /// When.
            at: DateTime<Utc>,
        }
        /// Its PDF was made.
        Converted = "document.converted", 1 {
            /// The step that is over.
            step: StepId,
            /// The PDF.
            pdf: PdfRef,
            /// When.
            at: DateTime<Utc>,
        }
        /// It began to circulate.
        SentForVisa = "document.sent_for_visa", 1 {
            /// The step that began.
            step: StepId,
            /// Where it circulates.
            circulation: Circulation,
            /// The PDF as it was sent.
            sent: Digest,
            /// When.
            at: DateTime<Utc>,
        }
        /// It has its visa.
        Visaed = "document.visaed", 1 {
            /// The step that is over.
            step: StepId,
            /// The PDF as it came back, annotated perhaps.
            pdf: PdfRef,
            /// Whether it is, byte for byte, the one that was sent.
            unchanged: bool,
            /// Who gave the last visa.
            by: Personal<String>,
            /// What they wrote.
            comment: Option<String>,
            /// When they gave it.
            visaed_at: DateTime<Utc>,
            /// When Navette learnt it.
            at: DateTime<Utc>,
        }
        /// Its visa was refused.
        VisaRefused = "document.visa_refused", 1 {
            /// The step that stopped.
            step: StepId,
            /// Who refused.
            by: Personal<String>,
            /// Why, in their words.
            reason: String,
            /// When Navette learnt it.
            at: DateTime<Utc>,
        }
        /// It was put before the signatory.
        SentForSignature = "document.sent_for_signature", 1 {
            /// The step that began.
            step: StepId,
            /// The passage at the desk.
            signature: SignatureId,
            /// The PDF as it was sent.
            sent: Digest,
            /// When.
            at: DateTime<Utc>,
        }
        /// It is signed.
        Signed = "document.signed", 1 {
            /// The step that is over.
            step: StepId,
            /// The passage at the desk.
            signature: SignatureId,
            /// The signed PDF.
            pdf: PdfRef,
            /// When.
            at: DateTime<Utc>,
        }
        /// Its signature was refused.
        SignatureRefused = "document.signature_refused", 1 {
            /// The step that stopped.
            step: StepId,
            /// The passage at the desk.
            signature: SignatureId,
            /// Why, in the signatory's words.
            reason: String,
            /// When.
            at: DateTime<Utc>,
        }
        /// It is to be printed, signed by hand and scanned.
        SentToPrint = "document.sent_to_print", 1 {
            /// The step that began.
            step: StepId,
            /// The PDF that is to be printed.
            sent: Digest,
            /// When.
            at: DateTime<Utc>,
        }
        /// Its signed paper came back as a scan.
        ScanReturned = "document.scan_returned", 1 {
            /// The step that is over.
            step: StepId,
            /// The scan: the pages of this document alone.
            pdf: PdfRef,
            /// The file out of which it was cut, which is not kept: it may be about others too.
            upload: Digest,
            /// Its first page there, from 1.
            first: u32,
            /// Its last page there.
            last: u32,
            /// When.
            at: DateTime<Utc>,
        }
        /// It has its number in the mail register.
        Registered = "document.registered", 1 {
            /// The step that is over.
            step: StepId,
            /// The number.
            registration: Registration,
            /// When.
            at: DateTime<Utc>,
        }
        /// It is attached to its dossier in the grants tool.
        Attached = "document.attached", 1 {
            /// The step that is over.
            step: StepId,
            /// The PDF that was attached.
            file: Digest,
            /// Where it can be found.
            url: String,
            /// When.
            at: DateTime<Utc>,
        }
        /// The grants tool knows the dossier's new status.
        Reported = "document.reported", 1 {
            /// The step that is over.
            step: StepId,
            /// The status.
            status: String,
            /// When.
            at: DateTime<Utc>,
        }
        /// A message left about it.
        Emailed = "document.emailed", 1 {
            /// The step that is over.
            step: StepId,
            /// The message's id.
            message_id: String,
            /// When.
            at: DateTime<Utc>,
        }
        /// The applicant has it in the porte-documents.
        Published = "document.published", 1 {
            /// The step that is over.
            step: StepId,
            /// The PDF that was published.
            file: Digest,
            /// Where it can be found.
            url: String,
            /// When.
            at: DateTime<Utc>,
        }
        /// A web service was called.
        Called = "document.called", 1 {
            /// The step that is over.
            step: StepId,
            /// Which, by its name in the configuration.
            service: String,
            /// What was kept of its answer.
            answer: BTreeMap<String, String>,
            /// When.
            at: DateTime<Utc>,
        }
        /// A step is done, since its condition holds.
        StepTaken = "document.step_taken", 1 {
            /// The step.
            step: StepId,
            /// Its condition.
            expression: String,
            /// What its fields were, without what is about a person.
            found: BTreeMap<String, String>,
            /// When.
            at: DateTime<Utc>,
        }
        /// A step is left out, since its condition does not hold.
        StepSkipped = "document.step_skipped", 1 {
            /// The step that is over.
            step: StepId,
            /// Its condition.
            expression: String,
            /// What its fields were, without what is about a person.
            found: BTreeMap<String, String>,
            /// When.
            at: DateTime<Utc>,
        }
        /// It waits for somebody to approve it.
        ApprovalAsked = "document.approval_asked", 1 {
            /// The step that began.
            step: StepId,
            /// When.
            at: DateTime<Utc>,
        }
        /// Somebody approved it.
        Approved = "document.approved", 1 {
            /// The step that is over.
            step: StepId,
            /// What they wrote.
            comment: Option<String>,
            /// When.
            at: DateTime<Utc>,
        }
        /// Somebody refused to approve it.
        ApprovalRefused = "document.approval_refused", 1 {
            /// The step that stopped.
            step: StepId,
            /// Why, in their words.
            reason: String,
            /// When.
            at: DateTime<Utc>,
        }
        /// It waits for a moment.
        WaitBegan = "document.wait_began", 1 {
            /// The step that began.
            step: StepId,
            /// Until when.
            until: DateTime<Utc>,
            /// When.
            at: DateTime<Utc>,
        }
        /// The moment has come.
        WaitEnded = "document.wait_ended", 1 {
            /// The step that is over.
            step: StepId,
            /// When.
            at: DateTime<Utc>,
        }
        /// Its chain is over.
        Delivered = "document.delivered", 1 {
            /// When.
            at: DateTime<Utc>,
        }
        /// It still waits for people: whoever asked for it is reminded.
        Reminded = "document.reminded", 1 {
            /// The step that waits.
            step: StepId,
            /// When.
            at: DateTime<Utc>,
        }
        /// A step stopped, and waits for a person.
        Failed = "document.failed", 1 {
            /// The step.
            step: StepId,
            /// What to read, in French.
            sentence: String,
            /// When.
            at: DateTime<Utc>,
        }
        /// A person asked to try the stopped step again.
        Retried = "document.retried", 1 {
            /// When.
            at: DateTime<Utc>,
        }
        /// A person says that the stopped step was done by hand, or is not to be done.
        SkippedByHand = "document.skipped_by_hand", 1 {
            /// The step that is over.
            step: StepId,
            /// What was done instead.
            by_hand: ByHand,
            /// Why.
            reason: String,
            /// When.
            at: DateTime<Utc>,
        }
        /// A person sent it back.
        Restarted = "document.restarted", 1 {
            /// Why.
            reason: String,
            /// Where to, when that is not its first step.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            back_to: Option<BackTo>,
            /// When.
            at: DateTime<Utc>,
        }
        /// A person moved it to another version of its chain.
        Migrated = "document.migrated", 1 {
            /// The version.
            chain: ChainRef,
            /// The steps that begin at once, beside those under way.
            begins: Vec<StepId>,
            /// Why.
            reason: String,
            /// When.
            at: DateTime<Utc>,
        }
        /// It was given up.
        Cancelled = "document.cancelled", 1 {
            /// Why.
            reason: String,
            /// When.
            at: DateTime<Utc>,
        }
    }
}
