//! What an event of a document names: files, steps of its chain.

use super::DocumentEvent;
use crate::{chain::StepId, digest::Digest};

impl DocumentEvent {
    /// The files of the store that this event names.
    pub fn files(&self) -> Vec<Digest> {
        match self {
            Self::Merged { office, .. } => vec![*office],
            Self::Converted { pdf, .. } | Self::Visaed { pdf, .. } | Self::Signed { pdf, .. } => {
                vec![pdf.file]
            }
            Self::ScanReturned { pdf, .. } => vec![pdf.file],
            Self::SentForVisa { sent, .. }
            | Self::SentForSignature { sent, .. }
            | Self::SentToPrint { sent, .. } => vec![*sent],
            Self::Attached { file, .. } | Self::Published { file, .. } => vec![*file],
            Self::Requested { .. }
            | Self::VisaRefused { .. }
            | Self::SignatureRefused { .. }
            | Self::Registered { .. }
            | Self::Reported { .. }
            | Self::Emailed { .. }
            | Self::Called { .. }
            | Self::StepTaken { .. }
            | Self::StepSkipped { .. }
            | Self::ApprovalAsked { .. }
            | Self::Approved { .. }
            | Self::ApprovalRefused { .. }
            | Self::WaitBegan { .. }
            | Self::WaitEnded { .. }
            | Self::Delivered { .. }
            | Self::Reminded { .. }
            | Self::Failed { .. }
            | Self::Retried { .. }
            | Self::SkippedByHand { .. }
            | Self::Restarted { .. }
            | Self::Migrated { .. }
            | Self::Cancelled { .. } => vec![],
        }
    }

    /// The step of the chain that this event is about.
    pub fn step(&self) -> Option<&StepId> {
        match self {
            Self::Merged { step, .. }
            | Self::Converted { step, .. }
            | Self::SentForVisa { step, .. }
            | Self::Visaed { step, .. }
            | Self::VisaRefused { step, .. }
            | Self::SentForSignature { step, .. }
            | Self::Signed { step, .. }
            | Self::SignatureRefused { step, .. }
            | Self::SentToPrint { step, .. }
            | Self::ScanReturned { step, .. }
            | Self::Registered { step, .. }
            | Self::Attached { step, .. }
            | Self::Reported { step, .. }
            | Self::Emailed { step, .. }
            | Self::Published { step, .. }
            | Self::Called { step, .. }
            | Self::StepTaken { step, .. }
            | Self::StepSkipped { step, .. }
            | Self::ApprovalAsked { step, .. }
            | Self::Approved { step, .. }
            | Self::ApprovalRefused { step, .. }
            | Self::WaitBegan { step, .. }
            | Self::WaitEnded { step, .. }
            | Self::Reminded { step, .. }
            | Self::SkippedByHand { step, .. }
            | Self::Failed { step, .. } => Some(step),
            Self::Requested { .. }
            | Self::Delivered { .. }
            | Self::Retried { .. }
            | Self::Restarted { .. }
            | Self::Migrated { .. }
            | Self::Cancelled { .. } => None,
        }
    }

    /// The step of the chain that this event ends.
    pub fn completed_step(&self) -> Option<&StepId> {
        match self {
            Self::Merged { step, .. }
            | Self::Converted { step, .. }
            | Self::Visaed { step, .. }
            | Self::Signed { step, .. }
            | Self::ScanReturned { step, .. }
            | Self::Registered { step, .. }
            | Self::Attached { step, .. }
            | Self::Reported { step, .. }
            | Self::Emailed { step, .. }
            | Self::Published { step, .. }
            | Self::Called { step, .. }
            | Self::StepSkipped { step, .. }
            | Self::Approved { step, .. }
            | Self::WaitEnded { step, .. }
            | Self::SkippedByHand { step, .. } => Some(step),
            Self::Requested { .. }
            | Self::SentForVisa { .. }
            | Self::VisaRefused { .. }
            | Self::SentForSignature { .. }
            | Self::SignatureRefused { .. }
            | Self::SentToPrint { .. }
            | Self::StepTaken { .. }
            | Self::ApprovalAsked { .. }
            | Self::ApprovalRefused { .. }
            | Self::WaitBegan { .. }
            | Self::Delivered { .. }
            | Self::Reminded { .. }
            | Self::Failed { .. }
            | Self::Retried { .. }
            | Self::Restarted { .. }
            | Self::Migrated { .. }
            | Self::Cancelled { .. } => None,
        }
    }
}
